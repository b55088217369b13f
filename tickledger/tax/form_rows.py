"""Rows of Form 8949 as they are printed: what stands in the columns, and of which account.

A `FormLine` is what the record holds; here it is put into the words of the form: dates as month/day/year,
"EXPIRED" for an option that ran out. The pages of the form, the attached statement and the TXF file are all made
of these rows.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from tickledger.domain.lot import ClosedBy, Lot, RealizedGain
from tickledger.tax.form_8949 import FormLine
from tickledger.tax.form_layouts import Part
from tickledger.tax.schedule_d import Columns

VARIOUS: Final = "VARIOUS"
EXPIRED: Final = "EXPIRED"
_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class FormRow:
    """One printed row: columns (a) to (h), USD. (b) and (c) are text, empty on a summary row.

    `expired` is the column, (d) or (e), that says "EXPIRED" in place of an amount of zero. `adjustment` is None
    where there is no code, and so nothing to enter in (g).
    """

    part: Part
    box: str
    account_id: str
    description: str
    date_acquired: str
    date_sold: str
    proceeds: Decimal
    basis: Decimal
    codes: str
    adjustment: Decimal | None
    gain_loss: Decimal
    direct_entry: bool
    gain_ids: tuple[str, ...]
    expired: Literal["d", "e"] | None = None
    watermark: str | None = None


def form_rows(
    lines: Iterable[FormLine],
    gains: Iterable[RealizedGain],
    *,
    lots: Iterable[Lot] = (),
) -> tuple[FormRow, ...]:
    """Every line as it is printed, in the order of the lines.

    `gains` hold the gains of the lines; of `lots` those of written options that expired are looked up, for the
    day on which they were written. Raises ValueError for a line whose gain is not among the gains.
    """
    by_id = {gain.gain_id: gain for gain in gains}
    opened = {lot.lot_id: lot.acquired_date for lot in lots if lot.quantity < 0}
    rows = []
    for line in lines:
        gain = by_id.get(line.gain_ids[0])
        if gain is None:
            raise ValueError(f"{line.line_id}: expected its gain {line.gain_ids[0]} among the gains, found none")
        rows.append(_row(line, gain, opened))
    return tuple(rows)


def _row(line: FormLine, gain: RealizedGain, opened: Mapping[str, date]) -> FormRow:
    expired = _expired(gain)
    # The writer of an option that expired acquires nothing: (b) is the day of expiry, (c) the day of writing.
    written = expired == "e"
    return FormRow(
        part=line.part,
        box=line.box,
        account_id=gain.account_id,
        description=line.description,
        date_acquired=us_date(gain.sold_date if written else line.date_acquired),
        date_sold=us_date(opened.get(gain.lot_id, line.date_sold) if written else line.date_sold),
        proceeds=line.proceeds,
        basis=line.basis,
        codes=line.codes,
        adjustment=line.adjustment if line.codes else None,
        gain_loss=line.gain_loss,
        direct_entry=line.direct_entry,
        gain_ids=line.gain_ids,
        expired=expired,
        watermark=line.watermark,
    )


def _expired(gain: RealizedGain) -> Literal["d", "e"] | None:
    """Where to say that an option expired: a holder's in (d), a writer's in (e) (i1040sd 2025, p. 6)."""
    if gain.closed_by is not ClosedBy.EXPIRY:
        return None
    return "e" if gain.is_short else "d"


def us_date(day: date | None) -> str:
    """Month, day and year as the forms ask for; a block bought on several days is of VARIOUS dates."""
    return VARIOUS if day is None else day.strftime("%m/%d/%Y")


def sums(rows: Iterable[FormRow]) -> Columns:
    """The columns (d), (e), (g) and (h) added up; in whole dollars where the rows are."""
    listed = list(rows)
    return Columns(
        proceeds=sum((row.proceeds for row in listed), _NOTHING),
        basis=sum((row.basis for row in listed), _NOTHING),
        adjustment=sum((row.adjustment for row in listed if row.adjustment is not None), _NOTHING),
        gain_loss=sum((row.gain_loss for row in listed), _NOTHING),
    )
