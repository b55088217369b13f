"""The states of an order, and the steps between them.

    PENDING ──────► SUBMITTED ──────► PARTIALLY_FILLED ──────► FILLED
       │                │   ▲              │   ▲
       │                ▼   │              ▼   │
       ├──────────► UNKNOWN (from and to any state that is not terminal, PENDING excepted as an end)
       ▼
    REJECTED, CANCELLED

FILLED, CANCELLED and REJECTED are terminal. UNKNOWN is not: it lasts until the broker has been asked again. A
broker may skip steps (an order can be FILLED before anyone heard that it was SUBMITTED), so they may be skipped
here. What is left of a partly filled order is cancelled, never rejected. How reports and fills lead from state to state
is in `order_news`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tickledger.domain.order import Order, OrderEvent, OrderStatus

TERMINAL: Final = frozenset({OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED})

_PARTLY: Final = frozenset(
    {OrderStatus.PARTIALLY_FILLED, OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.UNKNOWN}
)
#: The states that may follow each state.
NEXT_STATES: Final[Mapping[OrderStatus, frozenset[OrderStatus]]] = {
    OrderStatus.PENDING: _PARTLY | {OrderStatus.SUBMITTED, OrderStatus.REJECTED},
    OrderStatus.SUBMITTED: _PARTLY | {OrderStatus.REJECTED},
    OrderStatus.PARTIALLY_FILLED: _PARTLY,
    OrderStatus.UNKNOWN: (_PARTLY | {OrderStatus.SUBMITTED, OrderStatus.REJECTED}) - {OrderStatus.UNKNOWN},
} | dict.fromkeys(TERMINAL, frozenset())


@dataclass(frozen=True, slots=True)
class OrderState:
    """An order with what is known of it: status, shares filled, and the number of its next event.

    `needs_snapshot`: what was told of it does not fit together, and the broker has to be asked for the whole of it.
    `is_parent`: it is never sent itself, its children are.
    """

    order: Order
    status: OrderStatus = OrderStatus.PENDING
    filled_quantity: Decimal = Decimal(0)
    next_sequence: int = 0
    needs_snapshot: bool = False
    is_parent: bool = False

    @property
    def remaining_quantity(self) -> Decimal:
        """Shares that are not filled."""
        return self.order.quantity - self.filled_quantity

    @property
    def is_terminal(self) -> bool:
        """Whether nothing more can happen to the order."""
        return self.status in TERMINAL


def pending(order: Order) -> tuple[OrderState, OrderEvent]:
    """The state and the first event of an order that is in the journal and not yet sent."""
    event = OrderEvent(order.order_id, 0, OrderStatus.PENDING, order.submitted_at, order.session_date)
    return OrderState(order, next_sequence=1), event
