"""Streaming market data: the best bid and offer, last trades and five-second bars of the symbols subscribed.

Ticks go past the library's `Ticker`, which drops a quote that repeats the last one: here it counts as a sign of life.
A consumer hears of a symbol once for each packet that came, with the latest values: after a stall the latest quote
is what it gets, not the queue of those before. A side of the book without an order is 0 with size 0.

Whether a feed lives is judged by what arrives, not by what the gateway says of its farms: a blip of three seconds
has left feeds silent for eight hours. A symbol that is silent for too long within the session is requested again, and
if that does not help, again after twice the time.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Final

from tickledger.bars.calendars import is_session, session_close, session_open
from tickledger.domain.bar import Print, Quote, TimeBar
from tickledger.domain.errors import BrokerUnavailableError, Problem
from tickledger.domain.money import exact
from tickledger.domain.ports import Clock
from tickledger.ib.connection import Connection
from tickledger.ib.errors import ErrorClass, meaning_of
from tickledger.ib.library import LibraryObject
from tickledger.ib.orders import NEW_YORK, ib_contract
from tickledger.ib.pacing import Lane, Pacer
from tickledger.ib.requests import Requests
from tickledger.ib.wire import Wire

_BID, _ASK, _LAST = 1, 2, 4
_BID_SIZE, _ASK_SIZE, _LAST_SIZE = 0, 3, 5
_LIVE: Final = 1
_ALL_LINES_IN_USE: Final = 101
_BUST: Final = 10225
_LONGEST_PATIENCE: Final = 64
_decimal: Final = lru_cache(maxsize=1 << 16)(exact)
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class FeedPolicy:
    """How many lines the account has (quotes and bars count alike), and how much silence within a session is normal."""

    lines: int = 100
    stale_after: timedelta = timedelta(seconds=30)
    check_every: timedelta = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Consumers:
    """Who hears what; bars are of five seconds.

    `problem` hears of a symbol that has no data: refused, delayed, or silent and requested again.
    """

    quote: Callable[[Quote], None]
    print: Callable[[Print], None]
    bar: Callable[[TimeBar], None]
    problem: Callable[[Problem], None]


@dataclass(slots=True, eq=False)
class _Line:
    """One subscription: the request it has, what came last, and when.

    A request that waits for its turn at the pacer `is_sent` not yet, and nothing can be missing that it asks for.
    """

    symbol: str
    is_bars: bool
    requested_at: datetime
    number: int = 0
    bid: float = 0.0
    ask: float = 0.0
    bid_size: float = 0
    ask_size: float = 0
    last: float = 0.0
    last_size: float = 0
    arrived_at: datetime | None = None
    patience: int = 1
    has_quote: bool = False
    has_print: bool = False
    is_refused: bool = False
    is_live: bool = True
    is_sent: bool = False


def session_start(now: datetime) -> datetime | None:
    """When the regular session that runs at `now` opened; None outside of one."""
    day = now.astimezone(NEW_YORK).date()
    if not is_session(day) or not session_open(day) <= now < session_close(day):
        return None
    return session_open(day)


class MarketDataFeed:
    """The subscriptions of one adapter, over `connection` and whatever connection comes after it."""

    def __init__(
        self,
        *,
        wire: Wire,
        pacer: Pacer,
        requests: Requests,
        connection: Connection,
        clock: Clock,
        consumers: Consumers,
        policy: FeedPolicy | None = None,
        session_start: Callable[[datetime], datetime | None] = session_start,
    ) -> None:
        self._pacer = pacer
        self._requests = requests
        self._connection = connection
        self._clock = clock
        self._consumers = consumers
        self._policy = policy or FeedPolicy()
        self._session_start = session_start
        self._lines: dict[tuple[str, bool], _Line] = {}
        self._by_number: dict[int, _Line] = {}
        self._touched: set[_Line] = set()
        self._watchdog: asyncio.Task[None] | None = None
        wire.listen_alone("priceSizeTick", self._price)
        wire.listen_alone("tickSize", self._size)
        wire.listen("marketDataType", self._data_type)
        wire.listen("realtimeBar", self._bar)
        wire.listen("error", self._error)
        connection.on_up.append(self._up)
        connection.on_resubscribe.append(self.request_all)

    def start(self) -> None:
        """Watch for silence from now on; call it inside the running loop."""
        self._watchdog = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Watch no more; the subscriptions end with the connection."""
        if self._watchdog is not None:
            self._watchdog.cancel()
            await asyncio.gather(self._watchdog, return_exceptions=True)

    def subscribe(self, symbol: str, *, bars: bool = False) -> Problem | None:
        """Stream quotes and trades of `symbol` (or five-second bars); the problem where no line is left for it."""
        if (symbol, bars) in self._lines:
            return None
        if len(self._lines) >= self._policy.lines:
            return Problem(
                where=f"market data of {symbol}",
                expected=f"at most {self._policy.lines} subscriptions",
                found="one more: unsubscribe another symbol first",
            )
        line = self._lines[symbol, bars] = _Line(symbol, bars, self._clock.now())
        self._request(line)
        return None

    def unsubscribe(self, symbol: str, *, bars: bool = False) -> None:
        """Stream no more of `symbol`, and free its line."""
        line = self._lines.pop((symbol, bars), None)
        if line is not None:
            self._cancel(line)

    def symbols(self, *, bars: bool = False) -> tuple[str, ...]:
        """The symbols that are subscribed and not refused."""
        return tuple(line.symbol for line in self._lines.values() if line.is_bars == bars and not line.is_refused)

    def request_all(self) -> None:
        """Request every subscription again: what the gateway had of them is gone, or cannot be relied on."""
        for line in self._lines.values():
            self._cancel(line)
            line.is_refused, line.is_live, line.patience = False, True, 1
            self._request(line)

    def check(self) -> tuple[str, ...]:
        """Request again what has been silent for too long within the running session; those symbols."""
        now = self._clock.now()
        opened_at = self._session_start(now)
        if opened_at is None:
            return ()
        silent = [
            line
            for line in self._lines.values()
            if line.is_sent and not line.is_refused and self._is_silent(line, now, opened_at)
        ]
        for line in silent:
            line.patience = min(line.patience * 2, _LONGEST_PATIENCE)
            self._tell(line, "data within the session", f"none since {line.arrived_at or line.requested_at}")
            self._cancel(line)
            self._request(line)
        return tuple(line.symbol for line in silent)

    def flush(self) -> None:
        """Tell what the last packet changed, once for each symbol."""
        if not self._touched:
            return
        now = self._clock.now()
        for line in self._touched:
            line.arrived_at, line.patience = now, 1
            if line.has_quote:
                line.has_quote = False
                self._consumers.quote(_quote(line, now))
            if line.has_print:
                line.has_print = False
                self._consumers.print(Print(line.symbol, now, _decimal(line.last), int(line.last_size)))
        self._touched.clear()

    def _is_silent(self, line: _Line, now: datetime, opened_at: datetime) -> bool:
        heard_at = max(line.arrived_at or line.requested_at, line.requested_at, opened_at)
        return now - heard_at > self._policy.stale_after * line.patience

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._policy.check_every.total_seconds())
            if self._connection.library_object is not None:
                self.check()

    def _up(self) -> None:
        self._by_number.clear()
        for line in self._lines.values():
            line.number = 0
        self._connection.library_object.updateEvent.connect(self.flush, keep_ref=True)
        self.request_all()

    def _request(self, line: _Line) -> None:
        number = line.number = self._requests.new_id()
        line.requested_at, line.is_sent = self._clock.now(), False
        self._by_number[number] = line
        contract = ib_contract(line.symbol)

        def send(client: LibraryObject) -> None:
            # Meanwhile it may have been requested again, or not be wanted any more.
            if line.number != number:
                return
            line.requested_at, line.is_sent = self._clock.now(), True
            if line.is_bars:
                client.reqRealTimeBars(number, contract, 5, "TRADES", False, [])
            else:
                client.reqMktData(number, contract, "", False, False, [])

        self._send(send)

    def _cancel(self, line: _Line) -> None:
        number, line.number = line.number, 0
        self._touched.discard(line)
        if self._by_number.pop(number, None) is None:
            return
        is_bars = line.is_bars
        self._send(lambda client: client.cancelRealTimeBars(number) if is_bars else client.cancelMktData(number))

    def _send(self, send: Callable[[LibraryObject], None]) -> None:
        connection = self._connection
        if connection.library_object is None:
            return

        def now() -> None:
            try:
                client = connection.client
            except BrokerUnavailableError:
                # With the next connection all is requested again.
                return
            send(client)

        self._pacer.submit(now, lane=Lane.DATA)

    def _price(self, number: int, kind: int, price: float, size: float) -> None:
        line = self._by_number.get(number)
        if line is None or not line.is_live:
            return
        if kind == _BID:
            line.bid, line.bid_size, line.has_quote = price, size, True
        elif kind == _ASK:
            line.ask, line.ask_size, line.has_quote = price, size, True
        elif kind == _LAST:
            line.last, line.last_size, line.has_print = price, size, price > 0
        self._touched.add(line)

    def _size(self, number: int, kind: int, size: float) -> None:
        line = self._by_number.get(number)
        if line is None or not line.is_live:
            return
        if kind == _BID_SIZE:
            line.has_quote, line.bid_size = line.has_quote or size != line.bid_size, size
        elif kind == _ASK_SIZE:
            line.has_quote, line.ask_size = line.has_quote or size != line.ask_size, size
        elif kind == _LAST_SIZE and line.last > 0 and size != line.last_size:
            line.last_size, line.has_print = size, True
        self._touched.add(line)

    def _bar(  # noqa: PLR0917  the arguments of the message
        self, number: int, seconds: int, open_: float, high: float, low: float, close: float, volume: float, *_: object
    ) -> None:
        line = self._by_number.get(number)
        if line is None:
            return
        self._touched.add(line)
        told_open, told_high, told_low, told_close = (_decimal(price) for price in (open_, high, low, close))
        self._consumers.bar(
            TimeBar(
                symbol=line.symbol,
                starts_at=datetime.fromtimestamp(seconds, UTC),
                open=told_open,
                high=told_high,
                low=told_low,
                close=told_close,
                volume=max(int(volume), 0),
            )
        )

    def _data_type(self, number: int, kind: int) -> None:
        line = self._by_number.get(number)
        if line is not None:
            line.is_live = kind == _LIVE
            if not line.is_live:
                self._tell(line, "live market data", f"delayed or frozen ones (type {kind}), which are not passed on")

    def _error(self, number: int, code: int, text: str, *_: object) -> None:
        line = self._by_number.get(number)
        meaning = meaning_of(code)
        if line is None or meaning.error_class in {ErrorClass.NOTICE, ErrorClass.FARM_LOST, ErrorClass.FARM_RESTORED}:
            return
        self._tell(line, "market data", f"error {code}: {text}")
        self._by_number.pop(number, None)
        line.number = 0
        if code == _BUST:
            self._request(line)
            return
        line.is_refused = True
        if code == _ALL_LINES_IN_USE:
            # Another program has the rest of the account's lines.
            self._lines.pop((line.symbol, line.is_bars), None)

    def _tell(self, line: _Line, expected: str, found: str) -> None:
        kind = "real-time bars" if line.is_bars else "market data"
        self._consumers.problem(Problem(f"{kind} of {line.symbol}", expected, found, severity="warning"))


def _quote(line: _Line, now: datetime) -> Quote:
    has_bid, has_ask = line.bid > 0, line.ask > 0
    return Quote(
        line.symbol,
        now,
        _decimal(line.bid) if has_bid else _ZERO,
        _decimal(line.ask) if has_ask else _ZERO,
        int(line.bid_size) if has_bid else 0,
        int(line.ask_size) if has_ask else 0,
    )
