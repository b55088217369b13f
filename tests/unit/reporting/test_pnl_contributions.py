"""Contributions to daily P&L: worked by hand, against a brute force in pandas, and that every grouping adds up."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.strategies import Scenario, scenarios
from tests.trading import trade
from tickledger.bars.corporate_actions import domain_actions
from tickledger.domain.corporate_action import CorporateAction
from tickledger.domain.session_record import SessionRecord
from tickledger.reporting.pnl import DailyPnl, daily_pnl
from tickledger.reporting.pnl_breakdown import breakdown, by_model, by_sector, by_strategy, by_symbol
from tickledger.reporting.pnl_columns import AccountHistory, PositionColumns
from tickledger.reporting.pnl_contributions import contributions
from tickledger.reporting.pnl_origins import Origin

#: Without shrinking, which replays whole scenarios for minutes.
FEW = settings(
    max_examples=60,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
)
A1, A2, B = Origin("alpha", "model_1"), Origin("alpha", "model_2"), Origin("beta")
ORIGINS = (A1, A2, B, None)
AMOUNTS = ("realized_pnl", "unrealized_pnl", "dividends", "total_pnl")
SECTORS = {"A": "Energy", "B": "Energy", "N": "Tech", "X": "Tech", "Y": "Energy"}


def history_of(record: SessionRecord, corporate_actions: Sequence[CorporateAction] = ()) -> AccountHistory:
    return AccountHistory(
        record.balances[0].account_id,
        record.balances,
        PositionColumns.of(record.positions),
        record.executions,
        record.cash_transactions,
        corporate_actions,
    )


def rows_of(record: SessionRecord, start: date | None = None) -> list[DailyPnl]:
    return daily_pnl(record.balances, record.positions, record.executions, record.cash_transactions, start=start)


def run(scenario: Scenario) -> SessionRecord:
    return trade(scenario.bars, scenario.signals, corporate_actions=scenario.corporate_actions, **scenario.settings)


def assigned(draw: st.DataObject, record: SessionRecord) -> dict[str, Origin]:
    """An origin for each order, none for those that count as by hand."""
    orders = sorted({execution.order_id for execution in record.executions})
    drawn = {order_id: draw.draw(st.sampled_from(ORIGINS)) for order_id in orders}
    return {order_id: origin for order_id, origin in drawn.items() if origin is not None}


@FEW
@given(scenarios(), st.data())
def test_every_breakdown_adds_up_to_the_account_in_every_column_to_the_cent(
    scenario: Scenario, data: st.DataObject
) -> None:
    record = run(scenario)
    rows, origins = rows_of(record), assigned(data, record)
    columns = contributions(history_of(record, domain_actions(scenario.corporate_actions)), rows, origins, SECTORS)
    for grouping in (by_symbol, by_strategy, by_sector, by_model):
        sums: dict[date, list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 4)
        for row in breakdown(columns, grouping).rows():
            sums[row.session_date] = [
                a + b for a, b in zip(sums[row.session_date], (getattr(row, name) for name in AMOUNTS), strict=True)
            ]
        for account_row in rows:
            assert sums[account_row.session_date] == [getattr(account_row, name) for name in AMOUNTS]
    # A simulated account is explained whole: only rounding may be left.
    assert {row.strategy for row in columns.rows()} <= {"alpha", "beta", "(by hand)", "(pooled cost)", "(rounding)"}
