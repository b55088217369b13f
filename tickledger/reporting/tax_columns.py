"""gains.csv and the other tables as Arrow tables straight from the engine's columns, for histories of any length.

The columns and their formats are those of `tax_tables`, which makes the same tables from rows.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tickledger.reporting.tax_tables import (
    GAIN_COLUMNS,
    LOT_COLUMNS,
    WASH_SALE_COLUMNS,
    form_8949_columns,
    plain,
)
from tickledger.tax.cents import as_decimal
from tickledger.tax.column_values import Numbers, at, nearest_dollars, shares, years_of
from tickledger.tax.form_columns import FormColumns
from tickledger.tax.gains import marked
from tickledger.tax.kernel import columns as c
from tickledger.tax.result_columns import HouseholdColumns
from tickledger.tax.wash_sales import RULES

_FIRST_OF_1970: Final = 719163
_MONEY: Final = pa.decimal128(38, 2)
_WORD: Final = np.int64(63)
_MARKS: Final = 256
_DOLLAR_CENTS: Final = 100


def gains_columns(columns: HouseholdColumns) -> pa.Table:
    """gains.csv, in the order in which the gains happened."""
    book, position = columns.book, columns.gain_position
    disallowed = columns.of_gain(c.PIECE_DISALLOWED)
    made = (
        _ids(columns.gain_ids),
        _texts(columns.closing_texts, columns.closing),
        _texts(columns.opening_texts, columns.opening),
        _texts(book.account_ids, position),
        _texts(book.symbols, position),
        _shares(columns.of_gain(c.PIECE_UNITS), book.share_units),
        _dates(columns.acquired),
        _dates(columns.start),
        _dates(columns.sold),
        _money(columns.of_gain(c.PIECE_PROCEEDS)),
        _money(columns.of_gain(c.PIECE_BASIS)),
        _texts(("", "W"), (disallowed != 0).astype(np.int64, copy=False)),
        _money(disallowed),
        _money(columns.gain_loss),
        _texts(("S", "L"), columns.is_long_term.astype(np.int64, copy=False)),
        _money(columns.of_gain(c.PIECE_PERMANENT)),
        pa.array(years_of(columns.sold)),
        _dates(columns.open_until),
        _texts([";".join(marked(marks)) for marks in range(_MARKS)], columns.of_gain(c.PIECE_MARKS)),
    )
    return pa.table(dict(zip(GAIN_COLUMNS, made, strict=True)))


def lots_columns(columns: HouseholdColumns) -> pa.Table:
    """lots.csv: what is still open, in order."""
    held, book = columns.held, columns.book
    lots, position = columns.of_held(c.SUBLOT_LOT), columns.sublot_position[held]
    units = columns.of_held(c.SUBLOT_UNITS)
    original, adjusted = columns.held_basis
    made = (
        _ids(columns.lot_ids_of(held)),
        _texts(columns.opening_texts, columns.place_of(at(columns.lots, lots, c.LOT_FILL))),
        _texts(book.account_ids, position),
        _texts(book.symbols, position),
        _shares(np.where(position % 2 == 1, -units, units), book.share_units),
        _dates(at(columns.lots, lots, c.LOT_ACQUIRED)),
        _dates(columns.of_held(c.SUBLOT_START)),
        _money(original),
        _money(adjusted),
    )
    return pa.table(dict(zip(LOT_COLUMNS, made, strict=True)))


def form_8949_columns_of(
    form: FormColumns, *, in_whole_dollars: bool = False, watermark: str | None = None
) -> pa.Table:
    """form_8949.csv; the column of the watermark is there where there is one."""
    household, money = form.household, _dollars if in_whole_dollars else _money
    proceeds, basis, disallowed = form.proceeds, form.basis, form.disallowed
    if in_whole_dollars:
        proceeds, basis, disallowed = map(nearest_dollars, (proceeds, basis, disallowed))
    made = [
        _texts(form.boxes, form.box),
        _texts(*form.descriptions()),
        _dates(form.of_first(household.acquired)),
        _dates(form.of_first(household.sold)),
        money(proceeds),
        money(basis),
        _texts(("", "W"), form.is_coded),
        money(disallowed),
        money(proceeds - basis + disallowed),
        _texts(("false", "true"), form.is_direct),
        _joined(household.gain_ids[form.gains], form.offsets),
    ]
    if watermark is not None:
        made.append(_texts((watermark,), np.zeros(len(form), dtype=np.int64)))
    names = form_8949_columns(with_watermark=watermark is not None)
    return pa.table(dict(zip(names, made, strict=True)))


def wash_sales_columns(columns: HouseholdColumns) -> pa.Table:
    """wash_sales.csv, by gain, in the order in which the replacements were found."""
    rows = columns.wash_rows

    def of_wash(place: int) -> Numbers:
        return at(columns.washes, rows, place)

    is_sale = of_wash(c.WASH_RULE) == c.SHORT_SALE
    texts = [*columns.opening_texts, *columns.closing_texts]
    made = (
        _ids(columns.gain_ids[columns.wash_gain]),
        _texts(texts, columns.replacement + is_sale.astype(np.int64, copy=False) * len(columns.opening_texts)),
        _shares(of_wash(c.WASH_UNITS), columns.book.share_units),
        _money(of_wash(c.WASH_CENTS)),
        _texts(("false", "true"), of_wash(c.WASH_PERMANENT)),
        _texts(RULES, of_wash(c.WASH_RULE)),
    )
    return pa.table(dict(zip(WASH_SALE_COLUMNS, made, strict=True)))


def _ids(ids: npt.NDArray[np.bytes_]) -> pa.Array:
    """ASCII texts of one width."""
    return _strings(np.ascontiguousarray(ids).view(np.uint8), np.arange(len(ids) + 1) * ids.dtype.itemsize)


def _joined(ids: npt.NDArray[np.bytes_], offsets: Numbers) -> pa.Array:
    """The ids between one offset and the next, with semicolons between them; each row has one at least."""
    width = ids.dtype.itemsize + 1
    table = np.empty((len(ids), width), dtype=np.uint8)
    table[:, 0] = ord(";")
    table[:, 1:] = ids.view(np.uint8).reshape(len(ids), width - 1)
    is_kept = np.ones(table.shape, dtype=bool)
    is_kept[offsets[:-1], 0] = False
    return _strings(table[is_kept], offsets * width - np.arange(len(offsets)))


def _strings(data: npt.NDArray[Any], offsets: Numbers) -> pa.Array:
    starts = pa.py_buffer(offsets.astype(np.int64, copy=False))
    return pa.LargeStringArray.from_buffers(len(offsets) - 1, starts, pa.py_buffer(data))


def _texts(texts: Sequence[str], places: Numbers) -> pa.Array:
    return pa.array([text or None for text in texts], pa.string()).take(pa.array(places.astype(np.int64, copy=False)))


def _dates(ordinals: Numbers) -> pa.Array:
    """Dates; 0 is none."""
    days = pa.array((ordinals.astype(np.int64, copy=False) - _FIRST_OF_1970).astype(np.int32), mask=ordinals == 0)
    return days.cast(pa.date32())


def _money(cents: Numbers) -> pa.Array:
    """Cents as decimals, without a detour: a 128-bit number is two words, the upper one the sign of the lower."""
    if cents.dtype == object:
        return pa.array([as_decimal(amount) for amount in cents.tolist()], _MONEY)
    parts = np.empty((len(cents), 2), dtype=np.int64)
    parts[:, 0] = cents
    parts[:, 1] = cents >> _WORD
    return pa.Array.from_buffers(_MONEY, len(cents), [None, pa.py_buffer(parts)])


def _dollars(cents: Numbers) -> pa.Array:
    """Cents that are whole dollars, without the cents."""
    return pa.array((cents // _DOLLAR_CENTS).tolist(), pa.decimal128(38, 0))


def _shares(units: Numbers, share_units: int) -> pa.Array:
    """Shares as plain decimals; numbers of shares repeat."""
    found, places = np.unique(units, return_inverse=True)
    return _texts([plain(shares(number, share_units)) for number in found.tolist()], places)
