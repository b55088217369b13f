"""When a trading session is started, left alone, or stopped: one decision, from what is known at one moment.

    before the lead        nothing: it says when the next session opens
    from lead to close     a session has to live; where none does, a run is started
    one lives              nothing, whoever started it: two never trade one account
    a run died             another is started at once, and later ones after growing pauses
    died again and again   nothing more is started until a person has started a run by hand
    a run is silent        the session's heart has stopped and its run goes on: that is given up, another starts
    a person ended it      nothing more on that day
    long past the close    the run is asked to stop

The schedule is the market's, which may be simulated and run fast; pauses and patience are of the wall. That only one
session trades does not rest on this: the lease sees to it. What is decided here may be late, or wrong about who lives.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from tickledger.domain.trading_session import SessionState, SessionStatus

_NEW_YORK: Final = ZoneInfo("America/New_York")
_SHOWN_OF_AN_ID: Final = 8
_UNBORN: Final = frozenset({SessionState.WAITING, SessionState.STARTING, SessionState.WARMING})


@dataclass(frozen=True, slots=True)
class TradingDay:
    """One session of the exchange, its open and close as aware instants."""

    session_date: date
    opens_at: datetime
    closes_at: datetime


class RunStanding(StrEnum):
    """How a run is. LAUNCHING: its process has not begun yet. STOPPED: by a person."""

    LAUNCHING = "launching"
    RUNNING = "running"
    STOPPING = "stopping"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def is_over(self) -> bool:
        """Whether nothing of the run goes on, as far as Dagster knows."""
        return self in {RunStanding.SUCCEEDED, RunStanding.FAILED, RunStanding.STOPPED}


@dataclass(frozen=True, slots=True)
class SupervisedRun:
    """A run of the session's job for one day, and the session process that it brought into the record.

    Instants are the wall's; `ended_at` is None while it goes on.
    """

    run_id: str
    session_date: date
    standing: RunStanding
    created_at: datetime
    ended_at: datetime | None = None
    session: SessionStatus | None = None

    def __str__(self) -> str:
        return f"run {self.run_id[:_SHOWN_OF_AN_ID]} of {self.session_date}"


@dataclass(frozen=True, slots=True)
class SupervisionPolicy:
    """How early, how patient, and how often.

    `lead` is how long before the open a run starts, by the market's clock. After `silence` without a heartbeat a
    session whose run goes on is given up, after `mourning` one whose run has failed; after `birth` one that has not
    come to trade, or a run that never brought a session into the record. After a failure the next run waits for the
    next of `pauses`; after as many failures as there are pauses, all within `window`, there is none. A run is asked to
    stop `overtime` after it was first seen past its close.
    """

    lead: timedelta = timedelta(minutes=5)
    silence: timedelta = timedelta(seconds=10)
    mourning: timedelta = timedelta(seconds=3)
    birth: timedelta = timedelta(minutes=4)
    pauses: tuple[timedelta, ...] = tuple(timedelta(seconds=seconds) for seconds in (0, 5, 15, 30, 60))
    window: timedelta = timedelta(minutes=15)
    overtime: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known at one moment.

    `now` is the wall's time, `market_now` the market's, `days` the sessions around it in order, `session` the
    account's latest session process. `going_on` are the runs that are not over, of whatever account: they hold the
    session's slot. `over` are those of the account and the days at hand that are, in the order in which they were
    made. `overtime_since` is when the run that goes on was first seen past its close.
    """

    account_id: str
    now: datetime
    market_now: datetime
    days: Sequence[TradingDay]
    session: SessionStatus | None
    going_on: Sequence[SupervisedRun] = ()
    over: Sequence[SupervisedRun] = ()
    overtime_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """Start a run."""

    session_date: date
    run_key: str
    attempt: int
    reason: str


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Mark a run as failed that Dagster still believes alive, and decide again."""

    run_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    """Ask a run to stop."""

    run_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Nothing:
    """Do nothing. `is_alarming`: a person has to see to it; `is_overtime`: a run goes on past its close."""

    reason: str
    is_alarming: bool = False
    is_overtime: bool = False


Decision = Start | GiveUp | Stop | Nothing


def decide(situation: Situation, policy: SupervisionPolicy) -> Decision:
    """What to do now."""
    if situation.going_on:
        return _with_run(situation.going_on[0], situation, policy)
    if _lives(situation, policy):
        return Nothing(f"{_shown(situation.session)}: none is started beside it")
    day = next((day for day in situation.days if situation.market_now < day.closes_at), None)
    if day is None:
        return Nothing("the exchange's calendar knows no session in the days ahead", is_alarming=True)
    if situation.market_now < day.opens_at - policy.lead:
        return Nothing(_until(day, policy))
    return _on_day(day, situation, policy)


def _with_run(run: SupervisedRun, situation: Situation, policy: SupervisionPolicy) -> Decision:
    """A run goes on: whether it has to be given up or stopped."""
    if run.standing is RunStanding.STOPPING:
        return Nothing(f"{run} is stopping")
    if run.standing is RunStanding.RUNNING and (silent := _silence(run, situation, policy)):
        return GiveUp(run.run_id, silent)
    day = next((day for day in situation.days if day.session_date == run.session_date), None)
    if day is None or situation.market_now > day.closes_at:
        return _past_close(run, situation, policy)
    told = f"{run} is {run.standing}" if run.session is None else _shown(run.session)
    return Nothing(told)


def _silence(run: SupervisedRun, situation: Situation, policy: SupervisionPolicy) -> str:
    """Why a run that Dagster believes alive is dead; empty where it is not."""
    session = run.session
    if session is None:
        is_late = situation.now - run.created_at > policy.birth
        return f"{run} has brought no session into the record in {_span(policy.birth)}" if is_late else ""
    if session.state.is_over or session.heartbeat_age <= _patience(session, policy).total_seconds():
        return ""
    return f"{run}: its session has had no heartbeat for {session.heartbeat_age:.0f} s"


def _past_close(run: SupervisedRun, situation: Situation, policy: SupervisionPolicy) -> Decision:
    since = situation.overtime_since
    if since is not None and situation.now - since > policy.overtime:
        return Stop(run.run_id, f"{run} goes on {_span(policy.overtime)} after it was first seen past its close")
    return Nothing(f"{run} is ending its day", is_overtime=True)


def _on_day(day: TradingDay, situation: Situation, policy: SupervisionPolicy) -> Decision:
    """It is time to trade and no run goes on: whether one is to be started."""
    runs = [run for run in situation.over if run.session_date == day.session_date]
    session = situation.session
    if session is not None and session.session_date == day.session_date and _was_ended_by_hand(session):
        return Nothing(f"{_shown(session)} and was started by hand; launch the job `intraday` for the day to go on")
    if not runs:
        return _start(day, situation, f"the session of {day.session_date} opens at {_clock(day.opens_at)}")
    last = runs[-1]
    if last.standing is RunStanding.SUCCEEDED:
        return Nothing(f"the session of {day.session_date} is over; the next one starts before its open")
    if last.standing is RunStanding.STOPPED:
        return Nothing(f"{last} was stopped by a person; launch the job `intraday` for the day to go on")
    return _after_failure(day, runs, situation, policy)


def _after_failure(
    day: TradingDay, runs: Sequence[SupervisedRun], situation: Situation, policy: SupervisionPolicy
) -> Decision:
    failures = _trailing_failures(runs)
    most = len(policy.pauses)
    last_ended = _ended(failures[-1])
    if len(failures) >= most and last_ended - failures[-most].created_at <= policy.window:
        return Nothing(
            f"GIVEN UP: {most} runs of {day.session_date} failed within {_span(policy.window)}, the last at "
            f"{_clock(last_ended)}; see its error, mend it, and launch the job `intraday` for the day by hand",
            is_alarming=True,
        )
    pause = policy.pauses[min(len(failures), most) - 1]
    if situation.now < last_ended + pause:
        count = len(failures)
        return Nothing(f"run {count} of {day.session_date} failed; the next one starts {_span(pause)} after it")
    return _start(day, situation, f"{failures[-1]} failed at {_clock(last_ended)}")


def _trailing_failures(runs: Sequence[SupervisedRun]) -> list[SupervisedRun]:
    others = [index for index, run in enumerate(runs) if run.standing is not RunStanding.FAILED]
    return list(runs[others[-1] + 1 :] if others else runs)


def _ended(run: SupervisedRun) -> datetime:
    return run.ended_at or run.created_at


def _start(day: TradingDay, situation: Situation, reason: str) -> Start:
    attempt = sum(run.session_date == day.session_date for run in situation.over) + 1
    return Start(day.session_date, f"{situation.account_id}/{day.session_date}/{attempt}", attempt, reason)


def _lives(situation: Situation, policy: SupervisionPolicy) -> bool:
    """Whether the latest session trades, or may: one whose run is over is believed dead sooner."""
    session = situation.session
    if session is None or session.state.is_over:
        return False
    is_orphan = any(run.run_id == session.dagster_run_id for run in situation.over)
    patience = policy.mourning if is_orphan else _patience(session, policy)
    return session.heartbeat_age <= patience.total_seconds()


def _patience(session: SessionStatus, policy: SupervisionPolicy) -> timedelta:
    """How long a session may be silent: its heart begins to beat when it trades."""
    return policy.birth if session.state in _UNBORN else policy.silence


def _was_ended_by_hand(session: SessionStatus) -> bool:
    return session.state is SessionState.ENDED and session.dagster_run_id is None


def _shown(session: SessionStatus | None) -> str:
    if session is None:
        return "no session"
    told = f"session {session.session_id} of {session.session_date} is {session.state}"
    return f"{told} (process {session.pid} on {session.host}, heartbeat {session.heartbeat_age:.0f} s ago)"


def _until(day: TradingDay, policy: SupervisionPolicy) -> str:
    opens_at = day.opens_at.astimezone(_NEW_YORK)
    return (
        f"the next session is {opens_at:%A %Y-%m-%d}: it opens at {opens_at:%H:%M} New York, closes at "
        f"{_clock(day.closes_at)}, and its run starts at {_clock(day.opens_at - policy.lead)}"
    )


def _clock(at: datetime) -> str:
    return f"{at.astimezone(_NEW_YORK):%H:%M:%S} New York".replace(":00 ", " ")


def _span(span: timedelta) -> str:
    seconds = span.total_seconds()
    return f"{seconds / 60:g} minutes" if seconds >= 120 else f"{seconds:g} s"  # noqa: PLR2004  as people say it
