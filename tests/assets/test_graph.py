"""The whole graph, told apart from what it computes: keys, edges, groups, owners, partitions, checks, jobs."""

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
import yaml
from syrupy.assertion import SnapshotAssertion

from pipelines.definitions import build_definitions
from pipelines.schedules import SCHEDULES, nightly_end_of_day
from tickledger.settings import Settings

STAGES = [
    "bars",
    "features",
    "fills",
    "gains",
    "lots",
    "market_data",
    "models",
    "orders",
    "positions",
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
    # A model is not a frame; these reports are made of rows that were guarded where they came from.
    assert unguarded == {"models/direction", "reports/performance", "reports/schedule_d"}


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


@pytest.mark.parametrize("job", ["ingest", "research", "end_of_day"])
def test_every_job_can_be_backfilled_by_partition(definitions: dg.Definitions, job: str) -> None:
    assert definitions.resolve_job_def(job).partitions_def is not None


def test_every_schedule_asks_for_the_partition_of_its_day(definitions: dg.Definitions) -> None:
    at = datetime(2012, 11, 14, 22, 30, tzinfo=UTC)
    repository = definitions.get_repository_def()
    asked = {}
    for schedule in SCHEDULES:
        context = dg.build_schedule_context(scheduled_execution_time=at, repository_def=repository)
        asked[schedule.name] = requested(schedule, context).partition_key
    assert asked == {
        "ingest_after_close": "2012-11-01",
        "research_after_close": "2012",
        "nightly_end_of_day": "2012",
    }


def requested(schedule: dg.ScheduleDefinition, context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    (request,) = schedule.evaluate_tick(context).run_requests or []
    return request


def test_in_january_the_year_before_is_made_again(definitions: dg.Definitions) -> None:
    at = datetime(2013, 1, 14, 23, 30, tzinfo=UTC)
    context = dg.build_schedule_context(scheduled_execution_time=at, repository_def=definitions.get_repository_def())
    tags = requested(nightly_end_of_day, context).tags
    assert (tags["dagster/asset_partition_range_start"], tags["dagster/asset_partition_range_end"]) == ("2012", "2013")
