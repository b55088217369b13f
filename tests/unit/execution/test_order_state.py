"""The states of an order: which may follow which, and what is left of it; `test_order_news` has how it gets there."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.trading import order
from tickledger.domain.order import OrderEvent, OrderStatus
from tickledger.execution.order_state import NEXT_STATES, TERMINAL, pending

ORDERED = order("BUY 100 X")
#: The diagram of the module, written out: what may follow what.
STEPS = {
    "PENDING": "SUBMITTED PARTIALLY_FILLED FILLED CANCELLED REJECTED UNKNOWN",
    "SUBMITTED": "PARTIALLY_FILLED FILLED CANCELLED REJECTED UNKNOWN",
    "PARTIALLY_FILLED": "PARTIALLY_FILLED FILLED CANCELLED UNKNOWN",
    "UNKNOWN": "SUBMITTED PARTIALLY_FILLED FILLED CANCELLED REJECTED",
    "FILLED": "",
    "CANCELLED": "",
    "REJECTED": "",
}


def test_an_order_starts_pending_as_its_first_event() -> None:
    state, event = pending(ORDERED)
    assert event == OrderEvent(ORDERED.order_id, 0, OrderStatus.PENDING, ORDERED.submitted_at, ORDERED.session_date)
    assert (state.status, state.next_sequence) == (OrderStatus.PENDING, 1)


def test_what_may_follow_what_is_the_diagram() -> None:
    assert {status: set(after) for status, after in NEXT_STATES.items()} == {
        status: set(after.split()) for status, after in STEPS.items()
    }


@pytest.mark.parametrize("status", OrderStatus)
def test_what_nothing_follows_is_over(status: OrderStatus) -> None:
    state = replace(pending(ORDERED)[0], status=status, filled_quantity=Decimal(30))
    assert state.is_terminal is (status in TERMINAL) is (not NEXT_STATES[status])
    assert state.remaining_quantity == 70
