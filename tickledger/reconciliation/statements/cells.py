"""One row of a statement, read cell by cell: each defect becomes a Problem with file, row, column, expected and found.

A defect in a cell that a row cannot do without refuses the row (`RefusedRowError`); any other leaves the cell unknown
and the row in use.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final, NoReturn, TypeVar

from tickledger.domain.errors import Problem, Severity
from tickledger.reconciliation.statements.numbers import a_number
from tickledger.reconciliation.statements.place import Place
from tickledger.reconciliation.statements.times import Moment, moment_of

Value = TypeVar("Value")

#: What brokers write where there is nothing to write.
NOTHING: Final = frozenset({"", "--", "-", "N/A", "n/a"})
#: Longer texts are something, and need not be looked for.
_LONGEST_NOTHING: Final = 3
A_NUMBER: Final = "a number"
A_DATE: Final = "a date"


class RefusedRowError(Exception):
    """A row that cannot be used; its Problems are noted."""


@dataclass(slots=True)
class Cells:
    """The cells of one row under their names; `problems` collects what is wrong with them.

    `section` is named in Problems where a file has several tables.
    """

    place: Place
    row: int
    values: Mapping[str, str]
    problems: list[Problem]
    section: str = ""

    def text(self, name: str) -> str:
        """The cell without blanks around it, empty where the file writes nothing."""
        found = self.values.get(name, "")
        if len(found) <= _LONGEST_NOTHING and found in NOTHING:
            return ""
        text = found.strip()
        return "" if text is not found and text in NOTHING else text

    def texts(self, *names: str) -> list[str]:
        """As `text`, of many cells at once, for rows by the hundred thousand."""
        values = self.values
        return [
            "" if len(found := values.get(name, "")) <= _LONGEST_NOTHING and found in NOTHING else found.strip()
            for name in names
        ]

    def needed_text(self, name: str, expected: str) -> str:
        """As `text`; without it the row is refused."""
        text = self.text(name)
        if not text:
            self.refuse(name, expected, self.values.get(name, ""))
        return text

    def number(self, name: str) -> Decimal | None:
        """The cell as a number."""
        text = self.values.get(name, "")
        if text in NOTHING:
            return None
        try:
            return a_number(text)
        except (ValueError, ArithmeticError):
            if text.strip():
                self._noted(name, A_NUMBER, text)
            return None

    def needed_number(self, name: str) -> Decimal:
        """As `number`; without it the row is refused."""
        text = self.values.get(name, "")
        try:
            return a_number(text)
        except (ValueError, ArithmeticError):
            self.refuse(name, A_NUMBER, text)

    def cost(self, name: str) -> Decimal | None:
        """An amount that the file writes negative where it is paid, as a positive cost."""
        amount = self.number(name)
        return None if amount is None else 0 - amount

    def moment(self, name: str) -> Moment | None:
        """The cell as a date, with the instant where there is a time; doubts about it are noted."""
        text = self.text(name)
        if not text:
            return None
        try:
            found = self.place.moments(text)
        except ValueError:
            self._noted(name, A_DATE, text)
            return None
        return self._settled(name, found) if found.doubt else found

    def moment_of(self, day: str, clock: str) -> Moment | None:
        """As `moment`, of a date and a time in cells of their own."""
        text, hours = self.text(day), self.text(clock)
        if not text or not hours:
            return self.moment(day)
        try:
            return self._settled(day, moment_of(text, hours, self.place.terms))
        except ValueError:
            self.note(clock, "a time", hours)
            return self.moment(day)

    def _settled(self, name: str, found: Moment) -> Moment:
        if found.doubt:
            self.note(name, "a time that is one instant", found.doubt, severity="warning")
        return found

    def day(self, name: str) -> date | None:
        """The date in a cell."""
        found = self.moment(name)
        return None if found is None else found.on

    def at(self, name: str) -> datetime | None:
        """The instant in a cell."""
        found = self.moment(name)
        return None if found is None else found.at

    def needed_day(self, *names: str) -> date:
        """The date in the first of the cells that has one; without any the row is refused."""
        for name in names:
            found = self.moment(name)
            if found is not None:
                return found.on
        return self.refuse(names[0], A_DATE, self.values.get(names[0], ""))

    def parsed(self, name: str, parse: Callable[[str], Value], expected: str) -> Value | None:
        """The cell as `parse` understands it, which raises ValueError where it does not."""
        text = self.text(name)
        if not text:
            return None
        try:
            return parse(text)
        except (ValueError, ArithmeticError):
            self._noted(name, expected, text)
            return None

    def codes(self, name: str) -> tuple[str, ...]:
        """Codes that semicolons, commas or blanks separate."""
        return codes_of(self.text(name))

    def note(self, name: str, expected: str, found: str, *, severity: Severity = "error") -> None:
        """Note what is wrong with a cell; the row stays in use."""
        where = f"{self.place.name}, {self.section}" if self.section else self.place.name
        self.problems.append(Problem(where, expected, found or "an empty cell", self.row, name or None, severity))

    def _noted(self, name: str, expected: str, found: str) -> None:
        self.note(name, expected, repr(found))

    def refuse(self, name: str, expected: str, found: str) -> NoReturn:
        """Note what is wrong with a cell and give the row up."""
        self.note(name, expected, repr(found) if found else "an empty cell")
        raise RefusedRowError


@lru_cache(maxsize=1 << 12)
def codes_of(text: str) -> tuple[str, ...]:
    """The codes of a text that semicolons, commas or blanks separate."""
    return tuple(code for code in text.replace(",", ";").replace(" ", ";").split(";") if code)
