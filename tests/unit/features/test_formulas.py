"""Each indicator against its published example, its published formula written in pandas, or TA-Lib."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
import talib
from talib._ta_lib import MA_Type

from tests.unit.features.sample import adjusted, features, series
from tickledger.features import directional, momentum, trend, volume
from tickledger.features.daily import FEATURE_NAMES
from tickledger.features.series import BarSeries

# The worked example of StockCharts' ChartSchool, "Relative Strength Index": closes of QQQQ and their 14-day RSI.
RSI_CLOSES = [
    *(44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826, 45.8931),
    *(46.0328, 45.6140, 46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439, 46.2122, 46.2521),
    *(45.7137, 46.4515, 45.7835, 45.3548, 44.0288, 44.1783, 44.2181, 44.5672, 43.4205, 42.6628, 43.1314),
]
RSI_PUBLISHED = [
    *(70.53, 66.32, 66.55, 69.41, 66.36, 57.97, 62.93, 63.26, 56.06, 62.38),
    *(54.71, 50.42, 39.99, 41.46, 41.87, 45.46, 37.30, 33.08, 37.77),
]
# The same, "Moving Averages": closes of Intel and their 10-day exponential average.
EMA_CLOSES = [
    *(22.27, 22.19, 22.08, 22.17, 22.18, 22.13, 22.23, 22.43, 22.24, 22.29, 22.15, 22.39, 22.38, 22.61, 23.36),
    *(24.05, 23.75, 23.83, 23.95, 23.63, 23.82, 23.87, 23.65, 23.19, 23.10, 23.33, 22.68, 23.10, 22.40, 22.17),
]
EMA_PUBLISHED = [
    *(22.22, 22.21, 22.24, 22.27, 22.33, 22.52, 22.80, 22.97, 23.13, 23.28, 23.34),
    *(23.43, 23.51, 23.53, 23.47, 23.40, 23.39, 23.26, 23.23, 23.08, 22.92),
]


def test_rsi_gives_the_published_example() -> None:
    rsi = momentum.rsi(series(np.array(RSI_CLOSES)), window=14)
    assert np.isnan(rsi[:14]).all()
    np.testing.assert_allclose(rsi[14:], RSI_PUBLISHED, atol=0.01)


def test_the_exponential_average_gives_the_published_example() -> None:
    closes = np.array(EMA_CLOSES)
    average = closes / (1 + trend.ema_gap(series(closes), window=10))
    np.testing.assert_allclose(average[9:], EMA_PUBLISHED, atol=0.006)


def smoothed(values: pd.Series, window: int, *, weight: float, begin: int = 0) -> pd.Series:
    """An exponential average that begins with the plain mean of the first `window` values from `begin` on."""
    found = np.full(len(values), np.nan)
    found[begin + window - 1] = values.iloc[begin : begin + window].mean()
    for i in range(begin + window, len(values)):
        found[i] = found[i - 1] + weight * (values.iloc[i] - found[i - 1])
    return pd.Series(found, index=values.index)


def ema(values: pd.Series, window: int, *, begin: int = 0) -> pd.Series:
    return smoothed(values, window, weight=2 / (window + 1), begin=begin)


def wilder(values: pd.Series, window: int) -> pd.Series:
    """Wilder's average of what happens from bar to bar, so that the first bar has none."""
    return smoothed(values, window, weight=1 / window, begin=1)


def rsi(close: pd.Series, window: int) -> pd.Series:
    gains, losses = (wilder(move.clip(lower=0), window) for move in (close.diff(), -close.diff()))
    return 100 - 100 / (1 + gains / losses)


def returns_by_hand(bars: pd.DataFrame) -> dict[str, pd.Series]:
    close, log = bars["close"], np.log(bars["close"]).diff()
    return {
        **{f"log_return_{n}": np.log(close / close.shift(n)) for n in (1, 2, 5, 10, 21, 63)},
        "overnight_gap": np.log(bars["open"] / close.shift()),
        "intraday_return": np.log(close / bars["open"]),
        "drawdown_63": close / close.rolling(63).max() - 1,
        **{f"volatility_{n}": log.rolling(n).std() * np.sqrt(252) for n in (10, 21, 63)},
        "volatility_ratio_10_63": log.rolling(10).std() / log.rolling(63).std(),
        "day_range": np.log(bars["high"] / bars["low"]),
        "day_of_week": bars["timestamp"].dt.strftime("%u").astype(float) - 1,
    }


def oscillators_by_hand(bars: pd.DataFrame) -> dict[str, pd.Series]:
    high, low, close = bars["high"], bars["low"], bars["close"]
    typical = (high + low + close) / 3
    top, bottom = high.rolling(14).max(), low.rolling(14).min()
    slow_k = (100 * (close - bottom) / (top - bottom)).rolling(3).mean()
    mean_deviation = typical.rolling(20).apply(lambda window: np.abs(window - window.mean()).mean(), raw=True)
    return {
        "rsi_2": rsi(close, 2),
        "rsi_14": rsi(close, 14),
        "stochastic_k_14": slow_k,
        "stochastic_d_14": slow_k.rolling(3).mean(),
        "williams_r_14": -100 * (top - close) / (top - bottom),
        "cci_20": (typical - typical.rolling(20).mean()) / (0.015 * mean_deviation),
    }


def bands_by_hand(bars: pd.DataFrame) -> dict[str, pd.Series]:
    high, low, close = bars["high"], bars["low"], bars["close"]
    mean, deviation = close.rolling(20).mean(), close.rolling(20).std(ddof=0)
    gaps = [high - low, (high - close.shift()).abs(), (low - close.shift()).abs()]
    ppo = 100 * (ema(close, 12) / ema(close, 26) - 1)
    return {
        "sma_10_gap": close / close.rolling(10).mean() - 1,
        "sma_50_gap": close / close.rolling(50).mean() - 1,
        "ema_20_gap": close / ema(close, 20) - 1,
        "ppo_pct": ppo,
        "ppo_histogram_pct": ppo - ema(ppo, 9, begin=25),
        "natr_14_pct": 100 * wilder(pd.concat(gaps, axis=1).max(axis=1), 14) / close,
        "bollinger_position_20": (close - (mean - 2 * deviation)) / (4 * deviation),
        "bollinger_width_20": 4 * deviation / mean,
    }


def volume_by_hand(bars: pd.DataFrame) -> dict[str, pd.Series]:
    high, low, close, shares = (bars[name] for name in ("high", "low", "close", "volume"))
    typical, traded = (high + low + close) / 3, shares.rolling(21).sum()
    dollars, change = typical * shares, typical.diff().round(9)
    rising, falling = (dollars.where(which, 0.0).rolling(14).sum() for which in (change > 0, change < 0))
    location = ((close - low) - (high - close)) / (high - low)
    return {
        "volume_ratio_21": shares / shares.rolling(21).mean(),
        "volume_balance_21": (np.sign(close.diff().round(9)) * shares).rolling(21).sum() / traded,
        "money_flow_index_14": 100 - 100 / (1 + rising / falling),
        "chaikin_money_flow_21": (location * shares).rolling(21).sum() / traded,
    }


BY_HAND = (returns_by_hand, oscillators_by_hand, bands_by_hand, volume_by_hand)
BY_TALIB = {"adx_14", "directional_balance_14"}


@pytest.mark.parametrize("symbol", ["AAPL", "FB"])
@pytest.mark.parametrize("formulas", BY_HAND)
def test_features_equal_their_published_formulas(
    formulas: Callable[[pd.DataFrame], dict[str, pd.Series]], symbol: str
) -> None:
    bars = adjusted()[adjusted()["symbol"] == symbol].reset_index(drop=True).head(500)
    found = features()[features()["symbol"] == symbol].reset_index(drop=True).head(len(bars) - 63)
    for name, expected in formulas(bars).items():
        np.testing.assert_allclose(found[name], expected.iloc[63:], rtol=1e-6, atol=1e-9, err_msg=name)


def test_every_feature_has_a_formula_to_equal() -> None:
    bars = adjusted().head(70)
    named = [name for formulas in BY_HAND for name in formulas(bars)]
    assert sorted([*named, *BY_TALIB]) == sorted(FEATURE_NAMES)


def test_directional_movement_equals_talib_where_no_two_movements_tie() -> None:
    walk = np.random.default_rng(1978)
    close = 30 * np.exp(np.cumsum(walk.normal(0, 0.02, 400)))
    high, low = close * (1 + 0.02 * walk.random(400)), close * (1 - 0.02 * walk.random(400))
    bars = series(close, high=high, low=low)
    balance = talib.PLUS_DI(high, low, close, 14) - talib.MINUS_DI(high, low, close, 14)
    np.testing.assert_allclose(directional.adx(bars), talib.ADX(high, low, close, 14), rtol=1e-10)
    np.testing.assert_allclose(directional.directional_balance(bars)[14:], balance[14:], rtol=1e-9, atol=1e-11)


def test_a_day_that_reaches_as_far_up_as_down_has_moved_in_neither_direction() -> None:
    """Wilder's rule for an outside day that is symmetric; 0.1 added to 10 and taken from it differ in the last bit."""
    close = np.full(40, 10.0)
    reach = 0.1 * np.arange(40)
    bars = series(close, high=close + reach, low=close - reach)
    assert directional.adx(bars)[-1] == 0
    assert directional.directional_balance(bars)[-1] == 0


def test_the_money_flow_index_equals_talib() -> None:
    bars = adjusted()[adjusted()["symbol"] == "IBM"]
    of_ibm = BarSeries.of(bars)
    published = talib.MFI(of_ibm.high, of_ibm.low, of_ibm.close, of_ibm.volume, timeperiod=14)
    np.testing.assert_allclose(volume.money_flow_index(of_ibm), published, rtol=1e-9, atol=1e-9)


def test_the_stochastic_equals_talib() -> None:
    of_ibm = BarSeries.of(adjusted()[adjusted()["symbol"] == "IBM"])
    k, d = talib.STOCH(of_ibm.high, of_ibm.low, of_ibm.close, 14, 3, MA_Type.SMA, 3, MA_Type.SMA)
    np.testing.assert_allclose(momentum.stochastic(of_ibm)[17:], k[17:], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(momentum.stochastic_signal(of_ibm)[17:], d[17:], rtol=1e-9, atol=1e-9)


def test_a_channel_of_one_typical_price_says_nothing_however_wide_the_bars() -> None:
    """10.01, 9.99 and 10 have the mean of 10.03, 9.98 and 9.99 but for the last bit, which TA-Lib calls ±66."""
    close = np.where(np.arange(60) % 3 == 0, 9.99, 10.0)
    high = np.where(np.arange(60) % 3 == 0, 10.03, 10.01)
    low = np.where(np.arange(60) % 3 == 0, 9.98, 9.99)
    assert (momentum.cci(series(close, high=high, low=low))[19:] == 0).all()
