"""A broker that tells nothing new has nothing read back from the journal; one that does has the book made anew."""

import asyncio
from decimal import Decimal

import pytest

from tests.trading import order
from tests.unit.execution.test_order_manager import Floor
from tickledger.domain.errors import ConfigurationError
from tickledger.domain.execution import CashKind, CashTransaction
from tickledger.execution.order_journal import AccountRecord, new_york_date


@pytest.fixture
def floor(monkeypatch: pytest.MonkeyPatch) -> Floor:
    """An order that is filled, another that works, and a journal that counts how often it is read."""
    floor = Floor()
    floor.place()
    floor.venue.fill(floor.at_venue(), Decimal(100))
    floor.pump()
    floor.place(order("BUY 10 X LIMIT 9"))
    asyncio.run(floor.manager.start())
    load, loads = floor.journal.load, list[str]()

    def counted(account_id: str) -> AccountRecord:
        loads.append(account_id)
        return load(account_id)

    monkeypatch.setattr(floor.journal, "load", counted)
    monkeypatch.setattr(floor, "loads", loads, raising=False)
    return floor


def loads(floor: Floor) -> int:
    return len(floor.loads)  # type: ignore[attr-defined]  # of the fixture


def test_nothing_is_read_back_where_nothing_is_new(floor: Floor) -> None:
    working, before = floor.manager.working(), floor.manager.last_reconciliation
    floor.pump(after=301)
    assert loads(floor) == 0
    assert floor.manager.working() == working
    assert floor.manager.is_ready
    assert floor.manager.last_reconciliation == before


def test_a_fill_that_nobody_told_is_found_and_booked_from_the_journal_on(floor: Floor) -> None:
    floor.venue.fill(floor.at_venue(order("BUY 10 X LIMIT 9")), Decimal(4))
    floor.venue.outbound.clear()
    floor.pump(after=301)
    assert loads(floor) == 1
    assert floor.manager.status(order("BUY 10 X LIMIT 9").order_id).filled_quantity == 4
    assert [fill.quantity for fill in floor.manager.take_fills()] == [100, 4]
    floor.pump(after=301)
    assert loads(floor) == 1


def test_a_journal_that_fails_over_what_was_found_leaves_none_of_it_in_the_book(floor: Floor) -> None:
    floor.venue.fill(floor.at_venue(order("BUY 10 X LIMIT 9")), Decimal(4))
    floor.venue.outbound.clear()
    floor.journal.fails = "before"
    with pytest.raises(ConfigurationError):
        floor.pump(after=301)
    assert not floor.manager.is_ready
    floor.pump(after=10)
    assert floor.manager.status(order("BUY 10 X LIMIT 9").order_id).filled_quantity == 4


def test_what_is_doubtful_is_read_back(floor: Floor) -> None:
    floor.place(order("BUY 20 X LIMIT 8"), arrives=False)
    floor.pump(after=301)
    assert loads(floor) == 1


def test_cash_that_was_told_meanwhile_counts(floor: Floor, monkeypatch: pytest.MonkeyPatch) -> None:
    day = new_york_date(floor.clock.now())
    paid = CashTransaction("cash_1", floor.manager._account_id, CashKind.DEPOSIT, Decimal(500), day)
    cash = floor.venue.cash
    monkeypatch.setattr(floor.venue, "cash", lambda: cash() + 500)
    floor.manager._hear(paid)
    floor.pump(after=301)
    assert loads(floor) == 0
