"""Realized gains and printed rows in a line of text each, and filled forms read back."""

import re
from datetime import date
from decimal import Decimal
from io import BytesIO
from typing import Any

from pypdf import PdfReader

from tickledger.domain.account import Mode
from tickledger.domain.lot import RealizedGain, Term
from tickledger.tax.form_8949 import FormLine, form_lines
from tickledger.tax.form_rows import FormRow, form_rows

_GAIN = re.compile(
    r"(?P<quantity>\S+) (?P<symbol>.+) (?P<acquired>\S+) to (?P<sold>\S+): (?P<proceeds>\S+) - (?P<basis>\S+)"
    r"(?: \+ (?P<disallowed>\S+))? (?P<term>[SL])"
)


def a_gain(text: str, **more: Any) -> RealizedGain:
    """A gain: ``a_gain("50 QCOM 2011-01-02 to 2011-01-15: 1300 - 1500 + 200 S")``; `more` are its other fields."""
    match = _GAIN.fullmatch(text)
    assert match, text
    proceeds, basis = Decimal(match["proceeds"]), Decimal(match["basis"])
    disallowed = Decimal(match["disallowed"] or 0)
    acquired, sold = date.fromisoformat(match["acquired"]), date.fromisoformat(match["sold"])
    fields: dict[str, Any] = {
        "gain_id": f"gain_{text} in {more.get('account_id', 'T1')}",
        "close_execution_id": f"sale_{text}",
        "open_execution_id": f"purchase_{text}",
        "lot_id": "lot",
        "account_id": "T1",
        "symbol": match["symbol"],
        "quantity": Decimal(match["quantity"]),
        "acquired_date": acquired,
        "holding_start": acquired,
        "sold_date": sold,
        "proceeds": proceeds,
        "basis": basis,
        "adjustment_code": "W" if disallowed else "",
        "disallowed_loss": disallowed,
        "gain_loss": proceeds - basis + disallowed,
        "term": Term(match["term"]),
        "permanently_disallowed": Decimal(0),
        "tax_year": sold.year,
    }
    return RealizedGain(**fields | more)


def lines_and_rows(
    *gains: RealizedGain, tax_year: int = 2025, mode: Mode = Mode.LIVE, **more: Any
) -> tuple[tuple[FormLine, ...], tuple[FormRow, ...]]:
    """The lines of the form that the gains make, and the same as they are printed."""
    lots = more.pop("lots", ())
    lines = form_lines(gains, tax_year=tax_year, mode=mode, **more)
    return lines, form_rows(lines, gains, lots=lots)


def rows_of(*gains: RealizedGain, **more: Any) -> tuple[FormRow, ...]:
    """The printed rows of the gains."""
    return lines_and_rows(*gains, **more)[1]


def entries(content: bytes) -> list[dict[str, str]]:
    """What is in the fields of each page that are filled in, by the last part of their names."""
    reader = PdfReader(BytesIO(content))
    return [
        {
            str(widget["/T"]).removesuffix("[0]"): str(widget["/V"])
            for widget in (annotation.get_object() for annotation in page["/Annots"])  # type: ignore[attr-defined]
            if widget.get("/V") not in (None, "/Off")
        }
        for page in reader.pages
    ]


def texts(content: bytes) -> list[str]:
    """The text that is drawn on each page."""
    return [page.extract_text() for page in PdfReader(BytesIO(content)).pages]
