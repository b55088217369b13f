"""Orders of one turn: kept in one transaction before the first is sent, all of them or none."""

import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.trading import order
from tests.unit.execution.session_floor import GUARDED, SessionFloor
from tests.unit.execution.test_order_manager import Floor
from tickledger.domain.errors import BrokerUnavailableError, ConfigurationError, FencedError
from tickledger.domain.order import Order, OrderStatus

FIRST, SECOND, THIRD = (order(f"BUY 100 X LIMIT {price}") for price in (10, 11, 12))


def test_orders_that_are_decided_together_are_one_transaction() -> None:
    floor = SessionFloor(GUARDED, weight="0.02")
    floor.settle()
    before = floor.journal.transactions
    floor.bars("BUY X", "BUY Y", "BUY Z", X="10", Y="10", Z="10")
    assert floor.journal.transactions == before + 1
    assert len(floor.line.sent) == 1 + 3
    floor.settle()
    assert [text for text in floor.at_work() if text.startswith("BUY")] == ["BUY 151 X", "BUY 201 Y", "BUY 201 Z"]


def test_an_order_that_waits_counts_for_what_risk_is_asked_next() -> None:
    floor = SessionFloor(GUARDED, weight="0.7")
    floor.settle()
    floor.bars("BUY Y", "BUY Z", Y="10", Z="10")
    assert [decision.is_approved for decision in floor.decisions()[-2:]] == [True, False]
    assert [decision for decision in floor.journal.decisions if not decision.is_approved] == floor.decisions()[-1:]


@pytest.mark.parametrize(("how", "error"), [("before", ConfigurationError), ("fenced", FencedError)])
def test_nothing_of_a_group_is_sent_where_the_record_does_not_take_it(how: str, error: type[Exception]) -> None:
    floor = Floor()
    floor.journal.fails = how
    with pytest.raises(error):
        asyncio.run(floor.manager.place_all({FIRST: None, SECOND: None}))
    assert floor.line.sent == []
    assert floor.manager.working() == []


def test_a_group_that_the_record_kept_without_saying_so_is_not_sent_twice() -> None:
    floor = Floor()
    floor.journal.fails = "after"
    with pytest.raises(ConfigurationError):
        asyncio.run(floor.manager.place_all({FIRST: None, SECOND: None}))
    asyncio.run(floor.manager.place_all({FIRST: None, SECOND: None, THIRD: None}))
    assert floor.line.sent == [THIRD.order_id]


def test_what_may_not_leave_is_told_and_keeps_no_other() -> None:
    floor = Floor()
    other = replace(SECOND, order_id=FIRST.order_id, limit_price=Decimal(9))
    floor.place(FIRST)
    refused = asyncio.run(floor.manager.place_all({other: None, THIRD: None}))
    assert set(refused) == {FIRST.order_id}
    assert floor.line.sent == [FIRST.order_id, THIRD.order_id]


def test_nothing_of_a_group_is_sent_before_the_broker_has_told_all() -> None:
    floor = Floor(is_started=False)
    refused = asyncio.run(floor.manager.place_all({FIRST: None, SECOND: None}))
    assert all(isinstance(error, BrokerUnavailableError) for error in refused.values())
    assert set(refused) == {FIRST.order_id, SECOND.order_id}
    assert floor.journal.transactions == 0


def test_children_of_one_parent_do_not_leave_together() -> None:
    floor = Floor()
    children = [replace(each, parent_order_id="ord_parent") for each in (FIRST, SECOND)]
    with pytest.raises(ValueError, match="one child of each parent"):
        asyncio.run(floor.manager.place_all(dict.fromkeys(children)))


def test_of_a_broker_that_fails_over_an_order_nobody_knows_what_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    floor = Floor()

    async def fail(_: Order) -> None:
        raise OSError("gone")

    monkeypatch.setattr(floor.line, "place", fail)
    with pytest.raises(OSError, match="gone"):
        asyncio.run(floor.manager.place_all({FIRST: None, SECOND: None}))
    assert [state.status for state in floor.manager.working()] == [OrderStatus.UNKNOWN] * 2
