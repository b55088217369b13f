"""Orders at a broker in another program: each is sent once, and what became of it is what the broker has of it.

    place    journal: order + PENDING, committed ──► broker.place
    reports  broker.reports ──► the book ──► journal, one transaction a call
    start    broker.snapshot, journal.load ──► reconciled ──► journal ──► the book anew

An order's id is its idempotency key, from its intent to the broker's orderRef: it is in the journal before it is
sent, and what is in the journal is not sent again. After a crash between the two nobody knows whether it arrived, so
the broker is asked; see `order_reconciliation` for what follows from which answer, and `order_news` for what reports
are worth. Nothing is placed or modified until the broker has answered completely, or while its link is not whole;
cancellations go out at any time.

A snapshot is asked for when the link says so, when an order is UNKNOWN, and when an answer has been due for longer
than `patience` (a placed order that is not acknowledged, fills that a status promised, a modification, the end of an
order that nobody asked for), and every few minutes in any case. Unless it tells nothing new while nothing is in doubt,
the book is made anew from the journal then, so that what is in memory and what is durable cannot drift apart. The same
happens after the journal has failed.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from tickledger.domain.broker import (
    BrokerFill,
    BrokerOrder,
    CommissionReport,
    Connectivity,
    ConnectivityChange,
)
from tickledger.domain.errors import BrokerUnavailableError, ConfigurationError, OrderError, Problem, TickledgerError
from tickledger.domain.execution import CashTransaction, Execution
from tickledger.domain.order import Order, OrderModification, OrderReport, RiskDecision
from tickledger.domain.ports import Clock, RemoteBroker, RemoteReport
from tickledger.execution.account_reading import AccountReading
from tickledger.execution.order_book import OrderBook, by_age
from tickledger.execution.order_changes import OrderChanges
from tickledger.execution.order_journal import (
    WORKED_BY_CHILDREN,
    AmendmentSource,
    DurableJournal,
    NewOrder,
    OrderAmendment,
    new_order,
    new_york_date,
)
from tickledger.execution.order_reconciliation import PATIENCE, Doubts, Reconciliation, position_problems, reconciled
from tickledger.execution.order_refusals import (
    differing,
    foreign_order,
    not_ready,
    refuse_child,
    refuse_modification,
    refuse_siblings,
    same_order,
)
from tickledger.execution.order_state import OrderState
from tickledger.execution.recorded_book import RecordedBook

#: How long to wait before the broker is asked again for all it has.
ASK_AGAIN_AFTER: Final = timedelta(seconds=5)
#: How often the broker is asked for all it has where nothing says that it should be.
RECONCILE_EVERY: Final = timedelta(minutes=5)


class OrderManager:
    """The orders of one account at a remote broker. `start` comes first, then `take_reports` again and again.

    `problems` collects what did not fit together, for the caller to show; nothing of it is lost from the record.
    """

    def __init__(
        self,
        broker: RemoteBroker,
        journal: DurableJournal,
        clock: Clock,
        account_id: str,
        *,
        patience: timedelta = PATIENCE,
        ask_again_after: timedelta = ASK_AGAIN_AFTER,
        reconcile_every: timedelta = RECONCILE_EVERY,
    ) -> None:
        self._broker = broker
        self._clock = clock
        self._account_id = account_id
        self._patience = patience
        self._ask_again_after = ask_again_after
        self._reconcile_every = reconcile_every
        self._connectivity = Connectivity.CONNECTED
        self._is_reconciled = False
        self._needs_snapshot = True
        self._asked_at: datetime | None = None
        self._foreign: tuple[BrokerOrder, ...] = ()
        self._changes = OrderChanges()
        self._is_new = True
        self._reading = AccountReading(journal, account_id)
        self._record = RecordedBook(journal, self._reading, account_id, on_failure=self._doubt_everything)
        self._turn = asyncio.Lock()
        self.problems: list[Problem] = []
        self.last_reconciliation: Reconciliation | None = None

    @property
    def _book(self) -> OrderBook:
        return self._record.book

    @property
    def is_ready(self) -> bool:
        """Whether orders may be placed: the broker has answered completely, and its link is whole."""
        return self._is_reconciled and self._connectivity is Connectivity.CONNECTED

    @property
    def foreign_orders(self) -> tuple[BrokerOrder, ...]:
        """The working orders at the broker that are not ours, as of the last snapshot; they are never touched."""
        return self._foreign

    @property
    def doubts(self) -> Doubts:
        """What of the account is not certain: what sessions must not sell, or add to, before it is."""
        last = self.last_reconciliation
        return Doubts(self._book.may_sell_yet(), {} if last is None else last.unexplained)

    async def start(self) -> Reconciliation:
        """Read the journal and bring it to where the broker is; nothing is placed before that has succeeded.

        Raises BrokerUnavailableError where the broker did not answer completely: then every order that may work is
        UNKNOWN, nothing was sent, and `take_reports` asks again.
        """
        async with self._turn:
            return await self._reconcile()

    def take_settled(self) -> list[Execution]:
        """The fills that the account's last close has, as it has them: those read since this was last asked."""
        return self._reading.take_settled()

    async def place(self, order: Order, decision: RiskDecision | None = None) -> OrderState:
        """Write the order to the journal, then send it; one that is in the journal already is not sent again.

        `decision`, which let it out, is written with it; without one it has to be in the record already.
        Raises OrderError for an order whose id stands for another one, or whose parent takes no more; LedgerError
        and FencedError where the journal refuses it, and BrokerUnavailableError before `start` has succeeded or
        while the link is not whole. Whichever it is, nothing was sent.
        """
        refused = await self.place_all({order: decision})
        if order.order_id in refused:
            raise refused[order.order_id]
        return same_order(self._book.tracked(order.order_id), order)

    async def place_all(self, wanted: Mapping[Order, RiskDecision | None]) -> Mapping[str, TickledgerError]:
        """As `place`, of orders that are written down in one transaction, all before the first is sent.

        Those that raise OrderError or BrokerUnavailableError are left out, and told by their ids. What the journal
        raises counts for all. Raises ValueError for two children of one parent.
        """
        refuse_siblings(wanted)
        refused: dict[str, TickledgerError] = {}
        fresh: list[NewOrder] = []
        for order, decision in wanted.items():
            try:
                if self._is_to_leave(order):
                    fresh.append(new_order(order, at=self._clock.now(), decision=decision))
            except (BrokerUnavailableError, OrderError) as error:
                refused[order.order_id] = error
        leaving = [new.order for new in self._write_down(fresh)]
        for number, order in enumerate(leaving):
            try:
                await self._broker.place(order)
            except Exception:
                # The port does not raise; if it does, nobody knows whether the order has left.
                ids = [unsent.order_id for unsent in leaving[number:]]
                self._book.doubt(ids, at=self._clock.now(), reason="the broker failed while it was sent")
                self._write_news()
                raise
        return refused

    def _is_to_leave(self, order: Order) -> bool:
        """Whether an order may be sent and is not in the book; raises as `place` does."""
        if order.order_id in self._book.orders:
            same_order(self._book.tracked(order.order_id), order)
            return False
        self._refuse_unless_ready(f"order {order.order_id}")
        self._record.find(order.parent_order_id or "")
        refuse_child(self._book, order)
        return True

    def place_parent(self, order: Order) -> OrderState:
        """Write down an order that its children will work: it is never sent. Raises as `place` does."""
        if order.order_id not in self._book.orders:
            self._refuse_unless_ready(f"order {order.order_id}")
            self._write_down([new_order(order, at=self._clock.now(), reason=WORKED_BY_CHILDREN)])
        return same_order(self._book.tracked(order.order_id), order)

    async def cancel(self, order_id: str, reason: str = "on request") -> None:
        """Ask the broker to cancel an order and its children; they are over only when it says so.

        One that is over stays as it is. Raises LedgerError for an order that is not in the record. The journal may
        fail over it, which is raised once everything was sent.
        """
        self._record.tracked(order_id)
        family = [order for order in self._book.family(order_id) if not order.state.is_terminal]
        try:
            self._note_cancel([order.placed.order_id for order in family], reason)
        finally:
            for order in family:
                if not order.is_parent:
                    await self._broker.cancel(order.placed.order_id)

    async def cancel_all(self, reason: str) -> None:
        """Cancel everything that works, foreign orders at the broker included, before anything is written."""
        await self._broker.cancel_all()
        self._note_cancel([state.order.order_id for state in self.working()], reason)

    async def modify(self, order_id: str, modification: OrderModification) -> OrderState:
        """Send what of `modification` differs from the terms in force, once it is in the journal.

        Raises OrderError for an order that is over, not acknowledged or UNKNOWN, for a term it does not have, and
        for fewer shares than are filled; BrokerUnavailableError while the link is not whole: a modification that is
        lost may leave two orders behind.
        """
        tracked = self._record.tracked(order_id)
        self._refuse_unless_ready(f"a modification of order {order_id}")
        refuse_modification(tracked, modification)
        order, changed = tracked.state.order, differing(tracked.state.order, modification)
        if changed == OrderModification():
            return tracked.state
        at = self._clock.now()
        amendment = OrderAmendment(
            order_id, tracked.amendments, changed, AmendmentSource.REQUESTED, at, new_york_date(at)
        )
        self._book.emit(amendment)
        self._write_news()
        self._book.await_answer(order_id, since=at)
        await self._broker.modify(order, changed)
        return self.status(order_id)

    def status(self, order_id: str) -> OrderState:
        """What is known of an order; raises LedgerError for one that is not in the record."""
        return self._record.tracked(order_id).state

    def children(self, order_id: str) -> list[OrderState]:
        """The orders whose parent it is, in the order in which they were placed."""
        return [child.state for child in self._book.children(order_id)]

    def working(self) -> list[OrderState]:
        """The orders that are not over, parents included, the earlier first."""
        return list(self._book.working())

    def lapsed(self, symbol: str, since: datetime) -> list[OrderState]:
        """The orders that were to outlast a close, `since`, and that the broker has ended by itself since then."""
        return [order.state for order in by_age(self._book.orders.values()) if order.has_lapsed(symbol, since)]

    def forget_finished(self) -> None:
        """Drop what cannot matter any more: the book is made anew from the journal."""
        self._record.forget_finished()

    def take_changes(self) -> list[OrderState]:
        """The orders that are otherwise than when this was last asked; see `OrderChanges`."""
        return self._changes.take_orders(self._book)

    def take_fills(self) -> list[Execution]:
        """The fills, foreign ones too, that are otherwise than when this was last asked; see `OrderChanges`."""
        return self._changes.take_fills(self._book)

    async def take_reports(self) -> Sequence[RemoteReport]:
        """Book what the broker has told since the last call, and ask it for all where that is due; what it told.

        Raises LedgerError and ConfigurationError where the journal does not take it; the next call starts from the
        journal again. A broker that does not answer is no error here: it is asked again later.
        """
        async with self._turn:
            self._record.recover()
            reports = await self._broker.reports()
            for report in reports:
                self._hear(report)
            self._write_news()
            # Cash that was told just now is in the record only when the caller has put it there.
            if self._is_snapshot_due() and not any(isinstance(report, CashTransaction) for report in reports):
                await self._try_to_reconcile()
            return reports

    def _hear(self, report: RemoteReport) -> None:
        match report:
            case OrderReport():
                if self._record.find(report.order_id):
                    self._book.hear_status(report)
                elif report.order_id not in self._record.foreign_ids:
                    self._record.foreign_ids.add(report.order_id)
                    self.problems.append(foreign_order(report.order_id))
            case BrokerFill():
                self._record.find(report.execution.order_id)
                self._book.hear_fill(report, at=self._clock.now())
            case CommissionReport():
                self._book.hear_commission(report)
            case ConnectivityChange():
                self._hear_connectivity(report)
            case CashTransaction():
                self._reading.note_cash(report.amount)

    def _hear_connectivity(self, change: ConnectivityChange) -> None:
        self._connectivity = change.connectivity
        self._needs_snapshot |= change.needs_snapshot
        if change.needs_snapshot:
            self._is_reconciled = False
            self._asked_at = None
        if change.connectivity is Connectivity.DISCONNECTED:
            # What happens from here on happens unseen.
            self._is_reconciled, self._needs_snapshot = False, True
            self._book.doubt(self._book.ids_at_broker(), at=self._clock.now(), reason=change.reason)

    def _is_snapshot_due(self) -> bool:
        now = self._clock.now()
        if self._asked_at is None or now - self._asked_at >= self._reconcile_every:
            return True
        if now - self._asked_at < self._ask_again_after:
            return False
        return self._needs_snapshot or self._book.is_overdue(now, patience=self._patience)

    async def _try_to_reconcile(self) -> None:
        try:
            await self._reconcile()
        except BrokerUnavailableError as error:
            self.problems.append(
                Problem(where=f"account {self._account_id}", expected="all the broker has", found=str(error))
            )

    async def _reconcile(self) -> Reconciliation:
        """Ask the broker for all it has; the book is made anew from the journal and its answer, if that is any news."""
        self._asked_at = self._clock.now()
        try:
            snapshot = await self._broker.snapshot()
        except BrokerUnavailableError:
            self._stand_still()
            raise
        if self._is_reconciled and not self._needs_snapshot:
            agreed = self._record.agreed(snapshot, self.last_reconciliation, patience=self._patience)
            if agreed is not None:
                self._adopt(self._book, agreed)
                return agreed
        # Only now, so that what was placed while the broker answered is in the record.
        record = self._reading.load_beside(snapshot)
        result = reconciled(record, snapshot, patience=self._patience)
        self._record.append(result.entries)
        self._adopt(OrderBook(record.with_entries(result.entries).entries), result)
        if self._is_new:
            # The process before may have died between writing a cancellation down and sending it.
            self._is_new = False
            for order in [order for order in self._book.at_broker() if order.is_cancelling]:
                await self._broker.cancel(order.placed.order_id)
        return result

    def _adopt(self, book: OrderBook, result: Reconciliation) -> None:
        for order_id in result.unresolved:
            book.await_answer(order_id, since=self._clock.now())
        self._record.adopt(book)
        self._foreign = result.foreign_orders
        if self._connectivity is Connectivity.DISCONNECTED:
            # A complete answer came over it, whatever was said of the link before.
            self._connectivity = Connectivity.CONNECTED
        self._is_reconciled = True
        # What a position says that fills do not may be a fill on its way: then it is another one in a moment.
        self._needs_snapshot = result.unexplained != self.doubts.unexplained
        self.problems += [*result.problems, *position_problems(result, self.last_reconciliation)]
        self.last_reconciliation = result

    def _stand_still(self) -> None:
        """The broker did not answer: what may work there is UNKNOWN, and nothing is placed until it has."""
        self._is_reconciled, self._needs_snapshot = False, True
        self._record.recover()
        self._book.doubt(self._book.ids_at_broker(), at=self._clock.now(), reason="the broker did not answer")
        self._write_news()

    def _note_cancel(self, order_ids: Sequence[str], reason: str) -> None:
        self._record.recover()
        for order_id in order_ids:
            if order_id in self._book.orders and not self._book.orders[order_id].state.is_terminal:
                self._book.ask_cancel(order_id, at=self._clock.now(), reason=reason)
        self._write_news()

    def _write_news(self) -> None:
        self.problems += self._book.take_problems()
        self._record.write_news()

    def _doubt_everything(self) -> None:
        """Place nothing until the broker has been asked again."""
        self._is_reconciled, self._needs_snapshot, self._asked_at = False, True, None

    def _write_down(self, placed: Sequence[NewOrder]) -> Sequence[NewOrder]:
        try:
            return self._record.write_down(placed)
        except ConfigurationError:
            # They may have been kept all the same: they will be found there, and the broker be asked.
            self._needs_snapshot = True
            raise

    def _refuse_unless_ready(self, what: str) -> None:
        if not self.is_ready:
            raise not_ready(what, self._connectivity, is_reconciled=self._is_reconciled)
