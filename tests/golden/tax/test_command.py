"""``tickledger tax`` on files: what it writes, what it says of bad input, and how it ends."""

import csv
import gzip
import json
from pathlib import Path

import pandas as pd
import pytest
import typer
from typer.testing import CliRunner, Result

from tickledger.cli import tax
from tickledger.domain.errors import ConfigurationError, InputError
from tickledger.reporting.tax_tables import LOT_COLUMNS

FILLS = """\
execution_id,order_id,account,symbol,side,quantity,price,commission,executed_at
B1,O1,U1,X,BUY,100,10.00,1.00,2023-01-10
B2,O2,U1,Y,BUY,10,5.00,0,2024-05-06
S1,O3,U1,X,SELL,100,8.00,1.00,2024-12-20T15:30:00-05:00
B3,O4,U1,X,BUY,60,8.50,0.60,2025-01-06T14:31:00Z
S2,O5,U1,Y,SELL,10,7.00,0,2024-06-03
"""


@pytest.fixture
def fills(tmp_path: Path) -> Path:
    path = tmp_path / "fills.csv"
    path.write_text(FILLS)
    return path


def run(*arguments: object) -> Result:
    command = typer.Typer()
    command.command()(tax.run)
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_five_files_of_a_year(fills: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("--fills", fills, "--year", 2024, "--out", out).exit_code == 0
    assert sorted(path.name for path in out.iterdir()) == [
        "form_8949.csv",
        "gains.csv",
        "lots.csv",
        "schedule_d.json",
        "wash_sales.csv",
    ]
    # Sold at a loss of 202, cost of buying and selling included; 60 of 100 shares were bought back in January.
    gains = {row["close_execution_id"]: row for row in rows(out / "gains.csv")}
    assert gains["S1"]["disallowed_loss"] == "121.20"
    assert gains["S1"]["gain_loss"] == "-80.80"
    assert gains["S1"]["term"] == "L"
    assert gains["S2"]["adjustment_code"] == ""
    (wash,) = rows(out / "wash_sales.csv")
    assert (wash["gain_id"], wash["replacement_execution_id"], wash["permanent"]) == (
        gains["S1"]["gain_id"],
        "B3",
        "false",
    )
    (lot,) = rows(out / "lots.csv")
    assert (lot["quantity"], lot["original_basis"], lot["adjusted_basis"]) == ("60", "510.60", "631.80")
    assert [(row["box"], row["codes"], row["direct_entry"]) for row in rows(out / "form_8949.csv")] == [
        ("A", "", "true"),
        ("D", "W", "false"),
    ]
    schedule = json.loads((out / "schedule_d.json").read_text())
    assert schedule["lines"]["16"] == -60.8
    assert schedule["policies"]["P1 replacement_held"].startswith("required")


def test_gzip_and_parquet_give_what_csv_gives(fills: Path, tmp_path: Path) -> None:
    zipped = tmp_path / "fills.csv.gz"
    zipped.write_bytes(gzip.compress(fills.read_bytes()))
    parquet = tmp_path / "fills.parquet"
    pd.read_csv(fills).to_parquet(parquet)
    written = []
    for source in (fills, zipped, parquet):
        out = tmp_path / source.suffix.removeprefix(".")
        assert run("--fills", source, "--year", 2024, "--out", out).exit_code == 0
        written.append([(out / name).read_text() for name in ("gains.csv", "lots.csv", "form_8949.csv")])
    assert written[0] == written[1] == written[2]


def test_next_year_starts_from_the_files_of_this_one(fills: Path, tmp_path: Path) -> None:
    run("--fills", fills, "--year", 2024, "--out", tmp_path / "2024")
    later = tmp_path / "later.csv"
    later.write_text(FILLS.splitlines()[0] + "\nS3,O6,U1,X,SELL,60,12.00,0,2025-06-02\n")
    out = tmp_path / "2025"
    carried = ("--opening-lots", tmp_path / "2024/lots.csv", "--carryover", tmp_path / "2024/schedule_d.json")
    assert run("--fills", later, *carried, "--year", 2025, "--out", out).exit_code == 0
    (gain,) = rows(out / "gains.csv")
    # 710 days of the shares sold in December come before the purchase in January: long-term.
    assert (gain["basis"], gain["gain_loss"], gain["term"]) == ("631.80", "88.20", "L")


def test_the_summary_as_one_json_document(fills: Path, tmp_path: Path) -> None:
    result = run("--fills", fills, "--year", 2024, "--out", tmp_path / "out", "--json")
    document = json.loads(result.stdout)
    assert (document["long_term"], document["disallowed_loss"], document["watermark"]) == (-80.8, 121.2, None)
    assert document["problems"] == []


def test_money_that_is_not_real_is_marked_everywhere(fills: Path, tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.csv"
    accounts.write_text("account,kind,owner,mode\nU1,taxable,taxpayer,simulated\n")
    out = tmp_path / "out"
    result = run("--fills", fills, "--accounts", accounts, "--year", 2024, "--out", out)
    assert "SIMULATED - NOT FOR FILING" in result.stdout
    assert {row["watermark"] for row in rows(out / "form_8949.csv")} == {"SIMULATED - NOT FOR FILING"}
    assert json.loads((out / "schedule_d.json").read_text())["watermark"] == "SIMULATED - NOT FOR FILING"


def test_accounts_change_their_method_by_date(fills: Path, tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.csv"
    accounts.write_text(
        "account,kind,owner,mode,method,method_from\n"
        "U1,taxable,taxpayer,live,lifo,2024-01-01\n"
        "U1,taxable,taxpayer,live,fifo,2025-01-01\n"
    )
    with fills.open("a") as file:
        file.write("B4,O7,U1,X,BUY,100,9.00,0,2024-12-19\n")
    out = tmp_path / "out"
    assert run("--fills", fills, "--accounts", accounts, "--year", 2024, "--out", out).exit_code == 0
    assert {row["open_execution_id"] for row in rows(out / "gains.csv")} == {"B4", "B2"}


def test_a_policy_is_set_by_name_and_printed(fills: Path, tmp_path: Path) -> None:
    result = run("--fills", fills, "--year", 2024, "--out", tmp_path / "out", "--policy", "same_order=replaces")
    assert "P2 same_order = replaces" in result.stdout
    refused = run("--fills", fills, "--year", 2024, "--out", tmp_path / "out", "--policy", "same_order=perhaps")
    assert isinstance(refused.exception, ConfigurationError)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("E1,O,U1,Z,BUY,10,5,0,2024-13-01", "row 7, column executed_at: expected a date, or an instant"),
        ("E1,O,U1,Z,BUY,10,5,0,2024-06-03T10:00:00", "row 7, column executed_at: expected a date, or an instant"),
        ("E1,O,U1,Z,BUY,10,5,0,2199-06-03", "row 7, column executed_at: expected a date not after today"),
        ("E1,O,U1,Z,BUY,-10,5,0,2024-06-03", "row 7, column quantity: expected a number above 0, found '-10'"),
        ("E1,O,U1,Z,BUY,nan,5,0,2024-06-03", "row 7, column quantity: expected a number above 0, found 'nan'"),
        ('E1,O,U1,Z,BUY,"1,000",5,0,2024-06-03', "column quantity: expected a number above 0, found '1,000'"),
        ("E1,O,U1,Z,BUY,10,,0,2024-06-03", "row 7, column price: expected a number, 0 or more, found an empty cell"),
        ("E1,O,U1,Z,BUY,10,5,,2024-06-03", "row 7, column commission: expected a number"),
        ("E1,O,U1,Z,HOLD,10,5,0,2024-06-03", "row 7, column side: expected one of BUY, SELL, SELL_SHORT"),
        ("E1,O,U1,Z,EXERCISE,10,5,0,2024-06-03", "row 7, column side: expected an option, with asset_class option"),
        ("E1,O,U1,,BUY,10,5,0,2024-06-03", "row 7, column symbol: expected a symbol, found an empty cell"),
        ("B1,O,U1,Z,BUY,10,5,0,2024-06-03", "row 7, column execution_id: expected an id that no other fill has"),
        ("E1,O,U1,Z,SELL,10,5,0,2024-06-03", "row 7, column quantity: expected at most the 0 shares of Z held in U1"),
        ("E1,O,U1", "row 7: expected 9 cells, as many as the header"),
    ],
)
def test_a_bad_row_is_told_and_costs_its_own_security_only(row: str, told: str, fills: Path, tmp_path: Path) -> None:
    with fills.open("a") as file:
        file.write(row + "\n")
    out = tmp_path / "out"
    result = run("--fills", fills, "--year", 2024, "--out", out)
    assert result.exit_code == 1
    assert f"fills.csv, {told}" in result.stderr.replace("\n", " ") or told in result.stderr
    assert "S2" in {gain["close_execution_id"] for gain in rows(out / "gains.csv")}


def test_the_report_says_what_was_left_out(fills: Path, tmp_path: Path) -> None:
    with fills.open("a") as file:
        file.write("E1,O,U1,Z,SELL,10,5,0,2024-06-03\n")
    result = run("--fills", fills, "--year", 2024, "--out", tmp_path / "out")
    assert "Left out" in result.stdout
    assert json.loads((tmp_path / "out/schedule_d.json").read_text())["left_out"] == ["Z"]


@pytest.mark.parametrize(
    ("option", "text", "told"),
    [
        (
            "accounts",
            "account,kind,owner\nU1,pension,me\n",
            "row 2, column kind: expected one of taxable, ira, roth_ira",
        ),
        ("accounts", "account,kind\nU1,taxable\n", "column owner: expected a column named owner"),
        (
            "corporate-actions",
            "symbol,ex_date,kind,ratio,amount\nX,2024-06-03,split,0,\n",
            "row 2, column ratio: expected a number or fraction above 0, found '0'",
        ),
        (
            "corporate-actions",
            "symbol,ex_date,kind,ratio,amount\nX,03/06/2024,split,2,\n",
            "row 2, column ex_date: expected a date, found '03/06/2024'",
        ),
        ("identity", "symbol,group\nX,A\nX,B\n", "row 3, column group: expected A, as before, found B"),
        (
            "carryover",
            "short_term,long_term\n-5,0\n",
            "row 2, column short_term: expected a loss as a number, 0 or more",
        ),
        (
            "opening-lots",
            ",".join(LOT_COLUMNS) + "\nl,B0,U1,Q,0,2020-01-02,2020-01-02,5,5\n",
            "row 2, column quantity: expected a number other than 0, found 0",
        ),
    ],
)
def test_a_defect_of_another_file_is_told(option: str, text: str, told: str, fills: Path, tmp_path: Path) -> None:
    path = tmp_path / f"{option}.csv"
    path.write_text(text)
    result = run("--fills", fills, f"--{option}", path, "--year", 2024, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert told in (result.stderr + str(result.exception)).replace("\n", " ")


def test_a_file_with_only_its_header_is_an_empty_set(fills: Path, tmp_path: Path) -> None:
    fills.write_text(FILLS.splitlines()[0] + "\n")
    out = tmp_path / "out"
    assert run("--fills", fills, "--year", 2024, "--out", out).exit_code == 0
    assert rows(out / "gains.csv") == []


@pytest.mark.parametrize("name", ["nothing.csv", "fills.txt"])
def test_a_file_that_cannot_be_used_stops_the_command(name: str, tmp_path: Path) -> None:
    result = run("--fills", tmp_path / name, "--year", 2024, "--out", tmp_path / "out")
    assert isinstance(result.exception, InputError)


def test_several_owners_need_a_choice(fills: Path, tmp_path: Path) -> None:
    accounts = tmp_path / "accounts.csv"
    accounts.write_text("account,kind,owner\nU1,taxable,Ann\nU2,taxable,Bob\n")
    given = ("--fills", fills, "--accounts", accounts, "--year", 2024, "--out", tmp_path / "out")
    assert "--taxpayer" in str(run(*given).exception)
    assert run(*given, "--taxpayer", "Ann").exit_code == 0
    assert len(rows(tmp_path / "out/gains.csv")) == 2
    assert run(*given, "--taxpayer", "Bob").exit_code == 0
    assert rows(tmp_path / "out/gains.csv") == []


def test_an_unknown_column_is_named_in_a_warning(fills: Path, tmp_path: Path) -> None:
    lines = FILLS.splitlines()
    fills.write_text("\n".join([lines[0] + ",note", *(line + ",hello" for line in lines[1:])]) + "\n")
    result = run("--fills", fills, "--year", 2024, "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert "column note" in result.stderr


def test_what_an_event_finds_is_told_with_its_file_and_row(fills: Path, tmp_path: Path) -> None:
    symbol = rows(fills)[0]["symbol"]
    actions = tmp_path / "corporate_actions.csv"
    actions.write_text(f"symbol,ex_date,kind,ratio,amount\nNONE,2024-01-05,split,2,\n{symbol},1999-01-04,split,2,\n")
    result = run("--fills", fills, "--corporate-actions", actions, "--year", 2024, "--out", tmp_path / "out")
    assert result.exit_code == 0
    assert "corporate_actions.csv, row 3, column symbol: expected shares that it applies to" in result.stderr


def test_an_option_of_a_file_goes_into_the_shares(tmp_path: Path) -> None:
    """Pub. 550, Table 4-3: a call that is exercised adds its cost to the basis of the stock bought."""
    path = tmp_path / "fills.csv"
    path.write_text(
        "execution_id,order_id,account,symbol,side,quantity,price,commission,executed_at,"
        "asset_class,underlying,expiry,strike,right,multiplier\n"
        "B1,O1,U1,XYZ,BUY,1,4.00,0,2024-01-10,option,XYZ,2024-06-21,50,C,\n"
        "X1,O2,U1,XYZ,EXERCISE,1,,,2024-06-21,option,XYZ,2024-06-21,50,C,100\n"
        "S1,O3,U1,XYZ,SELL,100,60.00,0,2024-08-01,,,,,,\n"
    )
    out = tmp_path / "out"
    assert run("--fills", path, "--year", 2024, "--out", out).exit_code == 0
    (gain,) = rows(out / "gains.csv")
    assert (gain["acquired_date"], gain["basis"], gain["proceeds"]) == ("2024-06-21", "5400.00", "6000.00")
