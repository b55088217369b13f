"""Streams of market data, one for each request: what a client asked for, and how a quote or a print is told to it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from tickledger.domain.bar import Print, Quote
from tickledger.exchange.venue_orders import MinuteBar
from tickledger.gateway import answers
from tickledger.gateway.answers import HistoryBar
from tickledger.gateway.listings import Listing

if TYPE_CHECKING:
    from tickledger.gateway.session import Session

BID, ASK, LAST, HIGH, LOW, CLOSE, OPEN = 1, 2, 4, 6, 7, 9, 14
BID_SIZE, ASK_SIZE, LAST_SIZE, VOLUME = 0, 3, 5, 8
LAST_TIMESTAMP: Final = 45
RT_VOLUME: Final = 48
MARK_PRICE: Final = 37
SHORTABLE: Final = 46
SHORTABLE_SHARES: Final = 89
RT_VOLUME_TICK: Final = "233"
MARK_PRICE_TICK: Final = "221"
SHORTABLE_TICK: Final = "236"
_UNKNOWN: Final = -1
FIVE_SECONDS: Final = timedelta(seconds=5)

#: Kinds of ticks as they are called where the data is delayed.
_DELAYED: Final = {
    BID: 66,
    ASK: 67,
    LAST: 68,
    BID_SIZE: 69,
    ASK_SIZE: 70,
    LAST_SIZE: 71,
    HIGH: 72,
    LOW: 73,
    VOLUME: 74,
    CLOSE: 75,
    OPEN: 76,
    LAST_TIMESTAMP: 88,
}
DELAYED_TYPES: Final = frozenset((3, 4))


@dataclass(slots=True)
class DayStatistics:
    """The trading of a symbol on a day so far, and the close before it; it `has_begun` before the latest print."""

    previous_close: Decimal | None = None
    open: Decimal | None = None
    high: Decimal | None = None
    low: Decimal | None = None
    volume: int = 0
    turnover: Decimal = Decimal(0)
    has_begun: bool = False

    def take(self, one: Print) -> None:
        """Count a print."""
        self.has_begun = self.open is not None
        self.open = one.price if self.open is None else self.open
        self.high = one.price if self.high is None else max(self.high, one.price)
        self.low = one.price if self.low is None else min(self.low, one.price)
        self.volume += one.size
        self.turnover += one.price * one.size

    @property
    def average(self) -> Decimal:
        """The volume-weighted average price, 0 without a trade."""
        return round(self.turnover / self.volume, 4) if self.volume else Decimal(0)


@dataclass(slots=True)
class QuoteLine:
    """A subscription of reqMktData. It remembers the last quote so that only what changed is told."""

    session: "Session"
    request_id: int
    listing: Listing
    generic: frozenset[str]
    is_delayed: bool = False
    is_dead: bool = False
    last: Quote | None = None

    def kind(self, live: int) -> int:
        """What a kind of tick is called on this line."""
        return _DELAYED.get(live, live) if self.is_delayed else live

    def quote_frames(self, quote: Quote) -> Iterator[bytes]:
        """What changed from the last quote: a price with its size, or a size alone."""
        old, self.last = self.last, quote
        if old is None or quote.bid != old.bid:
            yield answers.tick_price(self.request_id, self.kind(BID), quote.bid, quote.bid_size, mask=1)
        if old is None or quote.bid_size != old.bid_size:
            yield answers.tick_size(self.request_id, self.kind(BID_SIZE), quote.bid_size)
        if old is None or quote.ask != old.ask:
            yield answers.tick_price(self.request_id, self.kind(ASK), quote.ask, quote.ask_size, mask=1)
        if old is None or quote.ask_size != old.ask_size:
            yield answers.tick_size(self.request_id, self.kind(ASK_SIZE), quote.ask_size)

    def print_frames(self, one: Print, day: DayStatistics) -> Iterator[bytes]:
        """The last price, its size and time, the day's volume, and what else was asked for."""
        yield answers.tick_price(self.request_id, self.kind(LAST), one.price, one.size)
        yield answers.tick_size(self.request_id, self.kind(LAST_SIZE), one.size)
        at = str(int(one.traded_at.timestamp()))
        yield answers.tick_string(self.request_id, self.kind(LAST_TIMESTAMP), at)
        yield answers.tick_size(self.request_id, self.kind(VOLUME), day.volume)
        if day.open is not None and not day.has_begun:
            for kind, price in ((OPEN, one.price), (CLOSE, day.previous_close)):
                if price is not None:
                    yield answers.tick_price(self.request_id, self.kind(kind), price, 0)
        if day.high == one.price:
            yield answers.tick_price(self.request_id, self.kind(HIGH), one.price, 0)
        if day.low == one.price:
            yield answers.tick_price(self.request_id, self.kind(LOW), one.price, 0)
        if RT_VOLUME_TICK in self.generic:
            stamp = int(one.traded_at.timestamp() * 1000)
            text = f"{one.price};{one.size};{stamp};{day.volume};{day.average};true"
            yield answers.tick_string(self.request_id, RT_VOLUME, text)
        if MARK_PRICE_TICK in self.generic:
            yield answers.tick_price(self.request_id, MARK_PRICE, one.price, 0)

    def day_frames(self, day: DayStatistics) -> Iterator[bytes]:
        """The day as it stands when the line begins."""
        for kind, price in ((CLOSE, day.previous_close), (OPEN, day.open), (HIGH, day.high), (LOW, day.low)):
            if price is not None:
                yield answers.tick_price(self.request_id, self.kind(kind), price, 0)
        if day.volume:
            yield answers.tick_size(self.request_id, self.kind(VOLUME), day.volume)


@dataclass(slots=True)
class TickLine:
    """A subscription tick by tick: 1 Last, 2 AllLast, 3 BidAsk or 4 MidPoint."""

    session: "Session"
    request_id: int
    listing: Listing
    kind: int
    ignores_size: bool = False
    is_dead: bool = False
    last: Quote | None = None

    def quote_frames(self, quote: Quote) -> Iterator[bytes]:
        """The quote or its middle, where that is what was asked for and it has changed."""
        old, self.last = self.last, quote
        if self.kind == 3:  # noqa: PLR2004  the protocol's number of BidAsk
            is_same_price = old is not None and (quote.bid, quote.ask) == (old.bid, old.ask)
            if not (is_same_price and self.ignores_size):
                yield answers.tick_by_tick_quote(self.request_id, quote)
        elif self.kind == 4 and (old is None or quote.bid + quote.ask != old.bid + old.ask):  # noqa: PLR2004  MidPoint
            yield answers.tick_by_tick_midpoint(self.request_id, quote)

    def print_frames(self, one: Print, exchange: str) -> Iterator[bytes]:
        """The trade, where trades were asked for."""
        if self.kind in {1, 2}:
            yield answers.tick_by_tick_trade(self.request_id, self.kind, one, exchange)


@dataclass(slots=True)
class RunningBar:
    """A bar as it grows; without a trade it stands at the price before it, with no volume."""

    starts_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int = 0
    turnover: Decimal = Decimal(0)
    count: int = 0

    @classmethod
    def at(cls, starts_at: datetime, price: Decimal) -> "RunningBar":
        """A bar in which nothing has happened yet."""
        return cls(starts_at, price, price, price, price)

    def take(self, price: Decimal, size: int) -> None:
        """Count a price; the first one is the open."""
        if self.count == 0:
            self.open = self.high = self.low = price
        self.high, self.low, self.close = max(self.high, price), min(self.low, price), price
        self.volume += size
        self.turnover += price * size
        self.count += 1 if self.count >= 0 else 0

    @classmethod
    def of(cls, starts_at: datetime, bar: MinuteBar) -> "RunningBar":
        """A bar that begins with another one; how many trades it had is not known."""
        running = cls.at(starts_at, bar.open)
        running.merge(bar)
        running.count = _UNKNOWN
        return running

    def merge(self, bar: MinuteBar) -> None:
        """Count a whole bar; its average is taken to be the middle of its four prices."""
        self.high, self.low, self.close = max(self.high, bar.high), min(self.low, bar.low), bar.close
        self.volume += bar.volume
        self.turnover += bar.volume * (bar.open + bar.high + bar.low + bar.close) / 4

    def told(self, label: str) -> HistoryBar:
        """The bar as clients are told of it."""
        average = round(self.turnover / self.volume, 4) if self.volume else self.close
        prices = (self.open, self.high, self.low, self.close)
        return HistoryBar(label, *prices, volume=self.volume, average=average, count=self.count)


@dataclass(slots=True)
class BarLine:
    """A subscription of bars of five seconds, of trades or of one side of the quotes."""

    session: "Session"
    request_id: int
    listing: Listing
    what: str
    bar: RunningBar | None = None
    is_dead: bool = False
    _finished: list[RunningBar] = field(default_factory=list)

    def take(self, at: datetime, price: Decimal, size: int) -> None:
        """Count a price in the bar of its time."""
        self.close_until(at)
        if self.bar is None:
            self.bar = RunningBar.at(_floor_of(at), price)
        self.bar.take(price, size)

    def close_until(self, now: datetime) -> None:
        """Finish every bar that is over at `now`, those in which nothing happened too."""
        while self.bar is not None and self.bar.starts_at + FIVE_SECONDS <= now:
            self._finished.append(self.bar)
            self.bar = RunningBar.at(self.bar.starts_at + FIVE_SECONDS, self.bar.close)

    def frames(self) -> Iterator[bytes]:
        """The bars finished since the last call."""
        finished, self._finished = self._finished, []
        for bar in finished:
            is_trades = self.what == "TRADES"
            told = bar.told("")
            if not is_trades:
                told = HistoryBar("", bar.open, bar.high, bar.low, bar.close, -1, Decimal(-1), -1)
            yield answers.realtime_bar(self.request_id, bar.starts_at, told)


def _floor_of(at: datetime) -> datetime:
    return at - timedelta(seconds=at.second % 5, microseconds=at.microsecond)
