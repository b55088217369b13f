"""What a request for historical bars means: how long the bars are, which stretch of time they cover, how it is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from tickledger.bars.calendars import session_close, session_open, sessions
from tickledger.exchange.venue_tape import EARLY_HOURS, trading_date
from tickledger.gateway.answers import NEW_YORK, stamp
from tickledger.gateway.fields import whole_number
from tickledger.gateway.listings import Listing

MINUTE: Final = timedelta(minutes=1)
DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(weeks=1)
MONTH: Final = timedelta(days=30)
#: Bar sizes that are served; IB has shorter ones too.
BAR_SIZES: Final[Mapping[str, timedelta]] = {
    "1 min": MINUTE,
    **{f"{count} mins": count * MINUTE for count in (2, 3, 5, 10, 15, 20, 30)},
    "1 hour": 60 * MINUTE,
    **{f"{count} hours": count * 60 * MINUTE for count in (2, 3, 4, 8)},
    "1 day": DAY,
    "1 week": WEEK,
    "1W": WEEK,
    "1 month": MONTH,
    "1M": MONTH,
}
SECONDS: Final = frozenset(f"{count} secs" for count in (1, 5, 10, 15, 30))
KINDS: Final = frozenset(("TRADES", "MIDPOINT", "BID", "ASK", "BID_ASK", "ADJUSTED_LAST"))
_MOST_UNITS: Final = {"S": 86_400, "D": 3_650, "W": 520, "M": 240, "Y": 40}
_AS_EPOCH: Final = 2
_DECEMBER: Final = 12
#: No request ends before; the longest one that ends here stays inside the calendar.
EARLIEST_END: Final = datetime(1950, 1, 1, tzinfo=UTC)
_LONGEST_CLOSING: Final = timedelta(days=14)


class HistoryRequestError(ValueError):
    """A request that asks for what there is not; the text is for the client."""


@dataclass(frozen=True, slots=True)
class HistoryRequest:
    """A request for bars, read. `ends_at` is None for "until now"."""

    listing: Listing
    bar_size: str
    duration: str
    what: str
    is_regular: bool
    format_date: int
    ends_at: datetime | None
    keeps_up: bool

    @property
    def length(self) -> timedelta:
        """How long a bar is; a month counts as thirty days."""
        return BAR_SIZES[self.bar_size]

    @property
    def is_intraday(self) -> bool:
        """Whether bars are shorter than a day."""
        return self.length < DAY

    def since(self, end: datetime) -> datetime:
        """Where the stretch that ends at `end` begins."""
        return _since(self.duration, end, is_regular=self.is_regular)

    def bucket(self, starts_at: datetime) -> datetime:
        """The start of the bar into which a minute (or a day, stamped at 00:00Z) belongs."""
        if self.is_intraday:
            return _intraday_bucket(starts_at, self.length, is_regular=self.is_regular)
        day = starts_at.date()
        if self.length == WEEK:
            day -= timedelta(days=day.weekday())
        elif self.length == MONTH:
            day = day.replace(day=1)
        return datetime.combine(day, time(), tzinfo=UTC)

    def bucket_of_trade(self, traded_at: datetime) -> datetime:
        """The start of the bar into which a trade belongs."""
        if self.is_intraday:
            return self.bucket(traded_at)
        return self.bucket(datetime.combine(trading_date(traded_at), time(), tzinfo=UTC))

    def label(self, starts_at: datetime) -> str:
        """The time of a bar as the client wants it: New York's, or seconds since 1970; of days always the date."""
        if not self.is_intraday:
            return f"{starts_at:%Y%m%d}"
        return str(int(starts_at.timestamp())) if self.format_date == _AS_EPOCH else stamp(starts_at)


def check(request: HistoryRequest) -> None:
    """Raises HistoryRequestError for what IB does not serve either, or what the tape does not hold."""
    if request.bar_size in SECONDS:
        raise HistoryRequestError("bars shorter than a minute are not kept")
    if request.bar_size not in BAR_SIZES:
        legal = ", ".join(BAR_SIZES)
        raise HistoryRequestError(f"Historical data bar size setting is invalid. Legal ones are: {legal}")
    if request.what not in KINDS:
        raise HistoryRequestError(f"Historical data what-to-show '{request.what}' is not one of {sorted(KINDS)}")
    if request.keeps_up and request.ends_at is not None:
        raise HistoryRequestError("End Date not supported with keepUpToDate")
    _duration(request.duration)


def _duration(text: str) -> tuple[int, str]:
    said, _, unit = text.strip().partition(" ")
    unit, count = unit or "S", whole_number(said)
    if count is None or unit not in _MOST_UNITS or not 0 < count <= _MOST_UNITS[unit]:
        raise HistoryRequestError(
            f"Historical data request for '{text}': a duration is a number and S, D, W, M or Y, such as 1 D"
        )
    return count, unit


def _since(duration: str, end: datetime, *, is_regular: bool) -> datetime:
    count, unit = _duration(duration)
    if unit == "S":
        return end - timedelta(seconds=count)
    if unit == "D":
        return _sessions_back(end, count, is_regular=is_regular)
    local = end.astimezone(NEW_YORK)
    if unit == "W":
        return (local - timedelta(weeks=count)).astimezone(UTC)
    months = count if unit == "M" else count * _DECEMBER
    return _months_back(local, months).astimezone(UTC)


def _sessions_back(end: datetime, count: int, *, is_regular: bool) -> datetime:
    """The early open of the `count`-th session back; one whose hours, as they are asked for, have begun counts."""
    today = trading_date(end)
    first = today - _LONGEST_CLOSING - timedelta(days=2 * count)
    lead = timedelta(0) if is_regular else EARLY_HOURS
    begun = [day for day in sessions(first, today) if session_open(day) - lead < end]
    day = begun[-count] if len(begun) >= count else first
    return _early_open(day)


def _early_open(day: date) -> datetime:
    return datetime.combine(day, time(4), tzinfo=NEW_YORK).astimezone(UTC)


def _months_back(local: datetime, months: int) -> datetime:
    years, month = divmod(local.year * _DECEMBER + local.month - 1 - months, _DECEMBER)
    for day in range(local.day, 0, -1):
        try:
            return local.replace(year=years, month=month + 1, day=day)
        except ValueError:
            continue
    raise AssertionError("every month has a first day")


def _intraday_bucket(starts_at: datetime, length: timedelta, *, is_regular: bool) -> datetime:
    local = starts_at.astimezone(NEW_YORK)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    bucket = (midnight + (local - midnight) // length * length).astimezone(UTC)
    return max(bucket, session_open(local.date())) if is_regular else bucket


def is_regular_minute(starts_at: datetime) -> bool:
    """Whether a minute of a session lies between its open and its close."""
    day = trading_date(starts_at)
    return session_open(day) <= starts_at < session_close(day)
