"""A person opens the running UI after the demonstration: the whole lineage is there, made, and named."""

import json
import re
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.browser.chromium import browse, photograph
from tests.browser.graphql import answer
from tests.command import TICKLEDGER, command_environment
from tests.demonstration import Demonstration

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.xdist_group("demo")]

STAGES = {
    "bars",
    "features",
    "fills",
    "gains",
    "lots",
    "market_data",
    "models",
    "orders",
    "positions",
    "reports",
    "signals",
}


@dataclass(frozen=True)
class Pages:
    """Where `tickledger up` serves its pages."""

    dagster: str
    mlflow: str

    def graphql(self, query: str) -> Any:
        return answer(self.dagster, query)


@pytest.fixture(scope="module")
def pages(demo: Demonstration) -> Iterator[Pages]:
    """`tickledger up` on the demonstration's home, on ports that nobody uses."""
    dagster, mlflow, other = free_ports(3)
    ports = ["--dagster-port", str(dagster), "--mlflow-port", str(mlflow), "--dashboard-port", str(other)]
    # What trades in a simulated market is looked at elsewhere; here nothing runs but what the demonstration left.
    command = [str(TICKLEDGER), "up", "--no-market", *ports]
    environment = dict(command_environment(demo.home))
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        # The addresses are printed when every part answers; at its end the output closes.
        if not any(str(dagster) in line for line in running.stdout):
            pytest.fail(f"tickledger up ended with {running.wait()}")
        yield Pages(f"http://127.0.0.1:{dagster}", f"http://127.0.0.1:{mlflow}")
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=60) == 0


def free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def test_every_group_of_the_lineage_is_on_the_page_and_a_picture_is_kept(pages: Pages, tmp_path: Path) -> None:
    url = f"{pages.dagster}/asset-groups"
    document = browse(url, tmp_path / "dom", "--dump-dom")
    picture = photograph(url, tmp_path / "picture", "lineage")
    assert set(re.findall(r">([a-z_]+)<", document)) >= STAGES
    assert picture.stat().st_size > 20_000


def test_every_asset_has_been_materialized_but_those_of_a_session_at_a_broker(pages: Pages) -> None:
    nodes = pages.graphql("{ assetNodes { assetKey { path } assetMaterializations(limit: 1) { runId } } }")[
        "assetNodes"
    ]
    made = {"/".join(node["assetKey"]["path"]) for node in nodes if node["assetMaterializations"]}
    assert len(made) >= 15
    every = {"/".join(node["assetKey"]["path"]) for node in nodes}
    assert made == {name for name in every if not name.startswith("live/")} - {"reconciliation/broker"}


def test_the_runs_carry_the_names_of_the_jobs(pages: Pages) -> None:
    runs = pages.graphql("{ runsOrError { ... on Runs { results { jobName status } } } }")["runsOrError"]["results"]
    assert {run["jobName"] for run in runs} == {"ingest", "research", "end_of_day"}
    assert {run["status"] for run in runs} == {"SUCCESS"}


def test_the_champion_is_in_mlflow(pages: Pages) -> None:
    url = f"{pages.mlflow}/api/2.0/mlflow/registered-models/get?name=direction"
    with urllib.request.urlopen(url, timeout=30) as answer:
        model = json.load(answer)["registered_model"]
    assert {alias["alias"] for alias in model["aliases"]} == {"champion", "champion-2011", "champion-2012"}
