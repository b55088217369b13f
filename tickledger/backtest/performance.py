"""How a strategy has done on an account over a period: one row, from what the sessions recorded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pandas as pd

from tickledger.backtest.closed_trades import ClosedTrade, closed_trades
from tickledger.backtest.daily_results import daily_results
from tickledger.backtest.metrics import (
    annual_return,
    annual_volatility,
    calmar_ratio,
    max_drawdown,
    sharpe_ratio,
    sortino_ratio,
    total_return,
)
from tickledger.domain.corporate_action import CorporateAction
from tickledger.domain.execution import CashTransaction, Execution
from tickledger.domain.position import Balance
from tickledger.domain.signal import Signal


@dataclass(frozen=True, slots=True)
class StrategyPerformance:
    """A strategy on an account from `start_date` to `session_date`, both sessions.

    `pnl` is USD after all charges, dividends included. Ratios and returns are fractions by the formulas of
    `backtest.metrics`; None where undefined. `num_trades` counts executions, `win_rate` is the part of the
    executions closing shares that earned money, `profit_factor` what these earned over what the others lost. `turnover`
    is the lesser of what was bought and sold over the average equity, for a year; `exposure` the average gross value of
    positions over equity; `average_holding_days` calendar days that a share sold was held, first in, first out.
    """

    account_id: str
    strategy: str
    start_date: date
    session_date: date
    num_signals: int
    num_trades: int
    pnl: Decimal
    win_rate: float | None
    total_return: float | None
    annual_return: float | None
    annual_volatility: float | None
    sharpe_ratio: float | None
    sortino_ratio: float | None
    max_drawdown: float | None
    calmar_ratio: float | None
    profit_factor: float | None = None
    turnover: float | None = None
    exposure: float | None = None
    average_holding_days: float | None = None


def performance(
    *,
    strategy: str,
    balances: Sequence[Balance],
    executions: Sequence[Execution],
    cash_transactions: Sequence[CashTransaction],
    signals: Iterable[Signal],
    corporate_actions: Iterable[CorporateAction] = (),
    start: date | None = None,
    end: date | None = None,
) -> StrategyPerformance | None:
    """The performance of `strategy` on the account of `balances`, whose whole history the rows are.

    `start` and `end` choose the period that is judged; what lies before it is needed for average costs and for
    the equity it starts from. None where no session lies in the period.
    """
    start, end = start or date.min, end or date.max
    results = [row for row in daily_results(balances, cash_transactions) if start <= row.session_date <= end]
    if not results:
        return None
    trades = [row for row in closed_trades(executions, corporate_actions) if start <= row.trade_date <= end]
    returns = pd.Series([row.daily_return for row in results], dtype="float64")
    return StrategyPerformance(
        account_id=balances[0].account_id,
        strategy=strategy,
        start_date=results[0].session_date,
        session_date=results[-1].session_date,
        num_signals=sum(1 for row in signals if row.strategy == strategy and start <= row.session_date <= end),
        num_trades=sum(1 for row in executions if start <= row.trade_date <= end),
        pnl=sum((row.pnl for row in results), Decimal(0)),
        win_rate=win_rate(trades),
        total_return=total_return(returns),
        annual_return=annual_return(returns),
        annual_volatility=annual_volatility(returns),
        sharpe_ratio=sharpe_ratio(returns),
        sortino_ratio=sortino_ratio(returns),
        max_drawdown=max_drawdown(returns),
        calmar_ratio=calmar_ratio(returns),
    )


def yearly_performance(
    years: Iterable[int],
    *,
    strategy: str,
    balances: Sequence[Balance],
    executions: Sequence[Execution],
    cash_transactions: Sequence[CashTransaction],
    signals: Sequence[Signal],
    corporate_actions: Sequence[CorporateAction] = (),
) -> list[StrategyPerformance]:
    """One `performance` for each of `years` that has a session, so that a row does not depend on how years are run."""
    rows = (
        performance(
            strategy=strategy,
            balances=balances,
            executions=executions,
            cash_transactions=cash_transactions,
            signals=signals,
            corporate_actions=corporate_actions,
            start=date(year, 1, 1),
            end=date(year, 12, 31),
        )
        for year in years
    )
    return [row for row in rows if row is not None]


def win_rate(trades: Sequence[ClosedTrade]) -> float | None:
    """The part of closed trades that earned money; None without any."""
    return sum(1 for trade in trades if trade.pnl > 0) / len(trades) if trades else None
