"""Rows that were refused, kept with the reason so that they can be mended and brought again."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, func, select

from tickledger.bars.reject import Reject
from tickledger.db.tables import ingestions, quarantine
from tickledger.db.versions import insert_new
from tickledger.domain.errors import Problem
from tickledger.domain.ids import deterministic_id


@dataclass(frozen=True, slots=True)
class QuarantinedRow:
    """A refused row: when and from which ingestion it came, its problem, its cells as the source wrote them."""

    quarantine_id: str
    ingestion_id: str
    recorded_at: datetime
    reject: Reject


@dataclass(frozen=True, slots=True)
class Refusals:
    """What one ingestion left in the quarantine: its source, how many rows, and the problem of the first of them."""

    source: str
    ingestion_id: str
    recorded_at: datetime
    rows: int
    first: Problem


def record_rejects(connection: Connection, rejects: Sequence[Reject], *, ingestion_id: str, at: datetime) -> int:
    """Keep `rejects` aside and count those that were not there yet."""
    rows = {row["quarantine_id"]: row for row in (_row(reject, ingestion_id) for reject in rejects)}
    return insert_new(connection, quarantine, list(rows.values()), at=at)


def read_quarantine(engine: Engine, *, ingestion_id: str | None = None) -> list[QuarantinedRow]:
    """What is kept aside, of one ingestion or of all, in the order of the sources' rows."""
    order = (quarantine.c.recorded_at, quarantine.c.ingestion_id, quarantine.c.row_number, quarantine.c.quarantine_id)
    statement = select(quarantine).order_by(*order)
    if ingestion_id is not None:
        statement = statement.where(quarantine.c.ingestion_id == ingestion_id)
    with engine.connect() as connection:
        return [
            QuarantinedRow(row.quarantine_id, row.ingestion_id, row.recorded_at, _reject(row))
            for row in connection.execute(statement)
        ]


def read_refusals(engine: Engine) -> list[Refusals]:
    """The quarantine by ingestion, the oldest first."""
    ingestion = quarantine.c.ingestion_id
    order = (quarantine.c.row_number, quarantine.c.quarantine_id)
    numbered = select(
        quarantine,
        func.count().over(partition_by=ingestion).label("rows"),
        func.row_number().over(partition_by=ingestion, order_by=order).label("position"),
    ).subquery()
    statement = (
        select(numbered, ingestions.c.source)
        .join(ingestions, ingestions.c.ingestion_id == numbered.c.ingestion_id)
        .where(numbered.c.position == 1)
        .order_by(numbered.c.recorded_at, numbered.c.ingestion_id)
    )
    with engine.connect() as connection:
        return [
            Refusals(row.source, row.ingestion_id, row.recorded_at, row.rows, _reject(row).problem)
            for row in connection.execute(statement)
        ]


def _row(reject: Reject, ingestion_id: str) -> dict[str, Any]:
    problem = reject.problem
    record = {_storable(column): _storable(cell) for column, cell in reject.record.items()}
    content = {
        "location": _storable(problem.where),
        "row_number": problem.row,
        "column_name": None if problem.column is None else _storable(problem.column),
        "expected": _storable(problem.expected),
        "found": _storable(problem.found),
        "severity": problem.severity,
    }
    cells = json.dumps(record, sort_keys=True)
    return {
        "quarantine_id": deterministic_id("quar", ingestion_id, *content.values(), cells),
        "ingestion_id": ingestion_id,
        **content,
        "record": record,
    }


def _storable(text: str) -> str:
    """`text` with what PostgreSQL cannot hold (NUL, lone surrogates of undecodable bytes) written as escapes."""
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode("utf-8")


def _reject(row: Any) -> Reject:  # noqa: ANN401  a row of a Core select has no static shape
    problem = Problem(
        where=row.location,
        row=row.row_number,
        column=row.column_name,
        expected=row.expected,
        found=row.found,
        severity=row.severity,
    )
    return Reject(problem=problem, record=row.record)
