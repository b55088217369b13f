"""No feature knows the level of price or volume; flat and silent markets give finite, neutral values."""

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.features.sample import adjusted
from tickledger.features.daily import FEATURE_NAMES, daily_features
from tickledger.features.schemas import DailyFeatures

NAMES = list(FEATURE_NAMES)
PRICES = ["open", "high", "low", "close"]
EXCERPT = adjusted().groupby("symbol").head(260).reset_index(drop=True)
OF_EXCERPT = daily_features(EXCERPT)


@settings(max_examples=examples(15), deadline=None)
@given(price=st.floats(1e-3, 1e3), volume=st.floats(1e-3, 1e3))
def test_features_do_not_change_with_the_scale_of_price_or_volume(price: float, volume: float) -> None:
    scaled = EXCERPT.copy()
    scaled[PRICES] *= price
    scaled["volume"] *= volume
    rescaled = daily_features(scaled)
    np.testing.assert_allclose(rescaled[NAMES], OF_EXCERPT[NAMES], rtol=1e-9, atol=1e-10)
    assert (rescaled["feature_row_id"] == OF_EXCERPT["feature_row_id"]).mean() > 0.99


def frame(close: list[float], *, spread: list[float], volume: list[float]) -> pd.DataFrame:
    prices, width = np.array(close), np.array(spread)
    opens = np.roll(prices, 1)
    opens[0] = prices[0]
    return pd.DataFrame(
        {
            "bar_id": [f"bar_{i}" for i in range(len(prices))],
            "symbol": pd.Series(["X"] * len(prices), dtype="str"),
            "timestamp": pd.date_range("2012-01-02", periods=len(prices), tz="UTC", unit="us"),
            "open": opens,
            "high": np.maximum(opens, prices) + width,
            "low": np.minimum(opens, prices) * (1 - width / (1 + width)),
            "close": prices,
            "volume": volume,
        }
    ).astype({"bar_id": "str"})


@settings(max_examples=examples(25), deadline=None)
@given(price=st.floats(1e-4, 1e6), volume=st.sampled_from([0.0, 1.0, 1e9]), length=st.integers(64, 90))
def test_a_flat_market_gives_neutral_values(price: float, volume: float, length: int) -> None:
    rows = daily_features(frame([price] * length, spread=[0.0] * length, volume=[volume] * length))
    DailyFeatures.validate(rows, lazy=True)
    assert len(rows) == length - 63
    neutral = {
        "rsi_2": 50,
        "rsi_14": 50,
        "stochastic_k_14": 50,
        "stochastic_d_14": 50,
        "williams_r_14": -50,
        "money_flow_index_14": 50,
        "bollinger_position_20": 0.5,
        "volatility_ratio_10_63": 1,
        "volume_ratio_21": 1,
    }
    found = rows[NAMES].drop(columns="day_of_week").iloc[-1]
    expected = pd.Series(neutral, index=found.index).fillna(0.0)
    np.testing.assert_allclose(found.astype(float), expected, atol=1e-8)


TICKS = st.sampled_from([0.0, 0.0, 0.01, -0.01, 0.5, -0.5, 7.0])


@settings(max_examples=examples(40), deadline=None)
@given(
    start=st.sampled_from([0.05, 1.0, 12.34, 900.0]),
    moves=st.lists(TICKS, min_size=64, max_size=80),
    spread=st.lists(st.sampled_from([0.0, 0.0, 0.01, 1.0]), min_size=80, max_size=80),
    volume=st.lists(st.sampled_from([0.0, 0.0, 1.0, 1e6, 3e9]), min_size=80, max_size=80),
)
def test_no_market_makes_a_feature_infinite_or_leave_its_scale(
    start: float, moves: list[float], spread: list[float], volume: list[float]
) -> None:
    close = np.maximum(start + np.cumsum(moves), 0.01).round(2).tolist()
    rows = daily_features(frame(close, spread=spread[: len(close)], volume=volume[: len(close)]))
    DailyFeatures.validate(rows, lazy=True)
    assert len(rows) == len(close) - 63
