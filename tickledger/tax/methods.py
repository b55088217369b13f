"""Which lot a sale closes: first in, first out unless identified (Reg. 1.1012-1(c)).

LIFO, HIFO, minimum and maximum gain are standing instructions to the broker, so the method in force on the
trade date decides and is never chosen again. `tickledger.tax.kernel.methods` has a function for each method, from a
position to the sublot that it closes next.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from tickledger.tax.kernel import columns as c


class Method(StrEnum):
    """How lots are chosen where the sale does not name them."""

    FIFO = "fifo"
    LIFO = "lifo"
    HIFO = "hifo"
    MINGAIN = "mingain"
    MAXGAIN = "maxgain"
    SPECIFIC = "specific"


@dataclass(frozen=True, slots=True)
class MethodSchedule:
    """The method of each account by date; `default` where an account says nothing for a date.

    `changes` maps an account to ``(from_date, method)`` pairs.
    """

    default: Method = Method.FIFO
    changes: Mapping[str, Sequence[tuple[date, Method]]] = field(default_factory=dict)

    def on(self, account_id: str, trade_date: date) -> Method:
        """The method in force in `account_id` on `trade_date`."""
        return self.on_ordinal(account_id, trade_date.toordinal())

    def on_ordinal(self, account_id: str, day: int) -> Method:
        """The same, of a date as an ordinal."""
        changes = self.changes.get(account_id)
        if not changes:
            return self.default
        ordered = sorted(changes, key=lambda change: change[0])
        index = bisect_right(ordered, day, key=lambda change: change[0].toordinal())
        return ordered[index - 1][1] if index else self.default

    def used(self, account_ids: Iterable[str]) -> dict[str, frozenset[Method]]:
        """Every method that is in force in an account at some time."""
        return {
            account_id: frozenset({self.default, *(method for _, method in self.changes.get(account_id, ()))})
            for account_id in account_ids
        }


#: What the kernel does under each method; specific identification that names no lots is first in, first out.
KERNEL_METHOD: Final[Mapping[Method, int]] = {
    Method.FIFO: c.FIRST_IN,
    Method.LIFO: c.LAST_IN,
    Method.HIFO: c.HIGHEST_COST,
    Method.MINGAIN: c.MINIMUM_GAIN,
    Method.MAXGAIN: c.MAXIMUM_GAIN,
    Method.SPECIFIC: c.FIRST_IN,
}
