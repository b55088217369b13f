"""Notes for whoever prepares the return: what the forms rest on, row by row. They are no part of the return.

The official forms have no room for a position on an unsettled point, for a loss that is still provisional, or for
where a row comes from; here is all of that.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tickledger.domain.instrument import AssetClass
from tickledger.domain.lot import RealizedGain, Term
from tickledger.reporting.irs_forms.amounts import amount_text
from tickledger.reporting.irs_forms.form_8949_pdf import Head, cut_descriptions
from tickledger.reporting.irs_forms.overlay import Overlay
from tickledger.reporting.irs_forms.schedule_d_pdf import unanswered
from tickledger.reporting.irs_forms.text_pages import TABLE_WIDTH, Column, Section, paragraphs, text_pages
from tickledger.tax.form_8949 import BasisReporting
from tickledger.tax.form_layouts import FIRST_YEAR_OF_DIGITAL_BOXES, FormLayout
from tickledger.tax.form_pages import FormPage
from tickledger.tax.form_rows import FormRow, us_date
from tickledger.tax.holding_period import term
from tickledger.tax.schedule_d import ScheduleD
from tickledger.tax.statement import Statement

#: Rows whose gains are told one by one; of more the table form_8949.csv is the better list.
_MOST_ROWS: Final = 2000
_MOST_IDS: Final = 3
_DIRECT_LINE: Final = {"I": "Schedule D, 1a", "II": "Schedule D, 8a"}
_ASSUMED: Final[Mapping[BasisReporting, str]] = {
    BasisReporting.BASIS_REPORTED: "Every sale is taken to be on a Form 1099-B or 1099-DA that reports its basis "
    "to the IRS (boxes A, D, G, J). Brokers need not report the basis of digital assets bought before 2026.",
    BasisReporting.BASIS_NOT_REPORTED: "Every sale is taken to be on a Form 1099-B or 1099-DA that does not report "
    "its basis to the IRS (boxes B, E, H, K).",
    BasisReporting.NO_FORM: "No sale is taken to be on a Form 1099-B or 1099-DA (boxes C, F, I, L).",
}


@dataclass(frozen=True, slots=True)
class Prepared:
    """The forms as they were made: `rows` are all rows, `pages` those of Form 8949, `gains` what the rows hold.

    `policies` are the positions in force, `left_out` the symbols that could not be computed.
    """

    layout: FormLayout
    reporting: BasisReporting
    in_whole_dollars: bool
    rows: Sequence[FormRow]
    pages: Sequence[FormPage]
    statements: Sequence[Statement]
    schedule: ScheduleD
    gains: Mapping[str, RealizedGain]
    policies: Mapping[str, str]
    left_out: Sequence[str] = ()


def preparer_notes(prepared: Prepared, *, head: Head, overlay: Overlay) -> bytes:
    """The notes as a document."""
    return text_pages(
        _sections(prepared),
        heading=f"Notes on Form 8949 and Schedule D, tax year {prepared.schedule.tax_year}: not part of the return",
        subheading=head.name,
        overlay=overlay,
    )


def _sections(prepared: Prepared) -> Iterator[Section]:
    yield paragraphs("How the forms were made", list(_remarks(prepared)))
    yield paragraphs("Left to the preparer on Schedule D", unanswered(prepared.schedule))
    yield paragraphs("Positions on points that are not settled", [f"{k} = {v}" for k, v in prepared.policies.items()])
    listed = [(row, [prepared.gains[gain_id] for gain_id in row.gain_ids]) for row in prepared.rows]
    provisional = [_provisional(row, gains) for row, gains in listed if any(gain.is_provisional for gain in gains)]
    if provisional:
        columns = (*_ROW_COLUMNS, Column("Shares bought until this day change it", TABLE_WIDTH - _ROW_WIDTH))
        yield Section("Losses that are provisional", columns, provisional)
    unsettled = [
        (*_row_cells(row), ", ".join(sorted(points)))
        for row, gains in listed
        if (points := {point for gain in gains for point in gain.policies})
    ]
    if unsettled:
        columns = (*_ROW_COLUMNS, Column("Depends on", TABLE_WIDTH - _ROW_WIDTH))
        yield Section("Rows that depend on a position above", columns, unsettled)
    if tacked := [_row_cells(row) for row, gains in listed if any(map(_is_long_by_tacking, gains))]:
        yield Section("Long-term with the days that washed shares were held (IRC 1223(3))", _ROW_COLUMNS, tacked)
    if cut := [row.description for row in cut_descriptions(prepared.pages, prepared.layout)]:
        yield paragraphs("Descriptions that do not fit the form", cut)
    if len(prepared.rows) <= _MOST_ROWS:
        yield Section("Where each row is, and the gains it holds", _PLACE_COLUMNS, list(_places(prepared)))


_ROW_COLUMNS: Final = (
    Column("Box", 30),
    Column("(a) Description", 230),
    Column("(b) Acquired", 60),
    Column("(c) Sold", 60),
    Column("(h) Gain or (loss)", 80, "right"),
)
_ROW_WIDTH: Final = sum(column.width for column in _ROW_COLUMNS)
_PLACE_COLUMNS: Final = (
    Column("Place", 110),
    Column("(a) Description", 180),
    Column("(c) Sold", 60),
    Column("Gains", TABLE_WIDTH - 350),
)


def _remarks(prepared: Prepared) -> Iterator[str]:
    schedule, layout = prepared.schedule, prepared.layout
    if layout.year != schedule.tax_year:
        yield (
            f"The forms of {schedule.tax_year} are not at hand: these are printed on the forms of {layout.year} and "
            "are to be copied onto those of the year."
        )
    yield _ASSUMED[prepared.reporting]
    if schedule.tax_year < FIRST_YEAR_OF_DIGITAL_BOXES and _has_digital_assets(prepared):
        yield "No broker's form told of digital assets before 2025: they are in boxes C and F."
    direct = sum(row.direct_entry for row in prepared.rows)
    if direct:
        yield (
            f"{direct:,} of {len(prepared.rows):,} rows need no adjustment and are entered on lines 1a and 8a of "
            "Schedule D alone (Form 8949 instructions, Exception 1)."
        )
    if prepared.statements:
        yield (
            "The other rows are on the attached statement, Form 8949 has its totals (Exception 2). Who files "
            "electronically attaches the statement as a PDF or mails it with Form 8453."
        )
    yield f"Form 8949 has {len(prepared.pages):,} pages; a part without rows is left out, as the instructions allow."
    if prepared.in_whole_dollars:
        yield (
            "All amounts are in whole dollars: columns (d), (e) and (g) are rounded, (h) and the totals are worked "
            "out from them; lines 1a and 8a round the totals of the cents."
        )
    if prepared.left_out:
        yield f"NOT on the forms, because the files do not tell their history: {', '.join(prepared.left_out)}."
    carried = schedule.carryover
    yield (
        f"Loss carried to {schedule.tax_year + 1}: short-term {amount_text(carried.short_term)}, "
        f"long-term {amount_text(carried.long_term)}."
    )


def _has_digital_assets(prepared: Prepared) -> bool:
    return any(gain.asset_class is AssetClass.CRYPTO for gain in prepared.gains.values())


def _row_cells(row: FormRow) -> tuple[str, ...]:
    return (row.box, row.description, row.date_acquired, row.date_sold, amount_text(row.gain_loss))


def _provisional(row: FormRow, gains: Iterable[RealizedGain]) -> tuple[str, ...]:
    until = max(gain.open_until_date for gain in gains if gain.open_until_date is not None)
    return (*_row_cells(row), us_date(until))


def _is_long_by_tacking(gain: RealizedGain) -> bool:
    """Whether the dates in columns (b) and (c) alone would make a long-term row short-term."""
    if gain.is_short or gain.term is Term.SHORT:
        return False
    return term(gain.acquired_date.toordinal(), gain.sold_date.toordinal()) is Term.SHORT


def _places(prepared: Prepared) -> Iterator[tuple[str, ...]]:
    """Every row: on which page of Form 8949, on the statement, or added up on Schedule D."""
    found = {
        id(row): f"page {page_number}, row {number}"
        for page_number, page in enumerate(prepared.pages, start=1)
        for number, row in enumerate(page.rows, start=1)
    }
    for row in prepared.rows:
        place = _DIRECT_LINE[row.part] if row.direct_entry else found.get(id(row), f"statement, box {row.box}")
        ids = " ".join(row.gain_ids[:_MOST_IDS])
        more = len(row.gain_ids) - _MOST_IDS
        rest = f" and {more:,} more in form_8949.csv" if more > 0 else ""
        yield (place, row.description, row.date_sold, ids + rest)
