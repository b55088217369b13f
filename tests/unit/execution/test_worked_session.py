"""Five sessions of two symbols with every number worked out by hand, from the signal to the balance.

Two fifths of equity a symbol, 5 bps of slippage, IBKR's fixed commission, the regulatory fees of January 2012
(Section 31: 19.20 USD per million; TAF: 0.000090 a share).
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.trading import actions, limits, market, trade
from tickledger.domain.execution import CashKind
from tickledger.domain.order import OrderSide, OrderStatus
from tickledger.domain.session_record import SessionRecord

#            3 Jan      4 Jan        5 Jan        6 Jan        9 Jan
A_PRICES = ["49 50", "51.00 52.00", "53.00 54.00", "55.00 56.00", "55 55"]
Z_PRICES = ["24 25", "25.00 24.00", None, "26.00 26.50", "27 27"]
SIGNALS = [
    "BUY A 2012-01-03",  # 40 % of 100,000 at 50 → 800
    "HOLD Z 2012-01-03",
    "SELL A 2012-01-04",
    "BUY Z 2012-01-04",  # 40 % of 100,775.60 at 24 → 1,679; no bar on the 5th
    "HOLD A 2012-01-05",
    "BUY Z 2012-01-05",  # did not trade on the 5th: no close to order at
    "BUY Z 2012-01-06",
]


@pytest.fixture(scope="module")
def record() -> SessionRecord:
    dividend = actions({"symbol": "A", "ex_date": "2012-01-05", "kind": "dividend", "amount": 0.30})
    return trade(
        market("2012-01-03", {"A": A_PRICES, "Z": Z_PRICES}), SIGNALS, corporate_actions=dividend, weight="0.4"
    )


def test_the_first_session_books_the_deposit(record: SessionRecord) -> None:
    deposit = record.cash_transactions[0]
    assert (deposit.kind, deposit.amount, deposit.session_date) == (
        CashKind.DEPOSIT,
        Decimal(100_000),
        date(2012, 1, 3),
    )
    assert record.balances[0].cash == record.balances[0].equity == Decimal(100_000)


def test_an_order_decided_at_a_close_fills_at_the_next_open_with_slippage_and_commission(record: SessionRecord) -> None:
    bought = record.executions[0]
    assert (bought.symbol, bought.side, bought.quantity) == ("A", OrderSide.BUY, Decimal(800))
    assert bought.price == Decimal("51.0255")  # 51 × 1.0005
    assert (bought.commission, bought.fees) == (Decimal("4.00"), Decimal(0))  # 800 × 0.005
    assert bought.executed_at == datetime(2012, 1, 4, 14, 30, tzinfo=UTC)
    assert (bought.trade_date, bought.bar_id) == (date(2012, 1, 4), "bar_A_1day_20120104T0000Z_1")
    assert record.orders[0].submitted_at == datetime(2012, 1, 3, 21, 0, tzinfo=UTC)


def test_the_close_marks_the_position_at_the_raw_close(record: SessionRecord) -> None:
    position, balance = record.positions[0], record.balances[1]
    assert (position.average_cost, position.close) == (Decimal("51.0255"), Decimal("52.00"))
    assert position.unrealized_pnl == Decimal("779.60")  # 800 × (52 − 51.0255)
    assert balance.cash == Decimal("59175.60")  # 100,000 − 40,820.40 − 4
    assert balance.equity == Decimal("100775.60")  # + 41,600


def test_a_sale_pays_commission_and_the_fees_of_its_date(record: SessionRecord) -> None:
    sold = record.executions[1]
    assert (sold.symbol, sold.side, sold.price) == ("A", OrderSide.SELL, Decimal("52.9735"))  # 53 × 0.9995
    # 42,378.80 × 19.20 / 1,000,000 = 0.81367 and 800 × 0.000090 = 0.072
    assert (sold.commission, sold.fees) == (Decimal("4.00"), Decimal("0.8857"))
    dividend = record.cash_transactions[1]
    assert (dividend.kind, dividend.amount) == (CashKind.DIVIDEND, Decimal("240.00"))
    # 59,175.60 + 240 + 42,378.80 − 4 − 0.8857
    assert record.balances[2].cash == Decimal("101789.5143")


def test_an_order_whose_symbol_does_not_trade_ends_with_the_session_and_is_asked_for_again(
    record: SessionRecord,
) -> None:
    unfilled, again = (order for order in record.orders if order.symbol == "Z")
    # 40,310.24 / 24 = 1,679.6 shares; 40,715.81 / 26.50 = 1,536.4
    assert (unfilled.quantity, again.quantity) == (Decimal(1679), Decimal(1536))
    ended = [event for event in record.order_events if event.order_id == unfilled.order_id][-1]
    assert (ended.status, ended.reason, ended.session_date) == (
        OrderStatus.CANCELLED,
        "Its session was over.",
        date(2012, 1, 5),
    )
    bought = record.executions[2]
    assert (bought.price, bought.commission) == (Decimal("27.0135"), Decimal("7.68"))


def test_the_last_balance_is_what_the_rows_add_up_to(record: SessionRecord) -> None:
    # 101,789.5143 − 1,536 × 27.0135 − 7.68
    assert record.balances[-1].cash == Decimal("60289.0983")
    assert record.balances[-1].equity == Decimal("60289.0983") + 1536 * 27


def test_every_intent_has_a_decision_and_every_order_its_own(record: SessionRecord) -> None:
    approved = [decision.risk_decision_id for decision in record.risk_decisions if decision.is_approved]
    assert [order.risk_decision_id for order in record.orders] == approved
    assert len(record.risk_decisions) == 4
    assert {len(decision.checks) for decision in record.risk_decisions} == {8}


def test_on_a_day_with_both_the_sale_is_decided_before_the_purchase(record: SessionRecord) -> None:
    on_4th = [order.side for order in record.orders if order.session_date == date(2012, 1, 4)]
    assert on_4th == [OrderSide.SELL, OrderSide.BUY]


def test_an_order_that_was_just_sent_counts_for_the_next_one() -> None:
    bars = market("2012-01-03", {"A": ["50 50"] * 2, "B": ["50 50"] * 2})
    record = trade(bars, ["BUY A 2012-01-03", "BUY B 2012-01-03"], weight="0.6")
    first, second = record.risk_decisions
    assert (first.is_approved, second.is_approved) == (True, False)
    # 1,200 shares at 50.025 and 6.00 of commission are spoken for; as many again are asked for.
    assert second.reason == "buying_power: 60036 exceeds 39964"


def test_a_holding_that_did_not_trade_today_still_counts_in_the_exposure() -> None:
    bars = market("2012-01-03", {"A": ["50 50", "50 50", None], "B": ["50 50"] * 3})
    rows = limits(max_portfolio_exposure="0.7")
    record = trade(bars, ["BUY A 2012-01-03", "BUY B 2012-01-05"], weight="0.4", risk_limits=rows)
    assert [decision.is_approved for decision in record.risk_decisions] == [True, False]
    # 800 A and 799 B at 50, 79,950 of 99,976 USD (20 of slippage and 4 of commission are gone).
    assert record.risk_decisions[1].reason == "max_portfolio_exposure: 0.7997 exceeds 0.7"


def test_a_sector_that_the_table_of_symbols_does_not_know_is_not_an_escape() -> None:
    bars = market("2012-01-03", {"A": ["50 50"] * 2, "B": ["50 50"] * 2})
    unknown: Any = {"A": float("nan"), "B": None}
    rows = limits(max_sector_exposure="0.5")
    record = trade(bars, ["BUY A 2012-01-03", "BUY B 2012-01-03"], weight="0.4", risk_limits=rows, sectors=unknown)
    assert [decision.is_approved for decision in record.risk_decisions] == [True, False]
