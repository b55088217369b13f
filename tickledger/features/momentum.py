"""Oscillators: where the price stands in its recent range and which way it has been pushed.

TA-Lib computes them. In a flat window, where every one of them divides zero by zero, they take their neutral value
(the middle of the scale) instead of the extreme that TA-Lib returns.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import numpy as np
import talib

from tickledger.features.series import BarSeries, Floats, is_flat

_MIDDLE: Final = 50.0


def rsi(bars: BarSeries, *, window: int) -> Floats:
    """Wilder's relative strength index, 0 to 100 (New Concepts in Technical Trading Systems, 1978)."""
    # The index compares `window` changes, which span one close more.
    flat = is_flat(bars.close, bars.close, window + 1)
    return np.where(flat, _MIDDLE, talib.RSI(bars.close, timeperiod=window))


def stochastic(bars: BarSeries) -> Floats:
    """Lane's slow %K: the close in the range of 14 bars, 0 to 100, averaged over 3."""
    fast, _ = talib.STOCHF(bars.high, bars.low, bars.close, fastk_period=14, fastd_period=1)
    return _mean_of_3(np.where(is_flat(bars.high, bars.low, 14), _MIDDLE, fast))


def stochastic_signal(bars: BarSeries) -> Floats:
    """Lane's slow %D: the mean of the last 3 slow %K."""
    return _mean_of_3(stochastic(bars))


def williams_r(bars: BarSeries) -> Floats:
    """Williams' %R: the close below the high of 14 bars, in percent of their range, −100 to 0."""
    percent = talib.WILLR(bars.high, bars.low, bars.close, timeperiod=14)
    return np.where(is_flat(bars.high, bars.low, 14), -_MIDDLE, percent)


def cci(bars: BarSeries) -> Floats:
    """Lambert's commodity channel index over 20 bars: about ±100 where the price leaves its usual channel.

    It looks at typical prices: where these are one, the rounding of their mean would be all there is to see.
    """
    index = talib.CCI(bars.high, bars.low, bars.close, timeperiod=20)
    return np.where(is_flat(bars.typical_price, bars.typical_price, 20), 0.0, index)


def _mean_of_3(values: Floats) -> Floats:
    mean: Floats = talib.SMA(values, timeperiod=3)
    return mean


FEATURES: Final[Mapping[str, Callable[[BarSeries], Floats]]] = {
    "rsi_2": partial(rsi, window=2),
    "rsi_14": partial(rsi, window=14),
    "stochastic_k_14": stochastic,
    "stochastic_d_14": stochastic_signal,
    "williams_r_14": williams_r,
    "cci_20": cci,
}
