"""``tickledger what-if`` on files: the answer for a person and for a program, and what it says of wrong wishes."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tickledger.cli.app import app
from tickledger.domain.errors import ConfigurationError, LedgerError

RUN = CliRunner()
FILLS = """execution_id,order_id,account,symbol,side,quantity,price,commission,executed_at
B1,B1,U1,XYZ,BUY,100,10,0,2025-01-02
B2,B2,U1,XYZ,BUY,50,12,0,2025-05-02
H1,H1,U1,QQQ,SELL_SHORT,5,12,0,2025-05-02
"""


@pytest.fixture
def fills(tmp_path: Path) -> Path:
    path = tmp_path / "fills.csv"
    path.write_text(FILLS)
    return path


def ask(fills: Path, *arguments: str) -> str:
    result = RUN.invoke(app, ["what-if", "--fills", str(fills), *arguments])
    if result.exception is not None:
        raise result.exception
    return result.stdout


def document(fills: Path, *arguments: str) -> Any:
    return json.loads(ask(fills, *arguments, "--json"))


SALE = ("--sell", "B1", "--on", "2025-05-20", "--price", "8")


def test_a_person_reads_the_gain_the_wash_sale_the_year_and_the_tax(fills: Path) -> None:
    told = ask(fills, *SALE, "--rate-short", "0.37", "--rate-long", "0.2")
    for sentence in (
        "Sell 100 XYZ at 8 on 2025-05-20 in U1",
        "2026-01-03 (in 228 days)",
        "100.00 USD of the loss of this sale; its window ends on 2025-06-19.",
        "(50 XYZ of B2): 600.00 USD becomes 700.00 USD, held since 2024-12-15",
        "A purchase until 2025-06-19 disallows what it replaces of the 100.00 USD of loss that is left.",
        "2025: short-term -100.00 USD, long-term +0.00 USD; the year's net gain goes from 0.00 USD to -100.00 USD.",
        "Tax saved: 37.00 USD; cash +800.00 USD, after tax +837.00 USD.",
        "Waiting 228 days, until 2026-01-03, at the same price: 3.00 USD more after tax.",
        "no limit on losses, carryover or bracket is reached",
    ):
        assert sentence in told


def test_without_rates_it_says_that_everything_is_before_tax(fills: Path) -> None:
    told = ask(fills, *SALE)
    assert "No tax rates were given (--rate-short, --rate-long): everything is before tax." in told
    assert "after tax +" not in told


def test_a_program_reads_one_document(fills: Path) -> None:
    answer = document(fills, *SALE, "--quantity", "40", "--rate-short", "0.37", "--rate-long", "0.2")
    assert answer["side"] == "SELL"
    assert answer["trade"]["quantity"] == 40
    assert answer["sold"][0]["gain"]["term"] == "S"
    assert answer["wash_sale"]["disallowed_loss"] == 80  # all 40 are replaced
    assert answer["change"] == []
    assert answer["after_tax"] == 320
    bought = document(fills, "--buy", "XYZ", "--quantity", "5", "--on", "2025-05-20", "--price", "9")
    assert (bought["side"], bought["bought"][0]["adjusted_basis"]) == ("BUY", 45)


def test_a_lot_may_be_named_by_its_own_id(fills: Path) -> None:
    by_purchase = document(fills, *SALE)
    lot_id = by_purchase["trade"]["lot"]["lot_id"]
    assert document(fills, "--sell", lot_id, *SALE[2:]) == by_purchase


def test_accounts_and_identity_are_those_of_the_files(fills: Path, tmp_path: Path) -> None:
    fills.write_text(FILLS + "S1,S1,U1,XYZ,SELL,150,8,0,2025-06-02\n")
    accounts, identity = tmp_path / "accounts.csv", tmp_path / "identity.csv"
    accounts.write_text("account,kind,owner\nU1,taxable,me\nIRA,ira,me\n")
    identity.write_text("symbol,group\nXYZ,G\nXY2,G\n")
    answer = document(
        fills,
        *("--buy", "XY2", "--quantity", "150", "--on", "2025-06-20", "--price", "8", "--account", "IRA"),
        *("--accounts", str(accounts), "--identity", str(identity)),
    )
    assert answer["wash_sale"]["permanently_disallowed"] == 400
    assert answer["carriers"] == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--on", "2025-06-20"], "--sell, --buy: expected one of them, found neither"),
        (["--sell", "B1", "--buy", "X", "--on", "2025-06-20"], "--sell, --buy: expected one of them, found both"),
        (["--sell", "B9", "--on", "2025-06-20"], "--sell: expected the id of an open lot, or of the purchase that"),
        (["--sell", "H1", "--on", "2025-06-20"], "--sell: expected shares that are held, found the short position H1"),
        (["--sell", "B1", "--on", "soon"], "--on: expected a date such as 2026-03-31, found 'soon'"),
        (
            ["--sell", "B1", "--on", "2025-05-01"],
            "--on: expected a date not before the last fill of fills.csv, 2025-05-02, found 2025-05-01",
        ),
        (
            ["--sell", "B2", "--on", "2025-06-20", "--quantity", "51", "--price", "8"],
            "--quantity: expected at most the 50 shares of XYZ left in B2, found 51",
        ),
        (
            ["--sell", "B2", "--on", "2025-06-20", "--quantity", "-1", "--price", "8"],
            "--quantity: expected a number above 0, found '-1'",
        ),
        (["--buy", "XYZ", "--on", "2025-06-20"], "--quantity: expected the number of shares to buy, found none"),
        (
            ["--sell", "B1", "--on", "2025-06-20"],
            "--price: expected a price for XYZ, which fills.csv has no close of, found none",
        ),
        (
            ["--sell", "B1", "--on", "2025-06-20", "--price", "8", "--rate-short", "0.3"],
            "--rate-long: expected together with --rate-short, found none",
        ),
        (
            ["--sell", "B1", "--on", "2025-06-20", "--price", "8", "--rate-short", "37", "--rate-long", "0.2"],
            "--rate-short: expected a part of a dollar such as 0.37, from 0 to less than 1, found '37'",
        ),
        (
            ["--buy", "XYZ", "--quantity", "1", "--on", "2025-06-20", "--price", "8", "--account", "U2"],
            "--account: expected one of U1, found U2",
        ),
        (
            ["--sell", "B1", "--on", "2025-06-20", "--price", "8", "--account", "U2"],
            "--account: expected U1, whose lot B1 is, found U2",
        ),
        (
            ["--sell", "B1", "--on", "2025-06-20", "--price", "8", "--policy", "ties=maybe"],
            "--policy ties: expected trade_order, found 'maybe'",
        ),
    ],
)
def test_a_wrong_wish_is_told_with_its_option_what_was_expected_and_what_was_found(
    fills: Path, arguments: list[str], message: str
) -> None:
    with pytest.raises(ConfigurationError) as told:
        ask(fills, *arguments)
    assert str(told.value).startswith(message)


def test_an_unknown_lot_is_answered_with_those_that_are_open(fills: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"Open: lot_\w+ \(B1: 100 XYZ of 2025-01-02\), lot_\w+ \(B2: 50"):
        ask(fills, "--sell", "XYZ", "--on", "2025-06-20")


def test_a_history_with_a_hole_answers_nothing_about_it(fills: Path) -> None:
    fills.write_text(FILLS + "S1,S1,U1,XYZ,SELL,900,8,0,2025-06-02\n")
    with pytest.raises(LedgerError, match=r"XYZ cannot be computed: .*at most the 150 shares of XYZ"):
        ask(fills, "--buy", "XYZ", "--quantity", "5", "--on", "2025-06-20", "--price", "9")


def test_files_that_only_go_with_fills_need_them(tmp_path: Path) -> None:
    result = RUN.invoke(
        app, ["what-if", "--buy", "X", "--quantity", "1", "--on", "2025-06-20", "--accounts", str(tmp_path)]
    )
    assert result.exit_code == 2
    assert "--accounts" in result.output
