"""The audit log: who did what to the ledger, in a chain that shows when an entry was touched.

Each entry holds the SHA-256 of the entry before it and of its own content, so that a changed, deleted or
inserted entry breaks the chain from there on; the head of the chain is kept apart, so that entries cut off
its end are missed too. Whoever may rewrite the whole database can rewrite the whole chain: note the head's
hash somewhere else to be safe from that.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from tickledger.db.ingestion import IngestionResult
from tickledger.db.tables import audit_head, audit_log
from tickledger.db.versions import ReplaceResult
from tickledger.domain.errors import Problem

GENESIS: Final = "0" * 64
#: Only what JSON and PostgreSQL write in one way each: a float could come back spelled otherwise.
Details = Mapping[str, str | int]


def append(target: Engine | Connection, *, actor: str, action: str, subject: str, details: Details) -> str:
    """Append an entry and return its hash; on a connection it is part of that connection's transaction."""
    if isinstance(target, Engine):
        with target.begin() as connection:
            return append(connection, actor=actor, action=action, subject=subject, details=details)
    # Appends follow each other: the next one waits here until this transaction has ended.
    target.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('tickledger audit', 0))"))
    last = target.execute(select(audit_head.c.sequence, audit_head.c.hash)).first()
    entry: dict[str, Any] = {
        "sequence": last.sequence + 1 if last else 1,
        "recorded_at": target.execute(select(func.clock_timestamp())).scalar_one(),
        "actor": actor,
        "action": action,
        "subject": subject,
        "details": dict(details),
        "previous_hash": last.hash if last else GENESIS,
    }
    entry["hash"] = entry_hash(entry)
    target.execute(insert(audit_log), entry)
    head = {"sequence": entry["sequence"], "hash": entry["hash"]}
    statement = upsert(audit_head).values(is_only_row=True, **head)
    target.execute(statement.on_conflict_do_update(index_elements=["is_only_row"], set_=head))
    return str(entry["hash"])


def append_ingestion(connection: Connection, result: IngestionResult, *, dataset: str) -> None:
    """Note an ingestion that changed the record; one that brought nothing new leaves no entry."""
    if result.is_change:
        details: Details = {"dataset": dataset, "inserted": result.inserted, "restated": result.restated}
        append(connection, actor="tickledger", action="ingest", subject=result.ingestion_id, details=details)


def append_replacements(connection: Connection, results: Mapping[str, ReplaceResult], *, subject: str) -> None:
    """Note, for each table by name, what writing a scope changed; what stayed as it was leaves no entry."""
    for name, result in results.items():
        if result.is_change:
            details = {"inserted": result.inserted, "superseded": result.superseded}
            append(connection, actor="tickledger", action=f"replace {name}", subject=subject, details=details)


def verify(engine: Engine) -> list[Problem]:
    """Walk the chain and report each place where it does not hold; an empty list means it does."""
    problems: list[Problem] = []
    sequence, previous = 0, GENESIS
    with engine.connect() as connection:
        for entry in connection.execute(select(audit_log).order_by(audit_log.c.sequence)):
            problems.extend(_check(entry, sequence=sequence + 1, previous=previous))
            sequence, previous = entry.sequence, entry.hash
        head = connection.execute(select(audit_head.c.sequence, audit_head.c.hash)).first()
    recorded = (head.sequence, head.hash) if head else (0, GENESIS)
    if recorded != (sequence, previous):
        problems.append(_problem(sequence, "head", f"entry {recorded[0]} {recorded[1]}", f"{sequence} {previous}"))
    return problems


def entry_hash(entry: Mapping[str, Any]) -> str:
    """The SHA-256, in hex, of an entry's content and of the hash before it."""
    recorded_at: datetime = entry["recorded_at"]
    content = {name: entry[name] for name in ("sequence", "actor", "action", "subject", "details", "previous_hash")}
    content["recorded_at"] = recorded_at.isoformat(timespec="microseconds")
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _check(entry: Row[Any], *, sequence: int, previous: str) -> list[Problem]:
    pairs = (
        ("sequence", str(sequence), str(entry.sequence)),
        ("previous_hash", previous, entry.previous_hash),
        ("hash", entry_hash(dict(entry._mapping)), entry.hash),  # noqa: SLF001  SQLAlchemy's public name for it
    )
    return [_problem(entry.sequence, column, expected, found) for column, expected, found in pairs if expected != found]


def _problem(sequence: int, column: str, expected: str, found: str) -> Problem:
    return Problem(where="audit_log", row=sequence, column=column, expected=expected, found=found)
