"""The faults a gateway can be made to have, and the file that says when: a JSON list, one object for each.

    [{"after": 30, "do": "daily_reset", "seconds": 5, "data": "lost", "ids_back": 4},
     {"on": "order", "nth": 3, "do": "drop_order"},
     {"at": "2013-03-28T15:00:00Z", "do": "break_farm"}]

`do` names the fault, its other fields are the fault's own. When it happens is one of `after` (seconds of the wall
since the start), `at` (an instant of the venue, with its zone) and `on` (an event: connect, order, cancel, fill, or
the API's name of a request), the `nth` time it happens, 1 if not told. Without any of them it is there from the
start. `describe` prints every fault with its fields; the control port and `Gateway.apply` take the same objects.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import isfinite
from pathlib import Path
from typing import Any, Final

from tickledger.domain.errors import InputError, Problem
from tickledger.gateway.message_names import REQUESTS

EVENTS: Final = frozenset(("connect", "order", "cancel", "fill", *REQUESTS.values()))
_WHEN: Final = ("after", "at", "on")
_EXAMPLE: Final = "2013-03-28T15:00:00Z"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A field of a fault: its kind (number, text, truth, list), and what it is where it is not told.

    A number is finite and `least` or more, a text one of `choices` where there are some.
    """

    kind: str
    default: Any = None
    is_required: bool = False
    least: float | None = None
    choices: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Action:
    """A fault: what it does, and its fields."""

    does: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault with all its fields, and when it happens."""

    do: str
    parameters: Mapping[str, Any]
    after: float | None = None
    at: datetime | None = None
    on: str | None = None
    nth: int = 1


def _number(default: float | None = None, *, is_required: bool = False, least: float | None = None) -> Parameter:
    return Parameter("number", default, is_required=is_required, least=least)


def _text(default: str | None = None, *, is_required: bool = False, choices: Iterable[str] = frozenset()) -> Parameter:
    return Parameter("text", default, is_required=is_required, choices=frozenset(choices))


def _truth(*, default: bool) -> Parameter:
    return Parameter("truth", default)


_TIMES: Final = {"times": _number(1, least=1)}
_DATA: Final = frozenset(("kept", "lost"))
_REQUEST: Final = {"request": _text(is_required=True, choices=REQUESTS.values())}
_SYMBOL: Final = {"symbol": _text()}
_CLIENT: Final = {"client": _number()}

#: Every fault, by its name.
ACTIONS: Final[Mapping[str, Action]] = {
    # The system.
    "lose_link": Action("1100: the link to the broker is lost; silence, while orders go on at the exchange."),
    "restore_link": Action(
        "1102, or 1101 where `data` is lost: then every subscription is gone.", {"data": _text("kept", choices=_DATA)}
    ),
    "daily_reset": Action(
        "1100, `seconds` of silence, then 1102 or 1101 (`data` kept or lost); with `closes` the sockets are closed "
        "and new ones refused until it is over; `ids_back` rolls the next valid id back.",
        {
            "seconds": _number(1, least=0),
            "data": _text("lost", choices=_DATA),
            "closes": _truth(default=False),
            "ids_back": _number(0, least=0),
        },
    ),
    "roll_back_ids": Action("The next valid id falls back by `count`.", {"count": _number(1, least=0)}),
    "break_farm": Action(
        "2103: the market data farm is gone; the feeds of `symbols` (all, if not told) die.",
        {"symbols": Parameter("list")},
    ),
    "mend_farm": Action(
        "2104: the farm is back; unless `resumes`, the subscriptions that were there stay dead until asked for again.",
        {"resumes": _truth(default=False)},
    ),
    "kill_feed": Action("The feeds of `symbols` (all, if not told) die quietly.", {"symbols": Parameter("list")}),
    "crash": Action(
        "The gateway is killed: sockets close at once; after `restart_after` seconds (never, if not told) it is back.",
        {"restart_after": _number(least=0)},
    ),
    "disconnect": Action("The socket of `client` (all, if not told) is closed.", _CLIENT),
    "half_open": Action("The socket of `client` stays open, and neither reads nor writes any more.", _CLIENT),
    "drip": Action("Every byte is sent by itself, to `client` or to all.", {**_CLIENT, "is_on": _truth(default=True)}),
    "refuse_client": Action("326: a client id counts as in use.", {"client": _number(is_required=True), **_TIMES}),
    "error": Action(
        "An error, a warning or information, out of the blue.",
        {"code": _number(is_required=True), "text": _text(""), "request_id": _number(-1), **_CLIENT},
    ),
    "unsubscribe": Action(
        "354: no market data of `symbols` (all, if not told) is subscribed.", {"symbols": Parameter("list")}
    ),
    "halt": Action("Trading of a symbol is halted.", {"symbol": _text(is_required=True)}),
    "resume": Action("Trading of a symbol goes on.", {"symbol": _text(is_required=True)}),
    # Requests.
    "refuse_request": Action(
        "A request is answered by an error: 162, 354, 101, 200 or any other.",
        {**_REQUEST, "code": _number(is_required=True), "text": _text(""), **_TIMES},
    ),
    "drop_request": Action("A request is never answered.", {**_REQUEST, **_TIMES}),
    # Orders.
    "drop_order": Action("An order vanishes without a word.", {**_SYMBOL, **_TIMES}),
    "refuse_order": Action(
        "An order is refused, 201 if not told otherwise: 103, 110, 200 … do as well.",
        {"code": _number(201), "text": _text("Order rejected - reason:"), **_SYMBOL, **_TIMES},
    ),
    "preset_term": Action("10349: a warning that looks like an error; the order lives on.", {**_SYMBOL, **_TIMES}),
    "cut_before_order": Action("The socket is closed before an order reaches the venue.", {**_SYMBOL, **_TIMES}),
    "cut_after_order": Action(
        "The socket is closed after the venue took an order, before anything of it is told.", {**_SYMBOL, **_TIMES}
    ),
    "refuse_cancel": Action(
        "A cancellation is refused, by 10147 (not found) or 10148 (too late).",
        {"code": _number(10148), **_SYMBOL, **_TIMES},
    ),
    "drop_cancel": Action("A cancellation is never answered.", {**_SYMBOL, **_TIMES}),
    "fill_before_cancel": Action(
        "A cancellation crosses a fill: `quantity` shares (half of what is left, if not told) are filled first.",
        {"quantity": _number(least=1), **_SYMBOL, **_TIMES},
    ),
    "order_by_hand": Action(
        "Somebody enters an order in TWS itself.",
        {
            "symbol": _text(is_required=True),
            "action": _text("BUY"),
            "quantity": _number(100, least=1),
            "order_type": _text("MKT"),
            "price": _number(),
            "reference": _text(""),
        },
    ),
    # What is told of orders.
    "duplicate_status": Action(
        "orderStatus comes `copies` times.", {"copies": _number(2, least=1), **_SYMBOL, **_TIMES}
    ),
    "reorder_status": Action("An orderStatus is held back until after the next one.", {**_SYMBOL, **_TIMES}),
    "delay_commission": Action(
        "A commission comes `seconds` late.", {"seconds": _number(1, least=0), **_SYMBOL, **_TIMES}
    ),
    "drop_commission": Action("A commission is not told unless executions are asked for.", {**_SYMBOL, **_TIMES}),
    "correct_execution": Action(
        "`seconds` after an execution its correction comes, under an id one higher after the last dot; its price is "
        "higher by `price`.",
        {"seconds": _number(0, least=0), "price": _number(0), **_SYMBOL, **_TIMES},
    ),
    # For measurements.
    "flood": Action(
        "The quotes of all subscriptions are sent again, `rate` ticks a second, for `seconds`. Where `is_stamped`, "
        "their sizes are not shares but 10^14 and the microseconds of this machine's monotonic clock.",
        {"rate": _number(10_000, least=1), "seconds": _number(1, least=0), "is_stamped": _truth(default=False)},
    ),
}


def describe() -> str:
    """All faults with their fields, one a paragraph."""
    return "\n".join(_described(name, action) for name, action in ACTIONS.items())


def _described(name: str, action: Action) -> str:
    fields = ", ".join(
        f"{key}{' (required)' if one.is_required else '' if one.default is None else f'={one.default}'}"
        for key, one in action.parameters.items()
    )
    return f"{name}{f' [{fields}]' if fields else ''}: {action.does}"


def read_faults(path: Path) -> list[Fault]:
    """The faults of a file; raises InputError that names the entry and the field."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise _unusable(path, f"line {error.lineno}", "JSON", error.msg) from error
    except UnicodeDecodeError as error:
        raise _unusable(path, "", "UTF-8", str(error)) from error
    except OSError as error:
        raise _unusable(path, "", "a readable file", error.strerror or str(error)) from error
    if not isinstance(said, list):
        raise _unusable(path, "", "a list of faults", type(said).__name__)
    return [parse_fault(one, where=f"{path}, fault {number}") for number, one in enumerate(said, start=1)]


def _unusable(path: Path, place: str, expected: str, found: str) -> InputError:
    return InputError([Problem(f"{path}{f', {place}' if place else ''}", expected=expected, found=found)])


def parse_fault(said: object, *, where: str = "fault") -> Fault:
    """A fault from its JSON object; raises InputError."""
    if not isinstance(said, dict):
        raise _wrong(where, None, "an object with a field `do`", repr(said))
    name = said.get("do")
    action = ACTIONS.get(name) if isinstance(name, str) else None
    if action is None:
        raise _wrong(where, "do", f"one of {', '.join(ACTIONS)}", repr(name))
    unknown = set(said) - {"do", "nth", *_WHEN, *action.parameters}
    if unknown:
        known = ", ".join(action.parameters) or "no fields of its own"
        raise _wrong(where, min(unknown), f"a field of {name}: {known}", repr(said[min(unknown)]))
    parameters = {key: _value(said, key, one, where) for key, one in action.parameters.items()}
    return Fault(str(name), parameters, **_when(said, where))


def _value(said: Mapping[str, Any], key: str, one: Parameter, where: str) -> Any:  # noqa: ANN401  of the field's kind
    value = said.get(key, one.default)
    if value is None and one.is_required:
        raise _wrong(where, key, f"a {one.kind}", "nothing")
    if value is not None and not _KINDS[one.kind](value):
        raise _wrong(where, key, f"a {one.kind}", repr(value))
    if value is not None and one.least is not None and value < one.least:
        raise _wrong(where, key, f"a number from {one.least:g} on", repr(value))
    if value is not None and one.choices and value not in one.choices:
        raise _wrong(where, key, f"one of {', '.join(sorted(one.choices))}", repr(value))
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(one, str) for one in value)


_KINDS: Final = {
    "number": _is_number,
    "text": lambda value: isinstance(value, str),
    "truth": lambda value: isinstance(value, bool),
    "list": _is_list,
}


def _when(said: Mapping[str, Any], where: str) -> dict[str, Any]:
    given = [key for key in _WHEN if key in said]
    if len(given) > 1:
        raise _wrong(where, given[1], "one of after, at and on", " and ".join(given))
    when: dict[str, Any] = {}
    if "after" in said:
        if not _is_number(said["after"]) or said["after"] < 0:
            raise _wrong(where, "after", "seconds from the start, not negative", repr(said["after"]))
        when["after"] = float(said["after"])
    if "at" in said:
        when["at"] = _instant(said["at"], where)
    if "on" in said:
        if said["on"] not in EVENTS:
            raise _wrong(where, "on", f"one of {', '.join(sorted(EVENTS))}", repr(said["on"]))
        when["on"] = said["on"]
    nth = said.get("nth", 1)
    if not isinstance(nth, int) or isinstance(nth, bool) or nth < 1:
        raise _wrong(where, "nth", "a whole number from 1 on", repr(nth))
    return when | {"nth": nth}


def _instant(text: object, where: str) -> datetime:
    try:
        return read_zoned_instant(str(text))
    except ValueError:
        raise _wrong(where, "at", f"an instant with its zone, such as {_EXAMPLE}", repr(text)) from None


def read_zoned_instant(text: str) -> datetime:
    """An ISO 8601 instant in UTC; raises ValueError where it is none or has no zone."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"expected an instant with its zone, such as {_EXAMPLE}, found {text!r}")
    return at.astimezone(UTC)


def _wrong(where: str, key: str | None, expected: str, found: str) -> InputError:
    return InputError([Problem(where, expected=expected, found=found, column=key)])
