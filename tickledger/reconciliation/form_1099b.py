"""Rows of a Form 1099-B, by its boxes, whatever file they came in (Instructions for Form 1099-B)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from tickledger.domain.lot import Term

BoxValue = str | date | Decimal | bool | Term | None


@dataclass(frozen=True, slots=True)
class Form8949Box:
    """What the letter of a Form 8949 part says: the term, and whether the basis went to the tax office.

    `is_reported` is False where there is no 1099 at all (C, F, I, L); digital assets have letters of their own.
    """

    term: Term
    is_basis_reported: bool
    is_reported: bool = True
    is_digital: bool = False


#: The check boxes of Form 8949, 2025.
FORM_8949_BOXES: Final[Mapping[str, Form8949Box]] = {
    "A": Form8949Box(Term.SHORT, is_basis_reported=True),
    "B": Form8949Box(Term.SHORT, is_basis_reported=False),
    "C": Form8949Box(Term.SHORT, is_basis_reported=False, is_reported=False),
    "D": Form8949Box(Term.LONG, is_basis_reported=True),
    "E": Form8949Box(Term.LONG, is_basis_reported=False),
    "F": Form8949Box(Term.LONG, is_basis_reported=False, is_reported=False),
    "G": Form8949Box(Term.SHORT, is_basis_reported=True, is_digital=True),
    "H": Form8949Box(Term.SHORT, is_basis_reported=False, is_digital=True),
    "I": Form8949Box(Term.SHORT, is_basis_reported=False, is_reported=False, is_digital=True),
    "J": Form8949Box(Term.LONG, is_basis_reported=True, is_digital=True),
    "K": Form8949Box(Term.LONG, is_basis_reported=False, is_digital=True),
    "L": Form8949Box(Term.LONG, is_basis_reported=False, is_reported=False, is_digital=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Form1099BRow:
    """One sale. Money in USD; what the file does not tell is None.

    `acquired_date` is None for several dates (`acquired_text` says VARIOUS) and for inherited shares; so is `sold_date`
    on worksheets that sum sales up. `disallowed_loss` (box 1g) is positive. `is_noncovered` is box 5,
    `is_basis_reported` box 12; one follows from the other unless the file tells both.
    """

    description: str
    proceeds: Decimal
    sold_date: date | None
    acquired_date: date | None = None
    acquired_text: str = ""
    sold_text: str = ""
    basis: Decimal | None = None
    accrued_market_discount: Decimal | None = None
    disallowed_loss: Decimal | None = None
    term: Term | None = None
    is_ordinary: bool | None = None
    is_collectible: bool | None = None
    federal_tax_withheld: Decimal | None = None
    is_noncovered: bool | None = None
    is_net_proceeds: bool | None = None
    is_loss_not_allowed: bool | None = None
    is_basis_reported: bool | None = None
    form_8949_box: str = ""
    adjustment_code: str = ""
    adjustment: Decimal | None = None
    quantity: Decimal | None = None
    symbol: str = ""
    cusip: str = ""
    is_short_sale: bool = False
    where: str = field(default="", compare=False)
    row: int = field(default=0, compare=False)

    @property
    def boxes(self) -> Mapping[str, BoxValue]:
        """The values under the numbers that the form prints."""
        return {
            "1a": self.description,
            "1b": self.acquired_date or self.acquired_text,
            "1c": self.sold_date or self.sold_text,
            "1d": self.proceeds,
            "1e": self.basis,
            "1f": self.accrued_market_discount,
            "1g": self.disallowed_loss,
            "2": self.term,
            "2 ordinary": self.is_ordinary,
            "3": self.is_collectible,
            "4": self.federal_tax_withheld,
            "5": self.is_noncovered,
            "6": self.is_net_proceeds,
            "7": self.is_loss_not_allowed,
            "12": self.is_basis_reported,
        }
