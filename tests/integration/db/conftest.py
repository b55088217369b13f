"""Fixtures of the ledger's tests: an empty database, and a ledger that holds a row of every kind."""

import uuid
from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.integration.db.story import Story, tell
from tickledger.db.embedded import EmbeddedServer, ensure_databases
from tickledger.db.engine import create_ledger_engine
from tickledger.db.migrate import upgrade


@pytest.fixture
def empty(server: EmbeddedServer) -> Iterator[Engine]:
    """A database without any table."""
    name = f"empty_{uuid.uuid4().hex}"
    ensure_databases(server, [name])
    engine = create_ledger_engine(server.url(name))
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def told(server: EmbeddedServer) -> Iterator[Engine]:
    """A ledger with the story in it, for tests that leave it as it is."""
    name = f"told_{uuid.uuid4().hex}"
    ensure_databases(server, [name])
    engine = create_ledger_engine(server.url(name))
    upgrade(engine)
    tell(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def story(ledger: Engine) -> Story:
    """A short story of one account, told to the ledger of this test."""
    return tell(ledger)
