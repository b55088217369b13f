"""The reader of 1099-B rows in any CSV whose columns are told by a mapping from the boxes of the form.

A mapping is data, so that a broker's export needs no code. A column that the mapping neither reads nor leaves aside
counts as unknown.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from tickledger.domain.errors import ConfigurationError, Problem
from tickledger.reconciliation.accounting import Fate
from tickledger.reconciliation.form_1099b import Form1099BRow
from tickledger.reconciliation.statement import Source, StatementFile, StatementKind
from tickledger.reconciliation.statements.activity import torn_end
from tickledger.reconciliation.statements.cells import Cells, RefusedRowError
from tickledger.reconciliation.statements.csv_rows import CsvRow, csv_rows, csv_text
from tickledger.reconciliation.statements.drafts import Drafts
from tickledger.reconciliation.statements.place import Place
from tickledger.reconciliation.statements.sales_1099b import (
    a_term,
    a_yes,
    completed,
    date_or_word,
    needed_date_or_word,
    quantity_in,
    symbol_in,
)
from tickledger.reconciliation.statements.terms import ReadingTerms

#: The boxes of the form, and what exports tell beside them.
BOXES: Final = frozenset(
    {
        *("1a", "1b", "1c", "1d", "1e", "1f", "1g", "2", "2 ordinary", "3", "4", "5", "6", "7", "12"),
        *("8949", "code", "adjustment", "quantity", "symbol", "cusip"),
    }
)
_NEEDED: Final = ("1a", "1c", "1d")


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """Which column holds which box. Raises ConfigurationError for a box that does not exist or one that is missing.

    `ignored` are columns that are left aside, with the reasons; `footers` the words that the first cell of a line of
    sums begins with. `net_proceeds` says that box 6 is "net" where no column does.
    """

    name: str
    boxes: Mapping[str, str]
    broker: str = ""
    ignored: Mapping[str, str] = field(default_factory=dict)
    footers: tuple[str, ...] = ("Total",)
    net_proceeds: bool | None = None

    def __post_init__(self) -> None:
        strange = sorted(self.boxes.keys() - BOXES)
        missing = [box for box in _NEEDED if box not in self.boxes]
        if strange or missing:
            found = f"unknown {', '.join(strange)}" if strange else f"no {', '.join(missing)}"
            raise ConfigurationError(f"column mapping {self.name}: expected boxes of Form 1099-B, found {found}")


#: TD Ameritrade's report of gains and losses, whose proceeds and costs are adjusted for commissions and wash sales.
TD_AMERITRADE: Final = ColumnMapping(
    name="TD Ameritrade gain/loss",
    broker="TD Ameritrade",
    boxes={
        "1a": "Security",
        "1b": "Open date",
        "1c": "Close date",
        "1d": "Adj proceeds",
        "1e": "Adj cost",
        "2": "Term",
        "quantity": "Qty",
    },
    ignored={
        "Trans type": "the method that chose the lot",
        "Adj gain($)": "computed from what is read",
        "Adj gain(%)": "computed from what is read",
    },
    net_proceeds=True,
)

#: The form's own boxes as headings, for rows that a person or another program has written.
PLAIN_BOXES: Final = ColumnMapping(name="boxes as headings", boxes={box: box for box in sorted(BOXES)})

MAPPINGS: Final = (TD_AMERITRADE, PLAIN_BOXES)


def mapping_for(columns: list[str]) -> ColumnMapping | None:
    """The ready-made mapping that fits a header: all that it needs is there."""
    found = {column.strip() for column in columns}
    return next((one for one in MAPPINGS if all(one.boxes[box] in found for box in _NEEDED)), None)


def read_columns_1099b(
    content: bytes, *, name: str, mapping: ColumnMapping, terms: ReadingTerms | None = None
) -> StatementFile:
    """The 1099-B rows of a CSV whose first line names its columns; `name` is what Problems call the file."""
    place = Place(name, terms or ReadingTerms())
    source = Source(name, hashlib.sha256(content).hexdigest(), StatementKind.COLUMNS_1099B_CSV)
    drafts, text = Drafts(place, broker=mapping.broker), csv_text(content)
    header, *lines = list(csv_rows(text)) or [CsvRow(1, [])]
    columns = [cell.strip() for cell in header.cells]
    problems = _missing_columns(name, columns, mapping)
    if not problems:
        _account_columns(drafts, columns, mapping)
        for line in lines:
            _line(drafts, columns, line, mapping)
    years = {sale.sold_date.year for sale in drafts.form_1099b if sale.sold_date is not None}
    if len(years) == 1:
        (year,) = years
        drafts.start_date, drafts.end_date = date(year, 1, 1), date(year, 12, 31)
    return StatementFile(source, (drafts.statement(source),), problems=(*problems, *torn_end(name, text)))


def _missing_columns(name: str, columns: list[str], mapping: ColumnMapping) -> tuple[Problem, ...]:
    found = ", ".join(columns) or "an empty file"
    missing = [mapping.boxes[box] for box in _NEEDED if mapping.boxes[box] not in columns]
    return tuple(Problem(name, f"a column {column}", found, 1, column) for column in missing)


def _account_columns(drafts: Drafts, columns: list[str], mapping: ColumnMapping) -> None:
    read = set(mapping.boxes.values())
    for column in columns:
        reason = mapping.ignored.get(column, "")
        fate = Fate.READ if column in read else Fate.IGNORED if reason else Fate.UNKNOWN
        drafts.tally.add(f"column {column}", fate, reason)


def _line(drafts: Drafts, columns: list[str], line: CsvRow, mapping: ColumnMapping) -> None:
    if line.cells[0].strip().startswith(mapping.footers):
        drafts.tally.add("lines of sums", Fate.IGNORED, "a sum of rows that are read")
        return
    row = Cells(drafts.place, line.row, dict(zip(columns, line.cells, strict=False)), drafts.problems)
    if line.is_torn or len(line.cells) < len(columns):
        found = "a quote that is never closed" if line.is_torn else f"{len(line.cells)} cells"
        row.note("", f"{len(columns)} cells", found)
    try:
        drafts.form_1099b.append(_sale(row, mapping))
    except RefusedRowError:
        drafts.tally.add("rows", Fate.REFUSED)
    else:
        drafts.tally.add("rows", Fate.READ)


def _sale(row: Cells, mapping: ColumnMapping) -> Form1099BRow:
    column: Callable[[str], str] = lambda box: mapping.boxes.get(box, "")  # noqa: E731 - a name for a lookup
    description = row.needed_text(column("1a"), "what was sold")
    acquired, acquired_text = date_or_word(row, column("1b"))
    sold, sold_text = needed_date_or_word(row, column("1c"))
    loss = row.number(column("1g"))
    is_net = row.parsed(column("6"), _is_net, "net or gross")
    sale = Form1099BRow(
        description=description,
        proceeds=row.needed_number(column("1d")),
        sold_date=sold,
        sold_text=sold_text,
        acquired_date=acquired,
        acquired_text=acquired_text,
        basis=row.number(column("1e")),
        accrued_market_discount=row.number(column("1f")),
        disallowed_loss=None if loss is None else abs(loss),
        term=row.parsed(column("2"), a_term, "short-term or long-term"),
        is_ordinary=row.parsed(column("2 ordinary"), a_yes, "yes or no"),
        is_collectible=row.parsed(column("3"), a_yes, "yes or no"),
        federal_tax_withheld=row.number(column("4")),
        is_noncovered=row.parsed(column("5"), a_yes, "yes or no"),
        is_net_proceeds=mapping.net_proceeds if is_net is None else is_net,
        is_loss_not_allowed=row.parsed(column("7"), a_yes, "yes or no"),
        is_basis_reported=row.parsed(column("12"), a_yes, "yes or no"),
        form_8949_box=row.text(column("8949")).upper(),
        adjustment_code=row.text(column("code")).upper(),
        adjustment=row.number(column("adjustment")),
        quantity=_quantity(row, column("quantity"), description),
        symbol=row.text(column("symbol")) or symbol_in(description),
        cusip=row.text(column("cusip")),
        where=row.place.name,
        row=row.row,
    )
    return completed(sale)


def _is_net(text: str) -> bool:
    word = text.strip().lower()
    if word not in {"net", "gross"}:
        raise ValueError(text)
    return word == "net"


def _quantity(row: Cells, column: str, description: str) -> Decimal | None:
    found = row.number(column)
    return quantity_in(description) if found is None else abs(found)
