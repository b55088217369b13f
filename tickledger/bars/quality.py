"""What makes a bar good: rules over whole frames, each of which turns bad rows into rejects and keeps the rest."""

from collections.abc import Mapping
from dataclasses import dataclass

from tickledger.domain.errors import Problem


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that was left out, why, and its cells as the source wrote them (column → text)."""

    problem: Problem
    record: Mapping[str, str]
