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
    """How rows of one kind are told apart: by an id where there is one, else by their content.

    Rows with one `retold` are told together, and anew by every file that tells any of them: the last one's stand.
    """

    content: Callable[[Any], Hashable]
    own_id: Callable[[Any], str] = lambda _row: ""
    retold: Callable[[Any], Hashable] | None = None


def merged(groups: "Sequence[Sequence[Row]]", identity: Identity, problems: list[Problem]) -> "tuple[Row, ...]":
    """Rows of all groups, each once; where two contradict, the later group is believed and both are named."""
    if identity.retold is not None:
        groups = _last_told(groups, identity.retold)
    told = [rows for rows in groups if rows]
    if len(told) == 1 and _have_ids(told[0], identity):
        return tuple(told[0])
    ids = _ids_by_content(groups, identity)
    kept: dict[Hashable, list[Row]] = {}
    for rows in groups:
        for name, alike in _by_key(rows, identity, ids).items():
            kept[name] = _placed(kept.get(name, []), alike, problems)
    return tuple(row for alike in kept.values() for row in alike)


def _last_told(groups: "Sequence[Sequence[Row]]", key: Callable[[Any], Hashable]) -> "list[list[Row]]":
    last = {key(row): number for number, rows in enumerate(groups) for row in rows}
    return [[row for row in rows if last[key(row)] == number] for number, rows in enumerate(groups)]


def _have_ids(rows: "Sequence[Row]", identity: Identity) -> bool:
    """Whether each row has an id that no other one has."""
    own = [identity.own_id(row) for row in rows]
    return all(own) and len(set(own)) == len(own)


def _placed(kept: "list[Row]", rows: "list[Row]", problems: list[Problem]) -> "list[Row]":
    """The rows of one file put on those of earlier files that are alike, each where it contradicts least."""
    if not kept:
        return rows
    if len(kept) == len(rows) == 1:
        return [_completed(kept[0], rows[0], problems)]
    free, placed, left = list(range(len(kept))), list(kept), list(rows)
    while free and left:
        _, number, chosen = min(
            (_distance(kept[number], row), number, index) for number in free for index, row in enumerate(left)
        )
        placed[number] = _completed(kept[number], left.pop(chosen), problems)
        free.remove(number)
    return [*placed, *left]


def _distance(one: "Row", other: "Row") -> tuple[int, bool]:
    """How many facts contradict, and whether anything differs at all."""
    return len(_differing(one, other)), one != other


def _ids_by_content(groups: "Iterable[Sequence[Row]]", identity: Identity) -> dict[Hashable, set[str]]:
    """The ids of the rows with one content, for rows of other files that have none."""
    found: dict[Hashable, set[str]] = defaultdict(set)
    if all(identity.own_id(row) for rows in groups for row in rows):
        return {}
    for row in (row for rows in groups for row in rows):
        if own := identity.own_id(row):
            found[identity.content(row)].add(own)
    return found


def _by_key(rows: "Sequence[Row]", identity: Identity, ids: dict[Hashable, set[str]]) -> "dict[Hashable, list[Row]]":
    """The rows of one file by what they are: an id of their own, one that another file tells, or their content."""
    found: dict[Hashable, list[Row]] = {}
    nameless: dict[Hashable, list[Row]] = {}
    for row in rows:
        if own := identity.own_id(row):
            alike = found.setdefault(own, [])
            if row not in alike:
                alike.append(row)
        else:
            nameless.setdefault(identity.content(row), []).append(row)
    own_ids = found.keys() if nameless else ()
    for content, alike in nameless.items():
        elsewhere = sorted(ids.get(content, set()).difference(own_ids)) if content in ids else []
        ordered = _in_order(alike)
        found.update({own: [row] for own, row in zip(elsewhere, ordered, strict=False)})
        if rest := ordered[len(elsewhere) :]:
            found[content] = rest
    return {name: _in_order(alike) for name, alike in found.items()}


def _in_order(rows: "list[Row]") -> "list[Row]":
    """Rows alike in an order of their own, so that the order of a file does not show."""
    return rows if len(rows) == 1 else sorted(rows, key=text_of)


def text_of(row: "Row") -> str:
    """All that is compared of a row, as a text to sort by."""
    return repr([getattr(row, one.name) for one in fields(row) if one.compare])


def _completed(before: "Row", later: "Row", problems: list[Problem]) -> "Row":
    """The later row with what only the earlier one tells; a Problem where both tell and differ."""
    if before == later:
        return later
    if differing := _differing(before, later):
        problems.append(_contradiction(before, later, differing))
    filled: dict[str, Any] = {
        one.name: old
        for one in fields(later)
        if one.compare and getattr(later, one.name) in _UNKNOWN and (old := getattr(before, one.name)) not in _UNKNOWN
    }
    return replace(later, **filled) if filled else later


def _differing(before: "Row", later: "Row") -> list[str]:
    """The facts that both tell and that differ."""
    return [
        one.name
        for one in fields(later)
        if one.compare
        and one.name not in _NOT_COMPARED
        and (old := getattr(before, one.name)) != (new := getattr(later, one.name))
        and _is_fact(old)
        and _is_fact(new)
    ]


def _is_fact(value: object) -> bool:
    """Numbers, dates and choices; texts are worded differently by every format."""
    return isinstance(value, Decimal | date | Enum | bool)


def _contradiction(before: Any, later: Any, names: Sequence[str]) -> Problem:  # noqa: ANN401 - rows of any one kind
    told = ", ".join(f"{name} {getattr(before, name)}" for name in names)
    found = ", ".join(f"{name} {getattr(later, name)}" for name in names)
    expected = f"{told}, as in {before.where}, row {before.row}"
    return Problem(later.where, expected, f"{found}, which is believed", later.row, ", ".join(names), "warning")
