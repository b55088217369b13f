"""Statements in the record: each file whole, as it came, with what was read from it; the same file again is no news."""

import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import Connection, Engine, select

from tickledger.db import audit
from tickledger.db.ingestion import IngestionSource, record_ingestion
from tickledger.db.tables import ingestions, statement_files, statements
from tickledger.db.versions import insert_new, writing
from tickledger.domain.ids import deterministic_id
from tickledger.reconciliation.accounting import Accounted
from tickledger.reconciliation.statement import Source, Statement, StatementFile, StatementKind

#: The name under which their ingestions are recorded.
STATEMENTS: Final = "statements"
_ROWS: Final = (
    "executions",
    "positions",
    "open_lots",
    "closed_lots",
    "wash_sales",
    "cash_balances",
    "cash_transactions",
    "corporate_actions",
    "transfers",
    "net_asset_values",
    "nav_changes",
    "fx_rates",
    "form_1099b",
)


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """A file in the record, and the statements that were read from it by the broker's name of their account."""

    ingestion_id: str
    is_new: bool
    statement_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoredStatement:
    """One recorded statement: whose it is, which days it covers, and the file it came in."""

    statement_id: str
    broker_account: str
    start_date: date | None
    end_date: date | None
    is_complete: bool
    counts: dict[str, int]
    source: Source


def record_statement_file(engine: Engine, file: StatementFile, content: bytes) -> RecordedFile:
    """Keep a file and what it holds; the same content, brought in again under whatever name, changes nothing."""
    window = [day for one in file.statements for day in (one.start_date, one.end_date) if day is not None]
    source = IngestionSource(file.source.name, file.source.sha256, min(window, default=None), max(window, default=None))
    with writing(engine, STATEMENTS) as (connection, at):
        held = _held(connection, source.sha256)
        if held is not None:
            return RecordedFile(held, is_new=False, statement_ids=_statement_ids(connection, held))
        ingestion_id = record_ingestion(connection, source, dataset=STATEMENTS, at=at)
        row = {
            "ingestion_id": ingestion_id,
            "kind": file.source.kind,
            "size": len(content),
            "content": zlib.compress(content),
        }
        rows = [_row(one, ingestion_id, place) for place, one in enumerate(file.statements)]
        insert_new(connection, statement_files, [row], at=at)
        insert_new(connection, statements, rows, at=at)
        details: audit.Details = {"name": file.source.name, "sha256": file.source.sha256, "size": len(content)}
        audit.append(connection, actor="tickledger", action="statement", subject=ingestion_id, details=details)
    return RecordedFile(ingestion_id, is_new=True, statement_ids=tuple(row["statement_id"] for row in rows))


def read_statements(
    engine: Engine, *, broker_account: str | None = None, start: date | None = None, end: date | None = None
) -> list[StoredStatement]:
    """The recorded statements of an account, or of all, that have a day from `start` to `end`: the earliest first."""
    where = []
    if broker_account is not None:
        where.append(statements.c.broker_account == broker_account)
    if start is not None:
        where.append(statements.c.end_date >= start)
    if end is not None:
        where.append(statements.c.start_date <= end)
    statement = (
        select(statements, statement_files.c.kind, ingestions.c.source, ingestions.c.sha256)
        .join(statement_files, statement_files.c.ingestion_id == statements.c.ingestion_id)
        .join(ingestions, ingestions.c.ingestion_id == statements.c.ingestion_id)
        .where(*where)
        .order_by(statements.c.start_date, statements.c.recorded_at, statements.c.statement_id)
    )
    with engine.connect() as connection:
        return [
            StoredStatement(
                row["statement_id"],
                row["broker_account"],
                row["start_date"],
                row["end_date"],
                row["is_complete"],
                dict(row["counts"]),
                Source(row["source"], row["sha256"], StatementKind(row["kind"])),
            )
            for row in connection.execute(statement).mappings()
        ]


def read_statement_content(engine: Engine, sha256: str) -> bytes | None:
    """The file with a hash, as it came; None where the record has none."""
    statement = (
        select(statement_files.c.content)
        .join(ingestions, ingestions.c.ingestion_id == statement_files.c.ingestion_id)
        .where(ingestions.c.sha256 == sha256)
        .limit(1)
    )
    with engine.connect() as connection:
        found = connection.execute(statement).scalar()
    return None if found is None else zlib.decompress(found)


def _held(connection: Connection, sha256: str) -> str | None:
    """The ingestion that brought a file with this hash."""
    statement = (
        select(statement_files.c.ingestion_id)
        .join(ingestions, ingestions.c.ingestion_id == statement_files.c.ingestion_id)
        .where(ingestions.c.sha256 == sha256)
        .limit(1)
    )
    found: str | None = connection.execute(statement).scalar()
    return found


def _statement_ids(connection: Connection, ingestion_id: str) -> tuple[str, ...]:
    table = statements
    found = select(table.c.statement_id).where(table.c.ingestion_id == ingestion_id).order_by(table.c.statement_id)
    return tuple(connection.execute(found).scalars())


def _row(statement: Statement, ingestion_id: str, place: int) -> dict[str, Any]:
    names = (statement.account_id, statement.start_date, statement.end_date)
    return {
        "statement_id": deterministic_id("stmt", ingestion_id, place, *names),
        "ingestion_id": ingestion_id,
        "broker_account": statement.account_id,
        "broker": statement.broker,
        "base_currency": statement.base_currency,
        "start_date": statement.start_date,
        "end_date": statement.end_date,
        "generated_at": statement.generated_at,
        "is_complete": statement.is_complete,
        "counts": {name: len(getattr(statement, name)) for name in _ROWS},
        "accounting": _told(statement.accounting),
        "problems": [asdict(problem) for problem in statement.problems],
    }


def _told(accounting: Sequence[Accounted]) -> list[dict[str, Any]]:
    return [asdict(line) for line in accounting]
