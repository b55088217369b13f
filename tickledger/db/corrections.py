"""Corrections that a person applies: each is a new record of the ledger, and nothing that is recorded is edited.

    add execution         a fill of an order of ours where the ledger has the order, else a fill by hand
    correct execution     new figures beside the old; those of a fill by hand take the place of what was told of it
    report commission     what a fill cost in the end
    add cash transaction  a movement of cash
    add corporate action  an event, brought in like those of a file
    choose lots           which lots a sale took; whoever computes lots reads it

What the break names as the broker's to mend has no record: a person accepts it, or waits for another statement.

A break is corrected once for each time that it opens. Where it was resolved and comes back, because later news undid
what was recorded, the same correction is a record of its own after that news.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Final

import pandas as pd
from sqlalchemy import Column, Connection, Engine, func, literal_column, select

from tickledger.db.accounts import mode_of
from tickledger.db.breaks import record_break_correction
from tickledger.db.corporate_actions import ingest_corporate_actions, read_corporate_actions
from tickledger.db.effective_executions import EffectiveExecutions
from tickledger.db.ingestion import IngestionSource
from tickledger.db.order_journal import LedgerJournal
from tickledger.db.records import rows_of
from tickledger.db.tables import (
    break_corrections,
    break_events,
    cash_transactions,
    commission_reports,
    execution_corrections,
    executions,
    foreign_executions,
    orders,
)
from tickledger.db.versions import current, insert_new, writing
from tickledger.domain.broker import CommissionReport
from tickledger.domain.errors import InputError, Problem
from tickledger.domain.execution import Execution
from tickledger.execution.order_journal import CommissionEntry, ExecutionCorrection, ForeignExecution
from tickledger.reconciliation.breaks import BreakState, CorrectionKind, ReconciliationBreak
from tickledger.reconciliation.corrections import (
    action_of,
    cash_of,
    corrected_execution,
    execution_of,
    lots_of,
)

_BY_HAND: Final = "entered by a person"


def apply_correction(
    engine: Engine, found: ReconciliationBreak, *, actor: str, note: str, applied_at: datetime
) -> str | None:
    """Record what the break proposes and note that it settles the break; the id of the new record.

    Raises InputError where the break proposes nothing that can be recorded, is resolved, or was corrected since it
    opened.
    """
    correction = found.correction
    if correction is None or correction.kind is CorrectionKind.REPORT_TO_BROKER:
        told = "nothing" if correction is None else correction.explanation
        raise InputError([Problem(f"break {found.break_id}", "a correction that can be recorded", told)])
    if not note.strip():
        raise InputError([Problem(f"break {found.break_id}", "a note that says why", "none")])
    _refuse_second(engine, found)
    record_id = _RECORDERS[correction.kind](engine, found, correction.values, applied_at)
    record_break_correction(engine, found, record_id=record_id, actor=actor, note=note, applied_at=applied_at)
    return record_id


def _refuse_second(engine: Engine, found: ReconciliationBreak) -> None:
    """A correction that was recorded before the break was last resolved does not stand in the way of another."""
    events, applied = break_events, break_corrections
    mine = events.c.break_id == found.break_id
    last = select(events.c.state, events.c.recorded_at).where(mine).order_by(events.c.sequence.desc()).limit(1)
    resolved = select(func.max(events.c.recorded_at)).where(mine, events.c.state == BreakState.RESOLVED)
    since = func.coalesce(resolved.scalar_subquery(), literal_column("'-infinity'::timestamptz"))
    booked = select(applied.c.applied_at).where(applied.c.break_id == found.break_id, applied.c.recorded_at > since)
    with engine.connect() as connection:
        step = connection.execute(last).first()
        at = connection.execute(booked.limit(1)).scalar()
    if at is not None:
        told = f"one of {at.isoformat(timespec='seconds')}; compare again to see what is left"
        raise InputError([Problem(f"break {found.break_id}", "no correction recorded since it opened", told)])
    if step is not None and step.state == BreakState.RESOLVED:
        told = "one that the last comparison did not find any more"
        raise InputError([Problem(f"break {found.break_id}", "a break that is there", told)])


def _times_corrected(engine: Engine, found: ReconciliationBreak) -> int:
    with engine.connect() as connection:
        return _count(connection, break_corrections.c.break_id, found.break_id)


def _add_execution(engine: Engine, found: ReconciliationBreak, values: Mapping[str, str], at: datetime) -> str:
    own = values["execution_id"]
    with engine.connect() as connection:
        is_held = _count(connection, executions.c.execution_id, own) > 0
    if is_held and _times_corrected(engine, found):
        # It was entered for this break before, and taken back since: its figures are told again.
        return _correct_execution(engine, found, values, at)
    execution = execution_of(values)
    entry = execution if _is_ours(engine, execution) else ForeignExecution(execution, execution.execution_id, _BY_HAND)
    LedgerJournal(engine).record(found.account_id, [entry])
    return execution.execution_id


def _is_ours(engine: Engine, execution: Execution) -> bool:
    table = orders
    mine = select(table.c.order_id).where(
        table.c.order_id == execution.order_id, table.c.account_id == execution.account_id, current(table)
    )
    with engine.connect() as connection:
        return connection.execute(mine).first() is not None


def _correct_execution(engine: Engine, found: ReconciliationBreak, values: Mapping[str, str], at: datetime) -> str:
    own = values["execution_id"]
    with engine.connect() as connection:
        told = EffectiveExecutions().found(connection, executions.c.execution_id == own, has_busts=True)
        count = _count(connection, execution_corrections.c.execution_id, own)
        foreign = connection.execute(
            select(foreign_executions.c.broker_order_id, foreign_executions.c.reported_execution_id).where(
                foreign_executions.c.execution_id == own, current(foreign_executions)
            )
        ).first()
    if not told:
        raise InputError([Problem(f"break {found.break_id}", "an execution of the ledger", own)])
    corrected = corrected_execution(told[0], values)
    if foreign is not None:
        reported = f"{own}.{at:%Y%m%dT%H%M%S}"
        entry: ForeignExecution | ExecutionCorrection = ForeignExecution(
            corrected, reported, foreign.broker_order_id, corrects=foreign.reported_execution_id
        )
        LedgerJournal(engine).record(found.account_id, [entry])
        return reported
    entry = ExecutionCorrection(
        correction_id=f"{own}.{at:%Y%m%dT%H%M%S}",
        execution_id=own,
        sequence=count,
        corrects=own,
        quantity=corrected.quantity,
        price=corrected.price,
        executed_at=corrected.executed_at,
        trade_date=corrected.trade_date,
    )
    LedgerJournal(engine).record(found.account_id, [entry])
    return entry.correction_id


def _report_commission(engine: Engine, found: ReconciliationBreak, values: Mapping[str, str], at: datetime) -> str:
    own = values["execution_id"]
    with engine.connect() as connection:
        count = _count(connection, commission_reports.c.execution_id, own)
    report = CommissionReport(own, Decimal(values["commission"]), values["currency"], at)
    entry = CommissionEntry(own, count, report)
    LedgerJournal(engine).record(found.account_id, [entry])
    return own


def _add_cash(engine: Engine, found: ReconciliationBreak, values: Mapping[str, str], _at: datetime) -> str:
    times = _times_corrected(engine, found)
    # What it says makes its id: one that is entered again has to say so.
    again = {"description": f"{values['description']} (entered again, {times})".strip()} if times else {}
    moved = cash_of({**values, **again})
    with writing(engine, "trading") as (connection, at):
        mode = mode_of(connection, found.account_id)
        insert_new(connection, cash_transactions, rows_of(connection, cash_transactions, [moved], mode=mode), at=at)
    return moved.cash_transaction_id


def _add_corporate_action(engine: Engine, found: ReconciliationBreak, values: Mapping[str, str], _at: datetime) -> str:
    action = action_of(values)
    row = {
        "symbol": action.symbol,
        "ex_date": pd.Timestamp(action.ex_date),
        "kind": str(action.kind),
        "ratio": None if action.ratio is None else float(action.ratio),
        "amount": None if action.amount is None else float(action.amount),
        "new_symbol": action.new_symbol,
        "cash_in_lieu": None if action.cash_in_lieu is None else float(action.cash_in_lieu),
    }
    content = ";".join(f"{name}={text}" for name, text in sorted(values.items()))
    source = IngestionSource(f"break {found.break_id}", sha256(content.encode()).hexdigest())
    ingest_corporate_actions(engine, pd.DataFrame([row]), rejects=[], source=source)
    held = read_corporate_actions(engine)
    same = held[(held["symbol"] == action.symbol) & (held["ex_date"] == row["ex_date"]) & (held["kind"] == row["kind"])]
    return str(same["corporate_action_id"].iloc[-1])


def _choose_lots(engine: Engine, found: ReconciliationBreak, values: Mapping[str, str], _at: datetime) -> None:
    """The note itself is the record; the shares named must be bought by executions of the account."""
    names = [choice.open_execution_id for choice in lots_of(values)[1]]
    table = executions
    with engine.connect() as connection:
        known = select(table.c.execution_id).where(
            table.c.execution_id.in_(names), table.c.account_id == found.account_id
        )
        held = set(connection.execute(known).scalars())
    missing = [name for name in names if name not in held]
    if missing:
        raise InputError([Problem(f"break {found.break_id}", "lots of the ledger", ", ".join(missing))])


def _count(connection: Connection, column: Column[str], value: str) -> int:
    found: int = connection.execute(select(func.count()).where(column == value)).scalar_one()
    return found


_RECORDERS: Final = {
    CorrectionKind.ADD_EXECUTION: _add_execution,
    CorrectionKind.CORRECT_EXECUTION: _correct_execution,
    CorrectionKind.REPORT_COMMISSION: _report_commission,
    CorrectionKind.ADD_CASH_TRANSACTION: _add_cash,
    CorrectionKind.ADD_CORPORATE_ACTION: _add_corporate_action,
    CorrectionKind.CHOOSE_LOTS: _choose_lots,
}
