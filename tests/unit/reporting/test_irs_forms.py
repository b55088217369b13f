"""The official forms filled in: read back field by field, against the blanks that the IRS publishes."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from tests.tax_forms import a_gain, entries, lines_and_rows, rows_of, texts
from tickledger.domain.account import Mode
from tickledger.domain.instrument import AssetClass
from tickledger.domain.lot import ClosedBy, RealizedGain
from tickledger.reporting.irs_forms import lettering
from tickledger.reporting.irs_forms.amounts import amount_text
from tickledger.reporting.irs_forms.blank_forms import BlankPage, Widget, blank_form
from tickledger.reporting.irs_forms.form_8949_pdf import Head, cut_descriptions, form_8949_pdf
from tickledger.reporting.irs_forms.overlay import Overlay
from tickledger.reporting.irs_forms.preparer_notes import Prepared, preparer_notes
from tickledger.reporting.irs_forms.schedule_d_pdf import schedule_d_pdf, unanswered
from tickledger.reporting.irs_forms.statement_pdf import statement_pdf
from tickledger.tax.form_8949 import BasisReporting
from tickledger.tax.form_layouts import (
    LAYOUTS,
    PARTS,
    SCHEDULE_D_AMOUNTS,
    SCHEDULE_D_QUESTIONS,
    SCHEDULE_D_TOTALS,
)
from tickledger.tax.form_pages import form_pages
from tickledger.tax.form_rows import FormRow
from tickledger.tax.policies import Policies
from tickledger.tax.schedule_d import Carryover, ScheduleD, schedule_d
from tickledger.tax.statement import statements, summary_row

HEAD = Head("Ada Lovelace", "123-45-6789")
SIMULATED = "SIMULATED - NOT FOR FILING"
WASHED = a_gain("50 QCOM 2025-01-02 to 2025-01-15: 1300 - 1500 + 200 S")


def listed(*gains: RealizedGain, year: int = 2025) -> tuple[FormRow, ...]:
    return rows_of(*gains, tax_year=year, reporting=BasisReporting.BASIS_NOT_REPORTED)


def form(rows: tuple[FormRow, ...], *, year: int = 2025, overlay: Overlay | None = None) -> bytes:
    layout = LAYOUTS[year]
    return form_8949_pdf(form_pages(rows, layout), layout=layout, head=HEAD, overlay=overlay or Overlay())


def schedule(*sales: str, year: int = 2025, **more: object) -> ScheduleD:
    lines, _ = lines_and_rows(*map(a_gain, sales), tax_year=year)
    return schedule_d(lines, tax_year=year, **more)  # type: ignore[arg-type]


def filled_schedule(made: ScheduleD, *, year: int = 2025) -> list[dict[str, str]]:
    return entries(schedule_d_pdf(made, layout=LAYOUTS[year], head=HEAD, overlay=Overlay()))


def told(text: str) -> dict[str, str]:
    """Entries as a line of ``field text | field text`` each."""
    return dict(one.strip().split(" ", 1) for line in text.strip().splitlines() for one in line.split("|"))


def widget(page: BlankPage, number: int) -> Widget:
    (found,) = (one for one in page.widgets if (one.kind, one.number) == ("f", number))
    return found


@pytest.mark.parametrize("year", sorted(LAYOUTS))
def test_the_layout_of_form_8949_is_that_of_the_blank(year: int) -> None:
    """The cells of a row stand side by side, the rows below each other, the totals below their columns."""
    layout, blank = LAYOUTS[year], blank_form("f8949", year)
    for part, page in zip(PARTS, blank.pages, strict=True):
        feet = []
        for row in range(layout.rows_per_page):
            cells = [widget(page, layout.cell(row, column)).rectangle for column in "abcdefgh"]  # type: ignore[arg-type]
            assert len({cell[1] for cell in cells}) == 1
            assert [cell[0] for cell in cells] == sorted(cell[0] for cell in cells)
            feet.append(cells[0][1])
        assert feet == sorted(feet, reverse=True)
        for column in "defgh":
            total, cell = layout.total(column), layout.cell(0, column)  # type: ignore[arg-type]
            assert widget(page, total).rectangle[0] == widget(page, cell).rectangle[0]
        texts_on_page = [one.number for one in page.widgets if one.kind == "f"]
        assert len(texts_on_page) == 2 + 8 * layout.rows_per_page + 5
        assert max(texts_on_page) == layout.total("h")
        boxes = [one.rectangle[1] for one in page.widgets if one.kind == "c"]
        assert len(boxes) == len(layout.boxes[part])
        assert boxes == sorted(boxes, reverse=True)


@pytest.mark.parametrize("year", sorted(LAYOUTS))
def test_the_lines_of_schedule_d_are_on_the_blank_from_top_to_bottom(year: int) -> None:
    pages = blank_form("f1040sd", year).pages
    order = ("1a", "1b", "2", "3", "6", "7", "8a", "8b", "9", "10", "14", "15", "16", "21")
    places = [{**SCHEDULE_D_TOTALS, **SCHEDULE_D_AMOUNTS}[line] for line in order]
    heights = [(-page, widget(pages[page - 1], number).rectangle[1]) for page, number in places]
    assert heights == sorted(heights, reverse=True)
    for page, group in SCHEDULE_D_QUESTIONS.values():
        (yes, no) = (one for one in pages[page - 1].widgets if (one.kind, one.number) == ("c", group))
        assert (yes.index, no.index) == (0, 1)
    row = next(one for one in pages[0].widgets if one.number == SCHEDULE_D_TOTALS["8b"][1])
    assert "Row8b[0]" in row.path


@pytest.mark.parametrize("year", sorted(LAYOUTS))
def test_the_widths_of_letters_are_those_of_the_form_s_font(year: int) -> None:
    font = blank_form("f8949", year).acro_form["/DR"]["/Font"]["/HelveticaLTStd-Bold"]  # type: ignore[index]
    stated = {chr(code): int(font["/Widths"][code]) for code in range(32, 127)}
    assert {letter: lettering.text_width(letter, 1000) for letter in stated} == stated


@pytest.mark.parametrize(
    ("amount", "printed"),
    [("4000", "4,000"), ("-2000", "(2,000)"), ("0", "-0-"), ("0.00", "-0-"), ("1234567.89", "1,234,567.89")],
)
def test_negative_amounts_are_in_parentheses_and_zero_is_dashed(amount: str, printed: str) -> None:
    """Instructions for Form 8949 (2025), p. 11, Examples 1 and 2, and p. 8 for -0-."""
    assert amount_text(Decimal(amount)) == printed


def test_the_columns_of_a_wash_sale_on_the_form() -> None:
    (page,) = entries(form(listed(WASHED)))
    assert page == told(
        """
        f1_01 Ada Lovelace | f1_02 123-45-6789 | c1_1[1] /2
        f1_03 50 sh. QCOM | f1_04 01/02/2025 | f1_05 01/15/2025
        f1_06 1,300 | f1_07 1,500 | f1_08 W | f1_09 200 | f1_10 -0-
        f1_91 1,300 | f1_92 1,500 | f1_94 200 | f1_95 -0-
        """
    )


def test_long_term_rows_are_on_the_second_page_of_2024_with_its_three_boxes() -> None:
    gain = a_gain("5 X 2022-01-03 to 2024-06-03: 10 - 15 L")
    (page,) = entries(form(listed(gain, year=2024), year=2024))
    assert page == told(
        """
        f2_1 Ada Lovelace | f2_2 123-45-6789 | c2_1[1] /2
        f2_3 5 sh. X | f2_4 01/03/2022 | f2_5 06/03/2024 | f2_6 10 | f2_7 15 | f2_10 (5)
        f2_115 10 | f2_116 15 | f2_119 (5)
        """
    )


def test_every_page_has_fields_and_a_box_of_its_own() -> None:
    digital = a_gain("1 BTC 2022-01-02 to 2025-02-15: 2 - 1 L", asset_class=AssetClass.CRYPTO)
    rows = listed(*(a_gain(f"{n} X 2025-01-02 to 2025-02-15: {n} - 1 S") for n in range(1, 25)), digital)
    content = form(rows)
    pages = entries(content)
    boxes = [[(name, value) for name, value in page.items() if name.startswith("c")] for page in pages]
    assert boxes == [[("c1_1[1]", "/2")]] * 3 + [[("c2_1[4]", "/5")]]
    assert [page["f1_03"] for page in pages[:3]] == ["1 sh. X", "12 sh. X", "23 sh. X"]
    fields = PdfReader(BytesIO(content)).get_fields() or {}
    table = "Page1[0].Table_Line1_Part1[0].Row1[0].f1_03[0]"
    assert fields[f"topmostSubform[1].{table}"]["/V"] == "12 sh. X"
    assert fields[f"topmostSubform[2].{table}"]["/V"] == "23 sh. X"


@pytest.mark.parametrize(
    ("row", "printed"),
    [
        (("6000", "2000", "O", "-1000", "3000"), "f1_06 6,000 | f1_07 2,000 | f1_08 O | f1_09 (1,000) | f1_10 3,000"),
        (("1000", "900", "B", "800", "900"), "f1_06 1,000 | f1_07 900 | f1_08 B | f1_09 800 | f1_10 900"),
        (
            ("320000", "100000", "EH", "-220000", "0"),
            "f1_06 320,000 | f1_07 100,000 | f1_08 EH | f1_09 (220,000) | f1_10 -0-",
        ),
    ],
)
def test_adjusted_rows_look_as_in_the_instructions(row: tuple[str, str, str, str, str], printed: str) -> None:
    """Instructions for Form 8949 (2025), p. 11, Examples 3 and 4, and p. 8, the example of two codes."""
    proceeds, basis, codes, adjustment, gain = row
    changed = replace(
        listed(WASHED)[0],
        proceeds=Decimal(proceeds),
        basis=Decimal(basis),
        codes=codes,
        adjustment=Decimal(adjustment),
        gain_loss=Decimal(gain),
    )
    (page,) = entries(form((changed,)))
    assert told(printed).items() <= page.items()


def test_an_expired_option_says_so_on_the_form() -> None:
    gain = a_gain(
        "10 JJJ C 2025-04-08 to 2025-12-19: 0 - 4000 S", asset_class=AssetClass.OPTION, closed_by=ClosedBy.EXPIRY
    )
    (page,) = entries(form(listed(gain)))
    assert (page["f1_06"], page["f1_07"], page["f1_10"]) == ("EXPIRED", "4,000", "(4,000)")
    assert (page["f1_91"], page["f1_92"]) == ("-0-", "4,000")


@pytest.mark.parametrize("year", sorted(LAYOUTS))
def test_nothing_of_the_blank_that_hides_or_disowns_the_entries_is_taken_along(year: int) -> None:
    made = schedule(f"1 X {year}-01-02 to {year}-02-15: 2 - 1 S", year=year)
    documents = [
        form(listed(a_gain(f"1 X {year}-01-02 to {year}-02-15: 2 - 1 S"), year=year), year=year),
        schedule_d_pdf(made, layout=LAYOUTS[year], head=HEAD, overlay=Overlay()),
    ]
    for content in documents:
        root = PdfReader(BytesIO(content)).root_object
        assert set(root["/AcroForm"]) == {"/Fields", "/DA", "/DR"}  # type: ignore[call-overload]
        assert not {"/Perms", "/Names", "/StructTreeRoot"} & set(root)


def test_what_is_seen_is_what_the_fields_hold() -> None:
    """Each filled field has an appearance, so that a reader that makes none, or a printer, shows it."""
    reader = PdfReader(BytesIO(form(listed(WASHED))))
    drawn = [
        annotation.get_object()["/AP"]["/N"].get_data().decode("cp1252")
        for annotation in reader.pages[0]["/Annots"]  # type: ignore[attr-defined]
        if annotation.get_object().get("/FT") == "/Tx" and "/V" in annotation.get_object()
    ]
    assert len(drawn) == 14
    assert any("(01/15/2025) Tj" in one for one in drawn)


@pytest.mark.parametrize("year", sorted(LAYOUTS))
def test_amounts_of_any_size_fit_their_column(year: int) -> None:
    left, _, right, _ = widget(blank_form("f8949", year).pages[0], LAYOUTS[year].cell(0, "d")).rectangle
    room = right - left - 4
    for amount in ("(1,234,567.89)", "(123,456,789.00)", "(999,999,999,999.99)"):
        fitted = lettering.fit_line(amount, room, smallest=0)
        assert not fitted.is_cut
        assert lettering.text_width(amount, fitted.size) <= room + 1e-9
    assert lettering.fit_line("(1,234,567.89)", room).size == lettering.SIZE


@given(st.text(max_size=400), st.floats(20, 300), st.floats(12, 60))
def test_text_never_leaves_its_cell(text: str, width: float, height: float) -> None:
    text = lettering.printable(text)
    block, line = lettering.fit_block(text, width, height), lettering.fit_line(text, width)
    for fitted in (block, line):
        assert all(lettering.text_width(part, fitted.size) <= width + 1e-6 for part in fitted.lines)
    assert lettering.block_height(len(block.lines), block.size) <= height
    if not block.is_cut:
        assert "".join("".join(block.lines).split()) == "".join(text.split())


def test_a_description_that_does_not_fit_is_named() -> None:
    fits = a_gain("5 LONG NAME OF A SERIES B PREFERRED STOCK 6.25 PERCENT 2025-01-02 to 2025-02-15: 2 - 1 S")
    too_long = a_gain(f"6 {'WORD ' * 60}END 2025-01-02 to 2025-02-15: 2 - 1 S")
    rows = listed(fits, too_long)
    assert list(cut_descriptions(form_pages(rows, LAYOUTS[2025]), LAYOUTS[2025])) == [rows[1]]
    # The field itself holds all of it.
    assert entries(form(rows))[0]["f1_11"] == rows[1].description


def test_letters_that_the_font_lacks_lose_their_accents() -> None:
    assert lettering.printable("Łukasz Dvořák Müller") == "?ukasz Dvorák Müller"


def test_schedule_d_has_the_lines_of_the_schedule() -> None:
    """Lines 6, 14 and 21 stand between printed parentheses, so their losses are positive."""
    made = schedule(
        "1 X 2025-01-02 to 2025-02-15: 6000.00 - 2000.00 S",
        "2 X 2025-01-02 to 2025-02-15: 1300.00 - 1500.00 + 150.00 S",
        "3 X 2022-01-02 to 2025-02-15: 10.00 - 9000.00 L",
        carryover=Carryover(Decimal(100), Decimal(250)),
    )
    first, second = filled_schedule(made)
    assert first == told(
        """
        f1_1 Ada Lovelace | f1_2 123-45-6789
        f1_3 6,000.00 | f1_4 2,000.00 | f1_6 4,000.00
        f1_7 1,300.00 | f1_8 1,500.00 | f1_9 150.00 | f1_10 (50.00)
        f1_21 100.00 | f1_22 3,850.00
        f1_23 10.00 | f1_24 9,000.00 | f1_26 (8,990.00) | f1_42 250.00 | f1_43 (9,240.00)
        """
    )
    # Line 16 is a loss: lines 17 to 20 are skipped.
    assert second == told("f2_1 (5,390.00) | f2_4 3,000.00")


def test_schedule_d_of_two_gains_answers_line_17_and_no_other_question() -> None:
    first, second = filled_schedule(schedule("1 X 2022-01-02 to 2024-02-15: 6 - 2 L", year=2024), year=2024)
    assert "f1_22" not in first  # nothing short-term, so line 7 is blank
    assert second == told("f2_01 4.00 | c2_1 /1")
    assert "Lines 18, 19 and 20" in " ".join(unanswered(schedule("1 X 2022-01-02 to 2025-02-15: 6 - 2 L")))


def test_schedule_d_without_a_long_term_gain_says_no_on_line_17() -> None:
    _, second = filled_schedule(schedule("1 X 2025-01-02 to 2025-02-15: 6 - 2 S"))
    assert second == told("f2_1 4.00 | c2_1[1] /2")


def test_schedule_d_of_no_sales_is_blank_but_for_line_16() -> None:
    assert filled_schedule(schedule(mode=Mode.LIVE)) == [
        {"f1_1": "Ada Lovelace", "f1_2": "123-45-6789"},
        {"f2_1": "-0-"},
    ]


def prepared(rows: tuple[FormRow, ...], gains: list[RealizedGain], *, with_statement: bool = False) -> Prepared:
    attached = statements(rows) if with_statement else ()
    lines, _ = lines_and_rows(*gains)
    return Prepared(
        layout=LAYOUTS[2025],
        reporting=BasisReporting.BASIS_REPORTED,
        in_whole_dollars=False,
        rows=rows,
        pages=form_pages(map(summary_row, attached) if with_statement else rows, LAYOUTS[2025]),
        statements=attached,
        schedule=schedule_d(lines, tax_year=2025, mode=Mode.LIVE),
        gains={gain.gain_id: gain for gain in gains},
        policies=Policies().described(),
        left_out=("ZZZ",),
    )


def test_a_watermark_is_on_every_page_of_every_document() -> None:
    gains = [a_gain(f"{n} X 2025-01-02 to 2025-02-15: 2 - 5 + 3 S") for n in range(1, 80)]
    rows = rows_of(*gains, mode=Mode.SIMULATED)
    overlay = Overlay(rows[0].watermark, "Tax year 2031, printed on the form of 2025")
    documents = [
        form(rows, overlay=overlay),
        schedule_d_pdf(schedule(mode=Mode.LIVE), layout=LAYOUTS[2025], head=HEAD, overlay=overlay),
        statement_pdf(statements(rows), tax_year=2025, head=HEAD, overlay=overlay),
        preparer_notes(prepared(rows, gains), head=HEAD, overlay=overlay),
    ]
    for content in documents:
        pages = texts(content)
        assert len(pages) > 1
        for text in pages:
            assert SIMULATED in text
            assert "Tax year 2031, printed on the form of 2025" in text
    assert not any("NOT FOR FILING" in text for text in texts(form(rows)))


def test_the_statement_has_the_rows_and_the_totals_of_its_summary_row() -> None:
    gains = [a_gain(f"{n} X 2025-01-02 to 2025-02-15: 20.10 - 30.05 + 9.95 S") for n in range(1, 60)]
    rows = rows_of(*gains)
    pages = texts(statement_pdf(statements(rows), tax_year=2025, head=HEAD, overlay=Overlay()))
    assert len(pages) == 2
    assert all("Ada Lovelace   123-45-6789" in page for page in pages)
    assert "Part I, Short-Term, box A checked: T1 (continued)" in pages[1]
    assert sum(page.count("01/02/2025") for page in pages) == 59
    assert "Page 2 of 2" in pages[1]
    totals = ("1,185.90", "1,772.95", "587.05")
    assert all(total in pages[1] for total in totals)
    (summary,) = entries(form((summary_row(statements(rows)[0]),)))
    assert [summary[name] for name in ("f1_03", "f1_06", "f1_07", "f1_08", "f1_09", "f1_10")] == [
        "T1 see attached statement",
        *totals[:2],
        "MW",
        totals[2],
        "-0-",
    ]
    assert "f1_04" not in summary


def test_the_notes_tell_positions_provisional_rows_and_where_each_gain_is() -> None:
    provisional = a_gain(
        "5 X 2025-12-02 to 2025-12-15: 2 - 5 + 3 S",
        is_provisional=True,
        open_until_date=date(2026, 1, 14),
        policies=("P3",),
        gain_id="gain_p",
    )
    direct = a_gain("6 X 2025-01-02 to 2025-12-15: 9 - 5 S", gain_id="gain_d")
    tacked = a_gain("7 Y 2025-12-02 to 2025-12-15: 2 - 5 + 1 L", gain_id="gain_t", holding_start=date(2024, 1, 2))
    gains = [provisional, direct, tacked]
    text = " ".join(texts(preparer_notes(prepared(rows_of(*gains), gains), head=HEAD, overlay=Overlay())))
    for expected in (
        "P3 older_shares = replace: every purchase of the 61 days replaces",
        "01/14/2026",
        "Rows that depend on a position above",
        "Long-term with the days that washed shares were held",
        "1 of 3 rows need no adjustment",
        "NOT on the forms, because the files do not tell their history: ZZZ",
        "Loss carried to 2026: short-term -0-",
        "The question on qualified opportunity funds",
    ):
        assert expected in text
    lines = [line for line in text.splitlines() if "gain_" in line]
    assert len(lines) == 3
