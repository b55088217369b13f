"""Connections to the ledger: URLs with their driver written out, and the pooled engine."""

import math
import time
from datetime import timedelta
from select import select
from typing import Any, Final

import psycopg
from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, InvalidatePoolError
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from tickledger.domain.errors import ConfigurationError

_EXPECTED: Final = "expected a PostgreSQL address such as postgresql://user:password@host:5432/tickledger"

#: A connection that was in use so short a time ago is looked at, and not asked whether its server still answers.
_FRESH_SECONDS: Final = 1.0
_USED_AT: Final = "used_at"


def with_driver(url: str, driver: str) -> str:
    """`url` with the driver that is to speak to it, e.g. ``postgres://h/db`` → ``postgresql+psycopg://h/db``.

    A driver already named is replaced. Raises ConfigurationError where `url` is not a PostgreSQL address.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ConfigurationError(f"{_EXPECTED}, found text that is not an address") from error
    if parsed.drivername.partition("+")[0] not in {"postgresql", "postgres"}:
        raise ConfigurationError(f"{_EXPECTED}, found {parsed.render_as_string(hide_password=True)}")
    return parsed.set(drivername=f"postgresql+{driver}").render_as_string(hide_password=False)


def create_ledger_engine(url: str, *, pool_size: int = 5, within: timedelta | None = None) -> Engine:
    """A pooled engine over psycopg 3 whose sessions read and write instants in UTC.

    Connections are tested before use, so a server that was restarted in between is not noticed. With `within`, the
    server gives up what takes longer, and a host that does not confirm what it was sent is given up as well.
    """
    address = make_url(with_driver(url, "psycopg"))
    options = {} if within is None else _impatient(within, str(address.query.get("options", "")))
    engine = create_engine(address, pool_size=pool_size, max_overflow=pool_size, connect_args=options)
    event.listen(engine, "connect", _use_utc)
    event.listen(engine, "checkin", _note_use)
    event.listen(engine, "checkout", _test)
    return engine


def _impatient(within: timedelta, options: str) -> dict[str, Any]:
    """What the driver takes for this; the shortest time that it waits for a connection is two seconds."""
    milliseconds = round(within.total_seconds() * 1000)
    limits = f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}"
    return {
        "options": f"{options} {limits}".strip(),
        "connect_timeout": max(2, math.ceil(within.total_seconds())),
        "tcp_user_timeout": milliseconds,
    }


def _use_utc(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # Committed, because a setting made in a transaction is undone when the pool rolls it back.
    connection.cursor().execute("SET TIME ZONE 'UTC'")
    connection.commit()


def _note_use(_: DBAPIConnection | None, entry: ConnectionPoolEntry) -> None:
    entry.info[_USED_AT] = time.monotonic()


def _test(_: DBAPIConnection, entry: ConnectionPoolEntry, __: PoolProxiedConnection) -> None:
    """Have the pool make new connections where this one is gone; a server that ended has said so on the socket.

    A question and its answer before each of hundreds of short transactions a second would be a third of their time.
    """
    used_at, connection = entry.info.get(_USED_AT), entry.driver_connection
    if used_at is None or not isinstance(connection, psycopg.Connection):
        return
    if time.monotonic() - used_at < _FRESH_SECONDS and _is_silent(connection):
        return
    try:
        connection.execute("SELECT 1")
        connection.rollback()
    except psycopg.Error as error:
        raise InvalidatePoolError from error


def _is_silent(connection: "psycopg.Connection[tuple[object, ...]]") -> bool:
    """Whether the connection stands and nothing waits to be read: an idle server says nothing but goodbye."""
    if connection.closed:
        return False
    readable, _, _ = select([connection.fileno()], [], [], 0)
    return not readable
