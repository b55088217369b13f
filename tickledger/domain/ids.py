"""Identifiers that are a function of what they identify.

A derived row's id is a hash of its parents' ids and its own content, so computing the same thing again
gives the same id, and a different result gives a different one.
"""

import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Final

ID_DIGITS: Final = 20

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
    digest = hashlib.sha256("\x1f".join(_canonical(part) for part in parts).encode()).hexdigest()
    return f"{prefix}_{digest[:ID_DIGITS]}"
