"""Clocks: the only place in the package that asks what time it is."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from tickledger.domain.ports import Clock

#: A clock that corrections of the wall's do not move.
Monotonic = Callable[[], float]


class LiveClock(Clock, Protocol):
    """A clock that runs by itself."""

    def seconds_until(self, instant: datetime) -> float:
        """How long to wait for an instant, seconds of the wall; 0 where it is past."""
        ...


class WallClock:
    """The real time."""

    def now(self) -> datetime:
        """This instant, aware, in UTC."""
        return datetime.now(UTC)

    def seconds_until(self, instant: datetime) -> float:
        """How long to wait for an instant, seconds; 0 where it is past."""
        return max((instant - self.now()).total_seconds(), 0.0)


class MarketClock:
    """The clock of a simulated market, which runs `speed` times as fast as the wall's from where it was last set.

    It never goes back: where a setting lies behind it, it stands until that has caught up, so that nothing happens
    before what has happened. At speed 0 it stands.
    """

    def __init__(self, at: datetime, speed: float, monotonic: Monotonic = time.monotonic) -> None:
        self._monotonic = monotonic
        self._told = at
        self.set(at, speed)

    def set(self, at: datetime, speed: float) -> None:
        """Go on from `at`, as somebody who knows has just told."""
        self._at, self._speed, self._set_at = at, speed, self._monotonic()

    @property
    def speed(self) -> float:
        """Seconds of the market in one of the wall."""
        return self._speed

    def now(self) -> datetime:
        """The market's time, aware, in UTC."""
        now = self._at + timedelta(0, (self._monotonic() - self._set_at) * self._speed)
        self._told = max(self._told, now)
        return self._told

    def seconds_until(self, instant: datetime) -> float:
        """How long to wait for an instant, seconds of the wall; a minute where the clock stands."""
        left = (instant - self.now()).total_seconds()
        if left <= 0:
            return 0.0
        return left / self._speed if self._speed else 60.0


class ReplayClock:
    """A clock that stands until it is moved, and moves forward only."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """The instant to which the clock was last moved."""
        return self._now

    def seconds_until(self, instant: datetime) -> float:
        """Nobody has to wait for what is replayed."""
        del instant
        return 0.0

    def advance(self, to: datetime) -> None:
        """Move to a later instant; raises ValueError for an earlier one."""
        if to < self._now:
            raise ValueError(f"expected an instant not before {self._now}, found {to}")
        self._now = to
