"""The registry on a real PostgreSQL: what it keeps, what it makes only once, and how it fails."""

import json
import shutil
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import psycopg
import pytest
from mlflow.entities import Run
from psycopg import sql

from ml.code_state import CHECKOUT, CodeState
from ml.models import Algorithm, gradient_boosting, random_forest
from ml.models.gradient_boosting import GradientBoostingParameters
from ml.models.random_forest import RandomForestParameters
from ml.registry import ModelRegistry
from ml.training import Candidate, TrainingPlan, champion, plan_direction, train
from tests.research import FEATURE_NAMES, market
from tickledger.db.embedded import EmbeddedServer, ensure_databases
from tickledger.domain.errors import ConfigurationError

MARKET = market(seed=1)
CODE = CodeState(git_commit="0123abc", uncommitted_diff="+ one line\n")
SMALL = (
    random_forest(RandomForestParameters(n_estimators=5)),
    gradient_boosting(GradientBoostingParameters(n_estimators=5)),
)


def plan(year: int, *, algorithms: Sequence[Algorithm] = SMALL) -> TrainingPlan:
    return plan_direction(
        MARKET.features,
        MARKET.adjusted,
        year=year,
        feature_names=FEATURE_NAMES,
        feature_set="synthetic",
        algorithms=algorithms,
    )


@pytest.fixture(scope="module")
def tracking_uri(server: EmbeddedServer) -> Iterator[str]:
    """A database for MLflow; making its tables takes seconds, so the tests here share it under names of their own."""
    name = f"mlflow_{uuid.uuid4().hex}"
    ensure_databases(server, [name])
    yield server.url(name)
    with psycopg.connect(server.conninfo("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def registry(tracking_uri: str, tmp_path: Path) -> ModelRegistry:
    return ModelRegistry(tracking_uri, tmp_path / "models", name=f"direction_{uuid.uuid4().hex[:8]}")


@pytest.fixture(scope="module")
def candidates() -> list[Candidate]:
    return train(plan(2012))


def runs(registry: ModelRegistry) -> list[Run]:
    experiment = registry._client.get_experiment_by_name(registry._name)
    return list(registry._client.search_runs([experiment.experiment_id])) if experiment else []


def aliases(registry: ModelRegistry) -> dict[str, int]:
    return {name: int(version) for name, version in registry._aliases().items()}


def test_a_version_says_what_it_was_trained_on(registry: ModelRegistry, candidates: list[Candidate]) -> None:
    forest, _ = registry.register(candidates, code=CODE)
    data = candidates[0].plan.data
    assert (forest.algorithm, forest.trained_for_year, forest.feature_set) == ("random_forest", 2012, "synthetic")
    assert (forest.train_start_date, forest.train_end_date) == (data.first_date, data.last_date)
    assert (forest.feature_names, forest.data_sha256) == (FEATURE_NAMES, data.sha256)
    assert (forest.git_commit, forest.git_diff_sha256) == (CODE.git_commit, CODE.diff_sha256)
    assert forest.parameters == {name: str(value) for name, value in candidates[0].algorithm.parameters.items()}
    assert forest.metrics == pytest.approx(candidates[0].metrics)


def test_a_run_keeps_the_feature_list_and_the_uncommitted_difference(
    registry: ModelRegistry, candidates: list[Candidate]
) -> None:
    version, *_ = registry.register(candidates, code=CODE)
    read = registry._client.download_artifacts
    assert Path(read(version.mlflow_run_id, "uncommitted.diff")).read_text() == CODE.uncommitted_diff
    kept = json.loads(Path(read(version.mlflow_run_id, "features.json")).read_text())
    assert kept == {"feature_set": "synthetic", "features": list(FEATURE_NAMES)}


def test_a_loaded_model_predicts_what_the_trained_one_did(registry: ModelRegistry, candidates: list[Candidate]) -> None:
    values = MARKET.features[list(FEATURE_NAMES)].astype(np.float32)
    for version, candidate in zip(registry.register(candidates, code=CODE), candidates, strict=True):
        expected = candidate.estimator.predict_proba(values)[:, 1]
        assert np.array_equal(registry.load(version).probability_up(MARKET.features), expected)


def test_the_best_candidate_is_the_champion_of_its_year(registry: ModelRegistry, candidates: list[Candidate]) -> None:
    versions = registry.register(candidates, code=CODE)
    best = champion(candidates)
    assert [version.is_champion for version in versions] == [candidate is best for candidate in candidates]
    crowned = next(version.version for version in versions if version.is_champion)
    assert aliases(registry) == {"champion": crowned, "champion-2012": crowned}


def test_an_older_year_trained_later_does_not_take_the_crown_of_the_newest(
    registry: ModelRegistry, candidates: list[Candidate]
) -> None:
    newest = next(version for version in registry.register(candidates, code=CODE) if version.is_champion)
    older = next(version for version in registry.register(train(plan(2011)), code=CODE) if version.is_champion)
    assert aliases(registry) == {
        "champion": newest.version,
        "champion-2012": newest.version,
        "champion-2011": older.version,
    }


def test_the_same_training_is_registered_once(registry: ModelRegistry, candidates: list[Candidate]) -> None:
    assert registry.registered(candidates[0].plan) == []
    first = registry.register(candidates, code=CODE)
    assert registry.registered(candidates[0].plan) == first
    assert registry.register(candidates, code=CodeState("another commit", "")) == first
    assert registry.find(first[1].fingerprint) == first[1]
    assert len(runs(registry)) == 2


def test_a_further_algorithm_adds_one_version(registry: ModelRegistry, candidates: list[Candidate]) -> None:
    first, *_ = registry.register(candidates[:1], code=CODE)
    both = registry.register(candidates, code=CODE)
    assert registry.registered(candidates[0].plan) == both
    assert both[0].model_version_id == first.model_version_id
    assert len(runs(registry)) == 2


def test_a_run_that_a_killed_process_left_is_closed(registry: ModelRegistry, candidates: list[Candidate]) -> None:
    orphan = registry._client.create_run(registry._experiment_id(), tags={"fingerprint": candidates[0].fingerprint})
    registry.register(candidates, code=CODE)
    assert registry._client.get_run(orphan.info.run_id).info.status == "KILLED"


def test_a_lost_artifact_is_told_and_made_again_under_the_same_id(
    registry: ModelRegistry, candidates: list[Candidate], tmp_path: Path
) -> None:
    lost, *_ = registry.register(candidates, code=CODE)
    shutil.rmtree(tmp_path / "models" / "models")
    with pytest.raises(ConfigurationError, match=f"expected model version {lost.model_version_id} in the registry"):
        registry.load(lost)
    assert registry.registered(candidates[0].plan) == []
    again, *_ = registry.register(candidates, code=CODE)
    assert again.model_version_id == lost.model_version_id
    assert registry.load(again).probability_up(MARKET.features).shape == (len(MARKET.features),)


def test_another_home_on_the_same_database_keeps_artifacts_of_its_own(
    registry: ModelRegistry, tracking_uri: str, candidates: list[Candidate], tmp_path: Path
) -> None:
    registry.register(candidates, code=CODE)
    shutil.rmtree(tmp_path / "models")
    moved = ModelRegistry(tracking_uri, tmp_path / "moved", name=registry._name)
    version, *_ = moved.register(candidates, code=CODE)
    assert moved.load(version).version == version
    assert not (tmp_path / "models").exists()


def test_an_unknown_model_version_is_told(registry: ModelRegistry, candidates: list[Candidate]) -> None:
    version, *_ = registry.register(candidates, code=CODE)
    with pytest.raises(ConfigurationError, match="found none with its fingerprint"):
        registry.load(replace(version, fingerprint="0" * 64))


def test_a_database_that_is_down_is_told_with_the_setting_to_change(tmp_path: Path) -> None:
    down = f"postgresql+psycopg://someone@localhost/mlflow?host={tmp_path}&port=5432"
    with pytest.raises(ConfigurationError, match="TICKLEDGER_MLFLOW_TRACKING_URI"):
        ModelRegistry(down, tmp_path).registered(plan(2012))


def test_a_tracking_server_that_is_down_is_told_at_once(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))  # taken, but nobody listens
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(ConfigurationError, match=f"expected an MLflow server at {address}"):
            ModelRegistry(f"http://someone:password@{address}", tmp_path).find("0" * 64)


def test_a_folder_that_cannot_hold_artifacts_is_named(tracking_uri: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="file/models: cannot keep model artifacts there"):
        ModelRegistry(tracking_uri, tmp_path / "file" / "models").find("0" * 64)


@pytest.mark.long
def test_two_first_starts_at_once_make_one_version_in_silence_and_reach_no_outside_address(
    server: EmbeddedServer, tmp_path: Path
) -> None:
    name = f"mlflow_{uuid.uuid4().hex}"
    ensure_databases(server, [name])
    command = [sys.executable, "-m", "tests.integration.register_model", server.url(name), str(tmp_path / "models")]
    # MLflow sends no statistics from tests and CI anyway; what counts is that it sends none from a person's machine.
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    started = [
        subprocess.Popen(
            command, cwd=CHECKOUT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    printed = [process.communicate(timeout=200) for process in started]
    assert [noise for _, noise in printed] == ["", ""]
    reports = [json.loads(output) for output, _ in printed]
    assert reports[0] == reports[1] == {"versions": reports[0]["versions"], "addresses": [], "telemetry": False}
    assert len(reports[0]["versions"]) == 1
