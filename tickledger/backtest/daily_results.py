"""What each session earned: the change of equity that the owner's deposits and withdrawals do not explain."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Final

from tickledger.domain.execution import CashKind, CashTransaction
from tickledger.domain.position import Balance

#: Cash that the owner brings or takes: not a result.
EXTERNAL_FLOWS: Final = frozenset({CashKind.DEPOSIT, CashKind.WITHDRAWAL})


@dataclass(frozen=True, slots=True)
class DailyResult:
    """One session: pnl = equity − previous equity − flow, USD; Σ pnl is the change of equity less the flows.

    `daily_return` is the pnl over the equity the session started with, flow included (it comes before the
    open); NaN where that is nothing.
    """

    session_date: date
    equity: Decimal
    flow: Decimal
    pnl: Decimal
    daily_return: float


def daily_results(balances: Sequence[Balance], cash_transactions: Iterable[CashTransaction]) -> list[DailyResult]:
    """The results of an account whose balances, from its first session on, are `balances`, by session."""
    if not balances:
        return []
    flows: dict[date, Decimal] = defaultdict(Decimal)
    for transaction in cash_transactions:
        if transaction.kind in EXTERNAL_FLOWS:
            flows[transaction.session_date] += transaction.amount
    rows = sorted(balances, key=lambda row: row.session_date)
    before = Balance(rows[0].account_id, date.min, Decimal(0), Decimal(0))
    return [_result(previous, row, flows[row.session_date]) for previous, row in pairwise((before, *rows))]


def _result(previous: Balance, row: Balance, flow: Decimal) -> DailyResult:
    base = previous.equity + flow
    pnl = row.equity - base
    return DailyResult(row.session_date, row.equity, flow, pnl, float(pnl / base) if base else float("nan"))
