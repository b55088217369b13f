"""A run fails, and a person reads which and why: the sensor as the daemon evaluates it, and a real server."""

from datetime import UTC, datetime

import dagster as dg
import pytest

from pipelines.definitions import build_definitions
from resources.notifier import AlertNotifier
from sensors.run_failures import failed_run, run_failures
from tests.integration.notifications.conftest import Reply, WebServer
from tickledger.domain.account import Mode
from tickledger.domain.alert import AlertKind
from tickledger.settings import Settings

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
ENDED_AT = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)


@dg.op
def reads_the_market() -> None:
    try:
        int("no price")
    except ValueError as error:
        raise ValueError("the ledger at postgresql://me:hunter2@db/ledger\ndoes not answer") from error


@dg.job
def nightly() -> None:
    reads_the_market()


@pytest.fixture
def webhook(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> WebServer:
    monkeypatch.setenv("TICKLEDGER_ALERT_WEBHOOK_URL", web.url("/hook"))
    return web


def definitions() -> dg.Definitions:
    return dg.Definitions(jobs=[nightly], sensors=[run_failures], resources={"notifier": AlertNotifier()})


def fail(instance: dg.DagsterInstance, **tags: str) -> dg.ExecuteInProcessResult:
    job = definitions().resolve_job_def("nightly")
    return job.execute_in_process(instance=instance, raise_on_error=False, run_config=QUIET, tags=tags)


def tick(instance: dg.DagsterInstance, cursor: str | None) -> str | None:
    """One evaluation, with a notifier that lives as long as it."""
    with dg.build_sensor_context(
        instance=instance,
        cursor=cursor,
        repository_def=definitions().get_repository_def(),
        resources={"notifier": AlertNotifier(drain_seconds=10)},
        sensor_name="run_failures",
    ) as context:
        data = run_failures.evaluate_tick(context)
    assert [reaction.error for reaction in data.dagster_run_reactions or []] in ([], [None])
    return data.cursor


def test_a_failed_run_is_told_with_its_job_partition_and_first_error(webhook: WebServer) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        cursor = tick(instance, None)
        run = fail(instance, **{"dagster/partition": "2026-03-02"}).dagster_run
        tick(instance, cursor)
    document = webhook.next().document
    assert document["title"] == "SIMULATED · Run failed: nightly, 2026-03-02"
    assert document["body"] == "ValueError: the ledger at postgresql://***@db/ledger does not answer"
    assert document["facts"] == {
        "job": "nightly",
        "partition": "2026-03-02",
        "step": "reads_the_market",
        "run": run.run_id,
    }
    assert "http" not in str(document)
    assert webhook.posted.empty()


def test_a_webhook_that_is_down_fails_no_tick(webhook: WebServer) -> None:
    webhook.usual = Reply(404, "no_service")
    with dg.DagsterInstance.ephemeral() as instance:
        cursor = tick(instance, None)
        fail(instance)
        assert tick(instance, cursor) != cursor


def test_a_run_that_was_killed_is_told_by_dagsters_own_words() -> None:
    run = dg.DagsterRun(job_name="intraday", run_id="r1", tags={})
    told = failed_run(run, [], message="The run worker died.", ended_at=ENDED_AT, mode=Mode.LIVE)
    assert (told.kind, told.title, told.body) == (AlertKind.RUN_FAILURE, "Run failed: intraday", "The run worker died.")
    assert told.occurred_at == ENDED_AT


@pytest.mark.parametrize(("first", "last", "shown"), [("2011", "2012", "2011 to 2012"), ("2011", "2011", "2011")])
def test_a_range_of_partitions_is_named_by_its_ends(first: str, last: str, shown: str) -> None:
    tags = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
    run = dg.DagsterRun(job_name="research", run_id="r1", tags=tags)
    told = failed_run(run, [], message="x", ended_at=ENDED_AT, mode=Mode.SIMULATED)
    assert told.facts["partition"] == shown


def test_the_sensor_is_on_from_the_start_and_watches_every_job() -> None:
    sensor = build_definitions(Settings(_env_file=None)).get_repository_def().get_sensor_def("run_failures")
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert "notifier" in sensor.required_resource_keys
