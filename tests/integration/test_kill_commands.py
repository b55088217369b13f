"""``tickledger kill``, ``resume`` and ``flatten`` as a person runs them, also without a session or a database."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from tests.command import TICKLEDGER, command_environment
from tickledger.cli.app import app
from tickledger.db.kill_switch import read_kill_switch_events, read_kill_switch_state, record_kill_switch_event
from tickledger.domain.kill_switch import KillSwitchEvent, KillSwitchEventKind
from tickledger.risk.kill_switch import KillSwitch

RUN = CliRunner()
NOWHERE = "postgresql://user:secret@127.0.0.1:1/tickledger"


@pytest.fixture
def ledger_in_use(ledger: Engine, home: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The ledger that the commands of this test open."""
    monkeypatch.setenv("TICKLEDGER_DATABASE_URL", ledger.url.render_as_string(hide_password=False))
    assert not home.exists()
    return ledger


def run(*arguments: str) -> str:
    result = RUN.invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.output


def test_without_a_session_it_is_engaged_all_the_same_and_nobody_is_told_otherwise(ledger_in_use: Engine) -> None:
    told = run("kill", "--wait", "0", "--reason", "too fast")
    assert "The kill switch is engaged (event 1)." in told
    assert "No running session answered within 0 s: orders at the broker are as they were." in told
    assert "Cancel All Orders" in told
    state = read_kill_switch_state(ledger_in_use)
    assert state.is_engaged
    assert state.event is not None
    assert (state.event.reason, state.event.flattens) == ("too fast", False)
    assert "orders and positions at the broker are as they were" in run("flatten", "--wait", "0")
    assert [event.flattens for event in KillSwitch(read_kill_switch_events(ledger_in_use)).unanswered("U1")] == [
        False,
        True,
    ]
    assert "Trading is resumed (event 3). It was engaged by " in run("resume")
    assert run("resume") == "The kill switch was not engaged; nothing has changed.\n"
    assert not read_kill_switch_state(ledger_in_use).is_engaged


def test_what_a_running_session_did_is_told(ledger_in_use: Engine) -> None:
    with _session(ledger_in_use):
        told = run("kill", "--flatten", "--wait", "30")
    assert "cancel_sent U1: every working order" in told
    assert "flatten_sent U1 AAPL: SELL 100" in told
    assert "carried_out U1" in told
    assert "No running session" not in told


def test_a_program_reads_one_document(ledger_in_use: Engine) -> None:
    engaged = json.loads(run("kill", "--flatten", "--wait", "0", "--json"))
    assert engaged["event"]["kind"] == "engaged"
    assert engaged["event"]["flattens"] is True
    assert engaged["steps"] == []
    resumed = json.loads(run("resume", "--json"))
    assert (resumed["was_engaged"], resumed["event"]["sequence"]) == (True, 2)
    assert json.loads(run("resume", "--json")) == {"was_engaged": False, "event": None}
    assert len(read_kill_switch_events(ledger_in_use)) == 1


@pytest.mark.parametrize(
    ("command", "undone"),
    [
        ("kill", "the kill switch was NOT engaged"),
        ("flatten", "the kill switch was NOT engaged"),
        ("resume", "NOT resumed"),
    ],
)
def test_with_the_database_down_it_says_what_is_not_done_and_exits_with_2(
    home: Path, command: str, undone: str
) -> None:
    ran = subprocess.run(
        [TICKLEDGER, command],
        env=dict(command_environment(home)) | {"TICKLEDGER_DATABASE_URL": NOWHERE},
        cwd=home.parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 2
    assert undone in ran.stderr
    assert "127.0.0.1:1" in ran.stderr
    assert "secret" not in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ("by hand" in ran.stderr) == (command != "resume")


@contextmanager
def _session(engine: Engine) -> Iterator[None]:
    """Somebody who obeys the switch as a session does, until the block ends."""
    is_over = threading.Event()

    def obey() -> None:
        while not is_over.is_set():
            for request in KillSwitch(read_kill_switch_events(engine)).unanswered("U1"):
                for kind, reason, symbol in (
                    (KillSwitchEventKind.CANCEL_SENT, "every working order", None),
                    (KillSwitchEventKind.FLATTEN_SENT, "SELL 100", "AAPL"),
                    (KillSwitchEventKind.CARRIED_OUT, "", None),
                ):
                    record_kill_switch_event(engine, _step(request, kind, reason, symbol))
            time.sleep(0.05)

    thread = threading.Thread(target=obey)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


def _step(request: KillSwitchEvent, kind: KillSwitchEventKind, reason: str, symbol: str | None) -> KillSwitchEvent:
    at = datetime(2026, 6, 10, 15, tzinfo=UTC)
    return KillSwitchEvent(
        kind, "tickledger", reason, at, answers=request.sequence, obeying_account="U1", symbol=symbol
    )
