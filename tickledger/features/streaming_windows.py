"""Trailing windows in streaming form: the last values of each series of one symbol, and statistics of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import dist, sqrt

from tickledger.features.series import FLATNESS


@dataclass(slots=True, eq=False)
class Tail:
    """The last `length` values of a series, and up to as many before them, which nobody looks at."""

    length: int
    values: list[float] = field(default_factory=list)

    def append(self, value: float) -> None:
        """One value more."""
        self.values.append(value)
        if len(self.values) > 2 * self.length:
            del self.values[: -self.length]

    def last(self, count: int) -> list[float]:
        """The last `count` values, in order."""
        return self.values[-count:]

    def rescale(self, factor: float) -> None:
        """As if every value had been multiplied by `factor`."""
        self.values[:] = [value * factor for value in self.values]


@dataclass(slots=True, eq=False)
class Ring:
    """The last values of a series in the order in which TA-Lib sums them: each in the place of the one it displaces."""

    length: int
    values: list[float] = field(default_factory=list)
    _next: int = 0

    def append(self, value: float) -> None:
        """One value more."""
        if len(self.values) < self.length:
            self.values.append(value)
            return
        self.values[self._next] = value
        self._next = (self._next + 1) % self.length

    def rescale(self, factor: float) -> None:
        """As if every value had been multiplied by `factor`."""
        self.values[:] = [value * factor for value in self.values]


def deviation(values: Sequence[float], mean: float, *, less: int) -> float:
    """The standard deviation of `values` around their `mean`, over their count less `less` (0 population, 1 sample)."""
    return dist(values, [mean] * len(values)) / sqrt(len(values) - less)


def is_flat(top: float, bottom: float) -> bool:
    """Where a window's highest and lowest price are one."""
    return top - bottom <= FLATNESS * top


def direction(value: float, before: float) -> float:
    """1 where a value lies above the one before, −1 where below, 0 where they differ by rounding alone."""
    change = value - before
    if abs(change) <= FLATNESS * abs(before):
        return 0.0
    return 1.0 if change > 0 else -1.0
