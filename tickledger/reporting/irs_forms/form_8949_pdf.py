"""Form 8949 filled in: a page of the official form for each page of rows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from tickledger.reporting.irs_forms.amounts import amount_text
from tickledger.reporting.irs_forms.blank_forms import blank_form
from tickledger.reporting.irs_forms.filled_form import Entries, FilledForm, fits
from tickledger.reporting.irs_forms.overlay import Overlay
from tickledger.tax.form_layouts import BOX_GROUP, NAME, PARTS, TAXPAYER_NUMBER, Column, FormLayout
from tickledger.tax.form_pages import FormPage
from tickledger.tax.form_rows import EXPIRED, FormRow

_FORM: Final = "f8949"


@dataclass(frozen=True, slots=True)
class Head:
    """Whose forms they are; an empty text leaves the place for the pen."""

    name: str = ""
    taxpayer_number: str = ""

    def texts(self) -> dict[int, str]:
        """What the head of a page says, by widget."""
        return {NAME: self.name, TAXPAYER_NUMBER: self.taxpayer_number}


def form_8949_pdf(pages: Iterable[FormPage], *, layout: FormLayout, head: Head, overlay: Overlay) -> bytes:
    """The pages as one document; every sheet stands for itself and names the taxpayer."""
    form = FilledForm(blank_form(_FORM, layout.year), overlay)
    for copy, page in enumerate(pages):
        form.add_page(PARTS.index(page.part) + 1, _entries(page, layout, head), copy=copy)
    return form.content(title=f"Form 8949 ({layout.year})")


def cut_descriptions(pages: Iterable[FormPage], layout: FormLayout) -> Iterator[FormRow]:
    """The rows whose description does not fit the form at any size; it ends in dots there."""
    blank = blank_form(_FORM, layout.year)
    for page in pages:
        place = (PARTS.index(page.part) + 1, layout.cell(0, "a"))
        yield from (row for row in page.rows if not fits(blank, place, row.description))


def _entries(page: FormPage, layout: FormLayout, head: Head) -> Entries:
    texts = head.texts()
    for number, row in enumerate(page.rows):
        texts |= {layout.cell(number, column): text for column, text in row_texts(row).items()}
    total = page.totals
    texts |= {
        layout.total("d"): amount_text(total.proceeds),
        layout.total("e"): amount_text(total.basis),
        layout.total("h"): amount_text(total.gain_loss),
    }
    if any(row.adjustment is not None for row in page.rows):
        texts[layout.total("g")] = amount_text(total.adjustment)
    return Entries(texts, frozenset([(BOX_GROUP, layout.boxes[page.part].index(page.box))]))


def row_texts(row: FormRow) -> dict[Column, str]:
    """What stands in the columns."""
    return {
        "a": row.description,
        "b": row.date_acquired,
        "c": row.date_sold,
        "d": EXPIRED if row.expired == "d" else amount_text(row.proceeds),
        "e": EXPIRED if row.expired == "e" else amount_text(row.basis),
        "f": row.codes,
        "g": "" if row.adjustment is None else amount_text(row.adjustment),
        "h": amount_text(row.gain_loss),
    }
