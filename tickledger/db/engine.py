"""Connections to the ledger: URLs with their driver written out, and the pooled engine."""

from typing import Final

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from tickledger.domain.errors import ConfigurationError

_EXPECTED: Final = "expected a PostgreSQL address such as postgresql://user:password@host:5432/tickledger"


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


def create_ledger_engine(url: str, *, pool_size: int = 5) -> Engine:
    """A pooled engine over psycopg 3 whose sessions read and write instants in UTC.

    Connections are tested before use, so a server that was restarted in between is not noticed.
    """
    engine = create_engine(with_driver(url, "psycopg"), pool_size=pool_size, max_overflow=pool_size, pool_pre_ping=True)
    event.listen(engine, "connect", _use_utc)
    return engine


def _use_utc(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    # Committed, because a setting made in a transaction is undone when the pool rolls it back.
    connection.cursor().execute("SET TIME ZONE 'UTC'")
    connection.commit()
