"""How wide text is in Helvetica Bold, and how it is made to fit: smaller first, then on more lines, then cut.

The widths are those of the font that the forms are filled in with (Adobe's metrics, thousandths of the size).
Helvetica is nowhere wider and its digits, commas and parentheses are the same, so they serve for both.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Final
from unicodedata import normalize

_WIDTHS: Final = dict(
    zip(
        map(chr, range(32, 127)),
        (
            *(278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278),
            *(556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611),
            *(975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833, 722, 778),
            *(667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556),
            *(333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611),
            *(611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584),
        ),
        strict=True,
    )
)
#: The widest letter but the em dash and its like; what the table does not have counts as that wide.
_OTHER_WIDTH: Final = 1000

ENCODING: Final = "cp1252"
SIZE: Final = 8.0
LEADING: Final = 1.15
#: A line from the foot of its lowest letter to the head of its highest.
_LETTER_HEIGHT: Final = 0.93
_SMALLEST_BLOCK: Final = 5.0
SMALLEST_LINE: Final = 4.0
_STEP: Final = 0.5
_ELLIPSIS: Final = "..."
_REMEMBERED: Final = 1 << 14


@dataclass(frozen=True, slots=True)
class Fitted:
    """Text as it fits a cell: the size of the letters and the lines; `is_cut` where the end had to go."""

    size: float
    lines: tuple[str, ...]
    is_cut: bool = False


def printable(text: str) -> str:
    """`text` in letters that the standard fonts have: others without their accents, or a question mark."""
    if text.isascii():
        return text
    return "".join(letter if _is_known(letter) else _plain(letter) for letter in text)


def _is_known(letter: str) -> bool:
    return letter.encode(ENCODING, "ignore") != b""


def _plain(letter: str) -> str:
    return normalize("NFKD", letter).encode(ENCODING, "ignore").decode(ENCODING) or "?"


def block_height(lines: int, size: float) -> float:
    """From the foot of the last line to the head of the first."""
    return ((lines - 1) * LEADING + _LETTER_HEIGHT) * size


@lru_cache(maxsize=_REMEMBERED)
def text_width(text: str, size: float) -> float:
    """The width in points."""
    return sum(_WIDTHS.get(letter, _OTHER_WIDTH) for letter in text) * size / 1000


@lru_cache(maxsize=_REMEMBERED)
def fit_line(text: str, width: float, *, smallest: float = SMALLEST_LINE) -> Fitted:
    """One line, no smaller than `smallest`."""
    wide = text_width(text, SIZE)
    size = SIZE if wide <= width else SIZE * width / wide
    if size >= smallest:
        return Fitted(size, (text,))
    return Fitted(smallest, (cut(text, width, smallest),), is_cut=True)


@lru_cache(maxsize=_REMEMBERED)
def fit_block(text: str, width: float, height: float) -> Fitted:
    """Words on as many lines as the height has room for, as large as they fit."""
    size = SIZE
    while True:
        lines = wrapped(text, width, size)
        room = 1 + int((height / size - _LETTER_HEIGHT) / LEADING)
        if len(lines) <= room:
            return Fitted(size, tuple(lines))
        if size <= _SMALLEST_BLOCK:
            last = cut(lines[room - 1] + _ELLIPSIS, width, size)
            return Fitted(size, (*lines[: room - 1], last), is_cut=True)
        size -= _STEP


def wrapped(text: str, width: float, size: float) -> list[str]:
    """`text` in lines of at most `width`; a word that is wider is broken."""
    if text_width(text, size) <= width:
        return [text]
    lines = [""]
    for word in text.split():
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if text_width(joined, size) <= width:
            lines[-1] = joined
            continue
        pieces = _broken(word, width, size)
        lines += pieces if lines[-1] else []
        lines = lines if lines[0] else pieces
    return lines


def _broken(word: str, width: float, size: float) -> list[str]:
    pieces = []
    while word:
        count = max(_letters_in(word, width, size), 1)
        pieces.append(word[:count])
        word = word[count:]
    return pieces


def cut(text: str, width: float, size: float) -> str:
    """As much of `text` as fits with three dots behind it, or all of it."""
    if text_width(text, size) <= width:
        return text
    return text[: _letters_in(text, width - text_width(_ELLIPSIS, size), size)].rstrip() + _ELLIPSIS


def _letters_in(text: str, width: float, size: float) -> int:
    """How many letters from the first on are no wider than `width`."""
    reach = accumulate(_WIDTHS.get(letter, _OTHER_WIDTH) * size / 1000 for letter in text)
    return sum(1 for end in reach if end <= width)
