"""The record of an account beside the broker's whole view of it: what to book, what to tell, what does not agree.

After the entries of a `Reconciliation` are appended these hold, or a `Break` with numbers says where they do not:

    fills      every fill that the broker tells with a reference of ours is in the record once, and the filled shares
               of an order are those that the broker has of it
    orders     every working order at the broker with a reference of ours is in the record, and working there, once
    positions  of each symbol: opening + Σ fills since + Σ foreign fills since = the broker's position. Since are those
               that the opening does not have, and what was corrected of those that it has
    cash       opening + Σ cash moved since + Σ cash of all fills since, charges included = the broker's cash

Running it again on what it left changes nothing. What the broker does not say is never inferred from one answer that
is missing; of an order that it does not show at all:

    it has not left us yet                  as it is
    the broker has not told what is over    UNKNOWN
    sent, or heard of, a moment ago         as it is: the order and the snapshot may have crossed
    sent today and never answered           CANCELLED, it never reached the broker
    answered once, or of an earlier day     CANCELLED where the position of its symbol agrees with the record and no
                                            other order of the symbol is in doubt; otherwise UNKNOWN, with a break

A broker tells the fills of the current day only. That an order of ours is over which the record has as working, or
works though the record has it as over, the broker decides; it never has fewer fills than the record.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from tickledger.domain.broker import BrokerOrder, BrokerSnapshot
from tickledger.domain.errors import BrokerUnavailableError, Problem
from tickledger.domain.execution import Execution
from tickledger.domain.order import OrderModification, OrderStatus
from tickledger.execution.order_book import OrderBook, TrackedOrder
from tickledger.execution.order_journal import (
    AccountRecord,
    AmendmentSource,
    ForeignExecution,
    JournalEntry,
    OrderAmendment,
    new_york_date,
)
from tickledger.execution.order_news import News, ended_status, is_over, news_of_fills, working_status
from tickledger.execution.order_state import OrderState
from tickledger.execution.portfolio import cash_effect

NEVER_ARRIVED: Final = "never reached the broker"
#: How long after an order was sent a snapshot may not show it yet.
PATIENCE: Final = timedelta(seconds=10)
_CENT: Final = Decimal("0.01")
_NOTHING: Final = Decimal(0)


class BreakKind(StrEnum):
    """What does not agree."""

    FILLS = "fills"
    ORDER = "order"
    TERMS = "terms"
    POSITION = "position"
    CASH = "cash"


@dataclass(frozen=True, slots=True)
class Break:
    """One difference between the record and the broker, in shares or USD; `subject` is an order, symbol or account."""

    kind: BreakKind
    subject: str
    in_record: Decimal
    at_broker: Decimal
    reason: str


@dataclass(frozen=True, slots=True)
class Doubts:
    """What is not certain of an account: sales that may go on, and positions that the record does not explain.

    `may_sell_yet` are said to be over, and the broker has not confirmed how many shares it has filled of them.
    """

    may_sell_yet: list[OrderState]
    unexplained: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class OrderTransition:
    """An order that is in another state than the record had it."""

    order_id: str
    before: OrderStatus
    after: OrderStatus


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What comes of it. `entries` are to be appended to the journal; `unresolved` orders are to be asked for again.

    `missing_fills` and `foreign_fills` are those that were not in the record; `foreign_orders` work at the broker and
    are not ours: they are told, and never touched.
    """

    entries: tuple[JournalEntry, ...]
    transitions: tuple[OrderTransition, ...]
    missing_fills: tuple[Execution, ...]
    foreign_orders: tuple[BrokerOrder, ...]
    foreign_fills: tuple[ForeignExecution, ...]
    breaks: tuple[Break, ...]
    unresolved: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def is_clean(self) -> bool:
        """Whether record and broker agree, and nothing is in doubt."""
        return not (self.breaks or self.unresolved or self.problems)

    @property
    def unexplained(self) -> Mapping[str, Decimal]:
        """How many shares more than the record the broker has of a symbol, fewer below 0; none where they agree."""
        breaks = [each for each in self.breaks if each.kind is BreakKind.POSITION]
        return {each.subject: each.at_broker - each.in_record for each in breaks}


def reconciled(
    record: AccountRecord, snapshot: BrokerSnapshot, *, patience: timedelta = PATIENCE, book: OrderBook | None = None
) -> Reconciliation:
    """Bring the record to where the broker is; raises BrokerUnavailableError for a snapshot of another account.

    What is found is entered in `book`, where there is one of all entries already, in the place of the record's.
    """
    if snapshot.account_id != record.account_id:
        expected, found = record.account_id, snapshot.account_id
        raise BrokerUnavailableError(f"expected a snapshot of account {expected}, found one of {found}")
    return _Reconciling(record, snapshot, patience, OrderBook(record.entries) if book is None else book).result()


def position_problems(found: Reconciliation, before: Reconciliation | None) -> list[Problem]:
    """The positions at the broker that are not those of the record, and were not so `before` already."""
    known = () if before is None else before.breaks
    return [
        Problem(
            where=f"position of {each.subject}",
            expected=f"{each.in_record:f} shares, as the record has it",
            found=f"{each.at_broker:f} at the broker: what is not ours is left alone, and none are bought before the "
            "record has what it lacks",
        )
        for each in found.breaks
        if each.kind is BreakKind.POSITION and each not in known
    ]


class _Reconciling:
    """One reconciliation at work."""

    def __init__(self, record: AccountRecord, snapshot: BrokerSnapshot, patience: timedelta, book: OrderBook) -> None:
        self._record = record
        self._snapshot = snapshot
        self._patience = patience
        self._book = book
        self._before = {order_id: order.state.status for order_id, order in self._book.orders.items()}
        self._breaks: list[Break] = []
        self._unresolved: list[str] = []
        self._absent: list[str] = []

    def result(self) -> Reconciliation:
        at_broker = self._by_reference()
        self._book_fills()
        for order_id, tracked in list(self._book.orders.items()):
            if not tracked.is_parent:
                self._settle(order_id, at_broker.get(order_id))
        self._check_positions()
        self._decide_absent()
        self._check_fills(at_broker)
        self._check_orders(at_broker)
        self._check_cash()
        return self._told()

    def _told(self) -> Reconciliation:
        entries = tuple(self._book.take_news())
        return Reconciliation(
            entries=entries,
            transitions=tuple(self._transitions()),
            missing_fills=tuple(entry for entry in entries if isinstance(entry, Execution)),
            foreign_orders=tuple(order for order in self._snapshot.open_orders if not self._is_ours(order.order_id)),
            foreign_fills=tuple(entry for entry in entries if isinstance(entry, ForeignExecution)),
            breaks=tuple(self._breaks),
            unresolved=tuple(self._unresolved),
            problems=tuple(self._book.take_problems()),
        )

    def _transitions(self) -> Iterable[OrderTransition]:
        for order_id, before in self._before.items():
            after = self._book.orders[order_id].state.status
            if after is not before:
                yield OrderTransition(order_id, before, after)

    def _is_ours(self, order_id: str | None) -> bool:
        return order_id in self._book.orders

    def _book_fills(self) -> None:
        for fill in sorted(self._snapshot.fills, key=lambda fill: fill.execution.executed_at):
            self._book.hear_fill(fill, at=self._snapshot.taken_at)
        for report in self._snapshot.commissions:
            self._book.hear_commission(report)

    def _by_reference(self) -> Mapping[str, BrokerOrder]:
        """The broker's order of each of our references: what is over before what works, if it is the same order."""
        found: dict[str, dict[str, BrokerOrder]] = defaultdict(dict)
        for order in (*self._snapshot.open_orders, *(self._snapshot.completed_orders or ())):
            if order.order_id is not None and self._is_ours(order.order_id):
                found[order.order_id][order.broker_order_id] = order
        for order_id, orders in found.items():
            if len(orders) > 1:
                reason = f"orders at the broker with one reference: {', '.join(sorted(orders))}"
                self._break(BreakKind.ORDER, order_id, Decimal(1), Decimal(len(orders)), reason)
        return {
            order_id: min(orders.values(), key=lambda order: is_over(order.status))
            for order_id, orders in found.items()
        }

    def _settle(self, order_id: str, at_broker: BrokerOrder | None) -> None:
        if at_broker is None:
            if not self._book.orders[order_id].state.is_terminal:
                self._absent.append(order_id)
        elif is_over(at_broker.status):
            self._settle_over(order_id, at_broker)
        else:
            self._settle_working(order_id, at_broker)

    def _settle_working(self, order_id: str, at_broker: BrokerOrder) -> None:
        self._take_terms(order_id, at_broker)
        state = self._book.orders[order_id].state
        if state.remaining_quantity <= 0:
            self._weigh_fills(order_id)
            return
        if state.is_terminal:
            reason = f"the broker shows it working after it was {state.status}"
            self._break(BreakKind.ORDER, order_id, _NOTHING, at_broker.quantity - at_broker.filled_quantity, reason)
            self._enter(order_id, OrderStatus.UNKNOWN, reason)
        self._enter(order_id, working_status(state.filled_quantity), at_broker.reason)

    def _settle_over(self, order_id: str, at_broker: BrokerOrder) -> None:
        tracked = self._book.orders[order_id]
        state = tracked.state
        if state.filled_quantity >= tracked.most:
            self._weigh_fills(order_id)
        elif at_broker.status is not OrderStatus.FILLED:
            self._enter(order_id, ended_status(state, at_broker.status, most=tracked.most), at_broker.reason)
        elif 0 < at_broker.filled_quantity <= state.filled_quantity:
            self._enter(order_id, OrderStatus.FILLED, f"filled at the broker with {state.filled_quantity}")
        else:
            self._doubt(order_id)

    def _weigh_fills(self, order_id: str) -> None:
        """Say that an order is filled whose fills add up; what was flagged once is not flagged again."""
        tracked = self._book.orders[order_id]
        if tracked.state.status is not OrderStatus.FILLED:
            news = news_of_fills(tracked.state, most=tracked.most)
            self._book.follow(order_id, news, at=self._snapshot.taken_at, reason="")

    def _take_terms(self, order_id: str, at_broker: BrokerOrder) -> None:
        """Take the broker's terms of a working order, unless a modification may still be on its way."""
        tracked = self._book.orders[order_id]
        is_asked = tracked.requested_from is not None
        is_recent = tracked.amended_at is not None and self._is_recent(tracked.amended_at)
        if is_asked and (is_recent or order_id in self._snapshot.unsent):
            self._doubt(order_id)
            return
        terms = _other_terms(tracked, at_broker)
        if terms is None and not is_asked:
            return
        if terms is not None:
            self._tell_terms(tracked, terms)
        confirmed = terms or OrderModification(quantity=tracked.state.order.quantity)
        at = self._snapshot.taken_at
        amendment = OrderAmendment(
            order_id, tracked.amendments, confirmed, AmendmentSource.BROKER, at, new_york_date(at)
        )
        self._book.emit(amendment)

    def _tell_terms(self, tracked: TrackedOrder, terms: OrderModification) -> None:
        order = tracked.state.order
        for name in (field.name for field in fields(terms)):
            ours, theirs = getattr(order, name), getattr(terms, name)
            if theirs is not None:
                self._break(BreakKind.TERMS, order.order_id, ours, theirs, f"the broker works it with another {name}")

    def _decide_absent(self) -> None:
        """Decide about the orders that the broker does not show, as the module's table says."""
        doubtful = Counter(self._book.orders[order_id].placed.symbol for order_id in self._absent)
        broken = {found.subject for found in self._breaks if found.kind is BreakKind.POSITION}
        for order_id in self._absent:
            tracked = self._book.orders[order_id]
            symbol = tracked.placed.symbol
            if tracked.state.filled_quantity >= tracked.most:
                self._weigh_fills(order_id)
            else:
                self._decide(tracked, is_agreed=symbol not in broken and doubtful[symbol] == 1)

    def _decide(self, tracked: TrackedOrder, *, is_agreed: bool) -> None:
        order_id, at = tracked.placed.order_id, self._snapshot.taken_at
        is_of_today = new_york_date(tracked.placed_at) == new_york_date(at)
        if order_id in self._snapshot.unsent:
            self._doubt(order_id)
        elif self._snapshot.completed_orders is None:
            self._enter(order_id, OrderStatus.UNKNOWN, "the broker did not tell which orders are over")
            self._doubt(order_id)
        elif self._is_recent(max(tracked.placed_at, tracked.heard_at)):
            self._doubt(order_id)
        elif is_of_today and not tracked.is_acknowledged:
            self._enter(order_id, OrderStatus.CANCELLED, NEVER_ARRIVED)
        elif is_agreed:
            reason = "gone from the broker; the position agrees with the record"
            self._enter(order_id, OrderStatus.CANCELLED, reason)
        else:
            self._enter(order_id, OrderStatus.UNKNOWN, "gone from the broker, and the position does not say how")
            reason = "the broker does not tell of it any more: look at its statement"
            self._break(BreakKind.ORDER, order_id, tracked.state.remaining_quantity, _NOTHING, reason)
            self._doubt(order_id)

    def _check_positions(self) -> None:
        held: dict[str, Decimal] = defaultdict(Decimal)
        held.update(self._record.opening.holdings)
        for sign, execution in self._since_opening():
            held[execution.symbol] += sign * execution.side.sign * execution.quantity
        at_broker = {row.symbol: row.quantity for row in self._snapshot.positions}
        for symbol in sorted(held.keys() | at_broker.keys()):
            expected, found = held.get(symbol, _NOTHING), at_broker.get(symbol, _NOTHING)
            if expected != found:
                reason = "opening + fills + foreign fills of the record, against the broker's position"
                self._break(BreakKind.POSITION, symbol, expected, found, reason)

    def _check_fills(self, at_broker: Mapping[str, BrokerOrder]) -> None:
        for fill in self._snapshot.fills:
            if self._book.fills.family(fill.execution.execution_id) is None:
                reason = f"fill {fill.execution.execution_id} could not be booked"
                self._break(BreakKind.FILLS, fill.execution.order_id, _NOTHING, fill.execution.quantity, reason)
        for order_id, order in at_broker.items():
            ours, theirs = self._book.orders[order_id].state.filled_quantity, order.filled_quantity
            if theirs > ours or (is_over(order.status) and 0 < theirs < ours):
                self._break(BreakKind.FILLS, order_id, ours, theirs, "filled shares of the order")
                self._doubt(order_id)

    def _check_orders(self, at_broker: Mapping[str, BrokerOrder]) -> None:
        for order_id, order in at_broker.items():
            state = self._book.orders[order_id].state
            if not is_over(order.status) and state.is_terminal and state.remaining_quantity > 0:
                self._break(BreakKind.ORDER, order_id, _NOTHING, order.quantity, f"works at the broker, {state.status}")

    def _check_cash(self) -> None:
        if self._record.opening.cash is None:
            return
        fills = self._since_opening()
        moved = sum((sign * cash_effect(execution) for sign, execution in fills), _NOTHING)
        expected = self._record.opening.cash + self._record.cash_moved + moved
        if abs(expected - self._snapshot.cash) < _CENT:
            return
        estimates = [execution for sign, execution in fills if sign > 0 and execution.commission_is_estimated]
        guessed = sum((execution.commission + execution.fees for execution in estimates), _NOTHING)
        reason = f"{len(estimates)} of {len(fills)} charges are not told yet, estimated at {guessed}"
        self._break(BreakKind.CASH, self._record.account_id, expected, self._snapshot.cash, reason)

    def _since_opening(self) -> Sequence[tuple[int, Execution]]:
        """Every fill, ours and foreign, that the opening does not have so: to be added, and to be taken away."""
        fills = self._book.fills
        foreign = {root: entry.execution for root, entry in fills.foreign.items()}
        known = {row.execution_id: row for row in self._record.settled if row.quantity}
        standing = {root: row for root, row in (foreign | fills.own).items() if row.quantity}
        added = [(1, row) for root, row in standing.items() if known.get(root) != row]
        return [*added, *((-1, row) for root, row in known.items() if standing.get(root) != row)]

    def _is_recent(self, instant: datetime) -> bool:
        return self._snapshot.taken_at - instant < self._patience

    def _enter(self, order_id: str, status: OrderStatus, reason: str) -> None:
        if self._book.orders[order_id].state.status is not status:
            self._book.follow(order_id, News((status,)), at=self._snapshot.taken_at, reason=reason)

    def _doubt(self, order_id: str) -> None:
        if order_id not in self._unresolved:
            self._unresolved.append(order_id)

    def _break(self, kind: BreakKind, subject: str, in_record: Decimal, at_broker: Decimal, reason: str) -> None:
        self._breaks.append(Break(kind, subject, in_record, at_broker, reason))


def _other_terms(tracked: TrackedOrder, at_broker: BrokerOrder) -> OrderModification | None:
    """The broker's terms of the order that are not ours, None where all are."""
    order = tracked.state.order
    pairs = {
        "quantity": (order.quantity, at_broker.quantity),
        "limit_price": (order.limit_price, at_broker.limit_price),
        "stop_price": (order.stop_price, at_broker.stop_price),
    }
    other = {name: theirs for name, (ours, theirs) in pairs.items() if None not in {ours, theirs} and ours != theirs}
    return OrderModification(**other) if other else None
