"""A person launches the nightly job in the Dagster UI with a statement in the inbox that tells another price."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assets.lots import REALIZED
from assets.reconciliation import BREAKS, DAILY, STATEMENT
from assets.reports import FORM_8949, SCHEDULE_D
from tests.browser.devtools import PageError, Tab, tab
from tests.browser.graphql import answer
from tests.command import TICKLEDGER, command_environment, tickledger
from tests.integration.reconciliation.conftest import AGAIN, BOUGHT, SOLD, dearer, flex, trade
from tickledger.cli.ports import free_port
from tickledger.db.connect import open_ledger
from tickledger.db.engine import create_ledger_engine
from tickledger.local_servers import locks
from tickledger.settings import Settings

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.long]

JOB = "nightly_books"
YEAR = "2024"
_ATTEMPTS = 3


@dataclass(frozen=True)
class Dagster:
    """The Dagster UI of a running `tickledger up`, over an account with trades."""

    address: str
    home: Path

    def ask(self, query: str) -> Any:
        return answer(self.address, query)

    def runs(self) -> list[dict[str, Any]]:
        """The newest first."""
        found: list[dict[str, Any]] = self.ask(
            "{ runsOrError { ... on Runs { results { runId jobName status tags { key value } } } } }"
        )["runsOrError"]["results"]
        return found

    def ended(self, count: int) -> dict[str, Any]:
        """The newest of `count` runs, once it has ended."""

        def has_ended() -> bool:
            runs = self.runs()
            return len(runs) == count and runs[0]["status"] in {"SUCCESS", "FAILURE", "CANCELED"}

        assert locks.poll(has_ended, seconds=120, every=0.5), self.runs()
        return self.runs()[0]

    def made(self, run_id: str) -> set[tuple[str, ...]]:
        """The assets that a run materialized."""
        of_run = "... on Run { assetMaterializations { assetKey { path } } }"
        asked = f'{{ runOrError(runId: "{run_id}") {{ {of_run} }} }}'
        return {tuple(one["assetKey"]["path"]) for one in self.ask(asked)["runOrError"]["assetMaterializations"]}


@pytest.fixture(scope="module")
def dagster(run_folder: Path) -> Iterator[Dagster]:
    """`tickledger up` on a home whose account has three trades, with July's statement in the inbox."""
    home = run_folder / "nightly"
    with open_ledger(Settings(home=home)) as connections:
        engine = create_ledger_engine(connections.ledger_url)
        trade(engine)
        engine.dispose()
        inbox = home / "statements"
        inbox.mkdir()
        (inbox / "july.xml").write_text(flex([BOUGHT, dearer(SOLD), AGAIN]))
        with up(home) as address:
            yield Dagster(address, home)


@contextmanager
def up(home: Path) -> Iterator[str]:
    port = free_port()
    ports = ["--dagster-port", str(port), "--mlflow-port", str(free_port()), "--dashboard-port", str(free_port())]
    environment = {**command_environment(home), "PYTHONUNBUFFERED": "1"}
    command = [str(TICKLEDGER), "up", "--no-market", *ports]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        if not any(line.startswith("logs") for line in running.stdout):
            pytest.fail(f"tickledger up ended with {running.wait()}")
        yield f"http://127.0.0.1:{port}"
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=60) == 0


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    with tab(tmp_path_factory.mktemp("profile")) as one:
        yield one


def press(page: Tab, words: str) -> None:
    """Click the button that begins with these words."""
    button = f"[...document.querySelectorAll('button')].findLast(one => one.innerText.startsWith({json.dumps(words)}))"
    page.until(f"{button} && !{button}.disabled", seconds=60)
    page.run(f"{button}.dataset.pressed = {json.dumps(words)}")
    page.click(f"[data-pressed={json.dumps(words)}]")
    page.run("document.querySelectorAll('[data-pressed]').forEach(one => delete one.dataset.pressed)")


def launch(page: Tab, dagster: Dagster) -> None:
    """Launch the job for one year, with clicks and keys alone.

    On a busy machine the form may lose what was typed, and a dialog may move under the mouse: then it is done again.
    """
    before = len(dagster.runs())
    for _ in range(_ATTEMPTS):
        with suppress(PageError):
            _choose_the_year(page, dagster)
            press(page, "Launch 1 run")
        if locks.poll(lambda: len(dagster.runs()) > before, seconds=20, every=0.5):
            return
    pytest.fail(f"expected a run after {_ATTEMPTS} attempts; the page says: {page.text()[:1500]}")


def _choose_the_year(page: Tab, dagster: Dagster) -> None:
    page.open(f"{dagster.address}/locations/tickledger/jobs/{JOB}")
    press(page, "Materialize all")
    page.until_shown("Are you sure?")  # a statement needs none of the market data that this home does not have
    press(page, "Confirm")
    page.until_shown("Partition selection")
    page.click("input[placeholder^='ex: 2000']")
    page.type(YEAR)
    page.press("Enter")
    page.until_shown("1 partition")


def test_the_nightly_job_holds_the_forms_up_until_a_person_has_corrected_the_break(dagster: Dagster, page: Tab) -> None:
    launch(page, dagster)
    run = dagster.ended(1)
    assert (run["jobName"], run["status"]) == (JOB, "FAILURE")
    assert {"key": "dagster/from_ui", "value": "true"} in run["tags"]
    made = dagster.made(run["runId"])
    assert {tuple(key) for key in (REALIZED, STATEMENT, BREAKS, DAILY)} <= made
    assert made.isdisjoint({tuple(FORM_8949), tuple(SCHEDULE_D)})

    page.open(f"{dagster.address}/runs/{run['runId']}")
    page.until_shown("reconciliation/breaks: settled")
    page.photograph("nightly_run", whole=False)
    page.open(f"{dagster.address}/assets/reconciliation/breaks?view=checks")
    page.until_shown("Forms wait for AAPL execution: price")
    told = page.text()
    assert "blocking" in told
    assert "Failed" in told
    assert "100.00 USD at stake" in told
    page.photograph("nightly_check", whole=False)

    (found,) = json.loads(tickledger(dagster.home, "breaks", "list", "--json").stdout)
    assert found["break_id"] in told
    applied = tickledger(dagster.home, "breaks", "apply", found["break_id"], "--yes", "--note", "as the broker has it")
    assert applied.returncode == 0, applied.stderr
    launch(page, dagster)
    run = dagster.ended(2)
    assert run["status"] == "SUCCESS"
    assert {tuple(FORM_8949), tuple(SCHEDULE_D)} <= dagster.made(run["runId"])
    page.open(f"{dagster.address}/assets/reconciliation/breaks?view=checks")
    page.until_shown("No form waits for a break")
    page.photograph("nightly_check_settled", whole=False)
