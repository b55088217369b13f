"""Rows in aligned columns, never folded: an address stays whole in a pipe and in a narrow window."""

from collections.abc import Sequence
from typing import Final

from rich.text import Text

_GAP: Final = "  "


def aligned(rows: Sequence[Sequence[str | Text]]) -> Text:
    """`rows`, all of the same length, as lines whose columns start below each other; the first row is the heading."""
    cells = [[cell if isinstance(cell, Text) else Text(cell) for cell in row] for row in rows]
    widths = [max(cell.cell_len for cell in column) for column in zip(*cells, strict=True)]
    for row in cells:
        for cell, width in zip(row[:-1], widths, strict=False):
            cell.pad_right(width - cell.cell_len)
    for heading in cells[0]:
        heading.stylize("bold")
    return Text("\n").join(Text(_GAP).join(row) for row in cells)
