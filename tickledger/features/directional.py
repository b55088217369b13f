"""Wilder's directional movement: how strong the trend is, and which way it goes (New Concepts, 1978).

Computed here rather than by TA-Lib, whose results it otherwise equals: a day that reaches as far above the last high
as below the last low has moved in neither direction, and TA-Lib compares the two to the last bit, so that on
back-adjusted prices a later dividend could decide such a tie.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from tickledger.features.series import FLATNESS, BarSeries, Floats, lag, ratio

_WINDOW: Final = 14


@dataclass(frozen=True, slots=True)
class _Indicators:
    """Wilder's +DI and −DI, 0 to 100: the share of the true range that was movement up, and down."""

    plus: Floats
    minus: Floats


def adx(bars: BarSeries) -> Floats:
    """The average directional index over 14 bars, 0 to 100: how strong the trend is, whichever way."""
    indicators = _indicators(bars)
    moved = indicators.plus + indicators.minus
    index = 100 * ratio(np.abs(indicators.plus - indicators.minus), moved, where_undefined=0.0)
    return _smoothed(index, first=_WINDOW, last=2 * _WINDOW - 1)


def directional_balance(bars: BarSeries) -> Floats:
    """+DI less −DI over 14 bars, −100 to 100: which way the trend goes."""
    indicators = _indicators(bars)
    return indicators.plus - indicators.minus


def true_range(bars: BarSeries) -> Floats:
    """Wilder's true range: the day's range, extended to the last close where the price gapped."""
    before = lag(bars.close, 1)
    return np.maximum(bars.high, before) - np.minimum(bars.low, before)


def _indicators(bars: BarSeries) -> _Indicators:
    up, down = bars.high - lag(bars.high, 1), lag(bars.low, 1) - bars.low
    tied = np.abs(up - down) <= FLATNESS * bars.high
    movement_range = _average(true_range(bars))

    def share(movement: Floats, *, is_larger: np.typing.NDArray[np.bool_]) -> Floats:
        counted = np.where(is_larger & ~tied & (movement > 0), movement, 0.0)
        return 100 * ratio(_average(counted), movement_range, where_undefined=0.0)

    return _Indicators(plus=share(up, is_larger=up > down), minus=share(down, is_larger=down > up))


def _average(changes: Floats) -> Floats:
    """Wilder's running average of what happens from each bar to the next, begun with the first 13 changes."""
    return _smoothed(changes, first=1, last=_WINDOW - 1)


def _smoothed(values: Floats, *, first: int, last: int) -> Floats:
    """Wilder's smoothing: a fourteenth of the sum from `first` to `last`, then each value moves it a fourteenth on."""
    smooth = np.full(len(values), np.nan)
    if len(values) > last:
        tail = pd.Series([np.sum(values[first : last + 1]) / _WINDOW, *values[last + 1 :]])
        smooth[last:] = tail.ewm(alpha=1 / _WINDOW, adjust=False).mean().to_numpy()
    return smooth


FEATURES: Final[Mapping[str, Callable[[BarSeries], Floats]]] = {
    "adx_14": adx,
    "directional_balance_14": directional_balance,
}
