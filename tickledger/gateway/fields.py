"""Fields and frames of the TWS socket protocol: texts ended by NUL, behind a length of four bytes.

What belongs here: how a value becomes a text and a text a value. What a message means is in `requests`,
`placed_order` and `answers`.
"""

import re
import struct
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

Value = str | int | float | bool | Decimal | None

#: How clients and TWS write a number that was not given, besides leaving the field empty.
UNSET_INTEGER: Final = "2147483647"
UNSET_DOUBLE: Final = "1.7976931348623157E308"
INFINITE: Final = "Infinity"
#: How ib_insync spells it.
_INFINITE_TOO: Final = "Infinite"
_UNSET: Final = frozenset(("", UNSET_INTEGER, UNSET_DOUBLE, "1.7976931348623157e+308", "9223372036854775807"))
_TRUE: Final = frozenset(("1", "true", "True"))
_FALSE: Final = frozenset(("", "0", "false", "False"))

#: What counts as a number: ASCII digits, and no more of them than a client has any use for. Longer ones are refused,
#: as arithmetic on them would fail or take forever.
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,19}")
_LONGEST_NUMBER: Final = 40
_HIGHEST_EXPONENT: Final = 18
_LENGTH: Final = struct.Struct(">I")
#: TWS closes the connection of a client that sends a longer message.
LONGEST_FRAME: Final = 0xFFFFFF


class MalformedMessageError(Exception):
    """A message that is not what its kind prescribes; the text names the field, the expected and the found."""


def as_text(value: Value) -> str:
    """`value` as the protocol writes it: "1" and "0" for truth, nothing for None, numbers without an exponent."""
    match value:
        case None:
            return ""
        case bool():
            return "1" if value else "0"
        case Decimal():
            return f"{value:f}"
        case float():
            return INFINITE if value == float("inf") else repr(value)
        case _:
            return str(value).replace("\0", " ")


def message(*values: Value) -> bytes:
    """The fields as one frame, ready to be sent."""
    payload = ("\0".join([as_text(value) for value in values]) + "\0").encode("utf-8", "backslashreplace")
    return framed(payload)


def text_frame(text: str) -> bytes:
    """A frame of fields that are ASCII and ended by NUL already."""
    payload = text.encode("ascii")
    return _LENGTH.pack(len(payload)) + payload


def framed(payload: bytes) -> bytes:
    """`payload` behind its length."""
    return _LENGTH.pack(len(payload)) + payload


class FrameBuffer:
    """Bytes as they come from a socket, in pieces of any size, made into whole payloads."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def take(self, prefix: bytes) -> bool:
        """Whether the bytes began with `prefix`, which is then gone; raises MalformedMessageError if they cannot."""
        begun = bytes(self._bytes[: len(prefix)])
        if not prefix.startswith(begun):
            raise MalformedMessageError(f"expected the connection to begin with {prefix!r}, found {begun!r}")
        if len(begun) < len(prefix):
            return False
        del self._bytes[: len(prefix)]
        return True

    def feed(self, data: bytes) -> None:
        """Add what came."""
        self._bytes += data

    def next(self) -> bytes | None:
        """The next whole payload, or None; raises MalformedMessageError for a length no client sends."""
        if len(self._bytes) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._bytes)
        if length > LONGEST_FRAME:
            raise MalformedMessageError(f"expected a message of at most {LONGEST_FRAME} bytes, found {length}")
        end = _LENGTH.size + length
        if len(self._bytes) < end:
            return None
        payload = bytes(self._bytes[_LENGTH.size : end])
        del self._bytes[:end]
        return payload


def split(payload: bytes) -> list[str]:
    """The fields of a payload; each is ended by NUL."""
    fields = payload.decode("utf-8", "backslashreplace").split("\0")
    if fields[-1] == "":
        fields.pop()
    return fields


def is_unset(text: str) -> bool:
    """Whether a number was not given."""
    return text in _UNSET


def whole_number(text: str) -> int | None:
    """`text` as a whole number, None where it is none that a client sends."""
    return int(text) if _WHOLE.fullmatch(text) else None


def _number(text: str) -> Decimal | None:
    if len(text) > _LONGEST_NUMBER or not text.isascii():
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if number.is_infinite():
        return number
    return None if number.is_nan() or abs(number.adjusted()) > _HIGHEST_EXPONENT else number


def _shown(text: str) -> str:
    """A field as it is shown in a message: the beginning, where it is long."""
    return repr(text if len(text) <= _LONGEST_NUMBER else f"{text[:_LONGEST_NUMBER]}…")


class FieldReader:
    """The fields of one message in order, each read as what it has to be.

    Every reading names its field, so that a MalformedMessageError can say where the message went wrong. Where
    `is_strict` is False a message may end early: what is missing counts as not given.
    """

    def __init__(self, fields: Sequence[str], *, is_strict: bool = True) -> None:
        self.fields = fields
        self._position = 0
        self._is_strict = is_strict

    def text(self, name: str) -> str:
        """The next field as it stands."""
        if self._position >= len(self.fields):
            if self._is_strict:
                raise MalformedMessageError(f"{name}: expected a field, found the end of the message")
            return ""
        text = self.fields[self._position]
        self._position += 1
        return text

    def integer(self, name: str) -> int | None:
        """A whole number, None where it was not given."""
        text = self.text(name)
        if is_unset(text):
            return None
        number = whole_number(text)
        if number is None:
            raise MalformedMessageError(f"{name}: expected a whole number, found {_shown(text)}")
        return number

    def identifier(self, name: str) -> int:
        """A whole number that must be given."""
        number = self.integer(name)
        if number is None:
            raise MalformedMessageError(f"{name}: expected a whole number, found nothing")
        return number

    def count(self, name: str) -> int:
        """How many items follow; nothing given is none."""
        number = self.integer(name) or 0
        if not 0 <= number <= len(self.fields):
            raise MalformedMessageError(f"{name}: expected a count of items, found {number}")
        return number

    def decimal(self, name: str) -> Decimal | None:
        """A finite number below 10^19, None where it was not given; infinity comes as Decimal("Infinity")."""
        text = self.text(name)
        if is_unset(text):
            return None
        number = _number("Infinity" if text == _INFINITE_TOO else text)
        if number is None:
            raise MalformedMessageError(f"{name}: expected a number, found {_shown(text)}")
        return number

    def boolean(self, name: str) -> bool:
        """Truth; nothing given is False."""
        text = self.text(name)
        if text in _TRUE:
            return True
        if text in _FALSE or is_unset(text):
            return False
        raise MalformedMessageError(f"{name}: expected 1 or 0, found {_shown(text)}")

    def end(self) -> None:
        """Raises MalformedMessageError where fields are left and the reading is strict."""
        left = self.fields[self._position :]
        if left and self._is_strict:
            raise MalformedMessageError(f"expected the end of the message, found {len(left)} more fields: {left[:3]}")
