"""The parser of files of several tables: ``Section,Kind,cell,cell …``, as the activity statement of IB writes them.

A section may have a header of its own again for other columns (stocks, then forex); a row has the names of the last
header above it. Rows of kinds other than Data (SubTotal, Total, Notes, Footer …) are told under their kind.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tickledger.reconciliation.statements.csv_rows import csv_rows

HEADER: Final = "Header"
DATA: Final = "Data"
_BEFORE_CELLS: Final = 2


@dataclass(frozen=True, slots=True)
class SectionRow:
    """A row of a section: its kind, its cells under the names of the header, and what is odd about it.

    Cells beyond the header are under ``column 7`` and so on, counted from the first cell after the kind; those of a
    section without a header all are. `fault` is empty, or says that a row is shorter than its header or torn.
    """

    section: str
    kind: str
    cells: dict[str, str]
    row: int
    fault: str = ""


@dataclass(frozen=True, slots=True)
class SectionHeader:
    """A header: the columns of the rows that follow."""

    section: str
    columns: tuple[str, ...]
    row: int


def section_rows(text: str) -> Iterator[SectionRow | SectionHeader]:
    """The headers and rows of a file, in their order."""
    headers: dict[str, tuple[str, ...]] = {}
    for line in csv_rows(text):
        section, kind, *cells = [*line.cells, ""] if len(line.cells) < _BEFORE_CELLS else line.cells
        section, kind = section.strip(), kind.strip()
        if kind == HEADER:
            headers[section] = tuple(_distinct([cell.strip() for cell in cells]))
            yield SectionHeader(section, headers[section], line.row)
            continue
        columns = headers.get(section, ())
        fault = "" if not line.is_torn else "a quote that is never closed"
        if not fault and len(cells) < len(columns) and kind == DATA:
            fault = f"{len(cells)} cells under {len(columns)} columns"
        yield SectionRow(section, kind, _named(columns, cells), line.row, fault)


def _distinct(names: list[str]) -> Iterator[str]:
    """Names that occur twice, or are empty, get the number of their column."""
    seen = set[str]()
    for number, name in enumerate(names, 1):
        if not name or name in seen:
            yield f"{name} (column {number})" if name else f"column {number}"
        else:
            seen.add(name)
            yield name


def _named(columns: tuple[str, ...], cells: list[str]) -> dict[str, str]:
    named = dict(zip(columns, cells, strict=False))
    for number, cell in enumerate(cells[len(columns) :], len(columns) + 1):
        if cell.strip():
            named[f"column {number}"] = cell
    return named
