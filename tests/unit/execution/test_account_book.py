"""The account of a running session: every cent and every share follows from the fills as they stand."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trading import ACCOUNT, bar, order
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.execution import CashKind, CashTransaction, Execution
from tickledger.domain.order import OrderSide, OrderStatus
from tickledger.domain.position import Holding, Mark, PortfolioState
from tickledger.exchange.fees import schedule
from tickledger.exchange.fill_models import FillModel
from tickledger.execution.account_book import AccountBook
from tickledger.execution.order_state import OrderState
from tickledger.execution.portfolio import Portfolio
from tickledger.execution.replay import cost_estimate

TODAY, YESTERDAY = date(2012, 1, 4), date(2012, 1, 3)
NOON = datetime(2012, 1, 4, 17, tzinfo=UTC)
#: 100 A at 20.00, last at 22.00, and 10,000 in cash: 12,200 of equity.
OPENING: Final = PortfolioState(
    cash=Decimal(10_000),
    holdings={"A": Holding(Decimal(100), Decimal(20))},
    opened_dates={"A": date(2011, 12, 1)},
    marks={"A": Mark(Decimal(22), "bar_A_1day_20120103T0000Z_1")},
    previous_equity=Decimal(12_200),
)


def book(opening: PortfolioState = OPENING) -> AccountBook:
    return AccountBook(ACCOUNT.account_id, opening)


def fill(text: str, number: int = 1, *, commission: str = "0", day: date = TODAY) -> Execution:
    """A fill such as ``"BUY 100 A @ 21.50"``."""
    side, quantity, symbol, _, price = text.split()
    return Execution(
        execution_id=f"exec_{number}",
        order_id=f"ord_{number}",
        account_id=ACCOUNT.account_id,
        symbol=symbol,
        side=OrderSide(side),
        quantity=Decimal(quantity),
        price=Decimal(price),
        commission=Decimal(commission),
        fees=Decimal(0),
        executed_at=NOON + timedelta(seconds=number),
        trade_date=day,
    )


def state(text: str, *, filled: str = "0", parent: str | None = None, is_parent: bool = False) -> OrderState:
    placed = replace(order(text), parent_order_id=parent)
    return OrderState(placed, OrderStatus.SUBMITTED, Decimal(filled), is_parent=is_parent)


def test_a_fill_moves_shares_cost_and_cash() -> None:
    account = book()
    account.take_fills([fill("BUY 50 A @ 23", commission="1")])
    # (100 × 20 + 50 × 23) / 150 = 21; 10,000 − 1,150 − 1
    assert account.portfolio.holdings["A"] == Holding(Decimal(150), Decimal(21))
    assert account.portfolio.cash == 8_849
    account.take_fills([fill("SELL 150 A @ 25", 2, commission="1")])
    assert account.portfolio.holdings == {}
    assert account.portfolio.cash == 12_598


@pytest.mark.parametrize(
    ("correction", "holding", "cash"),
    [
        ("BUY 50 A @ 26", Holding(Decimal(150), Decimal(22)), 8_700),  # (2,000 + 1,300) / 150
        ("BUY 20 A @ 23", Holding(Decimal(120), Decimal("20.5")), 9_540),  # (2,000 + 460) / 120
        ("BUY 0 A @ 23", Holding(Decimal(100), Decimal(20)), 10_000),
        ("BUY 100 A @ 22", Holding(Decimal(200), Decimal(21)), 7_800),
    ],
)
def test_a_correction_takes_the_place_of_the_fill(correction: str, holding: Holding, cash: int) -> None:
    account = book()
    assert len(account.take_fills([fill("BUY 50 A @ 23")])) == 1
    assert account.take_fills([fill(correction)]) == []
    assert account.portfolio.holdings["A"] == holding
    assert account.portfolio.cash == cash


def test_a_price_corrected_after_a_part_was_sold_changes_the_cost_of_a_share_and_not_more() -> None:
    account = book()
    account.take_fills([fill("BUY 100 B @ 10"), fill("SELL 60 B @ 12", 2)])
    account.take_fills([fill("BUY 100 B @ 11")])
    assert account.portfolio.holdings["B"] == Holding(Decimal(40), Decimal(11))
    assert account.portfolio.cash == 10_000 - 1_100 + 720


def test_a_sale_that_is_taken_back_leaves_what_was_held_with_its_cost_and_its_date() -> None:
    account = book()
    account.take_fills([fill("SELL 100 A @ 25")])
    assert account.portfolio.holdings == {}
    account.take_fills([fill("SELL 0 A @ 25")])
    assert account.portfolio.holdings["A"] == OPENING.holdings["A"]
    assert account.portfolio.opened_dates["A"] == date(2011, 12, 1)
    assert account.equity() == 12_200  # at its last price of 22 again
    assert account.portfolio.cash == 10_000


def test_a_charge_that_is_told_later_costs_cash_and_nothing_else() -> None:
    account = book()
    account.take_fills([fill("BUY 50 A @ 23", commission="1.00")])
    before = account.portfolio.holdings["A"]
    account.take_fills([fill("BUY 50 A @ 23", commission="1.37")])
    assert account.portfolio.holdings["A"] == before
    assert account.portfolio.cash == Decimal("8848.63")


def test_a_fill_that_was_taken_back_before_it_was_heard_of_is_nothing_but_its_charge() -> None:
    account = book()
    assert account.take_fills([fill("BUY 0 A @ 23", commission="1")]) == []
    assert account.portfolio.cash == 9_999
    assert account.portfolio.holdings == OPENING.holdings


def test_fills_of_the_days_before_that_the_close_has_are_in_the_opening_already() -> None:
    account = book()
    told = [fill("BUY 50 A @ 23", day=YESTERDAY), fill("BUY 10 A @ 23", 2)]
    account.settle(told[:1])
    assert account.take_fills(told) == [told[1]]
    assert account.portfolio.quantity("A") == 110


def test_a_fill_of_yesterday_that_was_told_after_the_close_is_booked() -> None:
    account = book()
    account.settle([fill("BUY 50 A @ 23", day=YESTERDAY)])
    late = fill("SELL 30 A @ 22", 2, day=YESTERDAY)
    assert account.take_fills([late]) == [late]
    assert account.portfolio.quantity("A") == 70
    assert account.portfolio.cash == 10_660


@pytest.mark.parametrize("is_traded_today", [False, True])
def test_a_correction_of_a_fill_of_yesterday_corrects_the_opening(*, is_traded_today: bool) -> None:
    # Of the 100 at 20.00 yesterday's fill brought 50, at 23.00: 45 at 22.00 leave 95 for 10 less than they cost.
    account, yesterday = book(), fill("BUY 50 A @ 23", commission="1", day=YESTERDAY)
    account.settle([yesterday])
    sold = fill("SELL 20 A @ 25", 2)
    account.take_fills([yesterday, sold] if is_traded_today else [yesterday])
    corrected = fill("BUY 45 A @ 22", commission="0.50", day=YESTERDAY)
    assert account.take_fills([corrected]) == []
    rest = Decimal(20 if is_traded_today else 0)
    spent = (2000 - 50 * 23 + 45 * 22) / Decimal(95)
    assert account.portfolio.holdings["A"] == Holding(95 - rest, spent.quantize(Decimal("1e-8")))
    assert account.portfolio.cash == 10_000 + 50 * 23 - 45 * 22 + Decimal("0.50") + 25 * rest
    # What was traded since may be corrected as well.
    if is_traded_today:
        account.take_fills([fill("SELL 0 A @ 25", 2)])
        assert account.portfolio.quantity("A") == 95


def test_a_fill_that_was_taken_back_after_its_close_leaves_what_was_held_before_it() -> None:
    account = book()
    account.settle([fill("SELL 100 B @ 5", day=YESTERDAY)])
    account.take_fills([fill("SELL 0 B @ 5", day=YESTERDAY)])
    assert account.portfolio.quantity("B") == 100
    assert account.portfolio.cash == 9_500


def test_a_fill_after_a_split_is_in_new_shares() -> None:
    account = book()
    account.begin_day()
    account.apply_corporate_action(CorporateAction("A", TODAY, CorporateActionKind.SPLIT, ratio=Fraction(2)))
    account.take_fills([fill("SELL 200 A @ 11")])
    assert account.portfolio.holdings == {}
    account.take_fills([fill("SELL 150 A @ 11")])
    assert account.portfolio.holdings["A"] == Holding(Decimal(50), Decimal(10))


def test_gains_count_from_the_last_close_and_what_was_paid_in_since() -> None:
    account = book()
    deposit = CashTransaction("cash_1", ACCOUNT.account_id, CashKind.DEPOSIT, Decimal(500), TODAY)
    account.take_cash(deposit)
    account.take_cash(replace(deposit, kind=CashKind.DIVIDEND, amount=Decimal(7)))
    assert account.previous_equity == 12_700
    assert account.equity() - account.previous_equity == 7
    account.end_day(account.equity())
    assert account.previous_equity == 12_707


def test_what_nobody_has_told_a_price_of_counts_at_its_cost_and_is_unvalued() -> None:
    account = book()
    account.take_fills([fill("BUY 10 Q @ 30")])
    assert account.equity() == 12_200
    assert account.unvalued() == ["Q"]
    account.mark([bar("Q", "2012-01-04", "31 31 31 31")])
    assert account.equity() == 12_210
    assert account.unvalued() == []


def test_a_symbol_bought_before_todays_first_bar_has_the_price_of_the_days_before() -> None:
    account = book()
    account.remember([bar("B", "2012-01-03", "9 9 9 9")])
    account.begin_day()
    account.take_fills([fill("BUY 10 B @ 10")])
    assert account.equity() == 12_190
    assert account.reference_prices() == {}


def test_working_orders_count_as_filled_but_not_the_stops_that_guard() -> None:
    working = [state("BUY 40 B", filled="15"), state("SELL 100 A STOP 19"), state("SELL 30 A LIMIT 25", filled="10")]
    assert book().projected(working) == {"A": 80, "B": 25}


def test_an_order_that_is_worked_counts_once() -> None:
    parent = state("SELL 60 A", filled="20", is_parent=True)
    slices = [state("SELL 20 A LIMIT 21", filled="5", parent=parent.order.order_id)]
    assert book().projected([parent, *slices]) == {"A": 60}
    assert book().sellable("A", [parent, *slices]) == 60


def test_what_can_be_sold_is_what_neither_a_sale_nor_a_stop_sells() -> None:
    account = book()
    assert account.sellable("A", [state("SELL 30 A", filled="10"), state("SELL 50 A STOP 19"), state("BUY 9 A")]) == 30
    assert account.sellable("Q", []) == 0


def test_what_is_at_stake_holds_back_the_cost_of_purchases() -> None:
    account = book()
    account.mark([bar("A", "2012-01-04", "21 21 21 21"), bar("B", "2012-01-04", "10 10 10 10")])
    free = cost_estimate(schedule("none"), FillModel(Decimal(0)))
    at_stake = account.exposure([state("BUY 40 B", filled="15"), state("BUY 10 C LIMIT 7")], TODAY, free)
    assert at_stake.cash == 10_000 - 250 - 70
    assert at_stake.day_loss == 100  # from 22 to 21
    assert at_stake.quantities == {"A": 100, "B": 25, "C": 10}
    assert at_stake.unvalued() == ["C"]


#: What is told: a new fill, or other figures of an earlier one.
TELLINGS: Final = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.sampled_from(["A", "B"]),
        st.sampled_from(["BUY", "SELL"]),
        st.integers(0, 200),
        st.integers(1, 5_000),
        st.integers(0, 300),
    ),
    max_size=25,
)


def as_fills(told: Sequence[tuple[int, str, str, int, int, int]]) -> list[Execution]:
    """Fills whose later tellings keep symbol and side, as corrections do."""
    first: dict[int, tuple[str, str]] = {}
    fills = []
    for number, symbol, side, quantity, cents, commission in told:
        symbol, side = first.setdefault(number, (symbol, side))  # noqa: PLW2901  what it was told first
        text = f"{side} {quantity} {symbol} @ {Decimal(cents).scaleb(-2)}"
        fills.append(fill(text, number, commission=str(Decimal(commission).scaleb(-2))))
    return fills


@given(told=TELLINGS, cuts=st.lists(st.integers(0, 25)))
def test_the_account_is_that_of_the_fills_as_they_stand_in_the_end(
    told: list[tuple[int, str, str, int, int, int]], cuts: list[int]
) -> None:
    fills, account = as_fills(told), book()
    bounds = sorted({0, len(fills), *(cut for cut in cuts if cut < len(fills))})
    for start, end in pairwise(bounds):
        account.take_fills(fills[start:end])
    standing = {one.execution_id: one for one in fills}
    anew = Portfolio.opened(ACCOUNT.account_id, OPENING)
    for one in standing.values():
        if one.quantity:
            anew.apply_execution(one)
    assert account.portfolio.holdings == anew.holdings
    assert account.portfolio.opened_dates == anew.opened_dates
    spent = sum((one.side.sign * one.quantity * one.price for one in standing.values()), Decimal(0))
    charged = sum((one.commission + one.fees for one in standing.values()), Decimal(0))
    assert account.portfolio.cash == OPENING.cash - spent - charged


@given(told=TELLINGS)
def test_a_process_that_starts_later_has_the_same_account(told: list[tuple[int, str, str, int, int, int]]) -> None:
    fills = as_fills(told)
    lasting, later = book(), book()
    for one in fills:
        lasting.take_fills([one])
    later.take_fills(list({one.execution_id: one for one in fills}.values()))
    assert lasting.portfolio.holdings == later.portfolio.holdings
    assert lasting.portfolio.cash == later.portfolio.cash
    assert lasting.equity() == later.equity()
