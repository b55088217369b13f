"""The market feed: who listens to which symbol, and what each of them is told of a quote, a print or a minute."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeVar

from tickledger.bars.calendars import is_session, session_open
from tickledger.domain.bar import Print, Quote
from tickledger.exchange.venue_orders import Halt, SessionChange, VenueEvent
from tickledger.exchange.venue_path import MINUTE
from tickledger.exchange.venue_tape import MarketTape, trading_date
from tickledger.gateway import answers
from tickledger.gateway.listings import Listing
from tickledger.gateway.market_lines import (
    DELAYED_TYPES,
    SHORTABLE,
    SHORTABLE_SHARES,
    SHORTABLE_TICK,
    BarLine,
    DayStatistics,
    QuoteLine,
    TickLine,
)

if TYPE_CHECKING:
    from tickledger.gateway.floor import Floor
    from tickledger.gateway.session import Session

TOO_MANY_LINES: Final = 101
NOT_SUBSCRIBED: Final = 354
DELAYED_INSTEAD: Final = 10167
TOO_MANY_TICKS: Final = 10190
UNKNOWN_TICKER: Final = 300
DUPLICATE_TICKER: Final = 322
HALTED: Final = 49
_ALL_SHARES: Final = 10_000_000
_EASY: Final = 3.0
_INSTANT: Final = timedelta(microseconds=1)
_LOOK_BACK: Final = timedelta(days=20)

Line = QuoteLine | TickLine | BarLine
_Kind = TypeVar("_Kind", QuoteLine, TickLine, BarLine)


class MarketFeed:
    """Lines of all sessions by symbol."""

    def __init__(self, floor: "Floor") -> None:
        self._floor = floor
        self._lines: dict[str, list[Line]] = defaultdict(list)
        self._days: dict[str, DayStatistics] = {}

    # What clients ask.

    def subscribe(
        self, session: "Session", request_id: int, listing: Listing, *, generic: frozenset[str], is_snapshot: bool
    ) -> None:
        """Begin a stream, or tell one snapshot. Without a subscription: error 354, or delayed data where allowed."""
        if not self._may_begin(session, request_id, QuoteLine, self._floor.settings.market_lines, TOO_MANY_LINES):
            return
        is_delayed = session.market_data_type in DELAYED_TYPES
        if self._floor.faults.is_unsubscribed(listing.symbol):
            if not is_delayed:
                text = "Requested market data is not subscribed. Delayed market data is available."
                session.error(request_id, NOT_SUBSCRIBED, f"{text}{listing.symbol} NASDAQ.NMS/TOP/ALL")
                return
            text = "Requested market data is not subscribed. Displaying delayed market data."
            session.error(request_id, DELAYED_INSTEAD, text)
        else:
            is_delayed = False
        line = QuoteLine(session, request_id, listing, generic, is_delayed=is_delayed)
        self._begin(line)
        if is_snapshot:
            session.send(answers.snapshot_end(request_id))
        else:
            self._lines[listing.symbol].append(line)

    def _begin(self, line: QuoteLine) -> None:
        session, request_id, symbol = line.session, line.request_id, line.listing.symbol
        session.send(answers.tick_request_params(request_id))
        session.send(answers.market_data_type(request_id, session.market_data_type if line.is_delayed else 1))
        if self._floor.faults.is_silent(symbol):
            return
        day = self._day(symbol)
        quote, last = self._floor.venue.quote(symbol), self._floor.venue.last(symbol)
        frames = [*line.day_frames(day)]
        frames = [
            *(line.quote_frames(quote) if quote else ()),
            *(line.print_frames(last, day) if last else ()),
            *frames,
        ]
        for frame in frames:
            session.send(frame)
        if SHORTABLE_TICK in line.generic:
            session.send(answers.tick_generic(request_id, SHORTABLE, _EASY))
            session.send(answers.tick_size(request_id, SHORTABLE_SHARES, _ALL_SHARES))

    def subscribe_ticks(self, line: TickLine) -> None:
        """Begin a stream tick by tick; it begins with the quote that stands, where quotes were asked for."""
        session = line.session
        limit = self._floor.settings.tick_lines
        if not self._may_begin(session, line.request_id, TickLine, limit, TOO_MANY_TICKS):
            return
        self._lines[line.listing.symbol].append(line)
        quote = self._floor.venue.quote(line.listing.symbol)
        if quote is not None and not self._floor.faults.is_silent(line.listing.symbol):
            for frame in line.quote_frames(quote):
                session.send(frame)

    def subscribe_bars(self, line: BarLine) -> None:
        """Begin a stream of bars of five seconds."""
        if self._may_begin(line.session, line.request_id, BarLine, self._floor.settings.market_lines, TOO_MANY_LINES):
            self._lines[line.listing.symbol].append(line)

    def _may_begin(self, session: "Session", request_id: int, kind: type[_Kind], limit: int, code: int) -> bool:
        mine = [line for line in self._all() if line.session is session]
        if any(line.request_id == request_id for line in mine):
            session.error(request_id, DUPLICATE_TICKER, "Error processing request:-'bM' : cause - Duplicate ticker id")
            return False
        if sum(isinstance(line, kind) for line in mine) >= limit:
            what = "tickers" if code == TOO_MANY_LINES else "tick-by-tick requests"
            session.error(request_id, code, f"Max number of {what} has been reached")
            return False
        return True

    def unsubscribe(self, session: "Session", request_id: int, kind: type[_Kind]) -> None:
        """End a stream; error 300 where there is none."""
        for lines in self._lines.values():
            for line in lines:
                if isinstance(line, kind) and line.session is session and line.request_id == request_id:
                    lines.remove(line)
                    return
        session.error(request_id, UNKNOWN_TICKER, f"Can't find EId with tickerId:{request_id}")

    def forget(self, session: "Session") -> None:
        """End every stream of a session."""
        for lines in self._lines.values():
            lines[:] = [line for line in lines if line.session is not session]

    def end_all(self) -> None:
        """End every stream of all sessions, and tell nobody: what clients asked for is lost."""
        self._lines.clear()

    def kill(self, symbols: Iterable[str]) -> None:
        """Let the streams of `symbols` that there are now die; what is asked for later lives."""
        for symbol in symbols:
            for line in self._lines.get(symbol, ()):
                line.is_dead = True

    def _all(self) -> Iterable[Line]:
        return (line for lines in self._lines.values() for line in lines)

    @property
    def quote_lines(self) -> list[QuoteLine]:
        """Every stream of quotes."""
        return [line for line in self._all() if isinstance(line, QuoteLine)]

    # What the venue tells.

    def on_quote(self, quote: Quote) -> None:
        """A new best bid and offer."""
        if self._floor.faults.is_silent(quote.symbol):
            return
        for line in self._lines.get(quote.symbol, ()):
            if line.is_dead:
                continue
            if isinstance(line, BarLine):
                price = _side(quote, line.what)
                if price is not None:
                    line.take(quote.quoted_at, price, 0)
            else:
                for frame in line.quote_frames(quote):
                    line.session.send(frame)

    def on_print(self, one: Print) -> None:
        """A trade."""
        if not self._lines.get(one.symbol) and one.symbol not in self._days:
            return
        day = self._day(one.symbol, before=one.traded_at)
        day.take(one)
        if self._floor.faults.is_silent(one.symbol):
            return
        for line in self._lines.get(one.symbol, ()):
            if line.is_dead:
                continue
            match line:
                case QuoteLine():
                    frames = line.print_frames(one, day)
                case TickLine():
                    frames = line.print_frames(one, line.listing.primary_exchange)
                case BarLine():
                    if line.what == "TRADES":
                        line.take(one.traded_at, one.price, one.size)
                    continue
            for frame in frames:
                line.session.send(frame)

    def on_time(self) -> None:
        """The venue's time went on: tell the bars of five seconds that are over."""
        now = self._floor.venue.now
        for line in self._all():
            if isinstance(line, BarLine) and not line.is_dead:
                line.close_until(now)
                frames = list(line.frames())
                if not self._floor.faults.is_silent(line.listing.symbol):
                    for frame in frames:
                        line.session.send(frame)

    def on_other(self, event: VenueEvent) -> None:
        """A halt, or a session that opens: the day begins anew."""
        match event:
            case SessionChange(is_open=True):
                self._days.clear()
            case Halt():
                for line in self._lines.get(event.symbol, ()):
                    if isinstance(line, QuoteLine):
                        line.session.send(answers.tick_generic(line.request_id, HALTED, int(event.is_halted)))
            case _:
                pass

    def _day(self, symbol: str, *, before: datetime | None = None) -> DayStatistics:
        """The day of a symbol up to now, or to what came `before` a print that is being told."""
        day = self._days.get(symbol)
        if day is None:
            until = self._floor.venue.now if before is None else before - _INSTANT
            day = self._days[symbol] = self._day_until(symbol, until)
        return day

    def _day_until(self, symbol: str, until: datetime) -> DayStatistics:
        tape, today = self._floor.tape, trading_date(until)
        day = DayStatistics()
        earlier = tape.daily_bars(symbol, since=today - _LOOK_BACK, until=until)
        closes = [bar.close for bar in earlier if bar.starts_at.date() < today]
        day.previous_close = closes[-1] if closes else None
        if is_session(today):
            for one in _prints(tape, symbol, session_open(today), until):
                day.take(one)
        return day


def _prints(tape: MarketTape, symbol: str, since: datetime, until: datetime) -> Iterator[Print]:
    """What traded from `since` to `until`, both included: minutes that are over as their four prices."""
    for minute in tape.minutes_of(symbol, trading_date(since)):
        if minute.starts_at < since or minute.starts_at > until:
            continue
        if minute.starts_at + MINUTE > until:
            ticks = tape.ticks_of(symbol, minute)
            yield from (tick.trade for tick in ticks if tick.trade is not None and tick.at <= until)
            continue
        bar = minute.bar(symbol)
        yield from (Print(symbol, bar.starts_at, price, 0) for price in (bar.open, bar.high, bar.low))
        yield Print(symbol, bar.starts_at, bar.close, bar.volume)


def _side(quote: Quote, what: str) -> Decimal | None:
    match what:
        case "BID":
            return quote.bid
        case "ASK":
            return quote.ask
        case "MIDPOINT":
            return (quote.bid + quote.ask) / 2
        case _:
            return None
