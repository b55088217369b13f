"""What we know of each order from the wire alone, and what of it is to be told.

An order is over only when IB's own status says so (Cancelled, ApiCancelled, Inactive, Filled), when its fills make
up its quantity, or when a rejection answers it before any acknowledgement. Every other error on it, and every silence,
makes it UNKNOWN, and the broker is asked. An end is told only when the fills that its status counts have come, too.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tickledger.domain.broker import BrokerFill
from tickledger.domain.order import Order, OrderReport, OrderSide, OrderStatus
from tickledger.domain.ports import Clock
from tickledger.ib.errors import ErrorClass, meaning_of
from tickledger.ib.fills import FillBook
from tickledger.ib.library import LibraryObject
from tickledger.ib.orders import ENDED_STATUSES, FILLED_STATUS, WORKING_STATUSES, price, shares, side_of

_NOTHING: Final = Decimal(0)
_TELLING: Final = frozenset({ErrorClass.ORDER_NOTICE, ErrorClass.NOTICE, ErrorClass.ORDER_CANCELLED})


@dataclass(frozen=True, slots=True)
class End:
    """An end that IB's status tells and whose fills have not all come: what it is, and how much was filled."""

    status: OrderStatus
    filled: Decimal
    reason: str


@dataclass(slots=True)
class TrackedOrder:
    """An order of ours: where it is, and what is under way. `order` is None where an earlier run placed it.

    `ib_order_id` is 0 as long as it is not known. `proposed` is what a modification that is under way would make of
    the order. `is_over` says that its end was told, `is_over_by_code` that only an error code says so. `owes_cancel`:
    a cancel was asked for and has not been sent. A quantity that was not told is infinite.
    """

    order_id: str
    quantity: Decimal
    side: OrderSide | None = None
    order: Order | None = None
    ib_order_id: int = 0
    client_id: int | None = None
    perm_id: int = 0
    status: OrderStatus = OrderStatus.PENDING
    is_sent: bool = False
    is_acknowledged: bool = False
    is_over: bool = False
    is_over_by_code: bool = False
    is_cancel_requested: bool = False
    owes_cancel: bool = False
    why: str = ""
    proposed: Order | None = None
    end: End | None = None


@dataclass(frozen=True, slots=True)
class Outlets:
    """Where the tracker says things.

    Reports, that the broker has to be asked, that an order's end waits for its fills, and what contradicts what was
    told before.
    """

    report: Callable[[OrderReport], None]
    ask: Callable[[], None]
    await_fills: Callable[["TrackedOrder"], None]
    contradiction: Callable[[str], None]


class OrderTracker:
    """The orders of one client id. The methods named `take_` are given what comes over the wire."""

    def __init__(self, *, client_id: int, account_id: str, book: FillBook, clock: Clock, outlets: Outlets) -> None:
        self._client_id = client_id
        self._account_id = account_id
        self._book = book
        self._clock = clock
        self._outlets = outlets
        self._orders: dict[str, TrackedOrder] = {}
        self._by_ib_id: dict[int, TrackedOrder] = {}
        self._by_perm_id: dict[int, TrackedOrder] = {}

    def __iter__(self) -> Iterator[TrackedOrder]:
        return iter(list(self._orders.values()))

    def get(self, order_id: str) -> TrackedOrder | None:
        """What is known of an order, None of one that was neither placed nor heard of."""
        return self._orders.get(order_id)

    def has_open_questions(self) -> bool:
        """Whether an order was sent of which no end was told."""
        return any(tracked.is_sent and not tracked.is_over for tracked in self._orders.values())

    def add(self, order: Order) -> TrackedOrder:
        """An order that is about to be sent."""
        tracked = TrackedOrder(order.order_id, order.quantity, order.side, order, client_id=self._client_id)
        self._orders[order.order_id] = tracked
        return tracked

    def adopt(self, order: Order) -> TrackedOrder:
        """An order that an earlier run sent, or may have sent."""
        tracked = self._orders.setdefault(order.order_id, TrackedOrder(order.order_id, order.quantity))
        tracked.order, tracked.side, tracked.is_sent = order, order.side, True
        if tracked.status is OrderStatus.PENDING:
            tracked.status = OrderStatus.UNKNOWN
        return tracked

    def hear_of(self, order_id: str) -> TrackedOrder:
        """An order of which only the id is known."""
        tracked = TrackedOrder(order_id, Decimal("Infinity"), status=OrderStatus.UNKNOWN, is_sent=True)
        return self._orders.setdefault(order_id, tracked)

    def sent(self, tracked: TrackedOrder, ib_order_id: int) -> None:
        """The order is on its way under this id."""
        tracked.is_sent, tracked.ib_order_id = True, ib_order_id
        self._by_ib_id[ib_order_id] = tracked

    def tell(
        self, tracked: TrackedOrder, status: OrderStatus, reason: str = "", *, filled: Decimal | None = None
    ) -> None:
        """Report a step; one that says nothing new is not told."""
        if status is tracked.status and not reason:
            return
        tracked.status = status
        self._outlets.report(OrderReport(tracked.order_id, status, self._clock.now(), reason, filled))

    def finish(self, tracked: TrackedOrder, status: OrderStatus, reason: str = "", *, by_code: bool = False) -> None:
        """Report the end of an order, once, with the shares that the broker counts, where it counts them."""
        if tracked.is_over:
            return
        tracked.is_over, tracked.is_over_by_code, tracked.end, tracked.proposed = True, by_code, None, None
        self.tell(tracked, status, reason or tracked.why, filled=None if by_code else self.filled(tracked))

    def doubt(self, tracked: TrackedOrder, reason: str) -> None:
        """The fate of the order is not known: say so, and ask."""
        if not tracked.is_over:
            self.tell(tracked, OrderStatus.UNKNOWN, reason)
            self._outlets.ask()

    def connection_lost(self, reason: str) -> None:
        """What was sent and not answered on a connection that is gone may have arrived or not."""
        for tracked in self:
            if not tracked.is_sent or tracked.is_over:
                continue
            tracked.owes_cancel = tracked.owes_cancel or tracked.is_cancel_requested
            if not tracked.is_acknowledged or tracked.proposed is not None or tracked.end is not None:
                tracked.proposed = tracked.end = None
                if tracked.status is not OrderStatus.UNKNOWN:
                    self.tell(tracked, OrderStatus.UNKNOWN, f"not answered before the connection was lost: {reason}")

    def take_open_order(self, ib_order_id: int, _: LibraryObject, order: LibraryObject, state: LibraryObject) -> None:
        """An order as IB has it, live or in a list."""
        if order.account not in {"", self._account_id} or order.whatIf:
            return
        tracked = self._orders.get(order.orderRef) or self._heard_of(order)
        if tracked is None:
            return
        self._identify(tracked, ib_order_id=ib_order_id, client_id=order.clientId, perm_id=order.permId)
        self._take_terms(tracked, order)
        if state.status in WORKING_STATUSES:
            self._take_working(tracked, filled=_NOTHING)

    def take_status(  # noqa: PLR0917  the arguments of the message
        self,
        ib_order_id: int,
        status: str,
        filled: float,
        _remaining: float,
        _average: float,
        perm_id: int,
        _parent: int,
        _last: float,
        client_id: int,
        why_held: str = "",
        *_: object,
    ) -> None:
        """IB's status of an order; it may come again, late, or before the order itself."""
        tracked = self._by_perm_id.get(perm_id) if perm_id else None
        if tracked is None and client_id == self._client_id:
            tracked = self._by_ib_id.get(ib_order_id)
            if tracked is not None and perm_id and tracked.perm_id not in {0, perm_id}:
                # The id was given away twice: this is another order's status.
                self._outlets.ask()
                return
        if tracked is None:
            return
        self._identify(tracked, ib_order_id=ib_order_id, client_id=client_id, perm_id=perm_id)
        self._take_state(tracked, status, shares(filled), why_held)

    def take_completed(self, order: LibraryObject, *, status: str, filled: Decimal, reason: str) -> None:
        """An order in the list of those that are over."""
        tracked = self._orders.get(order.orderRef)
        if tracked is None or tracked.is_over or not tracked.is_sent:
            return
        tracked.why = tracked.why or reason
        self._identify(tracked, ib_order_id=0, client_id=None, perm_id=order.permId)
        self._take_state(tracked, status, filled, "")

    def take_error(self, number: int, code: int, text: str, *_: object) -> None:
        """An error message that names an order of ours; any other is not the tracker's."""
        tracked = self._by_ib_id.get(number)
        if tracked is None:
            return
        meaning = meaning_of(code)
        told = f"error {code}: {text}"
        if meaning.error_class in _TELLING:
            tracked.why = told if meaning.error_class is ErrorClass.ORDER_CANCELLED else tracked.why
        elif tracked.is_over:
            return
        elif tracked.proposed is not None:
            self._refuse_modification(tracked, told)
        elif meaning.ends_unacknowledged_order and not tracked.is_acknowledged:
            self.finish(tracked, OrderStatus.REJECTED, told, by_code=True)
        elif meaning.error_class is ErrorClass.MODIFICATION_REJECTED:
            self.tell(tracked, tracked.status, f"modification refused: {told}")
        else:
            tracked.why = told if meaning.ends_unacknowledged_order else tracked.why
            self.doubt(tracked, told)

    def take_fill(self, fill: BrokerFill) -> None:
        """A fill of an order of ours, already in the book."""
        tracked = self._orders.get(fill.execution.order_id)
        if tracked is None:
            return
        tracked.is_sent = tracked.is_acknowledged = True
        if fill.broker_order_id.isdigit():
            self._identify(tracked, ib_order_id=0, client_id=None, perm_id=int(fill.broker_order_id))
        filled = self.filled(tracked)
        if tracked.end is not None and filled >= tracked.end.filled:
            self.finish(tracked, tracked.end.status, tracked.end.reason)
        elif tracked.end is None and tracked.proposed is None and filled >= tracked.quantity:
            self.finish(tracked, OrderStatus.FILLED)
        elif not tracked.is_over:
            self.tell(tracked, OrderStatus.PARTIALLY_FILLED)

    def filled(self, tracked: TrackedOrder) -> Decimal:
        """Shares of the order for which we were told a fill."""
        return self._book.filled(order_id=tracked.order_id)

    def _heard_of(self, order: LibraryObject) -> TrackedOrder | None:
        """An order of this client id that an earlier run placed."""
        if not order.orderRef or order.clientId != self._client_id:
            return None
        return self.hear_of(order.orderRef)

    def _identify(self, tracked: TrackedOrder, *, ib_order_id: int, client_id: int | None, perm_id: int) -> None:
        if client_id is not None:
            tracked.client_id = client_id
        if ib_order_id > 0 and client_id == self._client_id:
            tracked.ib_order_id = ib_order_id
            self._by_ib_id[ib_order_id] = tracked
        if perm_id > 0:
            tracked.perm_id = perm_id
            self._by_perm_id[perm_id] = tracked

    def _take_terms(self, tracked: TrackedOrder, order: LibraryObject) -> None:
        """The terms that IB has: those of the modification that is under way, or those before it."""
        proposed = tracked.proposed
        if proposed is not None and _has_terms(order, proposed):
            tracked.order, tracked.proposed, tracked.quantity = proposed, None, proposed.quantity
            if tracked.status is not OrderStatus.UNKNOWN:
                self.tell(tracked, tracked.status, "modified")
        elif proposed is not None and tracked.status is OrderStatus.UNKNOWN:
            self._refuse_modification(tracked, "the broker has the order as it was")
        elif proposed is None and order.totalQuantity:
            tracked.quantity = shares(order.totalQuantity)

    def _refuse_modification(self, tracked: TrackedOrder, why: str) -> None:
        tracked.proposed = None
        status = OrderStatus.PARTIALLY_FILLED if self.filled(tracked) else OrderStatus.SUBMITTED
        self.tell(tracked, status, f"modification refused: {why}")
        self._outlets.ask()

    def _take_working(self, tracked: TrackedOrder, *, filled: Decimal) -> None:
        if tracked.is_over:
            if tracked.is_over_by_code:
                tracked.is_over_by_code = False
                self._outlets.contradiction(f"order {tracked.order_id} works at the broker; it was told {tracked.why}")
            return
        tracked.is_acknowledged = True
        if tracked.end is None:
            is_partly = bool(filled or self.filled(tracked))
            self.tell(tracked, OrderStatus.PARTIALLY_FILLED if is_partly else OrderStatus.SUBMITTED)

    def _take_state(self, tracked: TrackedOrder, status: str, filled: Decimal, why_held: str) -> None:
        if status == FILLED_STATUS:
            self._take_end(tracked, OrderStatus.FILLED, filled, "")
        elif status == "Inactive" and why_held:
            self._take_working(tracked, filled=filled)
        elif status == "Inactive" and not filled and not tracked.is_acknowledged:
            self._take_end(tracked, OrderStatus.REJECTED, filled, tracked.why or "inactive at the broker")
        elif status in ENDED_STATUSES:
            self._take_end(tracked, OrderStatus.CANCELLED, filled, tracked.why)
        elif status in WORKING_STATUSES:
            self._take_working(tracked, filled=filled)

    def _take_end(self, tracked: TrackedOrder, status: OrderStatus, filled: Decimal, reason: str) -> None:
        if tracked.is_over:
            tracked.is_over_by_code = False
            return
        tracked.is_acknowledged = True
        if self.filled(tracked) >= filled:
            self.finish(tracked, status, reason)
        elif tracked.end is None:
            tracked.end = End(status, filled, reason)
            self._outlets.await_fills(tracked)


def _has_terms(order: LibraryObject, terms: Order) -> bool:
    """Whether IB's order has the quantity and the prices of `terms`, and its side."""
    return (
        side_of(order.action).sign == terms.side.sign
        and shares(order.totalQuantity) == terms.quantity
        and (terms.limit_price is None or price(order.lmtPrice) == terms.limit_price)
        and (terms.stop_price is None or price(order.auxPrice) == terms.stop_price)
    )
