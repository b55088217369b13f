"""The lineage materialized once for a module, on a ledger of its own: the years' runs, as the UI would start them."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import psycopg
import pytest
from psycopg import sql
from sqlalchemy import Engine

from pipelines.definitions import build_definitions
from resources.data_quality import DataQuality
from resources.exports import Exports
from resources.lake import ParquetLake
from resources.ledger import Ledger
from resources.model_registry import Models
from tickledger.db.embedded import EmbeddedServer, ensure_databases
from tickledger.db.engine import create_ledger_engine
from tickledger.settings import Settings

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Lineage:
    """Definitions on a fresh ledger, and how to run a part of them."""

    definitions: dg.Definitions
    instance: dg.DagsterInstance
    engine: Engine
    exports: Path
    lake: Path
    resources: Mapping[str, Any]

    def having(self, **overrides: Any) -> "Lineage":
        """The same ledger with single resources replaced."""
        resources = {**self.resources, **overrides}
        definitions = build_definitions(Settings(home=self.lake.parent), resource_overrides=resources)
        return replace(self, definitions=definitions, resources=resources)

    def adjusted_bars(self) -> pd.DataFrame:
        """What `bars/adjusted` stored."""
        frame = self.definitions.load_asset_value(["bars", "adjusted"], instance=self.instance)
        assert isinstance(frame, pd.DataFrame)
        return frame

    def run(self, job: str, first: str, last: str, *keys: list[str]) -> dg.ExecuteInProcessResult:
        """Run `job` over the partitions `first` to `last`, of the assets `keys` alone where any are given."""
        return self.definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance,
            tags={"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last},
            asset_selection=[dg.AssetKey(key) for key in keys] or None,
            run_config=QUIET,
            raise_on_error=False,
        )


@pytest.fixture(scope="module")
def fresh_lineage(
    server: EmbeddedServer, ledger_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Lineage]]:
    """Makes a lineage on an empty ledger; keyword arguments override single resources."""
    made: list[Lineage] = []

    def make(**overrides: Any) -> Lineage:
        name = f"lineage_{uuid.uuid4().hex}"
        with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
            clone = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
            connection.execute(clone.format(sql.Identifier(name), sql.Identifier(ledger_template)))
        ensure_databases(server, [f"{name}_mlflow"])
        folder = tmp_path_factory.mktemp("lineage")
        resources = _resources(server.url(name), server.url(f"{name}_mlflow"), folder) | dict(overrides)
        lineage = Lineage(
            definitions=build_definitions(Settings(home=folder), resource_overrides=resources),
            instance=dg.DagsterInstance.ephemeral(),
            engine=create_ledger_engine(server.url(name)),
            exports=folder / "exports",
            lake=folder / "lake",
            resources=resources,
        )
        made.append(lineage)
        return lineage

    yield make
    for lineage in made:
        lineage.engine.dispose()
        lineage.instance.dispose()


def _resources(ledger_url: str, mlflow_url: str, folder: Path) -> dict[str, Any]:
    return {
        "ledger": Ledger(url=ledger_url),
        "models": Models(tracking_uri=mlflow_url, artifacts=str(folder / "artifacts")),
        "io_manager": ParquetLake(folder=str(folder / "lake")),
        "exports": Exports(folder=str(folder / "exports")),
        "data_quality": DataQuality(data_docs=str(folder / "data_docs")),
    }


@pytest.fixture(scope="module")
def lineage(fresh_lineage: Callable[..., Lineage]) -> Lineage:
    """The sample's whole lineage: two traded years, each run on its own as a schedule would."""
    made = fresh_lineage()
    assert made.run("ingest", "2000-03-01", "2013-03-01").success
    assert made.run("research", "2000", "2010", ["features", "daily"]).success
    for year in ("2011", "2012"):
        assert made.run("research", year, year).success
        assert made.run("end_of_day", year, year).success
    return made
