"""Values of the trading core as JSON, and back: what a session's journal is written in.

A dataclass is an object with its class under ``$``, an enum's member its class and name; decimals, fractions, instants,
dates and spans of time are objects with a key of their own, so that each comes back as what it was. Sequences come back
as tuples.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any, Final

from tickledger.domain import (
    account,
    bar,
    broker,
    corporate_action,
    execution,
    kill_switch,
    market,
    order,
    position,
    signal,
    wash_sale,
)
from tickledger.execution import live_market, order_journal, session_policy, session_terms
from tickledger.risk import buying_power
from tickledger.strategies import sizing

_MODULES: Final = (
    *(account, bar, broker, corporate_action, execution, kill_switch, market, order, position, signal, wash_sale),
    *(live_market, order_journal, session_policy, session_terms, buying_power, sizing),
)
_CLASSES: Final[Mapping[str, type[Any]]] = {
    name: found
    for module in _MODULES
    for name, found in vars(module).items()
    if isinstance(found, type) and (is_dataclass(found) or issubclass(found, Enum))
}
_CLASS: Final = "$"
#: What a value of each dataclass is made from, in order.
_FIELDS: Final[Mapping[type[Any], tuple[str, ...]]] = {
    kind: tuple(field.name for field in fields(kind) if field.init) for kind in _CLASSES.values() if is_dataclass(kind)
}
#: Written as they are; an enum's member may be one of these too, but its own class is none of them.
_AS_THEY_ARE: Final = frozenset({str, int, float, bool, type(None)})


def plain(value: object) -> Any:  # noqa: ANN401, C901, PLR0911  what json writes; one case for each kind
    """The value as `json` writes it; raises TypeError for one of another kind."""
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if (names := _FIELDS.get(kind)) is not None:
        return {_CLASS: kind.__name__, **{name: plain(getattr(value, name)) for name in names}}
    match value:
        case Enum():
            return {"$e": [type(value).__name__, value.name]}
        case bool() | int() | float() | str():
            return value
        case Decimal():
            return {"$d": str(value)}
        case Fraction():
            return {"$r": [value.numerator, value.denominator]}
        case datetime():
            return {"$t": value.isoformat()}
        case date():
            return {"$D": value.isoformat()}
        case timedelta():
            return {"$s": [value.days, value.seconds, value.microseconds]}
        case Mapping():
            return {"$m": [[plain(key), plain(held)] for key, held in value.items()]}
        case frozenset():
            return {"$f": [plain(held) for held in sorted(value)]}
        case tuple() | list():
            return [plain(held) for held in value]
    raise TypeError(f"expected a value of the trading core, found {value!r}")


def restored(told: Any) -> Any:  # noqa: ANN401, C901, PLR0911  whatever it was; one case for each kind
    """What `plain` has told; raises ValueError or KeyError where it cannot be that."""
    match told:
        case list():
            return tuple(restored(held) for held in told)
        case {"$e": [name, member]}:
            return _CLASSES[name][member]
        case {"$d": text}:
            return Decimal(text)
        case {"$r": [numerator, denominator]}:
            return Fraction(numerator, denominator)
        case {"$t": text}:
            return datetime.fromisoformat(text)
        case {"$D": text}:
            return date.fromisoformat(text)
        case {"$s": [days, seconds, microseconds]}:
            return timedelta(days, seconds, microseconds)
        case {"$m": pairs}:
            return {restored(key): restored(held) for key, held in pairs}
        case {"$f": held}:
            return frozenset(restored(one) for one in held)
        case {"$": name, **rest}:
            return _CLASSES[name](**{str(field): restored(held) for field, held in rest.items()})
    return told
