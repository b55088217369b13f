"""Metrics against published vectors, the specification's own formulas, and its three known traps."""

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.shared import shared_path
from tickledger.backtest.metrics import (
    annual_return,
    annual_volatility,
    calmar_ratio,
    max_drawdown,
    returns_of,
    sharpe_ratio,
    sortino_ratio,
    total_return,
)

PERIODS = {"daily": 252, "weekly": 52, "monthly": 12}
#: Where empyrical's conventions and ours are the same: Sharpe without a risk-free rate, volatility, drawdown, total.
SAME: dict[str, Callable[[pd.Series, dict[str, Any]], float | None]] = {
    "sharpe_ratio": lambda returns, _: sharpe_ratio(returns, 0.0),
    "max_drawdown": lambda returns, _: max_drawdown(returns),
    "annual_volatility": lambda returns, args: annual_volatility(returns, periods=PERIODS[args["period"]]),
    "cum_returns_final": lambda returns, args: _grown(total_return(returns), args["starting_value"]),
}
ALL = [sharpe_ratio, sortino_ratio, max_drawdown, annual_return, calmar_ratio, total_return]


def _grown(total: float | None, start: float) -> float | None:
    return total if not start or total is None else start * (1 + total)


def test_the_published_vectors_of_empyrical_hold_where_the_conventions_are_the_same() -> None:
    cases = json.loads(shared_path("data/metrics_vectors.json").read_text())["cases"]
    judged = [case for case in cases if case["function"] in SAME]
    assert len(judged) == 12
    for case in judged:
        returns = pd.Series([float(value) for value in case["args"]["returns"]["series"]], dtype="float64")
        expected = float(case["expected"])
        found = SAME[case["function"]](returns, case["args"])
        if math.isfinite(expected):
            assert found == pytest.approx(expected, abs=10.0 ** -case["decimals"]), case["test"]
        else:
            assert found is None, case["test"]


def test_four_days_worked_out_by_hand() -> None:
    # Without a risk-free rate: mean 0.005, deviations 0.005, −0.025, 0.015, 0.005, squares sum to 0.0009.
    returns = pd.Series([0.01, -0.02, 0.02, 0.01])
    deviation = math.sqrt(0.0009 / 3)
    assert sharpe_ratio(returns, 0.0) == pytest.approx(math.sqrt(252) * 0.005 / deviation)
    assert annual_return(returns) == pytest.approx(1.005**252 - 1)
    # Wealth 1, 1.01, 0.9898, …: the deepest fall is the second day's.
    assert max_drawdown(returns) == pytest.approx(-0.02)
    assert calmar_ratio(returns) == pytest.approx((1.005**252 - 1) / 0.02)


def test_sortino_divides_by_the_deviation_of_the_losing_days_about_their_own_mean() -> None:
    # Losing days −0.01 and −0.03: mean −0.02, sample deviation √0.0002; mean of all 0.0025.
    returns = pd.Series([0.02, -0.01, -0.03, 0.03])
    assert sortino_ratio(returns, 0.0) == pytest.approx(math.sqrt(252) * 0.0025 / math.sqrt(0.0002))


def test_a_loss_on_the_first_day_is_a_drawdown_from_the_starting_capital() -> None:
    assert max_drawdown(pd.Series([-0.5, 0.1, 0.1])) == pytest.approx(-0.5)


def test_what_varies_only_by_rounding_has_no_sharpe_ratio() -> None:
    assert sharpe_ratio(pd.Series([0.01] * 9), 0.0) is None
    assert sharpe_ratio(pd.Series([0.1 + 0.2, 0.3, 0.3]) / 10) is None


def test_without_two_losing_days_there_is_no_sortino_ratio() -> None:
    assert sortino_ratio(pd.Series([0.01, 0.02, 0.03]), 0.0) is None
    assert sortino_ratio(pd.Series([0.01, -0.02, 0.03]), 0.0) is None


def test_without_a_drawdown_there_is_no_calmar_ratio() -> None:
    assert max_drawdown(pd.Series([0.01, 0.02])) == 0
    assert calmar_ratio(pd.Series([0.01, 0.02])) is None


@pytest.mark.parametrize("metric", ALL)
@pytest.mark.parametrize("returns", [[], [float("nan")]])
def test_without_returns_nothing_is_defined(metric: Callable[..., float | None], returns: list[float]) -> None:
    assert metric(pd.Series(returns, dtype="float64")) is None


def test_a_missing_return_is_a_missing_day() -> None:
    gappy = pd.Series([0.01, float("nan"), -0.02, 0.03])
    for metric in ALL:
        assert metric(gappy) == metric(gappy.dropna())


def test_returns_of_an_equity_curve_are_one_fewer_than_its_values() -> None:
    assert returns_of(pd.Series([100.0, 110.0, 99.0])).tolist() == pytest.approx([0.1, -0.1])


@given(st.lists(st.floats(-0.2, 0.2).map(lambda value: round(value, 6)), min_size=3, max_size=60))
def test_the_specification_s_formulas_are_kept(values: list[float]) -> None:
    """The formulas as the specification prints them, on series where they are defined."""
    returns = pd.Series(values)
    excess = returns - 0.02 / 252
    losing = excess[excess < 0]
    assume(excess.std() > 1e-6)
    assert sharpe_ratio(returns) == pytest.approx(np.sqrt(252) * (excess.mean() / excess.std()), rel=1e-9)
    if len(losing) > 1 and losing.std() > 1e-6:
        assert sortino_ratio(returns) == pytest.approx(np.sqrt(252) * (excess.mean() / losing.std()), rel=1e-9)
    wealth = pd.concat([pd.Series([1.0]), (1 + returns).cumprod()])
    peak = wealth.expanding().max()
    assert max_drawdown(returns) == pytest.approx(((wealth - peak) / peak).min(), abs=1e-12)
    assert annual_return(returns) == pytest.approx((1 + returns.mean()) ** 252 - 1, rel=1e-9)


@given(st.lists(st.floats(-1.0, 5.0), max_size=40))
def test_no_metric_is_ever_nan_or_infinite(values: list[float]) -> None:
    found = [metric(pd.Series(values, dtype="float64")) for metric in ALL]
    assert all(value is None or math.isfinite(value) for value in found)
