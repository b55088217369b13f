"""The orders of an account at a remote broker, as the fold of the journal's entries.

What the book knows it knows from entries: `apply` takes one in. What is told is turned into entries by `hear_*`,
applied at once, and waits in `take_news` to be appended to the journal. So a book made from a journal and the book
that wrote it are the same, but for what has not been asked yet (`waiting`: since when an answer of the broker is due).

A parent order is never sent: its children are. It is SUBMITTED once a child is at the broker, its filled shares are
theirs, and it is over when it is filled, or when it is being cancelled and no child works any more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from tickledger.domain.broker import BrokerFill, CommissionReport
from tickledger.domain.errors import LedgerError, Problem
from tickledger.domain.execution import Execution
from tickledger.domain.order import Order, OrderEvent, OrderModification, OrderReport, OrderStatus, TimeInForce
from tickledger.execution.order_fills import FillBook
from tickledger.execution.order_journal import (
    CANCEL_ASKED,
    WORKED_BY_CHILDREN,
    AmendmentSource,
    AnyEntry,
    CommissionEntry,
    ExecutionCorrection,
    ForeignExecution,
    JournalEntry,
    OrderAmendment,
    OrderPlaced,
    new_york_date,
)
from tickledger.execution.order_news import News, news_of_fills, news_of_status
from tickledger.execution.order_state import OrderState

_ENDED: Final = frozenset({OrderStatus.CANCELLED, OrderStatus.REJECTED})
_UNHEARD: Final = frozenset({OrderStatus.PENDING, OrderStatus.UNKNOWN})


@dataclass(frozen=True, slots=True)
class TrackedOrder:
    """An order with all that the journal says of it; `state.order` has the terms in force, `placed` the first ones.

    `is_acknowledged`: the broker has said something of it. `requested_from` are the terms before a modification that
    the broker has not confirmed. `waiting_since`: when an answer of the broker began to be due; not from the journal.
    """

    placed: Order
    state: OrderState
    placed_at: datetime
    heard_at: datetime
    is_acknowledged: bool = False
    is_cancelling: bool = False
    amendments: int = 0
    amended_at: datetime | None = None
    requested_from: Order | None = None
    waiting_since: datetime | None = None

    @property
    def is_parent(self) -> bool:
        """Whether it is never sent itself."""
        return self.state.is_parent

    @property
    def most(self) -> Decimal:
        """The largest quantity that the order may have at the broker."""
        before = self.requested_from.quantity if self.requested_from is not None else Decimal(0)
        return max(before, self.state.order.quantity)

    def has_lapsed(self, symbol: str, since: datetime) -> bool:
        """Whether the broker has cancelled it since then by itself: an order of `symbol` that was to last longer."""
        order = self.placed
        is_lasting = order.time_in_force is TimeInForce.GTC or order.submitted_at >= since
        is_ended = self.state.status is OrderStatus.CANCELLED and not self.is_cancelling and not self.is_parent
        return order.symbol == symbol and is_lasting and is_ended and self.heard_at >= since


def amended(order: Order, modification: OrderModification) -> Order:
    """The order with the terms that `modification` names."""
    return replace(
        order,
        quantity=order.quantity if modification.quantity is None else modification.quantity,
        limit_price=order.limit_price if modification.limit_price is None else modification.limit_price,
        stop_price=order.stop_price if modification.stop_price is None else modification.stop_price,
    )


class OrderBook:
    """Every order of an account that may still matter, and the fills of all."""

    def __init__(self, entries: Iterable[AnyEntry] = ()) -> None:
        self.orders: dict[str, TrackedOrder] = {}
        self.fills = FillBook()
        self.problems: list[Problem] = []
        self.waiting: dict[str, datetime] = {}
        self.touched: set[str] = set()
        self._open: dict[str, TrackedOrder] = {}
        self._working: tuple[OrderState, ...] | None = None
        self._children: dict[str, list[str]] = {}
        self._news: list[JournalEntry] = []
        for entry in entries:
            self.apply(entry)

    def tracked(self, order_id: str) -> TrackedOrder:
        """What is known of an order; raises LedgerError for one that is not in the book."""
        try:
            return self.orders[order_id]
        except KeyError:
            raise LedgerError(f"order {order_id}: expected an order of this account's record, found none") from None

    def children(self, order_id: str) -> list[TrackedOrder]:
        """The orders whose parent is `order_id`, in the order in which they were placed."""
        return [self.orders[child] for child in self._children.get(order_id, ())]

    def family(self, order_id: str) -> list[TrackedOrder]:
        """An order and the children of it and of its children."""
        below = [row for child in self.children(order_id) for row in self.family(child.placed.order_id)]
        return [self.orders[order_id], *below]

    def working(self) -> tuple[OrderState, ...]:
        """The orders that are not over, parents included, the earlier first; asked for many times a turn."""
        if self._working is None:
            self._working = tuple(order.state for order in by_age(self._open.values()))
        return self._working

    def may_sell_yet(self) -> list[OrderState]:
        """The sales that are said to be over, of which the broker has not confirmed how many shares it has filled."""
        waiting = (self.orders[order_id].state for order_id in self.waiting)
        return [state for state in waiting if _may_sell_yet(state)]

    def is_overdue(self, now: datetime, *, patience: timedelta) -> bool:
        """Whether the broker's answer about any order has been due for too long; for some nobody may wait."""
        due = ((since, self.orders[order_id].state) for order_id, since in self.waiting.items())
        return any(
            state.status is OrderStatus.UNKNOWN or _may_sell_yet(state) or now - since >= patience
            for since, state in due
        )

    def at_broker(self) -> list[TrackedOrder]:
        """The orders that may be working at the broker, the earlier first."""
        return [order for order in by_age(self._open.values()) if not order.is_parent]

    def ids_at_broker(self) -> list[str]:
        """The ids of the orders that may be working at the broker."""
        return [order.placed.order_id for order in self.at_broker()]

    def apply(self, entry: AnyEntry) -> None:
        """Take an entry of the journal in; raises LedgerError for one of an order that is not there."""
        match entry:
            case OrderPlaced(order):
                self._place(order)
            case OrderEvent():
                self._step(entry)
            case OrderAmendment():
                self._amend(entry)
            case Execution():
                self.fills.apply(entry)
                self._refresh(entry.order_id)
            case ExecutionCorrection() | CommissionEntry():
                self.fills.apply(entry)
                self._refresh(self.fills.own[entry.execution_id].order_id)
            case ForeignExecution():
                self.fills.apply(entry)

    def emit(self, entry: JournalEntry) -> None:
        """Take in an entry that is new, to be appended to the journal."""
        self.apply(entry)
        self._news.append(entry)

    def take_news(self) -> list[JournalEntry]:
        """The new entries since the last call, in order."""
        news, self._news = self._news, []
        return news

    def take_problems(self) -> list[Problem]:
        """What did not fit together since the last call."""
        found = [*self.problems, *self.fills.problems]
        self.problems, self.fills.problems = [], []
        return found

    def doubt(self, order_ids: Iterable[str], *, at: datetime, reason: str) -> None:
        """Take it that nobody knows what became of some orders."""
        for order_id in order_ids:
            if self.orders[order_id].state.status is not OrderStatus.UNKNOWN:
                self.hear_status(OrderReport(order_id, OrderStatus.UNKNOWN, at, reason))

    def hear_status(self, report: OrderReport) -> None:
        """Take a status that the broker tells of an order of ours."""
        tracked = self.tracked(report.order_id)
        news = news_of_status(tracked.state, report.status, most=tracked.most)
        self.follow(report.order_id, news, at=report.occurred_at, reason=report.reason)
        is_counted = report.filled_quantity is not None and report.filled_quantity <= tracked.state.filled_quantity
        if news.steps and news.steps[-1] in _ENDED and not (tracked.is_cancelling and is_counted):
            # Nobody asked for that, or fills that crossed it may be on their way; and some errors look like the end of
            # an order that lives on: the broker is to confirm.
            self.await_answer(report.order_id, since=report.occurred_at)

    def hear_fill(self, fill: BrokerFill, *, at: datetime) -> bool:
        """Take a fill that the broker tells, ours or foreign; whether it told anything new."""
        order_id = fill.execution.order_id
        is_ours = order_id in self.orders and not self.orders[order_id].is_parent
        contradiction = self._contradiction(fill.execution) if is_ours else None
        entries = self.fills.news_of_fill(fill, is_ours=is_ours and contradiction is None)
        if entries and contradiction is not None:
            self.problems.append(contradiction)
        self._emit_all(entries)
        touched = {self._order_of(entry) for entry in entries} - {None}
        for touched_id in touched:
            self._weigh_fills(str(touched_id), at=at)
        return bool(entries)

    def hear_commission(self, report: CommissionReport) -> None:
        """Take a charge that the broker tells."""
        self._emit_all(self.fills.news_of_commission(report))

    def follow(self, order_id: str, news: News, *, at: datetime, reason: str) -> None:
        """Do what `news` of an order says: enter its statuses, note its flag, remember to ask the broker."""
        for status in news.steps:
            self.enter(order_id, status, at=at, reason=news.flag or reason)
        if news.flag:
            expected = f"at most {self.orders[order_id].state.order.quantity} shares, told while it works"
            self.problems.append(Problem(where=f"order {order_id}", expected=expected, found=news.flag))
            if not news.steps:
                self.enter(order_id, self.orders[order_id].state.status, at=at, reason=news.flag)
        if news.needs_snapshot:
            self.await_answer(order_id, since=at)
        self._settle_parent(order_id, at=at)

    def enter(self, order_id: str, status: OrderStatus, *, at: datetime, reason: str) -> None:
        """Append a step of an order; one into the status it has notes `reason` alone."""
        sequence = self.orders[order_id].state.next_sequence
        self.emit(OrderEvent(order_id, sequence, status, at, new_york_date(at), reason))

    def await_answer(self, order_id: str, *, since: datetime) -> None:
        """Note that what is known of an order is not enough: the broker has to be asked for all."""
        tracked = self.orders[order_id]
        state = replace(tracked.state, needs_snapshot=True)
        self._keep(replace(tracked, state=state, waiting_since=tracked.waiting_since or since))

    def ask_cancel(self, order_id: str, *, at: datetime, reason: str) -> None:
        """Note that an order is to be cancelled; a parent without a working child is over with that."""
        self.enter(order_id, self.orders[order_id].state.status, at=at, reason=f"{CANCEL_ASKED}: {reason}")
        self._settle_parent(order_id, at=at, is_self=True)

    def _place(self, order: Order) -> None:
        if order.order_id in self.orders:
            raise LedgerError(f"order {order.order_id} is in the record twice")
        at = order.submitted_at
        self._put(TrackedOrder(order, OrderState(order), placed_at=at, heard_at=at))
        if order.parent_order_id is not None:
            self._children.setdefault(order.parent_order_id, []).append(order.order_id)

    def _step(self, event: OrderEvent) -> None:
        tracked = self.tracked(event.order_id)
        is_first = event.sequence == 0
        is_parent = tracked.is_parent or (is_first and event.reason == WORKED_BY_CHILDREN)
        state = replace(tracked.state, status=event.status, next_sequence=event.sequence + 1, is_parent=is_parent)
        is_asked = event.reason.startswith(CANCEL_ASKED)
        is_answer = event.status not in _UNHEARD and not is_asked
        waits = state.needs_snapshot or event.status in _UNHEARD
        stepped = replace(
            tracked,
            state=state,
            placed_at=event.occurred_at if is_first else tracked.placed_at,
            heard_at=event.occurred_at if is_first or is_answer else tracked.heard_at,
            is_acknowledged=tracked.is_acknowledged or is_answer,
            is_cancelling=tracked.is_cancelling or is_asked,
            waiting_since=(tracked.waiting_since or event.occurred_at) if waits else None,
        )
        self._keep(stepped)

    def _keep(self, tracked: TrackedOrder) -> None:
        order_id = tracked.placed.order_id
        self._put(tracked)
        self.touched.add(order_id)
        self.waiting.pop(order_id, None)
        if tracked.waiting_since is not None and not tracked.is_parent:
            self.waiting[order_id] = tracked.waiting_since

    def _put(self, tracked: TrackedOrder) -> None:
        order_id = tracked.placed.order_id
        self.orders[order_id] = tracked
        self._working = None
        if tracked.state.is_terminal:
            self._open.pop(order_id, None)
        else:
            self._open[order_id] = tracked

    def _amend(self, entry: OrderAmendment) -> None:
        tracked = self.tracked(entry.order_id)
        order = amended(tracked.state.order, entry.modification)
        is_asked = entry.source is AmendmentSource.REQUESTED
        in_force = replace(
            tracked,
            state=replace(tracked.state, order=order),
            amendments=entry.sequence + 1,
            amended_at=entry.amended_at,
            requested_from=(tracked.requested_from or tracked.state.order) if is_asked else None,
        )
        self._keep(in_force)

    def _refresh(self, order_id: str) -> None:
        """Count the filled shares of an order, and of the parent it belongs to."""
        tracked = self.tracked(order_id)
        quantity = self._filled_by_children(order_id) if tracked.is_parent else self.fills.filled_quantity(order_id)
        is_complete = quantity >= tracked.most
        state = replace(
            tracked.state,
            filled_quantity=quantity,
            needs_snapshot=tracked.state.needs_snapshot and not (is_complete and not tracked.state.is_terminal),
        )
        is_acknowledged = tracked.is_acknowledged or bool(quantity)
        self._keep(replace(tracked, state=state, is_acknowledged=is_acknowledged))
        if (parent := self._parent(tracked)) is not None:
            self._refresh(parent.placed.order_id)

    def _filled_by_children(self, order_id: str) -> Decimal:
        return sum((child.state.filled_quantity for child in self.children(order_id)), Decimal(0))

    def _parent(self, tracked: TrackedOrder) -> TrackedOrder | None:
        parent = self.orders.get(tracked.placed.parent_order_id or "")
        return parent if parent is not None and parent.is_parent else None

    def _weigh_fills(self, order_id: str, *, at: datetime) -> None:
        tracked = self.orders[order_id]
        self.follow(order_id, news_of_fills(tracked.state, most=tracked.most), at=at, reason="")

    def _settle_parent(self, order_id: str, *, at: datetime, is_self: bool = False) -> None:
        """Bring the parent of an order (or the order, where it is one) to where its children are."""
        tracked = self.orders[order_id]
        parent = tracked if is_self and tracked.is_parent else self._parent(tracked)
        if parent is None or (status := self._status_of_parent(parent)) is parent.state.status:
            return
        self.enter(parent.placed.order_id, status, at=at, reason="as its children are")
        self._settle_parent(parent.placed.order_id, at=at)

    def _status_of_parent(self, parent: TrackedOrder) -> OrderStatus:
        children = self.children(parent.placed.order_id)
        if parent.state.remaining_quantity <= 0:
            return OrderStatus.FILLED
        if parent.is_cancelling and all(child.state.is_terminal for child in children):
            return OrderStatus.CANCELLED
        if parent.state.filled_quantity:
            return OrderStatus.PARTIALLY_FILLED
        is_known = any(child.is_acknowledged for child in children)
        return OrderStatus.SUBMITTED if is_known else parent.state.status

    def _contradiction(self, execution: Execution) -> Problem | None:
        """Why a fill that bears our reference cannot be that order's; it counts as foreign then, and is told."""
        order = self.orders[execution.order_id].placed
        expected, found = ((row.symbol, row.side.sign, row.account_id) for row in (order, execution))
        if expected == found:
            return None
        where = f"order {order.order_id}, execution {execution.execution_id}"
        return Problem(where=where, expected=f"a fill of {expected}", found=str(found))

    def _emit_all(self, entries: Sequence[JournalEntry]) -> None:
        for entry in entries:
            self.emit(self._sided(entry) if isinstance(entry, Execution) else entry)

    def _sided(self, execution: Execution) -> Execution:
        """The fill with its order's side: a broker does not tell short sales apart."""
        return replace(execution, side=self.orders[execution.order_id].placed.side)

    def _order_of(self, entry: JournalEntry) -> str | None:
        match entry:
            case Execution():
                return entry.order_id
            case ExecutionCorrection():
                return self.fills.own[entry.execution_id].order_id
        return None


def _may_sell_yet(state: OrderState) -> bool:
    return state.is_terminal and state.needs_snapshot and state.order.side.sign < 0 and state.remaining_quantity > 0


def by_age(orders: Iterable[TrackedOrder]) -> list[TrackedOrder]:
    """Orders by when they were placed, the earlier first: the same after a restart as without one."""
    return sorted(orders, key=_age)


def _age(order: TrackedOrder) -> tuple[datetime, str]:
    return order.placed_at, order.placed.order_id
