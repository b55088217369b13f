"""Why a form line is other than on the day it was filed: a January purchase, a corrected fill, a charge told later."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import Engine, func, select

from tests.integration.db.broken import comparison, evening, missing_fill
from tests.integration.db.story import ACCOUNT
from tickledger.cli import explain as command
from tickledger.db.accounts import ensure_account
from tickledger.db.breaks import record_break_correction, record_comparison
from tickledger.db.lineage_changes import FieldChange, LineageChange, changes_since
from tickledger.db.order_journal import LedgerJournal
from tickledger.db.reports import replace_form_lines, replace_schedule_d
from tickledger.db.tables import form_lines, schedule_d
from tickledger.db.tax import replace_tax_result
from tickledger.db.trading import read_executions
from tickledger.domain.account import Mode
from tickledger.domain.broker import CommissionReport
from tickledger.domain.errors import InputError
from tickledger.domain.execution import Execution
from tickledger.domain.order import OrderSide
from tickledger.execution.order_journal import CommissionEntry, ForeignExecution, JournalEntry
from tickledger.tax.engine import compute
from tickledger.tax.fills import from_executions
from tickledger.tax.form_8949 import form_lines as lines_of
from tickledger.tax.schedule_d import schedule_d as schedule_of


def fill(key: str, side: OrderSide, quantity: int, price: str, day: date, *, commission: str = "1.00") -> Execution:
    return Execution(
        execution_id=f"0000.{key}",
        order_id="",
        account_id=ACCOUNT.account_id,
        symbol="AAPL",
        side=side,
        quantity=Decimal(quantity),
        price=Decimal(price),
        commission=Decimal(commission),
        fees=Decimal(0),
        executed_at=datetime(day.year, day.month, day.day, 15, tzinfo=UTC),
        trade_date=day,
    )


BOUGHT = fill("1", OrderSide.BUY, 100, "50.00", date(2012, 11, 1))
SOLD = fill("2", OrderSide.SELL, 100, "40.00", date(2012, 12, 20))
JANUARY = fill("3", OrderSide.BUY, 60, "41.00", date(2013, 1, 4))


def told(ledger: Engine, *news: Execution | JournalEntry) -> datetime:
    """Record news, draw the tax conclusions of all there is, and tell when all of it was known."""
    entries = [ForeignExecution(one, one.execution_id, "77") if isinstance(one, Execution) else one for one in news]
    LedgerJournal(ledger).record(ACCOUNT.account_id, entries)
    result = compute(from_executions(read_executions(ledger)), accounts=[ACCOUNT])
    replace_tax_result(ledger, result, account_ids=[ACCOUNT.account_id])
    lines = lines_of(result.gains, tax_year=2012, mode=Mode.SIMULATED)
    schedule = schedule_of(lines, tax_year=2012, mode=Mode.SIMULATED)
    replace_form_lines(ledger, lines, taxpayer="taxpayer", mode=Mode.SIMULATED, tax_year=2012)
    replace_schedule_d(ledger, schedule, taxpayer="taxpayer", mode=Mode.SIMULATED, tax_year=2012)
    with ledger.connect() as connection:
        now: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return now


def the_line(ledger: Engine, *, is_current: bool = True) -> str:
    ended = form_lines.c.superseded_at
    with ledger.connect() as connection:
        where = ended.is_(None) if is_current else ended.is_not(None)
        line: str = connection.execute(select(form_lines.c.line_id).where(where)).scalar_one()
    return line


@pytest.fixture
def filed(ledger: Engine) -> datetime:
    """A ledger with a loss of December in it; when its form was made."""
    ensure_account(ledger, ACCOUNT)
    return told(ledger, BOUGHT, SOLD)


def fields(change: LineageChange) -> dict[str, tuple[str, str]]:
    return {field.name: (field.before, field.after) for field in change.row.fields}


def test_a_purchase_in_january_changes_december_and_is_named(ledger: Engine, filed: datetime) -> None:
    before = the_line(ledger)
    told(ledger, JANUARY)
    after = the_line(ledger)
    change = changes_since(ledger, after, filed)
    assert (change.row.before_id, change.row.after_id) == (before, after)
    # 60 of 100 shares are replaced: 60 % of the loss of 1,002.00 is disallowed.
    assert fields(change)["adjustment"] == ("0.00", "601.20")
    assert fields(change)["codes"] == ("", "W")
    (washed,) = change.parts
    assert FieldChange("disallowed_loss", "0.00", "601.20") in washed.fields
    (purchase,) = change.inputs
    assert (purchase.id, purchase.kind, purchase.what) == (JANUARY.execution_id, "execution", "recorded")
    assert purchase.summary == "BUY 60 AAPL at 41.00 on 2013-01-04"
    assert purchase.happened_at > filed


def test_the_line_of_then_leads_to_the_line_of_now(ledger: Engine, filed: datetime) -> None:
    before = the_line(ledger)
    told(ledger, JANUARY)
    assert changes_since(ledger, before, filed).row == changes_since(ledger, the_line(ledger), filed).row


def test_a_charge_told_later_is_named_with_the_break_that_brought_it(ledger: Engine, filed: datetime) -> None:
    report = CommissionReport(SOLD.execution_id, Decimal("1.35"), "USD", datetime(2013, 1, 2, tzinfo=UTC))
    charge = CommissionEntry(SOLD.execution_id, 0, report)
    found = missing_fill(ACCOUNT, where="december.xml, row 12")
    record_comparison(ledger, ACCOUNT, comparison(ACCOUNT, found), compared_at=evening(6))
    record_break_correction(
        ledger, found, record_id=SOLD.execution_id, actor="ann", note="as stated", applied_at=evening(7)
    )
    told(ledger, charge)
    change = changes_since(ledger, the_line(ledger), filed)
    assert fields(change)["proceeds"] == ("3999.00", "3998.65")
    (input_,) = change.inputs
    assert (input_.kind, input_.summary) == ("commission report", "0000.2 cost 1.35 USD")
    assert input_.source == f"break {found.break_id}, december.xml, row 12"


def test_a_fill_that_is_told_otherwise_is_named(ledger: Engine, filed: datetime) -> None:
    told(ledger, replace(SOLD, price=Decimal("40.10")))
    change = changes_since(ledger, the_line(ledger), filed)
    assert fields(change)["proceeds"] == ("3999.00", "4009.00")
    assert [one.summary for one in change.inputs] == ["0000.2 is SELL 100 at 40.10 on 2012-12-20, commission 1.00"]


def test_what_nothing_happened_to_is_what_it_was(ledger: Engine, filed: datetime) -> None:
    change = changes_since(ledger, the_line(ledger), filed)
    assert not change.is_changed
    assert (change.parts, change.inputs, change.row.fields) == ((), (), ())
    assert change.before == change.after


def test_before_it_was_made_nothing_stood_in_its_place(ledger: Engine, filed: datetime) -> None:
    change = changes_since(ledger, the_line(ledger), filed - timedelta(days=1))
    assert change.before is None
    assert change.row.before_id is None
    assert {one.id for one in change.inputs} == {BOUGHT.execution_id, SOLD.execution_id}


def test_a_schedule_names_the_lines_that_changed_on_it(ledger: Engine, filed: datetime) -> None:
    before = the_line(ledger)
    told(ledger, JANUARY)
    with ledger.connect() as connection:
        identity = connection.execute(
            select(schedule_d.c.schedule_d_id).where(schedule_d.c.superseded_at.is_(None))
        ).scalar_one()
    change = changes_since(ledger, identity, filed)
    assert change.row.before_id != change.row.after_id
    assert [(part.before_id, part.after_id) for part in change.parts] == [(before, the_line(ledger))]


def test_an_id_that_is_none_is_refused(ledger: Engine, filed: datetime) -> None:
    with pytest.raises(InputError, match="expected the id of a form line in the ledger, found line_0"):
        changes_since(ledger, "line_0", filed)


@pytest.fixture
def _opened(ledger: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def opened() -> Iterator[Engine]:
        yield ledger

    monkeypatch.setattr(command, "opened_ledger", opened)


@pytest.mark.usefixtures("_opened")
def test_the_command_says_why_in_lines_and_as_json(
    ledger: Engine, filed: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    told(ledger, JANUARY)
    line = the_line(ledger)
    command.run(line, since=filed.isoformat())
    lines = capsys.readouterr().out
    assert "adjustment: 0.00 → 601.20" in lines
    assert "recorded: execution BUY 60 AAPL at 41.00 on 2013-01-04 (0000.3)" in lines
    command.run(line, since=filed.isoformat(), json=True)
    document = json.loads(capsys.readouterr().out)
    assert document["fields"]["codes"] == {"before": "", "after": "W"}
    assert [one["id"] for one in document["inputs"]] == ["0000.3"]
    command.run(line, since="2030-01-01")
    assert "is what it was at 2030-01-01 23:59:59-05:00, and so is all that is behind it." in capsys.readouterr().out
