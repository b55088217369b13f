"""What readers of 1099-B rows share: dates that are words, descriptions that hold a quantity, boxes that follow."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Final

from tickledger.domain.lot import Term
from tickledger.reconciliation.form_1099b import FORM_8949_BOXES, Form1099BRow
from tickledger.reconciliation.statements.cells import Cells
from tickledger.reconciliation.statements.numbers import a_number

#: What stands for a date where there is not one: bought on several days, or inherited (Form 8949, column b).
WORDS: Final = frozenset({"VARIOUS", "VAR", "INHERITED", "INHERIT", "INH"})
_QUANTITY: Final = re.compile(
    r"^\s*([\d,]+(?:\.\d*)?|\.\d+)\s*(?:sh\b|shs\b|shares?\b|contracts?\b)?\.?\s+\S", re.IGNORECASE
)
_SYMBOL: Final = re.compile(r"\(([A-Z][A-Z0-9. ]{0,20})\)\s*$")
_TERMS: Final = {
    **dict.fromkeys(("S", "ST", "SHORT", "SHORT-TERM", "SHORT TERM"), Term.SHORT),
    **dict.fromkeys(("L", "LT", "LONG", "LONG-TERM", "LONG TERM"), Term.LONG),
}
_YES: Final = frozenset({"Y", "YES", "TRUE", "X", "1", "COVERED", "CHECKED"})
_NO: Final = frozenset({"N", "NO", "FALSE", "0", "NONCOVERED", "UNCOVERED"})


def date_or_word(row: Cells, name: str) -> tuple[date | None, str]:
    """A date, or the word that stands for one."""
    text = row.text(name).upper()
    return (None, text) if text in WORDS else (row.day(name), "")


def needed_date_or_word(row: Cells, name: str) -> tuple[date | None, str]:
    """As `date_or_word`; with neither the row is refused."""
    text = row.text(name).upper()
    return (None, text) if text in WORDS else (row.needed_day(name), "")


def a_term(text: str) -> Term:
    """The term that a word names; raises ValueError for another word."""
    try:
        return _TERMS[text.strip().upper()]
    except KeyError:
        raise ValueError(text) from None


def a_yes(text: str) -> bool:
    """Yes or no; raises ValueError for what is neither."""
    word = text.strip().upper()
    if word not in _YES | _NO:
        raise ValueError(text)
    return word in _YES


def quantity_in(description: str) -> Decimal | None:
    """``100 sh GOOGLE INC`` is about 100 shares."""
    found = _QUANTITY.match(description)
    try:
        return None if found is None else a_number(found[1])
    except ValueError:
        return None


def symbol_in(description: str) -> str:
    """``Alpha Bravo Charlie (ABC)`` is about ABC."""
    found = _SYMBOL.search(description)
    return found[1] if found else ""


def completed(sale: Form1099BRow) -> Form1099BRow:
    """The row with what follows from its other boxes: from the letter of Form 8949, and from box 5 or 12 the other."""
    box = FORM_8949_BOXES.get(sale.form_8949_box)
    is_reported = sale.is_basis_reported
    if is_reported is None and sale.is_noncovered is not None:
        is_reported = not sale.is_noncovered
    if box is None:
        return replace(sale, is_basis_reported=is_reported, form_8949_box=_letter(sale.term, is_reported=is_reported))
    return replace(
        sale,
        term=sale.term or box.term,
        is_basis_reported=box.is_basis_reported if is_reported is None else is_reported,
    )


def _letter(term: Term | None, *, is_reported: bool | None) -> str:
    """The letter for shares that a 1099-B reports."""
    if term is None or is_reported is None:
        return ""
    return {(Term.SHORT, True): "A", (Term.SHORT, False): "B", (Term.LONG, True): "D", (Term.LONG, False): "E"}[
        term, is_reported
    ]
