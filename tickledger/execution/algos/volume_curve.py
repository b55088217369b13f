"""The intraday volume curve: which part of a session's volume trades by when, from minutes of earlier sessions.

Each earlier session counts alike, whatever it traded: a minute's weight is the mean of its part of each session. One
session's worth of even trading is added to them (a prior, so that few sessions do not speak too loudly and no minute
weighs nothing): with n sessions a minute of m has the weight (sum of its parts + 1/m) / (n + 1). Without any session
the curve is even, and a VWAP is a TWAP.

A half day is not the first part of a whole one: it has its own opening and closing rush. A curve is therefore made of
sessions of its own length where there are `enough` of them, and otherwise of all sessions, stretched or squeezed to
its length.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import Final
from zoneinfo import ZoneInfo

from tickledger.bars.calendars import is_session, session_close, session_open
from tickledger.exchange.venue_orders import MinuteBar

_NEW_YORK: Final = ZoneInfo("America/New_York")
_MINUTE: Final = timedelta(minutes=1)
_NOTHING: Final = Decimal(0)
ENOUGH_SESSIONS: Final = 5
RECENT_SESSIONS: Final = 20


@dataclass(frozen=True, slots=True)
class VolumeCurve:
    """The parts of a session's volume, minute by minute from `opens_at`; they add up to 1."""

    opens_at: datetime
    # Left out of the hash: schedules are looked up by it at every decision.
    parts: tuple[Decimal, ...] = field(hash=False, repr=False)
    session_count: int = 0

    def traded_by(self, instant: datetime) -> Decimal:
        """The part of the session's volume that has traded by `instant`, evenly within each minute."""
        minutes = Decimal(repr((instant - self.opens_at) / _MINUTE))
        whole = min(max(int(minutes), 0), len(self.parts))
        done = sum(self.parts[:whole], _NOTHING)
        if whole == len(self.parts) or minutes <= 0:
            return done
        return done + self.parts[whole] * (minutes - whole)


def even_curve(session_date: date) -> VolumeCurve:
    """The curve of a session of which nothing is known; raises ValueError where `session_date` is not a session."""
    return volume_curve((), session_date=session_date)


def volume_curve(
    bars: Iterable[MinuteBar],
    *,
    session_date: date,
    recent: int = RECENT_SESSIONS,
    enough: int = ENOUGH_SESSIONS,
) -> VolumeCurve:
    """The curve for `session_date` from the minutes of one symbol in at most `recent` sessions before it.

    Minutes outside the regular session and of sessions from `session_date` on are not looked at; a session without
    any volume does not count. Raises ValueError where `session_date` is not a session.
    """
    opens_at, length = session_open(session_date), _minutes(session_date)
    by_session = _volumes(bars, before=session_date)
    days = sorted(by_session)[-recent:] if recent > 0 else []
    alike = [day for day in days if len(by_session[day]) == length]
    chosen = alike if len(alike) >= enough else days
    parts = [_stretched(_normalized(by_session[day]), length) for day in chosen]
    even = Decimal(1) / length
    means = [(sum(minute, _NOTHING) + even) / (len(parts) + 1) for minute in zip(*parts, strict=True)]
    return VolumeCurve(opens_at, _whole(means or [even] * length), len(parts))


def _volumes(bars: Iterable[MinuteBar], *, before: date) -> Mapping[date, list[int]]:
    """The shares of each minute of each session before a date that traded at all."""
    volumes: dict[date, list[int]] = {}
    opens: dict[date, datetime] = {}
    for bar in bars:
        day = bar.starts_at.astimezone(_NEW_YORK).date()
        if day >= before or not is_session(day):
            continue
        minutes = volumes.setdefault(day, [0] * _minutes(day))
        minute = (bar.starts_at - opens.setdefault(day, session_open(day))) // _MINUTE
        if 0 <= minute < len(minutes):
            minutes[minute] += max(bar.volume, 0)
    return {day: minutes for day, minutes in volumes.items() if any(minutes)}


def _minutes(day: date) -> int:
    return (session_close(day) - session_open(day)) // _MINUTE


def _normalized(volumes: list[int]) -> list[Decimal]:
    total = sum(volumes)
    return [Decimal(volume) / total for volume in volumes]


def _stretched(parts: list[Decimal], length: int) -> list[Decimal]:
    """`parts` of one session spread over the minutes of another that is longer or shorter, in proportion."""
    if len(parts) == length:
        return parts
    sums = [_NOTHING, *accumulate(parts)]
    ends = [_between(sums, Decimal(minute * len(parts)) / length) for minute in range(length + 1)]
    return [later - earlier for earlier, later in pairwise(ends)]


def _between(sums: list[Decimal], place: Decimal) -> Decimal:
    whole = min(int(place), len(sums) - 2)
    return sums[whole] + (sums[whole + 1] - sums[whole]) * (place - whole)


def _whole(parts: list[Decimal]) -> tuple[Decimal, ...]:
    """`parts` as they add up to 1 but for the last digit."""
    total = sum(parts, _NOTHING)
    return tuple(part / total for part in parts)
