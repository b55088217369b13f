"""A model answers for its features by name, and refuses what it was not fitted on."""

from datetime import date

import numpy as np
import pytest

from ml.models import random_forest
from ml.models.random_forest import RandomForestParameters
from ml.predictor import DirectionModel
from ml.training import plan_direction, train
from tests.research import FEATURE_NAMES, market
from tickledger.domain.errors import ConfigurationError, InputError
from tickledger.domain.model import ModelVersion

MARKET = market(seed=5)


def model_version(feature_names: tuple[str, ...] = FEATURE_NAMES) -> ModelVersion:
    return ModelVersion(
        model_version_id="model_1",
        name="direction",
        version=1,
        algorithm="random_forest",
        trained_for_year=2012,
        train_start_date=date(2009, 1, 1),
        train_end_date=date(2011, 12, 23),
        feature_set="synthetic",
        feature_names=feature_names,
        data_sha256="",
        fingerprint="",
        git_commit="",
        git_diff_sha256="",
        mlflow_run_id="",
        parameters={},
        metrics={},
        is_champion=True,
    )


@pytest.fixture(scope="module")
def model() -> DirectionModel:
    algorithm = random_forest(RandomForestParameters(n_estimators=10))
    plan = plan_direction(
        MARKET.features,
        MARKET.adjusted,
        year=2012,
        feature_names=FEATURE_NAMES,
        feature_set="synthetic",
        algorithms=[algorithm],
    )
    return DirectionModel(version=model_version(), estimator=train(plan)[0].estimator)


def test_probabilities_come_in_the_order_of_the_rows(model: DirectionModel) -> None:
    forward = model.probability_up(MARKET.features)
    backward = model.probability_up(MARKET.features[::-1])
    assert ((forward > 0) & (forward < 1)).all()
    assert np.array_equal(backward[::-1], forward)


def test_columns_are_found_by_name(model: DirectionModel) -> None:
    reordered = MARKET.features[[*FEATURE_NAMES[::-1], "symbol"]]
    assert np.array_equal(model.probability_up(reordered), model.probability_up(MARKET.features))


def test_no_rows_give_no_probabilities(model: DirectionModel) -> None:
    assert model.probability_up(MARKET.features.head(0)).tolist() == []


def test_a_missing_feature_is_named(model: DirectionModel) -> None:
    with pytest.raises(InputError, match="column noise: expected the features of synthetic, found no such column"):
        model.probability_up(MARKET.features.drop(columns="noise"))


def test_an_artifact_fitted_on_other_features_is_refused(model: DirectionModel) -> None:
    with pytest.raises(ConfigurationError, match="expected an artifact fitted on noise, informative"):
        DirectionModel(version=model_version(("noise", "informative")), estimator=model.estimator)
