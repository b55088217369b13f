"""Opening the ledger for a command: the embedded server, or the one that TICKLEDGER_DATABASE_URL names.

Either way there are three databases on one server, for the ledger, for Dagster and for MLflow, and the ledger is at
the newest revision of its schema. A message about a server never holds its password.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import psycopg
from alembic.util import CommandError
from sqlalchemy import URL, make_url

from tickledger.db.embedded import create_databases, ensure_databases, serve
from tickledger.db.engine import create_ledger_engine, with_driver
from tickledger.db.migrate import OLDEST_SERVER, upgrade
from tickledger.domain.errors import ConfigurationError
from tickledger.settings import Settings

LEDGER: Final = "tickledger"
DAGSTER: Final = "dagster"
MLFLOW: Final = "mlflow"
_VARIABLE: Final = "TICKLEDGER_DATABASE_URL"
_CONNECT_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Connections:
    """The addresses that a command and its children use; they may hold a password, so they are not shown."""

    ledger_url: str = field(repr=False)
    dagster_url: str = field(repr=False)
    mlflow_url: str = field(repr=False)


@contextmanager
def open_ledger(settings: Settings) -> Iterator[Connections]:
    """The addresses of the migrated ledger and its neighbours, good for as long as the context lasts.

    Raises ConfigurationError where the server cannot be started or reached, is too old, or refuses what is needed.
    """
    with open_databases(settings) as connections:
        _migrate(connections.ledger_url)
        yield connections


@contextmanager
def open_databases(settings: Settings) -> Iterator[Connections]:
    """The addresses as `open_ledger` gives them, with the ledger at whatever revision it is."""
    if settings.database_url is not None:
        yield _external(settings.database_url.get_secret_value(), settings.mlflow_tracking_uri)
        return
    with serve(settings.home) as server:
        ensure_databases(server, [LEDGER, DAGSTER, MLFLOW])
        yield Connections(
            ledger_url=server.url(LEDGER),
            dagster_url=server.url(DAGSTER, driver="psycopg2"),
            mlflow_url=settings.mlflow_tracking_uri or server.url(MLFLOW),
        )


def _external(address: str, tracking_uri: str | None) -> Connections:
    url = external_url(address)
    dagster, mlflow = (url.set(database=f"{url.database}_{name}") for name in (DAGSTER, MLFLOW))
    _prepare(url, [str(dagster.database), *([] if tracking_uri else [str(mlflow.database)])])
    return Connections(
        ledger_url=_text(url),
        dagster_url=with_driver(_text(dagster), "psycopg2"),
        mlflow_url=tracking_uri or _text(mlflow),
    )


def external_url(address: str) -> URL:
    """`address` as our driver's URL; raises ConfigurationError where it is not one, or names no database."""
    misread = ConfigurationError(
        f"{_VARIABLE}: expected an address such as postgresql://user:password@host:5432/tickledger, found one that "
        "cannot be read so (an @, : or / in a password is written %40, %3A or %2F)"
    )
    try:
        url = make_url(with_driver(address, "psycopg"))
    except ValueError:  # a port that is no number; the exception would show a part of the password
        raise misread from None
    except ConfigurationError as error:
        raise ConfigurationError(f"{_VARIABLE}: {error}") from error
    if "@" in (url.database or ""):  # a part of the password was taken for it
        raise misread
    if not url.database:
        raise ConfigurationError(f"{_VARIABLE}: expected the name of a database at the end, found {_shown(url)}")
    return url


@contextmanager
def external_server(url: URL) -> Iterator[psycopg.Connection]:
    """A connection in autocommit mode to a server that is reachable and new enough."""
    address = _text(url.set(drivername="postgresql"))
    try:
        connection = psycopg.connect(address, autocommit=True, connect_timeout=_CONNECT_SECONDS)
    except psycopg.Error as error:
        raise ConfigurationError(
            f"{_VARIABLE}: expected a PostgreSQL server that answers at {_shown(url)}, found: {_one_line(error)}. "
            "Start it or correct the variable; unset it for the embedded server."
        ) from error
    with connection:
        found = connection.info.server_version // 10_000
        if found < OLDEST_SERVER:
            raise ConfigurationError(
                f"{_VARIABLE}: expected PostgreSQL {OLDEST_SERVER} or newer at {_shown(url)}, found {found}. "
                "Name another server, or unset the variable for the embedded one."
            )
        yield connection


def _prepare(url: URL, names: list[str]) -> None:
    with external_server(url) as connection:
        try:
            create_databases(connection, names)
        except psycopg.errors.InsufficientPrivilege as error:
            wanted = " ".join(f'CREATE DATABASE "{name}" OWNER "{connection.info.user}";' for name in names)
            raise ConfigurationError(
                f"{_VARIABLE}: expected the databases {' and '.join(names)} at {_shown(url)}, or a user who may create "
                f"them, found that {connection.info.user} may not. Have the server's owner run: {wanted}"
            ) from error


def _migrate(url: str) -> None:
    engine = create_ledger_engine(url)
    try:
        upgrade(engine)
    except CommandError as error:
        raise ConfigurationError(
            f"{_shown(make_url(url))}: expected a ledger of this version or an older one, found: {error}. "
            "Use the version of Tickledger that migrated it, or another database."
        ) from error
    finally:
        engine.dispose()


def _one_line(error: psycopg.Error) -> str:
    return " ".join(str(error).split()).rstrip("?.")


def _text(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def _shown(url: URL) -> str:
    return url.render_as_string(hide_password=True)
