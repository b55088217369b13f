"""Rows of a Flex file that are written as one before them, values aside: their values without parsing them again.

All rows of one query have the same attributes in the same order, between the same quotes and blanks. Where the parser
has taken some of them, a pattern made of the last one matches the next: the same names, and in place of each value any
text of printable ASCII without quotes, angle brackets and ampersands. Such a text means itself in every encoding that
is admitted here, and a tag that matches is an element without content whatever its values are. All else goes to the
parser: entities, letters that are not ASCII, tags on several lines, what is not well-formed.
"""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

#: Where so many rows are alike more will be: a pattern takes as long to make as a hundred rows to parse.
WORTHWHILE: Final = 32
_MOST: Final = 32
_BLANKS: Final = r"[ \t\r\n]*+"
#: Printable ASCII without ``"``, ``&`` and ``<``. ``*+`` never tries a shorter text, so that a row costs one pass.
_VALUE: Final = r"([ !#-%'-;=-~]*+)"
_QUOTED: Final = re.compile('"([^"]*)"')
#: Encodings in which each byte of ASCII is itself; None where the file declares none, which makes it UTF-8.
_ENCODINGS: Final = frozenset({None, "UTF-8", "US-ASCII", "ISO-8859-1"})


class Pattern(NamedTuple):
    """How rows are written: what they are called, their attributes, and what finds their values."""

    tag: str
    names: Sequence[str]
    expression: re.Pattern[str]


class Repeats:
    """The patterns of one file, those that matched last first."""

    def __init__(self) -> None:
        self._patterns: list[Pattern] = []
        self._is_barred = False

    def declare(self, encoding: str | None) -> None:
        """Take note of the encoding that the file declares; in some nothing is matched."""
        self._is_barred = (encoding and encoding.upper()) not in _ENCODINGS

    def learn(self, written: str, tag: str, names: Sequence[str], values: Sequence[str]) -> bool:
        """Make a pattern of a tag as it is written; whether it says plainly what the parser told of it."""
        parts = _QUOTED.split(written)
        is_plain = written.isascii() and written.isprintable() and parts[1::2] == values
        if not is_plain or self._is_barred or len(self._patterns) >= _MOST:
            return False
        parts[::2] = map(re.escape, parts[::2])
        parts[1::2] = [f'"{_VALUE}"'] * len(values)
        self._patterns.insert(0, Pattern(tag, names, re.compile("".join((_BLANKS, *parts)))))
        return True

    def match(self, text: str, place: int) -> tuple[Pattern, re.Match[str]] | None:
        """The row that stands at a place of the text, blanks before it aside; the groups are its values."""
        for number, pattern in enumerate(self._patterns):
            found = pattern.expression.match(text, place)
            if found is not None:
                if number:
                    self._patterns.insert(0, self._patterns.pop(number))
                return pattern, found
        return None
