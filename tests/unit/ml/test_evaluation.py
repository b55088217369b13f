"""Metrics against printed examples and against scikit-learn."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from ml.evaluation import Outcomes, Probabilities, accuracy, brier_score, evaluate, log_loss, roc_auc

Forecasts = tuple[Outcomes, Probabilities]


@st.composite
def forecasts(draw: st.DrawFn) -> Forecasts:
    """Outcomes of both kinds and forecasts on a grid, so that ties are frequent."""
    rows = draw(st.lists(st.tuples(st.integers(0, 1), st.integers(1, 19)), min_size=2, max_size=50))
    outcomes = [0, 1, *(outcome for outcome, _ in rows)]
    probabilities = [0.3, 0.6, *(step / 20 for _, step in rows)]
    return np.array(outcomes, dtype=np.int8), np.array(probabilities)


def of(outcomes: list[int], probabilities: list[float]) -> Forecasts:
    return np.array(outcomes, dtype=np.int8), np.array(probabilities)


def test_a_coin_costs_the_logarithm_of_two() -> None:
    assert log_loss(*of([0, 1, 1], [0.5, 0.5, 0.5])) == pytest.approx(math.log(2))


def test_log_loss_is_that_of_the_example_in_scikit_learns_documentation() -> None:
    assert log_loss(*of([1, 0, 0, 1], [0.9, 0.1, 0.2, 0.65])) == pytest.approx(0.21616, abs=1e-5)


def test_a_certain_forecast_that_fails_is_expensive_but_finite() -> None:
    assert log_loss(*of([0], [1.0])) == pytest.approx(52 * math.log(2))


def test_the_brier_score_is_that_of_the_example_in_scikit_learns_documentation() -> None:
    assert brier_score(*of([0, 1, 1, 0], [0.1, 0.9, 0.8, 0.3])) == pytest.approx(0.0375)


def test_roc_auc_counts_the_pairs_that_are_in_order() -> None:
    # Of the four pairs only (0.35 up, 0.4 down) is out of order.
    assert roc_auc(*of([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])) == pytest.approx(0.75)
    assert roc_auc(*of([0, 1], [0.5, 0.5])) == pytest.approx(0.5)


def test_roc_auc_is_undefined_where_one_kind_is_missing() -> None:
    assert roc_auc(*of([1, 1], [0.4, 0.6])) is None
    assert "roc_auc" not in evaluate(*of([1, 1], [0.4, 0.6]), prior=0.5)


def test_the_forecast_to_beat_says_what_was_known_beforehand() -> None:
    metrics = evaluate(*of([1, 1, 1, 0], [0.5, 0.5, 0.5, 0.5]), prior=0.6)
    assert metrics["base_rate"] == 0.75
    assert metrics["prior_log_loss"] == pytest.approx(-(0.75 * math.log(0.6) + 0.25 * math.log(0.4)))


@given(forecasts())
def test_every_metric_agrees_with_scikit_learn(forecast: Forecasts) -> None:
    outcomes, probabilities = forecast
    assert log_loss(outcomes, probabilities) == pytest.approx(reference.log_loss(outcomes, probabilities))
    assert brier_score(outcomes, probabilities) == pytest.approx(reference.brier_score_loss(outcomes, probabilities))
    assert roc_auc(outcomes, probabilities) == pytest.approx(reference.roc_auc_score(outcomes, probabilities))
    assert accuracy(outcomes, probabilities) == pytest.approx(reference.accuracy_score(outcomes, probabilities > 0.5))
