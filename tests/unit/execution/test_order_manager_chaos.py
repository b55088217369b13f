"""The order manager against a broker whose line loses, repeats, reorders and delays, killed and restarted anywhere.

Whatever happens: no order is sent twice, no fill is lost or counted twice, and what the record says in the end is
what the broker has.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.examples import examples
from tests.trading import ACCOUNT, order
from tests.unit.execution.remote_venue import (
    CANCELLED,
    REJECTED,
    START,
    WORKING,
    KilledError,
    Line,
    MemoryJournal,
    Venue,
    VenueOrder,
)
from tickledger.domain.errors import BrokerUnavailableError, ConfigurationError, OrderError
from tickledger.domain.order import Order, OrderEvent, OrderModification, OrderStatus
from tickledger.execution.clock import ReplayClock
from tickledger.execution.order_book import OrderBook
from tickledger.execution.order_manager import OrderManager

REFUSED = (OrderError, BrokerUnavailableError, ConfigurationError)
index = st.integers(0, 1_000)


class Chaos(RuleBasedStateMachine):
    """One account over one day, with every fault at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ReplayClock(START)
        self.venue = Venue(self.clock)
        self.journal = MemoryJournal()
        self.sent: list[str] = []
        self.placed: list[Order] = []
        self.number = 0

    @initialize()
    def start(self) -> None:
        """A process begins: what the last one had read and not written is gone."""
        self.line = Line(self.venue, self.sent)
        self.manager = OrderManager(self.line, self.journal, self.clock, ACCOUNT.account_id)
        self.attempt(self.manager.start)

    def attempt(self, call: Callable[..., Any], *args: Any) -> None:
        """Let the process do something; where it dies over it, another begins."""
        try:
            asyncio.run(call(*args))
        except REFUSED:
            pass
        except KilledError:
            self.restart()

    def new_order(self, quantity: int) -> Order:
        self.number += 1
        side = "BUY" if self.number % 3 else "SELL"
        fresh = replace(order(f"{side} {quantity} X LIMIT 10"), order_id=f"ord_{self.number}")
        self.placed.append(fresh)
        return fresh

    def any_of(self, status: str, position: int) -> VenueOrder | None:
        found = [known for known in self.venue.orders if known.status == status]
        return found[position % len(found)] if found else None

    # What the trader does.

    @rule(quantity=st.integers(1, 5), dies=st.sampled_from(["", "", "", "before", "after"]))
    def place(self, quantity: int, dies: str) -> None:
        self.line.dies = dies
        self.attempt(self.manager.place, self.new_order(quantity))
        self.line.dies = ""

    @precondition(lambda self: self.placed)
    @rule(position=index)
    def place_again(self, position: int) -> None:
        self.attempt(self.manager.place, self.placed[position % len(self.placed)])

    @rule(quantity=st.integers(1, 5), how=st.sampled_from(["before", "after"]))
    def place_while_the_journal_fails(self, quantity: int, how: str) -> None:
        self.journal.fails = how
        self.attempt(self.manager.place, self.new_order(quantity))
        self.journal.fails = ""

    @precondition(lambda self: self.sent)
    @rule(position=index)
    def cancel(self, position: int) -> None:
        self.attempt(self.manager.cancel, self.sent[position % len(self.sent)])

    @precondition(lambda self: self.sent)
    @rule(position=index, quantity=st.integers(1, 6))
    def modify(self, position: int, quantity: int) -> None:
        change = OrderModification(quantity=Decimal(quantity))
        self.attempt(self.manager.modify, self.sent[position % len(self.sent)], change)

    @rule()
    def cancel_all(self) -> None:
        self.attempt(self.manager.cancel_all, "enough")

    @rule(fails=st.sampled_from(["", "", "", "before", "after"]))
    def pump(self, fails: str) -> None:
        self.journal.fails = fails
        self.attempt(self.manager.take_reports)
        self.journal.fails = ""

    @rule(seconds=st.sampled_from([1, 6, 30]))
    def time_goes_by(self, seconds: int) -> None:
        self.clock.advance(self.clock.now() + timedelta(seconds=seconds))

    @rule()
    def restart(self) -> None:
        self.venue.outbound.clear()
        self.start()

    # What the market and the broker do.

    @precondition(lambda self: self.venue.inbound)
    @rule(position=index)
    def arrives(self, position: int) -> None:
        self.venue.deliver(position % len(self.venue.inbound))

    @rule()
    def everything_arrives(self) -> None:
        while self.venue.inbound:
            self.venue.deliver()

    @rule(position=index, part=st.integers(1, 6))
    def trades(self, position: int, part: int) -> None:
        if (working := self.any_of(WORKING, position)) is not None:
            left = working.terms.quantity - working.filled
            self.venue.fill(working, min(Decimal(part), left))

    @rule(position=index, status=st.sampled_from([CANCELLED, REJECTED]))
    def ends(self, position: int, status: str) -> None:
        working = self.any_of(WORKING, position)
        if working is not None and not (status == REJECTED and working.filled):
            self.venue.end(working, status)

    @precondition(lambda self: self.venue.fills())
    @rule(position=index, is_smaller=st.booleans())
    def is_corrected(self, position: int, is_smaller: bool) -> None:  # noqa: FBT001
        fills = self.venue.fills()
        fill = fills[position % len(fills)]
        quantity = max(fill.latest.quantity - is_smaller, Decimal(1))
        self.venue.correct(fill, quantity, fill.latest.price + 1)

    @precondition(lambda self: self.venue.fills())
    @rule(position=index)
    def is_charged(self, position: int) -> None:
        fills = self.venue.fills()
        self.venue.charge(fills[position % len(fills)])

    @rule(quantity=st.integers(1, 5), reference=st.sampled_from(["", "somebody-else"]))
    def somebody_trades_by_hand(self, quantity: int, reference: str) -> None:
        by_hand = self.venue.enter(order(f"BUY {quantity} X"), reference)
        self.venue.fill(by_hand, Decimal(1))

    @rule(position=index, quantity=st.integers(2, 7))
    def somebody_changes_an_order_by_hand(self, position: int, quantity: int) -> None:
        working = self.any_of(WORKING, position)
        if working is not None and quantity > working.filled:
            working.terms = replace(working.terms, quantity=Decimal(quantity))

    # What the line does.

    @precondition(lambda self: self.venue.inbound)
    @rule(position=index)
    def is_lost_on_the_way_there(self, position: int) -> None:
        self.venue.inbound.pop(position % len(self.venue.inbound))

    @precondition(lambda self: self.venue.outbound)
    @rule(position=index)
    def is_lost_on_the_way_back(self, position: int) -> None:
        self.venue.outbound.pop(position % len(self.venue.outbound))

    @precondition(lambda self: self.venue.outbound)
    @rule(position=index)
    def is_told_twice(self, position: int) -> None:
        told = self.venue.outbound
        told.append(told[position % len(told)])

    @precondition(lambda self: len(self.venue.outbound) > 1)
    @rule(random=st.randoms(use_true_random=False))
    def is_told_in_another_order(self, random: Any) -> None:
        random.shuffle(self.venue.outbound)

    @rule(position=index, status=st.sampled_from([OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.UNKNOWN]))
    def an_error_looks_like_the_end(self, position: int, status: OrderStatus) -> None:
        if (working := self.any_of(WORKING, position)) is not None:
            self.venue.tell_status(working, status, "10349")

    @rule(is_told=st.booleans())
    def disconnects(self, is_told: bool) -> None:  # noqa: FBT001
        self.venue.disconnect()
        if not is_told:
            self.venue.outbound.clear()

    @rule()
    def reconnects(self) -> None:
        self.venue.reconnect()

    @rule(answers=st.booleans(), completed=st.booleans(), revisions=st.booleans())
    def answers_otherwise(self, answers: bool, completed: bool, revisions: bool) -> None:  # noqa: FBT001
        self.venue.answers, self.venue.tells_completed = answers, completed
        self.venue.tells_all_revisions = revisions

    # What must hold.

    @invariant()
    def no_order_is_sent_twice(self) -> None:
        assert max(Counter(self.sent).values(), default=0) <= 1
        references = Counter(known.reference for known in self.venue.orders if known.reference.startswith("ord_"))
        assert max(references.values(), default=0) <= 1

    @invariant()
    def what_is_sent_was_in_the_journal(self) -> None:
        book = OrderBook(self.journal.entries)
        assert set(self.sent) <= set(book.orders)

    @invariant()
    def no_fill_counts_twice(self) -> None:
        book = OrderBook(self.journal.entries)
        revisions = {
            revision.execution.execution_id: number
            for number, fill in enumerate(self.venue.fills())
            for revision in fill.revisions
        }
        booked = [revisions[identity] for identity in (*book.fills.own, *book.fills.foreign)]
        assert max(Counter(booked).values(), default=0) <= 1

    @invariant()
    def steps_are_numbered_without_gaps(self) -> None:
        steps: dict[str, list[int]] = {}
        for entry in self.journal.entries:
            if isinstance(entry, OrderEvent):
                steps.setdefault(entry.order_id, []).append(entry.sequence)
        assert all(sequences == list(range(len(sequences))) for sequences in steps.values())

    def teardown(self) -> None:
        """The line is mended, everything arrives and is told: then record and broker are one."""
        self.journal.fails = ""
        self.venue.answers = self.venue.tells_completed = True
        if not self.venue.is_connected:
            self.venue.reconnect()
        while self.venue.inbound:
            self.venue.deliver()
        for fill in self.venue.fills():
            self.venue.charge(fill)
        for _ in range(6):
            self.clock.advance(self.clock.now() + timedelta(minutes=6))
            asyncio.run(self.manager.take_reports())
        self.the_record_is_what_the_broker_has()
        self.asking_again_changes_nothing()

    def the_record_is_what_the_broker_has(self) -> None:
        for state in map(
            self.manager.status, {entry.order_id for entry in self.journal.entries if isinstance(entry, OrderEvent)}
        ):
            known = self.venue.of(state.order.order_id)
            assert state.filled_quantity == (known.filled if known else 0)
            assert state.status is (known.told_status if known else OrderStatus.CANCELLED), state
            assert known is None or state.status is not WORKING or known.terms.quantity == state.order.quantity
        last = self.manager.last_reconciliation
        assert last is not None
        assert (last.unresolved, last.problems) == ((), ())
        # Terms that were changed by hand, and an order that the broker showed after all, are told once and agree now.
        assert [found for found in last.breaks if found.kind in {"position", "cash", "fills"}] == []

    def asking_again_changes_nothing(self) -> None:
        before = len(self.journal.entries)
        result = asyncio.run(OrderManager(Line(self.venue, []), self.journal, self.clock, ACCOUNT.account_id).start())
        assert (result.entries, result.breaks, result.is_clean) == ((), (), True)
        assert len(self.journal.entries) == before


Chaos.TestCase.settings = settings(max_examples=examples(150), stateful_step_count=60, deadline=None)
TestChaos = Chaos.TestCase
