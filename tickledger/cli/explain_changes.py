"""What became of a row since a day, as a person reads it and as JSON."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from tickledger.cli.console import out

if TYPE_CHECKING:
    from tickledger.db.lineage_changes import LineageChange, RowChange

_NO_INPUT: Final = (
    "No fill, correction, corporate action or bar behind it has changed since: rules, settings or accounts have."
)


def print_changes(change: "LineageChange") -> None:
    """What differs, part by part, then the rows of the record that made it differ."""
    from rich.markup import escape

    for line in _lines(change):
        out.print(escape(line), soft_wrap=not out.is_terminal)


def _lines(change: "LineageChange") -> Iterator[str]:
    since = _instant(change.since)
    row = change.row
    if not change.is_changed:
        yield f"{change.identity} is what it was at {since}, and so is all that is behind it."
        return
    if row.before_id is None and row.after_id is None:
        yield f"{change.identity}: nothing stood in its place at {since}, and nothing stands there now."
        return
    yield f"{row.kind}: {row.summary}"
    yield from (f"  {told}" for told in _what_became(row, since))
    for part in change.parts:
        yield f"  {part.kind}: {part.summary}"
        yield from (f"    {told}" for told in _what_became(part, since))
    yield f"Because of what was recorded after {since}:" if change.inputs else _NO_INPUT
    for one in change.inputs:
        source = f", from {one.source}" if one.source else ""
        yield f"  {_instant(one.happened_at)}  {one.what}: {one.kind} {one.summary} ({one.id}{source})"


def _what_became(row: "RowChange", since: str) -> Iterator[str]:
    if row.before_id is None:
        yield f"was not there at {since}; is {row.after_id}"
    elif row.after_id is None:
        yield f"was {row.before_id}; is not there any more"
    elif row.before_id != row.after_id:
        yield f"was {row.before_id}, is {row.after_id}"
    yield from (f"{field.name}: {field.before or 'none'} → {field.after or 'none'}" for field in _named(row))


def _named(row: "RowChange") -> "Iterator[Any]":
    """The fields that differ, where there are two rows to compare."""
    if row.before_id is not None and row.after_id is not None:
        yield from row.fields


def changes_as_json(change: "LineageChange") -> dict[str, Any]:
    """The same as JSON-ready data."""
    return {
        "id": change.identity,
        "since": change.since.isoformat(),
        "is_changed": change.is_changed,
        **_row_as_json(change.row),
        "parts": [_row_as_json(part) for part in change.parts],
        "inputs": [
            {
                "id": one.id,
                "kind": one.kind,
                "what": one.what,
                "summary": one.summary,
                "happened_at": one.happened_at.isoformat(),
                "source": one.source,
            }
            for one in change.inputs
        ],
    }


def _row_as_json(row: "RowChange") -> dict[str, Any]:
    return {
        "kind": row.kind,
        "before": row.before_id,
        "after": row.after_id,
        "summary": row.summary,
        "fields": {field.name: {"before": field.before, "after": field.after} for field in row.fields},
    }


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="seconds", sep=" ")
