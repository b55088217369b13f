"""An account of the ledger as a reconciliation looks at it."""

from sqlalchemy import Connection, Engine, select

from tickledger.bars.corporate_actions import domain_actions
from tickledger.db.corporate_actions import read_corporate_actions
from tickledger.db.effective_executions import EffectiveExecutions
from tickledger.db.records import as_values, select_fields
from tickledger.db.tables import execution_corrections, executions, foreign_executions
from tickledger.db.tax_history import read_tax_history
from tickledger.db.trading import (
    read_balances,
    read_cash_transactions,
    read_positions,
)
from tickledger.db.versions import current
from tickledger.domain.execution import Execution
from tickledger.reconciliation.ledger_view import LedgerView, closes


def read_ledger_view(engine: Engine, account_id: str) -> LedgerView:
    """The whole history of an account, with the tax history of all accounts beside it; scopes are left to be computed.

    Positions and cash are those of recorded closes.
    """
    positions = read_positions(engine, account_id=account_id)
    balances = read_balances(engine, account_id=account_id)
    with engine.connect() as connection:
        mine = executions.c.account_id == account_id
        told = EffectiveExecutions().found(connection, mine, current(executions), has_busts=True)
        other_ids = _other_ids(connection, account_id)
        first_told = _first_told(connection, account_id)
    in_force = [execution for execution in told if execution.quantity]
    figures = {execution.execution_id: execution for execution in told}
    return LedgerView(
        account_id=account_id,
        executions=in_force,
        corrected=[row for row in first_told if _is_corrected(row, figures.get(row.execution_id))],
        other_ids=other_ids,
        busted=frozenset(execution.execution_id for execution in told if not execution.quantity),
        cash_transactions=read_cash_transactions(engine, account_id=account_id),
        corporate_actions=domain_actions(read_corporate_actions(engine)),
        holdings=closes(positions, balances),
        cash={balance.session_date: balance.cash for balance in balances},
        history=read_tax_history(engine),
    )


def _is_corrected(first: Execution, now: Execution | None) -> bool:
    return now is not None and (first.quantity, first.price) != (now.quantity, now.price)


def _other_ids(connection: Connection, account_id: str) -> dict[str, str]:
    """Each id under which the broker told more of an execution, with the execution's own."""
    corrections, foreign = execution_corrections, foreign_executions
    told = (
        select(corrections.c.correction_id, corrections.c.execution_id).where(corrections.c.account_id == account_id),
        select(foreign.c.reported_execution_id, foreign.c.execution_id).where(
            foreign.c.account_id == account_id, foreign.c.reported_execution_id != foreign.c.execution_id
        ),
    )
    return {other: own for statement in told for other, own in connection.execute(statement)}


def _first_told(connection: Connection, account_id: str) -> list[Execution]:
    """The executions with the figures that were told first."""
    table = executions
    statement = select_fields(table, Execution, order_id=table.c.order_id).where(
        table.c.account_id == account_id, current(table)
    )
    return as_values(connection, statement.order_by(table.c.execution_id), Execution)
