"""Dates and times as brokers write them, in every format that IB offers for a Flex query.

Dates: 20250131, 2025-01-31, 01/31/2025, 1/31/25, 31-JAN-25, January 31, 2025. Times: 153000, 15:30:00, with or without
a fraction; between the two a semicolon, a comma, a blank, a T or nothing; after them perhaps a time zone.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tickledger.reconciliation.statements.terms import ReadingTerms

_MONTHS: Final = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
_DATE: Final = (
    r"(?:(?P<compact>\d{8})|(?P<iso>\d{4}-\d{2}-\d{2})|(?P<slashed>\d{1,2}/\d{1,2}/(?:\d{4}|\d{2}))"
    r"|(?P<named>\d{1,2}-[A-Za-z]{3}-(?:\d{4}|\d{2}))|(?P<long>[A-Za-z]{3,9} \d{1,2}, \d{4}))"
)
_TIME: Final = r"(?P<hour>\d{2}):?(?P<minute>\d{2})(?::?(?P<second>\d{2})(?P<fraction>\.\d{1,9})?)?"
_ZONE: Final = r"(?P<zone>[A-Za-z]+(?:[_/][A-Za-z_]+)*|[+-]\d{2}:?\d{2})"
_MOMENT: Final = re.compile(rf"{_DATE}(?:[;, T]*{_TIME}(?:\s*{_ZONE})?)?", re.ASCII)
_CLOCK: Final = re.compile(rf"{_TIME}(?:\s*{_ZONE})?", re.ASCII)
_CENTURY: Final = 2000
_FOUR_DIGITS: Final = 4
#: The length of ``20250131;153000``, and where its date ends.
_COMPACT: Final = 15
_COMPACT_DATE: Final = 8
_LAST_HOUR: Final = 23
_LAST_MINUTE: Final = 59
#: What no day has.
_UNSEEN: Final = (date.min, datetime.min.replace(tzinfo=UTC))
_MOST_KEPT: Final = 1 << 16
_AFTER_A_DAY: Final = timedelta(days=1)
#: Hours east of Greenwich of the abbreviations that IB prints. All of them name one offset and no summer time.
_OFFSETS: Final = {
    name: hours
    for hours, names in (
        (-8, "PST"),
        (-7, "PDT MST"),
        (-6, "MDT CST"),
        (-5, "CDT EST"),
        (-4, "EDT"),
        (0, "UTC GMT Z"),
        (1, "BST CET"),
        (2, "CEST"),
        (8, "HKT"),
        (9, "JST"),
    )
    for name in names.split()
}
_PLACES: Final = {"ET": "America/New_York", "CT": "America/Chicago", "PT": "America/Los_Angeles"}


class Moment(NamedTuple):
    """A date, and the instant where a time stands beside it.

    `doubt` says why the instant may be another one: the hour occurs twice that night or not at all, or nobody knows the
    zone. The value is usable all the same: the first of the two hours.
    """

    on: date
    at: datetime | None = None
    doubt: str = ""


def moment(text: str, terms: ReadingTerms) -> Moment:
    """The moment that `text` writes; raises ValueError where it writes none."""
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    day = _day(found, terms)
    return Moment(day) if found["hour"] is None else _instant(day, found, terms)


def moment_of(day: str, clock: str, terms: ReadingTerms) -> Moment:
    """As `moment`, of a date and a time in columns of their own."""
    found = _CLOCK.fullmatch(clock.strip())
    if found is None:
        raise ValueError(clock)
    return _instant(moment(day, terms).on, found, terms)


class Moments:
    """The moments of one file: as `moment`, with dates that repeat understood once.

    IB's default format (``20250131;153000``) has a way of its own: large files are full of it.
    """

    def __init__(self, terms: ReadingTerms) -> None:
        self._terms = terms
        self._dates: dict[str, Moment] = {}
        self._midnights: dict[str, tuple[date, datetime] | None] = {}
        self._clocks: dict[str, timedelta] = {}

    def __call__(self, text: str) -> Moment:
        if len(text) == _COMPACT and text[_COMPACT_DATE] == ";" and text.isascii():
            return self._compact(text) or moment(text, self._terms)
        found = self._dates.get(text)
        if found is None:
            found = moment(text, self._terms)
            if len(self._dates) >= _MOST_KEPT:
                self._dates.clear()
            self._dates[text] = found
        return found

    def _compact(self, text: str) -> Moment | None:
        day, clock = text[:_COMPACT_DATE], text[_COMPACT_DATE + 1 :]
        midnight = self._midnights.get(day, _UNSEEN)
        if midnight is _UNSEEN:
            midnight = self._midnights[day] = self._midnight(day)
        since = self._clocks.get(clock) or self._since_midnight(clock)
        return None if midnight is None or since is None else Moment(midnight[0], midnight[1] + since)

    def _since_midnight(self, clock: str) -> timedelta | None:
        if not clock.isdecimal():
            return None
        hour, minute, second = int(clock[:2]), int(clock[2:4]), int(clock[4:])
        if hour > _LAST_HOUR or minute > _LAST_MINUTE or second > _LAST_MINUTE:
            return None
        since = self._clocks[clock] = timedelta(0, hour * 3600 + minute * 60 + second)
        return since

    def _midnight(self, text: str) -> tuple[date, datetime] | None:
        """The first instant of a day; None of one on which the clocks are changed, and of what is no date."""
        try:
            day = moment(text, self._terms).on
        except ValueError:
            return None
        offset = _offset_of(day, self._terms.zone)
        return None if offset is None else (day, datetime.combine(day, time(), UTC) - offset)


def a_day(text: str, terms: ReadingTerms) -> date:
    """The date that `text` writes, whatever time stands beside it; raises ValueError where it writes none."""
    return moment(text, terms).on


def _day(found: re.Match[str], terms: ReadingTerms) -> date:
    if text := found["compact"] or found["iso"]:
        return date.fromisoformat(text)
    if text := found["slashed"]:
        first, second, year = text.split("/")
        day, month = (first, second) if terms.is_day_first else (second, first)
        return date(_year(year), int(month), int(day))
    if text := found["named"]:
        named_day, name, year = text.split("-")
        return date(_year(year), _month(name), int(named_day))
    name, long_day, year = found["long"].replace(",", "").split(" ")
    return date(int(year), _month(name), int(long_day))


def _year(text: str) -> int:
    return int(text) if len(text) == _FOUR_DIGITS else _CENTURY + int(text)


def _month(name: str) -> int:
    try:
        return _MONTHS[name[:3].lower()]
    except KeyError:
        raise ValueError(name) from None


def _instant(day: date, found: re.Match[str], terms: ReadingTerms) -> Moment:
    seconds = found["second"] or "0"
    clock = time(int(found["hour"]), int(found["minute"]), int(seconds), _microseconds(found["fraction"]))
    naive, name = datetime.combine(day, clock), found["zone"]
    if name is None:
        return _in_zone(naive, terms.zone)
    if (offset := _fixed(name)) is not None:
        return Moment(day, (naive - offset).replace(tzinfo=UTC))
    try:
        return _in_zone(naive, ZoneInfo(_PLACES.get(name, name)))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        known = _in_zone(naive, terms.zone)
        return Moment(day, known.at, f"the time zone {name} is not known; {terms.zone.key} was taken")


def _microseconds(fraction: str | None) -> int:
    return int(fraction[1:7].ljust(6, "0")) if fraction else 0


def _fixed(name: str) -> timedelta | None:
    if name[0] in "+-":
        digits = name[1:].replace(":", "")
        offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        return offset if name[0] == "+" else -offset
    hours = _OFFSETS.get(name.upper())
    return None if hours is None else timedelta(hours=hours)


def _in_zone(naive: datetime, zone: ZoneInfo) -> Moment:
    offset = _offset_of(naive.date(), zone)
    if offset is not None:
        return Moment(naive.date(), (naive - offset).replace(tzinfo=UTC))
    first = naive.replace(tzinfo=zone).astimezone(UTC)
    second = naive.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if first == second:
        return Moment(naive.date(), first)
    twice = first < second
    doubt = "occurs twice; the first was taken" if twice else "does not occur: the clocks were put forward"
    return Moment(naive.date(), first, f"{naive:%H:%M} in {zone.key} on {naive:%Y-%m-%d} {doubt}")


@lru_cache(maxsize=1 << 12)
def _offset_of(day: date, zone: ZoneInfo) -> timedelta | None:
    """The zone's offset on a day; None on a day on which it changes."""
    starts = datetime.combine(day, time(), zone)
    ends = datetime.combine(day, time(), zone) + _AFTER_A_DAY
    before = starts.utcoffset()
    return before if before == ends.utcoffset() else None
