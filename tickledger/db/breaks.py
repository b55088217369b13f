"""Comparisons of the ledger with other sources, and the breaks they found: written once, read with their history."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, and_, insert, select

from tickledger.db import audit
from tickledger.db.tables import break_corrections, break_events, reconciliation_breaks, reconciliations
from tickledger.db.versions import Scope, current, replace_scope, writing
from tickledger.domain.account import Account
from tickledger.domain.errors import InputError, Problem
from tickledger.domain.ids import deterministic_id, text_id
from tickledger.execution.order_journal import new_york_date
from tickledger.reconciliation.breaks import (
    PERSONS_STEPS,
    BreakCause,
    BreakEvent,
    BreakState,
    Comparison,
    CorrectionKind,
    ProposedCorrection,
    ReconciliationBreak,
    SourceName,
    Subject,
    TrackedBreak,
    next_events,
)

_AREA = "reconciliation"
_TEXTS: tuple[str, ...] = ("key", "field", "symbol", "ours", "theirs", "unit", "detail", "where")


@dataclass(frozen=True, slots=True)
class RecordedComparison:
    """What recording a comparison changed: the breaks it opened, those it found again, and those it resolved."""

    reconciliation_id: str
    opened: tuple[ReconciliationBreak, ...]
    known: tuple[ReconciliationBreak, ...]
    resolved: tuple[ReconciliationBreak, ...]


def record_comparison(
    engine: Engine,
    account: Account,
    comparison: Comparison,
    *,
    compared_at: datetime,
    statement_ids: Sequence[str] = (),
) -> RecordedComparison:
    """Record what a comparison found, and the steps that its breaks take by it, in one transaction.

    One of the same statements that finds what the one before it found changes nothing.
    """
    scope = comparison.scope
    dates = (scope.start_date, scope.end_date, compared_at)
    reconciliation_id = deterministic_id("recon", account.account_id, scope.against, *dates, *sorted(statement_ids))
    with writing(engine, _AREA) as (connection, at):
        tracked = _tracked(connection, reconciliation_breaks.c.account_id == account.account_id)
        row = {
            "reconciliation_id": reconciliation_id,
            "account_id": account.account_id,
            "mode": account.mode,
            "against": scope.against,
            "subjects": sorted(scope.subjects),
            "start_date": scope.start_date,
            "end_date": scope.end_date,
            "matched": {str(subject): count for subject, count in comparison.matched.items()},
            "break_count": len(comparison.breaks),
            "statement_ids": list(statement_ids),
            "compared_at": compared_at,
            "recorded_at": at,
        }
        events = next_events(tracked, comparison, occurred_at=compared_at)
        if not events and (same := _same_before(connection, row)) is not None:
            row["reconciliation_id"] = reconciliation_id = same
        else:
            connection.execute(insert(reconciliations), row)
        _write_versions(connection, account, comparison.breaks, at=at)
        for event in events:
            _append(connection, event, reconciliation_id=reconciliation_id)
        details: audit.Details = {"breaks": len(comparison.breaks), "steps": len(events), "id": reconciliation_id}
        if events:
            action = f"reconcile with {scope.against}"
            audit.append(connection, actor="tickledger", action=action, subject=account.account_id, details=details)
    opened = {event.break_id for event in events if event.state is BreakState.OPEN}
    resolved = {event.break_id for event in events if event.state is BreakState.RESOLVED}
    return RecordedComparison(
        reconciliation_id,
        opened=tuple(one for one in comparison.breaks if one.break_id in opened),
        known=tuple(one for one in comparison.breaks if one.break_id not in opened),
        resolved=tuple(one.found for one in tracked if one.found.break_id in resolved),
    )


def read_breaks(
    engine: Engine, *, account_id: str | None = None, states: Collection[BreakState] = tuple(BreakState)
) -> list[TrackedBreak]:
    """The breaks of an account, or of all, that are in one of `states`: the most money first, then the oldest."""
    table = reconciliation_breaks
    where = () if account_id is None else (table.c.account_id == account_id,)
    with engine.connect() as connection:
        found = [one for one in _tracked(connection, *where) if one.state in states]
    return sorted(found, key=lambda one: (-one.found.money_at_stake, one.first_seen_date, one.found.break_id))


def step_break(
    engine: Engine, break_id: str, state: BreakState, *, actor: str, note: str, occurred_at: datetime
) -> TrackedBreak:
    """A person's step: explain or accept a break, or open it again; `note` says why and may not be empty.

    Raises InputError for an unknown break, an empty note, or a step that cannot follow the break's state.
    """
    with writing(engine, _AREA) as (connection, _):
        tracked = _one(connection, break_id)
        if not note.strip():
            raise InputError([Problem(f"break {break_id}", "a note that says why", "none")])
        if state not in PERSONS_STEPS[tracked.state]:
            allowed = ", ".join(sorted(PERSONS_STEPS[tracked.state])) or "no step of a person: a comparison closed it"
            raise InputError([Problem(f"break {break_id}, which is {tracked.state}", allowed, str(state))])
        event = BreakEvent(tracked.found.break_id, state, occurred_at, actor, note)
        _append(connection, event)
        audit.append(connection, actor=actor, action=f"break {state}", subject=event.break_id, details={"note": note})
    return replace(tracked, state=state, events=(*tracked.events, event))


def read_break(engine: Engine, break_id: str) -> TrackedBreak:
    """A break with its history; the beginning of its id will do. Raises InputError unless it names one break."""
    with engine.connect() as connection:
        return _one(connection, break_id)


def record_break_correction(
    engine: Engine,
    found: ReconciliationBreak,
    *,
    record_id: str | None,
    actor: str,
    note: str,
    applied_at: datetime,
) -> str:
    """Note that a person had the proposed correction recorded as the ledger's row `record_id`; the correction's id."""
    if found.correction is None:
        raise InputError([Problem(f"break {found.break_id}", "a break with a proposed correction", "none")])
    correction = found.correction
    identity = deterministic_id("corr", found.break_id, correction.kind, record_id, applied_at)
    row = {
        "break_correction_id": identity,
        "break_id": found.break_id,
        "kind": correction.kind,
        "record_values": dict(correction.values),
        "record_id": record_id,
        "actor": actor,
        "note": note,
        "applied_at": applied_at,
    }
    with writing(engine, _AREA) as (connection, at):
        connection.execute(insert(break_corrections), {**row, "recorded_at": at})
        details: audit.Details = {"kind": str(correction.kind), "record": record_id or "", "note": note}
        audit.append(connection, actor=actor, action="apply correction", subject=found.break_id, details=details)
    return identity


def _same_before(connection: Connection, row: Mapping[str, Any]) -> str | None:
    """The last comparison, where it was of the same statements and came to the same."""
    table = reconciliations
    names = ("account_id", "against", "subjects", "start_date", "end_date", "matched", "break_count", "statement_ids")
    latest = (
        select(table)
        .where(table.c.account_id == row["account_id"], table.c.against == row["against"])
        .order_by(table.c.compared_at.desc(), table.c.reconciliation_id)
        .limit(1)
    )
    found = connection.execute(latest).mappings().first()
    if found is None or not row["statement_ids"] or any(found[name] != row[name] for name in names):
        return None
    return str(found["reconciliation_id"])


def _one(connection: Connection, break_id: str) -> TrackedBreak:
    table = reconciliation_breaks
    found = _tracked(connection, table.c.break_id.startswith(break_id, autoescape=True)) if break_id else []
    exact = [one for one in found if one.found.break_id == break_id] or found
    if len(exact) != 1:
        told = ", ".join(one.found.break_id for one in exact[:5]) or "none"
        raise InputError([Problem(f"break {break_id or '(no id)'}", "the id of one break", told)])
    return exact[0]


def _tracked(connection: Connection, *where: ColumnElement[bool]) -> list[TrackedBreak]:
    table = reconciliation_breaks
    held = table.c.break_id
    statement = select(table).where(current(table), *where).order_by(table.c.session_date, held)
    found = {row["break_id"]: _value(row) for row in connection.execute(statement).mappings()}
    steps = (
        select(break_events)
        .join(table, and_(held == break_events.c.break_id, current(table)))
        .where(*where)
        .order_by(break_events.c.sequence)
    )
    history: dict[str, list[Mapping[Any, Any]]] = defaultdict(list)
    for row in connection.execute(steps).mappings():
        history[row["break_id"]].append(row)
    return [_with_history(one, history[name]) for name, one in found.items() if history[name]]


def _with_history(found: ReconciliationBreak, steps: Sequence[Mapping[Any, Any]]) -> TrackedBreak:
    events = tuple(
        BreakEvent(row["break_id"], BreakState(row["state"]), row["occurred_at"], row["actor"], row["note"])
        for row in steps
    )
    resolved = [place for place, event in enumerate(events) if event.state is BreakState.RESOLVED]
    last_end = next((place for place in reversed(resolved) if place < len(events) - 1), -1)
    return TrackedBreak(
        found,
        state=events[-1].state,
        first_seen_date=steps[last_end + 1]["session_date"],
        last_seen_date=steps[-1]["session_date"],
        events=events,
    )


def _append(connection: Connection, event: BreakEvent, *, reconciliation_id: str | None = None) -> None:
    day = new_york_date(event.occurred_at)
    row = {**asdict(event), "session_date": day, "reconciliation_id": reconciliation_id}
    connection.execute(insert(break_events), row)


def _write_versions(
    connection: Connection, account: Account, breaks: Iterable[ReconciliationBreak], *, at: datetime
) -> None:
    """Make what is now said of each break the version in force; breaks that were not found keep theirs."""
    rows = [_row(one, account) for one in breaks]
    if rows:
        scope = Scope({"break_id": sorted({row["break_id"] for row in rows})})
        replace_scope(connection, reconciliation_breaks, rows, scope=scope, at=at)


def _row(found: ReconciliationBreak, account: Account) -> dict[str, Any]:
    correction = found.correction
    row: dict[str, Any] = {field.name: getattr(found, field.name) for field in fields(found)}
    row["because_of"] = list(found.because_of)
    row["correction"] = None if correction is None else {**asdict(correction), "values": dict(correction.values)}
    row["mode"] = account.mode
    content = "\x1f".join(f"{name}={row[name]}" for name in sorted(row))
    return {"break_version_id": text_id("brkv", content), **row}


def _value(row: Mapping[Any, Any]) -> ReconciliationBreak:
    told = row["correction"]
    correction = (
        None
        if told is None
        else ProposedCorrection(CorrectionKind(told["kind"]), dict(told["values"]), told["explanation"])
    )
    return ReconciliationBreak(
        break_id=row["break_id"],
        account_id=row["account_id"],
        subject=Subject(row["subject"]),
        cause=BreakCause(row["cause"]),
        against=SourceName(row["against"]),
        session_date=row["session_date"],
        difference=row["difference"],
        money_at_stake=row["money_at_stake"],
        because_of=tuple(row["because_of"]),
        correction=correction,
        **{name: row[name] for name in _TEXTS},
    )
