"""Daily P&L: a worked example, and that the columns add up to the change of equity to the cent."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, assume, given, settings

from tests.examples import examples
from tests.strategies import Scenario, scenarios
from tests.trading import actions, market, trade
from tickledger.backtest.closed_trades import closed_trades
from tickledger.bars.corporate_actions import domain_actions
from tickledger.domain.corporate_action import CorporateActionKind
from tickledger.domain.money import CENT
from tickledger.domain.session_record import SessionRecord
from tickledger.reporting.pnl import (
    DailyPnl,
    daily_pnl,
    daily_pnl_by_account,
    unexplained_by_account,
    unexplained_equity,
)

Rows = tuple[Sequence[Any], ...]
FEW = settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.too_slow])


def rows_of(record: SessionRecord, start: date | None = None) -> list[DailyPnl]:
    return daily_pnl(record.balances, record.positions, record.executions, record.cash_transactions, start=start)


def run(scenario: Scenario) -> SessionRecord:
    return trade(scenario.bars, scenario.signals, corporate_actions=scenario.corporate_actions, **scenario.settings)


def test_five_sessions_worked_out_by_hand() -> None:
    bars = market("2012-01-03", {"X": ["10 10", "10 11", "12 12", "13 13", "13 13"]})
    dividend = actions({"symbol": "X", "ex_date": "2012-01-05", "kind": "dividend", "amount": 0.10})
    said = ["BUY X 2012-01-03", "SELL X 2012-01-05"]
    record = trade(bars, said, corporate_actions=dividend, slippage_bps=Decimal(0), fees="per_order:7")
    found = [
        f"{row.realized_pnl:.0f} {row.unrealized_pnl:.0f} {row.dividends:.0f} {row.total_pnl:.0f}, {row.num_trades}"
        for row in rows_of(record)
    ]
    assert found == [
        "0 0 0 0, 0",  # the deposit is not a result
        "-7 5000 0 4993, 1",  # 5,000 bought at 10 close at 11
        "0 5000 500 5500, 0",
        "14993 -10000 0 4993, 1",  # sold at 13: what was unrealized is realized, and 1 a share more
        "0 0 0 0, 0",
    ]
    last = rows_of(record)[-1]
    assert (last.portfolio_value, last.cash_balance) == (Decimal(115_486), Decimal(115_486))


@FEW
@given(scenarios())
def test_the_columns_add_up_in_every_row_and_over_all_of_them_to_the_cent(scenario: Scenario) -> None:
    record = run(scenario)
    rows = rows_of(record)
    assert len(rows) == len(record.balances)
    for row in rows:
        assert row.total_pnl == row.realized_pnl + row.unrealized_pnl + row.dividends
        assert all(value == value.quantize(CENT) for value in (row.total_pnl, row.portfolio_value, row.cash_balance))
    total = sum((row.total_pnl for row in rows), Decimal(0))
    assert total == rows[-1].portfolio_value - 100_000
    assert unexplained_equity(rows, record.cash_transactions) == 0
    assert unexplained_equity(rows[1:], record.cash_transactions) == rows[0].total_pnl
    assert abs(rows[-1].portfolio_value - record.balances[-1].equity) <= CENT / 2
    assert sum(row.num_trades for row in rows) == len(record.executions)


@FEW
@given(scenarios())
def test_rows_from_a_date_on_are_those_of_the_whole(scenario: Scenario) -> None:
    record = run(scenario)
    middle = record.balances[len(record.balances) // 2].session_date
    assert rows_of(record, middle) == [row for row in rows_of(record) if row.session_date >= middle]


@FEW
@given(scenarios())
def test_realized_is_what_closed_trades_earned_less_the_day_s_charges(scenario: Scenario) -> None:
    """The other way to the same number: over the executions at average cost, not from the balances."""
    record, effective = run(scenario), domain_actions(scenario.corporate_actions)
    # A fraction or a delisted share that is paid for in cash is realized without an execution, and so is what a
    # return of capital pays beyond the cost.
    assume(all(row.cash_in_lieu is None for row in effective))
    assume(all(row.kind is not CorporateActionKind.DELISTING or row.amount is None for row in effective))
    assume(all(row.average_cost > 0 for row in record.positions))
    realized: dict[date, Decimal] = defaultdict(Decimal)
    for execution in record.executions:
        realized[execution.trade_date] -= execution.commission + execution.fees
    free = [replace(execution, commission=Decimal(0), fees=Decimal(0)) for execution in record.executions]
    for closed in closed_trades(free, effective):
        realized[closed.trade_date] += closed.pnl
    for row in rows_of(record):
        assert abs(row.realized_pnl - realized[row.session_date]) <= 2 * CENT


def test_accounts_side_by_side_have_the_rows_that_each_has_alone() -> None:
    bars = market("2012-01-03", {"X": ["10 10", "10 11", "12 12"]})
    first = trade(bars, ["BUY X 2012-01-03"], slippage_bps=Decimal(0), fees="none")
    second = trade(bars, ["BUY X 2012-01-04"], slippage_bps=Decimal(0), fees="none")
    first_rows: Rows = (first.balances, first.positions, first.executions, first.cash_transactions)
    second_rows: Rows = (second.balances, second.positions, second.executions, second.cash_transactions)
    both: list[list[Any]] = [
        [*(replace(row, account_id="OTHER") for row in theirs), *ours]
        for ours, theirs in zip(first_rows, second_rows, strict=True)
    ]
    rows = daily_pnl_by_account(*both, start=date(2012, 1, 4))
    account_id = first.balances[0].account_id
    assert rows == {
        account_id: rows_of(first, date(2012, 1, 4)),
        "OTHER": [replace(row, account_id="OTHER") for row in rows_of(second, date(2012, 1, 4))],
    }
    whole = [row for found in daily_pnl_by_account(*both).values() for row in found]
    assert unexplained_by_account(whole, both[3]) == {account_id: 0, "OTHER": 0}
