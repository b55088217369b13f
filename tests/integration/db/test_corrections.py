"""Corrections that a person applies: new records that change what is in force, and leave what was recorded there."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import Engine, Table, func, select

from tests.integration.db.broken import comparison, evening, missing_fill
from tests.integration.db.story import ACCOUNT, BUY_DAY, Story
from tickledger.db.breaks import record_comparison
from tickledger.db.corporate_actions import read_corporate_actions
from tickledger.db.corrections import apply_correction
from tickledger.db.ledger_views import read_ledger_view
from tickledger.db.lot_choices import read_lot_choices
from tickledger.db.tables import (
    break_corrections,
    cash_transactions,
    commission_reports,
    execution_corrections,
    executions,
    foreign_executions,
)
from tickledger.db.tax_history import read_tax_history
from tickledger.db.trading import read_cash_transactions, read_executions
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.errors import InputError
from tickledger.domain.execution import CashKind, CashTransaction, Execution
from tickledger.reconciliation.breaks import CorrectionKind, ProposedCorrection, ReconciliationBreak
from tickledger.reconciliation.corrections import (
    add_cash,
    add_corporate_action,
    choose_lots,
    correct_execution,
    report_commission,
    report_to_broker,
)
from tickledger.tax.fills import LotChoice

FILL_VALUES = {
    "execution_id": "0000e0d5.1",
    "order_id": "",
    "account_id": ACCOUNT.account_id,
    "symbol": "AAPL",
    "side": "BUY",
    "quantity": "10",
    "price": "60",
    "commission": "1",
    "fees": "0",
    "executed_at": "2012-01-05T15:00:00+00:00",
    "trade_date": "2012-01-05",
    "commission_is_estimated": "no",
}


def applied(ledger: Engine, correction: ProposedCorrection, **changed: Any) -> str | None:
    found = missing_fill(ACCOUNT, key="0000e0d5.7", correction=correction, **changed)
    record_comparison(ledger, ACCOUNT, comparison(ACCOUNT, found), compared_at=evening(9))
    return apply_correction(ledger, found, actor="ann", note="as the statement has it", applied_at=evening(10))


def execution(ledger: Engine, identity: str) -> Execution:
    return next(row for row in read_executions(ledger) if row.execution_id == identity)


@pytest.mark.usefixtures("story")
def test_a_missing_fill_is_entered_as_one_by_hand(ledger: Engine) -> None:
    add = ProposedCorrection(CorrectionKind.ADD_EXECUTION, FILL_VALUES, "")
    assert applied(ledger, add) == "0000e0d5.1"
    entered = execution(ledger, "0000e0d5.1")
    assert [entered.quantity, entered.price, entered.commission, entered.order_id] == [10, 60, 1, ""]
    assert "0000e0d5.1" in {row.execution_id for row in read_ledger_view(ledger, ACCOUNT.account_id).executions}


@pytest.mark.usefixtures("story")
def test_a_missing_fill_of_an_order_of_ours_belongs_to_it(ledger: Engine) -> None:
    add = ProposedCorrection(CorrectionKind.ADD_EXECUTION, FILL_VALUES | {"order_id": "ord_04"}, "")
    applied(ledger, add)
    assert execution(ledger, "0000e0d5.1").order_id == "ord_04"


@pytest.mark.parametrize("identity", ["exec_05", "exec_by_hand"])
@pytest.mark.usefixtures("story")
def test_a_wrong_fill_gets_new_figures_and_its_row_stays(ledger: Engine, identity: str) -> None:
    before = execution(ledger, identity)
    correction = correct_execution(before, "", price="401.5")
    applied(ledger, correction)
    assert execution(ledger, identity) == replace(before, price=Decimal("401.5"))
    with ledger.connect() as connection:
        told = connection.execute(select(executions.c.price).where(executions.c.execution_id == identity)).scalar_one()
    assert told == before.price
    view = read_ledger_view(ledger, ACCOUNT.account_id)
    assert before.price in {row.price for row in view.corrected if row.execution_id == identity}
    assert identity in view.other_ids.values()


@pytest.mark.usefixtures("story")
def test_a_fill_that_never_was_is_none(ledger: Engine) -> None:
    before = execution(ledger, "exec_05")
    applied(ledger, correct_execution(before, "", quantity="0"))
    view = read_ledger_view(ledger, ACCOUNT.account_id)
    assert "exec_05" not in {row.execution_id for row in view.executions}
    assert view.busted == {"exec_05"}


@pytest.mark.usefixtures("story")
def test_a_charge_that_was_told_late_counts(ledger: Engine) -> None:
    applied(ledger, report_commission("exec_04", Decimal("1.35")))
    charged = execution(ledger, "exec_04")
    assert [charged.commission, charged.fees] == [Decimal("1.35"), 0]


@pytest.mark.usefixtures("story")
def test_cash_that_moved_is_entered(ledger: Engine) -> None:
    moved = CashTransaction("", ACCOUNT.account_id, CashKind.INTEREST, Decimal("1.23"), BUY_DAY, description="interest")
    identity = applied(ledger, add_cash(moved, ""))
    entered = next(row for row in read_cash_transactions(ledger) if row.cash_transaction_id == identity)
    assert entered == replace(moved, cash_transaction_id=str(identity))


@pytest.mark.usefixtures("story")
def test_a_corporate_action_is_brought_in(ledger: Engine) -> None:
    action = CorporateAction("AAPL", date(2012, 2, 9), CorporateActionKind.DIVIDEND, amount=Decimal("2.65"))
    identity = applied(ledger, add_corporate_action(action))
    held = read_corporate_actions(ledger)
    assert held.loc[held["corporate_action_id"] == identity, "amount"].tolist() == pytest.approx([2.65])


def test_lots_that_were_identified_are_those_of_the_sale(ledger: Engine, story: Story) -> None:
    sale = next(row for row in story.record.executions if row.execution_id == "exec_05")
    chosen = LotChoice("exec_04", Decimal(100))
    assert applied(ledger, choose_lots(sale.execution_id, [chosen])) is None
    assert read_lot_choices(ledger) == {"exec_05": (chosen,)}
    fills = {fill.execution_id: fill for fill in read_tax_history(ledger).fills}
    assert (fills["exec_05"].lots, fills["exec_04"].lots) == ((chosen,), ())


@pytest.mark.usefixtures("story")
def test_lots_that_nobody_bought_are_refused(ledger: Engine) -> None:
    with pytest.raises(InputError, match="expected lots of the ledger, found exec_99"):
        applied(ledger, choose_lots("exec_05", [LotChoice("exec_99", Decimal(1))]))


@pytest.mark.usefixtures("story")
def test_what_the_broker_has_to_mend_is_not_recorded(ledger: Engine) -> None:
    with pytest.raises(InputError, match="expected a correction that can be recorded"):
        applied(ledger, report_to_broker("its price"))


FILL = ProposedCorrection(CorrectionKind.ADD_EXECUTION, FILL_VALUES, "")
FILL_OF_OURS = replace(FILL, values=FILL_VALUES | {"order_id": "ord_04"})
INTEREST = CashTransaction("", ACCOUNT.account_id, CashKind.INTEREST, Decimal("1.23"), BUY_DAY)


@pytest.mark.parametrize(
    ("correction", "table"),
    [
        (report_commission("exec_04", Decimal("1.35")), commission_reports),
        (add_cash(INTEREST, ""), cash_transactions),
        (choose_lots("exec_05", [LotChoice("exec_04", Decimal(100))]), break_corrections),
        (FILL, foreign_executions),
        (FILL_OF_OURS, execution_corrections),
    ],
)
@pytest.mark.usefixtures("story")
def test_what_was_resolved_and_is_found_again_is_recorded_again(
    ledger: Engine, correction: ProposedCorrection, table: Table
) -> None:
    found = missing_fill(ACCOUNT, key="0000e0d5.7", correction=correction)
    counted = [count(ledger, table)]
    for day in (9, 12, 15):
        record_comparison(ledger, ACCOUNT, comparison(ACCOUNT, found), compared_at=evening(day))
        apply_correction(ledger, found, actor="ann", note="it is so", applied_at=evening(day + 1))
        record_comparison(ledger, ACCOUNT, comparison(ACCOUNT), compared_at=evening(day + 2))
        counted.append(count(ledger, table))
    grown = [after - before for before, after in pairwise(counted)]
    # A fill of an order of ours is entered once; what is told of it later is a correction.
    assert grown == ([0, 1, 1] if correction is FILL_OF_OURS else [1, 1, 1])


def count(ledger: Engine, table: Table) -> int:
    with ledger.connect() as connection:
        counted: int = connection.execute(select(func.count()).select_from(table)).scalar_one()
    return counted


@pytest.mark.usefixtures("story")
def test_a_correction_is_recorded_once_and_with_a_reason(ledger: Engine) -> None:
    found: ReconciliationBreak = missing_fill(
        ACCOUNT, key="0000e0d5.8", correction=report_commission("exec_04", Decimal(2))
    )
    at = datetime(2012, 1, 10, 22, tzinfo=UTC)
    with pytest.raises(InputError, match="a note that says why"):
        apply_correction(ledger, found, actor="ann", note=" ", applied_at=at)
    apply_correction(ledger, found, actor="ann", note="told by mail", applied_at=at)
    with pytest.raises(InputError, match="expected no correction recorded since it opened, found one of 2012-01-10"):
        apply_correction(ledger, found, actor="ann", note="again", applied_at=at)
    with ledger.connect() as connection:
        assert connection.execute(select(func.count()).select_from(executions)).scalar() == 4
