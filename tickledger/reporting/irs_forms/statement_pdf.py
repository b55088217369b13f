"""The statement attached to Form 8949 (Exception 2), in the columns of the form."""

from collections.abc import Sequence
from typing import Final

from tickledger.reporting.irs_forms.amounts import amount_text
from tickledger.reporting.irs_forms.form_8949_pdf import Head, row_texts
from tickledger.reporting.irs_forms.overlay import Overlay
from tickledger.reporting.irs_forms.text_pages import Column, Section, text_pages
from tickledger.tax.statement import Statement

_COLUMNS: Final = (
    Column("(a) Description of property", 228),
    Column("(b) Date acquired", 70),
    Column("(c) Date sold or disposed of", 70),
    Column("(d) Proceeds (sales price)", 76, "right"),
    Column("(e) Cost or other basis", 76, "right"),
    Column("(f) Code(s)", 44),
    Column("(g) Amount of adjustment", 76, "right"),
    Column("(h) Gain or (loss)", 80, "right"),
)
_TERM: Final = {"I": "Short-Term", "II": "Long-Term"}


def statement_pdf(statements: Sequence[Statement], *, tax_year: int, head: Head, overlay: Overlay) -> bytes:
    """One document that holds every statement, each from a new page on."""
    who = "   ".join(text for text in (head.name, head.taxpayer_number) if text)
    return text_pages(
        [_section(statement) for statement in statements],
        heading=f"Statement attached to Form 8949 ({tax_year}), Sales and Other Dispositions of Capital Assets",
        subheading=who or "Name(s) shown on return and social security number:",
        overlay=overlay,
    )


def _section(statement: Statement) -> Section:
    totals = statement.totals
    adjustment = amount_text(totals.adjustment) if any(row.codes for row in statement.rows) else ""
    return Section(
        title=f"Part {statement.part}, {_TERM[statement.part]}, box {statement.box} checked: {statement.account_id}",
        columns=_COLUMNS,
        rows=[tuple(row_texts(row).values()) for row in statement.rows],
        totals=(
            "Totals, entered on Form 8949",
            *("", ""),
            *(amount_text(totals.proceeds), amount_text(totals.basis)),
            *("", adjustment, amount_text(totals.gain_loss)),
        ),
        starts_page=True,
    )
