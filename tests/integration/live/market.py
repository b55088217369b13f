"""A simulated market in a process of its own, and the settings of whoever trades in it."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.command import TICKLEDGER, command_environment
from tickledger.domain.account import Mode
from tickledger.settings import Settings

ACCOUNT = "DU9000001"
SYMBOLS = "AAPL,FB,GOOG,IBM,MSFT"
#: The day before Independence Day: the exchange closes at 13:00 in New York.
HALF_DAY = "2012-07-03"
HALF_AN_HOUR_BEFORE_CLOSE = "2012-07-03T16:30:00+0000"


@dataclass(frozen=True)
class Market:
    """Where the gateway of a simulated market listens."""

    process: subprocess.Popen[str]
    port: int
    control_port: int

    def settings(self, home: Path, **changed: Any) -> Settings:
        """Those of a process that trades here."""
        return Settings(
            home=home,
            mode=Mode.PAPER,
            symbols=SYMBOLS,
            ib_port=self.port,
            ib_account=ACCOUNT,
            gateway_control=f"127.0.0.1:{self.control_port}",
            **changed,
        )

    def environment(self, home: Path) -> Mapping[str, str]:
        """The same as a person sets them."""
        return {
            **command_environment(home),
            "PYTHONUNBUFFERED": "1",
            "TICKLEDGER_IB_PORT": str(self.port),
            "TICKLEDGER_IB_ACCOUNT": ACCOUNT,
            "TICKLEDGER_GATEWAY_CONTROL": f"127.0.0.1:{self.control_port}",
            "TICKLEDGER_SYMBOLS": SYMBOLS,
        }


@contextmanager
def market(home: Path, *, start: str = HALF_AN_HOUR_BEFORE_CLOSE, speed: float = 60) -> Iterator[Market]:
    """A gateway on the bundled sample from `start` on, until the context ends."""
    options = {"port": 0, "control-port": 0, "account": ACCOUNT, "cash": 100_000, "speed": speed, "start": start}
    arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    command = [str(TICKLEDGER), "gateway", *arguments]
    with subprocess.Popen(
        command,
        cwd=home.parent,
        env={**command_environment(home), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            told = ""
            while "Ctrl-C" not in told:
                line = process.stdout.readline()
                assert line, told
                told += line
            port, control_port = (
                int(found) for found in re.findall(r"^\w.* on 127\.0\.0\.1:(\d+)", told, re.MULTILINE)
            )
            yield Market(process, port, control_port)
        finally:
            process.terminate()
            process.wait()


def printed(text: str) -> dict[str, Any]:
    """The JSON document that a command printed."""
    document: dict[str, Any] = json.loads(text)
    return document
