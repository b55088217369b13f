"""Closed trades and a strategy's row, on sessions with numbers worked out by hand."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings

from tests.examples import examples
from tests.strategies import Scenario, scenarios
from tests.trading import actions, market, signal, trade
from tickledger.backtest.closed_trades import closed_trades
from tickledger.backtest.daily_results import daily_results
from tickledger.backtest.performance import StrategyPerformance, performance
from tickledger.bars.corporate_actions import domain_actions
from tickledger.domain.execution import CashKind, CashTransaction
from tickledger.domain.position import Balance
from tickledger.domain.session_record import SessionRecord
from tickledger.strategies.sizing import SizingPolicy

#: 3, 4, 5, 6, 9, 10 January 2012. Bought at 10 and sold at 12, bought at 12 and sold at 9.
PRICES = {"X": ["10 10", "10 11", "12 12", "12 11", "9 9", "9 9"]}
SIGNALS = ["BUY X 2012-01-03", "SELL X 2012-01-04", "BUY X 2012-01-05", "SELL X 2012-01-06"]
ALWAYS = SizingPolicy(target_weight=Decimal("0.5"), rebalance_band=Decimal(0), minimum_notional=Decimal(0))


@pytest.fixture(scope="module")
def record() -> SessionRecord:
    return trade(market("2012-01-03", PRICES), SIGNALS, slippage_bps=Decimal(0), fees="per_order:1")


def judged(record: SessionRecord, start: date | None = None, end: date | None = None) -> StrategyPerformance | None:
    return performance(
        strategy="composite",
        balances=record.balances,
        executions=record.executions,
        cash_transactions=record.cash_transactions,
        signals=[signal(text) for text in SIGNALS],
        start=start,
        end=end,
    )


def test_a_closed_trade_earns_the_price_difference_less_its_own_and_the_opening_charges(
    record: SessionRecord,
) -> None:
    won, lost = closed_trades(record.executions)
    assert (won.quantity, won.pnl) == (Decimal(5000), Decimal(5000) * 2 - 2)
    # Half of 109,998 at the close of 12 are 4,583 shares.
    assert (lost.quantity, lost.pnl) == (Decimal(4583), Decimal(4583) * -3 - 2)


def test_a_period_is_judged_by_its_sessions(record: SessionRecord) -> None:
    row = judged(record)
    assert row is not None
    assert (row.start_date, row.session_date) == (date(2012, 1, 3), date(2012, 1, 10))
    assert (row.num_signals, row.num_trades, row.win_rate) == (4, 4, 0.5)
    # 9,998 won, 13,751 lost.
    assert row.pnl == Decimal(-3753)
    assert row.total_return == pytest.approx(-0.03753)


def test_a_later_part_is_judged_from_the_equity_it_starts_with(record: SessionRecord) -> None:
    row = judged(record, start=date(2012, 1, 6))
    assert row is not None
    assert (row.num_signals, row.num_trades, row.win_rate) == (1, 2, 0.0)
    assert row.pnl == Decimal(-13751)
    assert row.total_return == pytest.approx(-13751 / 109_998)


def test_a_period_without_sessions_has_no_row(record: SessionRecord) -> None:
    assert judged(record, start=date(2013, 1, 1)) is None


def test_without_closed_trades_there_is_no_win_rate(record: SessionRecord) -> None:
    row = judged(record, end=date(2012, 1, 4))
    assert row is not None
    assert row.win_rate is None


def test_deposits_and_withdrawals_are_not_results() -> None:
    balances = [Balance("A", date(2012, 1, day), Decimal(0), Decimal(equity)) for day, equity in ((3, 100), (4, 165))]
    flows = [
        CashTransaction(f"cash_{day}", "A", kind, Decimal(amount), date(2012, 1, day))
        for day, kind, amount in (
            (3, CashKind.DEPOSIT, 100),
            (4, CashKind.DEPOSIT, 60),
            (4, CashKind.WITHDRAWAL, -10),
            (4, CashKind.DIVIDEND, 5),
        )
    ]
    first, second = daily_results(balances, flows)
    assert (first.pnl, first.daily_return) == (Decimal(0), 0.0)
    assert (second.flow, second.pnl) == (Decimal(50), Decimal(15))
    assert second.daily_return == pytest.approx(0.1)


def test_a_split_between_purchase_and_sale_changes_neither_shares_sold_nor_what_they_earn() -> None:
    bars = market("2012-01-03", {"X": ["10 10", "10 10", "5 5", "6 6"]})
    split = actions({"symbol": "X", "ex_date": "2012-01-05", "kind": "split", "ratio": 2.0})
    said = ["BUY X 2012-01-03", "SELL X 2012-01-05"]
    record = trade(bars, said, corporate_actions=split, slippage_bps=Decimal(0), fees="none")
    (only,) = closed_trades(record.executions, domain_actions(split))
    assert (only.quantity, only.pnl) == (Decimal(10_000), Decimal(10_000))


def test_what_is_sold_in_parts_carries_its_part_of_the_opening_charge() -> None:
    bars = market("2012-01-03", {"X": ["10 10", "10 10", "20 20", "20 20", "20 20"]})
    said = ["BUY X 2012-01-03", "BUY X 2012-01-05", "SELL X 2012-01-06"]
    record = trade(bars, said, sizing=ALWAYS, slippage_bps=Decimal(0), fees="per_order:3")
    first, second = closed_trades(record.executions)
    opened = Decimal(5000)
    assert first.quantity + second.quantity == opened
    assert first.pnl == first.quantity * 10 - 3 - 3 * first.quantity / opened
    assert first.pnl + second.pnl == 50_000 - 9


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(scenarios())
def test_pnl_is_the_change_of_equity_less_what_the_owner_brought(scenario: Scenario) -> None:
    record = trade(scenario.bars, scenario.signals, corporate_actions=scenario.corporate_actions, **scenario.settings)
    row = performance(
        strategy="composite",
        balances=record.balances,
        executions=record.executions,
        cash_transactions=record.cash_transactions,
        signals=[],
        corporate_actions=domain_actions(scenario.corporate_actions),
    )
    assert row is not None
    assert row.pnl == record.balances[-1].equity - 100_000
