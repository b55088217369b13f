"""The demonstration: the whole lineage on the bundled sample, through the Dagster instance, in this process.

Two calendar years are traded out of sample: each year's model saw only the years before it. Running it again finds
every row already there; a run that was killed is marked as failed and everything is made again.
"""

import fcntl
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import dagster as dg
from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

from assets.bars import ADJUSTED
from assets.features import DAILY as FEATURES
from assets.market_data import CORPORATE_ACTIONS, RAW_BARS
from assets.partitions import MONTHS, RANGE_END, RANGE_START
from pipelines.definitions import build_definitions, default_resources
from pipelines.instance import enter
from resources.market_files import MarketFiles
from sensors.market_files import month_range
from tickledger.db.connect import Connections, open_ledger
from tickledger.db.engine import create_ledger_engine
from tickledger.domain.errors import ConfigurationError, TickledgerError
from tickledger.settings import Settings

FIRST_FEATURE_YEAR: Final = "2000"
LAST_TRAINING_YEAR: Final = "2010"
TRADED_YEARS: Final = ("2011", "2012")
TAX_YEAR: Final = 2012
DEMO_TAG: Final = {"tickledger/demo": "true"}
_OURS: Final = re.compile(r"^tickledger\.domain\.errors\.\w+: ")
QUIET: Final = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True, slots=True)
class Step:
    """One job run of the demonstration; `asset_selection` None means the whole job."""

    title: str
    job: str
    partitions: Mapping[str, str]
    asset_selection: Sequence[dg.AssetKey] | None = None


def _years(first: str, last: str) -> Mapping[str, str]:
    return {RANGE_START: first, RANGE_END: last}


def steps(months: Mapping[str, str], *, is_ingested: bool) -> Sequence[Step]:
    """The runs in order: each uses what the one before it left in the record.

    Where the same files were ingested before, their months are left alone and the bars adjusted anew.
    """
    ingest = Step("market data into the record, bars adjusted", "ingest", months)
    adjust = Step("bars adjusted; the market data are in the record", "ingest", months, [dg.AssetKey(ADJUSTED)])
    return (
        adjust if is_ingested else ingest,
        Step(
            "features of the training years",
            "research",
            _years(FIRST_FEATURE_YEAR, LAST_TRAINING_YEAR),
            [dg.AssetKey(FEATURES)],
        ),
        Step("features, models and signals of the traded years", "research", _years(*TRADED_YEARS)),
        Step("orders, fills, positions, lots, gains and forms", "end_of_day", _years(*TRADED_YEARS)),
    )


@contextmanager
def demonstration(settings: Settings, *, report: Callable[[str], None]) -> Iterator[Connections]:
    """Run the demonstration and leave the ledger open for whoever wants to show what is in it.

    `report` is told the title of each step as it starts. Raises TickledgerError where a step fails.
    """
    with open_ledger(settings) as connections, _only_one(settings):
        enter(settings, connections)
        definitions = build_definitions(settings)
        market_files = default_resources(settings)["market_files"]
        with DagsterInstance.get() as instance:
            _fail_abandoned_runs(instance)
            months = month_range(market_files)
            for step in steps(months, is_ingested=_is_ingested(connections, instance, market_files, months)):
                report(step.title)
                _run(definitions, instance, step)
        yield connections


def _is_ingested(
    connections: Connections, instance: DagsterInstance, market_files: MarketFiles, months: Mapping[str, str]
) -> bool:
    """Whether both the ledger and Dagster know every month of these very files."""
    keys = MONTHS.get_partition_keys_in_range(dg.PartitionKeyRange(months[RANGE_START], months[RANGE_END]))
    first, last = (MONTHS.time_window_for_partition_key(key) for key in (keys[0], keys[-1]))
    engine = create_ledger_engine(connections.ledger_url)
    is_recorded = market_files.are_recorded(engine, dg.TimeWindow(first.start, last.end))
    engine.dispose()
    stored = (dg.AssetKey(RAW_BARS), dg.AssetKey(CORPORATE_ACTIONS))
    return is_recorded and all(set(keys) <= instance.get_materialized_partitions(key) for key in stored)


def _run(definitions: dg.Definitions, instance: DagsterInstance, step: Step) -> None:
    result = definitions.resolve_job_def(step.job).execute_in_process(
        instance=instance,
        tags={**step.partitions, **DEMO_TAG},
        asset_selection=step.asset_selection,
        run_config=QUIET,
        raise_on_error=False,
    )
    if not result.success:
        if "DagsterExecutionInterruptedError" in _reasons(result):
            raise InterruptedError("interrupted; what was finished is kept, and the next `tickledger demo` goes on")
        raise TickledgerError(f"the run of {step.job} ({step.title}) failed\n{_reasons(result)}")


def _reasons(result: dg.ExecuteInProcessResult) -> str:
    failures = (event for event in result.all_events if event.is_step_failure)
    return "\n".join(f"{event.step_key}: {_root_cause(event)}" for event in failures)


def _root_cause(event: dg.DagsterEvent) -> str:
    """The message of the first error, without the Python name of its class where that is one of ours."""
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return "no reason was recorded" if error is None else _OURS.sub("", error.message.strip())


def _fail_abandoned_runs(instance: DagsterInstance) -> None:
    """Only one demonstration runs at a time, so a run of an earlier one that never ended has lost its process."""
    unfinished = RunsFilter(tags=DEMO_TAG, statuses=[DagsterRunStatus.STARTED, DagsterRunStatus.STARTING])
    for run in instance.get_runs(unfinished):
        instance.report_run_failed(run, message="The process that ran it ended before the run did.")


@contextmanager
def _only_one(settings: Settings) -> Iterator[None]:
    """Hold the home's demonstration lock; the kernel lets go of it however this process ends."""
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = settings.home / "demo.lock"
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigurationError(
                f"another `tickledger demo` is running on {settings.home}: "
                "wait for it, or set TICKLEDGER_HOME to another folder"
            ) from error
        lock.write(str(os.getpid()))
        lock.flush()
        yield
