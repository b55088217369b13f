"""The attached statement of Form 8949: instead of a row for each sale, one summary row for each account and box.

Instructions for Form 8949 (2025), Exception 2, p. 4: the statement says all that Parts I and II would, in a
similar format; the summary row names the broker and "see attached statement", leaves (b) and (c) blank, has
code M beside the other codes that apply, and the statement's totals.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from tickledger.tax.form_layouts import PARTS, Part
from tickledger.tax.form_rows import FormRow, sums
from tickledger.tax.schedule_d import Columns

_SEVERAL: Final = "M"


@dataclass(frozen=True, slots=True)
class Statement:
    """The rows of one account and box that one summary row stands for."""

    part: Part
    box: str
    account_id: str
    rows: tuple[FormRow, ...]

    @property
    def totals(self) -> Columns:
        """The amounts of the summary row."""
        return sums(self.rows)


def statements(rows: Iterable[FormRow]) -> tuple[Statement, ...]:
    """The statements that hold `rows`, by part, box and account; rows that go straight to Schedule D are in none."""
    held: dict[tuple[Part, str, str], list[FormRow]] = {}
    for row in rows:
        if not row.direct_entry:
            held.setdefault((row.part, row.box, row.account_id), []).append(row)
    ordered = sorted(held.items(), key=lambda item: (PARTS.index(item[0][0]), *item[0][1:]))
    return tuple(Statement(*key, rows=tuple(listed)) for key, listed in ordered)


def summary_row(statement: Statement) -> FormRow:
    """The row of Form 8949 that stands for a statement."""
    totals = statement.totals
    codes = {code for row in statement.rows for code in row.codes}
    return FormRow(
        part=statement.part,
        box=statement.box,
        account_id=statement.account_id,
        description=f"{statement.account_id} see attached statement",
        date_acquired="",
        date_sold="",
        proceeds=totals.proceeds,
        basis=totals.basis,
        codes="".join(sorted(codes | {_SEVERAL})),
        adjustment=totals.adjustment,
        gain_loss=totals.gain_loss,
        direct_entry=False,
        gain_ids=tuple(gain_id for row in statement.rows for gain_id in row.gain_ids),
        watermark=statement.rows[0].watermark,
    )
