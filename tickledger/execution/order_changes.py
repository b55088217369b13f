"""What of an account's orders and fills is otherwise than when somebody last asked."""

from tickledger.domain.execution import Execution
from tickledger.execution.order_book import OrderBook, by_age
from tickledger.execution.order_state import OrderState


class OrderChanges:
    """Of one book after the other: each is made anew from the journal now and then."""

    def __init__(self) -> None:
        self._seen: dict[str, OrderState] = {}
        self._seen_fills: dict[str, Execution] = {}

    def take_orders(self, book: OrderBook) -> list[OrderState]:
        """The orders that are otherwise than when this was last asked, as they are now, the earlier first."""
        touched = (book.orders[order_id] for order_id in book.touched)
        changed = [order for order in by_age(touched) if self._seen.get(order.placed.order_id) != order.state]
        self._seen.update((order.placed.order_id, order.state) for order in changed)
        book.touched.clear()
        return [order.state for order in changed]

    def take_fills(self, book: OrderBook) -> list[Execution]:
        """The fills, foreign ones too, that are new or otherwise than when this was last asked, as they are now.

        One that was taken back altogether has no shares any more.
        """
        return book.fills.take_changed(self._seen_fills)
