"""Breaks and statements as kinds of rows: a break comes from the statements it was found in and from our own rows.

Both sides of a break can be followed: its statements back to their files, and the rows of the ledger that it is about,
by the id that its key or its correction names, or by security and day where it has none.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Column, ColumnElement, ScalarSelect, and_, func, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from tickledger.db import tables as t
from tickledger.db.lineage_kind import Cells, Kind, ids_in
from tickledger.db.versions import current
from tickledger.reconciliation.accounting import Fate
from tickledger.reconciliation.breaks import Subject

_BREAKS: Final = t.reconciliation_breaks
#: As many of a statement's breaks, problems and ignored elements as a person reads.
_SHOWN: Final = 20


def _breaks_among(ids: Sequence[str]) -> ColumnElement[bool]:
    """A break is known by what differs; what is said of it now is its version in force."""
    return and_(_BREAKS.c.break_id.in_(ids), current(_BREAKS))


def _is_found_in() -> ColumnElement[bool]:
    """That a break of an account was found where this statement was compared.

    The file is the one that the break's place names. Where it names none (the other side has no such row), it is every
    statement of the day.
    """
    said, held, compared = t.statements, _BREAKS, t.reconciliations
    was_compared = select(compared.c.reconciliation_id).where(
        compared.c.account_id == held.c.account_id,
        compared.c.against == held.c.against,
        compared.c.statement_ids.contains(func.jsonb_build_array(said.c.statement_id)),
    )
    file = func.regexp_replace(held.c.where, ":[0-9]+$", "")
    return and_(
        or_(held.c.where == "", t.ingestions.c.source == file),
        func.coalesce(said.c.start_date, held.c.session_date) <= held.c.session_date,
        func.coalesce(said.c.end_date, held.c.session_date) >= held.c.session_date,
        was_compared.correlate(said, held).exists(),
    )


def _statements() -> ScalarSelect[Any]:
    found = t.statements.c.statement_id
    ids = select(func.array_agg(aggregate_order_by(found, found)))
    joined = t.statements.join(t.ingestions, t.ingestions.c.ingestion_id == t.statements.c.ingestion_id)
    return ids.select_from(joined).where(_is_found_in()).correlate(_BREAKS).scalar_subquery()


def _recorded(identity: Column[str]) -> ColumnElement[bool]:
    """That a person had the row of this id recorded because of the break."""
    applied = t.break_corrections
    mine = select(applied.c.record_id).where(applied.c.break_id == _BREAKS.c.break_id)
    return identity.in_(mine.correlate(_BREAKS))


def _executions() -> ScalarSelect[Any]:
    """The fills that the break or its correction names, by our id or the broker's, and those booked because of it."""
    fills, told = t.executions, t.foreign_executions
    named = func.jsonb_extract_path_text(_BREAKS.c.correction, "values", "execution_id")
    under = select(told.c.execution_id).where(
        or_(told.c.reported_execution_id == _BREAKS.c.key, _recorded(told.c.reported_execution_id))
    )
    mine = or_(
        fills.c.execution_id == _BREAKS.c.key,
        fills.c.execution_id == named,
        fills.c.execution_id.in_(under.correlate(_BREAKS)),
        _recorded(fills.c.execution_id),
    )
    return ids_in(fills.c.execution_id, fills.c.account_id == _BREAKS.c.account_id, mine, of=_BREAKS)


def _cash() -> ScalarSelect[Any]:
    """Our movements of cash of the security on the day, and those booked because of the break."""
    moved = t.cash_transactions
    is_about = _BREAKS.c.subject.in_([Subject.CASH_TRANSACTION, Subject.DIVIDEND])
    same = and_(is_about, moved.c.session_date == _BREAKS.c.session_date, _is_same_symbol(moved.c.symbol_id))
    mine = and_(moved.c.account_id == _BREAKS.c.account_id, or_(same, _recorded(moved.c.cash_transaction_id)))
    return ids_in(moved.c.cash_transaction_id, mine, current(moved), of=_BREAKS)


def _actions() -> ScalarSelect[Any]:
    actions = t.corporate_actions
    is_about = _BREAKS.c.subject == Subject.CORPORATE_ACTION
    same = and_(is_about, actions.c.ex_date == _BREAKS.c.session_date, _is_same_symbol(actions.c.symbol_id))
    mine = or_(same, _recorded(actions.c.corporate_action_id))
    return ids_in(actions.c.corporate_action_id, mine, current(actions), of=_BREAKS)


def _gains() -> ScalarSelect[Any]:
    gains = t.capital_gains
    is_about = _BREAKS.c.subject.in_([Subject.REALIZED_GAIN, Subject.FORM_1099B])
    same = and_(gains.c.account_id == _BREAKS.c.account_id, gains.c.sold_date == _BREAKS.c.session_date)
    return ids_in(gains.c.gain_id, is_about, same, _is_same_symbol(gains.c.symbol_id), current(gains), of=_BREAKS)


def _lots() -> ScalarSelect[Any]:
    lots, held = t.tax_lots, t.open_lots
    is_open = select(held.c.lot_id).where(held.c.lot_id == lots.c.lot_id, current(held)).correlate(lots).exists()
    mine = and_(_BREAKS.c.subject == Subject.OPEN_LOT, lots.c.account_id == _BREAKS.c.account_id, is_open)
    return ids_in(lots.c.lot_id, mine, _is_same_symbol(lots.c.symbol_id), current(lots), of=_BREAKS)


def _positions() -> ScalarSelect[Any]:
    held = t.positions
    mine = and_(_BREAKS.c.subject == Subject.POSITION, held.c.account_id == _BREAKS.c.account_id)
    on = held.c.session_date == _BREAKS.c.session_date
    return ids_in(held.c.position_id, mine, on, _is_same_symbol(held.c.symbol_id), current(held), of=_BREAKS)


def _is_same_symbol(symbol_id: Column[Any]) -> ColumnElement[bool]:
    """That a row is of the break's security; both may have none."""
    ticker = select(t.symbols.c.ticker).where(t.symbols.c.symbol_id == symbol_id).scalar_subquery()
    return func.coalesce(ticker, "") == _BREAKS.c.symbol


def _steps() -> ScalarSelect[Any]:
    events = t.break_events
    step = func.jsonb_build_object(
        *("state", events.c.state, "at", _second(events.c.occurred_at), "actor", events.c.actor, "note", events.c.note)
    )
    mine = events.c.break_id == _BREAKS.c.break_id
    told = select(func.jsonb_agg(aggregate_order_by(step, events.c.sequence))).where(mine)
    return told.correlate(_BREAKS).scalar_subquery()


def _corrections() -> ScalarSelect[Any]:
    applied = t.break_corrections
    one = func.jsonb_build_object(
        *("kind", applied.c.kind, "at", _second(applied.c.applied_at), "actor", applied.c.actor),
        *("note", applied.c.note, "record", applied.c.record_id),
    )
    mine = applied.c.break_id == _BREAKS.c.break_id
    told = select(func.jsonb_agg(aggregate_order_by(one, applied.c.applied_at))).where(mine)
    return told.correlate(_BREAKS).scalar_subquery()


def _history(row: Cells) -> Mapping[str, str]:
    """What could be recorded, the break's steps and what a person had recorded, the earliest first."""
    proposed = row["correction"]
    told = {} if proposed is None else {"proposed": f"{proposed['kind']} ({proposed['explanation']})"}
    events = [
        *((step["at"], f"{step['state']} {step['at']}", _by(step)) for step in row["steps"] or ()),
        *((one["at"], f"corrected {one['at']}", f"{_by(one)} {_as_record(one)}") for one in row["corrections"] or ()),
    ]
    return told | {name: words for _, name, words in sorted(events, key=lambda event: event[0])}


def _by(step: Mapping[str, str]) -> str:
    return f"by {step['actor']}" + (f" ({step['note']})" if step["note"] else "")


def _as_record(one: Mapping[str, Any]) -> str:
    return f"[{one['kind']}" + (f" {one['record']}]" if one["record"] else "]")


def _second(at: Column[Any]) -> ColumnElement[str]:
    """An instant in UTC, to the second."""
    return func.to_char(func.timezone("UTC", at), 'YYYY-MM-DD"T"HH24:MI:SS"Z"')


def _breaks_of_statement() -> ScalarSelect[Any]:
    """The breaks that were found in it, as they are now."""
    events, held = t.break_events, _BREAKS
    last = select(events.c.state).where(events.c.break_id == held.c.break_id).order_by(events.c.sequence.desc())
    one = func.jsonb_build_object(
        *("id", held.c.break_id, "state", last.limit(1).correlate(held).scalar_subquery()),
        *("what", func.concat_ws(" ", func.nullif(held.c.symbol, ""), held.c.subject), "cause", held.c.cause),
        *("stake", func.to_char(held.c.money_at_stake, "FM999G999G999G990D00")),
    )
    file = t.ingestions.c.ingestion_id == t.statements.c.ingestion_id
    told = select(func.jsonb_agg(aggregate_order_by(one, held.c.money_at_stake.desc(), held.c.break_id)))
    told = told.select_from(held.join(t.ingestions, file)).where(current(held), _is_found_in())
    return told.correlate(t.statements).scalar_subquery()


def _contents(row: Cells) -> Mapping[str, Any]:
    """What was read, what was not, and what differed."""
    read = {name.replace("_", " "): count for name, count in sorted(row["counts"].items()) if count}
    skipped = [line for line in row["accounting"] if line["fate"] != Fate.READ]
    ignored = [f"{line['place']} ({line['reason']})" if line["reason"] else line["place"] for line in skipped]
    problems = [f"{one['where']}: expected {one['expected']}, found {one['found']}" for one in row["problems"]]
    breaks = row["breaks"] or []
    told = {"read": ", ".join(f"{count} {name}" for name, count in read.items()) or "no rows"}
    told |= {"not used": _some(ignored)} if ignored else {}
    told |= {"problems": _some(problems)} if problems else {}
    told["breaks"] = str(len(breaks)) if breaks else "none"
    return told | {
        one["id"]: f"{one['state']}: {one['cause']} of {one['what']}, {one['stake']} USD at stake"
        for one in breaks[:_SHOWN]
    }


def _some(lines: Sequence[str]) -> str:
    more = f"; and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return "; ".join(lines[:_SHOWN]) + more


def _or(text: Column[str], otherwise: str) -> ColumnElement[str]:
    return func.coalesce(func.nullif(text, ""), otherwise)


def _of_file(column: Column[Any]) -> ScalarSelect[Any]:
    files = t.statement_files
    mine = select(column).where(files.c.ingestion_id == t.statements.c.ingestion_id)
    return mine.correlate(t.statements).scalar_subquery()


BREAK: Final = Kind(
    "brk",
    _BREAKS,
    _BREAKS.c.break_id,
    "{cause} of {what} on {session_date}: the ledger has {our_side}, the {against} has {their_side}",
    (
        *("account_id", "mode", "field", "key", "difference", "unit", "money_at_stake", "detail", "where"),
        "because_of",
    ),
    (
        *(("stmt", "statement_ids"), ("exec", "execution_ids"), ("cash", "cash_ids"), ("ca", "action_ids")),
        *(("gain", "gain_ids"), ("lot", "lot_ids"), ("pos", "position_ids"), ("brk", "because_of")),
    ),
    {
        "what": func.concat_ws(" ", func.nullif(_BREAKS.c.symbol, ""), _BREAKS.c.subject),
        "our_side": _or(_BREAKS.c.ours, "nothing"),
        "their_side": _or(_BREAKS.c.theirs, "nothing"),
        "statement_ids": _statements(),
        "execution_ids": _executions(),
        "cash_ids": _cash(),
        "action_ids": _actions(),
        "gain_ids": _gains(),
        "lot_ids": _lots(),
        "position_ids": _positions(),
        "steps": _steps(),
        "corrections": _corrections(),
    },
    details=_history,
    among=_breaks_among,
)

STATEMENT: Final = Kind(
    "stmt",
    t.statements,
    t.statements.c.statement_id,
    "of {whose} at {broker}, {start_date} to {end_date}",
    ("format", "size", "base_currency", "generated_at", "is_complete"),
    (("ing", "ingestion_id"),),
    {
        "whose": _or(t.statements.c.broker_account, "an account that it does not name"),
        "format": _of_file(t.statement_files.c.kind),
        "size": _of_file(t.statement_files.c.size),
        "breaks": _breaks_of_statement(),
    },
    details=_contents,
)
