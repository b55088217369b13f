"""Orders that an algorithm works, in a session: guarded as they fill, resumed after a restart."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.unit.execution.remote_venue import WORKING
from tests.unit.execution.session_floor import CLOSES_AT, DAY, SessionFloor
from tickledger.domain.bar import Quote
from tickledger.domain.errors import ConfigurationError
from tickledger.domain.market import ControlsChanged, QuotesChanged
from tickledger.domain.order import OrderType
from tickledger.execution.session_policy import SessionPolicy

WORKED = SessionPolicy(
    stop_loss=Decimal("0.05"), flatten_before=timedelta(minutes=10), working_time=timedelta(minutes=5)
)


def fill_all(floor: SessionFloor) -> None:
    """Everything but stops that works at the venue fills."""
    for order in floor.venue.orders:
        if order.status == WORKING and order.terms.order_type is not OrderType.STOP:
            floor.venue.fill(order, order.terms.quantity - order.filled)


def work_on(floor: SessionFloor, minutes: int) -> None:
    for _ in range(minutes * 6):
        floor.quote("X", "10")
        floor.deliver()
        fill_all(floor)
        floor.beat(after=10)


def purchases(floor: SessionFloor) -> list[Decimal]:
    return [order.terms.quantity for order in floor.venue.orders if order.terms.side.sign > 0]


def test_a_purchase_is_bought_in_slices_and_guarded_as_far_as_it_is_held() -> None:
    # 20 % of 100,500 are 2,010 shares at 10.00.
    floor = SessionFloor(WORKED, weight="0.2")
    floor.bars("BUY X")
    for _ in range(7):
        work_on(floor, 1)
        assert floor.most_on_sale() <= floor.venue.positions()["X"]
    floor.settle()
    assert floor.held() == 2010
    assert floor.at_work() == ["SELL 2010 X STOP"]
    assert len(purchases(floor)) == 5
    assert sum(purchases(floor)) == 1960


def test_a_process_that_follows_goes_on_with_the_slices_and_buys_no_share_twice() -> None:
    floor = SessionFloor(WORKED, weight="0.2")
    floor.bars("BUY X")
    for _ in range(4):
        work_on(floor, 1)
        floor.restart()
        assert floor.held() < 2010
    work_on(floor, 4)
    assert floor.held() == floor.venue.positions()["X"] == 2010


def test_a_process_that_follows_under_the_kill_switch_lets_no_slice_out() -> None:
    floor = SessionFloor(WORKED, weight="0.2")
    floor.bars("BUY X")
    work_on(floor, 1)
    floor.deliver()
    sent = purchases(floor)
    floor.restart(is_opened=False)
    floor.step(ControlsChanged(DAY, floor.clock.now(), is_paused=True, reason="an operator", is_killed=True))
    floor.open()
    work_on(floor, 3)
    assert purchases(floor) == sent
    floor.step(ControlsChanged(DAY, floor.clock.now(), is_paused=False))
    work_on(floor, 3)
    assert purchases(floor) == sent
    assert not [state for state in floor.ours() if state.is_parent and not state.is_terminal]


def just_before_a_slice() -> SessionFloor:
    floor = SessionFloor(WORKED, weight="0.2")
    floor.bars("BUY X")
    for _ in range(5):
        floor.quote("X", "10")
        floor.deliver()
        fill_all(floor)
        floor.beat(after=10)
    floor.quote("X", "10")
    floor.clock.advance(floor.clock.now() + timedelta(seconds=10))
    return floor


def test_a_slice_that_is_due_when_the_kill_switch_is_heard_of_stays_here() -> None:
    at_work, killed = just_before_a_slice(), just_before_a_slice()
    at_work.beat(after=0)
    killed.step(ControlsChanged(DAY, killed.clock.now(), is_paused=True, reason="an operator", is_killed=True))
    for floor in (at_work, killed):
        floor.deliver()
    assert purchases(at_work) == [300, 400]
    assert purchases(killed) == [300]


def test_a_position_is_sold_in_slices_once_its_stop_is_over() -> None:
    floor = SessionFloor(WORKED)
    floor.settle()
    floor.bars("SELL X")
    for _ in range(7):
        work_on(floor, 1)
        assert floor.most_on_sale() <= floor.venue.positions().get("X", 0)
    floor.settle()
    assert floor.held() == 0
    assert floor.at_work() == []


def test_the_end_of_the_day_waits_for_no_algorithm() -> None:
    floor = SessionFloor(WORKED)
    floor.settle()
    floor.beat_at(CLOSES_AT - timedelta(minutes=10))
    floor.settle()
    assert floor.at_work() == ["SELL 50 X"]
    assert not any(state.is_parent for state in floor.ours())


def test_a_sale_that_is_being_worked_at_the_end_of_the_day_is_finished_at_once() -> None:
    floor = SessionFloor(WORKED)
    floor.settle()
    floor.clock.advance(CLOSES_AT - timedelta(minutes=12))
    # There is no quote, so the algorithm does nothing yet.
    floor.bars("SELL X", after=0)
    floor.settle()
    assert [state.is_parent for state in floor.ours()] == [True]
    floor.beat_at(CLOSES_AT - timedelta(minutes=10))
    floor.settle()
    assert floor.at_work() == ["SELL 50 X"]
    fill_all(floor)
    floor.settle()
    assert floor.held() == 0
    assert floor.ours() == []


def test_a_purchase_that_is_worked_is_taken_back_at_the_end_of_the_day_with_its_slices() -> None:
    floor = SessionFloor(WORKED, weight="0.2")
    floor.clock.advance(CLOSES_AT - timedelta(minutes=12))
    floor.bars("BUY X", after=0)
    work_on(floor, 1)
    assert 50 < floor.held() < 2010
    floor.beat_at(CLOSES_AT - timedelta(minutes=10))
    floor.settle()
    fill_all(floor)
    floor.settle()
    fill_all(floor)
    floor.settle()
    assert floor.held() == 0
    assert floor.venue.positions() == {}
    assert floor.ours() == []


def test_what_is_decided_late_is_done_before_the_close() -> None:
    policy = SessionPolicy(working_time=timedelta(minutes=30))
    floor = SessionFloor(policy)
    floor.clock.advance(CLOSES_AT - timedelta(minutes=8))
    floor.bars("SELL X", after=0)
    work_on(floor, 7)
    assert floor.held() == 0
    late = SessionFloor(policy)
    late.clock.advance(CLOSES_AT - timedelta(seconds=50))
    late.bars("SELL X", after=0)
    late.deliver()
    assert late.at_work() == ["SELL 50 X"]


def test_a_purchase_that_the_record_kept_without_saying_so_is_worked_and_can_be_taken_back() -> None:
    floor = SessionFloor(WORKED, weight="0.2")
    floor.settle()
    floor.journal.fails = "after"
    with pytest.raises(ConfigurationError):
        floor.bars("BUY X")
    assert [state.is_parent for state in floor.ours() if state.order.side.sign > 0] == []
    floor.deliver()
    floor.beat()
    work_on(floor, 2)
    assert 0 < sum(purchases(floor)) < 2010
    floor.beat_at(CLOSES_AT - timedelta(minutes=10))
    floor.settle()
    assert [state for state in floor.ours() if state.order.side.sign > 0] == []


def test_a_slice_that_the_record_did_not_keep_is_decided_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    floor = SessionFloor(WORKED, weight="0.2")
    floor.settle()
    floor.bars("BUY X")
    work_on(floor, 2)
    before = sum(purchases(floor))

    def full(*_: object) -> None:
        monkeypatch.undo()
        raise ConfigurationError("the disk is full")

    monkeypatch.setattr(floor.journal, "record_orders", full)
    failures = [fails_to_record(floor) for _ in range(12)]
    work_on(floor, 6)
    floor.settle()
    assert sum(failures) == 1
    assert before < floor.held() == floor.venue.positions()["X"] == 2010


def fails_to_record(floor: SessionFloor) -> bool:
    """A quote as a running session hears it; whether the record failed over it."""
    floor.clock.advance(floor.clock.now() + timedelta(seconds=10))
    now = floor.clock.now()
    quote = Quote("X", now, Decimal(10), Decimal("10.01"), 100, 100)
    try:
        asyncio.run(floor.session._try(QuotesChanged(DAY, now, (quote,))))
    except ConfigurationError:
        return True
    return False
