"""Orders worked by an execution algorithm, as a session's desk sees them: start them, and keep them informed."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from tickledger.bars.calendars import session_close
from tickledger.domain.bar import Bar, Quote
from tickledger.domain.errors import Problem
from tickledger.domain.order import Order, OrderType
from tickledger.domain.ports import Clock
from tickledger.execution.algos.parent import Algorithm, MarketView, ParentOrder
from tickledger.execution.order_manager import OrderManager
from tickledger.execution.parent_orders import ParentOrders

#: The algorithm for an order.
AlgorithmOf = Callable[[Order], Algorithm]
#: How long before the close an algorithm has to be done, so that its last order still trades.
_BEFORE_CLOSE: Final = timedelta(minutes=1)


class WorkingDesk:
    """The parent orders of one session, each with `algorithm_of` it over `window` from when it is decided.

    A window ends before the close, so that nothing of an order is left for the next day.
    """

    def __init__(self, orders: OrderManager, clock: Clock, *, algorithm_of: AlgorithmOf, window: timedelta) -> None:
        self._orders = orders
        self._clock = clock
        self._parents = ParentOrders(desk=orders, clock=clock)
        self._algorithm_of = algorithm_of
        self._window = window
        self._volumes: dict[str, int] = {}
        self._known: set[str] = set()
        self._withheld: set[str] = set()

    def takes(self, order: Order) -> bool:
        """Whether an order is worked: one at the market, while there is time to work it."""
        return order.order_type is OrderType.MARKET and self._ends_at(order) > order.submitted_at

    async def start(self, order: Order) -> None:
        """Write a parent down and begin to work it; raises as `OrderManager.place_parent` does."""
        self._orders.place_parent(order)
        self._known.add(order.order_id)
        await self._parents.start(self._parent(order), self._algorithm_of(order))

    async def resume(self) -> None:
        """Go on with the parents that the record has at work and nobody works.

        An earlier process has left them, or the record kept them though it did not say so.
        """
        for state in self._orders.working():
            if state.is_parent and state.order.order_id not in self._known | self._withheld:
                self._known.add(state.order.order_id)
                children = self._orders.children(state.order.order_id)
                await self._parents.resume(self._parent(state.order), self._algorithm_of(state.order), children)

    def start_over(self) -> None:
        """Forget what the algorithms think they have sent: the record has failed; `resume` goes on from what it has."""
        self._parents = ParentOrders(desk=self._orders, clock=self._clock)
        self._known.clear()

    def _parent(self, order: Order) -> ParentOrder:
        return ParentOrder(order, order.submitted_at, self._ends_at(order))

    def _ends_at(self, order: Order) -> datetime:
        return min(order.submitted_at + self._window, session_close(order.session_date) - _BEFORE_CLOSE)

    def see(self, bars: Iterable[Bar]) -> None:
        """Count the shares that the market has traded."""
        for bar in bars:
            self._volumes[bar.symbol] = self._volumes.get(bar.symbol, 0) + bar.volume

    async def take_turn(self, quotes: Mapping[str, Quote]) -> list[Problem]:
        """Tell the algorithms where their orders and markets are, and that time has passed; what was refused."""
        await self.resume()
        for state in self._parents.open_parents():
            order = state.parent.order
            await self._parents.take_states(self._orders.children(order.order_id))
            view = MarketView(quotes.get(order.symbol), volume=self._volumes.get(order.symbol, 0))
            await self._parents.take_market(order.symbol, view)
        await self._parents.take_timer()
        told, self._parents.problems = self._parents.problems, []
        return told

    async def cancel(self, order_id: str) -> None:
        """Let nothing more of a parent out, whether or not anybody has begun to work it."""
        self._withheld.add(order_id)
        if order_id in self._known:
            await self._parents.cancel(order_id)
