"""Form 8949, Sales and Other Dispositions of Capital Assets: one row for each lot that a fill closed.

Instructions for Form 8949 (2025). Pieces of one lot closed by one fill share a row where box and codes agree;
their dates and amounts are of one transaction, whatever replaced them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Final, Literal

from tickledger.domain.account import Mode
from tickledger.domain.ids import text_id
from tickledger.domain.instrument import AssetClass
from tickledger.domain.lot import RealizedGain, Term

#: Digital assets have boxes of their own (G–L) from this tax year on, with Form 1099-DA.
FIRST_YEAR_OF_DIGITAL_BOXES: Final = 2025

WATERMARKS: Final[Mapping[Mode, str | None]] = {
    Mode.SIMULATED: "SIMULATED - NOT FOR FILING",
    Mode.PAPER: "PAPER TRADING - NOT FOR FILING",
    Mode.LIVE: None,
}


class BasisReporting(StrEnum):
    """What the broker told the IRS of a sale; it decides the box."""

    BASIS_REPORTED = "basis_reported"
    BASIS_NOT_REPORTED = "basis_not_reported"
    NO_FORM = "no_form"


_SECURITY_BOXES: Final[Mapping[Term, str]] = {Term.SHORT: "ABC", Term.LONG: "DEF"}
_DIGITAL_BOXES: Final[Mapping[Term, str]] = {Term.SHORT: "GHI", Term.LONG: "JKL"}
_COLUMN: Final = list(BasisReporting)
#: Boxes whose rows may go straight to lines 1a and 8a of Schedule D (instructions, Exception 1).
_DIRECT_BOXES: Final = frozenset("ADGJ")


@dataclass(frozen=True, slots=True)
class FormLine:
    """A row of Form 8949, USD to the cent: gain_loss (h) = proceeds (d) − basis (e) + adjustment (g).

    `part` is I (short-term) or II (long-term); `date_acquired` is None for "VARIOUS". `direct_entry` says that
    Schedule D lets the row be skipped here (Exception 1). `watermark` is set unless the money was real.
    """

    line_id: str
    tax_year: int
    part: Literal["I", "II"]
    box: str
    description: str
    date_acquired: date | None
    date_sold: date
    proceeds: Decimal
    basis: Decimal
    codes: str
    adjustment: Decimal
    gain_loss: Decimal
    direct_entry: bool
    gain_ids: tuple[str, ...]
    watermark: str | None = None


def form_lines(
    gains: Iterable[RealizedGain],
    *,
    tax_year: int,
    mode: Mode,
    reporting: BasisReporting = BasisReporting.BASIS_REPORTED,
) -> tuple[FormLine, ...]:
    """The rows of `tax_year`, short-term before long-term, by box, then in the order of the gains.

    `gains` are those of one taxpayer's accounts of one `mode`; other years among them are passed over.
    """
    rows: dict[tuple[str, ...], list[RealizedGain]] = {}
    for gain in gains:
        if gain.tax_year == tax_year:
            box = _box(gain, reporting)
            key = (box, gain.account_id, gain.symbol, gain.close_execution_id, gain.open_execution_id)
            rows.setdefault((*key, gain.adjustment_code), []).append(gain)
    ordered = sorted(rows.items(), key=lambda item: item[0][0])
    return tuple(_line(pieces, box=key[0], watermark=WATERMARKS[mode]) for key, pieces in ordered)


def _box(gain: RealizedGain, reporting: BasisReporting) -> str:
    column = _COLUMN.index(reporting)
    if gain.asset_class is not AssetClass.CRYPTO:
        return _SECURITY_BOXES[gain.term][column]
    if gain.tax_year >= FIRST_YEAR_OF_DIGITAL_BOXES:
        return _DIGITAL_BOXES[gain.term][column]
    # No broker reported digital assets before Form 1099-DA.
    return _SECURITY_BOXES[gain.term][_COLUMN.index(BasisReporting.NO_FORM)]


def _line(pieces: Sequence[RealizedGain], *, box: str, watermark: str | None) -> FormLine:
    first = pieces[0]
    gain_ids = tuple(piece.gain_id for piece in pieces)
    description = _description(pieces)
    return FormLine(
        # What the gains say is in their ids; the rest of the row follows from them.
        line_id=text_id("line", " ".join((box, str(watermark), description, *gain_ids))),
        tax_year=first.tax_year,
        part="I" if first.term is Term.SHORT else "II",
        box=box,
        description=description,
        date_acquired=first.acquired_date,
        date_sold=first.sold_date,
        proceeds=_total(piece.proceeds for piece in pieces),
        basis=_total(piece.basis for piece in pieces),
        codes="".join(sorted(set(first.adjustment_code))),
        adjustment=_total(piece.disallowed_loss for piece in pieces),
        gain_loss=_total(piece.gain_loss for piece in pieces),
        direct_entry=box in _DIRECT_BOXES and not first.adjustment_code,
        gain_ids=gain_ids,
        watermark=watermark,
    )


def _description(pieces: Sequence[RealizedGain]) -> str:
    quantity = _total(piece.quantity for piece in pieces).normalize()
    unit = "" if pieces[0].asset_class is AssetClass.CRYPTO else "sh. "
    return f"{quantity:f} {unit}{pieces[0].symbol}"


def _total(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))
