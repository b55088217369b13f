"""Training sees the past alone, gives the same model twice, and finds what there is to find."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from ml.models import DIRECTION_ALGORITHMS, Algorithm, gradient_boosting, random_forest
from ml.models.gradient_boosting import GradientBoostingParameters
from ml.models.random_forest import RandomForestParameters
from ml.training import Candidate, TrainingPlan, champion, plan_direction, train
from tests.research import FEATURE_NAMES, Market, market

YEAR = 2012
#: The real algorithms with fewer trees.
SMALL = (
    random_forest(RandomForestParameters(n_estimators=20)),
    gradient_boosting(GradientBoostingParameters(n_estimators=20, learning_rate=0.2)),
)
NOISE = market(seed=7)


def plan(of: Market, *, algorithms: Sequence[Algorithm] = SMALL, names: Sequence[str] = FEATURE_NAMES) -> TrainingPlan:
    return plan_direction(
        of.features, of.adjusted, year=YEAR, feature_names=names, feature_set="synthetic", algorithms=algorithms
    )


def forecasts(candidates: Sequence[Candidate], features: pd.DataFrame) -> list[list[float]]:
    values = features[list(FEATURE_NAMES)].astype(np.float32)
    return [candidate.estimator.predict_proba(values)[:, 1].tolist() for candidate in candidates]


def with_the_future_corrupted(of: Market) -> Market:
    """Everything on and after the first of January is garbage, features and prices alike."""
    rng = np.random.default_rng(99)
    features, adjusted = of.features.copy(), of.adjusted.copy()
    unknown = features["timestamp"].dt.year >= YEAR
    features.loc[unknown, list(FEATURE_NAMES)] = rng.normal(50, 1e6, (int(unknown.sum()), len(FEATURE_NAMES)))
    unknown = adjusted["timestamp"].dt.year >= YEAR
    adjusted.loc[unknown, "close"] = rng.uniform(1e-6, 1e6, int(unknown.sum()))
    return Market(features, adjusted)


def test_nothing_on_or_after_the_first_of_january_changes_the_model() -> None:
    corrupted = plan(with_the_future_corrupted(NOISE))
    assert corrupted.fingerprints == plan(NOISE).fingerprints
    assert forecasts(train(corrupted), NOISE.features) == forecasts(train(plan(NOISE)), NOISE.features)


def test_bars_after_the_year_began_need_not_exist() -> None:
    past = Market(*(frame[frame["timestamp"].dt.year < YEAR] for frame in (NOISE.features, NOISE.adjusted)))
    assert plan(past).fingerprints == plan(NOISE).fingerprints


def test_a_change_of_the_past_does_change_the_model() -> None:
    past = NOISE.features.copy()
    past.loc[past["timestamp"].dt.year < YEAR, "noise"] *= -1
    assert set(plan(Market(past, NOISE.adjusted)).fingerprints).isdisjoint(plan(NOISE).fingerprints)


def test_training_twice_gives_the_same_probabilities_bit_by_bit() -> None:
    algorithms = plan(NOISE, algorithms=DIRECTION_ALGORITHMS)
    assert forecasts(train(algorithms), NOISE.features) == forecasts(train(algorithms), NOISE.features)


def test_what_foretells_the_direction_is_found() -> None:
    for candidate in train(plan(market(strength=0.4, seed=3))):
        assert candidate.metrics["validation_roc_auc"] > 0.65
        assert candidate.metrics["validation_log_loss"] < candidate.metrics["validation_prior_log_loss"]


def test_noise_is_not_mistaken_for_knowledge() -> None:
    for candidate in train(plan(NOISE)):
        assert candidate.metrics["validation_roc_auc"] == pytest.approx(0.5, abs=0.06)


def test_the_model_is_judged_on_the_last_fifth_and_fitted_on_all_of_the_past() -> None:
    candidate, *_ = train(plan(NOISE))
    sessions = candidate.plan.data.sessions.nunique()
    judged = sessions - int(sessions * 0.8)
    assert candidate.metrics["rows_trained"] == 3 * sessions
    assert candidate.metrics["rows_validated"] == 3 * judged
    assert candidate.metrics["rows_fitted"] == 3 * (sessions - judged - 5)


def test_the_champion_has_the_lowest_held_out_log_loss() -> None:
    candidates = train(plan(NOISE))
    assert champion(candidates).metrics["validation_log_loss"] == min(
        candidate.metrics["validation_log_loss"] for candidate in candidates
    )


def test_a_fingerprint_tells_parameters_algorithms_and_the_order_of_features_apart() -> None:
    other = random_forest(RandomForestParameters(n_estimators=21))
    fingerprints = {
        *plan(NOISE).fingerprints,
        *plan(NOISE, algorithms=[other]).fingerprints,
        *plan(NOISE, names=FEATURE_NAMES[::-1]).fingerprints,
    }
    assert len(fingerprints) == 5
