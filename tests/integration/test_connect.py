"""Opening the ledger: the embedded server and a server of the user's are alike to a command."""

import uuid
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import create_engine, make_url, text

from tickledger.db import connect
from tickledger.db.connect import Connections, open_ledger
from tickledger.db.embedded import EmbeddedServer, ensure_databases, is_running
from tickledger.db.engine import create_ledger_engine
from tickledger.db.migrate import current_revision
from tickledger.domain.errors import ConfigurationError
from tickledger.settings import Settings, load_settings


def settings_for(url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("TICKLEDGER_DATABASE_URL", url)
    return load_settings()


def refused(settings: Settings) -> str:
    with pytest.raises(ConfigurationError) as raised, open_ledger(settings):
        pass
    message = str(raised.value)
    assert "TICKLEDGER_DATABASE_URL" in message
    return message


@pytest.fixture
def database(server: EmbeddedServer) -> str:
    """An empty database on a server that stands for the user's own."""
    name = f"theirs_{uuid.uuid4().hex}"
    ensure_databases(server, [name])
    return name


def assert_usable(connections: Connections) -> None:
    engine = create_ledger_engine(connections.ledger_url)
    assert current_revision(engine) is not None
    engine.dispose()
    for url, driver in ((connections.dagster_url, "psycopg2"), (connections.mlflow_url, "psycopg")):
        assert make_url(url).drivername == f"postgresql+{driver}"
        other = create_engine(url)
        with other.connect() as connection:
            assert connection.execute(text("SELECT current_database()")).scalar() == make_url(url).database
        other.dispose()


def test_the_embedded_ledger_is_migrated_and_has_its_neighbours(home: Path) -> None:
    with open_ledger(load_settings()) as connections:
        assert_usable(connections)
        assert is_running(home)
    assert not is_running(home)


def test_a_server_of_the_users_gets_the_same_databases(
    server: EmbeddedServer, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = server.url(database).replace("postgresql+psycopg:", "postgres:")
    for _ in range(2):
        with open_ledger(settings_for(address, monkeypatch)) as connections:
            assert_usable(connections)
            assert make_url(connections.dagster_url).database == f"{database}_dagster"


@pytest.mark.usefixtures("home")
def test_a_tracking_server_of_the_users_needs_no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TICKLEDGER_MLFLOW_TRACKING_URI", "http://127.0.0.1:5999")
    with open_ledger(load_settings()) as connections:
        assert connections.mlflow_url == "http://127.0.0.1:5999"


@pytest.fixture
def plain_role(server: EmbeddedServer, database: str) -> str:
    """A role that owns `database` and may not create others."""
    role = f"plain_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        give = sql.SQL("ALTER DATABASE {} OWNER TO {}")
        connection.execute(give.format(sql.Identifier(database), sql.Identifier(role)))
    return role


def test_a_user_who_may_not_create_databases_is_told_what_the_owner_must_run(
    server: EmbeddedServer, database: str, plain_role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = server.url(database).replace("tickledger@", f"{plain_role}@")
    settings = settings_for(address, monkeypatch)
    assert f'CREATE DATABASE "{database}_dagster" OWNER "{plain_role}";' in refused(settings)

    ensure_databases(server, [f"{database}_dagster", f"{database}_mlflow"])
    with open_ledger(settings) as connections:
        assert_usable(connections)


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("postgresql://u:hunter2@127.0.0.1:1/ledger", "Connection refused"),
        ("postgresql://u:hunter2@127.0.0.1:1/", "expected the name of a database"),
        ("mysql://u:hunter2@127.0.0.1/ledger", "found mysql"),
        ("hunter2", "found text that is not an address"),
        ("postgresql://u:@/hunter2@127.0.0.1:1/ledger", "an @, : or / in a password is written %40"),
        ("postgresql://u:p@127.0.0.1:hunter2/ledger", "an @, : or / in a password is written %40"),
    ],
)
def test_an_address_that_cannot_be_used_is_named_without_its_password(
    address: str, found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = refused(settings_for(address, monkeypatch))
    assert found in message
    assert "hunter2" not in message


def test_addresses_are_not_shown() -> None:
    connections = Connections("postgresql://u:hunter2@h/a", "b", "c")
    assert "hunter2" not in repr(connections)


def test_a_server_that_is_too_old_is_refused(
    server: EmbeddedServer, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "OLDEST_SERVER", 19)  # the only server here is the newest
    assert "expected PostgreSQL 19 or newer" in refused(settings_for(server.url(database), monkeypatch))


@pytest.mark.usefixtures("home")
def test_a_ledger_of_a_later_version_is_refused() -> None:
    with open_ledger(load_settings()) as connections:
        engine = create_ledger_engine(connections.ledger_url)
        with engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = 'from_the_future'"))
        engine.dispose()
    with pytest.raises(ConfigurationError, match="from_the_future"), open_ledger(load_settings()):
        pass
