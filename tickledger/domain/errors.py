"""Errors as data, and the few exceptions that stop a command.

    TickledgerError
    ├── InputError           a file or a row that cannot be used; carries its Problems
    ├── ConfigurationError   a setting that is missing, wrong or unreachable
    ├── LedgerError          the record contradicts itself (an invariant does not hold)
    ├── OrderError           an order that may not be in the state it is asked to enter
    ├── BrokerUnavailableError  the broker did not answer, or not completely
    ├── CacheUnavailableError   the Redis that others' values are read from did not answer
    └── FencedError          this process may not trade any more: another has taken its place

Domain functions return ``(results, problems)``; a `Problem` names where it is, what was expected and what
was found, so that one bad row never costs the good ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with the data, told so that a person can mend it.

    `row` is the line of the file counting the header as line 1, or None where the whole file is meant.
    """

    where: str
    expected: str
    found: str
    row: int | None = None
    column: str | None = None
    severity: Severity = "error"

    def __str__(self) -> str:
        place = self.where
        if self.row is not None:
            place += f", row {self.row}"
        if self.column is not None:
            place += f", column {self.column}"
        return f"{self.severity}: {place}: expected {self.expected}, found {self.found}"


class TickledgerError(Exception):
    """The root of every exception this package raises on purpose."""


class InputError(TickledgerError):
    """A file or a set of rows that cannot be used; `problems` says why, row by row."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ConfigurationError(TickledgerError):
    """A setting that is missing, wrong, or names something that cannot be reached."""


class LedgerError(TickledgerError):
    """The record contradicts itself: an invariant that must always hold does not."""


class OrderError(TickledgerError):
    """An order was asked to enter a state that it cannot enter from the one it is in."""


class BrokerUnavailableError(TickledgerError):
    """The broker did not answer, or not completely: nothing may be inferred from what it did not say."""


class CacheUnavailableError(TickledgerError):
    """The cache did not answer: what it holds is not known now. Nothing that trades depends on it."""


class FencedError(TickledgerError):
    """This process may not send orders any more: another has taken its place, or its lease has run out."""
