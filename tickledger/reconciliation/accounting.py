"""What became of everything in a file: each section, element and column is read, or left aside for a reason.

Nothing of a statement disappears silently. A place that no reader knows is counted under its own name, so that a
section which a broker adds next year is seen in the table and not lost.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Fate(StrEnum):
    """What was done with a place of a file."""

    READ = "read"
    IGNORED = "ignored"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Accounted:
    """How often a place was met and what became of it.

    `place` is a path in the file's own words: ``Trades/Trade``, ``Trades/Trade@quantity``, ``Open Positions: Code``.
    `reason` says why it was ignored; what was refused has a Problem for each row.
    """

    place: str
    fate: Fate
    count: int
    reason: str = ""


@dataclass(slots=True)
class Tally:
    """Counts places while a file is read."""

    counts: Counter[tuple[str, Fate, str]] = field(default_factory=Counter)

    def add(self, place: str, fate: Fate, reason: str = "", *, count: int = 1) -> None:
        """Count `place`; the same place may meet several fates."""
        self.counts[place, fate, reason] += count

    def table(self) -> tuple[Accounted, ...]:
        """All places in the order of their names."""
        return tuple(
            Accounted(place, fate, count, reason) for (place, fate, reason), count in sorted(self.counts.items())
        )


def summed(tables: Iterable[Sequence[Accounted]]) -> tuple[Accounted, ...]:
    """Several tables as one."""
    tally = Tally()
    for line in (line for table in tables for line in table):
        tally.add(line.place, line.fate, line.reason, count=line.count)
    return tally.table()


def totals(table: Iterable[Accounted]) -> dict[Fate, int]:
    """How many places met each fate, each place counted once however often it occurs."""
    found = Counter(line.fate for line in table)
    return {fate: found[fate] for fate in Fate}
