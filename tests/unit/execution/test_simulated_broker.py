"""The simulated broker by itself: how long orders work, and what it will not do."""

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.trading import ACCOUNT, bar, order
from tickledger.domain.bar import Bar
from tickledger.domain.execution import Execution
from tickledger.domain.order import Order, OrderReport, OrderStatus, TimeInForce
from tickledger.domain.ports import BrokerReport
from tickledger.domain.position import Holding, PortfolioState
from tickledger.exchange.fees import schedule
from tickledger.exchange.fill_models import FillModel
from tickledger.execution.clock import ReplayClock
from tickledger.execution.simulated import SimulatedBroker

DAY = date(2012, 1, 4)
BAR = bar("X", "2012-01-04", "10 12 9 11", volume=100)


def broker(cash: str = "1000", held: str = "0", participation: str | None = None) -> SimulatedBroker:
    """An account that has traded before, with `held` X."""
    holdings = {"X": Holding(Decimal(held), Decimal(10))} if held != "0" else {}
    return SimulatedBroker(
        account_id=ACCOUNT.account_id,
        clock=ReplayClock(datetime(2012, 1, 4, 14, 30, tzinfo=UTC)),
        opening=PortfolioState(
            cash=Decimal(cash),
            holdings=holdings,
            opened_dates=dict.fromkeys(holdings, DAY),
            previous_equity=Decimal(cash),
        ),
        fees=schedule("ib_fixed"),
        fill_model=FillModel(Decimal(0), None if participation is None else Decimal(participation)),
    )


def session(on: SimulatedBroker, *orders: Order, bars: dict[str, Bar] | None = None) -> list[BrokerReport]:
    """Everything reported from placing `orders` to the close of a session."""

    async def place() -> list[BrokerReport]:
        for placed in orders:
            await on.place(placed)
        traded = {"X": BAR} if bars is None else bars
        on.begin_session(DAY, [])
        on.open_session(DAY, traded)
        on.close_session(DAY, traded)
        return list(await on.reports())

    return asyncio.run(place())


def story(reports: list[BrokerReport]) -> list[Any]:
    """Statuses, and the shares of each fill."""
    return [
        report.status if isinstance(report, OrderReport) else report.quantity
        for report in reports
        if isinstance(report, OrderReport | Execution)
    ]


S = OrderStatus


@pytest.mark.parametrize(
    ("terms", "without_a_bar"),
    [
        (TimeInForce.DAY, [S.SUBMITTED, S.CANCELLED]),
        (TimeInForce.OPG, [S.SUBMITTED, S.CANCELLED]),
        (TimeInForce.IOC, [S.SUBMITTED, S.CANCELLED]),
        (TimeInForce.GTC, [S.SUBMITTED]),
    ],
)
def test_without_a_bar_only_a_good_till_cancelled_order_waits(terms: TimeInForce, without_a_bar: list[S]) -> None:
    account = broker()
    assert story(session(account, order("BUY 10 X", time_in_force=terms), bars={})) == without_a_bar
    waited = without_a_bar == [S.SUBMITTED]
    assert story(session(account)) == ([Decimal(10), S.FILLED] if waited else [])


def test_an_order_for_the_opening_auction_alone_is_over_when_it_missed_it() -> None:
    limited = order("BUY 10 X LIMIT 9.50", time_in_force=TimeInForce.OPG)
    reports = session(broker(), limited)
    assert story(reports) == [S.SUBMITTED, S.CANCELLED]
    assert isinstance(reports[-1], OrderReport)
    assert reports[-1].reason == "missed the opening auction"


def test_a_limit_that_the_open_misses_fills_inside_the_session() -> None:
    assert story(session(broker(), order("BUY 10 X LIMIT 9.50"))) == [S.SUBMITTED, Decimal(10), S.FILLED]


def test_sales_fill_before_purchases_and_pay_for_them() -> None:
    reports = session(broker(cash="0", held="50"), order("BUY 49 X"), order("SELL 50 X"))
    # 500 − 1.00 − 0.0096 − 0.0045 come in; 490 and 1.00 go out.
    assert story(reports) == [S.SUBMITTED, S.SUBMITTED, Decimal(50), S.FILLED, Decimal(49), S.FILLED]


def test_what_cash_does_not_cover_with_its_charges_is_rejected_and_cash_stays_whole() -> None:
    account = broker(cash="1000.99")
    reports = session(account, order("BUY 100 X"))
    assert story(reports) == [S.SUBMITTED, S.REJECTED]
    assert isinstance(reports[-1], OrderReport)
    assert reports[-1].reason == "cash of 1000.99 falls short by 0.0100"
    assert account.cash == Decimal("1000.99")


def test_what_is_left_of_an_order_that_ran_out_of_cash_is_cancelled() -> None:
    account = broker(cash="1000", participation="0.9")
    patient = order("BUY 100 X", time_in_force=TimeInForce.GTC)
    assert story(session(account, patient)) == [S.SUBMITTED, Decimal(90), S.PARTIALLY_FILLED]
    assert account.cash == Decimal(99)  # 1,000 − 900 − 1.00
    assert story(session(account)) == [S.CANCELLED]


def test_more_than_is_held_cannot_be_sold_nor_anything_short() -> None:
    assert story(session(broker(held="5"), order("SELL 6 X"))) == [S.SUBMITTED, S.REJECTED]
    assert story(session(broker(held="5"), order("SELL_SHORT 1 X"))) == [S.REJECTED]


def test_an_order_that_works_already_is_not_taken_twice() -> None:
    twice = order("BUY 10 X")
    assert story(session(broker(), twice, twice)) == [S.SUBMITTED, Decimal(10), S.FILLED]


def test_a_cancelled_order_is_over_and_one_that_is_not_there_is_not_spoken_of() -> None:
    account = broker()

    async def place_and_cancel() -> list[BrokerReport]:
        await account.place(order("BUY 10 X"))
        await account.cancel("ord_BUY_10_X")
        await account.cancel("ord_BUY_10_X")
        return list(await account.reports())

    assert story(asyncio.run(place_and_cancel())) == [S.SUBMITTED, S.CANCELLED]
    assert story(session(account)) == []
