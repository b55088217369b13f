"""When a session is started, left alone, given up or stopped: by table, and over the exchange's whole calendar."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sensors.session_runs import days_around
from sensors.supervision import (
    Decision,
    GiveUp,
    Nothing,
    RunStanding,
    Situation,
    Start,
    Stop,
    SupervisedRun,
    SupervisionPolicy,
    decide,
)
from tickledger.bars.calendars import is_session, session_close, session_open, sessions
from tickledger.domain.account import Mode
from tickledger.domain.trading_session import SessionState, SessionStatus

POLICY = SupervisionPolicy()
ACCOUNT = "DU1234567"
FRIDAY = date(2012, 11, 23)  # the day after Thanksgiving: closes at 13:00
MONDAY = date(2012, 11, 26)
NOON = datetime(2012, 11, 26, 17, 0, tzinfo=UTC)
LAUNCHING, RUNNING, STOPPING = RunStanding.LAUNCHING, RunStanding.RUNNING, RunStanding.STOPPING
SUCCEEDED, FAILED, STOPPED = RunStanding.SUCCEEDED, RunStanding.FAILED, RunStanding.STOPPED


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def session(state: SessionState = SessionState.RUNNING, **changed: Any) -> SessionStatus:
    status = SessionStatus(
        session_id="sess_1",
        account_id=ACCOUNT,
        mode=Mode.PAPER,
        session_date=MONDAY,
        state=state,
        strategy="momentum",
        host="desk",
        pid=1,
        started_at=NOON,
        heartbeat_at=NOON,
        heartbeat_age=1.0,
        dagster_run_id="run-1",
    )
    return replace(status, **changed)


def run(
    standing: RunStanding, run_id: str = "run-1", *, ended: timedelta | None = None, **changed: Any
) -> SupervisedRun:
    ended_at = None if ended is None else NOON + ended
    return replace(SupervisedRun(run_id, MONDAY, standing, NOON - timedelta(hours=1), ended_at), **changed)


def situation(at: datetime = NOON, **known: Any) -> Situation:
    known = {"session": None, "days": days_around(at), "now": NOON} | known
    return Situation(account_id=ACCOUNT, market_now=at, **known)


def decided(at: datetime = NOON, **known: Any) -> Decision:
    return decide(situation(at, **known), POLICY)


def reason(decision: Decision) -> str:
    assert isinstance(decision, Nothing)
    return decision.reason


# Before the open.


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        (datetime(2012, 11, 22, 15, 0, tzinfo=UTC), "Friday 2012-11-23: it opens at 09:30 New York, closes at 13:00"),
        (datetime(2012, 11, 23, 18, 0, tzinfo=UTC), "Monday 2012-11-26: it opens at 09:30 New York, closes at 16:00"),
        (datetime(2012, 11, 26, 14, 24, 59, tzinfo=UTC), "its run starts at 09:25 New York"),
        # Sandy closed the exchange for two days.
        (datetime(2012, 10, 29, 14, 0, tzinfo=UTC), "Wednesday 2012-10-31"),
    ],
)
def test_outside_its_hours_it_says_when_the_next_session_is(at: datetime, opens: str) -> None:
    assert opens in reason(decided(at))


@pytest.mark.parametrize(
    "at",
    [
        datetime(2012, 11, 26, 14, 25, tzinfo=UTC),
        datetime(2012, 11, 26, 20, 59, 59, tzinfo=UTC),
        datetime(2012, 11, 23, 17, 59, 59, tzinfo=UTC),
        # The Monday after the clocks of New York changed: the open is an hour later by UTC than on Friday.
        datetime(2012, 11, 5, 14, 25, tzinfo=UTC),
        datetime(2012, 3, 12, 13, 25, tzinfo=UTC),
    ],
)
def test_from_the_lead_to_the_close_a_run_is_started(at: datetime) -> None:
    decision = decided(at)
    assert isinstance(decision, Start)
    assert (decision.session_date, decision.attempt) == (at.date(), 1)
    assert decision.run_key == f"{ACCOUNT}/{at.date()}/1"


# One lives.


@pytest.mark.parametrize("state", [state for state in SessionState if not state.is_over])
def test_none_is_started_beside_one_that_lives(state: SessionState) -> None:
    living = session(state)
    assert "sess_1" in reason(decided(session=living, going_on=[run(RUNNING, session=living)]))
    by_hand = session(state, dagster_run_id=None)
    assert "none is started beside it" in reason(decided(session=by_hand))


@pytest.mark.parametrize("standing", [LAUNCHING, STOPPING])
def test_a_run_that_comes_or_goes_is_left_alone(standing: RunStanding) -> None:
    assert str(standing) in reason(decided(going_on=[run(standing)]))


# One died.


def test_the_run_after_one_that_was_killed_starts_at_once() -> None:
    dead = session(heartbeat_age=4.0)
    decision = decided(session=dead, over=[run(FAILED, ended=seconds(-1), session=dead)])
    assert isinstance(decision, Start)
    assert (decision.attempt, decision.run_key) == (2, f"{ACCOUNT}/{MONDAY}/2")


def test_a_session_whose_run_failed_is_given_three_seconds_to_be_silent() -> None:
    maybe = session(heartbeat_age=2.0)
    assert isinstance(decided(session=maybe, over=[run(FAILED, ended=seconds(-1), session=maybe)]), Nothing)


def test_a_silent_session_whose_run_goes_on_is_given_up_and_another_started() -> None:
    silent = session(heartbeat_age=10.5)
    at = situation(session=silent, going_on=[run(RUNNING, session=silent)])
    decision = decide(at, POLICY)
    assert isinstance(decision, GiveUp)
    assert "no heartbeat for 10 s" in decision.reason
    after = replace(at, going_on=[], over=[run(FAILED, ended=seconds(0), session=silent)])
    assert isinstance(decide(after, POLICY), Start)


def test_a_foreground_session_that_falls_silent_is_replaced() -> None:
    silent = session(dagster_run_id=None, heartbeat_age=11.0)
    assert isinstance(decided(session=silent), Start)


@pytest.mark.parametrize("state", [SessionState.WAITING, SessionState.STARTING, SessionState.WARMING])
def test_a_session_that_has_not_come_to_trade_has_more_patience(state: SessionState) -> None:
    young, old = session(state, heartbeat_age=60.0), session(state, heartbeat_age=241.0)
    assert isinstance(decided(session=young, going_on=[run(RUNNING, session=young)]), Nothing)
    assert isinstance(decided(session=old, going_on=[run(RUNNING, session=old)]), GiveUp)


def test_a_run_that_never_brings_a_session_is_given_up() -> None:
    assert isinstance(decided(going_on=[run(RUNNING, created_at=NOON - seconds(60))]), Nothing)
    assert isinstance(decided(going_on=[run(RUNNING, created_at=NOON - seconds(241))]), GiveUp)


def test_a_run_left_over_from_another_account_or_day_is_given_up_too() -> None:
    stale = session(account_id="DU9", session_date=FRIDAY, heartbeat_age=86_400.0)
    left = run(RUNNING, session_date=FRIDAY, session=stale)
    assert isinstance(decided(going_on=[left]), GiveUp)


# It died again and again.


def failures(count: int, *, every: timedelta, last: timedelta) -> list[SupervisedRun]:
    """Failed runs, each ended `every` after the one before and begun a second earlier, the newest `last` ago."""
    ends = [NOON - last - every * back for back in reversed(range(count))]
    return [run(FAILED, f"run-{index}", created_at=end - seconds(1), ended_at=end) for index, end in enumerate(ends)]


@pytest.mark.parametrize(("count", "pause"), list(enumerate((p.total_seconds() for p in POLICY.pauses[:-1]), start=1)))
def test_each_failure_is_followed_by_its_pause(count: int, pause: float) -> None:
    early = failures(count, every=seconds(100), last=seconds(max(pause - 0.5, 0)))
    late = failures(count, every=seconds(100), last=seconds(pause))
    if pause:
        assert f"run {count} of {MONDAY} failed" in reason(decided(over=early))
    decision = decided(over=late)
    assert isinstance(decision, Start)
    assert decision.attempt == count + 1


def test_a_crash_loop_is_given_up_loudly_and_for_good() -> None:
    most = len(POLICY.pauses)
    for ago in (seconds(0), timedelta(hours=3)):
        decision = decided(over=failures(most, every=seconds(60), last=ago))
        assert isinstance(decision, Nothing)
        assert decision.is_alarming
        assert "GIVEN UP" in decision.reason


def test_failures_far_apart_are_no_crash_loop() -> None:
    spread = failures(len(POLICY.pauses), every=timedelta(minutes=10), last=timedelta(minutes=10))
    assert isinstance(decided(over=spread), Start)


def test_a_run_by_hand_that_worked_for_a_while_begins_the_count_anew() -> None:
    most = len(POLICY.pauses)
    given_up = failures(most, every=seconds(60), last=timedelta(hours=2))
    by_hand = run(FAILED, "by-hand", created_at=NOON - timedelta(hours=1), ended=seconds(-61))
    assert isinstance(decided(over=[*given_up, by_hand]), Start)


# A person ended it, or the day is over.


@pytest.mark.parametrize(("standing", "told"), [(SUCCEEDED, "is over"), (STOPPED, "stopped by a person")])
def test_a_day_that_was_ended_is_left_alone(standing: RunStanding, told: str) -> None:
    assert told in reason(decided(over=[run(standing, ended=seconds(-60))]))


def test_a_foreground_session_that_ended_is_not_followed_by_another() -> None:
    ended = session(SessionState.ENDED, dagster_run_id=None)
    assert "started by hand" in reason(decided(session=ended))


def test_a_run_past_its_close_is_stopped_once_it_has_had_its_time() -> None:
    at = datetime(2012, 11, 26, 21, 1, tzinfo=UTC)
    late = run(RUNNING, session=session())
    first = decided(at, going_on=[late])
    assert isinstance(first, Nothing)
    assert first.is_overtime
    assert isinstance(decided(at, going_on=[late], overtime_since=NOON - seconds(299)), Nothing)
    assert isinstance(decided(at, going_on=[late], overtime_since=NOON - seconds(301)), Stop)


def test_a_run_that_never_left_the_queue_does_not_hold_the_next_day() -> None:
    queued = run(LAUNCHING, session_date=FRIDAY)
    assert isinstance(decided(going_on=[queued], overtime_since=NOON - seconds(301)), Stop)


# Over the whole calendar.

DAYS: Sequence[date] = sessions(date(2000, 1, 3), date(2026, 12, 31))
INSTANTS = st.datetimes(
    datetime(2000, 1, 3),  # noqa: DTZ001  Hypothesis adds the zone
    datetime(2026, 12, 20),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@given(INSTANTS)
def test_one_starts_exactly_while_the_market_is_open_or_about_to_open(at: datetime) -> None:
    decision = decided(at)
    day = next((day for day in days_around(at) if day.opens_at - POLICY.lead <= at < day.closes_at), None)
    assert isinstance(decision, Start if day else Nothing)
    if isinstance(decision, Start):
        assert day is not None
        assert decision.session_date == day.session_date
        assert is_session(decision.session_date)


@given(st.sampled_from(DAYS), st.sampled_from(["open", "close"]), st.sampled_from([-1, 0, 1]))
def test_the_edges_of_every_session_are_sharp(day: date, edge: str, off: int) -> None:
    at = (session_open(day) - POLICY.lead if edge == "open" else session_close(day)) + seconds(off)
    starts = off >= 0 if edge == "open" else off < 0
    decision = decided(at)
    assert isinstance(decision, Start) is starts
    if isinstance(decision, Start):
        assert decision.session_date == day


@given(
    INSTANTS,
    st.lists(st.sampled_from([SUCCEEDED, FAILED, STOPPED]), max_size=8),
    st.sampled_from([None, *SessionState]),
    st.floats(0, 400),
)
def test_whatever_is_known_no_run_is_asked_for_twice_and_none_beside_a_living_one(
    at: datetime, standings: list[RunStanding], state: SessionState | None, age: float
) -> None:
    day = next(day for day in days_around(at) if at < day.closes_at).session_date
    over = [
        run(standing, f"run-{index}", session_date=day, ended=seconds(index - 500))
        for index, standing in enumerate(standings)
    ]
    latest = None if state is None else session(state, session_date=day, heartbeat_age=age, dagster_run_id="other")
    decision = decided(at, over=over, session=latest)
    if isinstance(decision, Start):
        assert decision.run_key == f"{ACCOUNT}/{day}/{len(over) + 1}"
        assert latest is None or latest.state.is_over or age > POLICY.silence.total_seconds()
        assert not over or over[-1].standing is FAILED
    assert not isinstance(decision, Stop | GiveUp)
