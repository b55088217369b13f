"""The workbook as Excel reads it: sums that foot, real numbers and dates, and text that never runs."""

import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from zipfile import ZipFile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from tests.examples import examples
from tests.unit.reporting.books import ACCOUNTS, cover, histories, standing
from tickledger.reporting import tax_reports as r
from tickledger.reporting.open_lots import open_lots_report
from tickledger.reporting.tax_reports import Report, ReportKind, Section
from tickledger.reporting.tax_reports_forms import form_8949_report, schedule_d_report
from tickledger.reporting.tax_reports_gains import gains_report
from tickledger.reporting.workbook import workbook
from tickledger.reporting.workbook_values import with_values

SUM = re.compile(r"=SUM\(([A-Z]+)(\d+):([A-Z]+)(\d+)\)")
HISTORY = """
B1 2025-01-02 buys 100 X @ 10
S1 2025-02-03 sells 60 X @ 7
B2 2025-02-10 buys 10 X @ 8
S2 2025-03-03 sells 40 X @ 15
"""


def section(*cells: object, title: str = "Things") -> Section:
    """A table of one column of words and one of money, with these words."""
    return r.table(
        "things",
        title,
        cells,
        [(r.text("word", "Word"), str), (r.money("amount", "Amount"), lambda _: Decimal("-1.25"))],
    )


def bound(*sections: Section) -> bytes:
    return workbook(cover(), [Report(ReportKind.GAINS, "Report", sections)])


def opened(file: bytes, *, values: bool = False) -> Workbook:
    return load_workbook(BytesIO(file), data_only=values)


def formulas(sheet: Worksheet) -> Iterator[tuple[str, str]]:
    for row in sheet.iter_rows():
        for cell in row:
            if cell.data_type == "f":
                yield cell.coordinate, str(cell.value)


def evaluated(sheet: Worksheet, formula: str) -> Decimal:
    """What Excel makes of a sum over one column: the numbers of its cells, added."""
    match = SUM.fullmatch(formula)
    assert match, formula
    assert match[1] == match[3]
    cells = [sheet[f"{match[1]}{row}"].value for row in range(int(match[2]), int(match[4]) + 1)]
    return sum((Decimal(str(cell)) for cell in cells if isinstance(cell, int | float)), Decimal(0))


@settings(max_examples=examples(15))
@given(histories())
def test_every_sum_covers_its_column_and_has_the_value_of_its_cells(history: str) -> None:
    basis = standing(history, "2025-12-31", accounts=ACCOUNTS, closes={"X": "9", "Y": "11"})
    reports = [gains_report(basis), open_lots_report(basis), form_8949_report(basis), schedule_d_report(basis)]
    file = workbook(cover(), reports)
    book, values = opened(file), opened(file, values=True)
    sections = [one for report in reports for one in report.sections]
    for one, sheet in zip(sections, book.worksheets[1:], strict=True):
        last = len(one.rows) + 1
        found = dict(formulas(sheet))
        assert len(found) == (len(one.totals) if one.rows else 0)
        for coordinate, formula in found.items():
            letter = coordinate.rstrip("0123456789")
            assert formula == f"=SUM({letter}2:{letter}{last})"
            name = one.columns[sheet[coordinate].column - 1].name
            total = evaluated(sheet, formula).quantize(Decimal("0.01"))
            assert total == one.totals[name] == Decimal(str(values[sheet.title][coordinate].value)).quantize(total)


def test_a_sheet_for_each_table_and_a_cover_that_leads_to_them() -> None:
    basis = standing(HISTORY, "2025-12-31")
    file = workbook(
        cover(watermark="SIMULATED - NOT FOR FILING", account="T1", inputs={"executions": "ab" * 32}),
        [gains_report(basis)],
    )
    book = opened(file)
    assert book.sheetnames == [
        "Cover", "Gains", "Gains by term", "Gains by symbol", "Gains by account", "Tie to the forms",
    ]  # fmt: skip
    told = [cell.value for row in book["Cover"].iter_rows() for cell in row if cell.value is not None]
    for words in (
        "SIMULATED - NOT FOR FILING",
        "T1",
        "Jane & Joe",
        "ab" * 32,
        "2025-12-01",
        "Gains by symbol (1 rows)",
    ):
        assert words in told
    links = [cell.hyperlink.location for row in book["Cover"].iter_rows() for cell in row if cell.hyperlink]
    assert "'Gains by term'!A1" in links
    header = book["Gains"].oddHeader
    assert header is not None
    assert header.left.text == "Jane && Joe, tax year 2025"


def test_numbers_are_numbers_dates_are_dates_and_everything_can_be_filtered_and_printed() -> None:
    basis = standing(HISTORY, "2025-12-31")
    sheet = opened(workbook(cover(), [gains_report(basis)]))["Gains"]
    heads = {cell.value: cell.column or 0 for cell in sheet[1]}
    proceeds, sold = sheet.cell(2, heads["Proceeds"]), sheet.cell(2, heads["Sold"])
    assert (proceeds.value, proceeds.number_format) == (420, "#,##0.00")
    assert isinstance(sold.value, datetime)
    assert (sold.value.date(), sold.number_format) == (date(2025, 2, 3), "yyyy-mm-dd")
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == f"A1:R{len(basis.gains) + 1}"
    assert sheet.print_title_rows == "$1:$1"
    assert (sheet.page_setup.orientation, sheet.page_setup.fitToHeight) == ("landscape", 0)
    rules = [rule for ranged in sheet.conditional_formatting for rule in ranged.rules]
    assert {(rule.operator, rule.formula[0]) for rule in rules} == {("lessThan", "0")}
    assert all(9 <= sheet.column_dimensions[letter].width <= 44 for letter in "ABCDEFGHIJKLMNOPQR")


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x")', "=cmd|' /C calc'!A0", "\t=1"]
)
def test_text_that_looks_like_a_formula_is_text(text: str) -> None:
    sheet = opened(bound(section(text)))["Things"]
    cell = sheet["A2"]
    assert (cell.data_type, cell.value, cell.number_format) == ("s", text, "@")
    assert cell.quotePrefix or text[0] not in "=+-@"
    assert [formula for _, formula in formulas(sheet)] == ["=SUM(B2:B2)"]


def test_what_xml_cannot_hold_is_left_out() -> None:
    assert opened(bound(section("a\x00b\x07c")))["Things"]["A2"].value == "abc"


def test_names_of_sheets_are_short_different_and_allowed() -> None:
    book = opened(
        bound(section("a", title="A/B [1]: what?"), section("b", title="x" * 40), section("c", title="X" * 40))
    )
    assert book.sheetnames == [
        "Cover",
        "A B  1 : what?".replace(":", " ").replace("?", "").strip(),
        "x" * 31,
        "X" * 29 + " 2",
    ]


def test_an_empty_table_says_so_and_has_no_sums() -> None:
    sheet = opened(bound(section()))["Things"]
    assert [cell.value for row in sheet.iter_rows() for cell in row if cell.value] == [
        "Word",
        "Amount",
        "Nothing to show.",
    ]


def test_the_same_reports_make_the_same_file() -> None:
    basis = standing(HISTORY, "2025-12-31")
    first, second = (workbook(cover(), [gains_report(basis)]) for _ in range(2))
    assert first == second
    stamps = {entry.date_time for entry in ZipFile(BytesIO(first)).infolist()}
    assert stamps == {(2025, 12, 1, 22, 5, 0)}


def test_a_formula_without_a_value_is_no_workbook() -> None:
    book = Workbook()
    book.worksheets[0]["A1"] = "=SUM(B1:B2)"
    file = BytesIO()
    book.save(file)
    with pytest.raises(ValueError, match="expected a value for the formula in Sheet!A1"):
        with_values(file.getvalue(), {}, at=cover().generated_at)


@settings(max_examples=examples(25))
@given(st.text(max_size=40))
def test_any_text_comes_back_as_it_was_or_without_what_xml_forbids(text: str) -> None:
    try:
        value = opened(bound(section(text)))["Things"]["A2"].value
    except UnicodeEncodeError:
        pytest.fail("a text could not be written")
    assert value is None or not str(value).startswith("=") or text.startswith("=")
