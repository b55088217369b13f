"""One symbol's adjusted bars as arrays, and the trailing windows over them that the features are made of.

A trailing value at t is a function of the last n elements up to t, and of nothing else; where there are fewer it is
NaN. Sums are taken anew in each window, not carried along it, so a value doesn't depend on where the history begins.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]

#: Prices that differ by less than this share of their level are equal: what differs is rounding.
FLATNESS: Final = 1e-10


@dataclass(frozen=True, slots=True)
class BarSeries:
    """The bars of one symbol in order of time: adjusted USD prices, adjusted shares, and the day (0 is Monday)."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    weekday: Floats

    @classmethod
    def of(cls, bars: pd.DataFrame) -> "BarSeries":
        """The columns of `bars`, which hold one symbol sorted by `timestamp`."""
        columns = {name: bars[name].to_numpy(dtype=float) for name in ("open", "high", "low", "close", "volume")}
        return cls(**columns, weekday=bars["timestamp"].dt.day_of_week.to_numpy(dtype=float))

    @property
    def log_return(self) -> Floats:
        """The log return of each close on the one before."""
        return np.log(self.close / lag(self.close, 1))

    @property
    def typical_price(self) -> Floats:
        """The mean of high, low and close."""
        return (self.high + self.low + self.close) / 3


def lag(values: Floats, periods: int) -> Floats:
    """The values of `periods` bars earlier."""
    lagged = np.full(len(values), np.nan)
    lagged[periods:] = values[: max(len(values) - periods, 0)]
    return lagged


def direction(values: Floats) -> Floats:
    """1 where a value lies above the one before, −1 where below, 0 where they differ by rounding alone."""
    before = lag(values, 1)
    change = values - before
    return np.where(np.abs(change) <= FLATNESS * np.abs(before), 0.0, np.sign(change))


def trailing(reduce: Callable[..., Floats], values: Floats, window: int) -> Floats:
    """`reduce` (a NumPy reduction such as `np.mean`) over the last `window` values."""
    reduced = np.full(len(values), np.nan)
    if len(values) >= window:
        reduced[window - 1 :] = reduce(np.lib.stride_tricks.sliding_window_view(values, window), axis=-1)
    return reduced


def trailing_deviation(values: Floats, window: int) -> Floats:
    """The sample standard deviation (n − 1) of the last `window` values."""

    def deviation(windows: Floats, *, axis: int) -> Floats:
        return np.asarray(np.std(windows, axis=axis, ddof=1))

    return trailing(deviation, values, window)


def ratio(above: Floats, below: Floats, *, where_undefined: float) -> Floats:
    """`above` / `below`, and `where_undefined` where `below` is zero; NaN stays NaN."""
    safe = np.where(below == 0, 1.0, below)
    return np.where(below == 0, where_undefined, above / safe)


def is_flat(high: Floats, low: Floats, window: int) -> npt.NDArray[np.bool_]:
    """Where the last `window` bars lie at one price, so that an oscillator has nothing to say."""
    top, bottom = trailing(np.max, high, window), trailing(np.min, low, window)
    return (top - bottom) <= FLATNESS * top
