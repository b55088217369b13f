"""Profit and loss by day, economic (average cost), not tax.

    total = portfolio value − previous portfolio value − deposits + withdrawals
    total = realized + unrealized + dividends

Each column is the day's own: `unrealized` is how much the open positions' gain changed, so every column adds up
over any days, and Σ total is the change of equity less what the owner brought. `realized` is what the other two
leave of the total: by the rules of average cost that is the gain of the shares sold, less the day's commissions
and fees on purchases and sales, plus interest and what corporate actions realized.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from tickledger.backtest.daily_results import EXTERNAL_FLOWS
from tickledger.domain.execution import CashKind, CashTransaction, Execution
from tickledger.domain.money import round_cents
from tickledger.domain.position import Balance, Position


@dataclass(frozen=True, slots=True)
class DailyPnl:
    """One session of one account, USD in whole cents; see the module for how the columns hang together.

    `portfolio_value` is the equity at the close and `cash_balance` the cash in it; `num_trades` counts executions.
    """

    account_id: str
    session_date: date
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    dividends: Decimal
    total_pnl: Decimal
    portfolio_value: Decimal
    cash_balance: Decimal
    num_trades: int


@dataclass(frozen=True, slots=True)
class _Close:
    """One close in whole cents: equity, cash, and the open gain of all positions."""

    session_date: date
    equity: Decimal
    cash: Decimal
    open_gain: Decimal


def daily_pnl(
    balances: Sequence[Balance],
    positions: Iterable[Position],
    executions: Iterable[Execution],
    cash_transactions: Iterable[CashTransaction],
    *,
    start: date | None = None,
) -> list[DailyPnl]:
    """A row for every balance from `start` on; the rows given are one account's whole history, in any order.

    Money is rounded once, to the cent, as it stands at each close: differences of rounded values then add up
    without a cent being lost, and `realized_pnl` takes what rounding leaves.
    """
    open_gains: dict[date, Decimal] = defaultdict(Decimal)
    for position in positions:
        open_gains[position.session_date] += position.unrealized_pnl
    return daily_pnl_from(balances, open_gains, executions, cash_transactions, start=start)


def daily_pnl_from(
    balances: Sequence[Balance],
    open_gains: Mapping[date, Decimal],
    executions: Iterable[Execution],
    cash_transactions: Iterable[CashTransaction],
    *,
    start: date | None = None,
) -> list[DailyPnl]:
    """As `daily_pnl`, from the open gain of all positions at each close, USD, instead of the positions."""
    if not balances:
        return []
    account_id = balances[0].account_id
    closes = [_Close(date.min, Decimal(0), Decimal(0), Decimal(0)), *_closes(balances, open_gains)]
    trades = Counter(execution.trade_date for execution in executions)
    flows, dividends = _cash_by_date(cash_transactions)
    return [
        _row(account_id, before, close, flow=flows[day], dividends=dividends[day], num_trades=trades[day])
        for before, close in pairwise(closes)
        if (day := close.session_date) >= (start or date.min)
    ]


def _closes(balances: Sequence[Balance], open_gains: Mapping[date, Decimal]) -> list[_Close]:
    nothing = Decimal(0)
    return [
        _Close(row.session_date, *map(round_cents, (row.equity, row.cash, open_gains.get(row.session_date, nothing))))
        for row in sorted(balances, key=lambda row: row.session_date)
    ]


def _cash_by_date(transactions: Iterable[CashTransaction]) -> tuple[dict[date, Decimal], dict[date, Decimal]]:
    """The owner's flows and the dividends of each date."""
    flows: dict[date, Decimal] = defaultdict(Decimal)
    dividends: dict[date, Decimal] = defaultdict(Decimal)
    for transaction in transactions:
        if transaction.kind in EXTERNAL_FLOWS:
            flows[transaction.session_date] += transaction.amount
        elif transaction.kind is CashKind.DIVIDEND:
            dividends[transaction.session_date] += transaction.amount
    return flows, dividends


def _row(
    account_id: str, before: _Close, close: _Close, *, flow: Decimal, dividends: Decimal, num_trades: int
) -> DailyPnl:
    total = close.equity - before.equity - flow
    unrealized = close.open_gain - before.open_gain
    return DailyPnl(
        account_id=account_id,
        session_date=close.session_date,
        realized_pnl=total - unrealized - dividends,
        unrealized_pnl=unrealized,
        dividends=dividends,
        total_pnl=total,
        portfolio_value=close.equity,
        cash_balance=close.cash,
        num_trades=num_trades,
    )


def daily_pnl_by_account(
    balances: Iterable[Balance],
    positions: Iterable[Position],
    executions: Iterable[Execution],
    cash_transactions: Iterable[CashTransaction],
    *,
    start: date | None = None,
) -> dict[str, list[DailyPnl]]:
    """`daily_pnl` of every account that has a balance, by account; the rows are those of all accounts, in any order."""
    by_account = [_by_account(rows) for rows in (balances, positions, executions, cash_transactions)]
    of_balances, of_positions, of_executions, of_cash = by_account
    return {
        account_id: daily_pnl(
            of_balances[account_id],
            of_positions[account_id],
            of_executions[account_id],
            of_cash[account_id],
            start=start,
        )
        for account_id in sorted(of_balances)
    }


def unexplained_by_account(
    rows: Iterable[DailyPnl], cash_transactions: Iterable[CashTransaction]
) -> dict[str, Decimal]:
    """`unexplained_equity` of every account of `rows`, by account."""
    of_rows, of_cash = _by_account(rows), _by_account(cash_transactions)
    return {account_id: unexplained_equity(of_rows[account_id], of_cash[account_id]) for account_id in sorted(of_rows)}


def _by_account(rows: Iterable[Any]) -> defaultdict[str, list[Any]]:
    grouped: defaultdict[str, list[Any]] = defaultdict(list)
    for row in rows:
        grouped[row.account_id].append(row)
    return grouped


def unexplained_equity(rows: Sequence[DailyPnl], cash_transactions: Iterable[CashTransaction]) -> Decimal:
    """What equity has that the owner's flows and the daily totals do not add up to, USD: zero where all is told.

    `rows` are an account's daily P&L from its first session to the last, `cash_transactions` all of its own.
    """
    if not rows:
        return Decimal(0)
    last = rows[-1].session_date
    flows = sum(
        (row.amount for row in cash_transactions if row.kind in EXTERNAL_FLOWS and row.session_date <= last), Decimal(0)
    )
    return rows[-1].portfolio_value - flows - sum((row.total_pnl for row in rows), Decimal(0))
