"""The same session on one tape, in process and over the socket: the same decisions, orders and fills, row by row."""

import asyncio
from datetime import timedelta

import pytest

from tests.parity import stage
from tickledger.bars.calendars import session_close, session_open
from tickledger.domain.execution import Execution
from tickledger.domain.order import OrderStatus


def deals(fills: tuple[Execution, ...]) -> list[tuple[object, ...]]:
    """Fills by what they are, whatever the broker calls them; of one instant by order."""
    rows = [
        (fill.executed_at, fill.order_id, fill.symbol, fill.side, fill.quantity, fill.price, fill.trade_date)
        for fill in fills
    ]
    return sorted(rows)


def ends(outcome: stage.Outcome) -> dict[str, OrderStatus]:
    return {event.order_id: event.status for event in outcome.record.order_events}


@pytest.mark.parametrize(
    ("opening", "length"),
    [
        (timedelta(minutes=90), timedelta(minutes=75)),
        (timedelta(0), timedelta(minutes=20)),
        (timedelta(hours=6, minutes=10), timedelta(minutes=20, seconds=15)),
    ],
    ids=["in the day", "from the open", "to the close"],
)
def test_a_session_is_the_same_in_process_and_over_the_socket(opening: timedelta, length: timedelta) -> None:
    tape, starts_at = stage.market_tape(), session_open(stage.DAY) + opening
    until = min(starts_at + length, session_close(stage.DAY) + timedelta(seconds=20))
    terms = stage.terms(tape, starts_at)
    ours = asyncio.run(stage.in_process(tape, starts_at, until, terms))
    theirs = asyncio.run(stage.over_tcp(tape, starts_at, until, terms))
    assert [signal.signal_id for signal in ours.told.signals] == [signal.signal_id for signal in theirs.told.signals]
    assert ours.told.decisions == theirs.told.decisions
    assert ours.record.orders == theirs.record.orders
    assert deals(ours.record.executions) == deals(theirs.record.executions)
    assert ends(ours) == ends(theirs)
    assert (ours.cash, ours.holdings) == (theirs.cash, theirs.holdings)
    assert [(row.session_date, row.cash, row.equity) for row in ours.record.balances] == [
        (row.session_date, row.cash, row.equity) for row in theirs.record.balances
    ]
    # It has to have done something for this to mean anything.
    assert len(ours.told.signals) > 10
    if opening == timedelta(minutes=90):
        assert len(ours.record.executions) > 10
