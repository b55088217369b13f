"""The client library: `ib_insync`, or its successor `ib_async` where that is the one installed.

Both install a package named `eventkit`, so one environment holds one of them; whichever it holds is used. Only what
the two have in common is taken: the socket client, the codec, and the values that messages are made of.
"""

import importlib
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Final

from tickledger.domain.errors import ConfigurationError

CANDIDATES: Final = ("ib_insync", "ib_async")
#: What the protocol sends where a number is not set.
UNSET_DOUBLE: Final = 1.7976931348623157e308
UNSET_INTEGER: Final = 2**31 - 1

#: Objects of the library are not typed here: their classes differ with the library that is installed.
LibraryObject = Any


def _loaded() -> ModuleType:
    for name in CANDIDATES:
        if find_spec(name) is not None:
            return importlib.import_module(name)
    raise ConfigurationError(f"Interactive Brokers: expected one of the packages {', '.join(CANDIDATES)}, found none")


_MODULE: Final = _loaded()
NAME: Final = _MODULE.__name__
Contract: Final[LibraryObject] = _MODULE.Contract
Order: Final[LibraryObject] = _MODULE.Order
TagValue: Final[LibraryObject] = _MODULE.TagValue
ExecutionFilter: Final[LibraryObject] = _MODULE.ExecutionFilter


def new_ib(*, time_zone: str) -> LibraryObject:
    """A fresh, unconnected `IB`, unthrottled (`pacing` does that); call it inside the running loop.

    `time_zone` is what instants are in that the gateway sends without a zone.
    """
    ib = _MODULE.IB()
    ib.client.MaxRequests = 0
    ib.TimezoneTWS = time_zone
    return ib


def is_set(number: float | None) -> bool:
    """Whether a number that came over the wire says anything."""
    return number is not None and number not in {UNSET_DOUBLE, UNSET_INTEGER} and number == number  # noqa: PLR0124  NaN
