"""Form 8949, Sales and Other Dispositions of Capital Assets: one row for each lot that a fill closed.

Instructions for Form 8949 (2025). Pieces of one lot closed by one fill share a row where box and codes agree;
their dates and amounts are of one transaction, whatever replaced them.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from operator import attrgetter
from typing import Final, Literal

from tickledger.domain.account import Mode
from tickledger.domain.ids import text_id
from tickledger.domain.instrument import AssetClass
from tickledger.domain.lot import RealizedGain, Term
from tickledger.tax.form_layouts import DIGITAL_BOXES, FIRST_YEAR_OF_DIGITAL_BOXES, PARTS, SECURITY_BOXES

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


_COLUMN: Final = list(BasisReporting)
#: What gains of one row have in common; of a dense history there are a million gains.
_ROW: Final = attrgetter(
    "close_execution_id", "open_execution_id", "account_id", "symbol", "term", "adjustment_code", "acquired_date"
)
_LONG_BOXES: Final = SECURITY_BOXES["II"] + DIGITAL_BOXES["II"]
#: Boxes whose rows may go straight to lines 1a and 8a of Schedule D (instructions, Exception 1).
DIRECT_BOXES: Final = frozenset("ADGJ")
_UNITS: Final[Mapping[AssetClass, str]] = {
    AssetClass.OPTION: "contracts ",
    AssetClass.INDEX_OPTION: "contracts ",
    AssetClass.FUTURE: "contracts ",
    AssetClass.CRYPTO: "",
}


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
    distributions: Collection[str] = frozenset(),
) -> tuple[FormLine, ...]:
    """The rows of `tax_year`, short-term before long-term, by box, then in the order of the gains.

    `gains` are those of one taxpayer's accounts of one `mode`; other years among them are passed over.
    `distributions` are the close ids of nondividend distributions above basis: no broker's form tells of these,
    so that they are in the boxes of transactions without one (instructions, p. 5).
    """
    rows: defaultdict[tuple[object, ...], list[RealizedGain]] = defaultdict(list)
    for gain in gains:
        if gain.tax_year == tax_year:
            rows[_ROW(gain)].append(gain)
    boxes, boxes_without_form = boxes_of(tax_year, reporting), boxes_of(tax_year, BasisReporting.NO_FORM)
    boxed = []
    for pieces in rows.values():
        first = pieces[0]
        of = boxes_without_form if first.close_execution_id in distributions else boxes
        boxed.append((of[first.term is Term.LONG][first.asset_class is AssetClass.CRYPTO], pieces))
    boxed.sort(key=lambda row: box_order(row[0]))
    return tuple(line_of(_parts(pieces), box=box, watermark=WATERMARKS[mode]) for box, pieces in boxed)


def box_order(box: str) -> tuple[bool, str]:
    """Short-term boxes come before long-term ones."""
    return (box in _LONG_BOXES, box)


def boxes_of(tax_year: int, reporting: BasisReporting) -> tuple[tuple[str, str], tuple[str, str]]:
    """The boxes of each part, short-term first: that of securities, and that of digital assets."""
    column, without_form = _COLUMN.index(reporting), _COLUMN.index(BasisReporting.NO_FORM)
    short, long = (
        (
            SECURITY_BOXES[part][column],
            # No broker reported digital assets before Form 1099-DA.
            DIGITAL_BOXES[part][column]
            if tax_year >= FIRST_YEAR_OF_DIGITAL_BOXES
            else SECURITY_BOXES[part][without_form],
        )
        for part in PARTS
    )
    return short, long


@dataclass(frozen=True, slots=True)
class FormRowParts:
    """What the pieces of a row add up to; amounts are positive where `FormLine` has them so."""

    description: str
    acquired_date: date
    sold_date: date
    proceeds: Decimal
    basis: Decimal
    disallowed_loss: Decimal
    codes: str
    gain_ids: tuple[str, ...]


def description_of(quantity: Decimal, symbol: str, asset_class: AssetClass) -> str:
    """Column (a), such as ``100 sh. IBM``."""
    return f"{quantity.normalize():f} {_UNITS.get(asset_class, 'sh. ')}{symbol}"


def line_of(parts: FormRowParts, *, box: str, watermark: str | None) -> FormLine:
    """The row that the parts make in a box."""
    return FormLine(
        # What the gains say is in their ids; the rest of the row follows from them.
        line_id=text_id("line", " ".join((box, str(watermark), parts.description, *parts.gain_ids))),
        tax_year=parts.sold_date.year,
        part="II" if box in _LONG_BOXES else "I",
        box=box,
        description=parts.description,
        date_acquired=parts.acquired_date,
        date_sold=parts.sold_date,
        proceeds=parts.proceeds,
        basis=parts.basis,
        codes=parts.codes,
        adjustment=parts.disallowed_loss,
        gain_loss=parts.proceeds - parts.basis + parts.disallowed_loss,
        direct_entry=box in DIRECT_BOXES and not parts.codes,
        gain_ids=parts.gain_ids,
        watermark=watermark,
    )


def _parts(pieces: Sequence[RealizedGain]) -> FormRowParts:
    first = pieces[0]
    return FormRowParts(
        description=description_of(_total("quantity", pieces), first.symbol, first.asset_class),
        acquired_date=first.acquired_date,
        sold_date=first.sold_date,
        proceeds=_total("proceeds", pieces),
        basis=_total("basis", pieces),
        disallowed_loss=_total("disallowed_loss", pieces),
        codes="".join(sorted(set(first.adjustment_code))),
        gain_ids=tuple([piece.gain_id for piece in pieces]),
    )


def _total(name: str, pieces: Sequence[RealizedGain]) -> Decimal:
    amount: Decimal = getattr(pieces[0], name)
    return amount if len(pieces) == 1 else sum(map(attrgetter(name), pieces), Decimal(0))
