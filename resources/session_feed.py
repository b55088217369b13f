"""Market data of a session at the broker: what it has to know of the days before, and the streams of today."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

import pandas as pd

from resources.session_account import session_before
from tickledger.bars.building import BarBuilder
from tickledger.bars.calendars import session_open
from tickledger.domain.bar import Bar, BarKey
from tickledger.domain.errors import BrokerUnavailableError, Problem
from tickledger.domain.money import exact
from tickledger.execution.clock import LiveClock
from tickledger.execution.live_market import LiveMarket
from tickledger.ib.broker import IBBroker
from tickledger.ib.historical import HistoricalData
from tickledger.ib.market_data import Consumers, FeedPolicy, MarketDataFeed

_COLUMNS: Final = ("symbol", "timestamp", "open", "high", "low", "close", "volume")
_MINUTE: Final = timedelta(minutes=1)
_STALE_AFTER: Final = timedelta(seconds=30)
_VOLUME_DAYS: Final = timedelta(days=40)


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
    ) -> None:
        self._broker = broker
        self._clock = clock
        self._symbols = symbols
        self._speed = speed
        self._tell = tell
        self._history = HistoricalData(wire=broker.wire, requests=broker.requests)
        self._minutes: dict[str, pd.DataFrame] = {}
        self._feed: MarketDataFeed | None = None

    async def fetch_minutes(self, session_date: date) -> None:
        """Fetch the minutes of two sessions before and of today so far; what cannot be had is told and left out."""
        before = session_before(session_before(session_date) or session_date) or session_date
        start, end = session_open(before), self.now_minute()
        for symbol in self._symbols:
            try:
                frame = await self._history.bars(symbol, "1min", start=start, end=max(end, start + _MINUTE))
            except BrokerUnavailableError as error:
                self._tell(Problem(where=f"minutes of {symbol}", expected="those since yesterday", found=str(error)))
                continue
            self._minutes[symbol] = frame[frame["timestamp"] < pd.Timestamp(end)]

    async def volumes(self, known: Mapping[str, Decimal], session_date: date) -> dict[str, Decimal]:
        """The average daily volumes: those that are `known`, the others by the broker's history."""
        volumes = dict(known)
        end = session_open(session_date)
        for symbol in set(self._symbols) - set(known):
            try:
                frame = await self._history.bars(symbol, "1day", start=end - _VOLUME_DAYS, end=end)
            except BrokerUnavailableError as error:
                self._tell(Problem(where=f"daily bars of {symbol}", expected="those of a month", found=str(error)))
                continue
            if not frame.empty:
                volumes[symbol] = Decimal(int(frame["volume"].mean()))
        return volumes

    def minutes(self) -> tuple[Bar, ...]:
        """The minutes that were fetched."""
        return tuple(bar for symbol in sorted(self._minutes) for bar in _bars(self._minutes[symbol]))

    def subscribe(self, market: LiveMarket, builder: BarBuilder) -> None:
        """Stream quotes, prints and bars of five seconds to the market, from the first connection on.

        What was missed while there was no connection makes no bar.
        """
        feed = self._feed = MarketDataFeed(
            wire=self._broker.wire,
            pacer=self._broker.pacer,
            requests=self._broker.requests,
            connection=self._broker.connection,
            clock=self._clock,
            consumers=Consumers(market.on_quote, market.on_print, market.on_bar, self._tell),
            policy=FeedPolicy(stale_after=_STALE_AFTER * max(self._speed, 1.0)),
        )
        for problem in (feed.subscribe(symbol, bars=bars) for symbol in self._symbols for bars in (False, True)):
            if problem is not None:
                self._tell(problem)
        lost_at: list[datetime] = []
        self._broker.connection.on_down.append(lambda _: lost_at.append(self._clock.now()))

        def found() -> None:
            if lost_at:
                builder.missed(lost_at[0], self._clock.now())
                lost_at.clear()

        self._broker.connection.on_up.append(found)

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


def _bars(frame: pd.DataFrame) -> list[Bar]:
    columns = [frame[name].tolist() for name in _COLUMNS]
    return [_bar(*row) for row in zip(*columns, strict=True)]


def _bar(symbol: str, stamp: pd.Timestamp, *figures: float) -> Bar:
    *prices, volume = figures
    open_, high, low, close = map(exact, prices)
    starts_at = stamp.to_pydatetime()
    bar_id = str(BarKey(symbol, "1min", starts_at))
    return Bar(bar_id, symbol, starts_at.date(), open_, high, low, close, int(volume))
