"""Corporate actions on holdings, cash, working orders and marks, by examples with the numbers worked out."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from tests.trading import actions, market, trade
from tickledger.domain.errors import InputError, LedgerError
from tickledger.domain.execution import CashKind
from tickledger.domain.order import OrderStatus, TimeInForce
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


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ({"kind": "spinoff", "ratio": 0.5, "new_symbol": "Y"}, "expected one of dividend, merger, .*, found spinoff"),
        ({"kind": "delisting"}, "found delisting"),
        ({"kind": "merger", "ratio": 0.5, "new_symbol": "Y"}, "expected a merger for cash alone"),
        ({"kind": "split"}, "column ratio: expected new shares per old share, found None"),
        ({"kind": "dividend"}, "column amount: expected USD per share, found none"),
        ({"kind": "ticker_change"}, "column new_symbol: expected the new ticker, found none"),
    ],
)
def test_an_action_that_cannot_be_applied_stops_a_session_that_holds_the_symbol(
    action: dict[str, Any], expected: str
) -> None:
    with pytest.raises(InputError, match=f"corporate action X 2012-01-05 {action['kind']}.*{expected}"):
        replayed(action)


@pytest.mark.parametrize("kind", ["spinoff", "delisting"])
def test_an_action_on_a_symbol_that_is_not_held_is_none_of_the_session_s_business(kind: str) -> None:
    assert replayed({"kind": kind}, signals=[]).balances[-1].equity == Decimal(100_000)


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
    bars = market("2012-01-03", {"X": ["100 100", "100 100", "50 50", "50 50"]}, volume=1000)
    split = actions({"symbol": "X", "ex_date": "2012-01-05", "kind": "split", "ratio": 2.0})
    policy = SizingPolicy(target_weight=Decimal("0.5"), time_in_force=TimeInForce.GTC)
    record = trade(
        bars, BUYS_500, corporate_actions=split, sizing=policy, max_participation=Decimal("0.3"), fees="none"
    )
    # 300 of 500 filled on the 4th; the other 200 become 400, of which 300 and then 100 fill.
    assert [row.quantity for row in record.executions] == [300, 300, 100]
    assert held(record, "2012-01-06")["X"][0] == Decimal(1000)


def test_an_ex_date_without_a_session_takes_effect_at_the_next_one() -> None:
    bars = market("2012-01-03", {"X": ["100 100"] * 5})
    on_saturday = actions({"symbol": "X", "ex_date": "2012-01-07", "kind": "dividend", "amount": 1.0})
    record = trade(bars, BUYS_500, corporate_actions=on_saturday)
    paid = record.cash_transactions[-1]
    assert (paid.amount, paid.session_date) == (Decimal("500.00"), date(2012, 1, 9))
