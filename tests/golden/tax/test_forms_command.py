"""The forms that ``tickledger tax`` writes where they are asked for."""

import csv
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from tests.tax_forms import entries, texts
from tickledger.cli import tax

HEADER = "execution_id,order_id,account,symbol,side,quantity,price,commission,executed_at,asset_class"
#: X is sold at a loss and bought back, 24 times, so that Form 8949 has three pages; the rest is direct.
WASHED = [
    f"{side}{month}-{day},{side}{month}-{day},U1,X,{word},10,{price},0.30,2025-{month:02}-{day:02},stock"
    for month in range(1, 13)
    for day, side, word, price in (
        *((2, "B", "BUY", "50.33"), (9, "S", "SELL", "40.17")),
        *((16, "B", "BUY", "50.33"), (23, "S", "SELL", "40.17")),
    )
]
OTHERS = [
    "C1,C1,U1,BTC,BUY,1,100.00,0,2025-03-03,crypto",
    "C2,C2,U1,BTC,SELL,1,90.49,0,2025-04-03,crypto",
    "L1,L1,U2,Y,BUY,10,10.00,0,2023-03-03,stock",
    "L2,L2,U2,Y,SELL,10,30.05,0,2025-04-03,stock",
]


@pytest.fixture
def fills(tmp_path: Path) -> Path:
    path = tmp_path / "fills.csv"
    path.write_text("\n".join([HEADER, *WASHED, *OTHERS]) + "\n")
    return path


def run(fills: Path, out: Path, *arguments: object, year: int = 2025) -> Result:
    command = typer.Typer()
    command.command()(tax.run)
    given = ("--fills", fills, "--year", year, "--out", out, *arguments)
    return CliRunner().invoke(command, [str(argument) for argument in given])


def form_lines(out: Path) -> list[dict[str, str]]:
    with (out / "form_8949.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def lines_of(out: Path) -> dict[str, Any]:
    lines: dict[str, Any] = json.loads((out / "schedule_d.json").read_text())["lines"]
    return lines


def amount(text: str) -> Decimal:
    """What an amount on a form says."""
    plain = text.strip("()").replace(",", "")
    return Decimal(0) if text == "-0-" else Decimal(plain) * (-1 if text.startswith("(") else 1)


def test_no_form_is_written_that_is_not_asked_for(fills: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(fills, out).exit_code == 0
    assert {path.suffix for path in out.iterdir()} == {".csv", ".json"}


def test_the_filled_forms_foot_from_the_rows_to_schedule_d(fills: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run(fills, out, "--pdf", "--name", "Ada Lovelace", "--ssn", "123456789")
    assert result.exit_code == 0
    pages = entries((out / "form_8949.pdf").read_bytes())
    assert len(pages) == 3
    assert all(page["f1_02"] == "123-45-6789" for page in pages)
    listed = [row for row in form_lines(out) if row["direct_entry"] == "false"]
    for index, column in enumerate(("proceeds", "basis", "", "adjustment", "gain_loss")):
        if column:
            written = sum(amount(page.get(f"f1_{91 + index}", "-0-")) for page in pages)
            rows = [
                amount(page[f"f1_{6 + 8 * row + index:02}"]) for page in pages for row in range(11) if _has(page, row)
            ]
            assert sum(rows) == written == sum(Decimal(row[column]) for row in listed)
    first, second = entries((out / "schedule_d.pdf").read_bytes())
    assert amount(first["f1_7"]) == sum(Decimal(row["proceeds"]) for row in listed)
    assert amount(first["f1_22"]) + amount(first["f1_43"]) == amount(second["f2_1"])
    assert float(amount(second["f2_1"])) == lines_of(out)["16"]
    assert "P1 replacement_held = required" in texts((out / "notes.pdf").read_bytes())[0]


def _has(page: dict[str, str], row: int) -> bool:
    return f"f1_{3 + 8 * row:02}" in page


def test_whole_dollars_are_on_every_form_and_foot(fills: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(fills, out, "--pdf", "--txf", "--whole-dollars").exit_code == 0
    assert not any("." in row["proceeds"] + row["gain_loss"] for row in form_lines(out))
    for row in form_lines(out):
        assert Decimal(row["gain_loss"]) == Decimal(row["proceeds"]) - Decimal(row["basis"]) + Decimal(
            row["adjustment"]
        )
    filled = [*entries((out / "form_8949.pdf").read_bytes()), *entries((out / "schedule_d.pdf").read_bytes())]
    amounts = [text for page in filled for name, text in page.items() if name.startswith("f") and text[-1].isdigit()]
    assert amounts
    assert not any("." in text for text in amounts)
    assert "." not in "".join(line for line in (out / "forms.txf").read_text().splitlines() if line.startswith("$"))


def test_a_statement_takes_the_place_of_the_rows(fills: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(fills, out, "--pdf", "--summary").exit_code == 0
    (page,) = entries((out / "form_8949.pdf").read_bytes())
    assert (page["f1_03"], page["f1_08"]) == ("U1 see attached statement", "MW")
    assert float(amount(page["f1_10"])) == lines_of(out)["1b"]["h"]
    assert page["f1_06"] in texts((out / "statement.pdf").read_bytes())[0]
    # A later run without it leaves none behind.
    run(fills, out, "--pdf")
    assert not (out / "statement.pdf").exists()


def test_the_boxes_follow_what_the_brokers_reported(fills: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run(fills, out, "--reporting", "basis_not_reported")
    assert {row["box"] for row in form_lines(out)} == {"B", "E", "H"}
    assert lines_of(out)["1a"]["d"] == 0


def test_txf_leaves_out_digital_assets_and_says_how_many(fills: Path, tmp_path: Path) -> None:
    result = run(fills, tmp_path / "out", "--txf")
    assert "rows left out of it: 1, of box G" in result.stderr.replace("\n", " ")
    content = (tmp_path / "out/forms.txf").read_bytes().decode("ascii")
    assert content.count("^\r\n") == 1 + len(form_lines(tmp_path / "out")) - 1
    assert "BTC" not in content


def test_a_year_whose_form_is_unknown_is_told_and_printed(fills: Path, tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.csv"
    accounts.write_text("account,kind,owner,mode\nU1,taxable,taxpayer,paper\nU2,taxable,taxpayer,paper\n")
    result = run(fills, tmp_path / "out", "--pdf", "--accounts", accounts, year=2023)
    told = result.stderr.replace("\n", " ")
    assert "2023: printed on the forms of 2024" in told
    assert "no form to file (Exception 1)" in told
    assert not (tmp_path / "out/form_8949.pdf").exists()
    for page in texts((tmp_path / "out/schedule_d.pdf").read_bytes()):
        assert "Tax year 2023, printed on the form of 2024" in page
        assert "PAPER TRADING - NOT FOR FILING" in page


@pytest.mark.parametrize("number", ["12345678", "123-456-789", "12-345-6789", "123-45-678X"])
def test_a_social_security_number_of_another_form_is_wrong_usage(number: str, fills: Path, tmp_path: Path) -> None:
    result = run(fills, tmp_path / "out", "--pdf", "--ssn", number)
    assert result.exit_code == 2
    assert "nine digits" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_statement_without_its_form_is_wrong_usage(fills: Path, tmp_path: Path) -> None:
    result = run(fills, tmp_path / "out", "--summary")
    assert result.exit_code == 2
    assert "--pdf" in result.stderr
