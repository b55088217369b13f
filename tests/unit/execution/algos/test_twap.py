"""TWAP against schedules computed by hand: equal slices, prices that grow urgent, and what happens at the end."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.unit.execution.algos.desk import HOUR, START, Desk, at, parent
from tickledger.domain.errors import ConfigurationError
from tickledger.domain.order import OrderStatus, OrderType
from tickledger.execution.algos.parent import DoneReason, MarketView
from tickledger.execution.algos.schedule import CatchUp
from tickledger.execution.algos.terms import AtEnd, Terms, Urgency
from tickledger.execution.algos.twap import Twap

CROSSING = ((Decimal(0), Urgency.CROSS),)
PASSIVE = ((Decimal(0), Urgency.PASSIVE),)
D = Decimal


def test_a_thousand_shares_in_ten_slices_are_a_hundred_every_six_minutes() -> None:
    desk = Desk(parent(), Twap(slices=10)).begin()
    for number in range(10):
        desk.go(at(f"{6 * number}:00"))
        assert desk.sizes == [100] * (number + 1)
        assert desk.sent[-1].submitted_at == at(f"{6 * number}:00")
        desk.fill_whole(desk.sent[-1].order_id)
    assert desk.state.done is DoneReason.FILLED
    assert desk.state.filled == 1000


def test_children_are_limit_orders_of_the_parents_account_signal_and_decision() -> None:
    desk = Desk(parent(), Twap(slices=10)).begin()
    (child,) = desk.sent
    expected = replace(
        desk.parent.order,
        order_id=child.order_id,
        order_type=OrderType.LIMIT,
        quantity=D(100),
        limit_price=D("10.00"),
        submitted_at=START,
        parent_order_id=desk.parent.order.order_id,
    )
    assert child == expected
    assert child.order_id.startswith("ord_")


def test_odd_shares_go_with_the_last_slice() -> None:
    """1,050 in ten: 105 each is a round lot of 100 each, and 150 at the end."""
    desk = Desk(parent("BUY 1050 X"), Twap(slices=10)).begin()
    for number in range(10):
        desk.go(at(f"{6 * number}:00"))
        desk.fill_whole(desk.sent[-1].order_id)
    assert desk.sizes == [100] * 9 + [150]


def test_an_order_of_less_than_a_lot_is_sent_at_once_and_whole() -> None:
    desk = Desk(parent("BUY 37 X"), Twap(slices=10)).begin()
    assert desk.sizes == [37]


def test_there_are_no_more_slices_than_lots() -> None:
    """250 shares are two children of a lot or more: 100 at once and 150 after half an hour."""
    desk = Desk(parent("BUY 250 X"), Twap(slices=10, steps=PASSIVE)).begin()
    desk.go(at("29:59"))
    assert desk.sizes == [100]
    desk.go(at("30:00"))
    assert desk.sizes == [100, 150]


def test_a_slice_is_passive_then_in_the_middle_then_through_the_spread() -> None:
    """Of six minutes the first three at the bid, to 4:48 in the middle, then beyond the ask by 10 bps at most.

    Bid 10.00, ask 10.04: middle 10.02; 10.04 × 1.001 = 10.05004, on a tick 10.05.
    """
    desk = Desk(parent(), Twap(slices=10)).begin()
    desk.tell("10.00 10.04")
    prices = []
    for moment in ("3:00", "4:48"):
        desk.go(at(moment))
        last = desk.sent[-1]
        assert desk.cancelled[-1] == last.order_id
        prices.append(last.limit_price)
        desk.report(last.order_id, OrderStatus.CANCELLED, filled=0)
    prices.append(desk.sent[-1].limit_price)
    assert prices == [D("10.00"), D("10.02"), D("10.05")]
    assert desk.sizes == [100, 100, 100]


def test_a_sale_mirrors_a_purchase() -> None:
    """At the ask 10.04, the middle 10.02, and 10.00 × 0.999 = 9.99 through the bid."""
    desk = Desk(parent("SELL 1000 X"), Twap(slices=10))
    desk.begin(MarketView(None))
    desk.market = replace(desk.market, quote=Desk(parent(), Twap(slices=1)).market.quote)
    desk.tell("10.00 10.04")
    for moment in ("3:00", "4:48"):
        desk.go(at(moment))
        desk.report(desk.sent[-1].order_id, OrderStatus.CANCELLED, filled=0)
    assert [placed.limit_price for placed in desk.sent] == [D("10.04"), D("10.02"), D("9.99")]


def test_a_modified_child_moves_without_a_cancellation_once_the_broker_has_confirmed_it() -> None:
    desk = Desk(parent(), Twap(slices=10, terms=Terms(is_modifying=True))).begin()
    first = desk.sent[0].order_id
    desk.report(first, OrderStatus.SUBMITTED)
    desk.tell("10.00 10.04")
    desk.go(at("5:00"))
    assert [(order_id, change.limit_price) for order_id, change in desk.modified] == [
        (first, D("10.02")),
        (first, D("10.05")),
    ]
    assert desk.cancelled == []


def test_the_parents_limit_bounds_every_child() -> None:
    desk = Desk(parent("BUY 1000 X LIMIT 10.01"), Twap(slices=10, steps=CROSSING)).begin()
    assert desk.sent[0].limit_price == D("10.01")
    desk.tell("10.50 10.52")
    desk.go(at("6:00"))
    assert [placed.limit_price for placed in desk.sent] == [D("10.01"), D("10.01")]


def test_slices_missed_in_a_halt_are_spread_over_those_to_come() -> None:
    """Halted from the start to 30:00: the five slices left take 1,000 shares, 200 each."""
    desk = Desk(parent(), Twap(slices=10, steps=CROSSING))
    desk.begin(replace(desk.market, is_halted=True))
    desk.go(at("30:00"))
    assert desk.sizes == []
    desk.tell(is_halted=False)
    for number in range(5, 10):
        desk.go(at(f"{6 * number}:00"))
        desk.fill_whole(desk.sent[-1].order_id)
    assert desk.sizes == [200] * 5


def test_slices_missed_can_be_caught_up_with_at_once() -> None:
    """At 30:00 the sixth slice begins: 600 shares are due."""
    desk = Desk(parent(), Twap(slices=10, steps=CROSSING, catch_up=CatchUp.AT_ONCE))
    desk.begin(replace(desk.market, is_halted=True))
    desk.go(at("30:00"))
    desk.tell(is_halted=False)
    assert desk.sizes == [600]


def test_a_halt_takes_back_what_works() -> None:
    desk = Desk(parent(), Twap(slices=10)).begin()
    desk.tell(is_halted=True)
    assert desk.cancelled == [desk.sent[0].order_id]


def test_an_old_or_crossed_quote_is_not_traded_on() -> None:
    desk = Desk(parent(), Twap(slices=10))
    desk.begin(MarketView(None))
    assert desk.sizes == []
    desk.market = replace(desk.market, quote=Desk(parent(), Twap(slices=1)).market.quote)
    desk.tell("10.02 10.01")
    assert desk.sizes == []
    desk.tell("10.01 10.02")
    assert desk.sizes == [100]
    desk.clock.advance(at("0:31"))
    desk._do(desk.parents.take_timer())
    assert desk.cancelled == [desk.sent[0].order_id]


def test_finishing_crosses_with_all_that_is_left_a_minute_before_the_end() -> None:
    """Only 300 of 1,000 filled; at 59:00 the last children are taken back and 700 cross."""
    desk = Desk(parent(), Twap(slices=10, steps=PASSIVE, terms=Terms(max_working_children=10))).begin()
    for number in range(10):
        desk.go(at(f"{6 * number}:00"))
        if number < 3:
            desk.fill_whole(desk.sent[-1].order_id)
    desk.go(at("59:00"))
    working = [child.order.order_id for child in desk.state.working]
    assert set(desk.cancelled) == set(working)
    for order_id in working:
        desk.report(order_id, OrderStatus.CANCELLED, filled=0)
    # Each cancellation that is confirmed frees a hundred; 10.02 × 1.001 = 10.03002.
    assert [(placed.quantity, placed.limit_price) for placed in desk.sent[10:]] == [(D(100), D("10.03"))] * 7
    for placed in desk.sent[10:]:
        desk.fill_whole(placed.order_id)
    assert desk.state.done is DoneReason.FILLED


@pytest.mark.parametrize(
    ("at_end", "working", "reason"),
    [(AtEnd.CANCEL, False, DoneReason.ENDED), (AtEnd.LEAVE, True, DoneReason.LEFT_WORKING)],
)
def test_the_rest_is_cancelled_or_left(at_end: AtEnd, reason: DoneReason, *, working: bool) -> None:
    desk = Desk(parent("BUY 100 X"), Twap(slices=1, steps=PASSIVE, terms=Terms(at_end=at_end))).begin()
    desk.go(START + HOUR)
    only = desk.sent[0].order_id
    assert desk.cancelled == ([] if working else [only])
    if not working:
        assert desk.state.done is None
        desk.report(only, OrderStatus.CANCELLED, filled=40)
    assert desk.state.done is reason
    assert desk.sizes == [100]


def test_fills_that_come_after_the_parent_was_left_are_counted() -> None:
    desk = Desk(parent("BUY 100 X"), Twap(slices=1, steps=PASSIVE, terms=Terms(at_end=AtEnd.LEAVE))).begin()
    desk.go(START + HOUR)
    assert desk.parents.open_parents() == [desk.state]
    desk.fill_whole(desk.sent[0].order_id)
    assert desk.state.filled == 100
    assert desk.parents.open_parents() == []


def test_the_same_seed_gives_the_same_slices_and_another_gives_others() -> None:
    worked = parent("BUY 10000 X")
    varied = Twap(slices=20, size_variation=D("0.3"), time_variation=D("0.4"), seed=7)
    slices = varied.schedule(worked)
    assert Twap(slices=20, size_variation=D("0.3"), time_variation=D("0.4"), seed=7).schedule(worked) == slices
    assert replace(varied, seed=8).schedule(worked) != slices
    lengths = [each.starts_at - START for each in slices]
    assert all(
        abs(begun - timedelta(minutes=3) * number) <= timedelta(minutes=3) * 0.4 for number, begun in enumerate(lengths)
    )
    assert all(D("0.7") <= each.weight <= D("1.3") for each in slices)
    assert slices[-1].ends_at == START + HOUR


def test_varied_slices_still_add_up() -> None:
    worked = parent("BUY 10037 X")
    twap = Twap(slices=20, size_variation=D("0.5"), time_variation=D("0.4"), seed=3, steps=CROSSING)
    desk = Desk(worked, twap).begin()
    for part in twap.schedule(worked):
        if part.starts_at > desk.clock.now():
            desk.clock.advance(part.starts_at)
        desk.tell()
        if desk.state.working:
            desk.fill_whole(desk.sent[-1].order_id)
    assert sum(desk.sizes) == 10037
    assert all(size % 100 == 0 for size in desk.sizes[:-1])


@pytest.mark.parametrize(
    "wrong",
    [
        {"slices": 0},
        {"slices": 1, "size_variation": D(1)},
        {"slices": 1, "time_variation": D("0.5")},
        {"slices": 1, "steps": ((D("0.5"), Urgency.MID),)},
        {"slices": 1, "steps": ()},
    ],
)
def test_settings_that_make_no_schedule_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="expected"):
        Twap(**wrong)  # type: ignore[arg-type]
