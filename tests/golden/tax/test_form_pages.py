"""Rows on pages and on an attached statement, as the instructions for Form 8949 (2025) ask for them."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tax_forms import a_gain, rows_of
from tickledger.domain.instrument import AssetClass
from tickledger.domain.lot import RealizedGain
from tickledger.tax.form_8949 import BasisReporting
from tickledger.tax.form_layouts import LAYOUTS, layout_for
from tickledger.tax.form_pages import form_pages
from tickledger.tax.form_rows import FormRow
from tickledger.tax.schedule_d import Columns
from tickledger.tax.statement import statements, summary_row


def sales(count: int, term: str = "S", *, year: int = 2025, account: str = "T1") -> list[RealizedGain]:
    """Sales that no Form 1099-B tells of: they must be listed."""
    return [
        a_gain(f"{number} X {year}-01-02 to {year}-02-15: 20.10 - 30.05 {term}", account_id=account)
        for number in range(1, count + 1)
    ]


def listed(*gains: RealizedGain, year: int = 2025) -> tuple[FormRow, ...]:
    return rows_of(*gains, tax_year=year, reporting=BasisReporting.NO_FORM)


@pytest.mark.parametrize(("year", "rows_a_page"), [(2025, 11), (2024, 14)])
def test_a_page_holds_as_many_rows_as_the_form_of_the_year(year: int, rows_a_page: int) -> None:
    rows = listed(*sales(2 * rows_a_page + 1, year=year), year=year)
    assert [len(page.rows) for page in form_pages(rows, LAYOUTS[year])] == [rows_a_page, rows_a_page, 1]


def test_a_page_is_of_one_part_and_box_and_empty_ones_are_left_out() -> None:
    digital = a_gain("1 BTC 2025-01-02 to 2025-02-15: 2 - 1 S", asset_class=AssetClass.CRYPTO)
    pages = form_pages(listed(*sales(1, "L"), digital, *sales(12)), LAYOUTS[2025])
    assert [(page.part, page.box, len(page.rows)) for page in pages] == [
        ("I", "C", 11),
        ("I", "C", 1),
        ("I", "I", 1),
        ("II", "F", 1),
    ]


def test_rows_that_go_straight_to_schedule_d_are_on_no_page_and_on_no_statement() -> None:
    rows = rows_of(*sales(3))
    assert all(row.direct_entry for row in rows)
    assert form_pages(rows, LAYOUTS[2025]) == ()
    assert statements(rows) == ()


@given(st.integers(0, 40), st.integers(0, 40), st.sampled_from(sorted(LAYOUTS)))
def test_every_row_is_on_one_page_and_the_totals_foot(short: int, long: int, year: int) -> None:
    rows = listed(*sales(short, year=year), *sales(long, "L", year=year), year=year)
    pages = form_pages(rows, LAYOUTS[year])
    assert tuple(row for page in pages for row in page.rows) == rows
    for page in pages:
        count = len(page.rows)
        assert page.totals == Columns(
            count * Decimal("20.10"), count * Decimal("30.05"), Decimal(0), count * Decimal("-9.95")
        )


@pytest.mark.parametrize(
    ("tax_year", "printed_on"), [(2025, 2025), (2024, 2024), (2026, 2025), (2031, 2025), (2023, 2024), (2012, 2024)]
)
def test_a_year_whose_form_is_unknown_takes_the_latest_with_its_boxes(tax_year: int, printed_on: int) -> None:
    assert layout_for(tax_year).year == printed_on


def test_a_statement_is_of_one_account_and_box_and_its_summary_row_has_its_totals() -> None:
    """Exception 2: the broker and "see attached statement", (b) and (c) blank, code M with those that apply."""
    washed = a_gain("5 X 2025-01-02 to 2025-02-15: 10 - 15 + 2 S")
    rows = listed(*sales(2, account="U1"), washed, *sales(1), *sales(1, "L"))
    made = statements(rows)
    assert [(one.part, one.box, one.account_id, len(one.rows)) for one in made] == [
        ("I", "C", "T1", 2),
        ("I", "C", "U1", 2),
        ("II", "F", "T1", 1),
    ]
    summary = summary_row(made[0])
    assert summary.description == "T1 see attached statement"
    assert (summary.date_acquired, summary.date_sold, summary.codes) == ("", "", "MW")
    assert (summary.proceeds, summary.basis, summary.adjustment, summary.gain_loss) == (
        Decimal("30.10"),
        Decimal("45.05"),
        Decimal(2),
        Decimal("-12.95"),
    )
    # Without another code there is no adjustment, and column (g) says -0-.
    assert (summary_row(made[1]).codes, summary_row(made[1]).adjustment) == ("M", Decimal(0))
