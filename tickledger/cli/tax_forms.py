"""The forms that ``tickledger tax`` writes where they are asked for: the official PDFs filled in, and TXF."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from tickledger.cli.tax_summary import TaxReport
from tickledger.domain.errors import Problem
from tickledger.execution.clock import WallClock
from tickledger.tax.form_8949 import BasisReporting
from tickledger.tax.form_layouts import LAYOUTS, FormLayout, layout_for
from tickledger.tax.form_pages import MANY_PAGES, FormPage, form_pages
from tickledger.tax.form_rows import FormRow, form_rows
from tickledger.tax.statement import Statement, statements, summary_row
from tickledger.tax.txf import txf

if TYPE_CHECKING:
    from tickledger.reporting.irs_forms.form_8949_pdf import Head
    from tickledger.reporting.irs_forms.overlay import Overlay

FORM_8949_PDF: Final = "form_8949.pdf"
SCHEDULE_D_PDF: Final = "schedule_d.pdf"
STATEMENT_PDF: Final = "statement.pdf"
NOTES_PDF: Final = "notes.pdf"
TXF_FILE: Final = "forms.txf"

_NEW_YORK: Final = ZoneInfo("America/New_York")


@dataclass(frozen=True, slots=True)
class FormWishes:
    """Which forms are to be written, and how.

    `has_summary` puts the rows of Form 8949 on an attached statement. `name` and `taxpayer_number` are printed at
    the head of the forms; empty they are left for the pen.
    """

    has_pdf: bool = False
    has_txf: bool = False
    has_summary: bool = False
    in_whole_dollars: bool = False
    reporting: BasisReporting = BasisReporting.BASIS_REPORTED
    name: str = ""
    taxpayer_number: str = ""


def write_forms(report: TaxReport, wishes: FormWishes, out: Path) -> list[Problem]:
    """Write the forms wished for into `out`; what comes back are warnings about them."""
    if not wishes.has_pdf and not wishes.has_txf:
        return []
    rows = form_rows(report.lines, report.gains, lots=report.result.lots)
    problems = _write_pdfs(report, rows, wishes, out) if wishes.has_pdf else []
    return problems + (_write_txf(rows, out) if wishes.has_txf else [])


def _write_txf(rows: Sequence[FormRow], out: Path) -> list[Problem]:
    made = txf(rows, exported=WallClock().now().astimezone(_NEW_YORK).date(), program="Tickledger")
    (out / TXF_FILE).write_bytes(made.text.encode("ascii"))
    if not made.left_out:
        return []
    boxes = ", ".join(sorted({row.box for row in made.left_out}))
    expected = "boxes A to F and no code but W: TXF V042 has no others"
    return [_warning(TXF_FILE, expected, f"rows left out of it: {len(made.left_out):,}, of box {boxes}")]


def _write_pdfs(report: TaxReport, rows: Sequence[FormRow], wishes: FormWishes, out: Path) -> list[Problem]:
    from tickledger.reporting.irs_forms.form_8949_pdf import Head
    from tickledger.reporting.irs_forms.overlay import Overlay
    from tickledger.reporting.irs_forms.schedule_d_pdf import schedule_d_pdf

    year = report.schedule.tax_year
    layout = layout_for(year)
    of_other_year = f"Tax year {year}, printed on the form of {layout.year}" if layout.year != year else None
    head, mark = Head(wishes.name, wishes.taxpayer_number), report.schedule.watermark
    overlay = Overlay(mark, of_other_year)
    attached = statements(rows) if wishes.has_summary else ()
    pages = form_pages(map(summary_row, attached) if wishes.has_summary else rows, layout)
    _write_form_8949(pages, layout, head=head, overlay=overlay, out=out)
    _write_statement(attached, year, head=head, overlay=Overlay(mark), out=out)
    schedule = schedule_d_pdf(report.schedule, layout=layout, head=head, overlay=overlay)
    (out / SCHEDULE_D_PDF).write_bytes(schedule)
    notes = _notes(report, rows, wishes, layout=layout, pages=pages, attached=attached)
    (out / NOTES_PDF).write_bytes(notes)
    return _warnings(year, layout, pages)


def _write_form_8949(
    pages: Sequence[FormPage], layout: FormLayout, *, head: "Head", overlay: "Overlay", out: Path
) -> None:
    from tickledger.reporting.irs_forms.form_8949_pdf import form_8949_pdf

    # What an earlier run left must not pass for this one's.
    (out / FORM_8949_PDF).unlink(missing_ok=True)
    if pages:
        (out / FORM_8949_PDF).write_bytes(form_8949_pdf(pages, layout=layout, head=head, overlay=overlay))


def _write_statement(
    attached: Sequence[Statement], tax_year: int, *, head: "Head", overlay: "Overlay", out: Path
) -> None:
    from tickledger.reporting.irs_forms.statement_pdf import statement_pdf

    (out / STATEMENT_PDF).unlink(missing_ok=True)
    if attached:
        content = statement_pdf(attached, tax_year=tax_year, head=head, overlay=overlay)
        (out / STATEMENT_PDF).write_bytes(content)


def _notes(
    report: TaxReport,
    rows: Sequence[FormRow],
    wishes: FormWishes,
    *,
    layout: FormLayout,
    pages: Sequence[FormPage],
    attached: Sequence[Statement],
) -> bytes:
    from tickledger.reporting.irs_forms.form_8949_pdf import Head
    from tickledger.reporting.irs_forms.overlay import Overlay
    from tickledger.reporting.irs_forms.preparer_notes import Prepared, preparer_notes

    prepared = Prepared(
        layout=layout,
        reporting=wishes.reporting,
        in_whole_dollars=wishes.in_whole_dollars,
        rows=rows,
        pages=pages,
        statements=attached,
        schedule=report.schedule,
        gains={gain.gain_id: gain for gain in report.gains},
        policies=report.result.policies.described(),
        left_out=report.result.left_out,
    )
    return preparer_notes(prepared, head=Head(wishes.name), overlay=Overlay(report.schedule.watermark))


def _warnings(tax_year: int, layout: FormLayout, pages: Sequence[FormPage]) -> list[Problem]:
    warnings = []
    if layout.year != tax_year:
        known = ", ".join(map(str, sorted(LAYOUTS)))
        found = f"{tax_year}: printed on the forms of {layout.year}"
        warnings.append(_warning("the PDF forms", f"a year whose forms are known, {known}", found))
    if not pages:
        found = "none, so that there is no form to file (Exception 1)"
        warnings.append(_warning(FORM_8949_PDF, "rows that do not go straight to Schedule D", found))
    if len(pages) > MANY_PAGES:
        found = f"{len(pages):,} pages; --summary puts the rows on an attached statement"
        warnings.append(_warning(FORM_8949_PDF, f"a form of up to {MANY_PAGES} pages", found))
    return warnings


def _warning(where: str, expected: str, found: str) -> Problem:
    return Problem(where=where, expected=expected, found=found, severity="warning")
