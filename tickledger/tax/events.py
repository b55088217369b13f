"""What the kernel noticed, as problems that a person can mend."""

from collections.abc import Callable, Mapping
from datetime import date
from fractions import Fraction
from typing import Final

from tickledger.domain.errors import Problem, Severity
from tickledger.tax.book import HouseholdBook
from tickledger.tax.fill_columns import SIDES
from tickledger.tax.kernel import columns as c

_Event = tuple[int, int, int]


def tell_events(book: HouseholdBook, *, where: str) -> None:
    """Turn the events since the last time into problems of the book."""
    count = int(book.book.counts[c.EVENTS])
    for number in range(book.events_told, count):
        kind, fill, value, other = (int(part) for part in book.book.events[number])
        told = _TOLD[kind](book, (fill, value, other))
        if told is not None:
            column, expected, found = told
            severity: Severity = "warning" if kind == c.BOXED else "error"
            row = book.columns.fills[fill].row if book.columns.fills else None
            place = where if row is not None else f"{where}, execution {book.columns.execution_ids[fill]}"
            book.problems.append(Problem(place, expected, found, row=row, column=column, severity=severity))
    book.events_told = count


def shares(book: HouseholdBook, units: int) -> str:
    """Units as a number of shares, for messages."""
    exact = Fraction(int(units), book.share_units)
    return str(exact.numerator) if exact.denominator == 1 else f"{float(exact):.10g}"


def _symbol(book: HouseholdBook, fill: int) -> str:
    return book.columns.symbols[int(book.columns.symbol[fill])]


def _account(book: HouseholdBook, fill: int) -> str:
    return book.columns.accounts[int(book.columns.account[fill])]


def _units(book: HouseholdBook, fill: int) -> str:
    return shares(book, int(book.columns.units[fill]))


def _day(book: HouseholdBook, fill: int) -> str:
    return str(date.fromordinal(int(book.columns.date[fill])))


def _not_held(book: HouseholdBook, event: _Event) -> tuple[str, str, str]:
    fill, held, position = event
    side = "short" if book.is_short(position) else "held"
    what = f"{shares(book, held)} shares of {_symbol(book, fill)} {side}"
    expected = f"at most the {what} in {_account(book, fill)} on {_day(book, fill)}"
    return "quantity", expected, f"{SIDES[int(book.columns.side[fill])]} {_units(book, fill)}"


def _do_not_add_up(book: HouseholdBook, event: _Event) -> tuple[str, str, str]:
    fill, chosen, _ = event
    return "lots", f"lots that add up to the {_units(book, fill)} shares sold", shares(book, chosen)


def _used_up(book: HouseholdBook, event: _Event) -> tuple[str, str, str]:
    fill, left, choice = event
    named = book.columns.choices[fill][choice - int(book.book.fills[fill][c.FILL_FIRST_CHOICE])].open_execution_id
    wanted = sum(
        book.units_of(chosen.quantity) for chosen in book.columns.choices[fill] if chosen.open_execution_id == named
    )
    expected = f"at most the {shares(book, left)} shares that are left of lot {named} in {_account(book, fill)}"
    return "lots", expected, f"{named}:{shares(book, wanted)}"


def _boxed(book: HouseholdBook, event: _Event) -> tuple[str, str, str] | None:
    """Said once for each security."""
    fill, held, _ = event
    security = book.security_name(_symbol(book, fill))
    if security in book.boxed:
        return None
    book.boxed.add(security)
    expected = (
        "no short sale beside identical shares: where they had gained, it is a constructive sale (IRC 1259), which"
        " is not computed; the holding periods follow IRC 1233(b) and (d)"
    )
    what = f"{SIDES[int(book.columns.side[fill])]} of {_symbol(book, fill)} on {_day(book, fill)}"
    return "side", expected, f"{what} with {shares(book, held)} shares held"


_TOLD: Final[Mapping[int, Callable[[HouseholdBook, _Event], tuple[str, str, str] | None]]] = {
    c.NOT_HELD: _not_held,
    c.CHOICES_DO_NOT_ADD_UP: _do_not_add_up,
    c.LOT_USED_UP: _used_up,
    c.BOXED: _boxed,
}
