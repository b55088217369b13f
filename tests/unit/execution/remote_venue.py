"""A broker in another program, for tests: a book of orders of its own, and a line to it that loses what it likes.

The venue knows nothing of the order manager; it has orders, fills, positions and cash as a broker has them. What is
sent waits in `inbound` until it is delivered, what is told waits in `outbound` until it is read: tests drop, repeat
and reorder both. `MemoryJournal` is the durable journal, which outlives every manager.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Final

from tests.trading import ACCOUNT
from tickledger.domain.broker import (
    BrokerFill,
    BrokerOrder,
    BrokerPosition,
    BrokerSnapshot,
    CommissionReport,
    Connectivity,
    ConnectivityChange,
)
from tickledger.domain.errors import BrokerUnavailableError, ConfigurationError, FencedError, LedgerError
from tickledger.domain.execution import Execution
from tickledger.domain.order import (
    Order,
    OrderEvent,
    OrderModification,
    OrderReport,
    OrderSide,
    OrderStatus,
)
from tickledger.domain.ports import RemoteReport
from tickledger.execution.clock import ReplayClock
from tickledger.execution.order_fills import fills_of
from tickledger.execution.order_journal import AccountRecord, AnyEntry, JournalEntry, NewOrder, Opening, OrderPlaced

START: Final = datetime(2012, 1, 4, 14, 30, tzinfo=UTC)
OPENING: Final = Opening({"X": Decimal(50)}, cash=Decimal(100_000), session_date=date(2012, 1, 3))
ESTIMATE, CHARGE = Decimal("1.00"), Decimal("1.37")
WORKING, FILLED, CANCELLED, REJECTED = "working", "filled", "cancelled", "rejected"
_TOLD: Final = {FILLED: OrderStatus.FILLED, CANCELLED: OrderStatus.CANCELLED, REJECTED: OrderStatus.REJECTED}


class KilledError(BaseException):
    """The process died here."""


@dataclass
class VenueFill:
    """A fill with all its revisions, the last of which counts."""

    revisions: list[BrokerFill]
    is_charged: bool = False

    @property
    def latest(self) -> Execution:
        return self.revisions[-1].execution


@dataclass
class VenueOrder:
    """An order as the venue has it; `reference` is empty for one entered by hand."""

    order_id: str
    reference: str
    terms: Order
    status: str = WORKING
    fills: list[VenueFill] = field(default_factory=list)

    @property
    def filled(self) -> Decimal:
        return sum((fill.latest.quantity for fill in self.fills), Decimal(0))

    @property
    def told_status(self) -> OrderStatus:
        working = OrderStatus.PARTIALLY_FILLED if self.filled else OrderStatus.SUBMITTED
        return _TOLD.get(self.status, working)


class Venue:
    """The broker's side. `connect`ed or not, its market goes on."""

    def __init__(self, clock: ReplayClock) -> None:
        self.clock = clock
        self.orders: list[VenueOrder] = []
        self.inbound: list[tuple[str, Order, OrderModification | None]] = []
        self.outbound: list[RemoteReport] = []
        self.is_connected = True
        self.answers = True
        self.tells_completed = True
        self.tells_all_revisions = False
        self.counts_fills = True
        self.late: list[RemoteReport] = []
        self.holdings = dict(OPENING.holdings)
        self.fill_number = 0

    def tell(self, report: RemoteReport) -> None:
        if self.is_connected:
            self.outbound.append(report)

    def tell_status(self, order: VenueOrder, status: OrderStatus | None = None, reason: str = "") -> None:
        counted = order.filled if self.counts_fills else None
        self.tell(OrderReport(order.reference, status or order.told_status, self.clock.now(), reason, counted))

    def deliver(self, index: int = 0) -> None:
        """What was sent arrives."""
        kind, order, modification = self.inbound.pop(index)
        known = self.of(order.order_id)
        match kind:
            case "place":
                self.enter(order, order.order_id)
            case "cancel" if known is not None and known.status == WORKING:
                self.end(known, CANCELLED, "cancelled on request")
            case "modify" if known is not None and known.status == WORKING and modification is not None:
                if modification.quantity is not None and modification.quantity > known.filled:
                    known.terms = replace(known.terms, quantity=modification.quantity)
                self.tell_status(known)

    def enter(self, order: Order, reference: str) -> VenueOrder:
        entered = VenueOrder(f"perm{len(self.orders)}", reference, order)
        self.orders.append(entered)
        self.tell_status(entered)
        return entered

    def end(self, order: VenueOrder, status: str, reason: str = "") -> None:
        order.status = status
        self.tell_status(order, reason=reason)

    def tell_late(self) -> None:
        """The fills that were held back are told."""
        held_back, self.late = self.late, []
        for report in held_back:
            self.tell(report)

    def fill(
        self, order: VenueOrder, quantity: Decimal, price: Decimal = Decimal(10), *, is_late: bool = False
    ) -> VenueFill:
        """Fill shares; one that `is_late` is told by `tell_late`, and whatever else there is to tell before it."""
        self.fill_number += 1
        execution = Execution(
            execution_id=f"0000e0d5.{self.fill_number:04d}.01.01",
            order_id=order.reference,
            account_id=ACCOUNT.account_id,
            symbol=order.terms.symbol,
            side=OrderSide.BUY if order.terms.side.sign > 0 else OrderSide.SELL,
            quantity=quantity,
            price=price,
            commission=ESTIMATE,
            fees=Decimal(0),
            executed_at=self.clock.now(),
            trade_date=self.clock.now().date(),
            exchange="ISLAND",
            commission_is_estimated=True,
        )
        fill = VenueFill([BrokerFill(execution, order.order_id)])
        order.fills.append(fill)
        if is_late:
            self.late.append(fill.revisions[0])
        else:
            self.tell(fill.revisions[0])
        if order.filled >= order.terms.quantity:
            order.status = FILLED
        if not is_late:
            self.tell_status(order)
        return fill

    def correct(self, fill: VenueFill, quantity: Decimal, price: Decimal) -> None:
        before = fill.revisions[-1]
        identity = f"{before.execution.execution_id[:-2]}{len(fill.revisions) + 1:02d}"
        revised = replace(before.execution, execution_id=identity, quantity=quantity, price=price)
        fill.revisions.append(BrokerFill(revised, before.broker_order_id, before.execution.execution_id))
        fill.is_charged = False
        self.tell(fill.revisions[-1])

    def charge(self, fill: VenueFill) -> None:
        fill.is_charged = True
        self.tell(self._charge(fill))

    def _charge(self, fill: VenueFill) -> CommissionReport:
        return CommissionReport(fill.latest.execution_id, CHARGE, "USD", self.clock.now())

    def disconnect(self) -> None:
        """The line is lost with everything on it but what had arrived."""
        self.inbound.clear()
        self.outbound = [ConnectivityChange(Connectivity.DISCONNECTED, self.clock.now(), "1100")]
        self.is_connected = False

    def reconnect(self) -> None:
        self.is_connected = True
        self.tell(ConnectivityChange(Connectivity.CONNECTED, self.clock.now(), "1102", needs_snapshot=True))

    def of(self, reference: str) -> VenueOrder | None:
        return next((order for order in self.orders if order.reference == reference), None)

    def fills(self) -> list[VenueFill]:
        return [fill for order in self.orders for fill in order.fills]

    def positions(self) -> dict[str, Decimal]:
        held = dict(self.holdings)
        for fill in (fill.latest for fill in self.fills()):
            held[fill.symbol] = held.get(fill.symbol, Decimal(0)) + fill.side.sign * fill.quantity
        return {symbol: quantity for symbol, quantity in held.items() if quantity}

    def cash(self) -> Decimal:
        assert OPENING.cash is not None
        paid = (fill.side.sign * fill.quantity * fill.price for fill in (fill.latest for fill in self.fills()))
        charged = CHARGE * sum(1 for fill in self.fills() if fill.latest.quantity)
        return OPENING.cash - sum(paid, Decimal(0)) - charged

    def snapshot(self) -> BrokerSnapshot:
        if not (self.is_connected and self.answers):
            raise BrokerUnavailableError("account updates: expected an answer within 4 s, found none")
        orders = [self._order(order) for order in self.orders]
        fills = [
            fill
            for told in self.fills()
            for fill in (told.revisions if self.tells_all_revisions else told.revisions[-1:])
        ]
        return BrokerSnapshot(
            account_id=ACCOUNT.account_id,
            taken_at=self.clock.now(),
            open_orders=tuple(o for o, known in zip(orders, self.orders, strict=True) if known.status == WORKING),
            completed_orders=tuple(o for o, known in zip(orders, self.orders, strict=True) if known.status != WORKING)
            if self.tells_completed
            else None,
            fills=tuple(reversed(fills)),
            commissions=tuple(self._charge(fill) for fill in self.fills() if fill.is_charged),
            positions=tuple(
                BrokerPosition(ACCOUNT.account_id, symbol, quantity, Decimal(10))
                for symbol, quantity in self.positions().items()
            ),
            cash=self.cash(),
        )

    @staticmethod
    def _order(order: VenueOrder) -> BrokerOrder:
        return BrokerOrder(
            order_id=order.reference or None,
            broker_order_id=order.order_id,
            account_id=ACCOUNT.account_id,
            symbol=order.terms.symbol,
            side=OrderSide.BUY if order.terms.side.sign > 0 else OrderSide.SELL,
            quantity=order.terms.quantity,
            filled_quantity=order.filled,
            status=order.told_status,
            order_type=order.terms.order_type,
            raw_type="LMT",
            time_in_force=order.terms.time_in_force,
            limit_price=order.terms.limit_price,
            stop_price=order.terms.stop_price,
        )


class Line:
    """The RemoteBroker port of a process: what is sent is counted, and the process may die while it sends."""

    def __init__(self, venue: Venue, sent: list[str]) -> None:
        self._venue = venue
        self.sent = sent
        self.dies: str = ""

    async def place(self, order: Order) -> None:
        if self.dies == "before":
            raise KilledError
        self.sent.append(order.order_id)
        self._send("place", order)
        if self.dies == "after":
            raise KilledError

    async def modify(self, order: Order, modification: OrderModification) -> None:
        self._send("modify", order, modification)

    async def cancel(self, order_id: str) -> None:
        if self.dies == "cancel":
            raise KilledError
        order = next((order for kind, order, _ in self._venue.inbound if order.order_id == order_id), None)
        known = self._venue.of(order_id)
        if (found := order or (known.terms if known is not None else None)) is not None:
            self._send("cancel", replace(found, order_id=order_id))

    async def cancel_all(self) -> None:
        self._venue.inbound = [sent for sent in self._venue.inbound if sent[0] != "place"]
        for order in self._venue.orders:
            if order.status == WORKING:
                self._venue.end(order, CANCELLED, "global cancel")

    async def reports(self) -> Sequence[RemoteReport]:
        told, self._venue.outbound = self._venue.outbound, []
        return told

    async def snapshot(self) -> BrokerSnapshot:
        return self._venue.snapshot()

    def _send(self, kind: str, order: Order, modification: OrderModification | None = None) -> None:
        if self._venue.is_connected:
            self._venue.inbound.append((kind, order, modification))


class MemoryJournal:
    """A durable journal in memory. `fails` next: "before" or "after" it has kept what it was given; or "fenced"."""

    def __init__(self, opening: Opening = OPENING) -> None:
        self.opening = opening
        self.entries: list[AnyEntry] = []
        self.fails = ""
        self.transactions = 0
        self.closed_entries: int | None = None

    def load(self, account_id: str) -> AccountRecord:
        return AccountRecord(account_id, self.opening, Decimal(0), tuple(self.entries), self._settled())

    def _settled(self) -> tuple[Execution, ...]:
        """The fills up to the day of the opening: as they were when it was made, where a test has said that."""
        opened, known = self.opening.session_date, fills_of(self.entries[: self.closed_entries])
        return tuple(fill for fill in known if opened is not None and fill.trade_date <= opened)

    def find_order(self, account_id: str, order_id: str) -> tuple[AnyEntry, ...]:
        assert account_id == ACCOUNT.account_id
        return tuple(entry for entry in self.entries if _order_of(entry) == order_id)

    def record_orders(self, account_id: str, placed: Sequence[NewOrder]) -> None:
        assert account_id == ACCOUNT.account_id
        if self.fails == "fenced":
            raise FencedError("another session trades")
        known = {entry.order.order_id for entry in self.entries if isinstance(entry, OrderPlaced)}
        if there := known & {new.order.order_id for new in placed}:
            raise LedgerError(f"orders {', '.join(sorted(there))} are there already")
        self._keep([row for new in placed for row in (OrderPlaced(new.order), new.event)])

    def record(self, account_id: str, entries: Sequence[JournalEntry]) -> None:
        assert account_id == ACCOUNT.account_id
        self._keep(entries)

    def events(self, order_id: str) -> list[OrderEvent]:
        return [entry for entry in self.entries if isinstance(entry, OrderEvent) and entry.order_id == order_id]

    def _keep(self, entries: Sequence[AnyEntry]) -> None:
        how, self.fails = self.fails, ""
        if how == "before":
            raise ConfigurationError("the disk is full")
        self.entries.extend(entries)
        self.transactions += 1
        if how == "after":
            raise ConfigurationError("the connection was lost while it committed")


def _order_of(entry: AnyEntry) -> str:
    match entry:
        case OrderPlaced(order):
            return order.order_id
        case OrderEvent() | Execution():
            return entry.order_id
    return ""
