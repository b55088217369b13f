"""The order's state machine against a model of it: what is over stays over, and nothing fills twice."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tests.trading import ACCOUNT, order
from tickledger.domain.errors import OrderError
from tickledger.domain.execution import Execution
from tickledger.domain.order import OrderEvent, OrderReport, OrderSide, OrderStatus
from tickledger.execution.order_state import OrderState, filled, pending, stepped

AT = datetime(2012, 1, 4, 14, 30, tzinfo=UTC)
DAY = date(2012, 1, 4)
ORDERED = order("BUY 100 X")


def report(status: OrderStatus, order_id: str = ORDERED.order_id) -> OrderReport:
    return OrderReport(order_id, status, AT, "told so")


def execution(quantity: int, symbol: str = "X") -> Execution:
    return Execution(
        execution_id="exec_1",
        order_id=ORDERED.order_id,
        account_id=ACCOUNT.account_id,
        symbol=symbol,
        side=OrderSide.BUY,
        quantity=Decimal(quantity),
        price=Decimal(10),
        commission=Decimal(1),
        fees=Decimal(0),
        executed_at=AT,
        trade_date=DAY,
    )


def test_an_order_starts_pending_as_its_first_event() -> None:
    state, event = pending(ORDERED)
    assert event == OrderEvent(ORDERED.order_id, 0, OrderStatus.PENDING, ORDERED.submitted_at, ORDERED.session_date)
    assert (state.status, state.next_sequence) == (OrderStatus.PENDING, 1)


def test_an_unknown_order_becomes_what_the_broker_says_once_it_is_asked() -> None:
    state, _ = pending(ORDERED)
    state, _ = stepped(state, report(OrderStatus.UNKNOWN), session_date=DAY)
    assert not state.is_terminal
    state, event = stepped(state, report(OrderStatus.SUBMITTED), session_date=DAY)
    assert (event.sequence, event.status, event.reason) == (2, OrderStatus.SUBMITTED, "told so")


def test_an_order_with_fills_is_cancelled_and_not_rejected() -> None:
    state = replace(pending(ORDERED)[0], status=OrderStatus.PARTIALLY_FILLED)
    with pytest.raises(OrderError, match=r"expected after PARTIALLY_FILLED one of .*, found REJECTED"):
        stepped(state, report(OrderStatus.REJECTED), session_date=DAY)


def test_a_fill_that_crossed_a_cancellation_is_booked_all_the_same() -> None:
    state, _ = stepped(pending(ORDERED)[0], report(OrderStatus.CANCELLED), session_date=DAY)
    assert filled(state, execution(40)).filled_quantity == 40


def test_a_report_or_a_fill_of_something_else_is_refused() -> None:
    state, _ = pending(ORDERED)
    with pytest.raises(OrderError, match="found one on ord_other"):
        stepped(state, report(OrderStatus.SUBMITTED, "ord_other"), session_date=DAY)
    with pytest.raises(OrderError, match="expected a BUY of X"):
        filled(state, execution(1, symbol="Y"))


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


class OrderLife(RuleBasedStateMachine):
    """Any reports and fills, in any order."""

    def __init__(self) -> None:
        super().__init__()
        first, event = pending(ORDERED)
        self.state: OrderState = first
        self.events = [event]
        self.over: OrderStatus | None = None
        self.quantity = 0

    @rule(status=st.sampled_from(OrderStatus))
    def hear(self, status: OrderStatus) -> None:
        try:
            self.state, event = stepped(self.state, report(status), session_date=DAY)
        except OrderError:
            assert status not in STEPS[self.state.status].split()
            return
        assert status in STEPS[self.events[-1].status].split()
        self.events.append(event)
        if status in {OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED}:
            self.over = status

    @rule(quantity=st.integers(-5, 120))
    def fill(self, quantity: int) -> None:
        try:
            self.state = filled(self.state, execution(quantity))
        except OrderError:
            assert quantity <= 0 or self.quantity + quantity > 100
            return
        self.quantity += quantity

    @invariant()
    def what_is_over_stays_over(self) -> None:
        assert self.state.is_terminal == (self.over is not None)
        assert self.over in {None, self.state.status}

    @invariant()
    def fills_never_exceed_the_order(self) -> None:
        assert 0 <= self.state.filled_quantity == self.quantity <= 100
        assert self.state.remaining_quantity == 100 - self.quantity

    @invariant()
    def events_are_numbered_without_gaps(self) -> None:
        assert [event.sequence for event in self.events] == list(range(self.state.next_sequence))


TestOrderLife = OrderLife.TestCase
