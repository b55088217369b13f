"""The same row in several files: found by its id, or by all that tells it apart, and made one of.

Keys are found first, for each file's rows in their order; rows with one key are then one row. Rows alike within one
file are several, unless they bear an id: no two movements have one.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, TypeVar

from tickledger.domain.errors import Problem

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Row = TypeVar("Row", bound=DataclassInstance)

_UNKNOWN: Final = (None, "", ())
#: Contradictions of these are none: formats count and word them differently.
_NOT_COMPARED: Final = frozenset({"multiplier", "level", "kind"})


@dataclass(frozen=True, slots=True)
class Identity:
    """How rows of one kind are told apart: by an id where there is one, else by their content."""

    content: Callable[[Any], Hashable]
    own_id: Callable[[Any], str] = lambda _row: ""


def merged(groups: "Sequence[Sequence[Row]]", identity: Identity, problems: list[Problem]) -> "tuple[Row, ...]":
    """Rows of all groups, each once; where two contradict, the later group is believed and both are named."""
    ids = _ids_by_content(groups, identity)
    kept: dict[tuple[Hashable, int], Row] = {}
    for rows in groups:
        for name, alike in _by_key(rows, identity, ids).items():
            for number, row in enumerate(_in_order(alike)):
                before = kept.get((name, number))
                kept[name, number] = row if before is None else _completed(before, row, problems)
    return tuple(kept.values())


def _ids_by_content(groups: "Iterable[Sequence[Row]]", identity: Identity) -> dict[Hashable, list[str]]:
    """The ids of the rows with one content, for rows of other files that have none."""
    found: dict[Hashable, dict[str, None]] = defaultdict(dict)
    if all(identity.own_id(row) for rows in groups for row in rows):
        return {}
    for row in (row for rows in groups for row in rows):
        if own := identity.own_id(row):
            found[identity.content(row)][own] = None
    return {content: list(ids) for content, ids in found.items()}


def _by_key(rows: "Sequence[Row]", identity: Identity, ids: dict[Hashable, list[str]]) -> "dict[Hashable, list[Row]]":
    found: dict[Hashable, list[Row]] = {}
    nameless: dict[Hashable, int] = defaultdict(int)
    for row in rows:
        own = identity.own_id(row)
        if own:
            alike = found.setdefault(own, [])
            if row not in alike:
                alike.append(row)
            continue
        content = identity.content(row)
        number = nameless[content]
        nameless[content] += 1
        known = ids.get(content, [])
        found.setdefault(known[number] if number < len(known) else content, []).append(row)
    return found


def _in_order(rows: "list[Row]") -> "list[Row]":
    """Rows alike in an order of their own, so that those of two files meet their like."""
    return rows if len(rows) == 1 else sorted(rows, key=text_of)


def text_of(row: "Row") -> str:
    """All that is compared of a row, as a text to sort by."""
    return repr([getattr(row, one.name) for one in fields(row) if one.compare])


def _completed(before: "Row", later: "Row", problems: list[Problem]) -> "Row":
    """The later row with what only the earlier one tells; a Problem where both tell and differ."""
    if before == later:
        return later
    filled: dict[str, Any] = {}
    differing: list[str] = []
    for one in fields(later):
        if not one.compare:
            continue
        old, new = getattr(before, one.name), getattr(later, one.name)
        if new in _UNKNOWN and old not in _UNKNOWN:
            filled[one.name] = old
        elif old != new and one.name not in _NOT_COMPARED and _is_fact(old) and _is_fact(new):
            differing.append(one.name)
    if differing:
        problems.append(_contradiction(before, later, differing))
    return replace(later, **filled) if filled else later


def _is_fact(value: object) -> bool:
    """Numbers, dates and choices; texts are worded differently by every format."""
    return isinstance(value, Decimal | date | Enum | bool)


def _contradiction(before: Any, later: Any, names: Sequence[str]) -> Problem:  # noqa: ANN401 - rows of any one kind
    told = ", ".join(f"{name} {getattr(before, name)}" for name in names)
    found = ", ".join(f"{name} {getattr(later, name)}" for name in names)
    expected = f"{told}, as in {before.where}, row {before.row}"
    return Problem(later.where, expected, f"{found}, which is believed", later.row, ", ".join(names), "warning")
