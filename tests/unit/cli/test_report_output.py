"""Where reports go: files by their format, text that no spreadsheet runs, and names that contradict."""

import csv
import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader

from tests.unit.reporting.books import cover
from tickledger.cli.report_output import Format, csv_cell, format_of, print_json, print_reports, written
from tickledger.domain.errors import ConfigurationError
from tickledger.reporting import tax_reports as r
from tickledger.reporting.tax_reports import Report, ReportKind

SECTION = r.table(
    "things",
    "Things",
    ["=1+1", "plain"],
    [
        (r.text("word", "Word"), str),
        (r.day("day", "Day"), lambda _: date(2025, 1, 2)),
        (r.money("amount", "Amount"), lambda _: Decimal("-1.50")),
        (r.detail("thing_id", "Thing"), lambda word: f"id of {word}"),
    ],
    notes=("A note.",),
)
REPORT = Report(ReportKind.GAINS, "Report", (SECTION,), notes=("Another.",))


def test_a_folder_of_csv_has_each_table_and_what_it_rests_on(tmp_path: Path) -> None:
    files = written(cover(), [REPORT], as_format=Format.CSV, out=tmp_path / "deep" / "out", name="unused")
    assert [file.name for file in files] == ["things.csv", "reports.json"]
    rows = list(csv.reader(files[0].open(newline="")))
    assert rows == [
        ["word", "day", "amount", "thing_id"],
        ["'=1+1", "2025-01-02", "-1.50", "id of =1+1"],
        ["plain", "2025-01-02", "-1.50", "id of plain"],
    ]
    told = json.loads(files[1].read_text())
    assert told["cover"]["taxpayer"] == "Jane & Joe"
    assert told["reports"]["gains"]["tables"]["things"] == {
        "title": "Things", "totals": {"amount": -3.0}, "notes": ["A note."],
    }  # fmt: skip


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@A", "\t=1", "\r=1"])
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert csv_cell(text) == f"'{text}"
    assert (csv_cell(Decimal("-1E+3")), csv_cell(None), csv_cell("a=1"), csv_cell(-5)) == ("-1000", "", "a=1", "-5")


def test_workbooks_and_documents_go_where_they_are_sent(tmp_path: Path) -> None:
    (book,) = written(cover(), [REPORT], as_format=Format.XLSX, out=tmp_path, name="report-gains-2025")
    assert book == tmp_path / "report-gains-2025.xlsx"
    assert load_workbook(book).sheetnames == ["Cover", "Things"]
    (document,) = written(cover(), [REPORT], as_format=Format.PDF, out=tmp_path / "mine.pdf", name="unused")
    assert len(PdfReader(document).pages) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.pdf", "report-gains-2025.xlsx"]


def test_the_format_is_told_or_is_in_the_name() -> None:
    assert format_of(None, None) is None
    assert format_of(None, Path("a.XLSX")) is Format.XLSX
    assert format_of(None, Path("folder")) is Format.CSV
    assert format_of(Format.PDF, Path("folder")) is Format.PDF
    with pytest.raises(ConfigurationError, match=r"--out: expected a name for pdf, found a\.xlsx"):
        format_of(Format.PDF, Path("a.xlsx"))


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(ConfigurationError, match="expected a folder for CSV files"):
        written(cover(), [REPORT], as_format=Format.CSV, out=tmp_path / "out", name="unused")


def test_a_person_reads_tables_and_a_program_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    print_reports(cover(watermark="PAPER TRADING - NOT FOR FILING"), [REPORT])
    told = capsys.readouterr().out
    for words in ("PAPER TRADING - NOT FOR FILING", "=1+1", "-3.00", "A note.", "Another.", "2025-01-02"):
        assert words in told
    assert "id of plain" not in told
    print_json(cover(), [REPORT])
    document = json.loads(capsys.readouterr().out)
    assert document["reports"]["gains"]["tables"]["things"]["rows"][0] == {
        "word": "=1+1", "day": "2025-01-02", "amount": -1.5, "thing_id": "id of =1+1",
    }  # fmt: skip
