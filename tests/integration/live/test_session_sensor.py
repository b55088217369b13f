"""The sensor on a real instance and a real ledger: what it asks for, what it gives up, and what it says."""

import os
import socket
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import text

from sensors.session_runs import ACCOUNT as ACCOUNT_TAG
from tests.integration.live.dagster_desk import DagsterDesk
from tests.integration.live.market import ACCOUNT, HALF_DAY, market
from tickledger.db.accounts import ensure_account
from tickledger.db.trading_sessions import open_session
from tickledger.domain.account import Account, Mode
from tickledger.domain.trading_session import SessionState
from tickledger.settings import Settings

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("live")]

Desks = Callable[..., DagsterDesk]
DAY = date.fromisoformat(HALF_DAY)


def open_row(desk: DagsterDesk, *, run_id: str | None, silent_for: float = 0) -> str:
    """A session that trades, and was last heard of `silent_for` seconds ago; its id."""
    ensure_account(desk.engine, Account(ACCOUNT, Mode.PAPER, owner="taxpayer"))
    opened = open_session(
        desk.engine,
        ACCOUNT,
        session_date=DAY,
        strategy="momentum",
        host=socket.gethostname(),
        pid=os.getpid(),
        state=SessionState.RUNNING,
        dagster_run_id=run_id,
    )
    with desk.engine.begin() as connection:
        silence = "UPDATE trading_sessions SET heartbeat_at = heartbeat_at - make_interval(secs => :silent_for)"
        connection.execute(
            text(f"{silence} WHERE session_id = :id"), {"silent_for": silent_for, "id": opened.session_id}
        )
    return opened.session_id


def test_from_nothing_to_a_run_to_its_successor(home: Path, dagster_desk: Desks) -> None:
    with market(home, speed=0) as place:
        desk = dagster_desk(place.settings(home))
        first = desk.tick("trading_session")
        (request,) = first.requests
        assert (request.partition_key, request.run_key) == (HALF_DAY, f"{ACCOUNT}/{HALF_DAY}/1")
        assert request.tags[ACCOUNT_TAG] == ACCOUNT

        coming = desk.report(dg.DagsterRunStatus.STARTING, HALF_DAY)
        assert "is launching" in desk.tick("trading_session").skipped
        desk.instance.delete_run(coming)

        living = desk.report(dg.DagsterRunStatus.STARTED, HALF_DAY)
        session_id = open_row(desk, run_id=living)
        assert f"session {session_id} of {HALF_DAY} is running" in desk.tick("trading_session").skipped

        silent = desk.report(dg.DagsterRunStatus.STARTED, HALF_DAY)
        desk.instance.delete_run(living)
        open_row(desk, run_id=silent, silent_for=30)
        with desk.engine.begin() as connection:
            connection.execute(text("UPDATE trading_sessions SET heartbeat_at = heartbeat_at - interval '1 minute'"))
        after = desk.tick("trading_session")
        assert desk.statuses()[silent] is dg.DagsterRunStatus.FAILURE
        assert [one.run_key for one in after.requests] == [f"{ACCOUNT}/{HALF_DAY}/2"]


def test_a_session_in_the_foreground_is_left_alone(home: Path, dagster_desk: Desks) -> None:
    with market(home, speed=0) as place:
        desk = dagster_desk(place.settings(home))
        session_id = open_row(desk, run_id=None)
        tick = desk.tick("trading_session")
    assert tick.requests == []
    assert f"session {session_id}" in tick.skipped
    assert "none is started beside it" in tick.skipped


@pytest.mark.long
def test_a_market_that_does_not_answer_is_said(home: Path, dagster_desk: Desks) -> None:
    with market(home, speed=0) as place:
        settings = place.settings(home)
    tick = dagster_desk(settings).tick("trading_session")
    assert tick.requests == []
    assert "the simulated gateway at" in tick.skipped


def test_without_a_broker_nothing_is_asked_for(home: Path, dagster_desk: Desks) -> None:
    desk = dagster_desk(Settings(home=home))
    assert "TICKLEDGER_MODE is simulated" in desk.tick("trading_session").skipped
    assert "not simulated" in desk.tick("simulated_evening").skipped


def test_by_the_walls_clock_it_waits_for_the_next_open_of_the_exchange(home: Path, dagster_desk: Desks) -> None:
    desk = dagster_desk(Settings(home=home, mode=Mode.PAPER, ib_account=ACCOUNT))
    tick = desk.tick("trading_session")
    for request in tick.requests:  # whoever runs this while the exchange is open sees a run asked for
        assert request.partition_key is not None
        assert abs(datetime.fromisoformat(request.partition_key).replace(tzinfo=UTC) - datetime.now(UTC)) < timedelta(2)
    assert tick.requests or "the next session is" in tick.skipped


def test_the_evening_of_a_simulated_day_is_asked_for_once(home: Path, dagster_desk: Desks) -> None:
    with market(home, start="2012-07-03T17:20:00+0000", speed=0) as place:
        desk = dagster_desk(place.settings(home))
        assert "no session of" in desk.tick("simulated_evening").skipped
        open_row(desk, run_id=None)
        asked = desk.tick("simulated_evening")
        assert {request.job_name: request.partition_key for request in asked.requests} == {
            "nightly_books": "2012",
            "nightly_reconciliation": HALF_DAY,
        }
        assert "has been asked for" in desk.tick("simulated_evening", asked.cursor).skipped
