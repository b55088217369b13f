"""Trend: how far the price, or a fast average of it, stands from a slower average. Gaps are fractions of the slower."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import talib
from talib._ta_lib import MA_Type

from tickledger.features.series import BarSeries, Floats


def sma_gap(bars: BarSeries, *, window: int) -> Floats:
    """The close above its simple moving average."""
    gap: Floats = bars.close / talib.SMA(bars.close, timeperiod=window) - 1
    return gap


def ema_gap(bars: BarSeries, *, window: int) -> Floats:
    """The close above its exponential moving average."""
    gap: Floats = bars.close / talib.EMA(bars.close, timeperiod=window) - 1
    return gap


def ppo(bars: BarSeries) -> Floats:
    """The percentage price oscillator: the MACD (12, 26) relative to the slow average, in percent."""
    oscillator: Floats = talib.PPO(bars.close, fastperiod=12, slowperiod=26, matype=MA_Type.EMA)
    return oscillator


def ppo_histogram(bars: BarSeries) -> Floats:
    """The percentage price oscillator above its own 9-bar exponential average, in percentage points."""
    oscillator = ppo(bars)
    histogram: Floats = oscillator - talib.EMA(oscillator, timeperiod=9)
    return histogram


FEATURES: Final[Mapping[str, Callable[[BarSeries], Floats]]] = {
    "sma_10_gap": partial(sma_gap, window=10),
    "sma_50_gap": partial(sma_gap, window=50),
    "ema_20_gap": partial(ema_gap, window=20),
    "ppo_pct": ppo,
    "ppo_histogram_pct": ppo_histogram,
}
