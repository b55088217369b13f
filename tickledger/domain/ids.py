"""Identifiers that are a function of what they identify.

A derived row's id is a hash of its parents' ids and its own content, so computing the same thing again
gives the same id, and a different result gives a different one.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Row = TypeVar("Row", bound=DataclassInstance)

ID_DIGITS: Final = 20
_SEPARATOR: Final = "\x1f"

#: The kind of row that each prefix names; `tickledger explain` accepts any of them.
PREFIXES: Final[Mapping[str, str]] = {
    "ing": "ingestion",
    "quar": "quarantined row",
    "bar": "bar",
    "ca": "corporate action",
    "feat": "feature row",
    "model": "model version",
    "sig": "signal",
    "risk": "risk decision",
    "ord": "order",
    "exec": "execution",
    "cash": "cash transaction",
    "pos": "position",
    "lot": "tax lot",
    "gain": "realized gain",
    "wash": "wash sale",
    "line": "form line",
    "schd": "Schedule D",
    "stmt": "statement",
    "brk": "break",
}

IdPart = str | int | bool | Decimal | date | datetime | Enum | None


def deterministic_id(prefix: str, *parts: IdPart) -> str:
    """The id of the row whose parents and content are `parts`, e.g. ``gain_5f0c…`` (20 hex digits).

    Decimals that are equal in value count as equal, whatever their exponent; instants are compared in UTC.
    """
    return text_id(prefix, _SEPARATOR.join(map(_canonical, parts)))


def text_id(prefix: str, content: str) -> str:
    """As `deterministic_id`, of content that is one text already; for rows by the hundred thousand."""
    return f"{prefix}_{hashlib.sha256(content.encode()).hexdigest()[:ID_DIGITS]}"


def identified(prefix: str, row: "Row") -> "Row":
    """`row` with its first field, the id, set to the hash of all its other fields.

    Every field counts, those of nested values too: a row that differs in anything is another row.
    """
    name, *others = _names(type(row))
    parts: list[str] = []
    for other in others:
        _spell(getattr(row, other), parts)
    return replace(row, **{name: text_id(prefix, _SEPARATOR.join(parts))})


@cache
def _names(kind: "type[DataclassInstance]") -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _canonical(part: IdPart) -> str:
    # Most parts are plain texts; an enum's member may be one too, but its own class is not.
    if type(part) is str:
        return part
    match part:
        case None:
            return ""
        case Enum():
            return str(part.value)
        case datetime():
            return part.astimezone(UTC).isoformat()
        case Decimal():
            return format(part.normalize() if part else Decimal(0), "f")
        case _:
            return str(part)


def _spell(value: object, parts: list[str]) -> None:
    """Add the parts of a value; the number of its members comes first, so that no two shapes read alike."""
    if type(value) is str:
        parts.append(value)
        return
    match value:
        case None | str() | int() | Decimal() | date() | Enum():
            parts.append(_canonical(value))
        case float():
            parts.append(repr(value))
        case Mapping():
            parts.append(str(len(value)))
            for key in sorted(value):
                parts.append(str(key))
                _spell(value[key], parts)
        case tuple():
            parts.append(str(len(value)))
            for member in value:
                _spell(member, parts)
        case _ if is_dataclass(value) and not isinstance(value, type):
            for name in _names(type(value)):
                _spell(getattr(value, name), parts)
        case _:
            raise TypeError(f"an id cannot be made of {type(value).__name__}")
