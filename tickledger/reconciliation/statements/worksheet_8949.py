"""The reader of IB's Worksheet for Form 8949 in CSV.

The first cell of a line says what it is: Title, Account, Part, Box, Header, Data, Footer. A footer has the sums of
the rows above it, which are compared. Before 2013 both parts used the boxes A to C; those of part II are told as D to
F.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from tickledger.domain.lot import Term
from tickledger.reconciliation.accounting import Fate
from tickledger.reconciliation.form_1099b import FORM_8949_BOXES, Form1099BRow
from tickledger.reconciliation.statement import Source, StatementFile, StatementKind
from tickledger.reconciliation.statements.activity import torn_end
from tickledger.reconciliation.statements.activity_facts import BROKER
from tickledger.reconciliation.statements.cells import Cells, RefusedRowError
from tickledger.reconciliation.statements.csv_rows import CsvRow, csv_rows, csv_text
from tickledger.reconciliation.statements.drafts import Drafts
from tickledger.reconciliation.statements.place import Place
from tickledger.reconciliation.statements.sales_1099b import completed, date_or_word, needed_date_or_word, quantity_in
from tickledger.reconciliation.statements.terms import ReadingTerms

TITLE: Final = "Worksheet for Form 8949"
_TERMS: Final = {"I": Term.SHORT, "II": Term.LONG}
_OF_PART_TWO: Final = {"A": "D", "B": "E", "C": "F"}
_READ: Final = frozenset(
    {"Description", "Code", "Date Acquired", "Date Sold", "Sales Price", "Cost Basis", "Adjustment", "Symbol", "CUSIP"}
)
_COMPUTED: Final = {"Gain or Loss": "computed from what is read", "Gain/Loss": "computed from what is read"}
_SUMMED: Final = ("Sales Price", "Cost Basis")
_ZERO: Final = Decimal(0)
_WASHED: Final = "W"


@dataclass(slots=True)
class _Sheet:
    place: Place
    drafts: Drafts
    part: str = ""
    box: str = ""
    columns: list[str] = field(default_factory=list)
    sums: dict[str, Decimal] = field(default_factory=dict)
    has_defects: bool = False


def read_worksheet_8949(content: bytes, *, name: str, terms: ReadingTerms | None = None) -> StatementFile:
    """The 1099-B rows of a worksheet; `name` is what Problems call it."""
    place = Place(name, terms or ReadingTerms())
    source = Source(name, hashlib.sha256(content).hexdigest(), StatementKind.WORKSHEET_8949_CSV)
    sheet, text = _Sheet(place, Drafts(place, broker=BROKER)), csv_text(content)
    for line in csv_rows(text):
        _line(sheet, line)
    return StatementFile(source, (sheet.drafts.statement(source),), problems=torn_end(name, text))


def _line(sheet: _Sheet, line: CsvRow) -> None:
    kind, *cells = (cell.strip() for cell in line.cells)
    handler = _HANDLERS.get(kind)
    if handler is None:
        sheet.drafts.tally.add(kind or "lines without a kind", Fate.UNKNOWN)
        return
    try:
        handler(sheet, cells, line.row)
    except RefusedRowError:
        sheet.has_defects = True
        sheet.drafts.tally.add(kind, Fate.REFUSED)
    else:
        sheet.drafts.tally.add(kind, Fate.READ)


def _title(sheet: _Sheet, cells: list[str], row: int) -> None:
    year = cells[1] if len(cells) > 1 else ""
    if not (year.isdecimal() and date.min.year <= int(year) <= date.max.year):
        Cells(sheet.place, row, {"Year": year}, sheet.drafts.problems).note("Year", "a tax year", repr(year))
        return
    sheet.drafts.start_date, sheet.drafts.end_date = date(int(year), 1, 1), date(int(year), 12, 31)


def _account(sheet: _Sheet, cells: list[str], _row: int) -> None:
    sheet.drafts.account_id = cells[0] if cells else ""
    if len(cells) > 1:
        sheet.drafts.tally.add("Account: name", Fate.IGNORED, "personal data, which nothing here needs")


def _part(sheet: _Sheet, cells: list[str], row: int) -> None:
    sheet.part, sheet.sums, sheet.has_defects = cells[0] if cells else "", {}, False
    if sheet.part not in _TERMS:
        Cells(sheet.place, row, {}, sheet.drafts.problems).refuse("Part", "I or II", sheet.part)


def _box(sheet: _Sheet, cells: list[str], row: int) -> None:
    letter = cells[0].upper() if cells else ""
    sheet.box = _OF_PART_TWO.get(letter, letter) if sheet.part == "II" else letter
    if sheet.box not in FORM_8949_BOXES or FORM_8949_BOXES[sheet.box].term is not _TERMS.get(sheet.part):
        sheet.box = ""
        expected = f"a box of part {sheet.part or 'I or II'} of Form 8949"
        Cells(sheet.place, row, {}, sheet.drafts.problems).refuse("Box", expected, letter)


def _header(sheet: _Sheet, cells: list[str], _row: int) -> None:
    sheet.columns = cells
    for column in filter(None, cells):
        reason = _COMPUTED.get(column, "")
        fate = Fate.READ if column in _READ else Fate.IGNORED if reason else Fate.UNKNOWN
        sheet.drafts.tally.add(f"Header: {column}", fate, reason)


def _data(sheet: _Sheet, cells: list[str], number: int) -> None:
    row = _cells(sheet, cells, number, "Data")
    for name in _SUMMED:
        sheet.sums[name] = sheet.sums.get(name, _ZERO) + (row.number(name) or _ZERO)
    description, codes = row.needed_text("Description", "what was sold"), row.text("Code").upper()
    acquired, acquired_text = date_or_word(row, "Date Acquired")
    sold, sold_text = needed_date_or_word(row, "Date Sold")
    adjustment = row.number("Adjustment")
    sale = Form1099BRow(
        description=description,
        proceeds=row.needed_number("Sales Price"),
        sold_date=sold,
        sold_text=sold_text,
        acquired_date=acquired,
        acquired_text=acquired_text,
        basis=row.number("Cost Basis"),
        disallowed_loss=adjustment if codes == _WASHED else None,
        term=_TERMS.get(sheet.part),
        form_8949_box=sheet.box,
        adjustment_code=codes,
        adjustment=adjustment,
        quantity=quantity_in(description),
        symbol=row.text("Symbol"),
        cusip=row.text("CUSIP"),
        where=sheet.place.name,
        row=number,
    )
    sheet.drafts.form_1099b.append(completed(sale))


def _footer(sheet: _Sheet, cells: list[str], number: int) -> None:
    row = _cells(sheet, cells, number, "Footer")
    for name in _SUMMED:
        told, found = row.number(name), sheet.sums.get(name, _ZERO)
        if told is not None and told != found and not sheet.has_defects:
            row.note(name, f"{found}, the sum of the rows above", str(told), severity="warning")


def _cells(sheet: _Sheet, cells: list[str], row: int, section: str) -> Cells:
    if not sheet.columns:
        Cells(sheet.place, row, {}, sheet.drafts.problems, section).refuse("", "a line Header above", "none")
    return Cells(sheet.place, row, dict(zip(sheet.columns, cells, strict=False)), sheet.drafts.problems, section)


_HANDLERS: Final = {
    "Title": _title,
    "Account": _account,
    "Part": _part,
    "Box": _box,
    "Header": _header,
    "Data": _data,
    "Footer": _footer,
}
