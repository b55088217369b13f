"""Bars from prints as they come: seconds, minutes and five minutes of the trading day, each complete when published.

- Prints make the bars of the shortest interval; every longer bar is the sum of shorter ones. So a five-minute bar is
  exactly the aggregate of its minutes.
- A bar is complete when its period is over by the clock, the last of a day when the grace for the closing auction is
  over too. It is published once and never changed; a print that comes later is counted as late and left out.
- A period without a print makes no bar: there is no price that somebody paid. What needs a price for every minute
  takes the last bar there is.
- The opening print, stamped at the open, belongs to the first bar, and prints up to the grace after the close to the
  last. All others outside the hours are left out.
- A period of which prints were missed, because the builder was not there yet or the feed was gone, makes no bar: it
  would be a bar of something else. A bar from outside can tell it.

Nothing here asks a clock: time is what `advance` is told.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise, zip_longest
from math import inf
from typing import Final

from tickledger.bars.drafts import PRINTS, Draft, Period, draft_of, last_number, new_period, number_of_piece
from tickledger.bars.trading_hours import TradingHours, seconds_of
from tickledger.domain.bar import Bar, BarKey, Print
from tickledger.domain.market import BarsClosed

INTERVALS: Final = ("1sec", "1min", "5min")
#: How many refusing seconds are kept in mind, so that the same one is not looked up for every print in it.
_REMEMBERED: Final = 4096


@dataclass(frozen=True, slots=True)
class PrintCounts:
    """What became of the prints: in a bar, too late for one, outside the hours, or told by a bar from outside."""

    booked: int = 0
    late: int = 0
    outside_hours: int = 0
    told_already: int = 0


@dataclass(slots=True, eq=False)
class _Level:
    """One interval, and its periods that are not complete, by their number since the epoch."""

    interval: str
    width: int
    periods: dict[int, Period]


class BarBuilder:
    """Builds the bars of `intervals`, each of which divides the next.

    `since` is when the builder began to hear of every print; without it, it is taken to have heard of all.
    Raises ValueError where one interval does not divide the next.
    """

    def __init__(
        self,
        intervals: Sequence[str] = INTERVALS,
        *,
        since: datetime | None = None,
        hours: TradingHours | None = None,
    ) -> None:
        self._levels = [_Level(interval, seconds_of(interval), {}) for interval in intervals]
        for shorter, longer in pairwise(self._levels):
            if longer.width <= shorter.width or longer.width % shorter.width:
                raise ValueError(f"expected intervals each of which divides the next, found {', '.join(intervals)}")
        self._hours = hours or TradingHours()
        self._gaps: list[tuple[float, float]] = [] if since is None else [(-inf, since.timestamp())]
        self._width = self._levels[0].width
        self._by_number: dict[int, Period] = {}
        self._outside: set[int] = set()
        self._clock = -inf
        self._next_due = inf
        self._booked = self._late = self._outside_hours = self._told_already = 0

    @property
    def counts(self) -> PrintCounts:
        """What became of the prints so far."""
        return PrintCounts(self._booked, self._late, self._outside_hours, self._told_already)

    def book(self, trade: Print) -> bool:
        """Count a print in its bar; False where it belongs to none."""
        at = trade.traded_at.timestamp()
        number = int(at // self._width)
        period = self._by_number.get(number) or self._period_of_print(number)
        if period is None or not period.accepts_from <= at <= period.accepts_until:
            self._outside_hours += 1
            return False
        if period.completes <= self._clock:
            self._late += 1
            return False
        draft = period.drafts.get(trade.symbol)
        if draft is None:
            price = trade.price
            period.drafts[trade.symbol] = Draft(price, price, price, price, trade.size, at, at)
        elif draft.source == PRINTS:
            draft.add(trade.price, trade.size, at)
        else:
            self._told_already += 1
            return False
        self._booked += 1
        return True

    def book_bar(self, bar: Bar) -> bool:
        """Count a complete bar from outside, such as IB's of five seconds; False where it belongs to none.

        Its id says which period it tells. It stands instead of the prints of its period; where its interval is none
        of the builder's, it becomes a part of the next longer one: also where it lies in the grace after the close,
        because the auction is in it. A bar that was published is not changed by it.
        Raises ValueError where the bar is longer than every interval here or does not fit into one.
        """
        key = BarKey.parse(bar.bar_id)
        width, starts = seconds_of(key.interval), key.bar_at.timestamp()
        level = next((level for level in self._levels if level.width % width == 0), None)
        if level is None or starts % width:
            raise ValueError(f"expected a bar that fits into {self._levels[-1].interval}, found {bar.bar_id}")
        number = int(starts // level.width)
        if width < level.width:
            number = number_of_piece(starts, width, level.width, self._hours)
        period = self._period(level, number)
        if period is None or (period.completes <= self._clock and self._is_whole(period)):
            return False
        self._keep(level, period)
        piece = draft_of(bar, starts=starts, width=width)
        if level.width == width:
            period.drafts[bar.symbol] = piece
        else:
            period.fold(bar.symbol, piece, source=width)
        return True

    def warm(self, bars: Iterable[Bar], *, until: datetime) -> list[BarsClosed]:
        """The history up to `until`, as `advance` gives it: these bars, and the longer ones that they make.

        They are taken to be all there were of their interval up to then, so that a period which was missed is told
        by them or had no print. A longer period that was over before is told only by a bar of its own interval.
        """
        for bar in bars:
            self.book_bar(bar)
        told = until.timestamp()
        self._gaps = [(max(start, told), end) for start, end in self._gaps if end > told]
        return self.advance(until)

    def missed(self, start: datetime, end: datetime) -> None:
        """Prints were missed from `start` to `end`: the bars of periods that this touches are not published."""
        self._gaps.append((start.timestamp(), end.timestamp()))

    def advance(self, now: datetime) -> list[BarsClosed]:
        """The bars that are complete by `now`, in order of their end, the shorter interval first, then by symbol.

        A clock that goes back completes nothing twice.
        """
        before, self._clock = self._clock, max(self._clock, now.timestamp())
        if self._clock < self._next_due:
            return []
        over: list[Period] = []
        for level, longer in zip_longest(self._levels, self._levels[1:]):
            completed = self._completed(level)
            over += completed
            if longer is not None:
                self._fold(completed, level.width, longer, before)
        self._by_number = {n: period for n, period in self._by_number.items() if period.completes > self._clock}
        self._next_due = min((p.completes for level in self._levels for p in level.periods.values()), default=inf)
        over.sort(key=lambda period: (period.ends_at, period.ends_at - period.starts_at))
        return [_closed(period) for period in over if period.drafts]

    def _completed(self, level: _Level) -> list[Period]:
        """The periods of a level that are over, taken out of it; what prints alone told of a gap is dropped."""
        over = {number: period for number, period in level.periods.items() if period.completes <= self._clock}
        for number, period in over.items():
            del level.periods[number]
            if not self._is_whole(period):
                period.drafts = {symbol: draft for symbol, draft in period.drafts.items() if draft.told is not None}
        return [over[number] for number in sorted(over)]

    def _fold(self, completed: Iterable[Period], width: int, longer: _Level, before: float) -> None:
        """Count complete bars in those of the next interval, as far as these were not over `before` already."""
        for period in completed:
            parent = self._period(longer, int(period.starts_at.timestamp() // longer.width))
            if parent is None or parent.completes <= before:
                continue
            self._keep(longer, parent)
            for symbol, draft in period.drafts.items():
                parent.fold(symbol, draft, source=width)

    def _is_whole(self, period: Period) -> bool:
        starts, completes = period.starts_at.timestamp(), period.completes
        return not any(start < completes and starts < end for start, end in self._gaps)

    def _keep(self, level: _Level, period: Period) -> None:
        number = int(period.starts_at.timestamp() // level.width)
        level.periods[number] = period
        if level is self._levels[0]:
            self._by_number[number] = period
        self._next_due = min(self._next_due, period.completes)

    def _period(self, level: _Level, number: int) -> Period | None:
        """The period that is open, or a new one that nobody keeps yet; None outside the hours."""
        return level.periods.get(number) or new_period(level.interval, level.width, number, self._hours)

    def _period_of_print(self, number: int) -> Period | None:
        """The period for prints of the `number`-th stretch of the shortest interval, kept unless it is over."""
        if number in self._outside:
            return None
        shortest = self._levels[0]
        last = last_number(number, self._width, self._hours)
        period = None if last is None else self._period(shortest, min(number, last))
        if period is None:
            if len(self._outside) >= _REMEMBERED:
                self._outside.clear()
            self._outside.add(number)
        elif period.completes > self._clock:
            self._keep(shortest, period)
            self._by_number[number] = period
        return period


def _closed(period: Period) -> BarsClosed:
    return BarsClosed(period.day.session_date, period.ends_at, period.interval, period.bars())
