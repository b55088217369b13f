"""What the tracker tells for what comes over the wire; `Desk` stands between them, as the broker does."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.ib.messages import ACCOUNT, NOON, contract, execution, open_order, order
from tickledger.domain.order import OrderReport, OrderStatus
from tickledger.exchange.fees import schedule
from tickledger.execution.clock import ReplayClock
from tickledger.execution.order_state import TERMINAL
from tickledger.ib.fills import FillBook
from tickledger.ib.order_tracking import OrderTracker, Outlets, TrackedOrder

PENDING, SUBMITTED, PARTLY, FILLED, CANCELLED, REJECTED, UNKNOWN = OrderStatus


class Desk:
    """A tracker with order 1 (``ord_1``, 100 AAPL) sent, and everything it has said."""

    def __init__(self) -> None:
        self.reports: list[OrderReport] = []
        self.asked = 0
        self.awaiting: list[TrackedOrder] = []
        self.contradictions: list[str] = []
        self.book = FillBook(schedule("ib_fixed"))
        self.tracker = OrderTracker(
            client_id=1,
            account_id=ACCOUNT,
            book=self.book,
            clock=ReplayClock(NOON),
            outlets=Outlets(self.reports.append, self._ask, self.awaiting.append, self.contradictions.append),
        )
        self.order = self.tracker.add(order())
        self.tracker.sent(self.order, 1)

    def _ask(self) -> None:
        self.asked += 1

    @property
    def statuses(self) -> list[OrderStatus]:
        return [report.status for report in self.reports]

    def opened(self, **changed: Any) -> None:
        told = open_order(**changed)
        self.tracker.take_open_order(told.orderId, contract(), told, _State("Submitted"))

    def status(self, status: str, filled: float = 0, *, perm_id: int = 900, order_id: int = 1, held: str = "") -> None:
        self.tracker.take_status(order_id, status, filled, 100 - filled, 0.0, perm_id, 0, 0.0, 1, held, 0.0)

    def filled(self, execution_id: str, shares: float) -> None:
        fill = self.book.take(contract(), execution(execution_id, shares), side=None)
        if fill is not None:
            self.tracker.take_fill(fill)

    def error(self, code: int, text: str = "told") -> None:
        self.tracker.take_error(1, code, text, "")


class _State:
    def __init__(self, status: str) -> None:
        self.status = status


def test_an_order_is_acknowledged_once_however_often_that_is_said() -> None:
    desk = Desk()
    desk.status("PendingSubmit")
    assert desk.statuses == []
    desk.opened()
    desk.status("PreSubmitted")
    desk.status("Submitted")
    desk.status("Submitted")
    assert desk.statuses == [SUBMITTED]


def test_a_preset_time_in_force_does_not_cancel_a_living_order() -> None:
    desk = Desk()
    desk.error(10349, "Order TIF was set to DAY based on order preset.")
    desk.opened()
    desk.error(10349, "Order TIF was set to DAY based on order preset.")
    assert desk.statuses == [SUBMITTED]
    assert desk.asked == 0


def test_a_code_nobody_knows_makes_the_order_unknown_and_the_broker_is_asked() -> None:
    desk = Desk()
    desk.opened()
    desk.error(10999, "Something new.")
    assert desk.statuses == [SUBMITTED, UNKNOWN]
    assert desk.asked == 1
    desk.status("Submitted")
    assert desk.statuses == [SUBMITTED, UNKNOWN, SUBMITTED]


def test_a_rejection_before_any_acknowledgement_ends_the_order() -> None:
    desk = Desk()
    desk.error(201, "Order rejected - Reason: margin")
    desk.status("Inactive")
    assert [(r.status, r.reason) for r in desk.reports] == [(REJECTED, "error 201: Order rejected - Reason: margin")]


def test_a_rejection_of_a_working_order_does_not_end_it() -> None:
    desk = Desk()
    desk.opened()
    desk.error(201, "Order rejected - reason:Cannot cancel the filled order")
    assert desk.statuses == [SUBMITTED, UNKNOWN]
    desk.filled("x.01.01", 100)
    assert desk.statuses[-1] is FILLED


def test_an_order_that_was_told_rejected_and_works_is_a_contradiction() -> None:
    desk = Desk()
    desk.error(201)
    desk.status("Submitted")
    desk.status("Submitted")
    assert desk.statuses == [REJECTED]
    assert len(desk.contradictions) == 1


def test_a_cancel_counts_only_when_the_status_says_so() -> None:
    desk = Desk()
    desk.opened()
    desk.status("PendingCancel")
    desk.error(202, "Order Canceled - reason:")
    assert desk.statuses == [SUBMITTED]
    desk.status("Cancelled")
    assert [(r.status, r.reason) for r in desk.reports[1:]] == [(CANCELLED, "error 202: Order Canceled - reason:")]


def test_a_cancel_of_an_order_the_broker_does_not_know_is_asked_about() -> None:
    for code in (10147, 10148, 161, 135):
        desk = Desk()
        desk.opened()
        desk.error(code)
        assert desk.statuses == [SUBMITTED, UNKNOWN]
        assert desk.asked == 1


def test_an_inactive_order_that_waits_for_shares_to_borrow_works() -> None:
    desk = Desk()
    desk.opened()
    desk.error(404, "Shares for this order are not immediately available for short sale.")
    desk.status("Inactive", held="locate")
    assert desk.statuses == [SUBMITTED]


def test_an_inactive_order_is_over() -> None:
    desk = Desk()
    desk.opened()
    desk.status("Inactive")
    assert desk.statuses == [SUBMITTED, CANCELLED]


def test_fills_alone_complete_a_market_order_that_gets_no_status() -> None:
    desk = Desk()
    desk.filled("x.01.01", 40)
    desk.filled("x.01.01", 40)
    desk.filled("x.02.01", 60)
    assert desk.statuses == [PARTLY, FILLED]


def test_an_end_is_told_only_with_the_fills_that_its_status_counts() -> None:
    desk = Desk()
    desk.opened()
    desk.status("Filled", 100)
    assert desk.statuses == [SUBMITTED]
    assert desk.awaiting == [desk.order]
    desk.filled("x.01.01", 30)
    desk.filled("x.02.01", 70)
    assert desk.statuses[-1] is FILLED


def test_a_partial_fill_that_races_its_cancel_is_told_before_the_end() -> None:
    desk = Desk()
    desk.opened()
    desk.status("Cancelled", 30)
    assert desk.statuses == [SUBMITTED]
    desk.filled("x.01.01", 30)
    assert desk.statuses == [SUBMITTED, CANCELLED]


def test_late_and_repeated_statuses_do_not_bring_an_order_back() -> None:
    desk = Desk()
    desk.opened()
    desk.status("Cancelled")
    desk.status("Submitted")
    desk.opened()
    desk.error(10148)
    assert desk.statuses == [SUBMITTED, CANCELLED]
    assert desk.contradictions == []


def test_a_status_under_an_id_that_was_given_away_twice_is_not_booked() -> None:
    desk = Desk()
    desk.opened()
    desk.status("Cancelled", perm_id=555)
    assert desk.statuses == [SUBMITTED]
    assert desk.asked == 1


def test_an_order_under_our_old_id_with_another_reference_is_another_order() -> None:
    desk = Desk()
    desk.opened(order_id="ord_other", clientId=2)
    assert desk.statuses == []


def test_a_lost_connection_leaves_what_was_not_answered_unknown() -> None:
    desk = Desk()
    acknowledged = desk.tracker.add(order("ord_2"))
    desk.tracker.sent(acknowledged, 2)
    desk.opened(order_id="ord_2", orderId=2, permId=901)
    desk.tracker.add(order("ord_3"))
    desk.tracker.connection_lost("reset")
    assert [(r.order_id, r.status) for r in desk.reports] == [("ord_2", SUBMITTED), ("ord_1", UNKNOWN)]


def test_a_modification_is_done_when_the_broker_has_its_terms() -> None:
    desk = Desk()
    desk.opened()
    desk.order.proposed = replace(order(), quantity=Decimal(150))
    desk.opened()
    assert desk.order.proposed is not None, "the broker told the order as it was, perhaps before the change"
    desk.opened(quantity=150)
    assert [(r.status, r.reason) for r in desk.reports] == [(SUBMITTED, ""), (SUBMITTED, "modified")]
    desk.filled("x.01.01", 100)
    assert desk.statuses[-1] is PARTLY


def test_a_refused_modification_leaves_the_order_as_it_was() -> None:
    desk = Desk()
    desk.opened()
    desk.order.proposed = replace(order(), quantity=Decimal(150))
    desk.error(201, "Order rejected - reason: size")
    assert desk.statuses == [SUBMITTED, SUBMITTED]
    assert desk.reports[-1].reason == "modification refused: error 201: Order rejected - reason: size"
    desk.filled("x.01.01", 100)
    assert desk.statuses[-1] is FILLED


def test_an_order_of_an_earlier_run_is_told_by_its_reference() -> None:
    desk = Desk()
    desk.opened(order_id="ord_before", orderId=7, permId=700, quantity=50)
    desk.status("Submitted", order_id=7, perm_id=700)
    desk.status("Cancelled", order_id=7, perm_id=700)
    assert [(r.order_id, r.status) for r in desk.reports] == [("ord_before", SUBMITTED), ("ord_before", CANCELLED)]


def test_orders_of_other_accounts_and_clients_and_by_hand_are_not_reported() -> None:
    desk = Desk()
    desk.opened(order_id="ord_9", account="U999")
    desk.opened(order_id="theirs", clientId=4, orderId=9, permId=4)
    desk.opened(order_id="", orderId=0, permId=5, clientId=0)
    desk.status("Filled", 100, order_id=0, perm_id=5)
    assert desk.reports == []


def test_a_completed_order_settles_what_was_unknown() -> None:
    desk = Desk()
    desk.tracker.doubt(desk.order, "silence")
    desk.tracker.take_completed(open_order(), status="Cancelled", filled=Decimal(0), reason="Cancelled by Trader")
    assert [(r.status, r.reason) for r in desk.reports[1:]] == [(CANCELLED, "Cancelled by Trader")]


Step = Callable[[Desk], None]
_STEPS: dict[str, Step] = {
    "opened": lambda desk: desk.opened(),
    "working": lambda desk: desk.status("Submitted"),
    "held": lambda desk: desk.status("PreSubmitted"),
    "cancelling": lambda desk: desk.status("PendingCancel"),
    "cancelled": lambda desk: desk.status("Cancelled", float(desk.book.filled(order_id="ord_1"))),
    "cancelled after a fill not told": lambda desk: desk.status("Cancelled", 30),
    "filled": lambda desk: desk.status("Filled", 100),
    "inactive": lambda desk: desk.status("Inactive"),
    "first fill": lambda desk: desk.filled("a.01.01", 30),
    "second fill": lambda desk: desk.filled("b.01.01", 70),
    "preset": lambda desk: desk.error(10349),
    "rejected": lambda desk: desk.error(201),
    "not found": lambda desk: desk.error(10147),
    "unheard of": lambda desk: desk.error(31_337),
    "connection lost": lambda desk: desk.tracker.connection_lost("reset"),
}


@given(st.lists(st.sampled_from(sorted(_STEPS)), max_size=25))
def test_whatever_comes_in_whatever_order_an_order_ends_once_and_filled_means_filled(steps: list[str]) -> None:
    desk = Desk()
    for step in steps:
        _STEPS[step](desk)
    ends = [number for number, status in enumerate(desk.statuses) if status in TERMINAL]
    assert len(ends) <= 1
    assert not ends or ends[0] == len(desk.statuses) - 1
    assert PENDING not in desk.statuses
    for earlier, later in zip(desk.reports, desk.reports[1:], strict=False):
        assert later.status is not earlier.status or later.reason
    if FILLED in desk.statuses:
        assert desk.book.filled(order_id="ord_1") == 100
    told_over = {"cancelled", "cancelled after a fill not told", "inactive", "filled", "rejected"} & set(steps)
    if not told_over and desk.book.filled(order_id="ord_1") < 100:
        assert not ends
