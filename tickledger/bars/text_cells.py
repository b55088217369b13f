"""Cells as text, a column at a time: what every reader of tables needs before it knows what a column means.

Arrow alone is imported here; `tickledger.bars.cells` turns the texts into numbers and instants.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc


def is_blank(cells: pa.Array) -> npt.NDArray[np.bool_]:
    """Which cells are missing or hold nothing but blanks."""
    blank = pc.equal(pc.binary_length(trimmed(cells)), 0) if is_text(cells) else pc.is_null(cells)
    mask: npt.NDArray[np.bool_] = blank.to_numpy(zero_copy_only=False)
    return mask


def text_at(cells: pa.Array, position: int) -> str:
    """The cell at `position` as a person would write it; the empty text where it is missing."""
    value = cells[position].as_py()
    if value is None:
        return ""
    return str(value.isoformat() if hasattr(value, "isoformat") else value).strip()


def whole(column: pa.ChunkedArray) -> pa.Array:
    """The column in one piece, with dictionary codes replaced by what they stand for."""
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    combined = column.combine_chunks()
    return combined.combine_chunks() if isinstance(combined, pa.ChunkedArray) else combined


def is_text(cells: pa.Array) -> bool:
    """Whether the cells came as text."""
    kind = cells.type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def trimmed(cells: pa.Array) -> pa.Array:
    """The cells as text without surrounding blanks; a missing cell is the empty text."""
    if not is_text(cells):
        return pa.array([text_at(cells, i) for i in range(len(cells))], pa.string())
    return pc.fill_null(pc.utf8_trim_whitespace(pc.cast(cells, pa.string())), "")
