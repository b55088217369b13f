"""The parser of Flex XML: elements with their attributes as texts, one after the other, never the tree.

Everything in a Flex file is in attributes; an element is told when it begins. A file is taken in pieces, so that one of
any size needs the memory of a piece. What cannot be parsed ends the stream with the place where it happened: all
elements before it are told. A document type is refused, and with it entities that a file defines.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

# No document type gets through, and without one there is no entity to expand and nothing outside to fetch.
from xml.parsers.expat import ExpatError, ParserCreate

from tickledger.reconciliation.statements.flex_repeats import WORTHWHILE, Repeats

#: Bytes that are gone through at once.
_PIECE: Final = 1 << 16
_TAG_END: Final = b"/>"
_MOST_LAYOUTS: Final = 1 << 10


class FlexElement(NamedTuple):
    """An element that begins on line `row`: its name, that of the element around it, and its attributes.

    `names` and `values` are those of the attributes in the order of the file. Elements of one name with the same
    attributes mostly share the list of `names`.
    """

    tag: str
    parent: str
    names: Sequence[str]
    values: Sequence[str]
    row: int

    @property
    def attributes(self) -> dict[str, str]:
        """The values of the attributes by their names."""
        return dict(zip(self.names, self.values, strict=True))


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
class _Layout:
    """The attributes that elements of one name have, and how many had them."""

    names: list[str]
    count: int = 0
    is_learned: bool = False


class _Last(NamedTuple):
    """The element that began last, and at which byte of all that the parser was given."""

    element: FlexElement
    layout: _Layout
    begin: int


class _Stream:
    """The elements of one file while its pieces go by.

    As soon as rows repeat, the parser is given the file tag by tag. Behind a tag, rows written as those before them are
    matched instead, and the parser is given as many lines and blanks: the places that it tells stay those of the file.
    """

    def __init__(self) -> None:
        self._parser = parser = ParserCreate()
        # Of a row with eighty attributes a list costs less than a table by names; most readers need only some of them.
        parser.ordered_attributes = True
        parser.XmlDeclHandler = self._declared
        parser.StartDoctypeDeclHandler = _refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        self._texts: list[str] = []
        parser.CharacterDataHandler = self._texts.append
        self._found: list[FlexEvent] = []
        self._open: list[str] = []
        self._layouts: dict[tuple[str, ...], _Layout] = {}
        self._last: _Last | None = None
        self._repeats = Repeats()
        self._is_repetitive = False
        self._given = 0
        self._is_behind_tag = False
        self._kept = b""

    def take(self, piece: bytes) -> FlexStop | None:
        """Go through the next piece of the file; the place and the reason where it has to stop."""
        if not self._is_repetitive:
            return self._parsed(piece)
        piece, place = self._kept + piece, 0
        # Each byte as one character: places in the text are those in the piece.
        text = piece.decode("latin-1")
        while True:
            if self._is_behind_tag:
                place = self._matched(text, place)
            end = piece.find(_TAG_END, place) + len(_TAG_END)
            if end < len(_TAG_END):
                break
            if stop := self._parsed(piece[place:end]):
                return stop
            place = end
        rest = piece[place:]
        if self._is_behind_tag and len(rest) < _PIECE:
            self._kept = rest
            return None
        self._kept = b""
        return self._parsed(rest)

    def finish(self) -> FlexStop | None:
        """Go through what is left at the end of the file."""
        return self._parsed(self._kept) or self._parsed(b"", is_final=True)

    def taken(self) -> list[FlexEvent]:
        """What was found since this was asked last."""
        taken, self._found = self._found, []
        return taken

    def _matched(self, text: str, start: int) -> int:
        """Take the rows that repeat at a place of the text; the place behind them."""
        place, parent = start, self._open[-1]
        first = row = self._parser.CurrentLineNumber
        while (matched := self._repeats.match(text, place)) is not None:
            pattern, found = matched
            row += _lines(text[place : text.index("<", place)])
            self._found.append(FlexElement(pattern.tag, parent, pattern.names, found.groups(), row))
            place = found.end()
        if place > start:
            line_end = max(text.rfind("\n", start, place), text.rfind("\r", start, place), start - 1)
            self._parsed(b"\n" * (row - first) + b" " * (place - 1 - line_end))
            self._is_behind_tag = True
            # Of a text between tags these lines and blanks are no part, and in a large file they add up.
            self._texts.clear()
        return place

    def _parsed(self, piece: bytes, *, is_final: bool = False) -> FlexStop | None:
        try:
            self._parser.Parse(piece, is_final)
        except ExpatError as error:
            reason = str(error).partition(":")[0]
            return FlexStop(error.lineno, error.offset + 1, reason)
        except _DocumentTypeError:
            return self._stopped("a document type, which is refused")
        except (ValueError, LookupError) as error:
            # The declaration names an encoding that nobody knows.
            return self._stopped(str(error))
        self._is_behind_tag = self._ends_with_tag(piece)
        self._given += len(piece)
        return None

    def _stopped(self, reason: str) -> FlexStop:
        return FlexStop(self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1, reason)

    def _ends_with_tag(self, piece: bytes) -> bool:
        """Whether the piece ends where a tag does, that of an element without content."""
        last = self._last
        if last is None or last.begin < self._given:
            return False
        # The parser found the tag to begin there, and a tag ends with the first bracket that is in no value.
        written = piece[last.begin - self._given :]
        if not written.endswith(_TAG_END) or written.find(b">") < len(written) - 1:
            return False
        element, layout, _ = last
        if not layout.is_learned and layout.count >= WORTHWHILE:
            text = written.decode("latin-1")
            layout.is_learned = self._repeats.learn(text, element.tag, element.names, element.values)
        return True

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        self._repeats.declare(encoding)

    def _start(self, tag: str, written: list[str]) -> None:
        layout = self._layout(tag, written[::2])
        parent = self._open[-1] if self._open else ""
        element = FlexElement(tag, parent, layout.names, written[1::2], self._parser.CurrentLineNumber)
        self._last = _Last(element, layout, self._parser.CurrentByteIndex)
        self._found.append(element)
        self._open.append(tag)
        self._texts.clear()

    def _layout(self, tag: str, names: list[str]) -> _Layout:
        key = (tag, *names)
        layout = self._layouts.get(key)
        if layout is None:
            if len(self._layouts) >= _MOST_LAYOUTS:
                self._layouts.clear()
            layout = self._layouts[key] = _Layout(names)
        layout.count += 1
        self._is_repetitive = self._is_repetitive or layout.count == WORTHWHILE
        return layout

    def _end(self, tag: str) -> None:
        if text := "".join(self._texts).strip():
            self._found.append(FlexText(tag, text))
        self._texts.clear()
        self._open.pop()


def flex_events(pieces: Iterable[bytes]) -> Iterator[FlexEvent]:
    """The elements of a file in their order; a `FlexStop` comes last where the file does not end as it should."""
    stream = _Stream()
    for piece in _small(pieces):
        stop = stream.take(piece)
        yield from stream.taken()
        if stop is not None:
            yield stop
            return
    stop = stream.finish()
    yield from stream.taken()
    if stop is not None:
        yield stop


def _small(pieces: Iterable[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        for start in range(0, len(piece), _PIECE):
            yield piece[start : start + _PIECE]


def _lines(blanks: str) -> int:
    """How many lines end in a text, with a feed, a return, or both as one."""
    return 1 if blanks == "\n" else blanks.replace("\r\n", "\n").replace("\r", "\n").count("\n")


def _refuse(*_: object) -> None:
    raise _DocumentTypeError
