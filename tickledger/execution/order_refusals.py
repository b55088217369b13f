"""What may not be placed or modified, whatever the broker would say: refused before anything is written or sent."""

from collections.abc import Iterable
from dataclasses import fields
from decimal import Decimal
from typing import Final

from tickledger.domain.broker import Connectivity
from tickledger.domain.errors import BrokerUnavailableError, OrderError, Problem
from tickledger.domain.order import Order, OrderModification, OrderStatus
from tickledger.execution.order_book import OrderBook, TrackedOrder
from tickledger.execution.order_state import OrderState

_UNMODIFIABLE: Final = frozenset({OrderStatus.PENDING, OrderStatus.UNKNOWN})


def not_ready(what: str, connectivity: Connectivity, *, is_reconciled: bool) -> BrokerUnavailableError:
    """Why something is not sent while the broker has not told all it has, or its link is not whole."""
    if not is_reconciled:
        return BrokerUnavailableError(f"{what} is not sent: the broker has not told yet what it has")
    return BrokerUnavailableError(f"{what} is not sent: the link to the broker is {connectivity}")


def foreign_order(reference: str) -> Problem:
    """What is told of an order at the broker that is not in the record."""
    return Problem(
        where=f"order {reference or 'without a reference'}",
        expected="an order of this account's record",
        found="one that is not ours: it is left alone",
    )


def same_order(tracked: TrackedOrder, order: Order) -> OrderState:
    """The state of an order that is in the record; raises OrderError where its id stands for another order."""
    if tracked.placed != order:
        raise OrderError(f"order {order.order_id}: expected, as in the record, {tracked.placed}, found {order}")
    return tracked.state


def refuse_siblings(orders: Iterable[Order]) -> None:
    """Raise ValueError for two children of one parent, which would not see each other's shares."""
    parents = [order.parent_order_id for order in orders if order.parent_order_id]
    if len(parents) > len(set(parents)):
        raise ValueError(f"expected one child of each parent at a time, found {', '.join(sorted(parents))}")


def refuse_child(book: OrderBook, order: Order) -> None:
    """Raise OrderError for a child of a parent that is over, is being cancelled, or has fewer shares left.

    A parent that was sent itself (an order whose place this one takes) binds nothing.
    """
    parent = book.orders.get(order.parent_order_id or "")
    if parent is None or not parent.is_parent:
        return
    where = f"order {order.order_id}"
    if parent.state.is_terminal or parent.is_cancelling:
        raise OrderError(
            f"{where}: expected a parent that works, found {parent.placed.order_id} over or being cancelled"
        )
    given = sum((_claim(child) for child in book.children(parent.placed.order_id)), Decimal(0))
    left = parent.state.order.quantity - given
    if order.quantity > left:
        raise OrderError(f"{where}: expected at most the {left} shares left of its parent, found {order.quantity}")


def _claim(child: TrackedOrder) -> Decimal:
    """The shares of its parent that a child has filled or may still fill."""
    return child.state.filled_quantity if child.state.is_terminal else child.most


def refuse_modification(tracked: TrackedOrder, modification: OrderModification) -> None:
    """Raise OrderError for an order that does not work for certain, a price it does not have, or too few shares."""
    state, order = tracked.state, tracked.state.order
    where = f"order {order.order_id}"
    if tracked.is_parent:
        raise OrderError(f"{where}: expected an order at the broker to modify, found a parent of such")
    if state.is_terminal or state.status in _UNMODIFIABLE:
        raise OrderError(f"{where}: expected one that works at the broker to modify, found {state.status}")
    if modification.quantity is not None and modification.quantity <= state.filled_quantity:
        raise OrderError(
            f"{where}: expected more than the {state.filled_quantity} filled, found {modification.quantity}"
        )
    for name in ("limit_price", "stop_price"):
        if getattr(modification, name) is not None and getattr(order, name) is None:
            raise OrderError(f"{where}: expected no {name}, which a {order.order_type} order does not have")


def differing(order: Order, modification: OrderModification) -> OrderModification:
    """What of `modification` is not so already."""
    asked = {field.name: getattr(modification, field.name) for field in fields(modification)}
    changed = {name: value for name, value in asked.items() if value is not None and value != getattr(order, name)}
    return OrderModification(**changed)
