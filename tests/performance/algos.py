"""What one decision of an execution algorithm costs, with twenty children behind it, four of them at work.

It is asked at every quote, every report and every second, so it has to be small beside the time between two quotes.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

from tests.unit.execution.algos.desk import DAY, HOUR, START, parent, quote
from tickledger.domain.order import OrderStatus, OrderType
from tickledger.execution.algos.adaptive import Adaptive
from tickledger.execution.algos.parent import Algorithm, AlgoState, ChildOrder, Children, MarketView, ParentOrder
from tickledger.execution.algos.twap import Twap
from tickledger.execution.algos.volume_curve import even_curve
from tickledger.execution.algos.vwap import Vwap

ALGORITHMS: Final[Sequence[Algorithm]] = (Twap(slices=60), Vwap(curve=even_curve(DAY)), Adaptive())
_CHILDREN: Final = 20
_WORKING: Final = 4


def microseconds(algorithm: Algorithm, *, calls: int) -> list[float]:
    """What each of `calls` decisions took, at instants spread over the window and quotes that differ."""
    state = _state(parent("BUY 100000 X"))
    times = []
    for number in range(calls):
        now = START + HOUR * (number + 1) / (calls + 1)
        cents = number % 7
        view = MarketView(quote(f"10.0{cents} 10.0{cents + 2}", now), volume=10_000)
        began = time.perf_counter()
        algorithm.decide(state, now, view)
        times.append((time.perf_counter() - began) * 1e6)
    return times


def _state(worked: ParentOrder) -> AlgoState:
    children = [_child(worked, number, is_working=number >= _CHILDREN - _WORKING) for number in range(_CHILDREN)]
    return AlgoState(worked, Children(children), observed_volume=50_000)


def _child(worked: ParentOrder, number: int, *, is_working: bool) -> ChildOrder:
    at = START + timedelta(seconds=number)
    price = Decimal("10.00")
    placed = replace(
        worked.order,
        order_id=f"ord_{number}",
        order_type=OrderType.LIMIT,
        quantity=Decimal(100),
        limit_price=price,
        submitted_at=at,
        parent_order_id=worked.order.order_id,
    )
    status, filled = (OrderStatus.SUBMITTED, 0) if is_working else (OrderStatus.FILLED, 100)
    return ChildOrder(placed, price, changed_at=at, status=status, filled_quantity=Decimal(filled))
