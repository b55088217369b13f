"""A paper account as Dagster trades it: runs of its jobs and ticks of its sensors, in this process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
from sqlalchemy import Engine

from sensors.session_runs import ACCOUNT, JOB
from tests.assets.conftest import QUIET
from tickledger.settings import Settings


@dataclass(frozen=True)
class DagsterDesk:
    """Definitions of one account, on a ledger and an instance."""

    settings: Settings
    definitions: dg.Definitions
    instance: dg.DagsterInstance
    engine: Engine
    resources: Mapping[str, Any]

    def run(self, job: str, partition: str | None = None) -> dg.ExecuteInProcessResult:
        """Run `job` of a partition to its end."""
        return self.definitions.resolve_job_def(job).execute_in_process(
            instance=self.instance, partition_key=partition, run_config=QUIET, raise_on_error=False
        )

    def tick(self, sensor: str, cursor: str | None = None) -> "Tick":
        """Let a sensor look once."""
        repository = self.definitions.get_repository_def()
        with dg.build_sensor_context(
            instance=self.instance, cursor=cursor, repository_def=repository, resources=self.resources
        ) as context:
            data = repository.get_sensor_def(sensor).evaluate_tick(context)
        return Tick(list(data.run_requests or []), data.skip_message or "", data.cursor)

    def report(self, status: dg.DagsterRunStatus, partition: str) -> str:
        """Leave a run of the session in `status`, as another process would; its id."""
        job = self.definitions.resolve_job_def(JOB)
        tags = {ACCOUNT: str(self.settings.ib_account), "dagster/partition": partition}
        return self.instance.create_run_for_job(job, tags=tags, status=status).run_id

    def statuses(self) -> Mapping[str, dg.DagsterRunStatus]:
        """The state of each run, by id."""
        return {run.run_id: run.status for run in self.instance.get_runs()}

    def metadata(self, *key: str) -> Mapping[str, Any]:
        """What the last materialization of an asset told."""
        event = self.instance.get_latest_materialization_event(dg.AssetKey(key))
        assert event is not None
        assert event.asset_materialization is not None
        return {name: value.value for name, value in event.asset_materialization.metadata.items()}


@dataclass(frozen=True)
class Tick:
    """What a sensor asked for, or why it did not."""

    requests: Sequence[dg.RunRequest]
    skipped: str
    cursor: str | None


def check_results(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    """The asset checks of a run, by asset and name."""
    evaluations = result.get_asset_check_evaluations()
    return {f"{one.asset_key.to_user_string()}:{one.check_name}": one.passed for one in evaluations}


def reasons(result: dg.ExecuteInProcessResult) -> str:
    """Why the steps of a run failed."""
    failures = [event.step_failure_data.error for event in result.all_events if event.is_step_failure]
    return "\n".join(error.to_string() for error in failures if error is not None)
