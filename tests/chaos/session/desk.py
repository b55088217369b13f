"""Real processes of a scenario: a gateway, sessions as `tickledger trade` starts them, and the servers of their home.

Only processes that were started from here, or by those, are ever signalled: sessions by their handles, PostgreSQL by
the id in its own data folder, Redis by what it says of itself over its socket.
"""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import redis

from tests.command import TICKLEDGER, command_environment
from tickledger.cache.keeper import SOCKET_NAME
from tickledger.domain.account import Mode
from tickledger.settings import Settings

ACCOUNT: Final = "DU8000001"
SYMBOLS: Final = ("AAPL", "FB", "GOOG", "IBM", "MSFT")
CASH: Final = 1_000_000
_TRADE: Final = [str(TICKLEDGER), "trade", "--mode", "paper"]
_PATIENCE: Final = 30.0


@dataclass(eq=False)
class SessionChild:
    """One session's process; `frozen_until` is by the monotonic clock."""

    process: subprocess.Popen[bytes]
    is_standby: bool
    started_at: float
    frozen_until: float = 0.0

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    @property
    def is_frozen(self) -> bool:
        return time.monotonic() < self.frozen_until

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self, seconds: float) -> None:
        """Freeze it; `Desk.tend` lets it go on when its time has come."""
        self.frozen_until = time.monotonic() + seconds
        self.process.send_signal(signal.SIGSTOP)


@dataclass
class Desk:
    """The processes. `home` has a short path, because sockets lie in it."""

    home: Path
    bars: Path
    start: str
    speed: float
    strategy: Mapping[str, str]
    sessions: list[SessionChild] = field(default_factory=list)
    gateway: subprocess.Popen[bytes] | None = None
    port: int = 0
    control_port: int = 0

    def __enter__(self) -> Self:
        self.home.mkdir(mode=0o711)
        self._start_gateway()
        return self

    def __exit__(self, *_: object) -> None:
        for child in self.sessions:
            if child.is_alive:
                child.process.send_signal(signal.SIGCONT)
                child.kill()
        if self.gateway is not None:
            self.gateway.kill()
            self.gateway.wait()

    @property
    def journal(self) -> Path:
        """Every message that the gateway got or sent."""
        return self.home / "gateway.jsonl"

    def settings(self) -> Settings:
        return Settings(
            home=self.home,
            mode=Mode.PAPER,
            ib_port=self.port,
            ib_account=ACCOUNT,
            gateway_control=f"127.0.0.1:{self.control_port}",
            symbols=",".join(SYMBOLS),
        )

    def environment(self) -> dict[str, str]:
        return {
            **command_environment(self.home),
            "TICKLEDGER_MODE": "paper",
            "TICKLEDGER_IB_PORT": str(self.port),
            "TICKLEDGER_IB_ACCOUNT": ACCOUNT,
            "TICKLEDGER_GATEWAY_CONTROL": f"127.0.0.1:{self.control_port}",
            "TICKLEDGER_SYMBOLS": ",".join(SYMBOLS),
            **self.strategy,
        }

    def _start_gateway(self) -> None:
        self.port, self.control_port = _free_port(), _free_port()
        options: dict[str, object] = {
            "port": self.port,
            "control-port": self.control_port,
            "account": ACCOUNT,
            "cash": CASH,
            "bars": self.bars,
            "start": self.start,
            "speed": self.speed,
            "participation": 0.2,
            "journal": self.journal,
        }
        command = [str(TICKLEDGER), "gateway"]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        self.gateway = self._child(command, "gateway")
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            with suppress(OSError):
                self.ask({"do": "status"})
                return
            time.sleep(0.1)
        raise TimeoutError(f"the gateway did not start: {(self.home / 'gateway.log').read_text()}")

    def _child(self, command: list[str], name: str) -> subprocess.Popen[bytes]:
        with (self.home / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                command, cwd=self.home, env=self.environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def ask(self, order: Mapping[str, Any]) -> dict[str, Any]:
        """One order over the gateway's control socket, and its answer."""
        with socket.create_connection(("127.0.0.1", self.control_port), timeout=5) as connection:
            connection.sendall(json.dumps(order).encode() + b"\n")
            with connection.makefile("rb") as answers:
                told: dict[str, Any] = json.loads(answers.readline())
        assert told["ok"], told
        return told

    def start_session(self, *, is_standby: bool = False) -> SessionChild:
        command = [*_TRADE, "--standby"] if is_standby else _TRADE
        process = self._child(command, f"session_{len(self.sessions) + 1}")
        child = SessionChild(process, is_standby, time.monotonic())
        self.sessions.append(child)
        return child

    @property
    def alive(self) -> list[SessionChild]:
        return [child for child in self.sessions if child.is_alive]

    def tend(self, *, silence: float) -> None:
        """Let those go on whose time has come; start a session where none has been heard of for so long."""
        for child in self.alive:
            if child.frozen_until and not child.is_frozen:
                child.process.send_signal(signal.SIGCONT)
                child.frozen_until = 0.0
        if not any(not child.is_frozen or child.frozen_until - time.monotonic() < silence for child in self.alive):
            self.start_session()

    def kill_postgres(self) -> None:
        """kill -9 of the server's first process; its children end by themselves."""
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((self.home / "pg/data/postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    def kill_redis(self) -> None:
        path = self.home / "redis/run" / SOCKET_NAME
        with suppress(redis.ConnectionError, FileNotFoundError, ProcessLookupError):
            connection = redis.Redis(unix_socket_path=str(path))
            os.kill(int(connection.info("server")["process_id"]), signal.SIGKILL)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
