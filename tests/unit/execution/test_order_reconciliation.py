"""Record and broker side by side: what is booked, what is told with its numbers, and what is never inferred."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.trading import ACCOUNT, order
from tests.unit.execution.remote_venue import CHARGE, ESTIMATE, OPENING, START, Venue, VenueOrder
from tickledger.domain.broker import BrokerSnapshot
from tickledger.domain.errors import BrokerUnavailableError
from tickledger.domain.order import Order, OrderStatus
from tickledger.execution.clock import ReplayClock
from tickledger.execution.order_book import OrderBook
from tickledger.execution.order_journal import AccountRecord, OrderPlaced
from tickledger.execution.order_reconciliation import BreakKind, Reconciliation, reconciled
from tickledger.execution.order_state import pending

LIMIT = order("BUY 100 X LIMIT 10")
YESTERDAY = START - timedelta(days=1)


def record(*placed: Order) -> AccountRecord:
    """Orders that were written down at `START` and of which nothing was heard."""
    entries = [(OrderPlaced(one), replace(pending(one)[1], occurred_at=START)) for one in placed]
    return AccountRecord(ACCOUNT.account_id, OPENING, entries=tuple(entry for pair in entries for entry in pair))


def venue(after: timedelta = timedelta(minutes=1)) -> Venue:
    clock = ReplayClock(START)
    clock.advance(START + after)
    return Venue(clock)


def entered(broker: Venue, placed: Order = LIMIT) -> VenueOrder:
    return broker.enter(placed, placed.order_id)


def breaks(result: Reconciliation) -> list[tuple[BreakKind, str, Decimal, Decimal]]:
    return [(row.kind, row.subject, row.in_record, row.at_broker) for row in result.breaks]


def steps(result: Reconciliation) -> list[tuple[str, OrderStatus, OrderStatus]]:
    return [(row.order_id, row.before, row.after) for row in result.transitions]


def test_fills_that_were_missed_are_booked_and_the_order_follows() -> None:
    broker = venue()
    known = entered(broker)
    fill = broker.fill(known, Decimal(60))
    broker.charge(fill)
    result = reconciled(record(LIMIT), broker.snapshot())
    assert [(row.order_id, row.quantity) for row in result.missing_fills] == [(LIMIT.order_id, Decimal(60))]
    assert steps(result) == [(LIMIT.order_id, OrderStatus.PENDING, OrderStatus.PARTIALLY_FILLED)]
    assert (breaks(result), result.is_clean) == ([], True)


def test_running_it_again_changes_nothing() -> None:
    broker = venue()
    broker.fill(entered(broker), Decimal(60))
    broker.fill(broker.enter(order("SELL 5 X"), ""), Decimal(5))
    start, snapshot = record(LIMIT), broker.snapshot()
    first = reconciled(start, snapshot)
    assert first.foreign_fills
    again = reconciled(start.with_entries(first.entries), snapshot)
    assert (again.entries, again.transitions, again.missing_fills, again.foreign_fills) == ((), (), (), ())
    assert again.breaks == first.breaks


def test_a_snapshot_of_another_account_says_nothing_about_this_one() -> None:
    other = replace(venue().snapshot(), account_id="U999")
    with pytest.raises(BrokerUnavailableError, match="expected a snapshot of account SIM0001, found one of U999"):
        reconciled(record(LIMIT), other)


def test_cash_that_differs_is_told_with_the_charges_that_are_not_known_yet() -> None:
    broker = venue()
    broker.fill(entered(broker), Decimal(60))
    result = reconciled(record(LIMIT), broker.snapshot())
    expected = Decimal(100_000) - 600 - ESTIMATE
    assert breaks(result) == [(BreakKind.CASH, ACCOUNT.account_id, expected, Decimal(100_000) - 600 - CHARGE)]
    assert "1 of 1 charges are not told yet, estimated at 1.00" in result.breaks[0].reason


def test_cash_that_moved_without_a_fill_belongs_to_the_record() -> None:
    snapshot = replace(venue().snapshot(), cash=Decimal(100_250))
    assert breaks(reconciled(record(), snapshot)) == [
        (BreakKind.CASH, ACCOUNT.account_id, Decimal(100_000), Decimal(100_250))
    ]
    assert reconciled(replace(record(), cash_moved=Decimal(250)), snapshot).is_clean


def test_a_position_that_no_fill_explains_is_told_with_both_numbers() -> None:
    snapshot = venue().snapshot()
    moved = replace(snapshot, positions=(replace(snapshot.positions[0], quantity=Decimal(40)),))
    assert breaks(reconciled(record(), moved)) == [(BreakKind.POSITION, "X", Decimal(50), Decimal(40))]


def test_fills_that_the_broker_counts_and_does_not_tell_are_told_and_never_made_up() -> None:
    """A GTC order filled in part yesterday, while nobody listened: IB tells the fills of the current day only."""
    broker = venue()
    known = entered(broker)
    broker.fill(known, Decimal(60))
    snapshot = replace(broker.snapshot(), fills=())
    result = reconciled(record(LIMIT), snapshot)
    assert result.missing_fills == ()
    assert (BreakKind.FILLS, LIMIT.order_id, Decimal(0), Decimal(60)) in breaks(result)
    assert (BreakKind.POSITION, "X", Decimal(50), Decimal(110)) in breaks(result)
    assert result.unresolved == (LIMIT.order_id,)


def test_two_orders_under_one_reference_are_told() -> None:
    """nautilus #4564: one modification, two orders."""
    broker = venue()
    entered(broker)
    entered(broker)
    result = reconciled(record(LIMIT), broker.snapshot())
    assert breaks(result) == [(BreakKind.ORDER, LIMIT.order_id, Decimal(1), Decimal(2))]


def absent(*placed: Order, after: timedelta, **changes: object) -> Reconciliation:
    """What comes of orders that the broker does not show."""
    snapshot: BrokerSnapshot = replace(venue(after).snapshot(), **changes)  # type: ignore[arg-type]
    return reconciled(record(*placed), snapshot)


def test_of_an_order_that_the_broker_does_not_show_as_much_is_inferred_as_it_said() -> None:
    moment, minute = timedelta(seconds=2), timedelta(minutes=1)
    assert steps(absent(LIMIT, after=moment)) == []
    assert absent(LIMIT, after=moment).unresolved == (LIMIT.order_id,)
    assert steps(absent(LIMIT, after=minute)) == [(LIMIT.order_id, OrderStatus.PENDING, OrderStatus.CANCELLED)]
    untold = absent(LIMIT, after=minute, completed_orders=None)
    assert steps(untold) == [(LIMIT.order_id, OrderStatus.PENDING, OrderStatus.UNKNOWN)]


def test_an_order_of_yesterday_is_over_where_the_position_says_so_and_in_doubt_where_not() -> None:
    day = timedelta(days=1)
    assert steps(absent(LIMIT, after=day)) == [(LIMIT.order_id, OrderStatus.PENDING, OrderStatus.CANCELLED)]
    held = venue(day).snapshot().positions
    filled = absent(LIMIT, after=day, positions=(replace(held[0], quantity=Decimal(150)),))
    assert steps(filled) == [(LIMIT.order_id, OrderStatus.PENDING, OrderStatus.UNKNOWN)]
    assert (BreakKind.ORDER, LIMIT.order_id, Decimal(100), Decimal(0)) in breaks(filled)
    # Two that may have filled against each other leave the position as it was.
    two = absent(LIMIT, order("SELL 100 X LIMIT 10"), after=day)
    assert {after for _, _, after in steps(two)} == {OrderStatus.UNKNOWN}


def test_a_foreign_fill_whose_reference_turns_out_to_be_ours_counts_once() -> None:
    broker = venue()
    known = entered(broker)
    broker.fill(known, Decimal(60))
    snapshot = broker.snapshot()
    (told,) = snapshot.fills
    nameless = replace(told, execution=replace(told.execution, order_id=""))
    start = record(LIMIT)
    first = reconciled(start, replace(snapshot, fills=(nameless,)))
    assert len(first.foreign_fills) == 1
    after = start.with_entries(first.entries)
    second = reconciled(after, snapshot)
    assert [row.quantity for row in second.missing_fills] == [60]
    assert [row for row in breaks(second) if row[0] is BreakKind.POSITION] == []
    book = OrderBook(after.with_entries(second.entries).entries)
    assert book.orders[LIMIT.order_id].state.filled_quantity == 60
    assert reconciled(after.with_entries(second.entries), snapshot).entries == ()


def test_an_order_that_waits_to_be_sent_is_not_taken_for_one_that_never_arrived() -> None:
    waiting = replace(venue().snapshot(), unsent=frozenset({LIMIT.order_id}))
    result = reconciled(record(LIMIT), waiting)
    assert (result.entries, result.transitions) == ((), ())
    assert result.unresolved == (LIMIT.order_id,)
    assert steps(reconciled(record(LIMIT), venue().snapshot())) == [
        (LIMIT.order_id, OrderStatus.PENDING, OrderStatus.CANCELLED)
    ]


def test_what_was_placed_after_the_snapshot_was_asked_for_is_left_alone_however_long_it_took() -> None:
    broker = venue(after=timedelta(0))
    asked_at = replace(broker.snapshot(), taken_at=START - timedelta(seconds=20))
    result = reconciled(record(LIMIT), asked_at)
    assert (result.entries, result.unresolved) == ((), (LIMIT.order_id,))
