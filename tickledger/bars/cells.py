"""Cells to values, a column at a time: numbers, instants and texts, with a gap where a cell is none.

A column comes as text from a CSV file and with a type from a Parquet file; both give the same values. What cannot
be read becomes NaN or NaT, for the rules of `tickledger.bars.quality` to find.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tickledger.bars.text_cells import is_text
from tickledger.bars.text_cells import trimmed as as_text

#: Decimal notation without separators. No "nan", no "inf", no hexadecimal, no fraction.
_NUMBER: Final = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?$"
_FRACTION: Final = r"^\d{1,9}/0*[1-9]\d{0,8}$"
_INSTANT: Final = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.]\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})?)?$"
#: The years that nanosecond clocks, which several libraries keep inside, can hold with room to spare.
_FIRST_YEAR: Final = 1900
_LAST_YEAR: Final = 2199


def texts(cells: pa.Array) -> pd.Series:
    """The cells as text without surrounding blanks; a missing cell is the empty text."""
    text: pd.Series = as_text(cells).to_pandas().astype("str")
    return text


def numbers(cells: pa.Array) -> npt.NDArray[np.float64]:
    """The cells as float64, exact to the last digit written; NaN where a cell is no number."""
    if is_text(cells):
        trimmed = as_text(cells)
        cells = pc.if_else(pc.match_substring_regex(trimmed, _NUMBER), trimmed, None)
    elif not (pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type) or pa.types.is_decimal(cells.type)):
        return np.full(len(cells), np.nan)
    values: npt.NDArray[np.float64] = pc.cast(cells, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return values


def ratios(cells: pa.Array) -> npt.NDArray[np.float64]:
    """As `numbers`, where a cell may also be a fraction such as 1/3."""
    values = numbers(cells)
    if not is_text(cells):
        return values
    trimmed = as_text(cells)
    is_fraction = pc.match_substring_regex(trimmed, _FRACTION).to_numpy(zero_copy_only=False)
    if not is_fraction.any():
        return values
    parts = [text.split("/") for text in trimmed.filter(pa.array(is_fraction)).to_pylist()]
    values = values.copy()
    values[is_fraction] = [int(above) / int(below) for above, below in parts]
    return values


def instants(cells: pa.Array) -> pd.Series:
    """The cells as ``datetime64[us, UTC]``; a time without an offset is UTC, a bare date its midnight.

    NaT where a cell is no ISO 8601 date or instant of the years 1900 to 2199.
    """
    if is_text(cells):
        trimmed = as_text(cells)
        readable = pc.if_else(pc.match_substring_regex(trimmed, _INSTANT), trimmed, None).to_pandas()
        stamps = pd.to_datetime(readable, format="ISO8601", utc=True, errors="coerce")
    elif pa.types.is_timestamp(cells.type) or pa.types.is_date(cells.type):
        microseconds = pc.cast(cells, pa.timestamp("us", getattr(cells.type, "tz", None)), safe=False)
        stamps = pd.Series(pd.to_datetime(microseconds.to_pandas(), utc=True))
    else:
        stamps = pd.Series(pd.NaT, index=range(len(cells)), dtype="datetime64[us, UTC]")
    stamps = stamps.dt.as_unit("us")
    kept: pd.Series = stamps.where(stamps.dt.year.between(_FIRST_YEAR, _LAST_YEAR))
    return kept
