"""Clocks: the only place in the package that asks what time it is."""

from datetime import UTC, datetime


class WallClock:
    """The real time."""

    def now(self) -> datetime:
        """This instant, aware, in UTC."""
        return datetime.now(UTC)


class ReplayClock:
    """A clock that stands until it is moved, and moves forward only."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """The instant to which the clock was last moved."""
        return self._now

    def advance(self, to: datetime) -> None:
        """Move to a later instant; raises ValueError for an earlier one."""
        if to < self._now:
            raise ValueError(f"expected an instant not before {self._now}, found {to}")
        self._now = to
