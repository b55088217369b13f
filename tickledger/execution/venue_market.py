"""A day at a venue in this process, as a session's market: the venue is moved step by step, and what it tells is heard.

It stands for the market data and the line of a broker in another program: a session sees the same events as over a
socket, at the same instants, so the same tape leads to the same decisions, orders and fills.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from tickledger.domain.bar import Print, Quote
from tickledger.domain.broker import BrokerSnapshot
from tickledger.domain.market import MarketEvent
from tickledger.domain.order import Order, OrderModification
from tickledger.domain.ports import RemoteReport
from tickledger.exchange.venue import Venue
from tickledger.exchange.venue_orders import VenueEvent
from tickledger.execution.clock import ReplayClock
from tickledger.execution.live_market import LiveMarket
from tickledger.execution.venue_broker import VenueBroker

STEP: Final = timedelta(seconds=5)


class VenueLine:
    """The RemoteBroker port over a broker in this process whose news take until the next step to arrive.

    So a session hears of what it has just sent a moment later, as over any line, and not in the middle of its turn.
    """

    def __init__(self, broker: VenueBroker) -> None:
        self._broker = broker
        self._arrived: list[RemoteReport] = []

    async def place(self, order: Order) -> None:
        """Send an order."""
        await self._broker.place(order)

    async def modify(self, order: Order, modification: OrderModification) -> None:
        """Change one."""
        await self._broker.modify(order, modification)

    async def cancel(self, order_id: str) -> None:
        """Cancel one."""
        await self._broker.cancel(order_id)

    async def cancel_all(self) -> None:
        """Cancel all."""
        await self._broker.cancel_all()

    async def reports(self) -> Sequence[RemoteReport]:
        """What has arrived."""
        arrived, self._arrived = self._arrived, []
        return arrived

    async def snapshot(self) -> BrokerSnapshot:
        """What the broker has."""
        return await self._broker.snapshot()

    def hear(self, events: Iterable[VenueEvent]) -> None:
        """Take what the venue told; with it everything arrives that was on its way."""
        self._broker.take(events)
        self._arrived += self._broker.take_reports()


class VenueMarket:
    """The MarketData port over `market`, which hears the ticks of `venue`; the orders' news go to `line`.

    Quotes are stamped when they are heard, as a feed without stamps of its own does.
    """

    def __init__(
        self,
        market: LiveMarket,
        venue: Venue,
        line: VenueLine,
        clock: ReplayClock,
        *,
        symbols: Iterable[str],
        step: timedelta = STEP,
    ) -> None:
        self._market = market
        self._venue = venue
        self._line = line
        self._clock = clock
        self._step = step
        self._symbols = frozenset(symbols)
        for symbol in sorted(self._symbols):
            venue.watch(symbol)
            quote = venue.quote(symbol)
            if quote is not None:
                market.on_quote(replace(quote, quoted_at=clock.now()))

    async def events(self) -> AsyncIterator[MarketEvent]:
        """The day's events, step by step."""
        while not self._market.is_over:
            for event in self.advance(self._clock.now() + self._step):
                yield event

    def advance(self, to: datetime) -> Iterable[MarketEvent]:
        """Let the venue go on to an instant; what has become due by then."""
        self.hear(self._venue.advance(to), at=to)
        return self._market.due(to)

    def hear(self, events: Iterable[VenueEvent], *, at: datetime) -> None:
        """Take what the venue told: of each symbol the last quote, every print, and everything of orders."""
        self._clock.advance(at)
        told, quotes = list(events), {}
        for event in told:
            match event:
                case Quote() if event.symbol in self._symbols:
                    quotes[event.symbol] = event
                case Print() if event.symbol in self._symbols:
                    self._market.on_print(event)
        for quote in quotes.values():
            self._market.on_quote(replace(quote, quoted_at=at))
        self._line.hear(told)
