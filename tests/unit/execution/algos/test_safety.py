"""What keeps a parent from trading twice: each rule by an example, and a restart in the middle."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from tests.unit.execution.algos.desk import HOUR, START, Desk, at, parent, quote
from tickledger.domain.errors import BrokerUnavailableError, ConfigurationError, LedgerError, OrderError
from tickledger.domain.order import Order, OrderModification, OrderStatus, OrderType
from tickledger.execution.algos.parent import AlgoState, ChildAction, Done, DoneReason, MarketView, ParentOrder, Place
from tickledger.execution.algos.pricing import child_price
from tickledger.execution.algos.sizing import child_quantity
from tickledger.execution.algos.terms import AtEnd, Terms, Urgency
from tickledger.execution.algos.twap import Twap
from tickledger.execution.order_state import OrderState

D = Decimal
CROSSING = ((D(0), Urgency.CROSS),)
PASSIVE = ((D(0), Urgency.PASSIVE),)
MID_SOON = ((D(0), Urgency.PASSIVE), (D("0.1"), Urgency.MID))
ONE = Twap(slices=1, steps=MID_SOON)


def moved_desk(algorithm: Twap = ONE) -> Desk:
    """A hundred shares for an hour, whose only child is to be moved to the middle at 6:00."""
    desk = Desk(parent("BUY 100 X"), algorithm).begin()
    desk.tell("10.00 10.04")
    desk.go(at("6:00"))
    assert desk.cancelled == [desk.sent[0].order_id]
    return desk


def test_a_child_is_replaced_only_once_its_cancellation_is_confirmed() -> None:
    desk = moved_desk()
    desk.go(at("6:09"))
    assert desk.sizes == [100]
    desk.report(desk.sent[0].order_id, OrderStatus.CANCELLED, filled=0)
    assert desk.sizes == [100, 100]


def test_what_a_broker_does_not_say_is_waited_for_after_a_cancellation() -> None:
    """The fill of 40 was on its way when the cancellation was confirmed: 60 are sent, and not before two seconds."""
    desk = moved_desk()
    desk.report(desk.sent[0].order_id, OrderStatus.CANCELLED)
    desk.go(at("6:01"))
    desk.fill(desk.sent[0].order_id, 40)
    assert desk.sizes == [100]
    desk.go(at("6:02"))
    assert desk.sizes == [100, 60]


def test_fills_that_a_cancellation_announces_are_counted_before_they_come() -> None:
    desk = moved_desk()
    desk.report(desk.sent[0].order_id, OrderStatus.CANCELLED, filled=40)
    assert desk.sizes == [100, 60]
    desk.fill(desk.sent[0].order_id, 40)
    assert desk.state.filled == 40


def test_a_fill_later_than_that_takes_back_what_is_too_much() -> None:
    desk = moved_desk()
    desk.report(desk.sent[0].order_id, OrderStatus.CANCELLED)
    desk.go(at("6:02"))
    assert desk.sizes == [100, 100]
    desk.fill(desk.sent[0].order_id, 40)
    assert desk.cancelled[-1] == desk.sent[1].order_id


def test_an_unanswered_cancellation_is_asked_for_again() -> None:
    desk = moved_desk()
    desk.go(at("6:09"))
    assert len(desk.cancelled) == 1
    desk.go(at("6:10"))
    assert desk.cancelled == [desk.sent[0].order_id] * 2


def test_an_order_of_unknown_fate_counts_as_working_and_the_parent_waits_for_it() -> None:
    desk = Desk(parent("BUY 100 X"), replace(ONE, terms=Terms(at_end=AtEnd.CANCEL))).begin()
    desk.report(desk.sent[0].order_id, OrderStatus.UNKNOWN)
    desk.go(START + HOUR + timedelta(minutes=5))
    assert desk.sizes == [100]
    assert desk.state.done is None
    desk.report(desk.sent[0].order_id, OrderStatus.CANCELLED, filled=0)
    assert desk.state.done is DoneReason.ENDED


def test_a_fill_that_is_told_twice_counts_once() -> None:
    desk = Desk(parent(), Twap(slices=10)).begin()
    for _ in range(2):
        desk.fill(desk.sent[0].order_id, 30, execution_id="exec_same")
    assert desk.state.filled == 30


def test_a_status_that_comes_late_does_not_bring_an_order_back() -> None:
    desk = Desk(parent(), Twap(slices=10)).begin()
    desk.report(desk.sent[0].order_id, OrderStatus.CANCELLED, filled=0)
    desk.report(desk.sent[0].order_id, OrderStatus.SUBMITTED)
    assert desk.children[0].status is OrderStatus.CANCELLED


def test_a_rejection_is_followed_by_a_pause_and_the_third_in_a_row_ends_the_parent() -> None:
    desk = Desk(parent(), Twap(slices=10)).begin()
    desk.report(desk.sent[-1].order_id, OrderStatus.REJECTED)
    desk.go(at("0:04"))
    assert desk.sizes == [100]
    desk.go(at("0:05"))
    desk.report(desk.sent[-1].order_id, OrderStatus.REJECTED)
    desk.go(at("0:10"))
    desk.report(desk.sent[-1].order_id, OrderStatus.REJECTED)
    assert desk.state.done is DoneReason.REJECTED
    desk.go(at("1:00"))
    assert desk.sizes == [100, 100, 100]


def test_cancelling_the_parent_cancels_its_children_and_is_done_when_they_are() -> None:
    desk = Desk(parent(), Twap(slices=10, steps=PASSIVE)).begin()
    desk.go(at("6:00"))
    desk.cancel_parent()
    assert set(desk.cancelled) == {placed.order_id for placed in desk.sent}
    assert len(desk.parents.open_parents()) == 1
    for placed in desk.sent:
        desk.report(placed.order_id, OrderStatus.CANCELLED, filled=0)
    assert desk.state.done is DoneReason.CANCELLED
    desk.go(START + HOUR)
    assert desk.sizes == [100, 100]


def test_an_order_that_works_after_all_when_the_parent_is_over_is_cancelled_too() -> None:
    """The broker had called it cancelled by mistake."""
    desk = Desk(parent("BUY 100 X"), ONE).begin()
    desk.cancel_parent()
    desk.report(desk.sent[0].order_id, OrderStatus.CANCELLED, filled=0)
    assert desk.state.done is DoneReason.CANCELLED
    desk.clock.advance(at("1:00"))
    desk._do(desk.parents.take_states([OrderState(desk.sent[0], OrderStatus.SUBMITTED)]))
    assert desk.cancelled == [desk.sent[0].order_id] * 2


def test_what_the_order_manager_says_is_the_truth_and_what_it_must_ask_about_is_unknown() -> None:
    desk = Desk(parent(), Twap(slices=10)).begin()
    first = desk.sent[0]
    desk._do(desk.parents.take_states([OrderState(first, OrderStatus.PARTIALLY_FILLED, D(70))]))
    assert desk.state.filled == 70
    desk._do(desk.parents.take_states([OrderState(first, OrderStatus.PARTIALLY_FILLED, D(60))]))
    assert desk.state.filled == 60
    doubtful = OrderState(first, OrderStatus.CANCELLED, D(60), needs_snapshot=True)
    desk._do(desk.parents.take_states([doubtful]))
    assert desk.state.committed(START + HOUR, desk.algorithm.terms) == 100
    desk._do(desk.parents.take_states([replace(doubtful, needs_snapshot=False)]))
    assert desk.state.committed(START + HOUR, desk.algorithm.terms) == 60


def resumed(desk: Desk, states: list[OrderState]) -> Desk:
    """The same parent in a new process, at the old one's time."""
    other = Desk(desk.parent, desk.algorithm)
    other.clock.advance(desk.clock.now())
    other.sent = [state.order for state in states]
    other._do(other.parents.resume(desk.parent, desk.algorithm, states))
    other.tell()
    return other


def test_a_restart_goes_on_from_the_children_and_sends_the_same_total() -> None:
    twap = Twap(slices=10, steps=CROSSING, size_variation=D("0.3"), seed=5, terms=Terms(round_lot=D(1)))
    whole = Desk(parent(), twap).begin()
    broken = Desk(parent(), twap).begin()
    for minute in range(1, 60):
        for desk in (whole, broken):
            desk.go(START + timedelta(minutes=minute))
            for child in desk.state.working:
                desk.fill_whole(child.order.order_id)
        if minute == 31:
            states = [OrderState(c.order, OrderStatus.FILLED, c.order.quantity) for c in broken.children]
            broken = resumed(broken, states)
    assert broken.sent == whole.sent
    assert sum(broken.sizes) == 1000
    assert broken.state.done is whole.state.done is DoneReason.FILLED


def test_a_restart_counts_what_works_and_what_is_unknown() -> None:
    desk = Desk(parent(), Twap(slices=10, steps=PASSIVE)).begin()
    desk.go(at("6:00"))
    first, second = desk.sent
    again = resumed(desk, [OrderState(second, OrderStatus.UNKNOWN), OrderState(first, OrderStatus.SUBMITTED)])
    again.go(at("11:59"))
    assert [placed.order_id for placed in again.sent[:2]] == [second.order_id, first.order_id]
    assert len(again.sent) == 2
    assert again.state.committed(at("11:59"), again.algorithm.terms) == 200


def test_another_parents_child_is_not_resumed() -> None:
    desk = Desk(parent(), Twap(slices=10)).begin()
    stranger = replace(desk.sent[0], parent_order_id="ord_other")
    with pytest.raises(OrderError, match=r"expected a limited child BUY of X, found .* parent ord_other"):
        resumed(desk, [OrderState(stranger, OrderStatus.SUBMITTED)])


class Failing(Desk):
    """A desk that fails for a while."""

    error: Exception | None = None

    async def place(self, placed: Order) -> None:
        if self.error is not None:
            raise self.error
        await super().place(placed)

    async def modify(self, order_id: str, modification: OrderModification) -> None:
        if self.error is not None:
            raise self.error
        await super().modify(order_id, modification)


def test_with_the_broker_out_of_reach_nothing_was_sent_and_it_is_tried_again() -> None:
    desk = Failing(parent(), Twap(slices=10))
    desk.error = BrokerUnavailableError("no link")
    desk.begin()
    desk.go(at("3:00"))
    assert desk.children == ()
    desk.error = None
    desk.go(at("3:05"))
    assert desk.sizes == [100]
    assert desk.state.done is None


def test_a_child_that_is_refused_counts_as_rejected_and_one_that_failed_otherwise_as_unknown() -> None:
    for error, status in ((LedgerError("fenced"), OrderStatus.REJECTED), (RuntimeError("oh"), OrderStatus.UNKNOWN)):
        desk = Failing(parent(), Twap(slices=10))
        desk.error = error
        with pytest.raises(type(error)):
            desk.begin()
        assert [child.status for child in desk.children] == [status]


def test_a_child_that_is_refused_before_it_is_sent_is_a_problem_and_no_crash() -> None:
    desk = Failing(parent(), Twap(slices=10))
    desk.error = OrderError("its parent is being cancelled")
    desk.begin()
    desk.go(at("0:30"))
    assert desk.state.done is DoneReason.REJECTED
    assert [problem.found for problem in desk.parents.problems] == ["its parent is being cancelled"] * 3


def test_a_modification_that_did_not_leave_is_decided_on_again() -> None:
    desk = Failing(parent("BUY 100 X"), replace(ONE, terms=Terms(is_modifying=True))).begin()
    desk.report(desk.sent[0].order_id, OrderStatus.SUBMITTED)
    desk.tell("10.00 10.04")
    desk.error = BrokerUnavailableError("no link")
    desk.go(at("6:00"))
    assert desk.children[0].limit_price == D("10.00")
    desk.error = None
    desk.go(at("6:05"))
    assert [change.limit_price for _, change in desk.modified] == [D("10.02")]


class Greedy:
    """An algorithm gone wrong."""

    name = "GREEDY"
    terms = Terms()

    def __init__(self, action: ChildAction) -> None:
        self.action = action

    def decide(self, state: AlgoState, now: datetime, market: MarketView) -> list[ChildAction]:
        return [self.action] if market.quote and now >= START and state.done is None else []


@pytest.mark.parametrize(
    ("action", "refusal"),
    [
        (Place(D(1001), D(10), ""), "at most 1000 shares, found 1001"),
        (Place(D(0), D(10), ""), "at most 1000 shares, found 0"),
        (Place(D(100), D("10.06"), ""), "a price within 10.05, found 10.06"),
        (Place(D(100), D(0), ""), "a price within 10.05, found 0"),
    ],
)
def test_no_algorithm_can_send_more_than_is_left_or_beyond_the_limit(action: ChildAction, refusal: str) -> None:
    desk = Desk(parent("BUY 1000 X LIMIT 10.05"), Greedy(action))
    with pytest.raises(OrderError, match=refusal):
        desk.begin()
    assert desk.sent == []


def test_children_alike_in_everything_have_ids_of_their_own() -> None:
    desk = Desk(parent(), Greedy(Place(D(100), D(10), "")))
    desk.begin()
    desk.tell()
    assert len({placed.order_id for placed in desk.sent}) == len(desk.sent) == 2
    assert desk.sent[1].submitted_at - desk.sent[0].submitted_at == timedelta(microseconds=1)


def test_a_parent_is_started_once_and_asked_for_by_its_id() -> None:
    desk = Desk(parent(), Greedy(Done(DoneReason.ENDED))).begin()
    assert desk.state.done is DoneReason.ENDED
    with pytest.raises(OrderError, match="found it at work already"):
        desk.begin()
    with pytest.raises(OrderError, match="expected one that was started, found none"):
        desk.parents.state("ord_other")


def test_a_parent_is_a_market_or_limit_order_with_a_window() -> None:
    worked = parent()
    for wrong in (
        {"order": replace(worked.order, order_type=OrderType.STOP, stop_price=D(9))},
        {"order": replace(worked.order, limit_price=D(9))},
        {"order": replace(worked.order, order_type=OrderType.LIMIT)},
        {"order": replace(worked.order, quantity=D(0))},
        {"ends_at": worked.starts_at},
    ):
        fields = {"order": worked.order, "starts_at": worked.starts_at, "ends_at": worked.ends_at, **wrong}
        with pytest.raises(OrderError, match="expected"):
            ParentOrder(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("due", "uncommitted", "terms", "expected"),
    [
        ("250", "1000", {}, "200"),
        ("99", "1000", {}, "0"),
        ("1000", "1000", {}, "1000"),
        ("1037", "1037", {}, "1037"),
        ("37", "37", {}, "37"),  # the last, whatever its size
        ("1000", "1037", {}, "900"),  # or 37 would be left, too few for a child
        ("150", "1000", {"minimum_child": D(150)}, "0"),  # 100 are below the minimum, 200 are not due
        ("250", "1000", {"minimum_child": D(150)}, "200"),
        ("1000", "1000", {"maximum_child": D(350)}, "300"),
        ("-50", "1000", {}, "0"),
        ("500", "0", {}, "0"),
        ("2.5", "10.5", {"round_lot": D(1), "minimum_child": D(1)}, "2"),
    ],
)
def test_sizes_by_hand(due: str, uncommitted: str, terms: dict[str, Decimal], expected: str) -> None:
    assert child_quantity(D(due), D(uncommitted), Terms(**terms)) == D(expected)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("urgency", "side", "prices", "limit", "expected"),
    [
        (Urgency.PASSIVE, "BUY", "10.00 10.03", None, "10.00"),
        (Urgency.MID, "BUY", "10.00 10.03", None, "10.01"),  # 10.015 rounded down
        (Urgency.MID, "SELL", "10.00 10.03", None, "10.02"),  # and up
        (Urgency.CROSS, "BUY", "10.00 10.03", None, "10.04"),  # 10.03 × 1.001 = 10.04003
        (Urgency.CROSS, "SELL", "10.00 10.03", None, "9.99"),
        (Urgency.CROSS, "BUY", "1.00 1.01", None, "1.01"),  # a collar of a tenth of a cent still reaches the ask
        (Urgency.CROSS, "BUY", "0.5000 0.5003", None, "0.5008"),  # 0.5003 × 1.001 = 0.5008003
        (Urgency.CROSS, "BUY", "10.00 10.03", "10.02", "10.02"),
        (Urgency.PASSIVE, "BUY", "10.00 10.03", "9.955", "9.95"),
        (Urgency.PASSIVE, "SELL", "10.00 10.03", "10.055", "10.06"),
        (Urgency.CROSS, "SELL_SHORT", "10.00 10.03", "10.01", "10.01"),
    ],
)
def test_prices_by_hand(urgency: Urgency, side: str, prices: str, limit: str | None, expected: str) -> None:
    order = parent(f"{side} 100 X").order
    price = child_price(urgency, quote(prices), order.side, limit=None if limit is None else D(limit), collar_bps=D(10))
    assert price == D(expected)


@pytest.mark.parametrize(
    "wrong",
    [
        {"round_lot": D(0)},
        {"minimum_child": D(-1)},
        {"maximum_child": D(50)},
        {"maximum_child": D(180), "minimum_child": D(150)},
        {"collar_bps": D(10_000)},
        {"max_working_children": 0},
        {"max_rejections": 0},
        {"settling": timedelta(seconds=-1)},
        {"max_quote_age": timedelta()},
    ],
)
def test_terms_that_contradict_each_other_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))):
        Terms(**wrong)  # type: ignore[arg-type]
