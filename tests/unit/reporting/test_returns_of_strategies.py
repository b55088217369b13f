"""Performance of strategies: against the account's own by `backtest.performance`, and figures worked out by hand."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.strategies import Scenario, scenarios
from tests.trading import actions, market, signal, trade
from tests.unit.reporting.test_pnl_contributions import FEW, SECTORS, assigned, history_of, rows_of, run
from tickledger.backtest.performance import performance
from tickledger.bars.corporate_actions import domain_actions
from tickledger.domain.execution import Execution
from tickledger.domain.order import OrderSide
from tickledger.reporting.pnl_contributions import contributions
from tickledger.reporting.pnl_origins import Origin
from tickledger.reporting.returns_of_strategies import (
    held_days,
    performance_table,
    profit_factor,
    strategy_performances,
)

#: 3, 4, 5, 6, 9, 10 January 2012. Bought at 10 and sold at 12, bought at 12 and sold at 9.
PRICES = {"X": ["10 10", "10 11", "12 12", "12 11", "9 9", "9 9"]}
SIGNALS = ["BUY X 2012-01-03", "SELL X 2012-01-04", "BUY X 2012-01-05", "SELL X 2012-01-06"]


def test_one_strategy_alone_does_what_its_account_does() -> None:
    record = trade(market("2012-01-03", PRICES), SIGNALS, slippage_bps=Decimal(0), fees="per_order:1")
    origins = {order.order_id: Origin("composite") for order in record.orders}
    history = history_of(record)
    columns = contributions(history, rows_of(record), origins, SECTORS)
    signals = {("composite", date(2012, 1, day)): 1 for day in (3, 4, 5, 6)}
    of_account, of_strategy = strategy_performances(history, columns, origins, signals)
    expected = performance(
        strategy="composite",
        balances=record.balances,
        executions=record.executions,
        cash_transactions=record.cash_transactions,
        signals=[signal(text) for text in SIGNALS],
    )
    assert expected is not None
    for name in expected.__slots__[3:15]:
        wanted = pytest.approx(getattr(expected, name)) if getattr(expected, name) is not None else None
        assert getattr(of_strategy, name) == wanted
        assert getattr(of_account, name) == wanted
    assert (of_account.strategy, of_strategy.strategy) == ("(account)", "composite")
    # 9,998 won and 13,751 lost.
    assert of_strategy.profit_factor == pytest.approx(9_998 / 13_751)
    # Both were held from one session to the next: 4 to 5 January, and 6 to 9, over the weekend.
    assert of_strategy.average_holding_days == pytest.approx((5_000 * 1 + 4_583 * 3) / 9_583)
    equity = [100_000, 104_999, 109_998, 105_414, 96_247, 96_247]
    assert of_strategy.turnover == pytest.approx((5_000 * 12 + 4_583 * 9) / (sum(equity) / 6) * 252 / 6, rel=1e-4)
    assert of_strategy.exposure == pytest.approx((55_000 / 104_999 + 4_583 * 11 / 105_414) / 6, rel=1e-4)


@FEW
@given(scenarios(), st.data())
def test_returns_and_pnl_of_strategies_add_up_to_the_accounts(scenario: Scenario, data: st.DataObject) -> None:
    record = run(scenario)
    origins = assigned(data, record)
    history = history_of(record, domain_actions(scenario.corporate_actions))
    columns = contributions(history, rows_of(record), origins, SECTORS)
    rows = strategy_performances(history, columns, origins, {})
    whole = [row for row in rows if row.strategy == "(account)"]
    for of_account in whole:
        parts = [
            row
            for row in rows
            if row.strategy != "(account)"
            and (row.start_date, row.session_date) == (of_account.start_date, of_account.session_date)
        ]
        other = sum(
            (
                row.total_pnl
                for row in columns.rows()
                if row.strategy in {"(pooled cost)", "(rounding)", "(account)"}
                and of_account.start_date <= row.session_date <= of_account.session_date
            ),
            Decimal(0),
        )
        assert sum((row.pnl for row in parts), other) == of_account.pnl
        assert sum(row.num_trades for row in parts) == of_account.num_trades
        assert sum(row.exposure or 0 for row in parts) == pytest.approx(of_account.exposure or 0)
    assert len(performance_table(rows).rows) == len(rows)


def fill(name: str, side: OrderSide, quantity: str, day: str, symbol: str = "X") -> Execution:
    on = date.fromisoformat(day)
    at = datetime(on.year, on.month, on.day, 15, tzinfo=UTC)
    nothing = Decimal(0)
    return Execution(name, "o", "U1", symbol, side, Decimal(quantity), Decimal(1), nothing, nothing, at, on)


def test_days_held_follow_shares_through_splits_spin_offs_and_renaming() -> None:
    events = domain_actions(
        actions(
            {"symbol": "X", "ex_date": "2024-01-10", "kind": "split", "ratio": 2.0},
            {"symbol": "X", "ex_date": "2024-01-20", "kind": "ticker_change", "new_symbol": "Y"},
        )
    )
    fills = [
        fill("a", OrderSide.BUY, "10", "2024-01-01"),
        fill("b", OrderSide.BUY, "10", "2024-01-11"),
        fill("c", OrderSide.SELL, "25", "2024-01-31", "Y"),
        fill("d", OrderSide.SELL, "15", "2024-02-10", "Y"),
    ]
    # 20 of the first purchase for 30 days and 5 of the second for 20; then 5 for 30, and 10 sold short.
    assert held_days(fills, events) == {"c": (700.0, 25.0), "d": (150.0, 5.0)}


def test_without_a_losing_trade_there_is_no_profit_factor() -> None:
    assert profit_factor([]) is None
