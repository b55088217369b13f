"""Reconciliation: 100,000 executions beside a statement of the same size, whole and in the forms that have no ids.

Processor seconds and the peak of memory of a process of its own stand beside their limits.
"""

import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rich.console import Console
from rich.table import Table

from tests.performance.statements import bare, flex_file, our_fill, pieces, read
from tickledger.domain.execution import Execution
from tickledger.domain.order import OrderSide
from tickledger.reconciliation.breaks import Comparison, Subject
from tickledger.reconciliation.comparison import compare_with_statement
from tickledger.reconciliation.joining import joined
from tickledger.reconciliation.ledger_view import LedgerView
from tickledger.reconciliation.statement import ExecutionLevel, Statement, StatementExecution, StatementPosition
from tickledger.reconciliation.statement_cash import CashBalance
from tickledger.reconciliation.statements.flex import read_flex

MANY: Final = 100_000
CPU_LIMIT: Final = 5.0
MEMORY_LIMIT_MB: Final = 1024
_START: Final = date(2024, 1, 2)
_MEGABYTE: Final = 1024
#: A thousandth of the rows differs: each of these is looked at for what explains it.
_WRONG: Final = 1_000


def history(count: int) -> list[Execution]:
    """Executions of 500 symbols over a year, in orders of up to three fills."""
    rng = random.Random(7)  # noqa: S311  reproducible on purpose
    rows = []
    for number in range(count):
        day = _START + timedelta(days=number * 365 // count)
        at = datetime(day.year, day.month, day.day, 14, 30, tzinfo=UTC) + timedelta(seconds=number % 20_000)
        rows.append(
            Execution(
                execution_id=f"0000e0d5.{number:08x}.01.01",
                order_id=f"order-{number // 3}",
                account_id="U1",
                symbol=f"S{(number // 3) % 500:03d}",
                side=OrderSide.SELL if (number // 3 // 500) % 2 else OrderSide.BUY,
                quantity=Decimal(rng.randint(1, 100)),
                price=Decimal(rng.randint(1000, 50_000)) / 100,
                commission=Decimal(rng.randint(3500, 9999)) / 10_000,
                fees=Decimal(0),
                executed_at=at,
                trade_date=day,
            )
        )
    return rows


def told(rows: list[Execution], *, has_ids: bool) -> Statement:
    """The statement of the same executions; every `_WRONG`th row has another price."""
    held: dict[str, Decimal] = {}
    for row in rows:
        held[row.symbol] = held.get(row.symbol, Decimal(0)) + row.side.sign * row.quantity
    executions = tuple(
        StatementExecution(
            symbol=row.symbol,
            side=row.side,
            quantity=row.quantity,
            price=row.price + (1 if number % _WRONG == 0 else 0),
            currency="USD",
            executed_on=row.trade_date,
            trade_date=row.trade_date,
            executed_at=row.executed_at,
            ib_exec_id=row.execution_id if has_ids else "",
            commission=row.commission,
            commission_currency="USD",
        )
        for number, row in enumerate(rows)
    )
    end = rows[-1].trade_date
    positions = tuple(
        StatementPosition(symbol=name, quantity=shares, currency="USD", as_of=end)
        for name, shares in held.items()
        if shares
    )
    wrong = sum((row.side.sign * row.quantity for row in rows[::_WRONG]), Decimal(0))
    cash = sum((-row.side.sign * row.quantity * row.price - row.commission for row in rows), Decimal(0)) - wrong
    balance = CashBalance(currency="USD", start_date=_START, end_date=end, ending=cash)
    return Statement(
        account_id="U1", base_currency="USD", start_date=_START, end_date=end, executions=executions,
        positions=positions, cash_balances=(balance,),
    )  # fmt: skip


def view_of(rows: list[Execution]) -> LedgerView:
    """Our record of them, from nothing on the day before."""
    before = _START - timedelta(days=1)
    return LedgerView(account_id="U1", executions=rows, holdings={before: {}}, cash={before: Decimal(0)})


def measured(name: str) -> None:
    """Compare once and print processor seconds, the peak of memory in MB, matches and breaks."""
    rows = history(MANY)
    view, statement = view_of(rows), CASES[name](rows)
    start = time.process_time()
    comparison: Comparison = compare_with_statement(view, statement)
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MEGABYTE
    agreed = comparison.matched[Subject.EXECUTION]
    print(f"{seconds} {peak} {agreed} {len(comparison.breaks)}")


def _merged(rows: list[Execution]) -> Statement:
    """A row for each order, without ids."""
    statement = told(rows, has_ids=False)
    orders: dict[str, list[StatementExecution]] = {}
    for ours, theirs in zip(rows, statement.executions, strict=True):
        orders.setdefault(f"{ours.order_id} {ours.trade_date}", []).append(theirs)
    summed = []
    for fills in orders.values():
        quantity = sum((fill.quantity for fill in fills), Decimal(0))
        amount = sum((fill.quantity * fill.price for fill in fills), Decimal(0))
        commission = sum((fill.commission or Decimal(0) for fill in fills), Decimal(0))
        summed.append(
            replace(
                fills[0], quantity=quantity, price=amount / quantity, commission=commission, level=ExecutionLevel.ORDER
            )
        )
    return replace(statement, executions=tuple(summed))


CASES: Final[dict[str, Callable[[list[Execution]], Statement]]] = {
    "by the broker's ids": lambda rows: told(rows, has_ids=True),
    "without ids, by figures": lambda rows: told(rows, has_ids=False),
    "orders' sums beside fills": _merged,
}


def table_of_reconciliation() -> Table:
    """The figures of every case, each in a process of its own."""
    table = Table(title=f"{MANY:,} executions beside a statement of the same size")
    for column in ("matched", "CPU s", "limit", "peak MB", "limit", "agree", "breaks"):
        table.add_column(column, justify="left" if column == "matched" else "right")
    for name in CASES:
        done = subprocess.run(
            [sys.executable, "-m", "tests.performance.reconciliation", name], capture_output=True, text=True, check=True
        )
        seconds, peak, agreed, breaks = done.stdout.split()
        figures = (f"{float(seconds):.2f}", f"{CPU_LIMIT:.0f}", f"{float(peak):.0f}", str(MEMORY_LIMIT_MB))
        table.add_row(name, *figures, agreed, breaks)
    return table


def _whole(path: Path) -> int:
    """Read a Flex file, join it and compare it with a ledger of the same fills; gives how many agree."""
    (statement,) = joined(read_flex(pieces(path), name=path.name).statements).statements
    return compare_with_statement(_LEDGER[0], statement).matched[Subject.EXECUTION]


#: The ledger beside a file: there before anything is measured.
_LEDGER: Final = list[LedgerView]()
_STEPS: Final[dict[str, Callable[[Path], int]]] = {"bare": bare, "read": read, "whole": _whole}


def measured_with_file(step: str, path: Path) -> None:
    """Do a step of the whole task once and print processor seconds, the peak of memory in MB and what it gave."""
    if step == "whole":
        _LEDGER.append(LedgerView(account_id="U1", executions=[our_fill(number) for number in range(MANY)]))
    start = time.process_time()
    gave = _STEPS[step](path)
    seconds = time.process_time() - start
    print(f"{seconds} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _MEGABYTE} {gave}")


def table_of_whole_reconciliation(folder: Path) -> Table:
    """From the file to the comparison, beside expat alone, of all attributes that IB offers and of those that are read.

    The least of three processes each: what other processes of the machine take comes on top.
    """
    table = Table(title=f"A Flex file of {MANY:,} executions, read, joined and compared with as many of the ledger")
    for column in ("attributes", "step", "CPU s", "limit", "peak MB", "limit", "x expat", "gives"):
        table.add_column(column, justify="left" if column in {"attributes", "step"} else "right")
    path = folder / "whole.xml"
    for title, only_read in (("all, as with Select All", False), ("those that are read", True)):
        flex_file(path, executions=MANY, only_read=only_read)
        size = f"{title}: {path.stat().st_size / _MEGABYTE**2:.0f} MB"
        best = _least_of(path)
        for step, (seconds, peak, gave) in best.items():
            limits = (f"{CPU_LIMIT:.0f}", str(MEMORY_LIMIT_MB)) if step == "whole" else ("", "")
            ratio = f"{seconds / best['bare'][0]:.2f}"
            table.add_row(size, step, f"{seconds:.2f}", limits[0], f"{peak:.0f}", limits[1], ratio, f"{gave:.0f}")
    path.unlink()
    return table


def _least_of(path: Path) -> dict[str, tuple[float, float, float]]:
    found: dict[str, list[tuple[float, float, float]]] = {step: [] for step in _STEPS}
    for _ in range(3):
        for step, runs in found.items():
            command = [sys.executable, "-m", "tests.performance.reconciliation", step, str(path)]
            seconds, peak, gave = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
            runs.append((float(seconds), float(peak), float(gave)))
    return {step: min(runs) for step, runs in found.items()}


if __name__ == "__main__":
    if sys.argv[2:]:
        measured_with_file(sys.argv[1], Path(sys.argv[2]))
    elif sys.argv[1:]:
        measured(sys.argv[1])
    else:
        Console(width=120).print(table_of_reconciliation())
        with TemporaryDirectory() as place:
            Console(width=120).print(table_of_whole_reconciliation(Path(place)))
