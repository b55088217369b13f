"""The ports of a session with its journal between: each passes on what it is asked and writes down what it is told."""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from tickledger.domain.broker import BrokerSnapshot
from tickledger.domain.errors import BrokerUnavailableError, TickledgerError
from tickledger.domain.market import MarketEvent
from tickledger.domain.order import Order, OrderModification
from tickledger.domain.ports import Clock, MarketData, RemoteBroker, RemoteReport
from tickledger.domain.signal import OrderIntent
from tickledger.execution.session import TurnNews
from tickledger.execution.session_journal import DECIDED, EVENT, FACTS, REPORTS, SNAPSHOT, JournalLine, of_kind
from tickledger.execution.snapshot_lines import SnapshotChanges
from tickledger.risk.order_controls import OrderFacts
from tickledger.risk.order_flow import OrderFlow

#: Where a line goes: its kind and its value.
Write = Callable[[str, object], None]


class JournalEndError(TickledgerError):
    """A replay asks for more than its journal has: the process died over the event, or did not decide alike."""


class SteppedClock:
    """A clock that stands while an event is dealt with, so that all of it bears one instant; it never goes back."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._now = clock.now()

    def now(self) -> datetime:
        """The instant of the last step."""
        return self._now

    def step(self) -> datetime:
        """Go on to the instant that it is by the other clock; where that was set back, stand until it has caught up."""
        self._now = max(self._now, self._clock.now())
        return self._now


class JournaledMarket:
    """The MarketData port; with every event the clock goes on by a step."""

    def __init__(self, market: MarketData, clock: SteppedClock, write: Write) -> None:
        self._market = market
        self._clock = clock
        self._write = write

    async def events(self) -> AsyncIterator[MarketEvent]:
        """The market's events."""
        async for event in self._market.events():
            self._write(EVENT, (self._clock.step(), event))
            yield event


class JournaledBroker:
    """The RemoteBroker port: what is told is written down, and how often it was asked until then."""

    def __init__(self, broker: RemoteBroker, write: Write) -> None:
        self._broker = broker
        self._write = write
        self._asked = 0
        self._snapshots = SnapshotChanges()

    async def place(self, order: Order) -> None:
        """Pass it on."""
        await self._broker.place(order)

    async def modify(self, order: Order, modification: OrderModification) -> None:
        """Pass it on."""
        await self._broker.modify(order, modification)

    async def cancel(self, order_id: str) -> None:
        """Pass it on."""
        await self._broker.cancel(order_id)

    async def cancel_all(self) -> None:
        """Pass it on."""
        await self._broker.cancel_all()

    async def reports(self) -> Sequence[RemoteReport]:
        """What the broker told."""
        reports = await self._broker.reports()
        if reports:
            self._write(REPORTS, (self._asked, tuple(reports)))
        self._asked += 1
        return reports

    async def snapshot(self) -> BrokerSnapshot:
        """What the broker has; raises BrokerUnavailableError as it does."""
        try:
            snapshot = await self._broker.snapshot()
        except BrokerUnavailableError as error:
            self._write(SNAPSHOT, str(error))
            raise
        self._write(SNAPSHOT, self._snapshots.told(snapshot))
        return snapshot


def journaled_facts(facts: Callable[[OrderIntent], OrderFacts], write: Write) -> Callable[[OrderIntent], OrderFacts]:
    """The facts of the moment, written down but for the flow of orders, which a replay has by itself."""

    def told(intent: OrderIntent) -> OrderFacts:
        found = facts(intent)
        write(FACTS, (found.kill_switch, found.locates, found.margin, found.wash_sale))
        return found

    return told


def journaled_decisions(write: Write) -> Callable[[TurnNews], None]:
    """An onlooker that writes down what risk decided."""

    def take(news: TurnNews) -> None:
        for decision in news.decisions:
            write(DECIDED, decision)

    return take


class ReplayedBroker:
    """The RemoteBroker port over a journal: it takes everything, and tells what was told then."""

    def __init__(self, lines: Iterable[JournalLine]) -> None:
        lines = list(lines)
        self._reports: Mapping[int, Sequence[RemoteReport]] = dict(of_kind(lines, REPORTS))
        self._snapshots = of_kind(lines, SNAPSHOT)
        self._changes = SnapshotChanges()
        self._asked = 0

    async def place(self, order: Order) -> None:
        """Nothing is sent."""

    async def modify(self, order: Order, modification: OrderModification) -> None:
        """Nothing is sent."""

    async def cancel(self, order_id: str) -> None:
        """Nothing is sent."""

    async def cancel_all(self) -> None:
        """Nothing is sent."""

    async def reports(self) -> Sequence[RemoteReport]:
        """What was told at this time of asking."""
        told = self._reports.get(self._asked, ())
        self._asked += 1
        return told

    async def snapshot(self) -> BrokerSnapshot:
        """The next snapshot of the journal; raises BrokerUnavailableError where there was none, and at its end."""
        found = next(self._snapshots, "the journal has no more snapshots")
        if isinstance(found, str):
            raise BrokerUnavailableError(found)
        return self._changes.restored(found)


def replayed_facts(lines: Iterable[JournalLine], flow: OrderFlow) -> Callable[[OrderIntent], OrderFacts]:
    """The facts of a journal in order, with a flow of the replay's own; raise JournalEndError at its end."""
    told: Any = of_kind(lines, FACTS)

    def next_facts(_: OrderIntent) -> OrderFacts:
        found = next(told, None)
        if found is None:
            raise JournalEndError("the journal tells the facts of no more orders")
        kill_switch, locates, margin, wash_sale = found
        return OrderFacts(flow=flow, kill_switch=kill_switch, locates=locates, margin=margin, wash_sale=wash_sale)

    return next_facts
