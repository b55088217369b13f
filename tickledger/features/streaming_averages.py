"""Averages that each value moves on, in streaming form: the seeding and the order of arithmetic of their batch forms.

Each takes values one by one and gives None until its seed is complete.
"""

from dataclasses import dataclass


@dataclass(slots=True, eq=False)
class Ema:
    """The exponential average as TA-Lib has it: begun with the plain mean of the first `window` values."""

    window: int
    value: float | None = None
    _sum: float = 0.0
    _count: int = 0

    def update(self, value: float) -> float | None:
        """The average with `value`."""
        if self.value is not None:
            self.value += (value - self.value) * (2.0 / (self.window + 1))
            return self.value
        self._sum += value
        self._count += 1
        if self._count == self.window:
            self.value = self._sum / self.window
        return self.value

    def rescale(self, factor: float) -> None:
        """As if every value had been multiplied by `factor`."""
        self._sum *= factor
        if self.value is not None:
            self.value *= factor


@dataclass(slots=True, eq=False)
class WilderAverage:
    """Wilder's average over `window`, begun with the sum of the first `seeds` values over `window`.

    `seeds` is the window, or one less for his directional movement.
    """

    window: int
    seeds: int
    value: float | None = None
    _sum: float = 0.0
    _count: int = 0

    def update(self, value: float) -> float | None:
        """The average with `value`."""
        if self.value is not None:
            self.value = (self.value * (self.window - 1) + value) / self.window
            return self.value
        self._sum += value
        self._count += 1
        if self._count == self.seeds:
            self.value = self._sum / self.window
        return self.value

    def rescale(self, factor: float) -> None:
        """As if every value had been multiplied by `factor`."""
        self._sum *= factor
        if self.value is not None:
            self.value *= factor
