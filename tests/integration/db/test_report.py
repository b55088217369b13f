"""``tickledger report`` on a ledger: as of an instant, beside ``tickledger tax``, and what orders would still buy."""

import csv
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from openpyxl import load_workbook
from pypdf import PdfReader
from sqlalchemy import Engine, func, select
from typer.testing import CliRunner

from tests.integration.db.broken import comparison, evening, missing_fill
from tests.integration.db.story import ACCOUNT, AGAIN_DAY, BUY_DAY, END, SELL_DAY, START, Story, at, bars, record
from tickledger.cli.app import app
from tickledger.cli.known_at import end_of_day
from tickledger.db import market_data, trading
from tickledger.db.breaks import record_comparison
from tickledger.db.corporate_actions import ingest_corporate_actions
from tickledger.db.corrections import apply_correction
from tickledger.db.ingestion import IngestionSource
from tickledger.db.report_record import (
    ReportRecord,
    first_recorded_at,
    last_balance_date,
    read_last_closes,
    read_report_record,
    read_working_purchases,
)
from tickledger.db.tax_history import read_tax_history
from tickledger.domain.errors import ConfigurationError
from tickledger.domain.order import OrderEvent, OrderStatus, OrderType, TimeInForce
from tickledger.execution.tax_history import TaxHistory
from tickledger.reconciliation.corrections import choose_lots
from tickledger.reporting.tax_reports_basis import ReportBasis, scope_of
from tickledger.reporting.tax_reports_gains import gains_report
from tickledger.reporting.trade_tables import fills_table
from tickledger.tax.fills import LotChoice, from_executions

RUN = CliRunner()


@pytest.fixture
def asked(told: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The ledger with the story in it, left as it is, which the commands of this test open."""
    return _opened(told, monkeypatch)


@pytest.fixture
def mine(ledger: Engine, story: Story, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """A ledger of this test alone, with the story in it."""
    assert story
    return _opened(ledger, monkeypatch)


def _opened(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setenv("TICKLEDGER_DATABASE_URL", engine.url.render_as_string(hide_password=False))
    return engine


def document(*arguments: str) -> Any:
    result = RUN.invoke(app, ["report", *arguments, "--json"], catch_exceptions=False)
    return json.loads(result.stdout)


def now(engine: Engine) -> datetime:
    with engine.connect() as connection:
        instant: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return instant


def losses(told: ReportRecord) -> dict[str, Decimal]:
    """The totals of 2012's gains that the record makes."""
    history = TaxHistory(from_executions(told.executions), told.accounts, told.corporate_actions)
    basis = ReportBasis.standing(history, scope_of(told.accounts), on=END)
    return dict(gains_report(basis).sections[0].totals)


def test_the_gains_are_those_of_tickledger_tax_on_the_same_fills(asked: Engine, tmp_path: Path) -> None:
    fills = fills_table(read_report_record(asked).executions)
    with (tmp_path / "fills.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, fills.columns)
        writer.writeheader()
        writer.writerows(fills.rows)
    (tmp_path / "accounts.csv").write_text("account,kind,owner,mode\nSIM0001,taxable,taxpayer,simulated\n")
    RUN.invoke(
        app,
        ["tax", "--fills", str(tmp_path / "fills.csv"), "--accounts", str(tmp_path / "accounts.csv"),
         "--year", "2012", "--out", str(tmp_path / "tax")],
        catch_exceptions=False,
    )  # fmt: skip
    RUN.invoke(app, ["report", "all", "--year", "2012", "--out", str(tmp_path / "report")], catch_exceptions=False)
    by_tax, by_report = (
        {row["gain_id"]: row for row in csv.DictReader((tmp_path / folder / "gains.csv").open())}
        for folder in ("tax", "report")
    )
    assert by_tax.keys() == by_report.keys()
    assert by_tax
    for gain_id, row in by_report.items():
        same = (
            "symbol",
            "quantity",
            "proceeds",
            "basis",
            "disallowed_loss",
            "gain_loss",
            "term",
            "sold_date",
            "account",
        )
        assert {name: row[name] for name in same} == {name: by_tax[gain_id][name] for name in same}
    schedule = json.loads((tmp_path / "tax" / "schedule_d.json").read_text())
    lines = {row["line"]: row for row in csv.DictReader((tmp_path / "report" / "schedule_d.csv").open())}
    for number in ("7", "15", "16"):
        assert float(lines[number]["gain_loss"]) == schedule["lines"][number]
    assert float(lines["1b"]["adjustment"]) == schedule["lines"]["1b"]["g"]
    with (tmp_path / "tax" / "form_8949.csv").open() as one, (tmp_path / "report" / "form_8949.csv").open() as other:
        assert [row["gain_loss"] for row in csv.DictReader(one)] == [row["gain_loss"] for row in csv.DictReader(other)]


def test_the_record_is_read_as_it_was_known(mine: Engine) -> None:
    """The purchase that washed the loss is taken back later; a split and cash are told later."""
    before = now(mine)
    known = read_report_record(mine)
    changed = record()
    trading.replace_session(
        mine,
        ACCOUNT,
        replace(
            changed,
            executions=changed.executions[:2],
            order_events=tuple(event for event in changed.order_events if event.order_id != changed.orders[2].order_id),
            orders=changed.orders[:2],
            risk_decisions=changed.risk_decisions[:2],
            cash_transactions=changed.cash_transactions[:1],
            positions=changed.positions[:1],
        ),
        start=START,
        end=END,
    )
    source = IngestionSource("more.csv", "cd" * 32, START, END)
    ingest_corporate_actions(mine, _split(), rejects=[], source=source)
    later = read_report_record(mine)
    assert len(later.executions) == len(known.executions) - 1
    assert len(later.cash) == len(known.cash) - 1
    assert len(later.corporate_actions) == len(known.corporate_actions) + 1
    then = read_report_record(mine, as_of=before)
    assert replace(then, as_of=None) == known
    assert losses(then) == losses(known)
    assert losses(then)["disallowed_loss"] > losses(later)["disallowed_loss"]


def _split() -> pd.DataFrame:
    row = {"symbol": "AAPL", "ex_date": date(2012, 1, 5), "kind": "split", "ratio": 2.0, "amount": None}
    return pd.DataFrame([row]).astype({"ex_date": "datetime64[us]", "amount": "float64"})


def test_lots_that_a_person_chose_later_are_not_in_what_was_known(mine: Engine) -> None:
    before = now(mine)
    chosen = choose_lots("exec_05", [LotChoice("exec_04", Decimal(100))])
    found = missing_fill(ACCOUNT, key="0000e0d5.7", correction=chosen)
    record_comparison(mine, ACCOUNT, comparison(ACCOUNT, found), compared_at=evening(9))
    apply_correction(mine, found, actor="ann", note="as the confirmation says", applied_at=evening(10))

    def lots(as_of: datetime | None) -> set[str]:
        return {fill.execution_id for fill in read_tax_history(mine, as_of=as_of).fills if fill.lots}

    assert (lots(None), lots(before)) == ({"exec_05"}, set())
    inputs = document("gains")["cover"]["inputs"]
    assert (
        inputs["choices of lots"]
        != document("gains", "--account", ACCOUNT.account_id, "--on", "2012-01-04")["cover"]["inputs"][
            "choices of lots"
        ]
    )


def test_a_close_is_that_of_the_day_as_it_was_known(mine: Engine) -> None:
    before = now(mine)
    restated = bars()
    restated.loc[restated.index[-1], ["close", "high"]] = [500.0, 501.0]
    source = IngestionSource("restated.csv", "ef" * 32, START, END)
    market_data.ingest_bars(mine, restated, rejects=[], source=source)
    assert read_last_closes(mine, ["AAPL", "NONE"], until=END) == {"AAPL": (Decimal(500), END)}
    assert read_last_closes(mine, ["AAPL"], until=END, as_of=before)["AAPL"][0] == Decimal("421.73")
    assert read_last_closes(mine, ["AAPL"], until=AGAIN_DAY)["AAPL"] == (Decimal(405), AGAIN_DAY)
    assert read_last_closes(mine, ["AAPL"], until=date(2011, 1, 1)) == {}


def test_working_purchases_are_those_that_may_still_be_filled(mine: Engine) -> None:
    """A purchase good till cancelled, one of the day, one that was cancelled, and a sale; none is filled."""
    assert read_working_purchases(mine, on=BUY_DAY) == []
    first = record().orders[0]
    orders = [
        replace(
            first,
            order_id=name,
            time_in_force=force,
            order_type=OrderType.MARKET,
            session_date=END,
            submitted_at=at(END, 15),
        )
        for name, force in (("gtc", TimeInForce.GTC), ("day", TimeInForce.DAY), ("gone", TimeInForce.GTC))
    ]
    events = [OrderEvent(order.order_id, 0, OrderStatus.SUBMITTED, at(END, 15), END) for order in orders]
    events.append(OrderEvent("gone", 1, OrderStatus.CANCELLED, at(END, 16), END))
    whole = record()
    trading.replace_session(
        mine,
        ACCOUNT,
        replace(whole, orders=(*whole.orders, *orders), order_events=(*whole.order_events, *events)),
        start=START,
        end=END,
    )
    of_day = {one.order_id: one.quantity for one in read_working_purchases(mine, on=END)}
    assert of_day == {"gtc": 100, "day": 100}
    assert [one.order_id for one in read_working_purchases(mine, on=date(2012, 1, 10))] == ["gtc"]
    rows = document("harvest", "--on", "2012-01-09")["reports"]["harvest"]["tables"]["harvest"]["rows"]
    assert {row["pending_shares"] for row in rows} in ({200}, set())


def test_a_simulated_account_stands_on_its_last_session_and_carries_a_watermark(asked: Engine) -> None:
    assert last_balance_date(asked, [ACCOUNT.account_id]) == END
    cover = document("open-lots")["cover"]
    assert (cover["stands_on"], cover["watermark"]) == ("2012-01-09", "SIMULATED - NOT FOR FILING")
    assert all(len(digest) == 64 for digest in cover["inputs"].values())


def test_a_day_in_the_past_has_only_what_had_happened(asked: Engine) -> None:
    assert asked
    of_day = document("gains", "--on", SELL_DAY.isoformat())["reports"]["gains"]["tables"]["gains"]
    assert (
        of_day["totals"]["disallowed_loss"]
        < document("gains")["reports"]["gains"]["tables"]["gains"]["totals"]["disallowed_loss"]
    )
    assert document("open-lots", "--on", BUY_DAY.isoformat())["reports"]["open-lots"]["tables"]["open_lots"]["rows"]


def test_as_of_today_is_everything_and_before_the_first_row_is_refused(asked: Engine) -> None:
    first = first_recorded_at(asked)
    assert first is not None
    today, everything = (document("trades", *more) for more in (("--as-of", "2999-01-01"), ()))
    assert today["reports"] == everything["reports"]
    assert today["cover"]["inputs"] == everything["cover"]["inputs"]
    with pytest.raises(ConfigurationError, match=r"--as-of: expected a day on which something had been recorded"):
        document("trades", "--as-of", "2012-01-09")


def test_a_new_york_day_ends_at_midnight_there() -> None:
    assert end_of_day(date(2025, 7, 1)) == datetime(2025, 7, 2, 3, 59, 59, 999999, tzinfo=UTC)
    assert end_of_day(date(2025, 12, 31)) == datetime(2026, 1, 1, 4, 59, 59, 999999, tzinfo=UTC)


PROFILE = """
tax_year = 2012
filing_status = "single"
other_income = 90000
last_year_tax = 12000
last_year_agi = 90000
rate_short = 0.28
rate_long = 0.15
"""


def test_all_reports_in_one_workbook_and_one_document(asked: Engine, tmp_path: Path) -> None:
    assert asked
    (tmp_path / "me.toml").write_text(PROFILE)
    for name in ("all.xlsx", "all.pdf"):
        arguments = ["report", "all", "--profile", str(tmp_path / "me.toml"), "--out", str(tmp_path / name)]
        assert RUN.invoke(app, arguments, catch_exceptions=False).exit_code == 0
    sheets = load_workbook(tmp_path / "all.xlsx").sheetnames
    for name in (
        "Cover",
        "Gains",
        "Open lots",
        "Wash sales",
        "Harvest",
        "Installments",
        "Year end",
        "Form 8949",
        "Trades",
    ):
        assert name in sheets
    pages = [page.extract_text() for page in PdfReader(tmp_path / "all.pdf").pages]
    assert all("SIMULATED - NOT FOR FILING" in page for page in pages)
    words = " ".join(pages).replace("\n", " ")
    assert "No tables of tax year 2012 are known" in words
    assert "The record has 159.00 USD of dividends in taxed accounts" in words


@pytest.mark.parametrize(
    ("arguments", "told_of"),
    [
        (("estimated-tax",), "estimated-tax: no filing status and income were stated"),
        (("gains", "--account", "U9"), "--account: expected one of SIM0001, found U9"),
        (("gains", "--on", "soon"), "--on: expected a date such as 2025-12-31, found 'soon'"),
        (("gains", "--lot", "L1"), "--lot, --by: expected with year-end, found with gains"),
        (("year-end", "--lot", "L1"), "--lot: expected an open lot of a taxed account"),
        (("gains", "--policy", "x=y"), "--policy: expected one of replacement_held"),
    ],
)
def test_what_cannot_be_done_is_told(asked: Engine, arguments: tuple[str, ...], told_of: str) -> None:
    assert asked
    with pytest.raises(ConfigurationError, match=told_of):
        document(*arguments)
