"""Daily P&L of ten years of five hundred symbols, and what a dashboard reads of an account: CPU seconds and waits.

The anchor of the same run is the brute force that a person would write: pandas over every position of every session.
"""

import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from tickledger.bars.calendars import sessions
from tickledger.db.account_series import read_account_series
from tickledger.db.accounts import ensure_account
from tickledger.db.connect import LEDGER
from tickledger.db.embedded import ensure_databases, serve
from tickledger.db.engine import create_ledger_engine
from tickledger.db.migrate import upgrade
from tickledger.db.reports import replace_reports_of_accounts
from tickledger.domain.account import Account, Mode
from tickledger.domain.execution import CashKind, CashTransaction, Execution
from tickledger.domain.order import OrderSide
from tickledger.domain.position import Balance
from tickledger.reporting.pnl import DailyPnl, daily_pnl_from
from tickledger.reporting.pnl_breakdown import GROUPINGS, breakdown
from tickledger.reporting.pnl_columns import AccountHistory, PositionColumns, notional_units, of_units
from tickledger.reporting.pnl_contributions import ContributionColumns, contributions
from tickledger.reporting.pnl_origins import Origin
from tickledger.reporting.roll_forward import RollForward, roll_forwards

#: CPU seconds for the daily P&L with every breakdown; milliseconds for one account's series.
PNL_LIMIT = 5.0
SERIES_LIMIT = 100.0
SYMBOLS = 500
EXECUTIONS = 50_000
FIRST, LAST = date(2014, 1, 2), date(2023, 12, 29)


def ten_years(
    *, symbols: int = SYMBOLS, executions: int = EXECUTIONS, first: date = FIRST, last: date = LAST
) -> tuple[AccountHistory, dict[str, Origin]]:
    """A seeded account of three strategies with a model a year, each with a third of `symbols`, held at most closes."""
    rng = np.random.default_rng(11)
    days = list(sessions(first, last))
    count = len(days)
    prices = np.round(50 * np.exp(np.cumsum(rng.normal(0.0002, 0.015, (count, symbols)), axis=0)), 2)
    closes = (np.maximum(prices, 1) * 1_000_000).round().astype(np.int64)
    names = tuple(f"S{number:03d}" for number in range(symbols))
    day = np.sort(rng.integers(0, count, executions))
    day[: min(symbols, executions)] = 0
    symbol = np.concatenate(
        (np.arange(min(symbols, executions)), rng.integers(0, symbols, max(executions - symbols, 0)))
    )
    held, cost = np.zeros(symbols, dtype=np.int64), [Decimal(0)] * symbols
    states = np.zeros((count, symbols), dtype=np.int64)
    gains = np.zeros((count, symbols), dtype=np.int64)
    average = np.zeros(symbols, dtype=np.float64)
    fills, origins, cash = [], {}, Decimal(1_000_000_000)
    balances, cursor = [], 0
    for place, on in enumerate(days):
        while cursor < executions and day[cursor] == place:
            which = int(symbol[cursor])
            sells = held[which] > 0 and place > 0 and rng.random() < 0.5
            shares = int(rng.integers(1, 500))
            if sells:
                shares = int(held[which]) if rng.random() < 0.5 else int(rng.integers(1, held[which] + 1))
            price = of_units(int(closes[place, which]))
            fill = _fill(
                cursor, names[which], OrderSide.SELL if sells else OrderSide.BUY, shares=shares, price=price, on=on
            )
            if sells:
                held[which] -= shares
            else:
                cost[which] = (cost[which] * int(held[which]) + price * shares) / int(held[which] + shares)
                cost[which] = cost[which].quantize(Decimal("0.00000001"))
                held[which] += shares
            average[which] = float(cost[which])
            cash -= fill.side.sign * fill.quantity * price + fill.commission
            fills.append(fill)
            origins[fill.order_id] = Origin(("alpha", "beta", "gamma")[which % 3], f"model_{on.year}")
            cursor += 1
        states[place] = held
        value = held * closes[place]
        gains[place] = value - np.round(held * average * 1_000_000).astype(np.int64)
        balances.append(Balance("U1", on, cash, cash + of_units(int(value.sum()))))
    rows, columns = np.nonzero(states)
    positions = PositionColumns(
        symbols=names,
        session_date=np.array(days, dtype="datetime64[D]")[rows],
        symbol=columns,
        quantity=states[rows, columns] * 1_000_000,
        close=closes[rows, columns],
        open_gain=gains[rows, columns],
    )
    deposit = CashTransaction("cash_0", "U1", CashKind.DEPOSIT, Decimal(1_000_000_000), days[0])
    return AccountHistory("U1", balances, positions, fills, [deposit]), origins


def _fill(number: int, symbol: str, side: OrderSide, *, shares: int, price: Decimal, on: date) -> Execution:
    at = datetime(on.year, on.month, on.day, 15, tzinfo=UTC) + timedelta(microseconds=number)
    quantity, charge = Decimal(shares), Decimal("1.00")
    return Execution(f"exec_{number}", f"ord_{number}", "U1", symbol, side, quantity, price, charge, Decimal(0), at, on)


def cpu_of(work: Callable[[], object], repeats: int = 3) -> float:
    """CPU seconds of this process: the median of several runs."""
    found = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return median(found)


def whole_pnl(history: AccountHistory, origins: dict[str, Origin], sectors: dict[str, str]) -> ContributionColumns:
    """Daily rows, contributions, every breakdown and the roll-forwards."""
    rows = daily_pnl_from(history.balances, history.open_gains(), history.executions, history.cash_transactions)
    columns = contributions(history, rows, origins, sectors)
    for grouping in GROUPINGS.values():
        breakdown(columns, grouping)
    roll_forwards(history)
    return columns


def brute_force(history: AccountHistory) -> "pd.Series[float]":
    """P&L by symbol and session the plain way, in floats: values, shifts and sums of frames by group; no lineage."""
    positions = history.positions
    frame = pd.DataFrame(
        {
            "day": positions.session_date,
            "symbol": np.array(positions.symbols, dtype=object)[positions.symbol],
            "value": notional_units(positions.quantity, positions.close) / 1e6,
        }
    )
    fills = pd.DataFrame(
        [
            (
                np.datetime64(fill.trade_date),
                fill.symbol,
                float(-fill.side.sign * fill.quantity * fill.price - fill.commission),
            )
            for fill in history.executions
        ],
        columns=["day", "symbol", "cash"],
    )
    values = frame.pivot_table(index="day", columns="symbol", values="value", aggfunc="sum").fillna(0)
    cash = (
        fills.pivot_table(index="day", columns="symbol", values="cash", aggfunc="sum").reindex(values.index).fillna(0)
    )
    return (values.diff().fillna(values) + cash).melt(ignore_index=False)["value"]


def milliseconds_of_series(engine: Engine) -> float:
    """Waits for the series of an account of five years that traded `EXECUTIONS` times, at a median of twenty reads."""
    history, _ = ten_years(symbols=50, first=date(2019, 1, 2))
    account = Account(history.account_id, Mode.SIMULATED)
    ensure_account(engine, account)
    rows = daily_pnl_from(history.balances, history.open_gains(), history.executions, history.cash_transactions)
    for kind, values in ((DailyPnl, rows), (RollForward, roll_forwards(history))):
        replace_reports_of_accounts(engine, kind, [account], values, start=FIRST, end=LAST)
    waits = []
    for _ in range(20):
        start = time.perf_counter()
        read_account_series(engine, account.account_id)
        waits.append(time.perf_counter() - start)
    return median(waits) * 1_000


def table_of_pnl(engine: Engine) -> Table:
    """The figures; `engine` is of a ledger to which an account may be written."""
    history, origins = ten_years()
    sectors = {name: f"sector {place % 11}" for place, name in enumerate(history.positions.symbols)}
    table = Table("what", "measured", "limit", title="P&L and performance")
    spent = cpu_of(lambda: whole_pnl(history, origins, sectors))
    plain = cpu_of(lambda: brute_force(history))
    rows = len(history.positions.quantity)
    name = (
        f"daily P&L, {len(history.balances):,} sessions × {SYMBOLS} symbols ({rows:,} positions, {EXECUTIONS:,} fills)"
    )
    table.add_row(f"{name}, four breakdowns, roll-forwards", f"{spent:.2f} s CPU", f"{PNL_LIMIT:.0f} s CPU")
    table.add_row("pandas: P&L by symbol alone, floats", f"{plain:.2f} s CPU, × {spent / plain:.1f}", "anchor")
    waited = milliseconds_of_series(engine)
    table.add_row("NAV, drawdown, exposure, P&L to date of five years", f"{waited:.1f} ms", f"{SERIES_LIMIT:.0f} ms")
    return table


def main() -> None:
    """Measure and print, on a server of its own."""
    folder = Path(tempfile.mkdtemp(prefix="tickledger-pnl-"))
    folder.chmod(0o711)
    try:
        with serve(folder / "home") as server:
            ensure_databases(server, [LEDGER])
            engine = create_ledger_engine(server.url(LEDGER))
            upgrade(engine)
            Console(width=150).print(table_of_pnl(engine))
            engine.dispose()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
