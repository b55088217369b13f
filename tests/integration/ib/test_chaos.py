"""Random orders under random faults, by seed: in the end what the broker told is what the gateway's books have."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.ib.desk import MARKET, RESTING, Desk, on_desk
from tickledger.domain.broker import Connectivity
from tickledger.domain.errors import BrokerUnavailableError
from tickledger.domain.order import Order, OrderModification, OrderStatus
from tickledger.execution.order_state import TERMINAL
from tickledger.ib.fills import ExecutionKey

STEPS = 60
_FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("drop_order", {}),
    ("refuse_order", {"code": 201, "text": "no"}),
    ("preset_term", {}),
    ("cut_before_order", {}),
    ("cut_after_order", {}),
    ("refuse_cancel", {"code": 10147}),
    ("refuse_cancel", {"code": 10148}),
    ("drop_cancel", {}),
    ("fill_before_cancel", {}),
    ("duplicate_status", {"copies": 3, "times": 3}),
    ("reorder_status", {}),
    ("delay_commission", {"seconds": 0.05}),
    ("drop_commission", {}),
    ("correct_execution", {"seconds": 0.02}),
    ("disconnect", {}),
    ("crash", {"restart_after": 0.1}),
    ("daily_reset", {"seconds": 0.1, "closes": True, "ids_back": 5}),
    ("daily_reset", {"seconds": 0.1, "data": "kept"}),
    ("half_open", {"client": 1}),
    ("break_farm", {}),
    ("mend_farm", {}),
    ("drop_request", {"request": "reqAllOpenOrders"}),
    ("drop_request", {"request": "reqExecutions"}),
    ("order_by_hand", {"symbol": "MSFT", "quantity": 7}),
    ("error", {"code": 31337, "text": "what?", "request_id": 3}),
)


class Trader:
    """Places, changes and cancels at random, and lets faults happen."""

    def __init__(self, desk: Desk, seed: int) -> None:
        self.desk = desk
        self.chance = random.Random(seed)  # noqa: S311  chosen, not secret
        self.orders: list[Order] = []

    async def act(self) -> None:
        acts: tuple[Callable[[], Any], ...] = (self.place, self.place, self.place, self.cancel, self.modify, self.fault)
        await self.chance.choice(acts)()
        await asyncio.sleep(self.chance.choice([0, 0, 0.005, 0.02]))
        self.desk.told += await self.desk.broker.reports()

    async def place(self) -> None:
        text = self.chance.choice([MARKET, RESTING, "SELL_SHORT 10 MSFT MARKET", "SELL 20 MSFT LIMIT 130"])
        self.orders.append(await self.desk.place(f"ord_{len(self.orders)}", text))

    async def cancel(self) -> None:
        if self.orders:
            await self.desk.broker.cancel(self.chance.choice(self.orders).order_id)

    async def modify(self) -> None:
        if self.orders:
            order = self.chance.choice(self.orders)
            await self.desk.broker.modify(order, OrderModification(quantity=order.quantity + 10))

    async def fault(self) -> None:
        do, parameters = self.chance.choice(_FAULTS)
        self.desk.fault(do, **parameters)


async def _calm(desk: Desk) -> None:
    """No more faults, and a connection that is whole."""
    desk.gateway.floor.faults._armed.clear()
    await asyncio.sleep(0.3)
    await desk.gateway.restart()
    desk.fault("mend_farm")
    desk.fault("disconnect")
    await desk.settle(0.1)
    await desk.until(lambda: desk.connectivity() is Connectivity.CONNECTED)


def _truth(desk: Desk) -> dict[str, OrderStatus]:
    """What became of each order of ours by the gateway's own books."""
    found: dict[str, OrderStatus] = {}
    for record in desk.gateway.floor.books._orders.values():
        order_id = record.placed.term("orderRef")
        if order_id:
            assert order_id not in found, f"{order_id} was placed twice"
            status = record.status.status
            working = OrderStatus.PARTIALLY_FILLED if record.status.filled else OrderStatus.SUBMITTED
            ends = {"Filled": OrderStatus.FILLED, "Cancelled": OrderStatus.CANCELLED, "Inactive": OrderStatus.REJECTED}
            found[order_id] = ends.get(status, working)
    return found


def _agrees(desk: Desk, order: Order, truth: dict[str, OrderStatus]) -> bool:
    told = next(iter(desk.statuses(order.order_id)[::-1]), None)
    if order.order_id not in truth:
        # It never reached the venue: certain only where it was never sent, refused, or cancelled before it left.
        return told in {OrderStatus.UNKNOWN, OrderStatus.REJECTED, OrderStatus.CANCELLED}
    return told is truth[order.order_id]


@pytest.mark.parametrize("seed", range(6))
def test_what_was_told_is_what_happened(seed: int) -> None:
    async def scenario(desk: Desk) -> None:
        trader = Trader(desk, seed)
        for _ in range(STEPS):
            await trader.act()
        await _calm(desk)
        snapshot = None
        for _ in range(20):
            await desk.settle(0.1)
            before = _truth(desk)
            with suppress(BrokerUnavailableError):
                snapshot = await desk.broker.snapshot()
            desk.told += await desk.broker.reports()
            truth = _truth(desk)
            is_still = not len(desk.broker.pacer) and truth == before
            if snapshot is not None and is_still and all(_agrees(desk, order, truth) for order in trader.orders):
                break
        assert snapshot is not None
        wrong = [
            (order.order_id, truth.get(order.order_id), [(r.status, r.reason) for r in desk.reports(order.order_id)])
            for order in trader.orders
            if not _agrees(desk, order, truth)
        ]
        assert not wrong, wrong
        _check_fills(desk)
        _check_steps(desk, trader)
        executed = {e.told.execution_id for e in desk.gateway.floor.books.executions}
        latest = {
            key: execution_id for execution_id in sorted(executed) for key in [ExecutionKey.parse(execution_id).base]
        }
        assert {fill.execution.execution_id for fill in snapshot.fills} == set(latest.values())
        assert {commission.execution_id for commission in snapshot.commissions} == set(latest.values())
        held: Counter[str] = Counter()
        for fill in snapshot.fills:
            held[fill.execution.symbol] += int(fill.execution.side.sign * fill.execution.quantity)
        assert {p.symbol: int(p.quantity) for p in snapshot.positions} == {s: q for s, q in held.items() if q}
        working = {order_id for order_id, status in truth.items() if status not in TERMINAL}
        assert {o.order_id for o in snapshot.open_orders if o.order_id} == working

    on_desk(scenario)


def _check_fills(desk: Desk) -> None:
    """Every execution was told, once, and by its latest revision last."""
    told = [fill.execution.execution_id for fill in desk.fills()]
    assert len(set(told)) == len(told)
    executed = {ExecutionKey.parse(e.told.execution_id).base for e in desk.gateway.floor.books.executions}
    assert {ExecutionKey.parse(execution_id).base for execution_id in told} == executed


def _check_steps(desk: Desk, trader: Trader) -> None:
    """An order ends once; what is told afterwards repeats its end with a reason."""
    for order in trader.orders:
        statuses = desk.statuses(order.order_id)
        ends = [status for status in statuses if status in TERMINAL]
        assert len(set(ends)) <= 1, desk.reports(order.order_id)
        if ends:
            assert statuses[-1] is ends[0], desk.reports(order.order_id)
        filled = sum((f.execution.quantity for f in desk.fills(order.order_id) if f.corrects is None), Decimal(0))
        if OrderStatus.FILLED in ends:
            assert filled >= order.quantity
