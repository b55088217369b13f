"""Market data of a session at the broker: what it has to know of the days before, and the streams of today."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

import pandas as pd

from tickledger.bars.building import BarBuilder
from tickledger.bars.calendars import session_close, session_open
from tickledger.domain.bar import Bar, BarKey
from tickledger.domain.errors import BrokerUnavailableError, Problem
from tickledger.domain.money import exact
from tickledger.execution.clock import LiveClock
from tickledger.execution.live_market import LiveMarket
from tickledger.ib.broker import IBBroker
from tickledger.ib.historical import HistoricalData
from tickledger.ib.market_data import Consumers, FeedPolicy, MarketDataFeed
from tickledger.ib.requests import RequestRefusedError

_COLUMNS: Final = ("symbol", "timestamp", "open", "high", "low", "close", "volume")
_MINUTE: Final = timedelta(minutes=1)
#: How long a session waits for the history it warms up with, seconds of the wall.
HISTORY_PATIENCE: Final = 15.0
#: The part of a session's minutes that has to be known for the session to count as known, and what may lack at its end.
_DENSE: Final = 0.8
_TAIL: Final = timedelta(minutes=2)
_STALE_AFTER: Final = timedelta(seconds=30)


class SessionFeed:
    """The market data of one session, over the connection of its broker."""

    def __init__(
        self,
        broker: IBBroker,
        clock: LiveClock,
        symbols: Sequence[str],
        *,
        speed: float,
        tell: Callable[[Problem], None],
        lines: int = 100,
    ) -> None:
        self._broker = broker
        self._clock = clock
        self._symbols = symbols
        self._speed = speed
        self._tell = tell
        self._lines = lines
        self._history = HistoricalData(wire=broker.wire, requests=broker.requests)
        self._feed: MarketDataFeed | None = None

    async def minutes(self, days: Sequence[date], known: Sequence[Bar]) -> tuple[Bar, ...]:
        """The minutes of these sessions up to now: those that are `known`, and from the broker what is missing of them.

        A broker limits how often it may be asked. What it has not told within `HISTORY_PATIENCE` is told as a problem
        and left out: a session that is late is worse than one that warms up while it trades.
        """
        held = {(bar.symbol, bar.bar_id): bar for bar in known}
        stamps = _stamps(known)
        stretches = [
            (symbol, stretch)
            for symbol in self._symbols
            for stretch in _missing({day: stamps[symbol, day] for day in days}, self.now_minute())
        ]
        try:
            async with asyncio.timeout(HISTORY_PATIENCE):
                for symbol, (start, end) in stretches:
                    for bar in await self._told(symbol, start, end):
                        held.setdefault((bar.symbol, bar.bar_id), bar)
        except (BrokerUnavailableError, TimeoutError) as error:
            expected = f"{len(stretches)} stretches of minutes within {HISTORY_PATIENCE:g} s"
            self._tell(Problem(where="history", expected=expected, found=str(error) or "the broker is slower"))
        return tuple(sorted(held.values(), key=lambda bar: (bar.symbol, BarKey.parse(bar.bar_id).bar_at)))

    async def _told(self, symbol: str, start: datetime, end: datetime) -> list[Bar]:
        """What the broker tells of a symbol; that it tells nothing of this one is no reason to ask of no other."""
        try:
            return _bars(await self._history.bars(symbol, "1min", start=start, end=end))
        except RequestRefusedError as error:
            self._tell(Problem(f"history of {symbol}", expected="minutes", found=str(error), severity="warning"))
            return []

    def subscribe(self, market: LiveMarket, builder: BarBuilder) -> None:
        """Stream quotes, prints and bars of five seconds to the market, from the first connection on.

        What was missed while there was no connection makes no bar.
        """
        self._feed = MarketDataFeed(
            wire=self._broker.wire,
            pacer=self._broker.pacer,
            requests=self._broker.requests,
            connection=self._broker.connection,
            clock=self._clock,
            # Quotes bear the instant at which they arrived, so that nobody has to ask the clock for each of them again.
            consumers=Consumers(
                lambda quote: market.on_quote(quote, quote.quoted_at), market.on_print, market.on_bar, self._tell
            ),
            policy=FeedPolicy(lines=self._lines, stale_after=_STALE_AFTER * max(self._speed, 1.0)),
        )
        for symbol in self._symbols:
            self.watch(symbol)
        lost_at: list[datetime] = []
        self._broker.connection.on_down.append(lambda _: lost_at.append(self._clock.now()))

        def found() -> None:
            if lost_at:
                builder.missed(lost_at[0], self._clock.now())
                lost_at.clear()

        self._broker.connection.on_up.append(found)

    def watch(self, symbol: str) -> None:
        """Stream a symbol as well, once there is a market: what is held has to be valued, whoever bought it."""
        if self._feed is None:
            return
        for bars in (False, True):
            problem = self._feed.subscribe(symbol, bars=bars)
            if problem is not None:
                self._tell(problem)

    def start(self) -> None:
        """Watch for silence from now on."""
        if self._feed is not None:
            self._feed.start()

    async def stop(self) -> None:
        """Watch no more."""
        if self._feed is not None:
            await self._feed.stop()

    def now_minute(self) -> datetime:
        """The beginning of the minute that it is."""
        return self._clock.now().replace(second=0, microsecond=0)


def daily_volumes(
    minutes: Iterable[Bar], before: date, shares_today: Callable[[str, date, int], int]
) -> dict[str, Decimal]:
    """The mean of the shares traded in each session before a date, by symbol, of the sessions that are known.

    `shares_today` tells what a number of shares of a day became by splits since.
    """
    sums: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for bar in minutes:
        if bar.session_date < before:
            sums[bar.symbol][bar.session_date] += shares_today(bar.symbol, bar.session_date, bar.volume)
    return {symbol: Decimal(sum(days.values()) // len(days)) for symbol, days in sums.items()}


def _stamps(known: Iterable[Bar]) -> Mapping[tuple[str, date], list[datetime]]:
    """When the bars that are known start, by symbol and session."""
    found = defaultdict[tuple[str, date], list[datetime]](list)
    for bar in known:
        found[bar.symbol, bar.session_date].append(BarKey.parse(bar.bar_id).bar_at)
    return found


def _missing(known: Mapping[date, Sequence[datetime]], now: datetime) -> list[tuple[datetime, datetime]]:
    """The stretches of sessions of which no minute is known, one for each session at most."""
    found = []
    for day, stamps in known.items():
        start, end = session_open(day), min(session_close(day), now)
        is_dense = len(stamps) >= _DENSE * ((end - start) / _MINUTE)
        if is_dense and stamps:
            start = max(stamps) + _MINUTE
        if end - start > _TAIL:
            found.append((start, end))
    return found


def _bars(frame: pd.DataFrame) -> list[Bar]:
    columns = [frame[name].tolist() for name in _COLUMNS]
    return [_bar(*row) for row in zip(*columns, strict=True)]


def _bar(symbol: str, stamp: pd.Timestamp, *figures: float) -> Bar:
    *prices, volume = figures
    open_, high, low, close = map(exact, prices)
    starts_at = stamp.to_pydatetime()
    bar_id = str(BarKey(symbol, "1min", starts_at))
    return Bar(bar_id, symbol, starts_at.date(), open_, high, low, close, int(volume))
