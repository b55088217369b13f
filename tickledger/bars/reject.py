"""A row that cannot be used, with what is wrong with it."""

from collections.abc import Mapping
from dataclasses import dataclass

from tickledger.domain.errors import Problem

#: The cells of a row as text, by column.
Record = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was left out, why, and its cells as the source wrote them (column → text)."""

    problem: Problem
    record: Record
