"""Bars and corporate actions from files: `.csv`, `.csv.gz` and `.parquet`, in the columns FORMATS names.

A reader is total. A file that cannot be used at all raises InputError; any other defect costs exactly the row it
is in, which becomes a `Reject`, and every good row is returned. Frames are indexed by ``row``, the line of the file
counting the header as line 1.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import pyarrow as pa

from tickledger.bars.cells import instants, numbers, ratios, texts
from tickledger.bars.corporate_actions import OPTIONAL_NUMBERS, check_corporate_actions
from tickledger.bars.quality import PRICES, ROW, Calendar, Rule, as_mask, check_bars
from tickledger.bars.reject import Reject
from tickledger.bars.tables import Table, read_table
from tickledger.bars.text_cells import is_blank
from tickledger.domain.errors import Problem

_BAR_COLUMNS: Final = ("symbol", "timestamp", *PRICES, "volume")
_ACTION_COLUMNS: Final = ("symbol", "ex_date", "kind", "ratio", "amount")
_OPTIONAL_ACTION_COLUMNS: Final = ("new_symbol", *OPTIONAL_NUMBERS)
_NUMBER_COLUMNS: Final = ("ratio", "amount", *OPTIONAL_NUMBERS)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file held: its good rows, a reject for each of the others, and what a person should know besides."""

    frame: pd.DataFrame
    rejects: list[Reject]
    warnings: list[Problem]


def read_bars_file(path: Path) -> tuple[pd.DataFrame, list[Reject]]:
    """The good bars of a file of raw bars and the rejects, whatever the bars' interval; see `load_bars`."""
    loaded = load_bars(path)
    return loaded.frame, loaded.rejects


def read_corporate_actions_file(path: Path) -> tuple[pd.DataFrame, list[Reject]]:
    """The good rows of a file of corporate actions and the rejects; see `load_corporate_actions`."""
    loaded = load_corporate_actions(path)
    return loaded.frame, loaded.rejects


def load_bars(path: Path, *, interval: str | None = None, calendar: Calendar | None = None) -> Loaded:
    """Raw bars: `symbol`, `timestamp` (datetime64[us, UTC]), `open high low close` (USD), `volume` (int64).

    `interval` and `calendar` make the reader judge dates as well (see `check_bars`); without them it does not.
    Raises InputError where the file cannot be read or lacks a column.
    """
    table = read_table(path, required=_BAR_COLUMNS)
    frame = pd.DataFrame(
        {
            "symbol": texts(table.columns["symbol"]),
            "timestamp": instants(table.columns["timestamp"]),
            **{column: numbers(table.columns[column]) for column in (*PRICES, "volume")},
        }
    ).set_index(_lines(table))
    good, rejects = check_bars(frame, where=table.where, interval=interval, calendar=calendar, record_of=table.record)
    return _loaded(table, good.astype({"volume": np.int64}), rejects)


def load_corporate_actions(path: Path) -> Loaded:
    """Corporate actions: `symbol`, `ex_date` (naive midnight), `kind`, `ratio`, `amount` and the optional columns.

    The columns are those of FORMATS; a number that the file leaves out is NaN, and so is a `new_symbol`.
    Raises InputError where the file cannot be read or lacks a column.
    """
    table = read_table(path, required=_ACTION_COLUMNS, optional=_OPTIONAL_ACTION_COLUMNS)
    cells = {column: table.columns.get(column, _absent(table)) for column in _ACTION_CELLS}
    values = {column: read(cells[column]) for column, read in _ACTION_CELLS.items()}
    frame = pd.DataFrame(values).set_index(_lines(table))
    good, rejects = check_corporate_actions(
        frame,
        where=table.where,
        record_of=lambda position: dict.fromkeys(_ACTION_CELLS, "") | table.record(position),
        form_rules=[_is_number(column, cells=cells[column], values=frame[column]) for column in _NUMBER_COLUMNS],
    )
    return _loaded(table, good, rejects)


def _is_number(column: str, *, cells: pa.Array, values: pd.Series) -> Rule:
    """A cell may be left out, but what stands there must be a number."""
    unreadable = values.isna() & ~is_blank(cells)
    return Rule(column, "a number, or nothing", lambda frame: as_mask(unreadable[frame.index]))


def _ex_dates(cells: pa.Array) -> pd.Series:
    dates: pd.Series = instants(cells).dt.tz_localize(None)
    return dates


def _new_symbols(cells: pa.Array) -> pd.Series:
    symbols = texts(cells)
    return symbols.where(symbols != "")


def _absent(table: Table) -> pa.Array:
    return pa.nulls(len(table.rows), pa.string())


def _lines(table: Table) -> pd.Index:
    return pd.Index(table.rows, name=ROW)


def _loaded(table: Table, good: pd.DataFrame, rejects: Sequence[Reject]) -> Loaded:
    in_order = sorted([*table.rejects, *rejects], key=lambda reject: reject.problem.row or 0)
    return Loaded(frame=good, rejects=in_order, warnings=list(table.warnings))


#: How each column of corporate actions is read.
_ACTION_CELLS: Final[Mapping[str, Callable[[pa.Array], Any]]] = {
    "symbol": texts,
    "ex_date": _ex_dates,
    "kind": lambda cells: texts(cells).str.lower(),
    "ratio": ratios,
    "amount": numbers,
    "new_symbol": _new_symbols,
    **dict.fromkeys(OPTIONAL_NUMBERS, numbers),
}
