"""While the kill switch is engaged a session sends nothing: whoever obeys the switch has the account to himself."""

import asyncio
from datetime import timedelta
from decimal import Decimal

import pytest

from tests.trading import order
from tests.unit.execution.session_floor import CLOSES_AT, DAY, FLAT_BY_NIGHT, GUARDED, SessionFloor
from tickledger.domain.errors import OrderError
from tickledger.domain.market import ControlsChanged
from tickledger.execution.flattening_desk import ManagedDesk


def engage(floor: SessionFloor, *, is_engaged: bool = True) -> None:
    floor.step(ControlsChanged(DAY, floor.clock.now(), is_engaged, "the kill switch", is_killed=is_engaged))


def cancel_all(floor: SessionFloor) -> None:
    """What obeying the switch begins with."""
    asyncio.run(floor.line.cancel_all())
    floor.settle()


def test_no_stop_takes_the_place_of_the_one_that_was_cancelled() -> None:
    floor = SessionFloor(GUARDED)
    floor.settle()
    assert floor.at_work() == ["SELL 50 X STOP"]
    engage(floor)
    cancel_all(floor)
    assert floor.at_work() == []


def test_what_a_strategy_wants_is_decided_by_nobody_and_sent_by_nobody() -> None:
    floor = SessionFloor(GUARDED)
    floor.settle()
    engage(floor)
    cancel_all(floor)
    before = len(floor.decisions())
    floor.bars("SELL X")
    floor.settle()
    assert (floor.at_work(), len(floor.decisions())) == ([], before)


def test_the_end_of_the_day_is_left_to_whoever_obeys() -> None:
    floor = SessionFloor(FLAT_BY_NIGHT)
    floor.settle()
    engage(floor)
    cancel_all(floor)
    floor.beat_at(CLOSES_AT - timedelta(minutes=5))
    floor.settle()
    assert floor.at_work() == []


def test_once_trading_is_resumed_what_is_held_is_guarded_again() -> None:
    floor = SessionFloor(GUARDED)
    floor.settle()
    engage(floor)
    cancel_all(floor)
    engage(floor, is_engaged=False)
    floor.beat(after=120)
    floor.settle()
    assert floor.at_work() == ["SELL 50 X STOP"]


def test_a_position_is_not_closed_while_an_order_of_ours_for_it_works() -> None:
    floor = SessionFloor(GUARDED)
    floor.settle()
    (stop,) = floor.ours()
    desk = ManagedDesk(floor.orders, floor.journal, floor.journal.record_risk_decision)
    with pytest.raises(OrderError, match=stop.order.order_id):
        asyncio.run(desk.submit(order("SELL 50 X"), floor.decisions()[-1]))
    assert floor.held() == Decimal(50)
    assert floor.at_work() == ["SELL 50 X STOP"]
