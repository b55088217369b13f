"""Identifiers that are a function of what they identify.

A derived row's id is a hash of its parents' ids and its own content, so computing the same thing again
gives the same id, and a different result gives a different one.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
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
}

IdPart = str | int | bool | Decimal | date | datetime | Enum | None


def _canonical(part: IdPart) -> str:
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


def deterministic_id(prefix: str, *parts: IdPart) -> str:
    """The id of the row whose parents and content are `parts`, e.g. ``gain_5f0c…`` (20 hex digits).

    Decimals that are equal in value count as equal, whatever their exponent; instants are compared in UTC.
    """
    return text_id(prefix, _SEPARATOR.join(_canonical(part) for part in parts))


def text_id(prefix: str, content: str) -> str:
    """As `deterministic_id`, of content that is one text already; for rows by the hundred thousand."""
    return f"{prefix}_{hashlib.sha256(content.encode()).hexdigest()[:ID_DIGITS]}"


def identified(prefix: str, row: "Row") -> "Row":
    """`row` with its first field, the id, set to the hash of all its other fields.

    Every field counts, those of nested values too: a row that differs in anything is another row.
    """
    name, *others = (field.name for field in fields(row))
    parts = (part for other in others for part in _flat(getattr(row, other)))
    return replace(row, **{name: deterministic_id(prefix, *parts)})


def _flat(value: object) -> Iterator[IdPart]:
    """The parts of a value; the number of its members comes first, so that no two shapes read alike."""
    match value:
        case None | str() | int() | Decimal() | date() | Enum():
            yield value
        case float():
            yield repr(value)
        case Mapping():
            yield len(value)
            for key in sorted(value):
                yield str(key)
                yield from _flat(value[key])
        case tuple():
            yield len(value)
            for member in value:
                yield from _flat(member)
        case _ if is_dataclass(value):
            for field in fields(value):
                yield from _flat(getattr(value, field.name))
        case _:
            raise TypeError(f"an id cannot be made of {type(value).__name__}")
