"""What a scenario's strategy does with our process: it wants orders, changes and cancels them, and tries again."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any, Final

from tests.chaos.plan import SYMBOLS
from tests.chaos.process import ACCOUNT, Process
from tests.chaos.stage import NOON, Stage
from tickledger.domain.order import Order, OrderModification, OrderSide, OrderType, TimeInForce
from tickledger.execution.order_book import OrderBook

_CENT: Final = Decimal("0.01")
_A_MOMENT: Final = 0.1


class Strategy:
    """Each method that a plan names does one thing. `orders` are all that were wanted, `accepted` those taken."""

    def __init__(self, stage: Stage, random: Random) -> None:
        self.stage = stage
        self.random = random
        self.orders: dict[str, Order] = {}
        self.parents: list[str] = []
        self.accepted: set[str] = set()
        self.retries: list[str] = []

    async def wait_for_the_process(self) -> None:
        """A strategy mostly waits until it can trade; sometimes it tries all the same."""
        loop = asyncio.get_running_loop()
        patience = loop.time() + self.random.choice([0, 1, 60, 60])
        while not self.stage.is_whole() and loop.time() < patience:  # noqa: ASYNC110  nobody tells of all it takes
            await asyncio.sleep(_A_MOMENT)

    async def retry(self) -> None:
        """What could not be placed is tried again, as the strategy that wants it would; its id stays the same."""
        again, self.retries = self.retries[:5], self.retries[5:]
        for order_id in again:
            await self._send(self.orders[order_id])

    async def _send(self, order: Order) -> None:
        async def call(process: Process) -> None:
            await process.manager.place(order)

        if await self.stage.attempt(f"place {order.order_id}", call):
            self.accepted.add(order.order_id)
        elif self.random.random() < 0.8:
            self.retries.append(order.order_id)

    def _new_order(
        self, *, symbol: str, side: str, kind: str, quantity: int, offset: int, term: str, parent: str | None = None
    ) -> Order:
        number = len(self.orders) + 1
        quote = self.stage.gateway.venue.quote(symbol.replace(".", " "))
        assert quote is not None
        is_buy = OrderSide(side).sign > 0
        middle = (Decimal(str(quote.bid)) + Decimal(str(quote.ask))) / 2
        sign = -1 if is_buy else 1
        near = middle + sign * offset * _CENT / 4
        far = middle + sign * (3 + offset * _CENT)
        order_type = {"LIMIT_NEAR": "LIMIT", "LIMIT_FAR": "LIMIT"}.get(kind, kind)
        limit = {"LIMIT_NEAR": near, "LIMIT_FAR": far, "STOP_LIMIT": middle - sign * (1 + offset * _CENT)}.get(kind)
        stop = middle - sign * offset * _CENT if "STOP" in kind else None
        order = Order(
            order_id=f"ord_{number}",
            account_id=ACCOUNT,
            symbol=symbol,
            side=OrderSide(side),
            order_type=OrderType(order_type),
            quantity=Decimal(quantity),
            time_in_force=TimeInForce(term),
            signal_id=f"sig_{symbol}",
            risk_decision_id=f"risk_{number}",
            submitted_at=self.stage.clock.now(),
            session_date=NOON.date(),
            limit_price=None if limit is None else limit.quantize(_CENT),
            stop_price=None if stop is None else stop.quantize(_CENT),
            parent_order_id=parent,
        )
        self.orders[order.order_id] = order
        self.stage.log(
            f"    {order.order_id}: {side} {quantity} {symbol} {order_type} {order.limit_price} {order.stop_price}"
        )
        return order

    async def place(self, **terms: Any) -> None:
        await self._send(self._new_order(**terms))

    async def burst(self, orders: int) -> None:
        for number in range(orders):
            symbol = SYMBOLS[number % len(SYMBOLS)].replace(" ", ".")
            kind = ("MARKET", "LIMIT_FAR", "LIMIT_NEAR")[number % 3] if orders < 100 else "LIMIT_FAR"
            side = ("BUY", "SELL")[number % 2]
            await self.place(symbol=symbol, side=side, kind=kind, quantity=10, offset=number % 60, term="DAY")

    def _picked(self, which: int, *, is_latest: bool) -> Order | None:
        known = [order_id for order_id in self.orders if order_id not in self.parents]
        if not known:
            return None
        return self.orders[known[-1] if is_latest else known[which % len(known)]]

    async def place_again(self, **pick: Any) -> None:
        order = self._picked(**pick)
        if order is not None:
            await self._send(order)

    async def parent(self, **terms: Any) -> None:
        order = self._new_order(**{**terms, "quantity": terms["quantity"] * 3})
        self.parents.append(order.order_id)

        async def call(process: Process) -> None:
            process.manager.place_parent(order)

        if await self.stage.attempt(f"parent {order.order_id}", call):
            self.accepted.add(order.order_id)

    async def child(self, which: int, *, is_latest: bool) -> None:
        known = [order_id for order_id in self.parents if order_id in self.accepted]
        if not known:
            return
        parent = self.orders[known[-1 if is_latest else which % len(known)]]
        quantity = max(int(parent.quantity) // 3, 1)
        kind = "MARKET" if which % 2 else "LIMIT_NEAR"
        child = self._new_order(
            symbol=parent.symbol,
            side=parent.side.value,
            kind=kind,
            quantity=quantity,
            offset=5,
            term="DAY",
            parent=parent.order_id,
        )
        await self._send(child)

    async def modify(self, which: int, *, is_latest: bool, what: str, factor: float, offset: int) -> None:
        picked = self._picked(which, is_latest=is_latest)
        if picked is None or picked.order_id not in self.accepted:
            return

        async def call(process: Process) -> None:
            order = process.manager.status(picked.order_id).order
            quantity = max(Decimal(int(order.quantity * Decimal(str(factor)))), Decimal(1))
            shift = offset * _CENT
            change = OrderModification(
                quantity=quantity if what != "price" else None,
                limit_price=order.limit_price + shift if what != "quantity" and order.limit_price else None,
                stop_price=order.stop_price + shift if what == "price" and order.stop_price else None,
            )
            self.stage.log(f"    modify {picked.order_id}: {change}")
            await process.manager.modify(picked.order_id, change)

        await self.stage.attempt(f"modify {picked.order_id}", call)

    async def cancel(self, **pick: Any) -> None:
        picked = self._picked(**pick)
        if picked is None or picked.order_id not in self.accepted:
            return

        async def call(process: Process) -> None:
            self.stage.log(f"    cancel {picked.order_id}")
            await process.manager.cancel(picked.parent_order_id or picked.order_id)

        await self.stage.attempt(f"cancel {picked.order_id}", call)

    async def place_and_cancel(self, **terms: Any) -> None:
        await self.place(**terms)
        await asyncio.sleep(self.random.choice([0, 0, 0.005, 0.03]))
        await self.cancel(which=0, is_latest=True)

    async def modify_and_cancel(self, which: int, *, is_latest: bool, **terms: Any) -> None:
        await self.modify(which, is_latest=is_latest, **terms)
        await asyncio.sleep(self.random.choice([0, 0, 0.005, 0.03]))
        await self.cancel(which=which, is_latest=is_latest)

    async def cancel_all(self) -> None:
        async def call(process: Process) -> None:
            await process.manager.cancel_all("enough")

        await self.stage.attempt("cancel all", call)

    async def nothing(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def cancel_each(self) -> None:
        """Cancel every order that the record has and that is not over."""
        for order_id in OrderBook(self.stage.durable.journal.load(ACCOUNT).entries).orders:
            await self.stage.attempt(f"cancel {order_id}", partial(_cancelled, order_id))

    def market_moves(self, seconds: float) -> None:
        self.stage.advance(self.stage.gateway.venue.now + timedelta(seconds=seconds))


async def _cancelled(order_id: str, process: Process) -> None:
    if not process.manager.status(order_id).is_terminal:
        await process.manager.cancel(order_id, "the end")
