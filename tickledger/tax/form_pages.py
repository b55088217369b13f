"""Form 8949 as sheets of paper: one box a page, as many pages of a box as its rows need.

Instructions for Form 8949 (2025), p. 3–4: a separate Part I or II for each box; the other part of a sheet need
not be filed where it would be empty, so a page exists for rows alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tickledger.tax.form_layouts import PARTS, FormLayout, Part
from tickledger.tax.form_rows import FormRow, sums
from tickledger.tax.schedule_d import Columns

#: Above this number of pages a summary row with an attached statement (Exception 2) is easier on everybody.
MANY_PAGES: Final = 200


@dataclass(frozen=True, slots=True)
class FormPage:
    """One page with one box checked; `rows` are at most as many as it has room for."""

    part: Part
    box: str
    rows: tuple[FormRow, ...]

    @property
    def totals(self) -> Columns:
        """Line 2."""
        return sums(self.rows)


def form_pages(rows: Iterable[FormRow], layout: FormLayout) -> tuple[FormPage, ...]:
    """The pages that list `rows`, Part I before Part II, boxes as they stand on the form.

    Rows that go straight to Schedule D (Exception 1) are on no page: they would count twice.
    """
    by_box: dict[str, list[FormRow]] = {}
    for row in rows:
        if not row.direct_entry:
            by_box.setdefault(row.box, []).append(row)
    return tuple(
        FormPage(part, box, tuple(listed[start : start + layout.rows_per_page]))
        for part in PARTS
        for box in layout.boxes[part]
        for listed in [by_box.get(box, [])]
        for start in range(0, len(listed), layout.rows_per_page)
    )
