"""What Dagster and the record know of an account's session runs, read for `supervision`."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

import dagster as dg
from sqlalchemy import Engine

from sensors.supervision import RunStanding, SupervisedRun, TradingDay
from tickledger.bars.calendars import session_close, session_open, sessions
from tickledger.db.trading_sessions import read_sessions
from tickledger.domain.trading_session import SessionStatus

#: The job of the session, and the tag that says which account a run of it trades.
JOB: Final = "intraday"
ACCOUNT: Final = "tickledger/account"
_PARTITION: Final = "dagster/partition"
_BEFORE: Final = timedelta(days=7)
_AHEAD: Final = timedelta(days=10)
_MOST: Final = 100

_STANDINGS: Final[Mapping[dg.DagsterRunStatus, RunStanding]] = {
    dg.DagsterRunStatus.QUEUED: RunStanding.LAUNCHING,
    dg.DagsterRunStatus.NOT_STARTED: RunStanding.LAUNCHING,
    dg.DagsterRunStatus.MANAGED: RunStanding.LAUNCHING,
    dg.DagsterRunStatus.STARTING: RunStanding.LAUNCHING,
    dg.DagsterRunStatus.STARTED: RunStanding.RUNNING,
    dg.DagsterRunStatus.CANCELING: RunStanding.STOPPING,
    dg.DagsterRunStatus.SUCCESS: RunStanding.SUCCEEDED,
    dg.DagsterRunStatus.FAILURE: RunStanding.FAILED,
    dg.DagsterRunStatus.CANCELED: RunStanding.STOPPED,
}


def days_around(at: datetime) -> list[TradingDay]:
    """The exchange's sessions of the days around an instant, in order."""
    days = sessions((at - _BEFORE).date(), (at + _AHEAD).date())
    return [TradingDay(day, session_open(day), session_close(day)) for day in days]


def going_on(instance: dg.DagsterInstance, engine: Engine) -> list[SupervisedRun]:
    """The session's runs that are not over, of whatever account: they hold its slot."""
    statuses = [status for status, standing in _STANDINGS.items() if not standing.is_over]
    return _read(instance, engine, dg.RunsFilter(job_name=JOB, statuses=statuses))


def over(
    instance: dg.DagsterInstance, engine: Engine, account_id: str, days: Iterable[TradingDay]
) -> list[SupervisedRun]:
    """The account's runs of those days that are over, in the order in which they were made."""
    statuses = [status for status, standing in _STANDINGS.items() if standing.is_over]
    tags = {ACCOUNT: account_id, _PARTITION: [str(day.session_date) for day in days]}
    return _read(instance, engine, dg.RunsFilter(job_name=JOB, statuses=statuses, tags=tags))


def _read(instance: dg.DagsterInstance, engine: Engine, which: dg.RunsFilter) -> list[SupervisedRun]:
    records = [
        record
        for record in instance.get_run_records(which, limit=_MOST, ascending=False)
        if record.dagster_run.tags.get(_PARTITION)
    ]
    dates = {date.fromisoformat(record.dagster_run.tags[_PARTITION]) for record in records}
    by_run = _by_run([session for day in dates for session in read_sessions(engine, session_date=day)])
    return [_run(record, by_run) for record in reversed(records)]


def _by_run(sessions_of_days: Sequence[SessionStatus]) -> dict[str, SessionStatus]:
    return {session.dagster_run_id: session for session in sessions_of_days if session.dagster_run_id is not None}


def _run(record: dg.RunRecord, by_run: Mapping[str, SessionStatus]) -> SupervisedRun:
    run = record.dagster_run
    return SupervisedRun(
        run_id=run.run_id,
        session_date=date.fromisoformat(run.tags[_PARTITION]),
        standing=_STANDINGS[run.status],
        created_at=record.create_timestamp.astimezone(UTC),
        ended_at=None if record.end_time is None else datetime.fromtimestamp(record.end_time, UTC),
        session=by_run.get(run.run_id),
    )
