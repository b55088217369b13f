"""Breaks as a person reads them, and as JSON-ready data."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

from tickledger.cli.columns import aligned
from tickledger.cli.console import out

if TYPE_CHECKING:
    from tickledger.reconciliation.breaks import ReconciliationBreak, TrackedBreak

_HEADING = ("break", "state", "days", "USD", "what", "cause", "symbol", "ledger", "theirs")


def print_breaks(found: "Iterable[TrackedBreak]", *, on: date) -> None:
    """One line for each."""
    rows = [
        (
            one.found.break_id,
            str(one.state),
            str(one.age(on)),
            f"{one.found.money_at_stake:,.2f}",
            " ".join(filter(None, (one.found.subject, one.found.field))),
            str(one.found.cause),
            one.found.symbol,
            one.found.ours or "—",
            one.found.theirs or "—",
        )
        for one in found
    ]
    out.print(aligned([_HEADING, *rows]), soft_wrap=True)


def print_break(tracked: "TrackedBreak", *, on: date) -> None:
    """All that is known of one."""
    for line in _lines(tracked, on):
        out.print(line, markup=False, highlight=False, soft_wrap=not out.is_terminal)


def _lines(tracked: "TrackedBreak", on: date) -> Iterator[str]:
    found = tracked.found
    what = " ".join(filter(None, (found.subject, found.field)))
    yield f"{found.break_id}: {what} {found.key} — {found.cause}, {tracked.state}, {tracked.age(on)} days old"
    yield f"  account    {found.account_id}, {found.session_date}"
    yield f"  ledger     {found.ours or 'nothing'}"
    place = f" ({found.where})" if found.where else ""
    yield f"  {found.against!s:<10} {found.theirs or 'nothing'}{place}"
    if found.difference is not None:
        yield f"  difference {found.difference:f} {found.unit}"
    yield f"  at stake   {found.money_at_stake:,.2f} USD"
    if found.detail:
        yield f"  {found.detail}"
    if found.because_of:
        yield f"  follows from {', '.join(found.because_of)}"
    if found.correction is not None:
        yield f"  proposed: {found.correction.kind} — {found.correction.explanation}"
        yield from (f"    {name}: {value}" for name, value in found.correction.values.items() if value)
    for event in tracked.events:
        note = f": {event.note}" if event.note else ""
        yield f"  {event.occurred_at.isoformat(timespec='seconds')} {event.state} by {event.actor}{note}"


def break_as_json(found: "ReconciliationBreak") -> dict[str, Any]:
    """A break without its history."""
    correction = found.correction
    return {
        "break_id": found.break_id,
        "account": found.account_id,
        "subject": str(found.subject),
        "field": found.field,
        "key": found.key,
        "symbol": found.symbol,
        "cause": str(found.cause),
        "session_date": found.session_date.isoformat(),
        "against": str(found.against),
        "ours": found.ours,
        "theirs": found.theirs,
        "difference": None if found.difference is None else f"{found.difference:f}",
        "unit": found.unit,
        "money_at_stake": f"{found.money_at_stake:f}",
        "is_money_relevant": found.is_money_relevant,
        "detail": found.detail,
        "where": found.where,
        "because_of": list(found.because_of),
        "correction": None
        if correction is None
        else {
            "kind": str(correction.kind),
            "values": dict(correction.values),
            "explanation": correction.explanation,
        },
    }


def as_json(tracked: "TrackedBreak", *, on: date) -> dict[str, Any]:
    """A break with its state, age and history."""
    return {
        **break_as_json(tracked.found),
        "state": str(tracked.state),
        "age_days": tracked.age(on),
        "first_seen_date": tracked.first_seen_date.isoformat(),
        "blocks_forms": tracked.blocks_forms,
        "events": [
            {
                "state": str(event.state),
                "occurred_at": event.occurred_at.isoformat(),
                "actor": event.actor,
                "note": event.note,
            }
            for event in tracked.events
        ],
    }
