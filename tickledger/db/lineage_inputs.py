"""Inputs that changed after they were recorded: corrections, charges, fills by hand, and the breaks they settled."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Table, select

from tickledger.db.lineage import told
from tickledger.db.tables import (
    break_corrections,
    break_events,
    commission_reports,
    execution_corrections,
    foreign_executions,
    reconciliation_breaks,
)
from tickledger.db.versions import current


@dataclass(frozen=True, slots=True)
class InputChange:
    """A row of the record that came, went, or was corrected; `source` is the file or break that brought it."""

    id: str
    kind: str
    what: str
    summary: str
    happened_at: datetime
    source: str = ""


#: What says more of an execution later, with the sentence it says.
_LATER: Final[tuple[tuple[Table, str, str, str], ...]] = (
    (
        execution_corrections,
        "correction_id",
        "correction",
        "{execution_id} is {quantity} shares at {price} on {trade_date}",
    ),
    (
        commission_reports,
        "commission_report_id",
        "commission report",
        "{execution_id} cost {commission} {currency}",
    ),
    (
        foreign_executions,
        "foreign_execution_id",
        "fill by hand",
        "{execution_id} is {side} {quantity} at {price} on {trade_date}, commission {commission}",
    ),
)


def corrections_since(connection: Connection, execution_ids: Collection[str], since: datetime) -> list[InputChange]:
    """What was recorded after `since` of these executions, beside their own rows."""
    found = []
    for table, key, kind, sentence in _LATER:
        statement = select(table).where(table.c.execution_id.in_(execution_ids), table.c.recorded_at > since)
        for row in connection.execute(statement.order_by(table.c.recorded_at, table.c[key])).mappings():
            cells = {name: told(cell) for name, cell in row.items()}
            source = _why(connection, row, key)
            summary = sentence.format_map(cells)
            found.append(InputChange(row[key], kind, "recorded", summary, row["recorded_at"], source))
    return found


def break_steps_since(connection: Connection, break_id: str, since: datetime) -> list[InputChange]:
    """The steps of a break after `since`, and what a person had recorded because of it."""
    events, applied = break_events, break_corrections
    steps = select(events).where(events.c.break_id == break_id, events.c.recorded_at > since)
    booked = select(applied).where(applied.c.break_id == break_id, applied.c.recorded_at > since)
    return [
        *(
            InputChange(break_id, "break", row["state"], _by(row), row["recorded_at"])
            for row in connection.execute(steps.order_by(events.c.sequence)).mappings()
        ),
        *(
            InputChange(break_id, "break", "corrected", f"{_by(row)}, {row['kind']}", row["recorded_at"])
            for row in connection.execute(booked.order_by(applied.c.recorded_at)).mappings()
        ),
    ]


def _by(row: Mapping[Any, Any]) -> str:
    return f"by {row['actor']}" + (f": {row['note']}" if row["note"] else "")


def _why(connection: Connection, row: Mapping[Any, Any], key: str) -> str:
    """The break that a person settled by this row, with the place of the statement it was found at."""
    breaks, corrections = reconciliation_breaks, break_corrections
    statement = (
        select(breaks.c.break_id, breaks.c.where)
        .join(corrections, corrections.c.break_id == breaks.c.break_id)
        .where(corrections.c.record_id.in_([row[key], row["execution_id"]]), current(breaks))
        .limit(1)
    )
    found = connection.execute(statement).first()
    return "" if found is None else f"break {found.break_id}, {found.where}"
