"""Our process: a broker, an order manager, and a loop that takes reports; it can die anywhere, and leaves its journal.

What a death leaves is what is durable: the journal as bytes, and the high-water mark of the order ids. Everything
else is made anew by the next process, as the program does it when it starts.
"""

import asyncio
import contextlib
import pickle
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from tickledger.domain.broker import BrokerSnapshot
from tickledger.domain.errors import BrokerUnavailableError, ConfigurationError, LedgerError
from tickledger.domain.execution import Execution
from tickledger.domain.order import Order, OrderEvent, OrderModification
from tickledger.domain.ports import Clock, RemoteReport
from tickledger.execution.order_book import OrderBook
from tickledger.execution.order_journal import (
    AccountRecord,
    AnyEntry,
    CommissionEntry,
    DurableJournal,
    ExecutionCorrection,
    JournalEntry,
    NewOrder,
    Opening,
    OrderAmendment,
    OrderPlaced,
)
from tickledger.execution.order_manager import OrderManager
from tickledger.ib.broker import IBBroker
from tickledger.ib.ib_settings import IBSettings
from tickledger.ib.order_ids import OrderIds

ACCOUNT: Final = "DU1234567"
CLIENT_ID: Final = 1
_READ_EVERY: Final = 1.0
_START_AGAIN: Final = 2.0


class KilledError(BaseException):
    """The process died here."""


class PickledJournal:
    """A durable journal that keeps bytes: nothing but what was committed outlives a process."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._transactions: list[bytes] = []
        self._keys: set[str] = set()

    def load(self, account_id: str) -> AccountRecord:
        return AccountRecord(account_id, self._opening, Decimal(0), tuple(self._entries()))

    def find_order(self, account_id: str, order_id: str) -> tuple[AnyEntry, ...]:  # noqa: ARG002  of one account
        entries = self._entries()
        fills = {entry.execution_id for entry in entries if isinstance(entry, Execution) and entry.order_id == order_id}
        return tuple(entry for entry in entries if _order_of(entry) == order_id or _fill_of(entry) in fills)

    def record_orders(self, account_id: str, placed: Sequence[NewOrder]) -> None:  # noqa: ARG002  of one account
        if there := self._keys & {new.order.order_id for new in placed}:
            raise LedgerError(f"orders {', '.join(sorted(there))} are there already")
        self._keys.update(new.order.order_id for new in placed)
        self._transactions.append(pickle.dumps([row for new in placed for row in (OrderPlaced(new.order), new.event)]))

    def record(self, account_id: str, entries: Sequence[JournalEntry]) -> None:  # noqa: ARG002  of one account
        self._transactions.append(pickle.dumps(list(entries)))

    def _entries(self) -> list[AnyEntry]:
        return [entry for transaction in self._transactions for entry in pickle.loads(transaction)]  # noqa: S301


def _order_of(entry: AnyEntry) -> str | None:
    match entry:
        case OrderPlaced(order):
            return order.order_id
        case OrderEvent() | OrderAmendment():
            return entry.order_id
    return None


def _fill_of(entry: AnyEntry) -> str | None:
    return entry.execution_id if isinstance(entry, Execution | ExecutionCorrection | CommissionEntry) else None


@dataclass
class Death:
    """Where the next death is to happen, and what it takes along; a process that is dead does nothing more."""

    where: str = ""
    nth: int = 1
    is_dead: bool = False
    bury: Callable[[], None] = lambda: None

    def pass_(self, point: str) -> None:
        """Die here, if here it is."""
        if self.is_dead:
            raise KilledError
        if self.where == point:
            self.nth -= 1
            if self.nth <= 0:
                self.is_dead = True
                self.bury()
                raise KilledError(point)


@dataclass
class MortalJournal:
    """The journal as a process sees it: it can die around each commit, and the database can fail it.

    `fails` says that the commit after `fails_in` of them fails: "before" or "after" it was kept.
    """

    durable: "Durable"
    death: Death
    fails: str = ""
    fails_in: int = 1

    @property
    def journal(self) -> DurableJournal:
        return self.durable.journal

    def load(self, account_id: str) -> AccountRecord:
        self.death.pass_("load")
        return self.journal.load(account_id)

    def find_order(self, account_id: str, order_id: str) -> tuple[AnyEntry, ...]:
        self.death.pass_("find")
        return self.journal.find_order(account_id, order_id)

    def record_orders(self, account_id: str, placed: Sequence[NewOrder]) -> None:
        self.death.pass_("before_order_commit")
        with self._failing():
            self.journal.record_orders(account_id, placed)
        self.death.pass_("after_order_commit")

    def record(self, account_id: str, entries: Sequence[JournalEntry]) -> None:
        self.death.pass_("before_commit")
        with self._failing():
            self.journal.record(account_id, entries)
        self.death.pass_("after_commit")

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        self.fails_in -= bool(self.fails)
        how = self.fails if self.fails and self.fails_in <= 0 else ""
        if how:
            self.fails = ""
            self.durable.failures += 1
        if how == "before":
            raise ConfigurationError("the disk is full")
        yield
        if how == "after":
            raise ConfigurationError("the connection was lost while it committed")


@dataclass
class MortalBroker:
    """The broker as the manager sees it; `sends` counts what was handed over, over all processes."""

    broker: IBBroker
    death: Death
    sends: Counter[str]

    async def place(self, order: Order) -> None:
        self.death.pass_("before_send")
        self.sends[order.order_id] += 1
        await self.broker.place(order)
        self.death.pass_("after_send")

    async def modify(self, order: Order, modification: OrderModification) -> None:
        self.death.pass_("before_modify")
        await self.broker.modify(order, modification)
        self.death.pass_("after_modify")

    async def cancel(self, order_id: str) -> None:
        self.death.pass_("before_cancel")
        await self.broker.cancel(order_id)
        self.death.pass_("after_cancel")

    async def cancel_all(self) -> None:
        self.death.pass_("before_cancel")
        await self.broker.cancel_all()
        self.death.pass_("after_cancel")

    async def reports(self) -> Sequence[RemoteReport]:
        self.death.pass_("reports")
        return await self.broker.reports()

    async def snapshot(self) -> BrokerSnapshot:
        self.death.pass_("snapshot")
        return await self.broker.snapshot()


@dataclass
class Durable:
    """What outlives a process."""

    journal: DurableJournal
    order_ids: OrderIds
    sends: Counter[str] = field(default_factory=Counter)
    failures: int = 0


class Process:
    """One process, from its start to its death."""

    def __init__(self, durable: Durable, *, port: int, clock: Clock, log: Callable[[str], None]) -> None:
        settings = IBSettings("127.0.0.1", port, CLIENT_ID, ACCOUNT, completed_orders_timeout=4.0)
        self.death = Death(bury=self._bury)
        self.broker = IBBroker(settings, clock=clock, order_ids=durable.order_ids)
        self.journal = MortalJournal(durable, self.death)
        self.manager = OrderManager(MortalBroker(self.broker, self.death, durable.sends), self.journal, clock, ACCOUNT)
        self.is_started = False
        self._log = log
        self._told = 0
        self.task = asyncio.get_running_loop().create_task(self._live())

    @property
    def is_dead(self) -> bool:
        return self.death.is_dead

    def kill(self) -> None:
        """Die now, whatever is under way."""
        if not self.is_dead:
            self.death.is_dead = True
            self._bury()

    async def _live(self) -> None:
        with contextlib.suppress(KilledError):
            await self._start()
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.broker.something_to_report(), _READ_EVERY)
                try:
                    for report in await self.manager.take_reports():
                        self._log(f"    told {report}")
                except ConfigurationError as error:
                    self._log(f"    the journal failed: {error}")
                self._show_problems()

    async def _start(self) -> None:
        book = OrderBook(self.journal.load(ACCOUNT).entries)
        self.broker.adopt(order.state.order for order in book.at_broker())
        while True:
            try:
                await self.broker.start()
                break
            except BrokerUnavailableError as error:
                self._log(f"    cannot connect: {error}")
                await asyncio.sleep(_START_AGAIN)
        try:
            await self.manager.start()
        except (BrokerUnavailableError, ConfigurationError) as error:
            self._log(f"    not reconciled: {error}")
        self.is_started = True

    def _show_problems(self) -> None:
        for problem in self.manager.problems[self._told :]:
            self._log(f"    problem {problem}")
        self._told = len(self.manager.problems)

    def _bury(self) -> None:
        """What the end of a process does: nothing is sent, read or timed any more, and its sockets close."""
        broker = self.broker
        broker.pacer.clear()
        for timer in broker._timers:
            timer.cancel()
        for task in (broker.connection._supervisor, broker._inquiry._asking):
            if task is not None:
                task.cancel()
        ib = broker.connection._ib
        if ib is not None:
            broker.wire.detach(ib)
            broker.connection._ib = None
            if ib.client.conn.transport is not None:
                ib.client.conn.transport.abort()
        asyncio.get_running_loop().call_soon(self.task.cancel)
