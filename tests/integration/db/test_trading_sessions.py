"""Session processes in the record: brought up to date while they live, over once and for ever, paused by anybody."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.exc import IntegrityError

from tests.integration.db.story import ACCOUNT
from tickledger.db.accounts import ensure_account
from tickledger.db.engine import create_ledger_engine
from tickledger.db.lease import LeaseKeeper
from tickledger.db.tables import audit_log, trading_sessions
from tickledger.db.trading_sessions import (
    change_state,
    end_session,
    heartbeat,
    latest_session,
    open_session,
    read_pause,
    read_session,
    read_session_steps,
    read_sessions,
    request_pause,
    request_resume,
    take_over,
)
from tickledger.domain.account import Mode
from tickledger.domain.errors import FencedError, LedgerError
from tickledger.domain.trading_session import Lease, PauseState, SessionState, SessionStatus

DAY = date(2026, 6, 10)
AT = datetime(2026, 6, 10, 15, tzinfo=UTC)
MARKET_AT = datetime(2012, 1, 3, 15, 30, tzinfo=UTC)


@pytest.fixture
def desk(ledger: Engine) -> Engine:
    ensure_account(ledger, ACCOUNT)
    return ledger


def opened(ledger: Engine, state: SessionState = SessionState.STARTING, pid: int = 4711) -> SessionStatus:
    return open_session(
        ledger,
        ACCOUNT.account_id,
        session_date=DAY,
        strategy="composite",
        host="here",
        pid=pid,
        state=state,
        dagster_run_id="run_1",
        detail={"symbols": 3},
    )


def leased(ledger: Engine, holder: str = "tester") -> tuple[LeaseKeeper, Lease]:
    keeper = LeaseKeeper(ledger, ACCOUNT.account_id, holder=holder)
    lease = keeper.acquire()
    assert lease is not None
    return keeper, lease


def test_a_session_tells_how_it_is_until_it_is_over(desk: Engine) -> None:
    session = opened(desk)
    assert (session.state, session.mode, session.epoch) == (SessionState.STARTING, Mode.SIMULATED, None)
    assert session.detail == {"symbols": 3}
    assert 0 <= session.heartbeat_age < 60
    _, lease = leased(desk)
    assert take_over(desk, session.session_id, lease) == []
    change_state(desk, session.session_id, SessionState.RUNNING, reason="warm", detail={"orders": 0})
    assert heartbeat(desk, session.session_id, market_at=MARKET_AT) is SessionState.RUNNING
    now = read_session(desk, session.session_id)
    assert now is not None
    assert (now.epoch, now.market_at, now.detail) == (lease.epoch, MARKET_AT, {"symbols": 3, "orders": 0})
    assert now.heartbeat_at > session.heartbeat_at
    assert heartbeat(desk, session.session_id, detail={"orders": 1}) is SessionState.RUNNING
    end_session(desk, session.session_id, reason="the market closed")
    over = latest_session(desk, ACCOUNT.account_id)
    assert over is not None
    assert (over.state, over.detail, over.market_at) == (SessionState.ENDED, {"orders": 1}, MARKET_AT)
    assert over.ended_at is not None
    steps = read_session_steps(desk, session.session_id)
    assert [(step.state, step.reason) for step in steps] == [
        (SessionState.STARTING, "opened"),
        (SessionState.RUNNING, "warm"),
        (SessionState.ENDED, "the market closed"),
    ]


def test_the_age_of_a_heartbeat_is_told_by_the_database(desk: Engine) -> None:
    session = opened(desk)
    with desk.begin() as connection:
        connection.execute(update(trading_sessions).values(heartbeat_at=func.now() - timedelta(minutes=5)))
    found = latest_session(desk, ACCOUNT.account_id)
    assert found is not None
    assert found.session_id == session.session_id
    assert 300 <= found.heartbeat_age < 360


def test_who_takes_over_ends_the_sessions_of_earlier_leases(desk: Engine) -> None:
    first, standby, second = opened(desk), opened(desk, SessionState.WAITING), opened(desk)
    keeper, lease = leased(desk)
    take_over(desk, first.session_id, lease)
    keeper.release()
    _, later = leased(desk)
    assert take_over(desk, second.session_id, later) == [first.session_id]
    with pytest.raises(FencedError, match="superseded since"):
        heartbeat(desk, first.session_id)
    with pytest.raises(FencedError, match="superseded since"):
        change_state(desk, first.session_id, SessionState.RUNNING, reason="thawed")
    end_session(desk, first.session_id, reason="too late")
    assert read_session_steps(desk, first.session_id)[-1].reason == f"{second.session_id} took over with epoch 2"
    assert heartbeat(desk, standby.session_id) is SessionState.WAITING
    assert [session.state for session in read_sessions(desk, session_date=DAY)] == [
        SessionState.SUPERSEDED,
        SessionState.WAITING,
        SessionState.STARTING,
    ]
    # One that took over before, and is only now heard of, ends nobody.
    with pytest.raises(FencedError):
        take_over(desk, first.session_id, lease)
    assert heartbeat(desk, second.session_id) is SessionState.STARTING


def test_a_session_that_waits_is_the_latest_only_where_no_other_is(desk: Engine) -> None:
    assert latest(desk) is None
    standby = opened(desk, SessionState.WAITING)
    assert latest(desk) == standby.session_id
    active = opened(desk)
    opened(desk, SessionState.WAITING)
    assert latest(desk) == active.session_id
    assert read_sessions(desk, session_date=DAY, account_id="ANOTHER") == []


def latest(ledger: Engine) -> str | None:
    found = latest_session(ledger, ACCOUNT.account_id)
    return None if found is None else found.session_id


def test_what_is_not_recorded_cannot_be_told_of(desk: Engine) -> None:
    with pytest.raises(LedgerError, match="session nobody is not recorded"):
        heartbeat(desk, "nobody")
    with pytest.raises(LedgerError, match="account NOBODY is not recorded"):
        open_session(desk, "NOBODY", session_date=DAY, strategy="", host="", pid=1)
    assert read_session(desk, "nobody") is None


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM trading_sessions",
        "TRUNCATE trading_sessions CASCADE",
        "UPDATE trading_sessions SET pid = 1",
        "UPDATE trading_sessions SET strategy = 'another'",
        "UPDATE trading_sessions SET state = 'ended'",
        "UPDATE trading_sessions SET ended_at = now()",
    ],
)
def test_what_a_session_is_stays(desk: Engine, statement: str) -> None:
    opened(desk)
    with desk.connect() as connection, pytest.raises(IntegrityError):
        connection.execute(text(statement))


def test_what_is_over_stays_over(desk: Engine) -> None:
    end_session(desk, opened(desk).session_id, reason="it could not warm up", has_failed=True)
    with desk.connect() as connection, pytest.raises(IntegrityError, match="append-only"):
        connection.execute(text("UPDATE trading_sessions SET state = 'running', ended_at = NULL"))


def test_a_pause_holds_until_somebody_resumes(desk: Engine) -> None:
    assert read_pause(desk, ACCOUNT.account_id) == PauseState()
    paused = request_pause(desk, ACCOUNT.account_id, actor="ann", reason="a look at it", requested_at=AT)
    other = create_ledger_engine(desk.url.render_as_string(hide_password=False))
    try:
        assert read_pause(other, ACCOUNT.account_id) == paused
        assert paused.is_paused
        assert (paused.actor, paused.reason, paused.requested_at) == ("ann", "a look at it", AT)
        resumed = request_resume(other, ACCOUNT.account_id, actor="bob", reason="", requested_at=AT)
        assert not read_pause(desk, ACCOUNT.account_id).is_paused
        assert resumed.sequence > paused.sequence
    finally:
        other.dispose()
    with desk.connect() as connection:
        entries = connection.execute(select(audit_log.c.actor, audit_log.c.action).order_by(audit_log.c.sequence))
        assert [tuple(entry) for entry in entries][-2:] == [("ann", "trading pause"), ("bob", "trading resume")]


def test_a_database_that_is_down_counts_as_a_pause() -> None:
    nowhere = create_ledger_engine("postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=1")
    state = read_pause(nowhere, ACCOUNT.account_id)
    assert state.is_paused
    assert not state.is_requested
    assert "connection" in state.unreadable
