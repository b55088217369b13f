"""How each strategy of each account has done, by calendar year and to date, and the account as such beside them.

A strategy's daily return is what it contributed to the account's P&L (`pnl_contributions`) over the account's value
at the start of the session, the owner's flow included: strategies share the account's money, and so their returns of
a session add up to its. The row `(account)` is the account: everything that it earned. The ratios are those of
`backtest.metrics`.

A closing execution belongs to the strategy that ordered it, and earned what it did at the account's average cost.
Shares are held from the execution that bought (or sold short) first, first in, first out, in calendar days, splits
counted; a symbol that turns into another takes its days along.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tickledger.backtest.closed_trades import ClosedTrade, closed_trades
from tickledger.backtest.metrics import (
    PERIODS_PER_YEAR,
    annual_return,
    annual_volatility,
    calmar_ratio,
    max_drawdown,
    sharpe_ratio,
    sortino_ratio,
    total_return,
)
from tickledger.backtest.performance import StrategyPerformance, win_rate
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind, in_order
from tickledger.domain.execution import Execution
from tickledger.reporting.attribution import Floats
from tickledger.reporting.pnl_columns import CENT_UNITS, MILLION, AccountHistory, Integers, of_cents
from tickledger.reporting.pnl_contributions import ContributionColumns, gross_by_strategy
from tickledger.reporting.pnl_origins import ACCOUNT, GROUPS, Origin, origin_of
from tickledger.reporting.returns import daily_returns
from tickledger.reporting.table import Table

#: The name of the row that is the account itself.
WHOLE: Final = ACCOUNT.strategy
#: Groups of `pnl_origins` that no trading is due to.
_NO_STRATEGY: Final = frozenset(group.strategy for group in GROUPS[1:])


@dataclass(frozen=True, slots=True)
class _Account:
    """All sessions of an account: what they started with and were worth, USD, and its trades with their strategies."""

    history: AccountHistory
    base: Floats
    equity: Floats
    trades: Sequence[ClosedTrade]
    strategy_of: Mapping[str, str]
    held_days: Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class _Trader:
    """One strategy of it, or all: P&L in cents and gross exposure in USD by session, and whose executions count."""

    name: str
    cents: Integers
    gross: Floats


def strategy_performances(
    history: AccountHistory,
    columns: ContributionColumns,
    origins: Mapping[str, Origin],
    signal_counts: Mapping[tuple[str, date], int],
) -> list[StrategyPerformance]:
    """A row for each strategy that traded or earned, and one for the account: for each calendar year, and to date.

    `columns` are the account's contributions from its first session on, `origins` is by order id, `signal_counts` by
    strategy and session.
    """
    returns = daily_returns(history.balances, history.cash_transactions)
    base = np.array([float(row.opening + row.flow) for row in returns])
    strategy_of = {fill.execution_id: origin_of(fill, origins).strategy for fill in history.executions}
    account = _Account(
        history=history,
        base=np.where(base > 0, base, np.nan),
        equity=np.array([float(row.closing) for row in returns]),
        trades=closed_trades(history.executions, history.corporate_actions),
        strategy_of=strategy_of,
        held_days=held_days(history.executions, history.corporate_actions),
    )
    rows = [
        _performance(account, trader, span, signal_counts)
        for trader in _traders(account, columns, gross_by_strategy(history, origins))
        for span in _spans(history.session_dates.tolist())
    ]
    return list(dict.fromkeys(rows))


def _spans(dates: Sequence[date]) -> list[tuple[int, int]]:
    """The first place of each year and that after its last, then those of all."""
    years = [day.year for day in dates]
    firsts = [place for place, year in enumerate(years) if place == 0 or years[place - 1] != year]
    return [*zip(firsts, [*firsts[1:], len(dates)], strict=True), (0, len(dates))]


def _traders(account: _Account, columns: ContributionColumns, gross: Mapping[str, Floats]) -> list[_Trader]:
    strategies = [part.origin.strategy for part in columns.parts]
    nothing = np.zeros(len(account.base))
    traders = [_Trader(WHOLE, _cents(columns, np.ones(len(strategies), dtype=bool)), sum(gross.values(), nothing))]
    for name in sorted({*strategies, *account.strategy_of.values()} - _NO_STRATEGY - {WHOLE}):
        is_mine = np.array([strategy == name for strategy in strategies], dtype=bool)
        traders.append(_Trader(name, _cents(columns, is_mine), gross.get(name, nothing)))
    return traders


def _cents(columns: ContributionColumns, is_mine: NDArray[np.bool_]) -> Integers:
    """P&L by session of the parts that are wanted."""
    cents = np.zeros(len(columns.session_dates), dtype=np.int64)
    rows = is_mine[columns.part] if len(is_mine) else np.zeros(0, dtype=bool)
    np.add.at(cents, columns.day[rows], columns.total_pnl[rows])
    return cents


def _performance(
    account: _Account, trader: _Trader, span: tuple[int, int], signal_counts: Mapping[tuple[str, date], int]
) -> StrategyPerformance:
    dates: list[date] = account.history.session_dates[slice(*span)].tolist()
    start, end = dates[0], dates[-1]
    within, cents = slice(*span), trader.cents[slice(*span)]
    gross, equity = trader.gross[within], account.equity[within]
    returns = cents * CENT_UNITS / MILLION / account.base[within]
    fills = [
        fill for fill in account.history.executions if start <= fill.trade_date <= end and _is(account, trader, fill)
    ]
    ids = {fill.execution_id for fill in fills}
    trades = [trade for trade in account.trades if trade.execution_id in ids]
    traded = set(account.strategy_of.values())
    return StrategyPerformance(
        account_id=account.history.account_id,
        strategy=trader.name,
        start_date=start,
        session_date=end,
        num_signals=sum(
            count
            for (strategy, day), count in signal_counts.items()
            if start <= day <= end and strategy in traded and trader.name in (WHOLE, strategy)
        ),
        num_trades=len(fills),
        pnl=of_cents(int(cents.sum())),
        win_rate=win_rate(trades),
        total_return=total_return(returns),
        annual_return=annual_return(returns),
        annual_volatility=annual_volatility(returns),
        sharpe_ratio=sharpe_ratio(returns),
        sortino_ratio=sortino_ratio(returns),
        max_drawdown=max_drawdown(returns),
        calmar_ratio=calmar_ratio(returns),
        profit_factor=profit_factor(trades),
        turnover=_turnover(fills, equity),
        exposure=_mean(gross, equity),
        average_holding_days=_average([account.held_days[each] for each in ids if each in account.held_days]),
    )


def _is(account: _Account, trader: _Trader, fill: Execution) -> bool:
    return trader.name in (WHOLE, account.strategy_of[fill.execution_id])


def profit_factor(trades: Sequence[ClosedTrade]) -> float | None:
    """What winning trades earned over what the others lost; None where none lost."""
    won = sum((trade.pnl for trade in trades if trade.pnl > 0), Decimal(0))
    lost = -sum((trade.pnl for trade in trades if trade.pnl < 0), Decimal(0))
    return float(won / lost) if lost else None


def _turnover(fills: Sequence[Execution], equity: Floats) -> float | None:
    """The lesser of what was bought and sold over the average equity, for a year."""
    mean = float(equity.mean())
    sums = (sum(fill.quantity * fill.price for fill in fills if fill.side.sign == sign) for sign in (1, -1))
    return float(min(sums)) / mean * PERIODS_PER_YEAR / len(equity) if mean > 0 else None


def _mean(gross: Floats, equity: Floats) -> float | None:
    """The mean of gross exposure over equity, of the sessions that end with any equity."""
    is_in = equity > 0
    return float((gross[is_in] / equity[is_in]).mean()) if is_in.any() else None


def _average(held: Sequence[tuple[float, float]]) -> float | None:
    """Days a share, of pairs of shares × days and shares."""
    shares = sum(each for _, each in held)
    return sum(days for days, _ in held) / shares if shares else None


def held_days(
    executions: Iterable[Execution], corporate_actions: Iterable[CorporateAction] = ()
) -> dict[str, tuple[float, float]]:
    """For each execution that closed shares: shares × calendar days they were held, first in, first out, and shares."""
    waiting, found = deque(in_order(corporate_actions)), {}
    held: dict[str, deque[tuple[float, date]]] = {}
    for fill in sorted(executions, key=lambda each: (each.executed_at, each.execution_id)):
        while waiting and waiting[0].ex_date <= fill.trade_date:
            _change(held, waiting.popleft())
        left, days, shares = fill.side.sign * float(fill.quantity), 0.0, 0.0
        lots = held.setdefault(fill.symbol, deque())
        while lots and left * lots[0][0] < 0 and abs(left) > _NO_SHARES:
            quantity, opened = lots.popleft()
            taken = min(abs(quantity), abs(left))
            days += taken * (fill.trade_date - opened).days
            shares += taken
            left += taken if left < 0 else -taken
            rest = quantity - taken if quantity > 0 else quantity + taken
            if abs(rest) > _NO_SHARES:
                lots.appendleft((rest, opened))
        if abs(left) > _NO_SHARES:
            lots.append((left, fill.trade_date))
        if shares:
            found[fill.execution_id] = (days, shares)
    return found


_NO_SHARES: Final = 1e-7
_REPLACED: Final = frozenset({CorporateActionKind.TICKER_CHANGE, CorporateActionKind.MERGER})


def _change(held: dict[str, deque[tuple[float, date]]], action: CorporateAction) -> None:
    """Let shares become others with the days they had; a fraction that was paid for is not told apart."""
    lots = held.get(action.symbol)
    if not lots:
        return
    ratio = 1.0 if action.ratio is None else float(action.ratio)
    changed = deque((quantity * ratio, opened) for quantity, opened in lots)
    if action.kind is CorporateActionKind.SPLIT:
        held[action.symbol] = changed
    elif action.kind is CorporateActionKind.SPINOFF and action.new_symbol:
        held.setdefault(action.new_symbol, deque()).extend(changed)
    elif action.kind in _REPLACED:
        held.pop(action.symbol)
        if action.new_symbol:
            held.setdefault(action.new_symbol, deque()).extend(changed)


def performance_table(rows: Iterable[StrategyPerformance]) -> Table:
    """strategy_performance.csv: the fields of `StrategyPerformance`, fractions to ten places."""
    names = [field.name for field in fields(StrategyPerformance)]
    cells = [
        {name: f"{cell:.10f}" if isinstance(cell, float) else cell for name, cell in asdict(row).items()}
        for row in rows
    ]
    return Table(columns=names, rows=cells)
