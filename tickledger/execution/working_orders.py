"""What orders that work are for: they open positions, close them or guard them."""

from collections.abc import Iterable

from tickledger.execution.account_book import guards
from tickledger.execution.order_state import OrderState


def closes(state: OrderState) -> bool:
    """Whether an order sells by itself, and not where a price is reached."""
    return state.order.side.sign < 0 and not guards(state)


def opening(working: Iterable[OrderState]) -> list[OrderState]:
    """The orders that buy, without the slices of those that are worked."""
    states = list(working)
    parents = {state.order.order_id for state in states if state.is_parent}
    return [state for state in states if state.order.side.sign > 0 and state.order.parent_order_id not in parents]


def of_symbol(states: Iterable[OrderState], symbol: str) -> list[OrderState]:
    """The orders of a symbol."""
    return [state for state in states if state.order.symbol == symbol]
