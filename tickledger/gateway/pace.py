"""How the venue's time passes: with the wall's at a speed, and at night, where so wished, in a leap.

A night is what lies between two sessions. Half of the seconds that it is to take are spent after the close and half
before the open, so that whoever trades can end one day and begin the next.
"""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Self

from tickledger.bars.calendars import session_close, session_open, sessions


@dataclass(frozen=True, slots=True)
class Nights:
    """Nights that take at most `seconds` of the wall at `speed`, until the last session of the tape is over."""

    opens: tuple[datetime, ...]
    closes: tuple[datetime, ...]
    half: timedelta

    @classmethod
    def until(cls, last_day: date, *, since: datetime, seconds: float, speed: float) -> Self:
        """The nights from the day of `since` to `last_day`."""
        days = sessions(since.date() - timedelta(days=1), last_day)
        half = timedelta(seconds=seconds / 2 * speed)
        return cls(tuple(map(session_open, days)), tuple(map(session_close, days)), half)

    def leap(self, now: datetime) -> datetime | None:
        """Where the time goes on that has come to `now`: the dawn, where `now` lies between dusk and dawn."""
        ahead = bisect_right(self.opens, now)
        if ahead >= len(self.opens):
            return None
        dawn = self.opens[ahead] - self.half
        dusk = self.closes[ahead - 1] + self.half if ahead else now
        return dawn if dusk <= now < dawn else None

    def are_over(self, now: datetime) -> bool:
        """Whether the dusk of the last session has come."""
        return not self.closes or now >= self.closes[-1] + self.half
