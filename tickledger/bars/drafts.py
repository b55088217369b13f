"""Bars while they are being made: what is known of one symbol's period so far, and of all symbols' together."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from tickledger.bars.trading_hours import TradingDay, TradingHours
from tickledger.domain.bar import Bar, BarKey

_MICROSECOND: Final = 1e-6
#: The source of a draft that is made of prints.
PRINTS: Final = 0


@dataclass(slots=True)
class Draft:
    """One symbol's bar so far: USD per share, shares, and the epoch seconds of what told its open and its close.

    `source` is the width in seconds of what it is made of. `told` is the bar itself where it came complete.
    """

    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int
    opened: float
    closed: float
    source: int = PRINTS
    told: Bar | None = None

    def add(self, price: Decimal, size: int, at: float) -> None:
        """Count a print. Of prints of one instant the first that came is the open, the last the close."""
        if price > self.high:
            self.high = price
        elif price < self.low:
            self.low = price
        if at >= self.closed:
            self.close, self.closed = price, at
        elif at < self.opened:
            self.open, self.opened = price, at
        self.volume += size

    def extend(self, piece: "Draft") -> None:
        """Count a shorter bar of the same period."""
        self.high, self.low = max(self.high, piece.high), min(self.low, piece.low)
        if piece.opened < self.opened:
            self.open, self.opened = piece.open, piece.opened
        if piece.closed >= self.closed:
            self.close, self.closed = piece.close, piece.closed
        self.volume += piece.volume


@dataclass(slots=True, eq=False)
class Period:
    """One period of one interval, and the drafts in it by symbol.

    `accepts_from` and `accepts_until` are the epoch seconds of the prints that belong to it, both included; it is
    complete at `completes`.
    """

    interval: str
    starts_at: datetime
    ends_at: datetime
    day: TradingDay
    accepts_from: float
    accepts_until: float
    completes: float
    drafts: dict[str, Draft] = field(default_factory=dict)

    def fold(self, symbol: str, piece: Draft, *, source: int) -> None:
        """Count a shorter bar. Of two tellings of one period the one in longer pieces stands: it came complete."""
        held = self.drafts.get(symbol)
        if held is None or source > held.source:
            self.drafts[symbol] = replace(piece, source=source, told=None)
        elif source == held.source:
            held.extend(piece)

    def bars(self) -> tuple[Bar, ...]:
        """The bars by symbol."""
        return tuple(self._bar(symbol, self.drafts[symbol]) for symbol in sorted(self.drafts))

    def _bar(self, symbol: str, draft: Draft) -> Bar:
        if draft.told is not None:
            return draft.told
        bar_id = str(BarKey(symbol, self.interval, self.starts_at))
        return Bar(bar_id, symbol, self.day.session_date, draft.open, draft.high, draft.low, draft.close, draft.volume)


def draft_of(bar: Bar, *, starts: float, width: int) -> Draft:
    """A complete bar of `width` seconds as a draft; it tells everything from its start to its last microsecond."""
    closed = starts + width - _MICROSECOND
    return Draft(bar.open, bar.high, bar.low, bar.close, bar.volume, starts, closed, source=width, told=bar)


def new_period(interval: str, width: int, number: int, hours: TradingHours) -> Period | None:
    """The `number`-th stretch of `width` seconds since the epoch as a period without drafts.

    None where no instant of it lies within the hours. A period that the close cuts short ends there.
    """
    starts = number * width
    starts_at = datetime.fromtimestamp(starts, UTC)
    day = hours.day_of(starts_at)
    if day is None:
        return None
    opens, closes, accepts_until = (at.timestamp() for at in (day.opens_at, day.closes_at, day.accepts_until))
    if starts >= closes or starts + width <= opens:
        return None
    is_last = starts + width >= closes
    return Period(
        interval=interval,
        starts_at=starts_at,
        ends_at=day.closes_at if is_last else datetime.fromtimestamp(starts + width, UTC),
        day=day,
        accepts_from=opens,
        accepts_until=accepts_until,
        completes=accepts_until if is_last else starts + width,
    )


def last_number(number: int, width: int, hours: TradingHours) -> int | None:
    """Of the day that the `number`-th stretch lies on, the number of the last one; None where that is no session."""
    day = hours.day_of(datetime.fromtimestamp(number * width, UTC))
    return None if day is None else -int(-day.closes_at.timestamp() // width) - 1


def number_of_piece(starts: float, width: int, longer: int, hours: TradingHours) -> int:
    """The number of the stretch of `longer` seconds that a bar of `width` seconds is a piece of.

    One that lies in the grace after the close is a piece of the last.
    """
    number = int(starts // longer)
    day = hours.day_of(datetime.fromtimestamp(starts, UTC))
    if day is None or starts < day.closes_at.timestamp() or starts + width > day.accepts_until.timestamp():
        return number
    last = last_number(number, longer, hours)
    return number if last is None else min(number, last)
