"""The whole graph, told apart from what it computes: keys, edges, groups, owners, partitions, checks, jobs."""

from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
import yaml
from syrupy.assertion import SnapshotAssertion

from pipelines.definitions import build_definitions
from pipelines.schedules import (
    books_after_close,
    ingest_after_close,
    nightly_end_of_day,
    readiness_before_open,
    reconciliation_after_close,
    research_after_close,
)
from resources.trading_session import LiveTrading
from tickledger.domain.account import Mode
from tickledger.settings import Settings

STAGES = [
    "bars",
    "features",
    "fills",
    "gains",
    "live",
    "lots",
    "market_data",
    "models",
    "orders",
    "positions",
    "reconciliation",
    "reports",
    "signals",
]


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return build_definitions(Settings(home=Path("/nonexistent")))


def test_the_graph_is_the_one_that_was_reviewed(definitions: dg.Definitions, snapshot: SnapshotAssertion) -> None:
    graph = definitions.resolve_asset_graph()
    drawn = {
        key.to_user_string(): {
            "depends on": sorted(parent.to_user_string() for parent in graph.get(key).parent_keys),
            "group": graph.get(key).group_name,
            "owners": list(graph.get(key).owners),
            "kinds": sorted(graph.get(key).kinds),
            "partitions": str(graph.get(key).partitions_def),
            "checks": sorted(check.name for check in graph.get(key).check_keys),
        }
        for key in sorted(graph.get_all_asset_keys(), key=str)
    }
    assert drawn == snapshot


def test_every_stage_is_a_group_and_every_key_has_two_levels(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    nodes = [graph.get(key) for key in graph.get_all_asset_keys()]
    assert sorted({node.group_name for node in nodes}) == STAGES
    assert {len(node.key.path) for node in nodes} == {2}
    assert all(node.key.path[0] == node.group_name for node in nodes)


def test_every_asset_says_what_it_is_and_whose(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    nodes = [graph.get(key) for key in graph.get_all_asset_keys()]
    assert [node.key for node in nodes if not (node.description and node.owners and node.kinds)] == []


def test_every_frame_is_guarded_by_a_blocking_check(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    unguarded = {
        key.to_user_string()
        for key in graph.get_all_asset_keys()
        if not any(graph.get_check_spec(check).blocking for check in graph.get(key).check_keys)
    }
    # A model is not a frame; these reports are made of rows that were guarded where they came from; what a session did
    # at a broker cannot be held back any more, and neither can what the broker or a statement says of it.
    at_the_broker = {f"live/{stage}" for stage in ("bars", "signals", "orders", "fills", "session")}
    reports = {"reports/order_costs", "reports/performance", "reports/schedule_d"}
    told = {f"reconciliation/{name}" for name in ("broker", "statement", "daily")}
    assert unguarded == {"models/direction", *reports, *at_the_broker, *told}


def test_a_model_depends_on_earlier_years_alone(definitions: dg.Definitions) -> None:
    mapping = definitions.resolve_asset_graph().get_partition_mapping(
        dg.AssetKey(["models", "direction"]), dg.AssetKey(["features", "daily"])
    )
    assert isinstance(mapping, dg.TimeWindowPartitionMapping)
    assert mapping.end_offset == -1


def test_a_seven_hour_session_keeps_its_slot_while_backfills_run() -> None:
    """The limits of dagster.yaml together leave one of the slots that only a session can take."""
    root = Path(__file__).resolve().parents[2]
    runs = yaml.safe_load((root / "dagster.yaml").read_text())["concurrency"]["runs"]
    limits = {(limit["key"], limit.get("value")): limit["limit"] for limit in runs["tag_concurrency_limits"]}
    others = limits[("tickledger/slot", "batch")] + limits[("dagster/backfill", None)]
    assert others + limits[("tickledger/slot", "session")] <= runs["max_concurrent_runs"]


@pytest.mark.parametrize("job", ["ingest", "research", "end_of_day", "intraday", "nightly_books"])
def test_every_job_can_be_backfilled_by_partition(definitions: dg.Definitions, job: str) -> None:
    assert definitions.resolve_job_def(job).partitions_def is not None


def test_every_schedule_asks_for_the_partition_of_its_day(definitions: dg.Definitions) -> None:
    at = datetime(2012, 11, 14, 22, 30, tzinfo=UTC)
    repository = definitions.get_repository_def()
    asked = {}
    for schedule in (ingest_after_close, research_after_close, nightly_end_of_day):
        context = dg.build_schedule_context(scheduled_execution_time=at, repository_def=repository)
        asked[schedule.name] = requested(schedule, context).partition_key
    assert asked == {
        "ingest_after_close": "2012-11-01",
        "research_after_close": "2012",
        "nightly_end_of_day": "2012",
    }


AT_THE_BROKER = Settings(home=Path("/nonexistent"), mode=Mode.PAPER, ib_account="DU7654321")


@pytest.mark.parametrize(
    ("schedule", "at", "partition"),
    [
        # A whole day, by the clock of winter and of summer.
        (reconciliation_after_close, "2012-11-14 21:15", "2012-11-14"),
        (reconciliation_after_close, "2012-11-14 21:00", None),
        (reconciliation_after_close, "2012-07-16 20:15", "2012-07-16"),
        (books_after_close, "2012-11-14 21:30", "2012"),
        (books_after_close, "2012-11-14 21:15", None),
        # The day after Thanksgiving closes at 13:00, Thanksgiving is none.
        (reconciliation_after_close, "2012-11-23 18:15", "2012-11-23"),
        (reconciliation_after_close, "2012-11-23 18:00", None),
        (reconciliation_after_close, "2012-11-22 21:15", None),
        (readiness_before_open, "2012-11-14 13:45", "2012-11-14"),
        (readiness_before_open, "2012-11-14 13:30", None),
        (readiness_before_open, "2012-11-14 14:30", None),
        (readiness_before_open, "2012-11-22 13:45", None),
    ],
)
def test_the_schedules_of_a_broker_account_follow_the_exchange(
    schedule: dg.ScheduleDefinition, at: str, partition: str | None
) -> None:
    instant = datetime.fromisoformat(f"{at}+00:00").astimezone(ZoneInfo("America/New_York"))
    definitions = build_definitions(AT_THE_BROKER)
    context = dg.build_schedule_context(
        scheduled_execution_time=instant,
        repository_def=definitions.get_repository_def(),
        resources={"live": LiveTrading(AT_THE_BROKER)},
    )
    asked = schedule.evaluate_tick(context)
    assert [request.partition_key for request in asked.run_requests or []] == ([partition] if partition else [])
    assert bool(asked.skip_message) is (partition is None)


def test_trading_is_on_from_the_beginning_in_a_simulated_market_alone() -> None:
    simulated = Settings(home=Path("/nonexistent"), mode=Mode.PAPER, gateway_control="127.0.0.1:1")
    on = dg.DefaultSensorStatus.RUNNING
    for settings, is_on in ((Settings(home=Path("/nonexistent")), False), (AT_THE_BROKER, False), (simulated, True)):
        sensors = build_definitions(settings).get_repository_def().sensor_defs
        status = {sensor.name: sensor.default_status for sensor in sensors}
        assert (status["trading_session"] is on, status["simulated_evening"] is on) == (is_on, is_on)


def test_the_session_has_its_slot_and_is_not_tried_again_by_dagster() -> None:
    job = build_definitions(AT_THE_BROKER).resolve_job_def("intraday")
    assert (job.tags["tickledger/slot"], job.tags["dagster/max_retries"]) == ("session", "0")
    assert job.tags["tickledger/account"] == "DU7654321"
    assert job.executor_def is dg.in_process_executor
    keys = job.partitions_def.get_partition_keys() if job.partitions_def else []
    assert "2012-11-23" in keys
    assert "2012-11-22" not in keys


def requested(schedule: dg.ScheduleDefinition, context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    (request,) = schedule.evaluate_tick(context).run_requests or []
    return request


def test_in_january_the_year_before_is_made_again(definitions: dg.Definitions) -> None:
    at = datetime(2013, 1, 14, 23, 30, tzinfo=UTC)
    context = dg.build_schedule_context(scheduled_execution_time=at, repository_def=definitions.get_repository_def())
    tags = requested(nightly_end_of_day, context).tags
    assert (tags["dagster/asset_partition_range_start"], tags["dagster/asset_partition_range_end"]) == ("2012", "2013")
