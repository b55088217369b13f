"""A table as it is written to a file: its columns in order, and rows that have a cell for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """`rows` map each of `columns` to a cell that is already in the form in which it is to be written."""

    columns: Sequence[str]
    rows: Sequence[Mapping[str, object]]
