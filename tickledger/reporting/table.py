"""A table as it is written to a file: its columns in order, and rows that have a cell for each."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """`rows` map each of `columns` to a cell that is already in the form in which it is to be written."""

    columns: Sequence[str]
    rows: Sequence[Mapping[str, object]]

    def as_csv(self) -> str:
        """The table as CSV with a header row; raises ValueError for a row with other cells than columns."""
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return text.getvalue()
