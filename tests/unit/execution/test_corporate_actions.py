"""Corporate actions on holdings, cash, working orders and marks, by examples with the numbers worked out."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from tests.trading import actions, market, order, trade
from tickledger.domain.errors import InputError, LedgerError
from tickledger.domain.execution import CashKind
from tickledger.domain.order import Order, OrderStatus, TimeInForce
from tickledger.domain.position import PortfolioState
from tickledger.domain.session_record import SessionRecord
from tickledger.strategies.sizing import SizingPolicy

#: Sessions from 2012-01-03, a Tuesday: 3, 4, 5, 6, 9, 10, 11, 12 of January.
BUYS_500 = ["BUY X 2012-01-03"]  # at 100.00: half of 100,000


def held(record: SessionRecord, day: str) -> dict[str, tuple[Decimal, Decimal]]:
    """Shares and average cost by symbol at a close."""
    return {
        row.symbol: (row.quantity, row.average_cost)
        for row in record.positions
        if row.session_date == date.fromisoformat(day)
    }


def cash(record: SessionRecord) -> list[tuple[CashKind, Decimal]]:
    return [(row.kind, row.amount) for row in record.cash_transactions if row.kind is not CashKind.DEPOSIT]


def replayed(
    action: dict[str, Any],
    later: str = "100 100",
    *,
    signals: Sequence[str] = BUYS_500,
    corporate_actions: pd.DataFrame | None = None,
) -> SessionRecord:
    """500 X bought at 100 on 4 January, `action` on the 5th, when prices turn to `later`; free of any cost."""
    bars = market("2012-01-03", {"X": ["100 100", "100 100", later, later, later]})
    on_5th = actions({"symbol": "X", "ex_date": "2012-01-05", **action})
    effective = on_5th if corporate_actions is None else corporate_actions
    return trade(bars, signals, corporate_actions=effective, slippage_bps=Decimal(0), fees="none")


def equities(record: SessionRecord) -> set[Decimal]:
    return {row.equity for row in record.balances}


def test_a_split_multiplies_shares_and_divides_cost_and_changes_no_equity() -> None:
    record = replayed({"kind": "split", "ratio": 2.0}, later="50 50")
    assert held(record, "2012-01-04") == {"X": (Decimal(500), Decimal(100))}
    assert held(record, "2012-01-05") == {"X": (Decimal(1000), Decimal(50))}
    assert equities(record) == {Decimal(100_000)}


def test_a_holding_that_does_not_trade_on_the_ex_date_is_valued_at_its_last_close_in_new_shares() -> None:
    bars = market("2012-01-03", {"X": ["100 100", "100 110", None, "55 55"], "Y": ["1 1"] * 4})
    split = actions({"symbol": "X", "ex_date": "2012-01-05", "kind": "split", "ratio": 2.0})
    record = trade(bars, BUYS_500, corporate_actions=split, slippage_bps=Decimal(0), fees="none")
    on_4th, on_5th = (row for row in record.positions if row.session_date < date(2012, 1, 6))
    assert (on_5th.quantity, on_5th.close, on_5th.bar_id) == (Decimal(1000), Decimal(55), on_4th.bar_id)
    assert record.balances[2].equity == record.balances[1].equity == Decimal(105_000)


def test_a_reverse_split_pays_for_the_fraction_where_cash_in_lieu_is_given() -> None:
    record = replayed({"kind": "split", "ratio": 1 / 3, "cash_in_lieu": 200.0}, later="300 300")
    assert held(record, "2012-01-05") == {"X": (Decimal(166), Decimal(300))}  # 500 / 3 = 166 2/3; 2/3 × 300 = 200
    assert cash(record) == [(CashKind.CASH_IN_LIEU, Decimal(200))]
    assert equities(record) == {Decimal(100_000)}


def test_a_fraction_without_cash_in_lieu_is_kept_to_a_millionth_and_can_be_sold() -> None:
    record = replayed({"kind": "split", "ratio": 1 / 3}, later="300 300", signals=[*BUYS_500, "SELL X 2012-01-05"])
    assert held(record, "2012-01-05") == {"X": (Decimal("166.666666"), Decimal(300))}
    assert record.executions[-1].quantity == Decimal("166.666666")
    assert held(record, "2012-01-06") == {}


def test_no_cash_in_lieu_is_paid_where_no_fraction_is_left() -> None:
    record = replayed({"kind": "split", "ratio": 0.5, "cash_in_lieu": 99.0}, later="200 200")
    assert held(record, "2012-01-05") == {"X": (Decimal(250), Decimal(200))}
    assert cash(record) == []


def test_a_dividend_pays_the_shares_held_at_the_previous_close_to_the_cent() -> None:
    record = replayed({"kind": "dividend", "amount": 0.12345}, signals=[*BUYS_500, "SELL X 2012-01-04"])
    # The sale at the open of the ex-date comes too late to lose the dividend: 500 × 0.12345 = 61.725.
    assert held(record, "2012-01-05") == {}
    assert cash(record) == [(CashKind.DIVIDEND, Decimal("61.73"))]


def test_shares_bought_on_the_ex_date_get_no_dividend() -> None:
    assert cash(replayed({"kind": "dividend", "amount": 0.5}, signals=["BUY X 2012-01-04"])) == []


def test_a_split_comes_before_a_dividend_of_the_same_day() -> None:
    both = actions(
        {"symbol": "X", "ex_date": "2012-01-05", "kind": "dividend", "amount": 0.25},
        {"symbol": "X", "ex_date": "2012-01-05", "kind": "split", "ratio": 2.0},
    )
    record = replayed({"kind": "split", "ratio": 2.0}, later="50 50", corporate_actions=both)
    assert cash(record) == [(CashKind.DIVIDEND, Decimal("250.00"))]


def test_a_return_of_capital_is_cash_that_lowers_the_cost() -> None:
    record = replayed({"kind": "return_of_capital", "amount": 10.0}, later="90 90")
    assert held(record, "2012-01-05") == {"X": (Decimal(500), Decimal(90))}
    assert cash(record) == [(CashKind.RETURN_OF_CAPITAL, Decimal(5000))]
    assert equities(record) == {Decimal(100_000)}


def test_a_merger_for_cash_ends_the_holding() -> None:
    record = replayed({"kind": "merger", "amount": 120.0})
    assert held(record, "2012-01-05") == {}
    assert cash(record) == [(CashKind.MERGER, Decimal(60_000))]
    assert record.balances[-1].equity == Decimal(110_000)


def test_a_change_of_ticker_carries_the_holding_and_its_opening_date() -> None:
    bars = market("2012-01-03", {"X": ["100 100", "100 100"], "Y": [None, None, "100 101"]})
    renamed = actions({"symbol": "X", "ex_date": "2012-01-05", "kind": "ticker_change", "new_symbol": "Y"})
    record = trade(bars, BUYS_500, corporate_actions=renamed, slippage_bps=Decimal(0), fees="none")
    assert held(record, "2012-01-05") == {"Y": (Decimal(500), Decimal(100))}
    assert record.positions[-1].opened_date == date(2012, 1, 4)


def test_a_holding_whose_new_ticker_has_no_close_cannot_be_valued() -> None:
    with pytest.raises(LedgerError, match="Y has no close to value it at"):
        replayed({"kind": "ticker_change", "new_symbol": "Y"})


def with_other(
    action: dict[str, Any],
    *,
    x: str | None = "100 100",
    y: str | None = "100 100",
    signals: Sequence[str] = BUYS_500,
    **settings: Any,
) -> SessionRecord:
    """As `replayed`, with a Y that from the 5th on trades at `y`, and X at `x`."""
    bars = market("2012-01-03", {"X": ["100 100", "100 100", x, x, x], "Y": [None, "40 40", y, y, y]})
    on_5th = actions({"symbol": "X", "ex_date": "2012-01-05", **action})
    return trade(bars, signals, corporate_actions=on_5th, slippage_bps=Decimal(0), fees="none", **settings)


SPINOFF = {"kind": "spinoff", "ratio": 0.25, "new_symbol": "Y", "fmv_old": 80.0, "fmv_new": 80.0}


def test_a_spin_off_adds_shares_and_spreads_the_cost_by_value() -> None:
    """One Y for four X, worth 80 each after it: 20 of the 100 that an X cost go to a quarter of a Y."""
    record = with_other(SPINOFF, x="80 80", y="80 80")
    assert held(record, "2012-01-05") == {"X": (Decimal(500), Decimal(80)), "Y": (Decimal(125), Decimal(80))}
    assert {row.opened_date for row in record.positions} == {date(2012, 1, 4)}
    assert equities(record) == {Decimal(100_000)}


def test_a_fraction_of_a_share_spun_off_is_sold_where_cash_in_lieu_is_given() -> None:
    record = with_other({**SPINOFF, "ratio": 1 / 3, "fmv_new": 60.0, "cash_in_lieu": 40.0}, x="80 80", y="60 60")
    assert held(record, "2012-01-05")["Y"] == (Decimal(166), Decimal(60))  # 500 / 3 = 166 2/3; 2/3 × 60 = 40
    assert cash(record) == [(CashKind.CASH_IN_LIEU, Decimal(40))]
    assert equities(record) == {Decimal(100_000)}


def test_a_parent_that_does_not_trade_on_the_day_is_valued_without_what_it_handed_out() -> None:
    record = with_other(SPINOFF, x=None, y="80 80")
    assert {row.symbol: row.close for row in record.positions[-2:]} == {"X": Decimal(80), "Y": Decimal(80)}
    assert equities(record) == {Decimal(100_000)}


def test_what_is_received_is_added_to_what_is_held_of_it_already() -> None:
    """500 Y bought at 40 on the 4th, and 50 received at 80 for 200 X: 24,000 for 550."""
    record = with_other(SPINOFF, x="80 80", y="40 40", signals=[*BUYS_500, "BUY Y 2012-01-04"], weight="0.2")
    assert held(record, "2012-01-05") == {
        "X": (Decimal(200), Decimal(80)),
        "Y": (Decimal(550), Decimal("43.63636364")),
    }
    assert record.positions[-1].opened_date == date(2012, 1, 4)


def test_a_merger_for_stock_carries_cost_and_opening_date_over() -> None:
    record = with_other({"kind": "merger", "ratio": 1.5, "new_symbol": "Y"}, x=None, y="66 66")
    assert held(record, "2012-01-05") == {"Y": (Decimal(750), Decimal("66.66666667"))}
    assert record.positions[-1].opened_date == date(2012, 1, 4)
    assert cash(record) == []


@pytest.mark.parametrize(
    ("fmv_new", "cost"),
    [
        (300.0, Decimal(200)),  # worth 150 + 10 for what cost 100: all of the cash is gain, the cost stays
        (188.0, Decimal(188)),  # 94 + 10: a gain of 4, and 6 of the cost come back
        (100.0, Decimal(180)),  # no loss is recognized: all 10 come back
    ],
)
def test_cash_beside_stock_lowers_the_cost_by_what_is_not_gain(fmv_new: float, cost: Decimal) -> None:
    """IRC 356(a), (c), 358(a): half a Y and 10 of cash for each X."""
    terms = {"kind": "merger", "ratio": 0.5, "new_symbol": "Y", "amount": 10.0, "fmv_new": fmv_new}
    record = with_other(terms, x=None, y=f"{fmv_new} {fmv_new}")
    assert held(record, "2012-01-05") == {"Y": (Decimal(250), cost)}
    assert cash(record) == [(CashKind.MERGER, Decimal(5000))]


def test_a_delisting_ends_the_holding_where_an_amount_is_paid_and_leaves_it_otherwise() -> None:
    paid = with_other({"kind": "delisting", "amount": 0.25}, x=None)
    assert held(paid, "2012-01-05") == {}
    assert cash(paid) == [(CashKind.MERGER, Decimal(125))]
    left = with_other({"kind": "delisting"}, x=None)
    assert held(left, "2012-01-05") == {"X": (Decimal(500), Decimal(100))}
    assert left.positions[-1].close == Decimal(100)


def test_capital_returned_beyond_the_cost_leaves_a_cost_of_nothing() -> None:
    """IRC 301(c)(3): the rest is gain."""
    record = replayed({"kind": "return_of_capital", "amount": 120.0}, later="10 10")
    assert held(record, "2012-01-05") == {"X": (Decimal(500), Decimal(0))}
    assert cash(record) == [(CashKind.RETURN_OF_CAPITAL, Decimal(60_000))]


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ({**SPINOFF, "fmv_old": None}, "column fmv_old: expected USD per share, found none"),
        ({**SPINOFF, "fmv_new": None}, "column fmv_new: expected USD per share, found none"),
        ({**SPINOFF, "fmv_old": 0.0, "fmv_new": 0.0}, "expected values fmv_old and fmv_new above 0, found 0"),
        ({**SPINOFF, "new_symbol": "X"}, "column new_symbol: expected the new ticker, found X"),
        ({"kind": "merger", "ratio": 0.5, "new_symbol": "Y", "amount": 1.0}, "column fmv_new: expected USD per share"),
        ({"kind": "merger", "ratio": 0.5}, "column new_symbol: expected the new ticker, found none"),
        ({"kind": "merger"}, "column amount: expected USD per share, found none"),
        ({"kind": "split"}, "column ratio: expected new shares per old share, found None"),
        ({"kind": "dividend"}, "column amount: expected USD per share, found none"),
        ({"kind": "ticker_change"}, "column new_symbol: expected the new ticker, found none"),
    ],
)
def test_an_action_without_its_terms_stops_a_session_that_holds_the_symbol(
    action: dict[str, Any], expected: str
) -> None:
    with pytest.raises(InputError, match=f"corporate action X 2012-01-05 {action['kind']}.*{expected}"):
        replayed(action)


@pytest.mark.parametrize("kind", ["spinoff", "delisting"])
def test_an_action_on_a_symbol_that_is_not_held_is_none_of_the_session_s_business(kind: str) -> None:
    assert replayed({"kind": kind}, signals=[]).balances[-1].equity == Decimal(100_000)


@pytest.mark.parametrize(
    "action",
    [
        {"kind": "split", "ratio": 2.0},
        {"kind": "dividend", "amount": 1.0},
        SPINOFF,
        {"kind": "merger", "ratio": 0.5, "new_symbol": "Y", "amount": 10.0, "fmv_new": 180.0},
    ],
)
@pytest.mark.parametrize("identity", ["ca_1", None])
def test_a_record_that_is_told_twice_happens_once(action: dict[str, Any], identity: str | None) -> None:
    bars = market("2012-01-03", {"X": ["100 100"] * 5, "Y": ["80 80"] * 5})
    row = {"symbol": "X", "ex_date": "2012-01-05", "corporate_action_id": identity, **action}
    once, twice = (
        trade(bars, [*BUYS_500, "SELL Y 2012-01-05"], corporate_actions=actions(*rows)) for rows in ([row], [row, row])
    )
    assert twice == once


def test_a_split_replaces_a_working_order_by_one_of_the_new_shares() -> None:
    record = replayed({"kind": "split", "ratio": 1.5}, later="66 66", signals=["BUY X 2012-01-04"])
    old, new = record.orders
    assert (old.quantity, new.quantity) == (Decimal(500), Decimal(750))
    assert (new.parent_order_id, new.signal_id, new.risk_decision_id) == (
        old.order_id,
        old.signal_id,
        old.risk_decision_id,
    )
    statuses = [event.status for event in record.order_events if event.order_id == old.order_id]
    assert statuses == [OrderStatus.PENDING, OrderStatus.SUBMITTED, OrderStatus.CANCELLED]
    assert [(row.order_id, row.quantity) for row in record.executions] == [(new.order_id, Decimal(750))]


def test_a_reverse_split_that_leaves_less_than_a_share_ends_the_order() -> None:
    record = replayed({"kind": "split", "ratio": 0.001}, later="99999 99999", signals=["BUY X 2012-01-04"])
    assert record.order_events[-1].status is OrderStatus.CANCELLED
    assert record.executions == ()


def test_a_good_till_cancelled_order_waits_through_a_split_with_what_is_left_of_it() -> None:
    bars = market("2012-01-03", {"X": ["100 100", "100 100", "50 50", "50 50"]}, volume=2000)
    split = actions({"symbol": "X", "ex_date": "2012-01-05", "kind": "split", "ratio": 2.0})
    policy = SizingPolicy(target_weight=Decimal("0.5"), time_in_force=TimeInForce.GTC)
    record = trade(
        bars, BUYS_500, corporate_actions=split, sizing=policy, max_participation=Decimal("0.3"), fees="none"
    )
    by_day = Counter[date]()
    for row in record.executions:
        by_day[row.trade_date] += int(row.quantity)
    # A part of 500 fills on the 4th; what is left becomes twice as many, and fills on the days after.
    before = by_day[date(2012, 1, 4)]
    assert 0 < before < 500
    old, new = record.orders
    assert new.parent_order_id == old.order_id
    assert new.quantity == 2 * (500 - before)
    assert sum(by_day.values()) - before == new.quantity
    assert held(record, "2012-01-06")["X"][0] == Decimal(1000)


def patient(order_text: str, action: dict[str, Any]) -> tuple[list[Order], list[OrderStatus]]:
    """What becomes of a good-till-cancelled order on X when `action` happens: the orders that follow, its statuses."""
    given = order(order_text, time_in_force=TimeInForce.GTC)
    opening = PortfolioState(
        cash=Decimal(100_000),
        working_orders=(given,),
        order_sequences={given.order_id: 2},
        previous_equity=Decimal(100_000),
    )
    bars = market("2012-01-04", {"X": ["100 100", None], "Y": ["40 40", "40 40"]})
    on_5th = actions({"symbol": "X", "ex_date": "2012-01-05", **action})
    record = trade(bars, [], corporate_actions=on_5th, opening=opening)
    return list(record.orders), [row.status for row in record.order_events if row.order_id == given.order_id]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("BUY 10 X LIMIT 90.50", "BUY 10 X LIMIT 70.50"),  # 0.25 × 80 is handed out
        ("SELL 10 X STOP 90", "SELL 10 X STOP 70"),
        ("SELL 10 X STOP_LIMIT 90 89.99", "SELL 10 X STOP_LIMIT 70 69.99"),
        ("BUY 10 X LIMIT 19", None),  # less than what is handed out: nothing is left of the price
    ],
)
def test_a_spin_off_lowers_orders_to_buy_at_a_limit_and_stops_to_sell(text: str, expected: str | None) -> None:
    """FINRA Rule 5330(a), (d): by the value of the distribution, to the cent below."""
    successors, statuses = patient(text, SPINOFF)
    assert statuses == [OrderStatus.CANCELLED]
    assert [_terms(row) for row in successors] == ([] if expected is None else [_terms(order(expected))])


@pytest.mark.parametrize("text", ["SELL 10 X LIMIT 120", "BUY 10 X STOP 120"])
def test_a_spin_off_leaves_limits_to_sell_and_stops_to_buy(text: str) -> None:
    """FINRA Rule 5330(e)."""
    assert patient(text, SPINOFF) == ([], [])


def test_an_order_to_buy_is_cancelled_where_nobody_knows_what_is_handed_out() -> None:
    """FINRA Rule 5330(b)."""
    assert patient("BUY 10 X LIMIT 90", {**SPINOFF, "fmv_new": None}) == ([], [OrderStatus.CANCELLED])


def test_a_change_of_ticker_puts_the_order_under_the_new_one() -> None:
    successors, statuses = patient("BUY 10 X LIMIT 30", {"kind": "ticker_change", "new_symbol": "Y"})
    assert statuses == [OrderStatus.CANCELLED]
    assert [_terms(row) for row in successors] == [_terms(order("BUY 10 Y LIMIT 30"))]
    assert successors[0].parent_order_id == "ord_BUY_10_X_LIMIT_30"


@pytest.mark.parametrize(
    "action",
    [
        {"kind": "merger", "ratio": 0.5, "new_symbol": "Y"},
        {"kind": "merger", "amount": 120.0},
        {"kind": "delisting"},
    ],
)
def test_orders_end_with_the_security(action: dict[str, Any]) -> None:
    assert patient("BUY 10 X LIMIT 90", action) == ([], [OrderStatus.CANCELLED])


def _terms(row: Order) -> tuple[object, ...]:
    return row.side, row.quantity, row.symbol, row.order_type, row.limit_price, row.stop_price


def test_an_ex_date_without_a_session_takes_effect_at_the_next_one() -> None:
    bars = market("2012-01-03", {"X": ["100 100"] * 5})
    on_saturday = actions({"symbol": "X", "ex_date": "2012-01-07", "kind": "dividend", "amount": 1.0})
    record = trade(bars, BUYS_500, corporate_actions=on_saturday)
    paid = record.cash_transactions[-1]
    assert (paid.amount, paid.session_date) == (Decimal("500.00"), date(2012, 1, 9))
