"""The New York Stock Exchange's calendar (XNYS): which days are sessions, and when each opens and closes.

The calendar spans 1990 to about a year from now. It is built once, on first use, because the library behind it
is slow to import. Half days end early; `session_close` knows.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final

FIRST_DAY: Final = date(1990, 1, 1)
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class _Sessions:
    """Every session in order, with its opening and closing instants in UTC."""

    days: tuple[date, ...]
    opens: Mapping[date, datetime]
    closes: Mapping[date, datetime]


@lru_cache(maxsize=1)
def _xnys() -> _Sessions:
    # Imported here: exchange_calendars takes a second or two to load, and most commands never ask.
    import exchange_calendars  # noqa: PLC0415

    calendar = exchange_calendars.get_calendar("XNYS", start=FIRST_DAY.isoformat())
    days = tuple(stamp.date() for stamp in calendar.sessions)
    opens, closes = (
        [stamp.to_pydatetime().astimezone(UTC) for stamp in stamps] for stamps in (calendar.opens, calendar.closes)
    )
    return _Sessions(days=days, opens=dict(zip(days, opens, strict=True)), closes=dict(zip(days, closes, strict=True)))


def sessions(start: date, end: date) -> list[date]:
    """The session dates from `start` to `end`, both included, as far as the calendar reaches."""
    days = _xnys().days
    return list(days[bisect_left(days, start) : bisect_right(days, end)])


def is_session(day: date) -> bool:
    """Whether the exchange was, or will be, open on `day`."""
    return day in _xnys().opens


def why_closed(day: date) -> str | None:
    """Why `day` is not a session, in words, or None where it is one."""
    calendar = _xnys()
    if day in calendar.opens:
        return None
    if day.weekday() >= _SATURDAY:
        return f"{day:%A} {day}"
    if not calendar.days[0] <= day <= calendar.days[-1]:
        return f"{day}, outside the calendar, which knows {calendar.days[0]} to {calendar.days[-1]}"
    return f"{day:%A} {day}, when the exchange was closed"


def session_open(day: date) -> datetime:
    """When the session of `day` opens, aware UTC; raises ValueError where `day` is not a session."""
    return _instant(day, _xnys().opens)


def session_close(day: date) -> datetime:
    """When the session of `day` closes, aware UTC; raises ValueError where `day` is not a session."""
    return _instant(day, _xnys().closes)


def _instant(day: date, instants: Mapping[date, datetime]) -> datetime:
    try:
        return instants[day]
    except KeyError:
        raise ValueError(f"expected an NYSE session, found {why_closed(day)}") from None
