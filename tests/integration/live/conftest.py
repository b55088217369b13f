"""Definitions of a paper account on a ledger of their own, and the simulated market that it trades in."""

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine

from pipelines.definitions import build_definitions
from resources.exports import Exports
from resources.ledger import Ledger
from resources.trading_session import LiveTrading
from tests.integration.live.dagster_desk import DagsterDesk
from tickledger.db.embedded import EmbeddedServer
from tickledger.db.engine import create_ledger_engine
from tickledger.settings import Settings


@pytest.fixture
def dagster_desk(
    server: EmbeddedServer, ledger_template: str, tmp_path: Path
) -> Iterator[Callable[[Settings], DagsterDesk]]:
    """Makes definitions for settings, all on one fresh ledger and one Dagster instance."""
    name = f"live_{uuid.uuid4().hex}"
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        clone = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(clone.format(sql.Identifier(name), sql.Identifier(ledger_template)))
    url = server.url(name)
    engine: Engine = create_ledger_engine(url)
    resources: dict[str, Any] = {"ledger": Ledger(url=url), "exports": Exports(folder=str(tmp_path / "exports"))}
    with dg.DagsterInstance.ephemeral() as instance:
        yield lambda settings: DagsterDesk(
            settings,
            build_definitions(settings, resource_overrides=resources),
            instance,
            engine,
            {"ledger": resources["ledger"], "live": LiveTrading(settings)},
        )
    engine.dispose()
