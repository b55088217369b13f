"""The parser of CSV: rows of texts with their lines, whatever the content.

It is total: a quote that is never closed ends the row at the end of the file, and says so; empty lines are left out. A
mark of the byte order and any of the three ends of lines are taken.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

# One cell of a statement is never as long as this; a quote that is never closed may make one that is.
csv.field_size_limit(1 << 30)
_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class CsvRow:
    """The cells of a row that begins on line `row`, counted from 1; `is_torn` where its last quote is never closed."""

    row: int
    cells: list[str]
    is_torn: bool = False


def csv_text(content: bytes) -> str:
    """The text of a file: UTF-8, with or without a mark, or else what Windows writes."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def csv_rows(text: str) -> Iterator[CsvRow]:
    """The rows of a text."""
    plain = text.removeprefix(_MARK).replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    # Not `splitlines`, which ends lines at characters that a cell may hold.
    lines = list(io.StringIO(plain, newline="\n"))
    reader = csv.reader(lines)
    row = 1
    for cells in reader:
        last = reader.line_num
        if any(cell.strip() for cell in cells):
            is_torn = last == len(lines) and _is_torn(lines[row - 1 : last])
            yield CsvRow(row, cells, is_torn)
        row = last + 1


def _is_torn(lines: list[str]) -> bool:
    """A quote opens a cell and none closes it: their number is odd."""
    return "".join(lines).count('"') % 2 == 1
