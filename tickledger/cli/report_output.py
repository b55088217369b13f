"""Where reports go: the terminal, one JSON document, a folder of CSV files, a workbook or a PDF."""

import csv
import json
from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Final

from rich.table import Table as TerminalTable

from tickledger.cli.console import out as stdout
from tickledger.domain.errors import ConfigurationError
from tickledger.reporting.tax_reports import Cell, ColumnKind, Cover, Report, Section, as_document, plain_number

#: What a spreadsheet takes for the start of a formula, also in CSV.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_NUMBERS: Final = frozenset(ColumnKind) - {ColumnKind.TEXT, ColumnKind.DATE}


class Format(StrEnum):
    """How reports are written to files."""

    CSV = "csv"
    XLSX = "xlsx"
    PDF = "pdf"


def format_of(told: Format | None, out: Path | None) -> Format | None:
    """The format that is asked for, or that the name of the file says; None where nothing is to be written.

    Raises ConfigurationError where the two contradict each other.
    """
    suffix = "" if out is None else out.suffix.lower().removeprefix(".")
    by_name = Format(suffix) if suffix in set(Format) - {Format.CSV} else None
    if told is not None and by_name not in {None, told}:
        raise ConfigurationError(f"--out: expected a name for {told}, found {out}")
    if told is not None or by_name is not None:
        return told or by_name
    return None if out is None else Format.CSV


def written(cover: Cover, reports: Sequence[Report], *, as_format: Format, out: Path | None, name: str) -> list[Path]:
    """Write the reports; the files that there now are. Without `out` they are in the current folder, under `name`."""
    if as_format is Format.CSV:
        return _write_csv(cover, reports, out or Path(name))
    path = out or Path(f"{name}.{as_format}")
    if path.is_dir():
        path /= f"{name}.{as_format}"
    _replace(path, _bound(cover, reports, as_format))
    return [path]


def _bound(cover: Cover, reports: Sequence[Report], as_format: Format) -> bytes:
    # Both libraries are slow to import, and only one is needed.
    if as_format is Format.XLSX:
        from tickledger.reporting.workbook import workbook

        return workbook(cover, reports)
    from tickledger.reporting.pdf_report import pdf

    return pdf(cover, reports)


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.write_bytes(content)
    unfinished.replace(path)


def _write_csv(cover: Cover, reports: Sequence[Report], folder: Path) -> list[Path]:
    """A file for each table, and what they rest on as JSON."""
    if folder.is_file():
        raise ConfigurationError(f"--out: expected a folder for CSV files, found the file {folder}")
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for section in (section for report in reports for section in report.sections):
        files.append(folder / f"{section.name}.csv")
        with files[-1].open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([column.name for column in section.columns])
            writer.writerows([csv_cell(cell) for cell in row] for row in section.rows)
    files.append(folder / "reports.json")
    document = as_document(cover, reports)
    for report in document["reports"].values():
        for table in report["tables"].values():
            del table["rows"]
    _replace(files[-1], (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode())
    return files


def csv_cell(cell: Cell) -> str:
    """A cell as CSV: plain numbers, ISO dates; a text that a spreadsheet would run gets an apostrophe before it."""
    match cell:
        case None:
            return ""
        case Decimal():
            return f"{cell:f}"
        case str():
            return f"'{cell}" if cell.startswith(_FORMULA) else cell
        case _:
            return str(cell)


def print_json(cover: Cover, reports: Sequence[Report]) -> None:
    """One document on standard output."""
    stdout.print(json.dumps(as_document(cover, reports), ensure_ascii=False), markup=False, soft_wrap=True)


def print_reports(cover: Cover, reports: Sequence[Report]) -> None:
    """The tables for a person; ids are left off."""
    if cover.watermark:
        stdout.print(cover.watermark, style="bold red", markup=False)
    for report in reports:
        stdout.print(f"{report.title} · {cover.taxpayer} · stands on {cover.on}", style="bold", markup=False)
        for section in report.sections:
            _print_section(section)
        for note in report.notes:
            stdout.print(note, style="dim", markup=False)
        stdout.print()


def _print_section(section: Section) -> None:
    from rich.text import Text

    if not section.rows:
        stdout.print(f"{section.title}: nothing to show", markup=False)
        return
    shown = [(place, column) for place, column in enumerate(section.columns) if not column.is_detail]
    table = TerminalTable(title=section.title, title_justify="left", show_footer=bool(section.totals))
    totals = section.totals
    for _, column in shown:
        footer = _shown(totals.get(column.name), column.kind)
        table.add_column(
            Text(column.title), footer=Text(footer), justify="right" if column.kind in _NUMBERS else "left"
        )
    for row in section.rows:
        cells = [_shown(row[place], column.kind) for place, column in shown]
        table.add_row(*(Text(cell, style="red" if _is_loss(row[place], column.kind) else "")
                        for cell, (place, column) in zip(cells, shown, strict=True)))  # fmt: skip
    stdout.print(table)
    for note in section.notes:
        stdout.print(note, style="dim", markup=False)


def _is_loss(cell: Cell, kind: ColumnKind) -> bool:
    return kind is ColumnKind.MONEY and isinstance(cell, Decimal) and cell < 0


def _shown(cell: Cell, kind: ColumnKind) -> str:
    if isinstance(cell, Decimal):
        return plain_number(cell, kind)
    return "" if cell is None else str(cell)
