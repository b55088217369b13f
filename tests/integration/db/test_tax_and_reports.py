"""Tax results and forms are rebuilt as a whole; a form holds gains of its own mode and adds up."""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from tests.integration.db.story import (
    ACCOUNT,
    END,
    START,
    Story,
    daily_pnl,
    gain,
    performance,
    tax_result,
    tell_reports,
)
from tickledger.db import corporate_actions, reports, tax
from tickledger.db.tables import form_lines, schedule_d
from tickledger.domain.account import Mode
from tickledger.domain.errors import LedgerError
from tickledger.domain.lot import ClosedBy
from tickledger.tax.form_8949 import form_lines as lines_of
from tickledger.tax.schedule_d import schedule_d as schedule_of

FORM: dict[str, Any] = {"taxpayer": "taxpayer", "mode": Mode.SIMULATED, "tax_year": 2012}


def now(ledger: Engine) -> datetime:
    with ledger.connect() as connection:
        instant: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return instant


def test_a_tax_result_comes_back_as_it_was_written(ledger: Engine, story: Story) -> None:
    assert set(tax.read_gains(ledger)) == set(story.tax.gains)
    assert tax.read_open_lots(ledger) == list(story.tax.open_lots)
    assert tax.read_wash_sales(ledger) == list(story.tax.wash_sales)
    again = tax.replace_tax_result(ledger, story.tax, account_ids=[ACCOUNT.account_id])
    assert not any(result.is_change for result in again.values())


def test_results_are_read_by_year_mode_and_account(told: Engine) -> None:
    assert tax.read_gains(told, years=[2011]) == tax.read_gains(told, years=[]) == []
    assert tax.read_gains(told, mode=Mode.LIVE) == tax.read_gains(told, account_ids=["OTHER"]) == []
    assert len(tax.read_gains(told, years=[2012], mode=Mode.SIMULATED, account_ids=["SIM0001"])) == 2
    assert tax.read_wash_sales(told, years=[2011]) == tax.read_wash_sales(told, mode=Mode.PAPER) == []
    assert len(tax.read_wash_sales(told, years=[2012])) == 1
    assert tax.read_open_lots(told, mode=Mode.LIVE) == []


def test_a_january_purchase_reopens_december_and_both_states_can_be_read(ledger: Engine, story: Story) -> None:
    before = now(ledger)
    first, second = story.tax.gains
    reopened = replace(
        second, gain_id="gain_reopened", disallowed_loss=Decimal("400.80"), gain_loss=Decimal(0), adjustment_code="W"
    )
    result = replace(story.tax, gains=(first, reopened))
    changed = tax.replace_tax_result(ledger, result, account_ids=[ACCOUNT.account_id])
    assert (changed["capital_gains"].inserted, changed["capital_gains"].superseded) == (1, 1)
    assert set(tax.read_gains(ledger)) == {first, reopened}
    assert set(tax.read_gains(ledger, as_of=before)) == {first, second}


def test_a_gain_that_a_corporate_action_caused_names_it(ledger: Engine, story: Story) -> None:
    action = corporate_actions.read_corporate_actions(ledger)["corporate_action_id"].iloc[0]
    closed = replace(
        story.tax.gains[1],
        gain_id="gain_in_lieu",
        close_execution_id="CA:AAPL:2012-01-09",
        corporate_action_id=action,
        closed_by=ClosedBy.CORPORATE_ACTION,
        sold_date=date(2012, 1, 9),
    )
    result = replace(story.tax, gains=(story.tax.gains[0], closed))
    tax.replace_tax_result(ledger, result, account_ids=[ACCOUNT.account_id])
    assert closed in tax.read_gains(ledger)


@pytest.mark.parametrize(
    ("part", "changed", "refusal"),
    [
        ("gains", {"lot_id": "lot_none"}, "fk_capital_gains_tax_lots"),
        ("gains", {"close_execution_id": "exec_none"}, "fk_capital_gains_executions"),
        (
            "gains",
            {"corporate_action_id": "ca_none", "closed_by": ClosedBy.CORPORATE_ACTION},
            "fk_capital_gains_corporate_actions",
        ),
        ("gains", {"closed_by": ClosedBy.CORPORATE_ACTION}, "ck_capital_gains_closed_by_names_the_event"),
        ("gains", {"gain_loss": Decimal("0.01")}, "ck_capital_gains_gain_adds_up"),
        ("gains", {"permanently_disallowed": Decimal(1000)}, "ck_capital_gains_permanent_is_a_part"),
        ("gains", {"account_id": "OTHER"}, "the tax result names OTHER"),
        ("lots", {"open_execution_id": "exec_none"}, "fk_tax_lots_executions"),
        ("lots", {"quantity": Decimal(0)}, "ck_tax_lots_quantity"),
        ("wash_sales", {"gain_id": "gain_none"}, "the tax result names gain_none"),
        ("wash_sales", {"replacement_execution_id": "exec_none"}, "fk_wash_sales_executions"),
        ("wash_sales", {"replacement_lot_id": "lot_none"}, "fk_wash_sales_tax_lots"),
        ("wash_sales", {"is_permanent": True}, "ck_wash_sales_lost_for_good_or_in_a_lot"),
        ("open_lots", {"lot_id": "lot_none"}, "the tax result names lot_none"),
        ("open_lots", {"holding_start": START}, "expected what is left of"),
    ],
)
def test_a_conclusion_without_its_parents_is_refused(
    told: Engine, part: str, changed: dict[str, Any], refusal: str
) -> None:
    result = tax_result()
    rows = getattr(result, part)
    new = {"gains": {"gain_id": "new"}, "lots": {"lot_id": "new"}, "wash_sales": {"wash_sale_id": "new"}}
    parts: dict[str, Any] = {part: (*rows, replace(rows[0], **new.get(part, {}), **changed))}
    orphaned = replace(result, **parts)
    with pytest.raises(LedgerError, match=refusal):
        tax.replace_tax_result(told, orphaned, account_ids=[ACCOUNT.account_id])
    assert set(tax.read_gains(told)) == set(result.gains)


def test_an_adjustment_names_the_loss_the_lot_the_shares_the_amount_and_the_rule(ledger: Engine, story: Story) -> None:
    """A later result takes its place; the row itself stays in the record as it was."""
    before = now(ledger)
    (written,) = story.tax.wash_sales
    lost = replace(written, wash_sale_id="wash_2", is_permanent=True, rule="Rev. Rul. 2008-5", replacement_lot_id=None)
    changed = tax.replace_tax_result(ledger, replace(story.tax, wash_sales=(lost,)), account_ids=[ACCOUNT.account_id])
    assert (changed["wash_sales"].inserted, changed["wash_sales"].superseded) == (1, 1)
    assert tax.read_wash_sales(ledger) == [lost]
    assert tax.read_wash_sales(ledger, as_of=before) == [written]
    assert (written.gain_id, written.replacement_lot_id, written.quantity, written.disallowed_loss, written.rule) == (
        *("gain_washed", "lot_2"),
        *(Decimal(60), Decimal("601.20")),
        "IRC 1091(a)",
    )


def test_what_is_left_of_a_lot_is_read_under_the_lots_id(ledger: Engine, story: Story) -> None:
    lot = story.tax.open_lots[0]
    left = replace(lot, quantity=Decimal("20.5"), original_basis=Decimal(8303), adjusted_basis=Decimal("8508.40"))
    tax.replace_tax_result(ledger, replace(story.tax, open_lots=(left,)), account_ids=[ACCOUNT.account_id])
    assert tax.read_open_lots(ledger) == [left]


def test_the_forms_come_back_as_they_were_made(ledger: Engine, story: Story) -> None:
    assert set(reports.read_form_lines(ledger, **FORM)) == set(story.lines)
    assert len(story.lines) == 2
    assert reports.read_form_lines(ledger, taxpayer="taxpayer", mode=Mode.LIVE, tax_year=2012) == []
    with ledger.connect() as connection:
        schedule = connection.execute(select(schedule_d)).one()
    # 60 shares of the loss are disallowed; the 40 others lose 16,440.40 − 16,039.60.
    assert schedule.results["7"] == "-400.80"
    assert schedule.lines["1b"]["adjustment"] == "601.20"


def test_a_form_made_again_changes_nothing_and_another_takes_its_place(ledger: Engine, story: Story) -> None:
    with ledger.connect() as connection:
        count = connection.execute(select(func.count()).select_from(form_lines)).scalar_one()
    tell_reports(ledger, story.tax.gains)
    assert reports.replace_form_lines(ledger, story.lines, **FORM).unchanged == count
    before = now(ledger)
    assert reports.replace_form_lines(ledger, story.lines[:1], **FORM).superseded == 1
    assert reports.read_form_lines(ledger, **FORM) == [story.lines[0]]
    assert len(reports.read_form_lines(ledger, **FORM, as_of=before)) == 2


def test_simulated_gains_never_get_on_a_live_form(told: Engine) -> None:
    live = lines_of([gain("plain", "40", "16039.60", "16440.40")], tax_year=2012, mode=Mode.LIVE)
    with pytest.raises(LedgerError, match="fk_form_line_gains_capital_gains"):
        reports.replace_form_lines(told, live, taxpayer="taxpayer", mode=Mode.LIVE, tax_year=2012)
    with pytest.raises(LedgerError, match="ck_form_lines_watermark_unless_live"):
        reports.replace_form_lines(told, live, **FORM)
    marked = lines_of([gain("plain", "40", "16039.60", "16440.40")], tax_year=2012, mode=Mode.PAPER)
    with pytest.raises(LedgerError, match="ck_form_lines_watermark_unless_live"):
        reports.replace_form_lines(told, marked, taxpayer="taxpayer", mode=Mode.LIVE, tax_year=2012)


def test_a_form_of_another_year_is_refused(told: Engine) -> None:
    lines = reports.read_form_lines(told, **FORM)
    with pytest.raises(LedgerError, match="lies outside"):
        reports.replace_form_lines(told, lines, **FORM | {"tax_year": 2011})
    schedule = schedule_of([], tax_year=2011, mode=Mode.SIMULATED)
    with pytest.raises(LedgerError, match="lies outside"):
        reports.replace_schedule_d(told, schedule, **FORM)


def test_a_schedule_rests_on_recorded_lines(told: Engine) -> None:
    schedule = replace(schedule_of([], tax_year=2012, mode=Mode.SIMULATED), line_ids=("line_none",))
    with pytest.raises(LedgerError, match="fk_schedule_d_lines_form_lines"):
        reports.replace_schedule_d(told, schedule, **FORM)


def test_daily_results_come_back_as_they_were_made(ledger: Engine, story: Story) -> None:
    assert reports.read_daily_pnl(ledger, account_id=ACCOUNT.account_id) == [daily_pnl()]
    assert reports.read_daily_pnl(ledger, start=START, end=START) == []
    assert reports.read_strategy_performance(ledger, mode=Mode.SIMULATED) == [performance()]
    better = replace(performance(), sharpe_ratio=1.5)
    changed = reports.replace_strategy_performance(ledger, ACCOUNT, [better], start=START, end=END)
    assert (changed.inserted, changed.superseded) == (1, 1)
    assert reports.read_strategy_performance(ledger) == [better]
    assert len(story.tax.gains) == 2


def test_a_day_that_does_not_add_up_is_refused(told: Engine) -> None:
    wrong = replace(daily_pnl(), total_pnl=Decimal(0))
    with pytest.raises(LedgerError, match="ck_daily_pnl_pnl_adds_up"):
        reports.replace_daily_pnl(told, ACCOUNT, [wrong], start=START, end=END)
