"""The Dagster instance: where it keeps its things, and the environment that a Dagster process needs to find them."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from tickledger.db.connect import Connections
from tickledger.settings import Settings

CHECKOUT = Path(__file__).resolve().parents[1]


def dagster_home(settings: Settings) -> Path:
    """The folder that DAGSTER_HOME names, with the checkout's dagster.yaml in it."""
    folder = settings.home / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(CHECKOUT / "dagster.yaml", folder / "dagster.yaml")
    return folder


def dagster_environment(settings: Settings, connections: Connections) -> Mapping[str, str]:
    """The variables that dagster.yaml and the resources read; addresses with passwords travel only this way."""
    home = dagster_home(settings)
    return {
        "DAGSTER_HOME": str(home),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        # One round trip for a hundred events: a range of 157 months takes half the time.
        "DAGSTER_EVENT_BATCH_SIZE": "100",
        "TICKLEDGER_HOME": str(settings.home),
        "TICKLEDGER_COMPUTE_LOGS": str(home / "compute_logs"),
        "TICKLEDGER_DAGSTER_URL": connections.dagster_url,
        "TICKLEDGER_LEDGER_URL": connections.ledger_url,
        "TICKLEDGER_MLFLOW_URL": connections.mlflow_url,
    }


def enter(settings: Settings, connections: Connections) -> None:
    """Make this process a member of the Dagster instance, for runs that execute inside it."""
    os.environ.update(dagster_environment(settings, connections))
