"""Rows of a file, cell by cell: each defect becomes a Problem that names file, row, column, expected and found.

What belongs here: reading text into values for the commands that work on files alone. What a table's columns mean
is said where they are read.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from tickledger.domain.errors import Problem

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

Value = TypeVar("Value")
Choice = TypeVar("Choice", bound=StrEnum)

_DECIMAL: Final = re.compile(r"[+-]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})([eE][+-]?\d{1,2})?")
_FRACTION: Final = re.compile(r"(\d{1,15})/(\d{1,15})")


@dataclass(slots=True)
class FileRow:
    """One row of a file.

    Reading a defective cell adds to `problems` and gives the value named `otherwise`, so that all defects of a
    row are found; what is made of a row with problems is thrown away.
    """

    where: str
    row: int
    cells: dict[str, str]
    problems: list[Problem] = field(default_factory=list)

    def text(self, column: str) -> str:
        """The cell, empty where the file does not have the column."""
        return self.cells.get(column, "")

    def read(self, column: str, parse: Callable[[str], Value], *, expected: str, otherwise: Value) -> Value:
        """The cell as `parse` understands it; an empty cell is a defect too."""
        text = self.cells.get(column, "")
        try:
            return parse(text)
        except (ValueError, ArithmeticError):
            self.complain(column, expected=expected, found=repr(text) if text else "an empty cell")
            return otherwise

    def read_optional(self, column: str, parse: Callable[[str], Value], *, expected: str) -> Value | None:
        """As `read`, where an empty cell is simply None."""

        def parsed(text: str) -> Value | None:
            return parse(text) if text else None

        return self.read(column, parsed, expected=expected, otherwise=None)

    def choice(self, column: str, choices: type[Choice], *, otherwise: Choice, note: str = "") -> Choice:
        """The cell as one of the values of an enumeration."""
        return self.read(column, choices, expected=f"one of {', '.join(choices)}{note}", otherwise=otherwise)

    def complain(self, column: str, *, expected: str, found: str) -> None:
        """Note a defect of this row."""
        self.problems.append(Problem(self.where, expected, found, row=self.row, column=column))


@dataclass(frozen=True)
class FileRows:
    """The rows of a file, and what is wrong with the file beyond single cells.

    `columns` has the texts under `names`, required columns first; `lines` where in the file each row stands.
    """

    where: str
    names: Sequence[str]
    columns: Sequence["pa.Array"]
    lines: "npt.NDArray[np.int64]"
    problems: tuple[Problem, ...]

    @cached_property
    def cells(self) -> Sequence[Sequence[str]]:
        """The texts of each row."""
        return list(zip(*(column.to_pylist() for column in self.columns), strict=True))

    def row(self, number: int) -> FileRow:
        """One row, to be read cell by cell."""
        return FileRow(self.where, int(self.lines[number]), dict(zip(self.names, self.cells[number], strict=True)))

    def __len__(self) -> int:
        return len(self.lines)

    def __iter__(self) -> Iterator[FileRow]:
        return (self.row(number) for number in range(len(self)))


def read_rows(path: Path, *, required: Sequence[str], optional: Sequence[str] = ()) -> FileRows:
    """The rows of a `.csv`, `.csv.gz` or `.parquet` file; raises InputError where it cannot be used at all."""
    # pyarrow, which reads all three, is slow to import.
    from tickledger.bars.tables import read_table
    from tickledger.bars.text_cells import trimmed

    table = read_table(path, required=required, optional=optional)
    names = [name for name in (*required, *optional) if name in table.columns]
    return FileRows(
        table.where,
        names,
        [trimmed(table.columns[name]) for name in names],
        table.rows,
        (*table.warnings, *(reject.problem for reject in table.rejects)),
    )


def a_text(text: str) -> str:
    """Any text but an empty one."""
    if not text:
        raise ValueError("empty")
    return text


def a_decimal(text: str) -> Decimal:
    """A finite number in decimal notation."""
    if not _DECIMAL.fullmatch(text):
        raise ValueError(text)
    return Decimal(text)


def above_zero(text: str) -> Decimal:
    """A decimal above zero."""
    value = a_decimal(text)
    if value <= 0:
        raise ValueError(text)
    return value


def not_negative(text: str) -> Decimal:
    """A decimal that is zero or more."""
    value = a_decimal(text)
    if value < 0:
        raise ValueError(text)
    return value


def a_ratio(text: str) -> Fraction:
    """A ratio above zero: a decimal, or a fraction such as 1/3."""
    match = _FRACTION.fullmatch(text)
    ratio = Fraction(int(match[1]), int(match[2])) if match else Fraction(a_decimal(text))
    if ratio <= 0:
        raise ValueError(text)
    return ratio


def a_date(text: str) -> date:
    """A date as ISO 8601 writes it; a Parquet timestamp at midnight is one as well."""
    return date.fromisoformat(text.removesuffix("T00:00:00"))
