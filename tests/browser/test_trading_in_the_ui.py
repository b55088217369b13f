"""A newcomer starts `tickledger up` and watches: the sensor starts a session, which trades, and each stage is told."""

import signal
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.browser.chromium import browse, photograph
from tests.browser.graphql import answer
from tests.command import TICKLEDGER, command_environment
from tickledger.local_servers import locks

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.slow,
    pytest.mark.timeout(500),
    pytest.mark.xdist_group("live"),
]

DAY = "2012-07-02"
TOLD = ("bars", "signals", "orders", "fills")


@dataclass(frozen=True)
class Page:
    """The Dagster UI of a running `tickledger up`."""

    address: str

    def ask(self, query: str) -> Any:
        return answer(self.address, query)

    def runs(self) -> list[dict[str, Any]]:
        found = self.ask("{ runsOrError { ... on Runs { results { runId jobName status } } } }")
        return [run for run in found["runsOrError"]["results"] if run["jobName"] == "intraday"]

    def told(self, stage: str) -> list[dict[str, Any]]:
        """The materializations of a stage of the session, the newest first."""
        key = f'{{path: ["live", "{stage}"]}}'
        asked = (
            f"{{ assetOrError(assetKey: {key}) {{ ... on Asset {{ assetMaterializations {{ runId partition }} }} }} }}"
        )
        found: list[dict[str, Any]] = self.ask(asked)["assetOrError"].get("assetMaterializations", [])
        return found


@pytest.fixture(scope="module")
def page(run_folder: Path) -> Iterator[Page]:
    """`tickledger up` on an empty home: nothing was ingested, trained or configured."""
    home = run_folder / "newcomer"
    dagster, mlflow, other = free_ports()
    ports = ["--dagster-port", str(dagster), "--mlflow-port", str(mlflow), "--dashboard-port", str(other)]
    environment = {**command_environment(home), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen([TICKLEDGER, "up", *ports], env=environment, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        if not any(line.startswith("logs") for line in running.stdout):
            pytest.fail(f"tickledger up ended with {running.wait()}")
        yield Page(f"http://127.0.0.1:{dagster}")
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=60) == 0


def free_ports() -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
    ports: list[int] = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


@pytest.fixture(scope="module")
def run_id(page: Page) -> str:
    """The run of the session, once it has told of fills."""
    assert locks.poll(lambda: bool(page.told("fills")), seconds=240, every=2), page.runs()
    (run,) = page.runs()
    assert run["status"] == "STARTED"
    run_id: str = run["runId"]
    return run_id


def test_every_stage_is_told_while_the_session_trades(page: Page, run_id: str) -> None:
    for stage in TOLD:
        assert {(one["runId"], one["partition"]) for one in page.told(stage)} == {(run_id, DAY)}
    assert page.told("session") == []  # it is told when it is over


def test_the_sensor_is_on_and_says_what_it_did(page: Page, run_id: str, tmp_path: Path) -> None:
    url = f"{page.address}/locations/tickledger/sensors/trading_session"
    document = browse(url, tmp_path / "dom", "--dump-dom")
    picture = photograph(url, tmp_path / "picture", "trading_sensor")
    assert "1 run requested" in document
    assert run_id[:8] in document
    assert "no second one" in " ".join(document.split())
    assert picture.stat().st_size > 20_000


def test_the_running_session_shows_what_it_has_told(page: Page, run_id: str, tmp_path: Path) -> None:
    url = f"{page.address}/runs/{run_id}"
    document = browse(url, tmp_path / "dom", "--dump-dom")
    picture = photograph(url, tmp_path / "picture", "trading_run")
    assert "live_session" in document
    assert f"partition: {DAY}" in document or DAY in document
    assert "Terminate" in document
    assert picture.stat().st_size > 20_000


def test_the_fills_of_the_day_can_be_followed(page: Page, run_id: str, tmp_path: Path) -> None:
    url = f"{page.address}/assets/live/fills?view=events"
    document = browse(url, tmp_path / "dom", "--dump-dom")
    picture = photograph(url, tmp_path / "picture", "trading_fills")
    assert run_id[:8] in document
    assert "market_at" in document
    assert picture.stat().st_size > 20_000
