"""The parser of OFX: tags and texts, in the older form (SGML, where values have no end tag) and the newer (XML) alike.

Before the first tag stand headers, as lines (``OFXHEADER:100``) or processing instructions; both are left aside.
Aggregates are told when they begin and end, values with their text. A value is a tag with text behind it; what ends
tells which aggregates were open, so that an end tag that is missing loses nothing but itself.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_TAG: Final = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z0-9_.:]+)(?P<rest>[^<>]*)>(?P<text>[^<]*)")
_REFUSED: Final = re.compile(r"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class OfxStart:
    """An aggregate that begins."""

    name: str
    row: int


@dataclass(frozen=True, slots=True)
class OfxEnd:
    """An aggregate that ends; `is_cut` where the file ends before it does."""

    name: str
    row: int
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class OfxValue:
    """A value and the aggregate that it is in."""

    name: str
    text: str
    parent: str
    row: int


OfxEvent = OfxStart | OfxEnd | OfxValue


def has_document_type(text: str) -> bool:
    """Whether the file defines a document type, which no statement needs."""
    return _REFUSED.search(text) is not None


def ofx_events(text: str) -> Iterator[OfxEvent]:
    """What a file holds, in its order; aggregates that are open at its end are ended as cut."""
    open_names: list[str] = []
    row, seen = 1, 0
    for tag in _TAG.finditer(text):
        row, seen = row + text.count("\n", seen, tag.start()), tag.start()
        name, value = tag["name"].upper(), html.unescape(tag["text"]).strip()
        if tag["end"]:
            yield from _ended(open_names, name, row)
        elif value or tag["rest"].endswith("/"):
            yield OfxValue(name, value, open_names[-1] if open_names else "", row)
        else:
            open_names.append(name)
            yield OfxStart(name, row)
    for name in reversed(open_names):
        yield OfxEnd(name, row, is_cut=True)


def _ended(open_names: list[str], name: str, row: int) -> Iterator[OfxEnd]:
    """Ends down to `name`; the end tag of a value, which was never open, ends nothing."""
    if name not in open_names:
        return
    while open_names:
        ended = open_names.pop()
        yield OfxEnd(ended, row)
        if ended == name:
            return
