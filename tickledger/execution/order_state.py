"""The states of an order, and the steps between them.

    PENDING ──────► SUBMITTED ──────► PARTIALLY_FILLED ──────► FILLED
       │                │   ▲              │   ▲
       │                ▼   │              ▼   │
       ├──────────► UNKNOWN (from and to any state that is not terminal, PENDING excepted as an end)
       ▼
    REJECTED, CANCELLED

FILLED, CANCELLED and REJECTED are terminal. UNKNOWN is not: it lasts until the broker has been asked again. A
broker may skip steps (an order can be FILLED before anyone heard that it was SUBMITTED), so they may be skipped
here. What is left of a partly filled order is cancelled, never rejected.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from tickledger.domain.errors import OrderError
from tickledger.domain.execution import Execution
from tickledger.domain.order import Order, OrderEvent, OrderReport, OrderStatus

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


def stepped(state: OrderState, report: OrderReport, *, session_date: date) -> tuple[OrderState, OrderEvent]:
    """The state after `report` and the event it becomes; raises OrderError where that step is not possible."""
    if report.order_id != state.order.order_id:
        raise OrderError(f"order {state.order.order_id}: expected a report on it, found one on {report.order_id}")
    if report.status not in NEXT_STATES[state.status]:
        allowed = ", ".join(sorted(NEXT_STATES[state.status])) or "nothing, it is terminal"
        raise OrderError(
            f"order {report.order_id}: expected after {state.status} one of {allowed}, found {report.status}"
        )
    event = OrderEvent(
        report.order_id, state.next_sequence, report.status, report.occurred_at, session_date, report.reason
    )
    return replace(state, status=report.status, next_sequence=state.next_sequence + 1), event


def filled(state: OrderState, execution: Execution) -> OrderState:
    """The state after one fill, whose status the broker reports apart.

    A fill is a fact even where the order is thought to be over (it may have crossed a cancellation). Raises
    OrderError where it is not a fill of this order, or fills more than was ordered.
    """
    order = state.order
    found = (execution.order_id, execution.symbol, execution.side)
    if found != (order.order_id, order.symbol, order.side):
        raise OrderError(f"order {order.order_id}: expected a {order.side} of {order.symbol}, found {found}")
    total = state.filled_quantity + execution.quantity
    if execution.quantity <= 0 or total > order.quantity:
        raise OrderError(
            f"order {order.order_id}: expected fills of at most {order.quantity} shares, found {total} with "
            f"{execution.execution_id}"
        )
    return replace(state, filled_quantity=total)
