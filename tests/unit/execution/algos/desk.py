"""A desk for tests: a parent order, a market told by hand, and a broker that does what it is told and nothing else."""

from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Self

from tests.trading import ACCOUNT, order
from tickledger.domain.bar import Quote
from tickledger.domain.execution import Execution
from tickledger.domain.order import Order, OrderModification, OrderReport, OrderStatus
from tickledger.execution.algos.parent import Algorithm, AlgoState, ChildOrder, MarketView, ParentOrder
from tickledger.execution.clock import ReplayClock
from tickledger.execution.parent_orders import ParentOrders

#: Ten in the morning in New York, on the day of the tests' orders.
START = datetime(2012, 1, 3, 15, tzinfo=UTC)
DAY = date(2012, 1, 3)
HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    """An instant after the start, as ``"mm:ss"``."""
    minutes, seconds = text.split(":")
    return START + timedelta(minutes=int(minutes), seconds=int(seconds))


def parent(text: str = "BUY 1000 X", *, length: timedelta = HOUR) -> ParentOrder:
    """A parent order such as ``"BUY 1000 X"`` or ``"SELL 1000 X LIMIT 9.50"``, worked from the start."""
    return ParentOrder(order(text), START, START + length)


def quote(prices: str = "10.00 10.02", now: datetime = START) -> Quote:
    """A quote, as ``"bid ask"``."""
    bid, ask = map(Decimal, prices.split())
    return Quote("X", now, bid, ask, 500, 500)


class Desk:
    """A parent at work, with the clock and the broker in the test's hands.

    Orders are sent to nobody: the test says what becomes of them.
    """

    def __init__(self, worked: ParentOrder, algorithm: Algorithm) -> None:
        self.clock = ReplayClock(worked.starts_at)
        self.parent = worked
        self.algorithm = algorithm
        self.sent: list[Order] = []
        self.cancelled: list[str] = []
        self.modified: list[tuple[str, OrderModification]] = []
        self.parents = ParentOrders(desk=self, clock=self.clock)
        self.market = MarketView(quote(now=worked.starts_at))
        self.fills = 0

    async def place(self, placed: Order) -> None:
        self.sent.append(placed)

    async def cancel(self, order_id: str) -> None:
        self.cancelled.append(order_id)

    async def modify(self, order_id: str, modification: OrderModification) -> None:
        self.modified.append((order_id, modification))

    def begin(self, market: MarketView | None = None) -> Self:
        """Start the parent in a market that is known."""
        self.market = market or self.market
        self._do(self.parents.start(self.parent, self.algorithm))
        self.tell()
        return self

    @property
    def state(self) -> AlgoState:
        return self.parents.state(self.parent.order.order_id)

    @property
    def children(self) -> tuple[ChildOrder, ...]:
        return self.state.children

    @property
    def sizes(self) -> list[int]:
        """The shares of each child so far."""
        return [int(placed.quantity) for placed in self.sent]

    def tell(self, prices: str | None = None, **changes: Any) -> None:
        """Tell the market as it is now: fresh, at the old prices unless told others."""
        known = self.market.quote
        if known is not None:
            told = quote(prices, self.clock.now()) if prices else replace(known, quoted_at=self.clock.now())
            changes.setdefault("quote", told)
        self.market = replace(self.market, **changes)
        self._do(self.parents.take_market("X", self.market))

    def go(self, to: datetime, *, step: timedelta = timedelta(seconds=1)) -> None:
        """Let time pass, with the same market told anew at each step."""
        while self.clock.now() < to:
            self.clock.advance(min(self.clock.now() + step, to))
            self.tell()

    def report(self, order_id: str, status: OrderStatus, filled: int | None = None) -> None:
        told = OrderReport(order_id, status, self.clock.now())
        told_filled = None if filled is None else Decimal(filled)
        self._do(self.parents.take_report(told, filled_quantity=told_filled))

    def fill(self, order_id: str, quantity: int | Decimal, *, execution_id: str | None = None) -> None:
        self.fills += 1
        placed = next(each for each in self.sent if each.order_id == order_id)
        execution = Execution(
            execution_id=execution_id or f"exec_{self.fills}",
            order_id=order_id,
            account_id=ACCOUNT.account_id,
            symbol=placed.symbol,
            side=placed.side,
            quantity=Decimal(quantity),
            price=placed.limit_price or Decimal(0),
            commission=Decimal(0),
            fees=Decimal(0),
            executed_at=self.clock.now(),
            trade_date=DAY,
        )
        self._do(self.parents.take_execution(execution))

    def fill_whole(self, order_id: str) -> None:
        """The broker fills what is left of an order."""
        child = next(each for each in self.children if each.order.order_id == order_id)
        self.fill(order_id, child.order.quantity - child.filled_quantity)
        self.report(order_id, OrderStatus.FILLED)

    def cancel_parent(self) -> None:
        self._do(self.parents.cancel(self.parent.order.order_id))

    @staticmethod
    def _do(act: Coroutine[Any, Any, None]) -> None:
        """Run to its end what waits for nobody here; far quicker than an event loop for each of thousands of calls."""
        with suppress(StopIteration):
            act.send(None)
            raise AssertionError("expected a call that waits for nothing")
