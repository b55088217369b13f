"""The parser of Flex XML: elements with their attributes as texts, one after the other, never the tree.

Everything in a Flex file is in attributes; an element is told when it begins. A file is taken in pieces, so that one of
any size needs the memory of a piece. What cannot be parsed ends the stream with the place where it happened: all
elements before it are told. A document type is refused, and with it entities that a file defines.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

# No document type gets through, and without one there is no entity to expand and nothing outside to fetch.
from xml.parsers.expat import ExpatError, ParserCreate, XMLParserType

#: Bytes that are parsed at once.
_PIECE = 1 << 16


class FlexElement(NamedTuple):
    """An element that begins on line `row`: its name, that of the element around it, and its attributes.

    `written` are the names and values of the attributes in turn, in the order of the file.
    """

    tag: str
    parent: str
    written: list[str]
    row: int

    @property
    def names(self) -> list[str]:
        """The names of the attributes, in the order of the file."""
        return self.written[::2]

    @property
    def attributes(self) -> dict[str, str]:
        """The values of the attributes by their names."""
        return dict(zip(self.written[::2], self.written[1::2], strict=True))


@dataclass(frozen=True, slots=True)
class FlexText:
    """What stands between the tags of an element, such as the error code of an answer that is no statement."""

    tag: str
    text: str


@dataclass(frozen=True, slots=True)
class FlexStop:
    """Where parsing had to stop, line and column counted from 1, and why."""

    row: int
    column: int
    reason: str


FlexEvent = FlexElement | FlexText | FlexStop


class _DocumentTypeError(Exception):
    """The file defines a document type."""


@dataclass(slots=True)
class _Events:
    parser: XMLParserType
    found: list[FlexEvent] = field(default_factory=list)
    open: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def start(self, tag: str, written: list[str]) -> None:
        parent = self.open[-1] if self.open else ""
        self.found.append(FlexElement(tag, parent, written, self.parser.CurrentLineNumber))
        self.open.append(tag)
        self.texts.clear()

    def end(self, tag: str) -> None:
        if text := "".join(self.texts).strip():
            self.found.append(FlexText(tag, text))
        self.texts.clear()
        self.open.pop()

    def taken(self) -> list[FlexEvent]:
        taken, self.found = self.found, []
        return taken


def flex_events(pieces: Iterable[bytes]) -> Iterator[FlexEvent]:
    """The elements of a file in their order; a `FlexStop` comes last where the file does not end as it should."""
    parser = ParserCreate()
    # Of a row with eighty attributes a list costs less than a table by names; most readers need only some of them.
    parser.ordered_attributes = True
    events = _Events(parser)
    parser.StartElementHandler = events.start
    parser.EndElementHandler = events.end
    parser.CharacterDataHandler = events.texts.append
    parser.StartDoctypeDeclHandler = _refuse
    for piece, is_final in _small(pieces):
        stop = _parsed(parser, piece, is_final=is_final)
        yield from events.taken()
        if stop is not None:
            yield stop
            return


def _small(pieces: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    for piece in pieces:
        for start in range(0, len(piece), _PIECE):
            yield piece[start : start + _PIECE], False
    yield b"", True


def _parsed(parser: XMLParserType, piece: bytes, *, is_final: bool) -> FlexStop | None:
    try:
        parser.Parse(piece, is_final)
    except ExpatError as error:
        reason = str(error).partition(":")[0]
        return FlexStop(error.lineno, error.offset + 1, reason)
    except _DocumentTypeError:
        return _stopped(parser, "a document type, which is refused")
    except (ValueError, LookupError) as error:
        # The declaration names an encoding that nobody knows.
        return _stopped(parser, str(error))
    return None


def _stopped(parser: XMLParserType, reason: str) -> FlexStop:
    return FlexStop(parser.CurrentLineNumber, parser.CurrentColumnNumber + 1, reason)


def _refuse(*_: object) -> None:
    raise _DocumentTypeError
