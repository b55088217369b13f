"""The algorithms over the order manager, at a broker whose line loses messages and a process that starts anew.

What must hold is asked of the broker's own book: shares filled, working and on their way never exceed the parent's.
"""

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.trading import ACCOUNT, order
from tests.unit.execution.remote_venue import CANCELLED, REJECTED, START, WORKING, Line, MemoryJournal, Venue
from tickledger.domain.bar import Quote
from tickledger.domain.errors import BrokerUnavailableError
from tickledger.execution.algos.adaptive import Adaptive
from tickledger.execution.algos.parent import Algorithm, DoneReason, MarketView, ParentOrder
from tickledger.execution.algos.terms import AtEnd, Terms
from tickledger.execution.algos.twap import Twap
from tickledger.execution.algos.working import finishing_at
from tickledger.execution.clock import ReplayClock
from tickledger.execution.order_manager import OrderManager
from tickledger.execution.parent_orders import ParentOrders

STEP = timedelta(seconds=2)
LENGTH = timedelta(minutes=6)
DECIDED = replace(order("BUY 1000 X"), submitted_at=START, session_date=START.date())
PARENT = ParentOrder(DECIDED, START, START + LENGTH)


class Process:
    """A trading process at the broker, which may be started anew at any step."""

    def __init__(self, algorithm: Algorithm, seed: int, *, trouble: float) -> None:
        self.algorithm, self.trouble = algorithm, trouble
        self.chance = Random(seed)  # noqa: S311  repeatable, not secret
        self.clock = ReplayClock(START)
        self.venue = Venue(self.clock)
        self.journal = MemoryJournal()
        self.volume = 0
        self.starts = 0
        self.raised: list[BrokerUnavailableError] = []

    async def start(self) -> None:
        self.starts += 1
        self.manager = OrderManager(Line(self.venue, []), self.journal, self.clock, ACCOUNT.account_id)
        self.parents = ParentOrders(desk=self.manager, clock=self.clock)
        with suppress(BrokerUnavailableError):
            await self.manager.start()
        if self.starts == 1:
            self.manager.place_parent(DECIDED)
        await self.parents.resume(PARENT, self.algorithm, self.manager.children(DECIDED.order_id))

    async def run(self) -> None:
        await self.start()
        while self.clock.now() < PARENT.ends_at + timedelta(minutes=2):
            self.clock.advance(self.clock.now() + STEP)
            is_rough = self.clock.now() < PARENT.ends_at
            self.happen(trouble=self.trouble if is_rough else 0)
            if self.chance.random() < self.trouble / 4 and is_rough:
                await self.start()
            await self.hear()
            self.check()

    def happen(self, *, trouble: float) -> None:
        venue, chance = self.venue, self.chance
        if not venue.is_connected and chance.random() < 0.3:
            venue.reconnect()
        elif chance.random() < trouble / 4 and venue.is_connected:
            venue.disconnect()
        while venue.inbound and chance.random() < 0.9:
            if chance.random() < trouble:
                venue.inbound.pop(0)
            else:
                venue.deliver()
        is_eager = not self.trouble and self.clock.now() >= finishing_at(PARENT, self.algorithm.terms)
        for working in [known for known in venue.orders if known.status == WORKING]:
            left = int(working.terms.quantity - working.filled)
            if is_eager:
                venue.fill(working, Decimal(left))
            elif chance.random() < 0.3:
                venue.fill(working, Decimal(chance.randint(1, left)))
            elif chance.random() < trouble / 4:
                venue.end(working, chance.choice([CANCELLED] if working.filled else [CANCELLED, REJECTED]))

    async def hear(self) -> None:
        """A turn of the session's loop."""
        now = self.clock.now()
        self.volume += self.chance.randint(0, 400)
        await self.manager.take_reports()
        await self.parents.take_states(self.manager.children(DECIDED.order_id))
        quote = Quote("X", now, Decimal("9.99"), Decimal("10.01"), 500, 500)
        await self.parents.take_market("X", MarketView(quote, volume=self.volume))
        await self.parents.take_timer()

    def check(self) -> None:
        on_their_way = sum(placed.quantity for kind, placed, _ in self.venue.inbound if kind == "place")
        exposed = sum(known.terms.quantity if known.status == WORKING else known.filled for known in self.venue.orders)
        assert exposed + on_their_way <= PARENT.quantity


ALGORITHMS: list[Algorithm] = [
    Twap(slices=6),
    Twap(slices=6, terms=Terms(at_end=AtEnd.CANCEL, is_modifying=True, round_lot=Decimal(10))),
    Adaptive(terms=Terms(minimum_child=Decimal(10), round_lot=Decimal(10))),
]


@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=["twap", "modifying", "adaptive"])
@given(seed=st.integers(0, 10_000), trouble=st.sampled_from([0, 0.1, 0.3]))
@settings(max_examples=examples(15), deadline=None)
def test_lost_messages_dead_lines_and_restarts_never_trade_more_than_the_parent(
    algorithm: Algorithm, seed: int, trouble: float
) -> None:
    process = Process(algorithm, seed, trouble=trouble)
    asyncio.run(process.run())
    state = process.parents.state(DECIDED.order_id)
    assert state.done is not None
    assert [known for known in process.venue.orders if known.status == WORKING] == []
    filled = sum((known.filled for known in process.venue.orders), Decimal(0))
    assert state.filled == filled == process.manager.status(DECIDED.order_id).filled_quantity
    if trouble == 0 and algorithm.terms.at_end is AtEnd.FINISH:
        assert state.done is DoneReason.FILLED
