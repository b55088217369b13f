"""The market as it was: minutes, quotes and prints of each symbol, made from bars when somebody asks for them.

A tape holds the frames it was given and builds the minutes of a symbol's day only when that day is reached; the same
frames and the same seed give the same day, whenever and in whatever order it is asked for. Prices are raw.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from tickledger.bars.calendars import is_session, session_close, session_open, sessions
from tickledger.domain.bar import Print, Quote
from tickledger.domain.corporate_action import CorporateAction, in_order
from tickledger.exchange.price_rules import is_triggered
from tickledger.exchange.venue_orders import MinuteBar
from tickledger.exchange.venue_path import (
    MINUTE,
    Span,
    TapeMinute,
    TapeStyle,
    Tick,
    bar_of,
    minutes_of_day,
    price_of,
    ticks_of_minute,
    units_of,
)

#: Extended hours: from 4:00 in New York to the open, and four hours after the close, early or not.
EARLY_HOURS: Final = timedelta(hours=5, minutes=30)
LATE_HOURS: Final = timedelta(hours=4)
#: In UTC, a trading date's extended hours lie between 5:00 of that day and of the next.
_NIGHT: Final = timedelta(hours=5)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_IN_MICROSECONDS: Final = 86_400_000_000
_HOUR_IN_MICROSECONDS: Final = 3_600_000_000
_DAYS_KEPT: Final = 512
#: A day with so many shares has some in its last minute, however they are spread.
_TRADES_TO_THE_END: Final = 10_000
_DAYS_AHEAD: Final = 20
_PRICES: Final = ["open", "high", "low", "close"]


@dataclass(frozen=True, slots=True)
class _Table:
    """The rows of one symbol in order of time: microseconds since 1970, then columns as the frame had them."""

    stamps: npt.NDArray[np.int64]
    columns: npt.NDArray[np.float64]
    last: npt.NDArray[np.int64]

    def between(self, start: datetime, end: datetime) -> slice:
        """The rows from `start` on and before `end`."""
        low, high = np.searchsorted(self.stamps, [_microseconds(start), _microseconds(end)])
        return slice(int(low), int(high))


class MarketTape:
    """Daily or minute bars, quotes where they were recorded, and corporate actions.

    `symbols` are those with bars, `corporate_actions` all that were given, in the order in which they take effect.
    """

    def __init__(
        self,
        *,
        daily: Mapping[str, _Table],
        minutes: Mapping[str, _Table],
        quotes: Mapping[str, _Table],
        corporate_actions: Iterable[CorporateAction],
        seed: int,
        style: TapeStyle,
    ) -> None:
        self._daily = daily
        self._minutes = minutes
        self._quotes = quotes
        self._seed = seed
        self._style = style
        self.symbols: tuple[str, ...] = tuple(sorted({*daily, *minutes}))
        self.corporate_actions: tuple[CorporateAction, ...] = tuple(in_order(corporate_actions))
        self.minutes_of = lru_cache(maxsize=_DAYS_KEPT)(self._minutes_of)

    @classmethod
    def from_bars(
        cls,
        bars: pd.DataFrame,
        quotes: pd.DataFrame | None = None,
        corporate_actions: Iterable[CorporateAction] = (),
        seed: int = 0,
        style: TapeStyle | None = None,
    ) -> "MarketTape":
        """The tape of raw `bars` (symbol, timestamp, open, high, low, close, volume).

        A stamp is the start of a minute, in UTC; one at 00:00Z is a daily bar of that session date (see `daily_rows`).
        Minutes beat the daily bar of their day. `quotes` (symbol, timestamp, bid, ask, bid_size, ask_size) take the
        place of made-up ones on the days they cover. Bars without minutes get them by `seed`.
        """
        stamps = _stamps(bars)
        is_daily = daily_rows(bars["symbol"], stamps)
        return cls(
            daily=_tables(bars[is_daily], stamps[is_daily], _PRICES, ["volume"]),
            minutes=_tables(bars[~is_daily], stamps[~is_daily], _PRICES, ["volume"]),
            quotes={} if quotes is None else _tables(quotes, _stamps(quotes), ["bid", "ask"], ["bid_size", "ask_size"]),
            corporate_actions=corporate_actions,
            seed=seed,
            style=style or TapeStyle(),
        )

    @property
    def first_day(self) -> date | None:
        """The first day with a bar, None on an empty tape."""
        return min((day for symbol in self.symbols for day in self._days(symbol)), default=None)

    def last_day(self, symbol: str) -> date | None:
        """The last day with a bar of `symbol`, None where there is none."""
        return max(self._days(symbol), default=None)

    def _days(self, symbol: str) -> Iterator[date]:
        """The first and the last day with bars of a symbol; its minutes belong to their date in New York."""
        for tables, day_of in ((self._daily, datetime.date), (self._minutes, trading_date)):
            if symbol in tables:
                yield from (day_of(_instant(int(stamp))) for stamp in tables[symbol].stamps[[0, -1]])

    def _minutes_of(self, symbol: str, day: date) -> tuple[TapeMinute, ...]:
        """The minutes of `symbol` on `day` in order, extended hours included; none where it did not trade."""
        if not is_session(day):
            return ()
        opens_at, closes_at = session_open(day), session_close(day)
        recorded = self._recorded_minutes(symbol, opens_at, closes_at)
        if recorded:
            return recorded
        span = self._daily_span(symbol, day)
        if span is None:
            return ()
        return tuple(minutes_of_day(span, opens_at, closes_at, seed=f"{self._seed} {symbol} {day}"))

    def _recorded_minutes(self, symbol: str, opens_at: datetime, closes_at: datetime) -> tuple[TapeMinute, ...]:
        table = self._minutes.get(symbol)
        if table is None:
            return ()
        rows = table.between(opens_at - EARLY_HOURS, closes_at + LATE_HOURS)
        return tuple(
            TapeMinute(at, _span(prices, volume), opens_at <= at < closes_at)
            for at, prices, volume in _rows(table, rows)
        )

    def _daily_span(self, symbol: str, day: date) -> Span | None:
        table = self._daily.get(symbol)
        if table is None:
            return None
        midnight = _midnight(day)
        rows = list(_rows(table, table.between(midnight, midnight + MINUTE)))
        return _span(rows[0][1], rows[0][2]) if rows else None

    def ticks_of(self, symbol: str, minute: TapeMinute) -> list[Tick]:
        """The quotes and prints of one of the symbol's minutes, in order."""
        seed = f"{self._seed} {symbol} {minute.starts_at:%Y%m%d%H%M}"
        ticks = ticks_of_minute(symbol, minute, style=self._style, seed=seed)
        recorded = self._recorded_quotes(symbol, minute)
        return ticks if recorded is None else _with_quotes(ticks, recorded, minute)

    def _recorded_quotes(self, symbol: str, minute: TapeMinute) -> list[Quote] | None:
        """The quotes of a minute as they were recorded; None on a day without any."""
        table = self._quotes.get(symbol)
        if table is None:
            return None
        start = minute.starts_at
        day = _midnight(trading_date(start)) + _NIGHT
        around = table.between(day, day + timedelta(days=1))
        if around.start == around.stop:
            return None
        found = _rows(table, table.between(start, start + MINUTE))
        return [
            Quote(symbol, at, price_of(units_of(bid)), price_of(units_of(ask)), *sizes)
            for at, (bid, ask), sizes in found
        ]

    def ticks_after(self, symbol: str, after: datetime) -> Iterator[Tick | TapeMinute]:
        """All that happens to `symbol` after an instant: each minute's ticks, then the minute itself, at its end."""
        last = self.last_day(symbol)
        for day in sessions(trading_date(after), last) if last else []:
            if self._is_over(symbol, day, after):
                continue
            for minute in self.minutes_of(symbol, day):
                if minute.starts_at + MINUTE <= after:
                    continue
                for tick in self.ticks_of(symbol, minute):
                    if tick.at > after:
                        yield tick
                yield minute

    def _is_over(self, symbol: str, day: date, at: datetime) -> bool:
        """Whether nothing of a session comes after an instant, as far as that can be told without its minutes."""
        closes_at = session_close(day)
        return at >= (closes_at if symbol not in self._minutes else closes_at + LATE_HOURS)

    def may_have_traded(self, symbol: str, since: datetime, until: datetime) -> bool:
        """Whether the symbol may have traded between two instants of one session; False only where it has not."""
        day = trading_date(until)
        if symbol in self._minutes or not is_session(day):
            return True
        return session_open(day) <= until and since < session_close(day)

    def next_touched(self, symbol: str, after: datetime, touches: Callable[[Span], bool]) -> datetime | None:
        """When the first minute begins that ends after an instant and has a price that `touches`.

        Or an earlier instant from which on to look for it; None where none comes. Recorded quotes may touch any time.
        """
        if symbol in self._quotes:
            return after
        last = self.last_day(symbol)
        days = sessions(trading_date(after), last) if last else []
        for day in days[:_DAYS_AHEAD]:
            if self._is_over(symbol, day, after):
                continue
            span = None if symbol in self._minutes else self._daily_span(symbol, day)
            if symbol not in self._minutes and (span is None or not touches(span)):
                continue
            for minute in self.minutes_of(symbol, day):
                if minute.starts_at + MINUTE > after and touches(minute.span):
                    return minute.starts_at
        return session_open(days[_DAYS_AHEAD]) - EARLY_HOURS if len(days) > _DAYS_AHEAD else None

    def closing_print(self, symbol: str, at: datetime) -> Print | None:
        """The last print up to an instant, where that is a daily bar's close; its time and size are not the print's.

        None where the symbol has minutes, while a session of it is on, and for a bar so thin that its last minute may
        be without a trade.
        """
        table = self._daily.get(symbol)
        if table is None or symbol in self._minutes:
            return None
        day, midnight = trading_date(at), _midnight(trading_date(at))
        if is_session(day) and session_open(day) <= at < session_close(day):
            return None
        is_over = is_session(day) and at >= session_close(day)
        row = table.between(_EPOCH, midnight + MINUTE if is_over else midnight).stop - 1
        if row < 0 or table.last[row] < _TRADES_TO_THE_END:
            return None
        closed_on = _instant(int(table.stamps[row])).date()
        if not is_session(closed_on):
            return None
        return Print(symbol, session_close(closed_on), price_of(units_of(table.columns[row, -1])), 1)

    def has_touched(self, symbol: str, price: Decimal, *, is_rise: bool, since: datetime, until: datetime) -> bool:
        """Whether the last price of regular trading reached `price` after `since`, or stood beyond it at the time.

        `is_rise` asks for prices at it or above, otherwise at it or below.
        """
        sign = 1 if is_rise else -1
        for day in sessions(trading_date(since), trading_date(until)):
            opens_at = session_open(day)
            if opens_at <= since < session_close(day):
                _, stood = self.latest(symbol, since)
                if stood is not None and stood.traded_at >= opens_at and is_triggered(sign, price, stood.price):
                    return True
            regular = [minute for minute in self.minutes_of(symbol, day) if minute.is_regular]
            first = regular[0] if regular else None
            if first and since < first.starts_at <= until and is_triggered(sign, price, price_of(first.span.open)):
                return True
            for minute in regular:
                if is_triggered(sign, price, price_of(minute.span.high if is_rise else minute.span.low)):
                    trades = [tick.trade for tick in self.ticks_of(symbol, minute) if since < tick.at <= until]
                    if any(trade is not None and is_triggered(sign, price, trade.price) for trade in trades):
                        return True
        return False

    def latest(self, symbol: str, at: datetime) -> tuple[Tick | None, Print | None]:
        """The last tick with a quote up to an instant, and the last print; None before the first of them."""
        quote, trade = None, None
        for minute in self._minutes_back(symbol, at):
            for tick in reversed(self.ticks_of(symbol, minute)):
                if tick.at > at:
                    continue
                quote = tick if quote is None and tick.quote is not None else quote
                trade = trade or tick.trade
                if quote is not None and trade is not None:
                    return quote, trade
        return quote, trade

    def _minutes_back(self, symbol: str, at: datetime) -> Iterator[TapeMinute]:
        """The minutes of `symbol` that had begun at `at`, the latest first, of the last weeks."""
        day = trading_date(at)
        for earlier in reversed(sessions(day - timedelta(days=30), day)):
            yield from (minute for minute in reversed(self.minutes_of(symbol, earlier)) if minute.starts_at <= at)

    def minute_bars(self, symbol: str, *, since: datetime, until: datetime) -> Sequence[MinuteBar]:
        """The minutes that began at `since` or later and were over at `until`."""
        return [
            minute.bar(symbol)
            for day in sessions(trading_date(since), trading_date(until))
            for minute in self.minutes_of(symbol, day)
            if minute.starts_at >= since and minute.starts_at + MINUTE <= until
        ]

    def daily_bars(self, symbol: str, *, since: date, until: datetime) -> Sequence[MinuteBar]:
        """The sessions from `since` on whose close was at `until` or before, each stamped at 00:00Z of its date."""
        days = [day for day in sessions(since, trading_date(until)) if session_close(day) <= until]
        spans = ((day, self._span_of(symbol, day)) for day in days)
        return [bar_of(symbol, _midnight(day), span) for day, span in spans if span is not None]

    def _span_of(self, symbol: str, day: date) -> Span | None:
        daily = self._daily_span(symbol, day)
        if daily is not None:
            return daily
        spans = [minute.span for minute in self.minutes_of(symbol, day) if minute.is_regular]
        if not spans:
            return None
        return Span(
            spans[0].open,
            max(span.high for span in spans),
            min(span.low for span in spans),
            spans[-1].close,
            sum(span.volume for span in spans),
        )


def daily_rows(symbols: pd.Series, stamps: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which rows are daily bars: those at 00:00Z, save for a symbol with late minutes.

    In winter a minute may begin at 00:00Z, 19:00 in New York. A symbol's rows there are minutes where each of them has
    another minute within an hour; daily bars have none on Sundays.
    """
    at_midnight = stamps % _DAY_IN_MICROSECONDS == 0
    is_daily: npt.NDArray[np.bool_] = at_midnight.copy()
    names = symbols.to_numpy()
    for name in {*names[at_midnight]} & {*names[~at_midnight]}:
        is_own = names == name
        minutes = np.sort(stamps[is_own & ~at_midnight])
        nights = stamps[is_own & at_midnight]
        bounds = np.searchsorted(minutes, [nights - _HOUR_IN_MICROSECONDS, nights + _HOUR_IN_MICROSECONDS])
        if np.all(bounds[1] > bounds[0]):
            is_daily[is_own] = False
    return is_daily


def _with_quotes(ticks: Sequence[Tick], quotes: Sequence[Quote], minute: TapeMinute) -> list[Tick]:
    """Prints as they were made up, quotes as they were recorded; at the same instant the quote comes first."""
    told = [Tick(quote.quoted_at, quote, None, minute, opens_minute=False) for quote in quotes]
    told += [tick._replace(quote=None, opens_minute=False) for tick in ticks if tick.trade is not None]
    told.sort(key=lambda tick: (tick.at, tick.quote is None))
    return [tick._replace(opens_minute=place == 0) for place, tick in enumerate(told)]


def _tables(
    frame: pd.DataFrame, stamps: npt.NDArray[np.int64], prices: list[str], sizes: list[str]
) -> dict[str, _Table]:
    """The rows by symbol, each in order of time."""
    codes, symbols = pd.factorize(frame["symbol"])
    order = np.lexsort((stamps, codes))
    bounds = np.searchsorted(codes[order], np.arange(len(symbols) + 1))
    columns = frame[prices].to_numpy(dtype=np.float64)[order]
    whole = frame[sizes].to_numpy(dtype=np.int64)[order]
    stamps = stamps[order]
    return {
        str(symbol): _Table(stamps[low:high], columns[low:high], whole[low:high])
        for symbol, (low, high) in zip(symbols, pairwise(bounds.tolist()), strict=True)
    }


def _rows(table: _Table, rows: slice) -> Iterator[tuple[datetime, list[float], list[int]]]:
    stamps, columns, sizes = table.stamps[rows].tolist(), table.columns[rows].tolist(), table.last[rows].tolist()
    for stamp, prices, whole in zip(stamps, columns, sizes, strict=True):
        yield _instant(stamp), prices, whole


def _span(prices: Sequence[float], volume: Sequence[int]) -> Span:
    open_, high, low, close = map(units_of, prices)
    return Span(open_, high, low, close, volume[0])


def _stamps(frame: pd.DataFrame) -> npt.NDArray[np.int64]:
    stamps: npt.NDArray[np.int64] = pd.DatetimeIndex(frame["timestamp"]).as_unit("us").asi8
    return stamps


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _instant(stamp: int) -> datetime:
    return _EPOCH + timedelta(microseconds=stamp)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def trading_date(at: datetime) -> date:
    """The New York date of an instant in extended hours, which end at 01:00 of the next day in UTC at the latest."""
    return (at.astimezone(UTC) - _NIGHT).date()
