"""When the jobs run by themselves: after the New York close, each for the partition that the day lies in.

A schedule starts stopped; a person switches it on in the UI.
"""

from datetime import datetime
from typing import Final

import dagster as dg

from assets.partitions import RANGE_END, RANGE_START
from pipelines.jobs import end_of_day, ingest, research

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


SCHEDULES: Final = (ingest_after_close, research_after_close, nightly_end_of_day)
