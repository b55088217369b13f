"""The two tables of what a remote broker's words are worth, cell by cell."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.trading import order
from tickledger.domain.order import OrderStatus
from tickledger.execution.order_news import News, news_of_fills, news_of_status
from tickledger.execution.order_state import OrderState

#: own status and shares filled of 100 | told | status after, "?" where the broker has to be asked for all
STATUS_TABLE = """
PENDING 0          | SUBMITTED        | SUBMITTED
PENDING 0          | PARTIALLY_FILLED | SUBMITTED ?
PENDING 0          | FILLED           | PENDING ?
PENDING 0          | CANCELLED        | CANCELLED
PENDING 0          | REJECTED         | REJECTED
PENDING 0          | UNKNOWN          | UNKNOWN ?
PENDING 0          | PENDING          | PENDING
SUBMITTED 0        | SUBMITTED        | SUBMITTED
SUBMITTED 0        | PENDING          | SUBMITTED
SUBMITTED 0        | FILLED           | SUBMITTED ?
PARTIALLY_FILLED 5 | SUBMITTED        | PARTIALLY_FILLED
PARTIALLY_FILLED 5 | FILLED           | PARTIALLY_FILLED ?
PARTIALLY_FILLED 5 | REJECTED         | CANCELLED
UNKNOWN 0          | SUBMITTED        | SUBMITTED
UNKNOWN 5          | SUBMITTED        | PARTIALLY_FILLED
UNKNOWN 0          | UNKNOWN          | UNKNOWN ?
CANCELLED 0        | SUBMITTED        | CANCELLED ?
CANCELLED 0        | FILLED           | CANCELLED ?
CANCELLED 0        | CANCELLED        | CANCELLED
CANCELLED 0        | REJECTED         | CANCELLED
CANCELLED 0        | UNKNOWN          | CANCELLED ?
REJECTED 0         | PARTIALLY_FILLED | REJECTED ?
FILLED 100         | SUBMITTED        | FILLED
FILLED 100         | CANCELLED        | FILLED
FILLED 100         | PARTIALLY_FILLED | FILLED
"""
#: own status | shares filled now | status after; "!" where it is flagged
FILLS_TABLE = """
PENDING          |  40 | PARTIALLY_FILLED
SUBMITTED        | 100 | FILLED
PARTIALLY_FILLED |  70 | PARTIALLY_FILLED
PARTIALLY_FILLED |   0 | SUBMITTED
UNKNOWN          |  40 | UNKNOWN
UNKNOWN          | 100 | FILLED
CANCELLED        |  40 | CANCELLED ? !
REJECTED         |  40 | REJECTED ? !
CANCELLED        | 100 | FILLED
FILLED           |  90 | UNKNOWN ? !
PARTIALLY_FILLED | 110 | FILLED !
FILLED           | 110 | FILLED !
"""


def rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]


def state(status: str, filled: str) -> OrderState:
    return OrderState(order("BUY 100 X LIMIT 10"), OrderStatus(status), Decimal(filled))


def written(before: OrderState, news: News) -> str:
    status = news.steps[-1] if news.steps else before.status
    return f"{status}{' ?' if news.needs_snapshot else ''}{' !' if news.flag else ''}"


@pytest.mark.parametrize(("own", "told", "after"), rows(STATUS_TABLE))
def test_what_a_status_changes(own: str, told: str, after: str) -> None:
    before = state(*own.split())
    assert written(before, news_of_status(before, OrderStatus(told), most=Decimal(100))) == after


@pytest.mark.parametrize(("own", "filled", "after"), rows(FILLS_TABLE))
def test_what_fills_change(own: str, filled: str, after: str) -> None:
    before = state(own, filled)
    assert written(before, news_of_fills(before, most=Decimal(100))) == after


def test_an_order_is_not_filled_while_a_smaller_quantity_is_not_confirmed() -> None:
    asked = state("PARTIALLY_FILLED", "60")
    asked = replace(asked, order=replace(asked.order, quantity=Decimal(60)))
    assert news_of_fills(asked, most=Decimal(100)) == News()
    assert news_of_status(asked, OrderStatus.CANCELLED, most=Decimal(100)).steps == (OrderStatus.CANCELLED,)
    assert news_of_fills(asked, most=Decimal(60)).steps == (OrderStatus.FILLED,)
