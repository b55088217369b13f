"""When the jobs run by themselves: after the New York close, each for the partition that the day lies in.

A schedule starts stopped; a person switches it on in the UI. Those that follow the exchange's calendar are asked every
quarter of an hour, so that they come as soon after an early close as after any other, and not at all on holidays; a
run key for each day lets them ask for one run only. A simulated market has its own evening: see `sensors.evenings`.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

import dagster as dg

from assets.partitions import RANGE_END, RANGE_START
from pipelines.jobs import (
    end_of_day,
    ingest,
    morning_readiness,
    nightly_books,
    nightly_reconciliation,
    research,
)
from resources.trading_session import LiveTrading
from sensors.evenings import AFTER_CLOSE, why_not_evening
from sensors.session_runs import days_around

#: How long before the open it is looked whether the session can start.
BEFORE_OPEN: Final = timedelta(minutes=45)
NEW_YORK: Final = "America/New_York"


def _request(context: dg.ScheduleEvaluationContext, partition_format: str) -> dg.RunRequest:
    day: datetime = context.scheduled_execution_time
    return dg.RunRequest(run_key=f"{day:%Y-%m-%d}", partition_key=day.strftime(partition_format))


@dg.schedule(job=ingest, cron_schedule="0 17 * * 1-5", execution_timezone=NEW_YORK, name="ingest_after_close")
def ingest_after_close(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """The month of the day that has just closed."""
    return _request(context, "%Y-%m-01")


@dg.schedule(job=research, cron_schedule="30 17 * * 1-5", execution_timezone=NEW_YORK, name="research_after_close")
def research_after_close(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """The year of the day that has just closed."""
    return _request(context, "%Y")


@dg.schedule(job=end_of_day, cron_schedule="30 18 * * 1-5", execution_timezone=NEW_YORK, name="nightly_end_of_day")
def nightly_end_of_day(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """The year of the day that has just closed; in January the year before as well.

    A purchase within 30 days after a sale changes its loss (IRC 1091), so the forms of December are made again.
    """
    day = context.scheduled_execution_time
    if day.month > 1:
        return _request(context, "%Y")
    years = {RANGE_START: str(day.year - 1), RANGE_END: str(day.year)}
    return dg.RunRequest(run_key=f"{day:%Y-%m-%d}", tags=years)


@dg.schedule(
    job=nightly_books,
    cron_schedule="*/15 13-18 * * 1-5",
    execution_timezone=NEW_YORK,
    name="books_after_close",
)
def books_after_close(
    context: dg.ScheduleEvaluationContext, live: dg.ResourceParam[LiveTrading]
) -> dg.RunRequest | dg.SkipReason:
    """Lots, gains, P&L and forms of the session that has just closed."""
    at = context.scheduled_execution_time
    reason = _why_not(live) or why_not_evening(at.astimezone(UTC), at.date(), delay=2 * AFTER_CLOSE)
    return dg.SkipReason(reason) if reason else _request(context, "%Y")


@dg.schedule(
    job=nightly_reconciliation,
    cron_schedule="*/15 13-18 * * 1-5",
    execution_timezone=NEW_YORK,
    name="reconciliation_after_close",
)
def reconciliation_after_close(
    context: dg.ScheduleEvaluationContext, live: dg.ResourceParam[LiveTrading]
) -> dg.RunRequest | dg.SkipReason:
    """The ledger beside the broker, for the session that has just closed."""
    at = context.scheduled_execution_time
    reason = _why_not(live) or why_not_evening(at.astimezone(UTC), at.date())
    return dg.SkipReason(reason) if reason else _request(context, "%Y-%m-%d")


@dg.schedule(
    job=morning_readiness, cron_schedule="*/15 8-9 * * 1-5", execution_timezone=NEW_YORK, name="readiness_before_open"
)
def readiness_before_open(
    context: dg.ScheduleEvaluationContext, live: dg.ResourceParam[LiveTrading]
) -> dg.RunRequest | dg.SkipReason:
    """Whether the session of the day can start, three quarters of an hour before its open."""
    at = context.scheduled_execution_time
    if reason := _why_not(live):
        return dg.SkipReason(reason)
    day = next((day for day in days_around(at) if day.session_date == at.date()), None)
    if day is None:
        return dg.SkipReason(f"{at:%A %Y-%m-%d} is no session of the exchange")
    if not day.opens_at - BEFORE_OPEN <= at < day.opens_at:
        return dg.SkipReason(f"the session opens at {day.opens_at:%H:%M} UTC; it is looked {BEFORE_OPEN} before")
    return _request(context, "%Y-%m-%d")


def _why_not(live: LiveTrading) -> str | None:
    """Why the calendar of the exchange does not say when this account's day is over."""
    if live.is_off:
        return "TICKLEDGER_MODE is simulated: no account is traded at a broker"
    return "the market is simulated and has its own clock" if live.has_simulated_market else None


SCHEDULES: Final = (
    ingest_after_close,
    research_after_close,
    nightly_end_of_day,
    readiness_before_open,
    reconciliation_after_close,
    books_after_close,
)
