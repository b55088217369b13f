"""Attribution against published examples, and that effects add up to what they attribute, exactly."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.strategies import Scenario, scenarios
from tests.unit.reporting.test_pnl_contributions import SECTORS, history_of, rows_of, run
from tickledger.bars.corporate_actions import domain_actions
from tickledger.reporting.attribution import (
    Floats,
    SegmentDays,
    attribution_table,
    brinson_fachler,
    linked,
    sector_attribution,
    total,
)
from tickledger.reporting.attribution_factors import (
    ALPHA,
    FACTORS,
    RESIDUAL,
    FactorReturns,
    factor_attribution,
    factor_returns,
    fit,
)
from tickledger.reporting.attribution_sectors import segment_days
from tickledger.reporting.pnl_contributions import contributions
from tickledger.reporting.returns import DailyReturn, daily_returns, time_weighted_return
from tickledger.reporting.returns_market import MarketReturns, benchmark_of, market_returns
from tickledger.reporting.returns_reports import return_reports

#: Without shrinking, which replays whole scenarios for minutes.
FEW = settings(
    max_examples=examples(40),
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
)
DAY = date(2020, 1, 2)


def days_of(weights: Floats, returns: Floats, of_benchmark: Floats, benchmark_returns: Floats) -> SegmentDays:
    dates = tuple(DAY + timedelta(days=number) for number in range(len(weights)))
    names = tuple(f"S{number}" for number in range(weights.shape[1]))
    return SegmentDays(dates, names, weights, weights * returns, of_benchmark, benchmark_returns)


def test_one_period_of_three_countries() -> None:
    """C. R. Bacon, Practical Portfolio Performance Measurement and Attribution, 2nd ed., ch. 5: 8.3 % against 6.4 %."""
    days = days_of(
        np.array([[0.40, 0.30, 0.30]]),
        np.array([[0.20, -0.05, 0.06]]),
        np.array([[0.40, 0.20, 0.40]]),
        np.array([[0.10, -0.04, 0.08]]),
    )
    assert days.returns == pytest.approx([0.083])
    assert days.returns_of_benchmark == pytest.approx([0.064])
    allocation, selection, interaction = brinson_fachler(days)[0].T
    assert allocation == pytest.approx([0.0, -0.0104, -0.0016])
    assert selection == pytest.approx([0.04, -0.002, -0.008])
    assert interaction == pytest.approx([0.0, -0.001, 0.002])


#: A. Babii, "Performance Attribution in R" (vignette of PortfolioAttribution): nine stocks and a note, seven quarters.
RETURNS = np.array(
    [
        [-0.0488, 0.1301, 0.1388, 0.0793, 0.1103, 0.0860, 0.0201, 0.0244, 0.1059, 0.0469],
        [-0.0595, 0.1051, -0.0553, 0.0784, 0.1126, 0.0941, 0.1219, -0.0973, 0.0985, 0.0500],
        [0.0813, -0.0027, -0.0033, -0.1105, -0.0859, 0.0657, 0.0354, 0.0852, 0.0121, 0.0453],
        [-0.0866, -0.0893, -0.1891, -0.0016, 0.0631, -0.0082, -0.0500, 0.1029, -0.1023, 0.0374],
        [-0.3068, 0.1496, 0.1417, -0.3269, 0.0290, -0.1579, -0.1270, 0.0647, 0.0411, 0.0368],
        [-0.0829, -0.1839, -0.2413, -0.0456, -0.0133, 0.0172, 0.1140, 0.0636, -0.1265, 0.0401],
        [-0.1846, -0.1089, -0.0901, -0.4537, -0.3291, -0.1554, -0.2633, -0.0661, 0.0276, 0.0381],
    ]
)
STOCKS = np.array([0.0324, 0.0645, 0.0180, -0.0667, -0.0547, -0.0643, -0.1014])
BILLS = np.array([0.0487, 0.0482, 0.0390, 0.0275, 0.0129, 0.0163, 0.0067])
WEIGHTS = np.array([0.10, 0.20, 0.30, 0.05, 0.05, 0.01, 0.02, 0.03, 0.04, 0.20])
OF_BENCHMARK = np.array([0.05, 0.05, 0.02, 0.01, 0.07, 0.03, 0.03, 0.06, 0.08, 0.60])
LINKED_ALLOCATION = [-0.0091, -0.0272, -0.0508, -0.0073, 0.0036, 0.0036, 0.0018, 0.0054, 0.0073, -0.0744]
LINKED_SELECTION = [-0.0486, 0.0290, -0.0417, -0.0298, 0.0021, 0.0011, 0.0004, 0.0106, 0.0086, 0.0188]


def test_seven_quarters_linked_by_carino() -> None:
    """The published totals are of Brinson, Hood and Beebower's allocation, and of selection with interaction."""
    benchmark = np.column_stack((*[STOCKS] * 9, BILLS))
    days = days_of(np.tile(WEIGHTS, (7, 1)), RETURNS, np.tile(OF_BENCHMARK, (7, 1)), benchmark)
    hood_beebower = (days.weights - days.benchmark_weights) * benchmark
    allocation = linked(hood_beebower, days.returns, days.returns_of_benchmark)
    assert allocation == pytest.approx(LINKED_ALLOCATION, abs=1.5e-4)
    effects = linked(brinson_fachler(days), days.returns, days.returns_of_benchmark)
    assert effects[:, 1] + effects[:, 2] == pytest.approx(LINKED_SELECTION, abs=1.5e-4)
    # Over all segments both allocations are the same.
    assert effects[:, 0].sum() == pytest.approx(-0.1470, abs=1.5e-4)
    assert (effects[:, 1] + effects[:, 2]).sum() == pytest.approx(-0.0495, abs=1.5e-4)


@st.composite
def segments(draw: st.DrawFn) -> SegmentDays:
    sessions, count = draw(st.integers(1, 8)), draw(st.integers(1, 5))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    weights, of_benchmark = (rng.dirichlet(np.ones(count), sessions) for _ in range(2))
    weights[:, 0] += draw(st.sampled_from([0.0, 0.5]))
    weights[:, -1] -= weights.sum(axis=1) - 1  # on credit
    returns, benchmark = (rng.uniform(-0.3, 0.4, (sessions, count)) for _ in range(2))
    if draw(st.booleans()):
        return days_of(of_benchmark, benchmark, of_benchmark, benchmark)
    return days_of(weights, returns, of_benchmark, benchmark)


@given(segments())
def test_effects_add_up_to_the_excess_return_of_every_session_and_of_all_of_them(days: SegmentDays) -> None:
    effects = brinson_fachler(days)
    assert effects.sum(axis=(1, 2)) == pytest.approx(days.returns - days.returns_of_benchmark, abs=1e-12)
    excess = np.prod(1 + days.returns) - np.prod(1 + days.returns_of_benchmark)
    rows = sector_attribution("U1", days, benchmark="index")
    assert total(rows) == pytest.approx(excess, abs=1e-12)
    assert {row.kind for row in rows} <= {"sector"}


def test_what_is_earned_on_no_weight_is_selection() -> None:
    days = SegmentDays(
        (DAY,),
        ("A", "cash"),
        np.array([[0.0, 1.0]]),
        np.array([[0.01, 0.0]]),
        np.array([[1.0, 0.0]]),
        np.array([[0.05, 0.0]]),
    )
    effects = brinson_fachler(days)[0]
    assert effects[0] == pytest.approx([0.0, 0.01, 0.0])
    assert effects.sum() == pytest.approx(0.01 - 0.05)


def test_a_session_that_lost_all_cannot_be_linked() -> None:
    with pytest.raises(ValueError, match="all was lost"):
        linked(np.zeros((1, 2)), np.array([-1.0]))


@FEW
@given(scenarios())
def test_the_sectors_of_an_account_add_up_to_its_excess_over_the_market_in_equal_parts(scenario: Scenario) -> None:
    record = run(scenario)
    history = history_of(record, domain_actions(scenario.corporate_actions))
    columns = contributions(history, rows_of(record), {}, SECTORS)
    market = market_returns(scenario.bars)
    days = segment_days(history, columns, market, SECTORS)
    returns = daily_returns(record.balances, record.cash_transactions)
    assert days.returns == pytest.approx([row.value for row in returns], abs=1e-6)
    assert days.weights.sum(axis=1) == pytest.approx(np.ones(len(returns)))
    assert days.benchmark_weights.sum(axis=1) == pytest.approx(np.ones(len(returns)))
    whole = benchmark_of(market).over(record.balances[0].session_date, record.balances[-1].session_date) or 0.0
    rows = sector_attribution("SIM0001", days, benchmark="equal weight")
    own = time_weighted_return(returns)
    assert own is not None
    assert total(rows) == pytest.approx(own - whole, abs=1e-5)
    assert len(attribution_table(rows).rows) == len(rows)


@FEW
@given(scenarios())
def test_beside_a_record_without_bars_all_that_was_earned_is_excess_over_nothing(scenario: Scenario) -> None:
    record = run(scenario)
    history = history_of(record, domain_actions(scenario.corporate_actions))
    reports = return_reports([history], {}, SECTORS, {}, market_returns(scenario.bars.iloc[:0]), benchmark="SPY")
    effects = [row for row in reports.effects if row.kind == "sector" and row.benchmark == "equal weight of 0"]
    since = {(row.start_date, row.session_date): row.time_weighted for row in reports.period_returns}
    assert all(fit.observations == 0 for fit in reports.fits.values())
    for span in {(row.start_date, row.session_date) for row in effects}:
        of_span = [row for row in effects if (row.start_date, row.session_date) == span]
        assert total(of_span) == pytest.approx(since[span], abs=1e-5)


def returns_of(values: Floats) -> list[DailyReturn]:
    nothing = Decimal(0)
    return [
        DailyReturn(DAY + timedelta(days=number), nothing, nothing, nothing, nothing, float(value))
        for number, value in enumerate(values)
    ]


@given(st.integers(0, 2**32 - 1), st.integers(0, 30))
def test_exposures_are_found_and_effects_add_up_to_the_return(seed: int, unknown: int) -> None:
    rng = np.random.default_rng(seed)
    factors, exposures = rng.normal(0, 0.01, (120, 3)), np.array([1.2, -0.5, 0.3])
    values = 0.0002 + factors @ exposures
    factors[:unknown, 2] = np.nan
    names = ("market", "size", "momentum")
    dates = tuple(DAY + timedelta(days=number) for number in range(120))
    rows, found = factor_attribution("U1", returns_of(values), FactorReturns(dates, names, factors))
    assert found.exposures == pytest.approx(exposures)
    assert found.alpha == pytest.approx(0.0002)
    assert found.r_squared == pytest.approx(1)
    assert found.observations == 120 - unknown
    assert total(rows) == pytest.approx(np.prod(1 + values) - 1, abs=1e-12)
    assert [row.segment for row in rows] == [*names, ALPHA, RESIDUAL]
    if not unknown:
        assert rows[-1].value == pytest.approx(0, abs=1e-12)


def test_t_values_are_those_of_the_textbook() -> None:
    """J. M. Wooldridge's formula by hand for one factor: the slope over its standard error."""
    x, y = np.array([1.0, 2.0, 3.0, 4.0]), np.array([2.0, 3.0, 5.0, 4.0])
    found = fit(y, x[:, None], ("x",))
    # Slope 0.8, squared residuals 1.8, error √(1.8 / 2 / 5).
    assert found.exposures == pytest.approx([0.8])
    assert found.t_values == pytest.approx([0.8 / (0.9 / 5) ** 0.5])
    assert found.r_squared == pytest.approx(0.64)


def test_without_sessions_that_have_all_factors_everything_is_residual() -> None:
    values = np.array([0.01, -0.02])
    factors = FactorReturns((DAY,), FACTORS, np.full((1, 5), np.nan))
    rows, found = factor_attribution("U1", returns_of(values), factors)
    assert (found.observations, found.r_squared, found.t_values) == (0, None, None)
    assert rows[-1].value == pytest.approx(1.01 * 0.98 - 1)


def test_factors_are_thirds_ranked_by_what_was_known_the_day_before() -> None:
    sessions, drifts = 300, np.array([0.004, 0.001, -0.002])
    rng = np.random.default_rng(7)
    returns = drifts + rng.normal(0, 0.0001, (sessions, 3))
    volumes = np.tile([1e9, 1e8, 1e6], (sessions, 1))
    dates = tuple(DAY + timedelta(days=number) for number in range(sessions))
    found = factor_returns(MarketReturns(dates, ("A", "B", "C"), returns, volumes))
    market, size, momentum, reversal, _ = found.returns.T
    assert market == pytest.approx(returns.mean(axis=1))
    # C is little traded and A much; A has won and C has lost all along.
    assert size[60:] == pytest.approx(returns[60:, 2] - returns[60:, 0])
    assert momentum[252:] == pytest.approx(returns[252:, 0] - returns[252:, 2])
    assert reversal[21:] == pytest.approx(returns[21:, 2] - returns[21:, 0])
    assert np.isnan(size[:60]).all()
    assert np.isnan(momentum[:252]).all()


def test_a_factor_of_a_session_does_not_know_its_closes() -> None:
    rng = np.random.default_rng(3)
    returns, volumes = rng.normal(0, 0.02, (300, 6)), rng.uniform(1e6, 1e8, (300, 6))
    dates = tuple(DAY + timedelta(days=number) for number in range(300))
    names = tuple("ABCDEF")
    before = factor_returns(MarketReturns(dates, names, returns, volumes)).returns
    later = volumes.copy()
    later[-1] = volumes[-1, ::-1]
    after = factor_returns(MarketReturns(dates, names, returns, later)).returns
    np.testing.assert_array_equal(before, after)


def test_a_benchmark_is_a_symbol_of_the_record_or_all_in_equal_parts() -> None:
    market = MarketReturns((DAY,), ("A", "SPY"), np.array([[0.10, 0.02]]), np.ones((1, 2)))
    assert benchmark_of(market, "SPY").over(DAY, DAY) == pytest.approx(0.02)
    assert benchmark_of(market, "QQQ").name == "equal weight of 2"
    assert benchmark_of(market).over(DAY, DAY) == pytest.approx(0.06)
