"""Notices that a run has failed and tells a person, in the words of the run's first error."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import dagster as dg

from resources.notifier import AlertNotifier
from tickledger.domain.account import Mode
from tickledger.domain.alert import Alert
from tickledger.domain.alert_wording import run_failure_alert
from tickledger.settings import load_settings

_PARTITION_TAGS: Final = (
    "dagster/partition",
    "dagster/asset_partition_range_start",
    "dagster/asset_partition_range_end",
)
_ERROR_LENGTH: Final = 1000


@dg.run_failure_sensor(
    minimum_interval_seconds=15,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="A run failed: an alert with job, partition and first error by every channel that is set up.",
)
def run_failures(context: dg.RunFailureSensorContext, notifier: AlertNotifier) -> None:
    """Tell a person about each run that failed."""
    record = context.instance.get_run_record_by_id(context.dagster_run.run_id)
    ended_at = record.end_time if record is not None and record.end_time is not None else 0.0
    alert = failed_run(
        context.dagster_run,
        context.get_step_failure_events(),
        message=context.failure_event.message or "",
        ended_at=datetime.fromtimestamp(ended_at, UTC),
        mode=load_settings().mode,
    )
    notifier.notify(alert)


def failed_run(
    run: dg.DagsterRun, failures: Sequence[dg.DagsterEvent], *, message: str, ended_at: datetime, mode: Mode
) -> Alert:
    """The alert of a failed run; `failures` are its failed steps in order of time, `message` is Dagster's own.

    A run that was killed has no failed step: then the message is all there is.
    """
    first = failures[0] if failures else None
    return run_failure_alert(
        job=run.job_name,
        partition=_partition(run),
        step=first.step_key if first is not None else None,
        error=(first_error(first) if first is not None else message)[:_ERROR_LENGTH],
        run_id=run.run_id,
        occurred_at=ended_at,
        mode=mode,
    )


def first_error(failure: dg.DagsterEvent) -> str:
    """What the code of a step raised, in one line: Dagster wraps it in an error of its own."""
    error = failure.step_failure_data.error
    if error is None:
        return failure.message or "the step failed without an error"
    while error.cause is not None and (error.cls_name or "").startswith("Dagster"):
        error = error.cause
    return " ".join(error.message.split())


def _partition(run: dg.DagsterRun) -> str | None:
    """The partition of a run, ``first to last`` where it is a range of them."""
    one, first, last = (run.tags.get(tag) for tag in _PARTITION_TAGS)
    if one is not None or first is None or last is None or first == last:
        return one or first
    return f"{first} to {last}"
