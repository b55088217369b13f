"""Each strategy against its own formula worked by hand, and what holds for every row."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickledger.domain.signal import SignalType
from tickledger.strategies.composite import CompositeRule, composite
from tickledger.strategies.mean_reversion import mean_reversion
from tickledger.strategies.ml import ml
from tickledger.strategies.momentum import momentum
from tickledger.strategies.opinion import Opinion

BUY, SELL, HOLD, CLOSE_LONG = SignalType.BUY, SignalType.SELL, SignalType.HOLD, SignalType.CLOSE_LONG

returns = st.floats(-2, 2)
opinions = st.builds(Opinion, st.sampled_from([BUY, SELL, CLOSE_LONG]), st.floats(0, 1)) | st.just(Opinion(HOLD))
votes = st.fixed_dictionaries({"momentum": opinions, "mean_reversion": opinions, "ml": opinions})


def trend(log_return: float, volatility: float, gap: float) -> Mapping[str, float]:
    return {"log_return_63": log_return, "volatility_63": volatility, "sma_50_gap": gap}


def oscillators(rsi: float, position: float) -> Mapping[str, float]:
    return {"rsi_2": rsi, "bollinger_position_20": position}


def said(opinion: Opinion) -> tuple[SignalType, float]:
    return opinion.signal_type, round(opinion.confidence, 9)


def is_a_view_or_silence(opinion: Opinion) -> bool:
    return opinion.confidence == 0 if opinion.signal_type is HOLD else 0 <= opinion.confidence <= 1


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        # 63 sessions are a quarter: a yearly volatility of 20 % is a deviation of 10 %.
        (trend(0.10, 0.20, 0.03), (BUY, 0.5)),
        (trend(0.30, 0.20, 0.03), (BUY, 1.0)),
        (trend(-0.15, 0.20, -0.03), (SELL, 0.75)),
        (trend(0.04, 0.20, 0.03), (HOLD, 0.0)),
        (trend(0.10, 0.20, -0.01), (HOLD, 0.0)),
        (trend(-0.10, 0.20, 0.01), (HOLD, 0.0)),
        (trend(0.0, 0.0, 0.0), (HOLD, 0.0)),
    ],
)
def test_momentum_follows_a_quarters_return_in_its_own_deviations(
    row: Mapping[str, float], expected: tuple[SignalType, float]
) -> None:
    assert said(momentum(row)) == expected


@given(returns, st.floats(0, 3), returns)
def test_momentum_says_of_a_mirrored_market_the_mirrored_thing(
    log_return: float, volatility: float, gap: float
) -> None:
    up, down = momentum(trend(log_return, volatility, gap)), momentum(trend(-log_return, volatility, -gap))
    assert up.score == -down.score
    assert is_a_view_or_silence(up)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (oscillators(0.0, 0.0), (BUY, 1.0)),
        (oscillators(5.0, -0.1), (BUY, 0.75)),
        (oscillators(10.0, 0.2), (BUY, 0.5)),
        (oscillators(10.1, 0.0), (HOLD, 0.0)),
        (oscillators(2.0, 0.3), (HOLD, 0.0)),
        (oscillators(69.9, 0.9), (HOLD, 0.0)),
        (oscillators(70.0, 0.6), (CLOSE_LONG, 0.5)),
        (oscillators(85.0, 0.6), (CLOSE_LONG, 0.75)),
        (oscillators(100.0, 1.2), (CLOSE_LONG, 1.0)),
    ],
)
def test_mean_reversion_buys_a_fall_below_the_band_and_leaves_once_it_has_recovered(
    row: Mapping[str, float], expected: tuple[SignalType, float]
) -> None:
    assert said(mean_reversion(row)) == expected


@given(st.floats(-1e-6, 100 + 1e-6), returns)
def test_mean_reversion_is_surer_the_further_the_index_went(rsi: float, position: float) -> None:
    opinion, further = mean_reversion(oscillators(rsi, position)), mean_reversion(oscillators(rsi / 2, position))
    assert is_a_view_or_silence(opinion)
    assert further.score >= opinion.score


@pytest.mark.parametrize(
    ("probability", "expected"),
    [
        (0.50, (HOLD, 0.0)),
        (0.52, (HOLD, 0.0)),
        (0.54, (BUY, 0.4)),
        (0.60, (BUY, 1.0)),
        (0.90, (BUY, 1.0)),
        (0.45, (SELL, 0.5)),
        (0.00, (SELL, 1.0)),
    ],
)
def test_the_models_edge_over_a_coin_is_its_confidence(probability: float, expected: tuple[SignalType, float]) -> None:
    assert said(ml(probability)) == expected


@given(st.integers(-499, 499).filter(lambda thousandths: abs(thousandths) != 30))
def test_the_model_treats_both_directions_alike(thousandths: int) -> None:
    up, down = ml(0.5 + thousandths / 1000), ml(0.5 - thousandths / 1000)
    assert is_a_view_or_silence(up)
    assert up.score == pytest.approx(-down.score)


@pytest.mark.parametrize(
    ("momentum_says", "reversion_says", "model_says", "expected"),
    [
        (Opinion(BUY, 1.0), Opinion(BUY, 1.0), Opinion(BUY, 1.0), (BUY, 1.0)),
        # 0.40 × 0.5 + 0.25 × 0.4 = 0.30
        (Opinion(BUY, 0.5), Opinion(HOLD), Opinion(BUY, 0.4), (BUY, 0.30)),
        # 0.35 × 0.6 = 0.21: not enough to open a position, no reason to leave one
        (Opinion(HOLD), Opinion(BUY, 0.6), Opinion(HOLD), (HOLD, 0.0)),
        # 0.40 × 0.5 − 0.35 × 0.8 = −0.08
        (Opinion(BUY, 0.5), Opinion(CLOSE_LONG, 0.8), Opinion(HOLD), (HOLD, 0.0)),
        # 0.25 × 0.4 − 0.35 × 0.8 = −0.18
        (Opinion(HOLD), Opinion(CLOSE_LONG, 0.8), Opinion(BUY, 0.4), (CLOSE_LONG, 0.18)),
        (Opinion(SELL, 1.0), Opinion(CLOSE_LONG, 1.0), Opinion(SELL, 1.0), (CLOSE_LONG, 1.0)),
    ],
)
def test_the_composite_is_the_weighted_vote(
    momentum_says: Opinion, reversion_says: Opinion, model_says: Opinion, expected: tuple[SignalType, float]
) -> None:
    verdict = composite({"momentum": momentum_says, "mean_reversion": reversion_says, "ml": model_says})
    assert said(verdict) == expected


@given(votes)
def test_the_composite_is_never_surer_than_the_surest_of_its_voters(cast: dict[str, Opinion]) -> None:
    verdict = composite(cast)
    assert is_a_view_or_silence(verdict)
    assert verdict.confidence <= max(opinion.confidence for opinion in cast.values()) + 1e-12


@given(votes, st.floats(0.1, 10))
def test_only_the_proportion_of_the_weights_matters(cast: dict[str, Opinion], scale: float) -> None:
    weights = CompositeRule().weights
    scaled = CompositeRule(weights={name: weight * scale for name, weight in weights.items()})
    # The last digit told may round either way: the sums differ in their last bits.
    told, as_told = (float(composite(cast, rule).reasons["score"]) for rule in (scaled, CompositeRule()))
    assert abs(told - as_told) <= 0.001 + 1e-9


def test_a_score_of_nothing_has_no_sign_of_its_own() -> None:
    weights = {"momentum": 1.0, "mean_reversion": 1.0, "ml": 1.0}
    cast = {"momentum": Opinion(BUY, 1e-5), "mean_reversion": Opinion(CLOSE_LONG, 2e-5), "ml": Opinion(HOLD)}
    assert composite(cast, CompositeRule(weights=weights)).reasons["score"] == "+0.000"


def test_a_composite_without_the_opinion_of_a_voter_is_an_error() -> None:
    with pytest.raises(KeyError, match="ml"):
        composite({"momentum": Opinion(HOLD), "mean_reversion": Opinion(HOLD)})
