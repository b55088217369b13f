"""The hours of a trading day that bars are built in, and the widths of the intervals they are built of."""

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from tickledger.bars.calendars import is_session, session_close, session_open
from tickledger.bars.quality import EXCHANGE_ZONE

_NEW_YORK: Final = ZoneInfo(EXCHANGE_ZONE)
_INTERVAL: Final = re.compile(r"([1-9][0-9]*)(sec|min|hour)")
_SECONDS: Final = {"sec": 1, "min": 60, "hour": 3600}
#: The early and the late session of NYSE Arca and Nasdaq; after a half day the late one ends three hours earlier.
_EARLIEST: Final = time(4)
_LATEST: Final = time(20)
_LATEST_ON_HALF_DAYS: Final = time(17)
_FULL_CLOSE: Final = time(16)


@dataclass(frozen=True, slots=True)
class TradingDay:
    """The hours of one session, aware UTC: bars are built from `opens_at` on and before `closes_at`.

    A print up to `accepts_until` belongs to the last bar: the closing auction is told after the close it makes.
    """

    session_date: date
    opens_at: datetime
    closes_at: datetime
    accepts_until: datetime


@dataclass(frozen=True, slots=True)
class TradingHours:
    """Which hours count. `close_grace` is how long after the regular close a print still belongs to its last bar.

    With `is_extended` the day lasts from 04:00 to 20:00 New York time (17:00 on half days), and prints after the
    regular close belong to bars of their own, because nothing tells the auction's from those of the late session.
    """

    is_extended: bool = False
    close_grace: timedelta = timedelta(seconds=5)

    def day_of(self, instant: datetime) -> TradingDay | None:
        """The day whose New York date `instant` lies on, whatever the hour; None where that is no session."""
        return _trading_day(instant.astimezone(_NEW_YORK).date(), self)


@lru_cache(maxsize=64)
def _trading_day(day: date, hours: TradingHours) -> TradingDay | None:
    if not is_session(day):
        return None
    closes_at = session_close(day)
    if not hours.is_extended:
        return TradingDay(day, session_open(day), closes_at, closes_at + hours.close_grace)
    is_half = closes_at.astimezone(_NEW_YORK).time() < _FULL_CLOSE
    first, last = (
        datetime.combine(day, hour, _NEW_YORK).astimezone(closes_at.tzinfo)
        for hour in (_EARLIEST, _LATEST_ON_HALF_DAYS if is_half else _LATEST)
    )
    return TradingDay(day, first, last, last)


def seconds_of(interval: str) -> int:
    """How many seconds a bar of `interval` (such as ``1sec``, ``5min``) lasts.

    Raises ValueError for an interval that is not within a day.
    """
    match = _INTERVAL.fullmatch(interval)
    if match is None:
        raise ValueError(f"expected an interval such as 1sec, 1min or 5min, found {interval!r}")
    return int(match[1]) * _SECONDS[match[2]]
