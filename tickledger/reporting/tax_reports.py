"""Tax reports as values: tables of typed cells, which the workbook, the PDF, CSV, JSON and the terminal all print.

What belongs here: the shape of a report, and how rows of any value become a table. What the reports say is in
`tax_reports_*`, `open_lots`, `harvest`, `year_end` and `estimated_tax_report`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from tickledger.domain.account import Mode

Value = TypeVar("Value")

#: What a cell holds; None is an empty one.
Cell = str | int | Decimal | date | None


class ReportKind(StrEnum):
    """The reports there are, in the order in which they are bound together."""

    GAINS = "gains"
    OPEN_LOTS = "open-lots"
    WASH_SALES = "wash-sales"
    HARVEST = "harvest"
    ESTIMATED_TAX = "estimated-tax"
    YEAR_END = "year-end"
    FORM_8949 = "form-8949"
    SCHEDULE_D = "schedule-d"
    TRADES = "trades"


class ColumnKind(StrEnum):
    """What a column's cells are: decides formats and alignment."""

    TEXT = "text"
    DATE = "date"
    MONEY = "money"
    PRICE = "price"
    QUANTITY = "quantity"
    INTEGER = "integer"
    PERCENT = "percent"


@dataclass(frozen=True, slots=True)
class Column:
    """`name` is for programs, `title` for people. The cells of a summed column add up to something that is meant.

    Money is USD, a percentage the number of hundredths. A detail is for programs to follow, such as an id: it is left
    off where pages are narrow.
    """

    name: str
    title: str
    kind: ColumnKind = ColumnKind.TEXT
    is_summed: bool = False
    is_detail: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """One table of a report: `name` is a file's stem, `title` a sheet's name; each row has a cell for each column."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()

    @property
    def totals(self) -> Mapping[str, Decimal]:
        """What the cells of each summed column add up to."""
        return {
            column.name: sum((amount for row in self.rows if (amount := as_number(row[place]))), Decimal(0))
            for place, column in enumerate(self.columns)
            if column.is_summed
        }

    def as_dicts(self) -> list[dict[str, Cell]]:
        """The rows by the names of their columns."""
        names = [column.name for column in self.columns]
        return [dict(zip(names, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Report:
    """Tables that belong together, and what is to be said of all of them."""

    kind: ReportKind
    title: str
    sections: tuple[Section, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cover:
    """What reports rest on. `account` is None where all of the taxpayer's are meant, `as_of` where nothing is left out.

    `on` is the day on which the reports stand; `inputs` has the SHA-256 of everything they were made from, by name;
    `policies` are the positions taken where the law is unsettled; `problems` what is wrong or was left out.
    """

    taxpayer: str
    mode: Mode
    tax_year: int
    on: date
    generated_at: datetime
    account: str | None = None
    as_of: datetime | None = None
    watermark: str | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    policies: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    def facts(self) -> list[tuple[str, str]]:
        """The cover's lines, each with its label."""
        as_of = "everything recorded until now" if self.as_of is None else f"as recorded until {self.as_of.isoformat()}"
        return [
            ("Taxpayer", self.taxpayer),
            ("Account", self.account or "all accounts of the taxpayer"),
            ("Mode", str(self.mode)),
            ("Tax year", str(self.tax_year)),
            ("Stands on", self.on.isoformat()),
            ("Record", as_of),
            ("Generated", self.generated_at.isoformat(timespec="seconds")),
        ]


NOT_ADVICE = "An estimate from the record and the numbers stated; no tax, legal or investment advice."


def table(
    name: str,
    title: str,
    values: Iterable[Value],
    fields: Sequence[tuple[Column, Callable[[Value], Cell]]],
    *,
    notes: Iterable[str] = (),
) -> Section:
    """The values as a table: each field is a column and what it shows of a value."""
    return Section(
        name=name,
        title=title,
        columns=tuple(column for column, _ in fields),
        rows=tuple(tuple(shown(value) for _, shown in fields) for value in values),
        notes=tuple(notes),
    )


def text(name: str, title: str) -> Column:
    """A column of words."""
    return Column(name, title)


def detail(name: str, title: str) -> Column:
    """A column of ids."""
    return Column(name, title, is_detail=True)


def day(name: str, title: str) -> Column:
    """A column of dates."""
    return Column(name, title, ColumnKind.DATE)


def money(name: str, title: str, *, is_summed: bool = True) -> Column:
    """A column of dollars and cents, which are added up unless told otherwise."""
    return Column(name, title, ColumnKind.MONEY, is_summed)


def number(name: str, title: str, kind: ColumnKind = ColumnKind.QUANTITY) -> Column:
    """A column of numbers that are not added up."""
    return Column(name, title, kind)


def as_number(cell: Cell) -> Decimal | None:
    """A cell's number, None where it has none."""
    return Decimal(cell) if isinstance(cell, int | Decimal) else None


def plain_number(amount: Decimal, kind: ColumnKind) -> str:
    """A number for people: as many decimals as it has, two at least for prices, always two for money."""
    if kind in {ColumnKind.MONEY, ColumnKind.PERCENT}:
        return f"{amount:,.2f}"
    shown = f"{amount.normalize():,f}"
    whole, _, decimals = shown.partition(".")
    return f"{whole}.{decimals:0<2}" if kind is ColumnKind.PRICE else shown


def plain_cell(cell: Cell) -> Any:  # noqa: ANN401  whatever JSON holds
    """A cell as JSON writes it: numbers as numbers, dates as ISO 8601."""
    match cell:
        case Decimal():
            return float(cell)
        case date():
            return cell.isoformat()
        case _:
            return cell


def as_document(cover: Cover, reports: Iterable[Report]) -> dict[str, Any]:
    """The reports as one JSON-ready document; each table by its name, with its rows, totals and notes."""
    return {
        "cover": {name.lower().replace(" ", "_"): value for name, value in cover.facts()}
        | {
            "watermark": cover.watermark,
            "inputs": dict(cover.inputs),
            "policies": dict(cover.policies),
            "problems": list(cover.problems),
        },
        "reports": {str(report.kind): _of_report(report) for report in reports},
    }


def _of_report(report: Report) -> dict[str, Any]:
    return {
        "title": report.title,
        "notes": list(report.notes),
        "tables": {section.name: _of_section(section) for section in report.sections},
    }


def _of_section(section: Section) -> dict[str, Any]:
    return {
        "title": section.title,
        "rows": [{name: plain_cell(cell) for name, cell in row.items()} for row in section.as_dicts()],
        "totals": {name: float(total) for name, total in section.totals.items()},
        "notes": list(section.notes),
    }
