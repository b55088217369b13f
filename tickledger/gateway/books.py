"""The broker's books as the gateway keeps them: whose order is which, what was executed, which ids were given out.

They outlive the sessions of clients and a crash of the gateway, as the broker's own books do.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from tickledger.exchange.venue_orders import OrderUpdate, VenueFill, VenueStatus
from tickledger.gateway.listings import Listing
from tickledger.gateway.order_answers import Completion, ExecutionTold, OrderIdentity, StatusTold
from tickledger.gateway.placed_order import PlacedOrder

#: Orders entered by hand belong to client 0, with an id only once they are bound.
BY_HAND: Final = 0
LARGEST_ORDER_ID: Final = 2**31 - 1
#: Codes that refuse nothing: cancelled, and held until shares can be borrowed.
_HARMLESS: Final = frozenset((202, 404))
_FIRST_PERMANENT_ID: Final = 1_240_000_000
_REVISION_DIGITS: Final = 2
_IB_STATUS: Final = {
    VenueStatus.HELD: "PreSubmitted",
    VenueStatus.WORKING: "Submitted",
    VenueStatus.FILLED: "Filled",
    VenueStatus.CANCELLED: "Cancelled",
    VenueStatus.REJECTED: "Inactive",
}
_DONE: Final = frozenset((VenueStatus.FILLED, VenueStatus.CANCELLED, VenueStatus.REJECTED))


@dataclass(slots=True)
class OrderRecord:
    """One order, its latest state and how it ended.

    `replaced` are its terms before a modification that the venue has not answered yet.
    """

    identity: OrderIdentity
    placed: PlacedOrder
    listing: Listing
    status: StatusTold
    is_done: bool = False
    is_by_hand: bool = False
    replaced: PlacedOrder | None = None
    completion: Completion | None = None
    executions: list["ExecutionRecord"] = field(default_factory=list)

    @property
    def permanent_id(self) -> int:
        """The broker's id, which the venue knows it by."""
        return self.identity.permanent_id

    def take(self, update: OrderUpdate) -> None:
        """Bring the record up to what the venue said; a modification that it refused has not happened."""
        if update.code is not None and update.code not in _HARMLESS and self.replaced is not None:
            self.placed = self.replaced
        self.replaced = None
        self.status = StatusTold(
            _IB_STATUS[update.status],
            filled=update.filled,
            remaining=update.remaining,
            average_price=update.average_price,
            last_price=self.status.last_price,
            why_held=update.why_held,
        )
        self.is_done = update.status in _DONE
        if self.is_done:
            reason = update.text or _ended(update)
            self.completion = Completion(self.status.status, update.occurred_at, reason, update.filled)

    def take_fill(self, fill: VenueFill) -> None:
        """Note the price of the last fill, which the next status tells."""
        self.status = replace(self.status, last_price=fill.price)


def _ended(update: OrderUpdate) -> str:
    if update.status is VenueStatus.FILLED:
        return f"Filled Size: {update.filled:f}"
    return "Cancelled by Trader" if update.status is VenueStatus.CANCELLED else "Rejected"


@dataclass(slots=True)
class ExecutionRecord:
    """One execution; `is_commission_known` says that its commission was told, or would be to who asks."""

    order: OrderRecord
    told: ExecutionTold
    commission: Decimal
    realized: Decimal | None
    is_commission_known: bool = False


class Books:
    """Orders by the broker's id and by the client's, executions in the order in which they happened."""

    def __init__(self, *, first_order_id: int = 1) -> None:
        self._orders: dict[int, OrderRecord] = {}
        self._by_client: dict[tuple[int, int], int] = {}
        self._highest: dict[int, int] = defaultdict(lambda: first_order_id - 1)
        self._last_permanent_id = _FIRST_PERMANENT_ID
        self._last_bound_id = 0
        self.executions: list[ExecutionRecord] = []

    def next_order_id(self, client_id: int) -> int:
        """The lowest id the client has not used."""
        return self._highest[client_id] + 1

    def is_used(self, client_id: int, order_id: int) -> bool:
        """Whether the client may not give this id to another order."""
        return order_id <= self._highest[client_id]

    def use(self, client_id: int, order_id: int) -> None:
        """Count an id as used by an order that these books never saw."""
        self._highest[client_id] = max(self._highest[client_id], order_id)

    def roll_back(self, client_id: int, count: int) -> None:
        """Forget that the client used its last `count` ids, as a gateway does that was reset; orders stay."""
        self._highest[client_id] = max(self._highest[client_id] - count, 0)

    def clients(self) -> Iterator[int]:
        """Every client that ever used an id."""
        return iter(tuple(self._highest))

    def new_permanent_id(self) -> int:
        """An id nothing else has."""
        self._last_permanent_id += 1
        return self._last_permanent_id

    def add(self, record: OrderRecord) -> None:
        """Take an order in."""
        identity = record.identity
        self._orders[identity.permanent_id] = record
        if identity.order_id > 0:
            self._by_client[identity.client_id, identity.order_id] = identity.permanent_id
            self.use(identity.client_id, identity.order_id)

    def bind(self, record: OrderRecord) -> None:
        """Give an order entered by hand an id of client 0: a negative one, as TWS does."""
        self._last_bound_id -= 1
        record.identity = replace(record.identity, order_id=self._last_bound_id)
        self._by_client[BY_HAND, self._last_bound_id] = record.permanent_id

    def of_permanent_id(self, permanent_id: int) -> OrderRecord | None:
        """The order with the broker's id."""
        return self._orders.get(permanent_id)

    def of_client(self, client_id: int, order_id: int) -> OrderRecord | None:
        """The latest order to which the client gave this id."""
        permanent_id = self._by_client.get((client_id, order_id))
        return None if permanent_id is None else self._orders[permanent_id]

    def open_orders(self) -> list[OrderRecord]:
        """Orders that have not ended, the oldest first."""
        return [record for record in self._orders.values() if not record.is_done]

    def completed_since(self, since: datetime) -> list[OrderRecord]:
        """Orders that ended at `since` or later, the oldest first."""
        return [
            record
            for record in self._orders.values()
            if record.completion is not None and record.completion.completed_at >= since
        ]

    def take_fill(self, fill: VenueFill) -> ExecutionRecord:
        """Enter a fill of an order of these books."""
        record = self._orders[fill.order_key]
        record.take_fill(fill)
        told = ExecutionTold(
            execution_id=revisable(fill.execution_id),
            executed_at=fill.executed_at,
            exchange=fill.exchange,
            is_buy=fill.is_buy,
            quantity=fill.quantity,
            price=fill.price,
            cumulative=fill.cumulative,
            average_price=fill.average_price,
            adds_liquidity=fill.adds_liquidity,
        )
        realized = fill.realized_pnl or None
        return self.enter(ExecutionRecord(record, told, fill.commission + fill.fees, realized))

    def enter(self, execution: ExecutionRecord) -> ExecutionRecord:
        """Enter an execution, or the correction of one."""
        execution.order.executions.append(execution)
        self.executions.append(execution)
        return execution


def revisable(execution_id: str) -> str:
    """The id of an execution with its revision at the end: corrections differ only after the last dot."""
    _, dot, revision = execution_id.rpartition(".")
    return execution_id if dot and len(revision) == _REVISION_DIGITS and revision.isdigit() else f"{execution_id}.01"
