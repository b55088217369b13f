"""What is told of yesterday's fills after yesterday's close was recorded: corrections, charges, fills told late.

They reach the ledger and the account of the session that goes on from that close, whichever process hears of them
first, and count once in each.
"""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Engine

from resources.session_account import opened_account
from tests.integration.db.story import ACCOUNT, Story
from tests.integration.db.story import at as instant
from tests.integration.db.test_order_journal import TODAY, Desk, fresh
from tests.unit.execution.remote_venue import CHARGE, VenueFill
from tickledger.db.session_record import SessionRecorder
from tickledger.db.trading import read_executions
from tickledger.domain.order import Order, OrderSide
from tickledger.domain.position import Balance
from tickledger.execution.account_book import AccountBook
from tickledger.execution.order_reconciliation import BreakKind

TOMORROW = date(2012, 1, 11)
CASH = Decimal(100_000)


def closed(ledger: Engine, story: Story) -> tuple[Desk, list[VenueFill]]:
    """A desk in the morning after a day on which 10 shares were bought at 10 and sold at 11."""
    desk = Desk(ledger)
    buy = fresh(story)
    fills = [traded(desk, buy, "10"), traded(desk, fresh(story, 1, side=OrderSide.SELL), "11")]
    desk.venue.charge(fills[0])
    desk.pump()
    close(ledger, TODAY, CASH - 100 + 110 - CHARGE - 1)
    desk.clock.advance(instant(TOMORROW, 15))
    desk.restart()
    return desk, fills


def traded(desk: Desk, order: Order, price: str) -> VenueFill:
    desk.place(order)
    desk.venue.deliver()
    fill = desk.venue.fill(desk.venue.orders[-1], Decimal(10), Decimal(price))
    desk.pump()
    return fill


def close(ledger: Engine, day: date, cash: Decimal) -> None:
    with SessionRecorder(ledger, ACCOUNT.account_id, session_id="sess_close", session_date=day) as recorder:
        recorder.record_balance(Balance(ACCOUNT.account_id, day, cash, cash))


class Account:
    """The account of a session process, brought up to date as the session does it."""

    def __init__(self, ledger: Engine, desk: Desk) -> None:
        self.desk = desk
        self.book = AccountBook(ACCOUNT.account_id, opened_account(ledger, ACCOUNT.account_id, TOMORROW).opening)
        self.hear()

    def hear(self) -> None:
        self.desk.pump()
        self.book.settle(self.desk.manager.take_settled())
        self.book.take_fills(self.desk.manager.take_fills())

    @property
    def state(self) -> tuple[Decimal | int, Decimal]:
        """Shares and cash."""
        return self.book.portfolio.quantity("AAPL"), self.book.portfolio.cash


def in_doubt(desk: Desk) -> set[tuple[BreakKind, str]]:
    """What does not agree of what this is about: the venue knows nothing of what the story has told before."""
    desk.wait()
    desk.pump()
    assert desk.manager.last_reconciliation is not None
    return {(each.kind, each.subject) for each in desk.manager.last_reconciliation.breaks if each.subject != "X"}


def test_a_close_that_has_everything_is_the_opening_and_nothing_else(ledger: Engine, story: Story) -> None:
    desk, _ = closed(ledger, story)
    account = Account(ledger, desk)
    assert account.state == (0, CASH + 10 - CHARGE - 1)


@pytest.mark.parametrize("is_restarted", [False, True], ids=["while it trades", "before it starts again"])
def test_a_correction_of_a_fill_of_yesterday(ledger: Engine, story: Story, *, is_restarted: bool) -> None:
    desk, fills = closed(ledger, story)
    account = Account(ledger, desk)
    # Two of the ten were not sold after all, and the others for 12.
    desk.venue.correct(fills[1], Decimal(8), Decimal(12))
    account.hear()
    if is_restarted:
        desk.restart()
        account = Account(ledger, desk)
    assert account.state == (2, CASH - 100 + 96 - CHARGE - 1)
    assert [row.quantity for row in read_executions(ledger, start=TODAY, end=TODAY)] == [10, 8]
    assert (BreakKind.POSITION, "AAPL") not in in_doubt(desk)


def test_a_charge_that_is_told_in_the_morning(ledger: Engine, story: Story) -> None:
    desk, fills = closed(ledger, story)
    desk.venue.charge(fills[1])
    account = Account(ledger, desk)
    desk.restart()
    again = Account(ledger, desk)
    assert account.state == again.state == (0, CASH + 10 - 2 * CHARGE)
    # Cash agrees to the cent with a venue that began the day before with as much.
    assert (BreakKind.CASH, ACCOUNT.account_id) not in in_doubt(desk)


def test_a_fill_that_came_after_the_close(ledger: Engine, story: Story) -> None:
    desk = Desk(ledger)
    desk.place(fresh(story))
    desk.venue.deliver()
    desk.pump()
    close(ledger, TODAY, CASH)
    # Nobody listens any more: the broker tells it to the next process, if it still does.
    desk.venue.fill(desk.venue.orders[-1], Decimal(10))
    desk.clock.advance(instant(TOMORROW, 15))
    for _ in range(2):
        desk.restart()
        account = Account(ledger, desk)
        assert account.state == (10, CASH - 101)
    assert [row.quantity for row in read_executions(ledger, start=TODAY, end=TODAY)] == [10]
    assert (BreakKind.POSITION, "AAPL") not in in_doubt(desk)


def test_a_fill_of_long_ago_that_is_taken_back(ledger: Engine, story: Story) -> None:
    desk, fills = closed(ledger, story)
    for day in (TOMORROW, date(2012, 1, 12), date(2012, 1, 13)):
        close(ledger, day, CASH)
    desk.restart()
    desk.venue.correct(fills[1], Decimal(0), Decimal(11))
    for _ in range(2):
        desk.pump()
        desk.restart()
        book = AccountBook(ACCOUNT.account_id, opened_account(ledger, ACCOUNT.account_id, date(2012, 1, 17)).opening)
        desk.pump()
        book.settle(desk.manager.take_settled())
        book.take_fills(desk.manager.take_fills())
        assert book.portfolio.quantity("AAPL") == 10
        assert book.portfolio.cash == CASH - 110
