"""Fixtures of every test: one embedded server for the whole run, a fresh ledger or a fresh home for each test.

All workers of a run share one folder and, through `serve` itself, one server. The folder is made and removed by
the process that collects the results.
"""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine

from tests.demonstration import Demonstration, run_demonstration
from tickledger.db.embedded import EmbeddedServer, ensure_databases, serve
from tickledger.db.engine import create_ledger_engine
from tickledger.db.migrate import upgrade

TEMPLATE = "ledger_template"
RUN_FOLDER = pytest.StashKey[Path]()

# A machine that does something else for a moment says nothing about the code: examples have no deadline.
hypothesis.settings.register_profile("patient", deadline=None)
# `make test` draws the same examples everywhere, so that it fails for what has changed; `make fuzz` draws new ones.
hypothesis.settings.register_profile("repeatable", deadline=None, derandomize=True)
hypothesis.settings.load_profile("patient")


def pytest_configure(config: pytest.Config) -> None:
    """Share one folder among the workers, and let no setting of the person who runs the tests reach them."""
    for name in [name for name in os.environ if name.startswith("TICKLEDGER_")]:
        del os.environ[name]
    worker = getattr(config, "workerinput", None)
    folder = Path(worker["run_folder"]) if worker else Path(tempfile.mkdtemp(prefix="tickledger-tests-"))
    folder.chmod(0o711)  # for root the server runs as another user
    config.stash[RUN_FOLDER] = folder


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001  xdist gives no type
    node.workerinput["run_folder"] = str(node.config.stash[RUN_FOLDER])


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(config.stash[RUN_FOLDER], ignore_errors=True)


@pytest.fixture(scope="session")
def run_folder(pytestconfig: pytest.Config) -> Path:
    """A folder of this run that every user may enter, with a short path: sockets and servers' homes fit in it."""
    return pytestconfig.stash[RUN_FOLDER]


@pytest.fixture(scope="session")
def server(run_folder: Path) -> Iterator[EmbeddedServer]:
    """The embedded server that all tests of this run share."""
    with serve(run_folder / "server") as running:
        _forget_durability(running)
        yield running


def _forget_durability(server: EmbeddedServer) -> None:
    """Databases are made and dropped by the hundred here, and none has to outlive a power cut."""
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
        connection.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def ledger_template(server: EmbeddedServer) -> str:
    """The name of a database migrated to head; no test may connect to it."""
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(1)")  # until the connection closes: one worker makes it
        known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone()
        if known is None:
            unfinished = f"{TEMPLATE}_{uuid.uuid4().hex}"
            ensure_databases(server, [unfinished])
            _migrate(server.url(unfinished))
            rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
            connection.execute(rename.format(sql.Identifier(unfinished), sql.Identifier(TEMPLATE)))
    return TEMPLATE


def _migrate(url: str) -> None:
    engine = create_ledger_engine(url)
    upgrade(engine)
    engine.dispose()


@pytest.fixture
def ledger(server: EmbeddedServer, ledger_template: str) -> Iterator[Engine]:
    """A fresh ledger, migrated to head, of this test alone."""
    name = f"ledger_{uuid.uuid4().hex}"
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        clone = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(clone.format(sql.Identifier(name), sql.Identifier(ledger_template)))
        engine = create_ledger_engine(server.url(name))
        yield engine
        engine.dispose()
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def home(run_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A fresh TICKLEDGER_HOME, set in the environment of this test and of the commands that it starts.

    The test runs where no .env of the person who runs it is read.
    """
    folder = run_folder / uuid.uuid4().hex[:8]
    monkeypatch.setenv("TICKLEDGER_HOME", str(folder))
    monkeypatch.chdir(run_folder)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def demo(run_folder: Path) -> Iterator[Demonstration]:
    """A home in which the demonstration has run; tests that use it belong to the xdist group "demo".

    Its server is held, so that the many commands that are run on it need not each start one.
    """
    ran = run_demonstration(run_folder / "demo")
    with serve(ran.home):
        yield ran
