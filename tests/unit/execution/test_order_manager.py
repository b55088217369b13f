"""The order manager's promises, one by one: what is sent when, what counts as filled, and what is told."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.trading import ACCOUNT, order
from tests.unit.execution.remote_venue import (
    CANCELLED,
    CHARGE,
    OPENING,
    START,
    KilledError,
    Line,
    MemoryJournal,
    Venue,
    VenueOrder,
)
from tickledger.domain.broker import Connectivity, ConnectivityChange
from tickledger.domain.errors import BrokerUnavailableError, ConfigurationError, FencedError, LedgerError, OrderError
from tickledger.domain.order import Order, OrderModification, OrderStatus
from tickledger.execution.clock import ReplayClock
from tickledger.execution.order_book import OrderBook
from tickledger.execution.order_journal import AccountRecord, AmendmentSource, Opening, OrderAmendment
from tickledger.execution.order_manager import OrderManager
from tickledger.execution.order_reconciliation import NEVER_ARRIVED, BreakKind
from tickledger.execution.order_state import OrderState

LIMIT = order("BUY 100 X LIMIT 10")


class Floor:
    """A manager that has started, with its clock, journal and venue."""

    def __init__(self, *, is_started: bool = True, opening: Opening = OPENING) -> None:
        self.clock = ReplayClock(START)
        self.venue = Venue(self.clock)
        self.journal = MemoryJournal(opening)
        self.line = Line(self.venue, [])
        self.restart(is_started=is_started)

    def restart(self, *, is_started: bool = True) -> None:
        self.venue.outbound.clear()
        self.line = Line(self.venue, self.line.sent)
        self.manager = OrderManager(self.line, self.journal, self.clock, ACCOUNT.account_id)
        if is_started:
            asyncio.run(self.manager.start())

    def place(self, placed: Order = LIMIT, *, arrives: bool = True) -> OrderState:
        state = asyncio.run(self.manager.place(placed))
        if arrives and self.venue.inbound:
            self.venue.deliver()
            self.pump()
        return state

    def pump(self, *, after: int = 0) -> None:
        self.clock.advance(self.clock.now() + timedelta(seconds=after))
        asyncio.run(self.manager.take_reports())

    def at_venue(self, placed: Order = LIMIT) -> VenueOrder:
        known = self.venue.of(placed.order_id)
        assert known is not None
        return known

    def status(self, placed: Order = LIMIT) -> OrderStatus:
        return self.manager.status(placed.order_id).status

    def reasons(self, placed: Order = LIMIT) -> list[str]:
        return [event.reason for event in self.journal.events(placed.order_id)]


def test_nothing_is_placed_before_the_broker_has_told_all() -> None:
    floor = Floor(is_started=False)
    with pytest.raises(BrokerUnavailableError, match="has not told yet"):
        floor.place()
    assert (floor.line.sent, floor.journal.entries) == ([], [])


def test_a_broker_that_does_not_answer_leaves_what_may_work_unknown_and_nothing_is_sent() -> None:
    floor = Floor()
    floor.place()
    floor.venue.answers = False
    floor.restart(is_started=False)
    with pytest.raises(BrokerUnavailableError, match="expected an answer"):
        asyncio.run(floor.manager.start())
    assert floor.status() is OrderStatus.UNKNOWN
    with pytest.raises(BrokerUnavailableError):
        floor.place(order("BUY 5 X LIMIT 10"))
    assert floor.line.sent == [LIMIT.order_id]
    floor.venue.answers = True
    floor.pump(after=60)
    assert floor.status() is OrderStatus.SUBMITTED
    assert floor.manager.is_ready


@pytest.mark.parametrize("how", ["fenced", "before", "after"])
def test_an_order_that_the_journal_refuses_is_not_sent(how: str) -> None:
    floor = Floor()
    floor.journal.fails = how
    with pytest.raises((FencedError, ConfigurationError)):
        floor.place()
    assert floor.line.sent == []


def test_an_order_is_sent_once_however_often_it_is_placed() -> None:
    floor = Floor()
    for _ in range(3):
        floor.place()
    floor.restart()
    assert floor.place().status is OrderStatus.SUBMITTED
    assert floor.line.sent == [LIMIT.order_id]
    with pytest.raises(OrderError, match="expected, as in the record"):
        floor.place(replace(LIMIT, quantity=Decimal(7)))


def test_an_order_that_was_kept_and_not_sent_never_reached_the_broker() -> None:
    """Killed between commit and send: it is not sent after all, and over once the broker does not know it."""
    floor = Floor()
    floor.line.dies = "before"
    with pytest.raises(KilledError):
        floor.place()
    floor.restart()
    assert floor.status() is OrderStatus.PENDING  # a moment ago: it may be on its way
    floor.pump(after=11)
    assert floor.status() is OrderStatus.CANCELLED
    assert floor.reasons()[-1] == NEVER_ARRIVED
    assert floor.place().status is OrderStatus.CANCELLED
    assert floor.line.sent == []


def test_an_order_that_died_between_sending_and_acknowledgement_is_found_by_its_reference() -> None:
    floor = Floor()
    floor.line.dies = "after"
    with pytest.raises(KilledError):
        floor.place()
    floor.venue.deliver()
    floor.venue.fill(floor.at_venue(), Decimal(100))
    floor.restart()
    assert floor.status() is OrderStatus.FILLED
    assert floor.line.sent == [LIMIT.order_id]


def test_a_broker_that_does_not_tell_what_is_over_proves_nothing() -> None:
    floor = Floor()
    floor.place(arrives=False)
    floor.venue.inbound.clear()
    floor.venue.tells_completed = False
    floor.pump(after=60)
    assert floor.status() is OrderStatus.UNKNOWN
    floor.venue.tells_completed = True
    floor.pump(after=60)
    assert floor.status() is OrderStatus.CANCELLED


def test_an_order_that_is_silently_dropped_is_asked_for_and_may_turn_up_later_anyway() -> None:
    """LEAN #93: the paper server answers some orders of a batch with nothing, ever."""
    floor = Floor()
    floor.place(arrives=False)
    floor.pump(after=1)
    assert floor.status() is OrderStatus.PENDING
    floor.pump(after=10)
    assert floor.status() is OrderStatus.CANCELLED
    floor.venue.deliver()
    floor.pump()
    assert floor.manager.status(LIMIT.order_id).needs_snapshot
    floor.pump(after=60)
    assert floor.status() is OrderStatus.SUBMITTED
    steps = [event.status for event in floor.journal.events(LIMIT.order_id)]
    assert steps[-3:] == [OrderStatus.CANCELLED, OrderStatus.UNKNOWN, OrderStatus.SUBMITTED]


def test_a_cancellation_that_the_broker_does_not_confirm_is_taken_back() -> None:
    """10349: an error that both client libraries take for the end of an order which rests at the broker."""
    floor = Floor()
    floor.place()
    floor.venue.tell_status(floor.at_venue(), OrderStatus.CANCELLED, "10349")
    floor.pump()
    assert floor.status() is OrderStatus.CANCELLED
    floor.pump(after=15)
    assert floor.status() is OrderStatus.SUBMITTED


def test_a_cancellation_that_was_written_down_and_not_sent_is_sent_by_the_next_process_once() -> None:
    floor = Floor()
    floor.place()
    floor.line.dies = "cancel"
    with pytest.raises(KilledError):
        asyncio.run(floor.manager.cancel(LIMIT.order_id))
    floor.restart()
    assert [kind for kind, *_ in floor.venue.inbound] == ["cancel"]
    floor.pump(after=60)
    assert [kind for kind, *_ in floor.venue.inbound] == ["cancel"]
    floor.venue.deliver()
    floor.pump()
    assert floor.status() is OrderStatus.CANCELLED


def test_a_fill_after_the_cancellation_is_booked_and_flagged() -> None:
    floor = Floor()
    floor.place()
    known = floor.at_venue()
    floor.venue.end(known, CANCELLED)
    floor.pump()
    floor.venue.fill(known, Decimal(40))
    floor.pump()
    state = floor.manager.status(LIMIT.order_id)
    assert (state.status, state.filled_quantity) == (OrderStatus.CANCELLED, Decimal(40))
    assert "40 shares filled, told after it was CANCELLED" in floor.reasons()
    assert any("told after it was CANCELLED" in problem.found for problem in floor.manager.problems)


def test_filled_is_what_the_fills_say_and_not_the_status() -> None:
    floor = Floor()
    floor.place()
    known = floor.at_venue()
    floor.venue.fill(known, Decimal(60))
    floor.venue.fill(known, Decimal(40))
    floor.venue.outbound = [floor.venue.outbound[3]]  # FILLED alone
    floor.pump()
    state = floor.manager.status(LIMIT.order_id)
    assert (state.status, state.filled_quantity, state.needs_snapshot) == (OrderStatus.SUBMITTED, Decimal(0), True)
    floor.pump(after=10)
    state = floor.manager.status(LIMIT.order_id)
    assert (state.status, state.filled_quantity, state.needs_snapshot) == (OrderStatus.FILLED, Decimal(100), False)


def test_repeated_and_belated_messages_change_nothing() -> None:
    floor = Floor()
    floor.place()
    floor.venue.fill(floor.at_venue(), Decimal(30))
    told = list(floor.venue.outbound)
    floor.pump()
    before = len(floor.journal.entries)
    floor.venue.outbound = [*told, *reversed(told)]
    floor.venue.tell_status(floor.at_venue(), OrderStatus.SUBMITTED)
    floor.pump()
    assert len(floor.journal.entries) == before
    assert floor.manager.status(LIMIT.order_id).filled_quantity == 30


def test_a_correction_takes_the_place_of_the_fill_in_any_order_of_arrival() -> None:
    """IB #364: `.01` → `.02` are one execution; the libraries count both."""
    for reverses in (False, True):
        floor = Floor()
        floor.place()
        fill = floor.venue.fill(floor.at_venue(), Decimal(50))
        floor.venue.correct(fill, Decimal(45), Decimal(11))
        floor.venue.correct(fill, Decimal(44), Decimal(12))
        if reverses:
            floor.venue.outbound.reverse()
        floor.pump()
        assert floor.manager.status(LIMIT.order_id).filled_quantity == 44
        (booked,) = OrderBook(floor.journal.entries).fills.of_order(LIMIT.order_id)
        assert (booked.quantity, booked.price) == (Decimal(44), Decimal(12))
        floor.restart()
        assert floor.manager.status(LIMIT.order_id).filled_quantity == 44


def test_an_older_revision_that_comes_late_changes_nothing() -> None:
    floor = Floor()
    floor.place()
    fill = floor.venue.fill(floor.at_venue(), Decimal(50))
    for quantity in (49, 48, 47):
        floor.venue.correct(fill, Decimal(quantity), Decimal(11))
    first, second, third, last = fill.revisions
    floor.venue.outbound = [first, last, second, third]
    floor.pump()
    assert floor.manager.status(LIMIT.order_id).filled_quantity == 47


class Forgetful(MemoryJournal):
    """A journal that does not bring back orders of long ago unless it is asked for one."""

    def load(self, account_id: str) -> AccountRecord:
        return AccountRecord(account_id, self.opening)


def test_an_order_of_long_ago_is_not_sent_again_and_its_late_news_finds_it() -> None:
    floor = Floor()
    floor.place()
    known = floor.at_venue()
    floor.venue.end(known, CANCELLED)
    floor.pump()
    forgetful = Forgetful()
    forgetful.entries = floor.journal.entries
    floor.journal, told = forgetful, floor.venue.orders
    floor.venue.orders = []
    floor.restart()
    assert floor.manager.working() == []
    assert floor.place().status is OrderStatus.CANCELLED
    assert floor.line.sent == [LIMIT.order_id]
    floor.restart()
    floor.venue.orders = told
    floor.venue.fill(known, Decimal(3))
    floor.pump()
    assert floor.manager.status(LIMIT.order_id).filled_quantity == 3


def test_more_shares_than_ordered_are_booked_and_told_loudly() -> None:
    floor = Floor()
    floor.place()
    known = floor.at_venue()
    floor.venue.fill(known, Decimal(100))
    floor.venue.fill(known, Decimal(10))
    floor.pump()
    state = floor.manager.status(LIMIT.order_id)
    assert (state.status, state.filled_quantity) == (OrderStatus.FILLED, Decimal(110))
    assert [problem.found for problem in floor.manager.problems] == ["110 shares filled of 100 ordered"]
    assert floor.reasons()[-1] == "110 shares filled of 100 ordered"


def test_a_fill_of_another_symbol_under_our_reference_counts_as_foreign_and_is_told() -> None:
    floor = Floor()
    floor.place()
    known = floor.at_venue()
    known.terms = replace(known.terms, symbol="Y")
    floor.venue.fill(known, Decimal(10))
    floor.pump()
    assert floor.manager.status(LIMIT.order_id).filled_quantity == 0
    assert [fill.execution.symbol for fill in OrderBook(floor.journal.entries).fills.foreign.values()] == ["Y"]
    assert "expected a fill of" in str(floor.manager.problems[0])


def test_a_charge_is_an_estimate_until_it_is_told_also_when_it_comes_first() -> None:
    floor = Floor()
    floor.place()
    fill = floor.venue.fill(floor.at_venue(), Decimal(50))
    floor.pump()
    (booked,) = OrderBook(floor.journal.entries).fills.of_order(LIMIT.order_id)
    assert booked.commission_is_estimated
    floor.venue.charge(fill)
    second = floor.venue.fill(floor.at_venue(), Decimal(5))
    told = floor.venue.outbound
    floor.venue.charge(second)
    told.insert(0, told.pop())
    floor.pump()
    charges = [
        (row.commission, row.commission_is_estimated) for row in OrderBook(floor.journal.entries).fills.own.values()
    ]
    assert charges == [(CHARGE, False), (CHARGE, False)]


def test_a_modification_sends_what_differs_and_is_confirmed_by_the_brokers_own_terms() -> None:
    floor = Floor()
    floor.place()
    change = OrderModification(quantity=Decimal(80), limit_price=LIMIT.limit_price)
    state = asyncio.run(floor.manager.modify(LIMIT.order_id, change))
    assert (state.order.quantity, floor.venue.inbound[0][2]) == (Decimal(80), OrderModification(quantity=Decimal(80)))
    floor.venue.deliver()
    floor.pump(after=15)
    rows = [entry for entry in floor.journal.entries if isinstance(entry, OrderAmendment)]
    assert [(row.source, row.modification.quantity) for row in rows] == [
        (AmendmentSource.REQUESTED, Decimal(80)),
        (AmendmentSource.BROKER, Decimal(80)),
    ]
    asyncio.run(floor.manager.modify(LIMIT.order_id, change))
    assert floor.venue.inbound == []


def test_a_modification_that_is_lost_is_seen_in_the_brokers_terms() -> None:
    floor = Floor()
    floor.place()
    asyncio.run(floor.manager.modify(LIMIT.order_id, OrderModification(quantity=Decimal(60))))
    floor.venue.inbound.clear()
    floor.venue.fill(floor.at_venue(), Decimal(60))
    floor.pump()
    assert floor.status() is OrderStatus.PARTIALLY_FILLED  # 40 more may fill: nobody confirmed 60
    floor.pump(after=15)
    assert floor.manager.status(LIMIT.order_id).order.quantity == 100
    result = floor.manager.last_reconciliation
    assert result is not None
    assert [(row.kind, row.in_record, row.at_broker) for row in result.breaks if row.kind is BreakKind.TERMS] == [
        (BreakKind.TERMS, Decimal(60), Decimal(100))
    ]


def test_a_modification_is_refused_where_it_could_make_two_orders_or_cannot_be() -> None:
    floor = Floor()
    modify = floor.manager.modify
    change = OrderModification(quantity=Decimal(80))
    floor.place(arrives=False)
    with pytest.raises(OrderError, match="found PENDING"):
        asyncio.run(modify(LIMIT.order_id, change))
    floor.venue.deliver()
    floor.venue.fill(floor.at_venue(), Decimal(30))
    floor.pump()
    with pytest.raises(OrderError, match="more than the 30 filled"):
        asyncio.run(modify(LIMIT.order_id, OrderModification(quantity=Decimal(30))))
    with pytest.raises(OrderError, match="expected no stop_price"):
        asyncio.run(modify(LIMIT.order_id, OrderModification(stop_price=Decimal(9))))
    floor.venue.tell(ConnectivityChange(Connectivity.DEGRADED, floor.clock.now(), "2103"))
    floor.pump()
    with pytest.raises(BrokerUnavailableError, match="degraded"):
        asyncio.run(modify(LIMIT.order_id, change))
    assert floor.venue.inbound == []


def parent_with_children(floor: Floor, *quantities: int) -> tuple[Order, Sequence[Order]]:
    parent = replace(LIMIT, order_id="ord_parent")
    floor.manager.place_parent(parent)
    children = [
        replace(LIMIT, order_id=f"ord_child_{number}", quantity=Decimal(quantity), parent_order_id=parent.order_id)
        for number, quantity in enumerate(quantities)
    ]
    for child in children:
        floor.place(child)
    return parent, children


def test_a_parent_is_where_its_children_are_and_is_never_sent() -> None:
    floor = Floor()
    parent, (first, second) = parent_with_children(floor, 60, 40)
    assert floor.line.sent == [first.order_id, second.order_id]
    assert floor.status(parent) is OrderStatus.SUBMITTED
    floor.venue.fill(floor.at_venue(first), Decimal(60))
    floor.pump()
    floor.restart()
    state = floor.manager.status(parent.order_id)
    assert (state.status, state.filled_quantity) == (OrderStatus.PARTIALLY_FILLED, Decimal(60))
    floor.venue.fill(floor.at_venue(second), Decimal(40))
    floor.pump()
    assert floor.status(parent) is OrderStatus.FILLED
    assert [child.filled_quantity for child in floor.manager.children(parent.order_id)] == [60, 40]


def test_cancelling_a_parent_cancels_its_children_and_it_is_over_with_them() -> None:
    floor = Floor()
    parent, (first, second) = parent_with_children(floor, 60, 30)
    floor.venue.fill(floor.at_venue(first), Decimal(60))
    floor.pump()
    asyncio.run(floor.manager.cancel(parent.order_id, "the window is over"))
    with pytest.raises(OrderError, match="being cancelled"):
        floor.place(replace(second, order_id="ord_late", quantity=Decimal(1)))
    assert floor.status(parent) is OrderStatus.PARTIALLY_FILLED
    floor.venue.deliver()
    floor.pump()
    assert (floor.status(second), floor.status(parent)) == (OrderStatus.CANCELLED, OrderStatus.CANCELLED)
    assert floor.manager.status(parent.order_id).filled_quantity == 60


def test_children_never_ask_for_more_than_their_parent_has_left() -> None:
    floor = Floor()
    parent, _ = parent_with_children(floor, 60)
    with pytest.raises(OrderError, match="at most the 40 shares left of its parent, found 41"):
        floor.place(replace(LIMIT, order_id="ord_more", quantity=Decimal(41), parent_order_id=parent.order_id))
    assert floor.line.sent == ["ord_child_0"]


def test_a_cancellation_goes_out_though_the_journal_fails() -> None:
    floor = Floor()
    floor.place()
    floor.journal.fails = "before"
    with pytest.raises(ConfigurationError):
        asyncio.run(floor.manager.cancel(LIMIT.order_id))
    assert [kind for kind, *_ in floor.venue.inbound] == ["cancel"]
    floor.journal.fails = "before"
    with pytest.raises(ConfigurationError):
        asyncio.run(floor.manager.cancel_all("kill switch"))
    assert floor.at_venue().status == CANCELLED
    floor.pump(after=1)
    assert floor.status() is OrderStatus.CANCELLED


def test_an_order_of_nobody_is_no_order_of_ours() -> None:
    floor = Floor()
    with pytest.raises(LedgerError, match="expected an order of this account's record"):
        floor.manager.status("ord_of_nobody")
    with pytest.raises(LedgerError):
        asyncio.run(floor.manager.cancel("ord_of_nobody"))


def test_orders_entered_by_hand_are_told_and_counted_and_left_alone() -> None:
    floor = Floor()
    by_hand = floor.venue.enter(order("SELL 20 X"), "")
    floor.venue.fill(by_hand, Decimal(5))
    floor.pump(after=400)
    assert [(row.symbol, row.order_id) for row in floor.manager.foreign_orders] == [("X", None)]
    result = floor.manager.last_reconciliation
    assert result is not None
    assert [row for row in result.breaks if row.kind is BreakKind.POSITION] == []
    assert floor.venue.inbound == []
    assert floor.manager.working() == []


def test_a_link_that_is_lost_makes_what_works_unknown_until_all_is_told_again() -> None:
    floor = Floor()
    floor.place()
    known = floor.at_venue()
    floor.venue.disconnect()
    floor.pump()
    assert floor.status() is OrderStatus.UNKNOWN
    with pytest.raises(BrokerUnavailableError):
        floor.place(order("BUY 5 X LIMIT 10"))
    floor.venue.fill(known, Decimal(100))  # nobody hears it
    floor.venue.reconnect()
    floor.pump(after=6)
    assert floor.status() is OrderStatus.FILLED
    assert floor.manager.is_ready


def test_who_works_orders_is_told_each_change_once_also_one_that_a_snapshot_brought() -> None:
    floor = Floor()
    floor.place()
    assert [state.status for state in floor.manager.take_changes()] == [OrderStatus.SUBMITTED]
    floor.pump()
    assert floor.manager.take_changes() == []
    floor.venue.fill(floor.at_venue(), Decimal(100))
    floor.venue.outbound.clear()
    floor.pump(after=400)
    assert [(state.status, state.filled_quantity) for state in floor.manager.take_changes()] == [
        (OrderStatus.FILLED, Decimal(100))
    ]
    floor.pump(after=400)
    assert floor.manager.take_changes() == []
