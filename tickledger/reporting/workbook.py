"""Reports as one Excel workbook: a cover, then a sheet for each table, with numbers, dates, formats and sums that foot.

The sums are formulas over the cells above them, so that a correction moves them; each is written with the value it has,
for readers that do not calculate. Text never becomes a formula, whatever it starts with.
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from io import BytesIO
from typing import Final

from openpyxl import Workbook
from openpyxl.cell import Cell as SheetCell
from openpyxl.formatting.rule import Rule
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.styles.differential import DifferentialStyle
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.worksheet import Worksheet

from tickledger.reporting.tax_reports import NOT_ADVICE, Cell, Column, ColumnKind, Cover, Report, Section, plain_number
from tickledger.reporting.workbook_values import with_values

_FORMATS: Final[Mapping[ColumnKind, str]] = {
    ColumnKind.DATE: "yyyy-mm-dd",
    ColumnKind.MONEY: "#,##0.00",
    ColumnKind.PRICE: "#,##0.00####",
    ColumnKind.QUANTITY: "#,##0.######",
    ColumnKind.INTEGER: "#,##0",
    ColumnKind.PERCENT: "0.00",
}
_TEXT_FORMAT: Final = "@"
#: What a spreadsheet takes for the start of a formula.
_FORMULA: Final = tuple("=+-@\t\r")
_HEAD: Final = Font(bold=True, color="FFFFFF")
_HEAD_FILL: Final = PatternFill("solid", start_color="1F3A5F")
_TOTAL: Final = Font(bold=True)
_TOTAL_LINE: Final = Border(top=Side("thin"), bottom=Side("double"))
_MARK: Final = Font(bold=True, size=14, color="B00020")
_NOTE: Final = Font(italic=True, color="555555")
_LOSS: Final = Font(color="B00020")
_WRAPPED: Final = Alignment(wrap_text=True, vertical="top")
_HEAD_ALIGNMENT: Final = Alignment(horizontal="center", vertical="center", wrap_text=True)
#: Where losses are red.
_SIGNED: Final = frozenset({ColumnKind.MONEY, ColumnKind.PERCENT})
_NARROWEST, _WIDEST, _PADDING = 9, 44, 2
#: Characters that no sheet's name may have, and how long it may be.
_FORBIDDEN: Final = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))
_LONGEST_NAME: Final = 31
#: What XML cannot hold.
_CONTROL: Final = {code: None for code in range(32) if chr(code) not in "\t\n\r"}
_COVER_WIDTH: Final = 78


def workbook(cover: Cover, reports: Sequence[Report]) -> bytes:
    """The workbook as a file's bytes; the same input gives the same bytes but for the time in `cover`."""
    book = Workbook()
    front = book.active
    if not isinstance(front, Worksheet):
        raise TypeError(f"expected a worksheet in a new workbook, found {front!r}")
    front.title = "Cover"
    values: dict[str, dict[str, Decimal]] = {}
    sheets: list[tuple[Report, Section, str]] = []
    for report in reports:
        for section in report.sections:
            name = _sheet_name(section.title, [front.title, *values])
            sheet = book.create_sheet(name)
            values[name] = _write_section(sheet, section, cover)
            sheets.append((report, section, name))
    _write_cover(front, cover, reports, sheets)
    stamp = cover.generated_at.replace(tzinfo=None)
    book.properties.created = book.properties.modified = stamp
    book.properties.creator = book.properties.lastModifiedBy = "Tickledger"
    book.properties.title = f"Tax reports {cover.tax_year}, {cover.taxpayer}"
    file = BytesIO()
    book.save(file)
    return with_values(file.getvalue(), values, at=cover.generated_at)


def _sheet_name(title: str, taken: Iterable[str]) -> str:
    """A name that Excel takes and no other sheet has, whatever case it is written in."""
    known = {name.lower() for name in taken}
    base = title.translate(_CONTROL).translate(_FORBIDDEN).strip()[:_LONGEST_NAME] or "Sheet"
    name, number = base, 2
    while name.lower() in known:
        suffix = f" {number}"
        name, number = base[: _LONGEST_NAME - len(suffix)] + suffix, number + 1
    return name


def _write_section(sheet: Worksheet, section: Section, cover: Cover) -> dict[str, Decimal]:
    """The table; the values of the formulas by their cells."""
    _write_head(sheet, section.columns)
    for number, row in enumerate(section.rows, start=2):
        for place, (column, cell) in enumerate(zip(section.columns, row, strict=True), start=1):
            _write(_cell(sheet, number, place), cell, column.kind)
    last = len(section.rows) + 1
    formulas = _write_totals(sheet, section, last=last)
    _write_notes(sheet, section, start=last + (2 if formulas else 1) + 1)
    _finish(sheet, section, cover, last=last)
    return formulas


def _cell(sheet: Worksheet, row: int, place: int) -> SheetCell:
    """A cell of a sheet in which none are merged."""
    found = sheet.cell(row, place)
    if not isinstance(found, SheetCell):
        raise TypeError(f"expected a cell of its own, found {found!r}")
    return found


def _write_head(sheet: Worksheet, columns: Sequence[Column]) -> None:
    for place, column in enumerate(columns, start=1):
        head = _cell(sheet, 1, place)
        _write(head, column.title, ColumnKind.TEXT)
        head.font, head.fill, head.alignment = _HEAD, _HEAD_FILL, _HEAD_ALIGNMENT
    sheet.row_dimensions[1].height = 32
    sheet.freeze_panes = "A2"


def _write(target: SheetCell, cell: Cell, kind: ColumnKind) -> None:
    """A cell's value in the format of its column; text is written as text even where it looks like a formula."""
    if cell is None:
        return
    if isinstance(cell, str):
        target.value = cell.translate(_CONTROL)
        target.data_type = "s"
        if cell.startswith(_FORMULA):
            # Excel itself then keeps it text where somebody edits the cell.
            target.quotePrefix = True
            target.number_format = _TEXT_FORMAT
        return
    target.value = cell
    target.number_format = _FORMATS[kind]


def _write_totals(sheet: Worksheet, section: Section, *, last: int) -> dict[str, Decimal]:
    totals = section.totals
    if not section.rows or not totals:
        return {}
    formulas: dict[str, Decimal] = {}
    for place, column in enumerate(section.columns, start=1):
        target = _cell(sheet, last + 1, place)
        target.border = _TOTAL_LINE
        target.font = _TOTAL
        if column.name in totals:
            letter = get_column_letter(place)
            target.value = f"=SUM({letter}2:{letter}{last})"
            target.number_format = _FORMATS[column.kind]
            formulas[target.coordinate] = totals[column.name]
    if section.columns[0].name not in totals:
        _write(_cell(sheet, last + 1, 1), "Total", ColumnKind.TEXT)
    return formulas


def _write_notes(sheet: Worksheet, section: Section, *, start: int) -> None:
    notes = section.notes if section.rows else (*section.notes, "Nothing to show.")
    for number, note in enumerate(notes, start=start):
        target = _cell(sheet, number, 1)
        _write(target, note, ColumnKind.TEXT)
        target.font = _NOTE


def _finish(sheet: Worksheet, section: Section, cover: Cover, *, last: int) -> None:
    """Widths, filter, red losses, and how it is printed."""
    for place, column in enumerate(section.columns, start=1):
        letter = get_column_letter(place)
        sheet.column_dimensions[letter].width = _width(column, place - 1, section)
        if column.kind in _SIGNED and section.rows:
            rule = Rule(type="cellIs", dxf=DifferentialStyle(font=_LOSS), operator="lessThan", formula=["0"])
            sheet.conditional_formatting.add(f"{letter}2:{letter}{last + 1}", rule)
    if section.rows:
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(section.columns))}{last}"
    sheet.print_title_rows = "1:1"
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    if sheet.sheet_properties.pageSetUpPr is not None:
        sheet.sheet_properties.pageSetUpPr.fitToPage = True
    _header_and_footer(sheet, cover, section.title)


def _header_and_footer(sheet: Worksheet, cover: Cover, title: str) -> None:
    """What is printed on every page; an ampersand starts a code there, so that two stand for one."""
    header, footer = sheet.oddHeader, sheet.oddFooter
    if header is None or footer is None:
        raise TypeError(f"expected a header and a footer in a new sheet, found {header!r} and {footer!r}")
    for part, words in (
        (header.left, f"{cover.taxpayer}, tax year {cover.tax_year}".replace("&", "&&")),
        (header.center, (cover.watermark or "").replace("&", "&&")),
        (header.right, title.replace("&", "&&")),
        (footer.left, f"Stands on {cover.on}"),
        (footer.right, "Page &P of &N"),
    ):
        if part is not None:
            part.text = words


def _width(column: Column, place: int, section: Section) -> float:
    shown = [_shown(row[place], column.kind) for row in section.rows]
    total = section.totals.get(column.name)
    longest = max((len(text) for text in [*shown, _shown(total, column.kind)]), default=0)
    # A heading may break where it has a space.
    words = max(map(len, column.title.split()), default=0)
    return float(min(max(longest, words, _NARROWEST - _PADDING) + _PADDING, _WIDEST))


def _shown(cell: Cell, kind: ColumnKind) -> str:
    if isinstance(cell, Decimal):
        return plain_number(cell, kind)
    return "" if cell is None else str(cell)


def _write_cover(
    sheet: Worksheet, cover: Cover, reports: Sequence[Report], sheets: Sequence[tuple[Report, Section, str]]
) -> None:
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 26, _COVER_WIDTH
    row = 1
    _write(_cell(sheet, row, 1), f"Tax reports {cover.tax_year}", ColumnKind.TEXT)
    _cell(sheet, row, 1).font = Font(bold=True, size=16)
    if cover.watermark:
        row += 1
        _write(_cell(sheet, row, 1), cover.watermark, ColumnKind.TEXT)
        _cell(sheet, row, 1).font = _MARK
    row = _pairs(sheet, row + 2, "", cover.facts())
    row = _contents(sheet, row, sheets)
    row = _pairs(sheet, row, "Notes", [(report.title, note) for report in reports for note in report.notes])
    row = _pairs(sheet, row, "Problems", [("", problem) for problem in cover.problems])
    row = _pairs(sheet, row, "Positions where the law is unsettled", list(cover.policies.items()))
    row = _pairs(sheet, row, "Inputs (SHA-256)", list(cover.inputs.items()))
    _write(_cell(sheet, row, 1), NOT_ADVICE, ColumnKind.TEXT)
    _cell(sheet, row, 1).font = _NOTE
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = 1, 0
    if sheet.sheet_properties.pageSetUpPr is not None:
        sheet.sheet_properties.pageSetUpPr.fitToPage = True
    _header_and_footer(sheet, cover, "Cover")


def _pairs(sheet: Worksheet, row: int, title: str, pairs: Sequence[tuple[str, str]]) -> int:
    """Lines of a label and a text under a title; the next free row."""
    if not pairs:
        return row
    if title:
        _write(_cell(sheet, row, 1), title, ColumnKind.TEXT)
        _cell(sheet, row, 1).font = _TOTAL
        row += 1
    known = ""
    for label, told in pairs:
        _write(_cell(sheet, row, 1), "" if label == known else label, ColumnKind.TEXT)
        _write(_cell(sheet, row, 2), told, ColumnKind.TEXT)
        _cell(sheet, row, 1).alignment = _cell(sheet, row, 2).alignment = _WRAPPED
        known, row = label, row + 1
    return row + 1


def _contents(sheet: Worksheet, row: int, sheets: Sequence[tuple[Report, Section, str]]) -> int:
    """The sheets by report, each with a link."""
    _write(_cell(sheet, row, 1), "Sheets", ColumnKind.TEXT)
    _cell(sheet, row, 1).font = _TOTAL
    known = ""
    for report, section, name in sheets:
        row += 1
        _write(_cell(sheet, row, 1), "" if report.title == known else report.title, ColumnKind.TEXT)
        link = _cell(sheet, row, 2)
        _write(link, f"{name} ({len(section.rows)} rows)", ColumnKind.TEXT)
        link.hyperlink = Hyperlink(ref=link.coordinate, location=f"'{name}'!A1")
        link.font = Font(underline="single", color="1F3A5F")
        known = report.title
    return row + 2
