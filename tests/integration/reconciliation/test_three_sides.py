"""Ledger, broker's API and statement beside each other, out of what their comparisons have recorded."""

from datetime import date

import pytest
from sqlalchemy import Engine

from tests.integration.reconciliation.conftest import ACCOUNT, AGAIN, BOUGHT, SOLD, dearer, flex
from tests.integration.reconciliation.told import MISSED, ask_broker, open_books, take_in
from tickledger.api.queries.breaks import breaks_of
from tickledger.execution.order_reconciliation import BreakKind
from tickledger.reconciliation.three_way import Agreement


@pytest.fixture
def books(traded: Engine) -> Engine:
    """The three trades, and what was held before them."""
    open_books(traded)
    return traded


def sides(engine: Engine) -> list[tuple[str, str, Agreement, str, str, str]]:
    found = breaks_of(engine, ACCOUNT.account_id).sides
    assert found is not None
    return [(str(one.subject), one.field, one.agreement, one.ledger, one.broker, one.statement) for one in found]


def test_what_broker_and_statement_both_have_is_ours_to_mend_and_stands_first(books: Engine) -> None:
    ask_broker(books, (BreakKind.POSITION, "AAPL", 50, 40), (BreakKind.CASH, ACCOUNT.account_id, 1000, 990))
    take_in(books, flex([BOUGHT, dearer(SOLD), AGAIN]), holding=40)
    mine, theirs = "sold 100 AAPL @ 190 on 2024-07-02", "sold 100 AAPL @ 191 on 2024-07-02"
    assert sides(books) == [
        ("position", "quantity", Agreement.BROKER_AND_STATEMENT, "50", "40", "40"),
        ("execution", "price", Agreement.BROKER_NOT_TOLD, mine, "", theirs),
        ("cash", "ending balance", Agreement.STATEMENT_NOT_TOLD, "1000", "990", ""),
    ]


def test_a_side_that_was_asked_and_is_silent_agrees_with_us(books: Engine) -> None:
    ask_broker(books)
    take_in(books, flex([BOUGHT, SOLD, AGAIN]), holding=40)
    assert sides(books) == [("position", "quantity", Agreement.LEDGER_AND_BROKER, "50", "50", "40")]


def test_the_broker_of_the_statements_last_day_is_believed_before_that_of_a_later_one(books: Engine) -> None:
    ask_broker(books)
    ask_broker(books, on=date(2024, 8, 1))
    take_in(books, flex([BOUGHT, SOLD, AGAIN]), holding=40)
    assert [agreement for _, _, agreement, *_ in sides(books)] == [Agreement.LEDGER_AND_BROKER]


def test_all_differ(books: Engine) -> None:
    ask_broker(books, (BreakKind.POSITION, "AAPL", 50, 45))
    take_in(books, flex([BOUGHT, SOLD, AGAIN]), holding=40)
    assert sides(books) == [("position", "quantity", Agreement.NOBODY, "50", "45", "40")]


def test_a_sale_that_both_others_have_is_one_difference(books: Engine) -> None:
    ask_broker(books, (BreakKind.FILLS, f"AAPL {MISSED.execution_id}", 0, -20))
    take_in(books, flex([BOUGHT, SOLD, AGAIN, MISSED]), holding=30)
    pairs = sides(books)
    assert [pair[:3] for pair in pairs] == [("execution", "", Agreement.BROKER_AND_STATEMENT)]


def test_what_follows_from_another_difference_is_left_out(books: Engine) -> None:
    ask_broker(books)
    take_in(books, flex([BOUGHT, SOLD, AGAIN, MISSED]), holding=30)
    found = breaks_of(books, ACCOUNT.account_id)
    assert {str(one.found.subject) for one in found.tracked} == {"execution", "position"}
    assert [subject for subject, *_ in sides(books)] == ["execution"]


def test_nothing_is_said_before_both_were_compared(books: Engine) -> None:
    assert breaks_of(books, ACCOUNT.account_id).sides is None
    take_in(books, flex([BOUGHT, SOLD, AGAIN]), holding=50)
    assert breaks_of(books, ACCOUNT.account_id).sides is None
    ask_broker(books)
    assert sides(books) == []
