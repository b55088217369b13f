"""The tax engine: dense histories with wash sales through the command, and a million fills first in, first out.

Anchors of the same run: the same kernel interpreted, and a plain FIFO of decimals and dataclasses. The figures of
other programs are those that were measured on the same histories, once, on another day.
"""

import random
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.table import Table

from tickledger.cli.fills_file import read_fills
from tickledger.cli.tax_run import TaxFiles, Wishes, run_tax
from tickledger.domain.account import Account, AccountKind, Mode
from tickledger.tax import book_building
from tickledger.tax.book_building import Setting
from tickledger.tax.engine import compute, worked_through
from tickledger.tax.fill_columns import NUMBER_OF_SIDE, FillColumns
from tickledger.tax.fills import Fill, FillSide
from tickledger.tax.kernel import columns as c
from tickledger.tax.methods import MethodSchedule
from tickledger.tax.policies import Policies, SplitInWindow
from tickledger.tax.ratios import ratios_of
from tickledger.tax.sweep import History

#: CPU seconds that were measured on these histories: matched rows washed by adlr's calculator and by capital-gains.
OTHERS = {2_000: (1.05, 0.25), 10_000: (13.4, 2.95), 50_000: (136.0, 72.4)}
#: From here on the interpreted kernel takes minutes.
OTHERS_ARE_SLOW = 50_000
MANY = 1_000_000
HEADER = "execution_id,order_id,account,symbol,side,quantity,price,commission,executed_at\n"


def dense_history(fills: int, path: Path, *, seed: int = 5) -> None:
    """A seeded history in 20 symbols over two years, about half of it sales, often at a loss."""
    rng = random.Random(seed)  # noqa: S311  reproducible on purpose
    held = {f"SYM{number:02d}": 0 for number in range(20)}
    price = dict.fromkeys(held, 100.0)
    with path.open("w") as file:
        file.write(HEADER)
        for number in range(fills):
            symbol = rng.choice(list(held))
            price[symbol] = max(5.0, price[symbol] * (1 + rng.gauss(0, 0.01)))
            day = date(2023, 1, 2) + timedelta(days=(1 + number * 500 // fills) * 7 // 5)
            sells = held[symbol] > 0 and rng.random() < 0.5
            quantity = rng.randint(1, min(held[symbol], 100)) if sells else rng.randint(1, 100)
            held[symbol] += -quantity if sells else quantity
            side = "SELL" if sells else "BUY"
            name = f"E{number:07d},O{number:07d}"
            file.write(f"{name},U1,{symbol},{side},{quantity},{price[symbol]:.2f},1.00,{day}\n")


def read(path: Path) -> Sequence[Fill]:
    """The fills of such a history."""
    return read_fills(path, today=date(2026, 1, 1)).fills


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU seconds of this process, user and system."""
    start = time.process_time()
    work()
    return time.process_time() - start


def many_fills(count: int, *, symbols: int = 50) -> FillColumns:
    """Purchases and sales in turn that never sell what is not held, as columns."""
    rng = np.random.default_rng(5)
    symbol = rng.integers(0, symbols, count)
    units = rng.integers(1, 100, count)
    side = np.full(count, NUMBER_OF_SIDE[FillSide.BUY])
    for number in range(symbols):
        of_symbol = np.flatnonzero(symbol == number)
        # Every second fill sells what the one before it bought, at most.
        sales, before = of_symbol[1::2], of_symbol[: len(of_symbol[1::2]) * 2 : 2]
        side[sales] = NUMBER_OF_SIDE[FillSide.SELL]
        units[sales] = np.minimum(units[sales], units[before])
    cents = rng.integers(1_000, 20_000, count)
    dates = date(2015, 1, 2).toordinal() + np.arange(count) * 2_500 // count
    return FillColumns(
        execution_ids=[f"E{number:07d}" for number in range(count)],
        accounts=["U1"],
        symbols=[f"S{number:02d}" for number in range(symbols)],
        account=np.zeros(count, dtype=np.int64),  # type: ignore[arg-type]  # arrays are columns
        symbol=symbol,  # type: ignore[arg-type]
        side=side,  # type: ignore[arg-type]
        units=units,  # type: ignore[arg-type]
        net=units * cents * 10**7,  # type: ignore[arg-type]
        date=dates,  # type: ignore[arg-type]
        order=np.arange(count),  # type: ignore[arg-type]
        orders=count,
    )


def full_records(columns: FillColumns, *, has_wash_sales: bool, has_ids: bool) -> int:
    """Work the fills through and make what a record of a gain says, and the ids of the record where wished for."""
    setting = Setting(
        accounts={"U1": Account("U1", Mode.LIVE, AccountKind.TAXABLE)},
        policies=Policies(),
        methods=MethodSchedule(),
        identity={},
        left_out=(),
        opening_lots=(),
        ratios=ratios_of((), identity={}, underlyings={}),
        asset_classes={},
        has_wash_sales=has_wash_sales,
    )
    _, result = worked_through(History(columns, (), SplitInWindow.SPLIT_ADJUSTED), setting)
    made: list[Any] = [result.opening, result.closing, result.acquired, result.sold, result.is_long_term]
    made += [result.of_gain(place) for place in (c.PIECE_UNITS, c.PIECE_PROCEEDS, c.PIECE_BASIS)]
    made += [result.gain_loss, result.start, *([result.gain_ids] if has_ids else [])]
    return len(made[0])


@dataclass(frozen=True)
class PlainGain:
    """What the plain FIFO records."""

    opened: str
    closed: str
    quantity: Decimal
    proceeds: Decimal
    basis: Decimal
    acquired: date
    sold: date


def plain_fifo(columns: FillColumns) -> int:
    """First in, first out with decimals and dataclasses, no wash sales: what a straightforward program does."""
    lots: dict[int, deque[list[Any]]] = defaultdict(deque)
    gains: list[PlainGain] = []
    sell = NUMBER_OF_SIDE[FillSide.SELL]
    table = zip(
        columns.execution_ids, columns.symbol, columns.side, columns.units, columns.net, columns.date, strict=True
    )
    for name, symbol, side, units, net, day in table:
        quantity, amount, on = Decimal(int(units)), Decimal(int(net)) / 10**9, date.fromordinal(int(day))
        if side != sell:
            lots[int(symbol)].append([name, quantity, amount / quantity, on])
            continue
        left, price = quantity, amount / quantity
        while left:
            lot = lots[int(symbol)][0]
            taken = min(left, lot[1])
            gains.append(PlainGain(lot[0], name, taken, taken * price, taken * lot[2], lot[3], on))
            lot[1] -= taken
            left -= taken
            if not lot[1]:
                lots[int(symbol)].popleft()
    return len(gains)


def full_command(path: Path, out: Path) -> None:
    """What ``tickledger tax`` does once it runs: read, compute, check, write all files."""
    with redirect_stdout(StringIO()):
        run_tax(TaxFiles(path), Wishes(tax_year=2023), out=out, as_json=True)


def table_of_tax(folder: Path) -> Table:
    """The figures as a table, measured now, in the process that asks for them."""
    warm(folder)
    title = "Tax engine: CPU seconds of reading, computing, checking and writing all files"
    caption = "adlr and capital-gains: ratios to what was measured once, on another day; all else in this run"
    names = ("history", "gains", "CPU s", "µs a gain", "limit", "interpreted", "adlr", "capital-gains")
    table = Table(*names, title=title, caption=caption)
    for count, limit in ((2_000, ""), (10_000, "0.3 s"), (50_000, "3 s")):
        path, out = folder / f"dense_{count}.csv", folder / f"out_{count}"
        dense_history(count, path)
        spent = min(cpu_seconds(partial(full_command, path, out)) for _ in range(3))
        fills = read(path)
        gains = sum(len(columns.gain_pieces) for columns in compute(fills).households)
        slow = f"{interpreted(fills) / spent:.0f}×" if count < OTHERS_ARE_SLOW else ""
        others = [f"{seconds / spent:.0f}×" for seconds in OTHERS[count]]
        table.add_row(
            f"{count:,} fills", f"{gains:,}", f"{spent:.2f}", f"{spent / gains * 1e6:.1f}", limit, slow, *others
        )
    columns = many_fills(MANY)
    plain = cpu_seconds(lambda: plain_fifo(columns))
    for has_ids, what in ((False, "full records"), (True, "and ids that hash all they say")):
        work = partial(full_records, columns, has_wash_sales=False, has_ids=has_ids)
        spent = min(cpu_seconds(work) for _ in range(3))
        row = (f"{spent:.2f}", "", "1 M fills a CPU s", f"plain FIFO {plain / spent:.1f}×", "", "")
        table.add_row(f"{MANY:,} fills, FIFO, {what}", "", *row)
    return table


def warm(folder: Path) -> None:
    """Load the libraries and the machine code, which a figure for each history should not count."""
    path = folder / "warm.csv"
    dense_history(book_building.WORTH_COMPILING, path)
    full_command(path, folder / "warm")


def interpreted(fills: Sequence[Fill]) -> float:
    """CPU seconds of the interpreted kernel."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(book_building, "WORTH_COMPILING", 10**9)
        return cpu_seconds(lambda: compute(fills))
