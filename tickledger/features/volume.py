"""Volume: how much was traded for this symbol's habit, and on which side. All are ratios, free of the level."""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from tickledger.features.series import BarSeries, Floats, direction, ratio, trailing

_MONTH: Final = 21
_MONEY_FLOW_WINDOW: Final = 14


def volume_ratio(bars: BarSeries) -> Floats:
    """The day's volume over the mean of 21 bars; 1 where nothing was traded in all of them."""
    return ratio(bars.volume, trailing(np.mean, bars.volume, _MONTH), where_undefined=1.0)


def volume_balance(bars: BarSeries) -> Floats:
    """Volume on rising closes less that on falling ones, over the total of 21 bars, −1 to 1 (as in Granville's OBV)."""
    signed = direction(bars.close) * bars.volume
    total = trailing(np.sum, bars.volume, _MONTH)
    return ratio(trailing(np.sum, signed, _MONTH), total, where_undefined=0.0)


def money_flow_index(bars: BarSeries) -> Floats:
    """The money flow index over 14 bars, 0 to 100: dollars traded on rising typical prices, in percent of all.

    Computed here because TA-Lib calls a flow below one dollar none, which would make it depend on the level.
    """
    price = bars.typical_price
    flow = direction(price) * price * bars.volume
    moving = trailing(np.sum, np.abs(flow), _MONEY_FLOW_WINDOW)
    rising = (moving + trailing(np.sum, flow, _MONEY_FLOW_WINDOW)) / 2
    return 100 * ratio(rising, moving, where_undefined=0.5)


def chaikin_money_flow(bars: BarSeries) -> Floats:
    """Chaikin's money flow over 21 bars, −1 to 1: volume weighted by where in its day's range each bar closed."""
    location = ratio(2 * bars.close - bars.high - bars.low, bars.high - bars.low, where_undefined=0.0)
    total = trailing(np.sum, bars.volume, _MONTH)
    return ratio(trailing(np.sum, location * bars.volume, _MONTH), total, where_undefined=0.0)


FEATURES: Final[Mapping[str, Callable[[BarSeries], Floats]]] = {
    "volume_ratio_21": volume_ratio,
    "volume_balance_21": volume_balance,
    "money_flow_index_14": money_flow_index,
    "chaikin_money_flow_21": chaikin_money_flow,
}
