"""Volatility: how much the price moves, and where it stands in the band that its movement spans."""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import numpy as np
import talib

from tickledger.features.series import BarSeries, Floats, is_flat, ratio, trailing, trailing_deviation

SESSIONS_A_YEAR: Final = 252
_BAND: Final = 20
_BAND_DEVIATIONS: Final = 2.0
_MIDDLE: Final = 0.5


def natr(bars: BarSeries) -> Floats:
    """Wilder's average true range over 14 bars, in percent of the close."""
    percent: Floats = talib.NATR(bars.high, bars.low, bars.close, timeperiod=14)
    return percent


def day_range(bars: BarSeries) -> Floats:
    """The log of the day's high over its low."""
    return np.log(bars.high / bars.low)


def realized_volatility(bars: BarSeries, *, window: int) -> Floats:
    """The annualized standard deviation of the last `window` daily log returns."""
    return trailing_deviation(bars.log_return, window) * math.sqrt(SESSIONS_A_YEAR)


def volatility_ratio(bars: BarSeries) -> Floats:
    """Volatility of 10 bars over that of 63: above 1 the price moves more than usual; 1 where it never moved."""
    usual = realized_volatility(bars, window=63)
    usual = np.where(is_flat(bars.close, bars.close, 64), 0.0, usual)
    return ratio(realized_volatility(bars, window=10), usual, where_undefined=1.0)


def bollinger_position(bars: BarSeries) -> Floats:
    """Bollinger's %b over 20 bars: 0 at the lower band, 1 at the upper, two deviations from the mean."""
    flat = is_flat(bars.close, bars.close, _BAND)
    width = 2 * _BAND_DEVIATIONS * np.where(flat, 0.0, _band_deviation(bars))
    above_mean = bars.close - trailing(np.mean, bars.close, _BAND)
    return np.where(flat, _MIDDLE, _MIDDLE + ratio(above_mean, width, where_undefined=0.0))


def bollinger_width(bars: BarSeries) -> Floats:
    """Bollinger's bandwidth over 20 bars: the distance of the bands as a fraction of the mean."""
    return 2 * _BAND_DEVIATIONS * _band_deviation(bars) / trailing(np.mean, bars.close, _BAND)


def _band_deviation(bars: BarSeries) -> Floats:
    """The population standard deviation, which Bollinger prescribes."""
    return trailing(np.std, bars.close, _BAND)


FEATURES: Final[Mapping[str, Callable[[BarSeries], Floats]]] = {
    "natr_14_pct": natr,
    "day_range": day_range,
    **{f"volatility_{window}": partial(realized_volatility, window=window) for window in (10, 21, 63)},
    "volatility_ratio_10_63": volatility_ratio,
    "bollinger_position_20": bollinger_position,
    "bollinger_width_20": bollinger_width,
}
