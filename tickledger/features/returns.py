"""Returns: how far the price has come, over days and within the day. All are logs or fractions."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

import numpy as np

from tickledger.features.series import BarSeries, Floats, lag, trailing

HORIZONS: Final = (1, 2, 5, 10, 21, 63)
_QUARTER: Final = 63


def log_return(bars: BarSeries, *, days: int) -> Floats:
    """The log return of the close over `days` bars."""
    return np.log(bars.close / lag(bars.close, days))


def overnight_gap(bars: BarSeries) -> Floats:
    """The log return from the last close to the open."""
    return np.log(bars.open / lag(bars.close, 1))


def intraday_return(bars: BarSeries) -> Floats:
    """The log return from the open to the close."""
    return np.log(bars.close / bars.open)


def drawdown(bars: BarSeries) -> Floats:
    """The close below the highest close of a quarter (63 bars), as a fraction: 0 at the high, −0.2 a fifth below."""
    return bars.close / trailing(np.max, bars.close, _QUARTER) - 1


FEATURES: Final[Mapping[str, Callable[[BarSeries], Floats]]] = {
    **{f"log_return_{days}": partial(log_return, days=days) for days in HORIZONS},
    "overnight_gap": overnight_gap,
    "intraday_return": intraday_return,
    "drawdown_63": drawdown,
}
