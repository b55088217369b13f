"""Pages of tables in letter size, sideways: the papers that go with the forms and are not printed by anybody."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from pypdf import PdfWriter
from pypdf.generic import DictionaryObject

from tickledger.reporting.irs_forms.lettering import LEADING, SIZE, printable, text_width, wrapped
from tickledger.reporting.irs_forms.overlay import Overlay, add_resources
from tickledger.reporting.irs_forms.pdf_objects import (
    content_of,
    dictionary,
    literal,
    register,
    standard_font,
    stream,
)

WIDTH: Final = 792.0
HEIGHT: Final = 612.0
MARGIN: Final = 36.0
#: What the columns of a table may take together.
TABLE_WIDTH: Final = WIDTH - 2 * MARGIN

_TOP: Final = HEIGHT - MARGIN - 30
_TITLE_SIZE: Final = 10.0
_LINE: Final = SIZE * LEADING
_GAP: Final = 2.0
#: How far the letters of a row stand above its foot.
_RISE: Final = 0.5
_BELOW_TITLE: Final = 4.0
_CELL_PADDING: Final = 4.0
#: The lines of each cell of a row.
_Lines = Sequence[Sequence[str]]
_REGULAR: Final = "/Regular"
_BOLD: Final = "/Bold"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table; `width` is in points."""

    heading: str
    width: float
    alignment: Literal["left", "right"] = "left"


@dataclass(frozen=True, slots=True)
class Section:
    """A table under a title; cells that are too wide go on in the next line. `totals` is a last row, in bold."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    totals: Sequence[str] = ()
    starts_page: bool = False


def paragraphs(title: str, texts: Sequence[str]) -> Section:
    """A section of running text."""
    return Section(title, (Column("", TABLE_WIDTH),), [(text,) for text in texts])


def text_pages(sections: Iterable[Section], *, heading: str, subheading: str, overlay: Overlay) -> bytes:
    """The sections as a document; `heading` and `subheading` and the number of the page stand on every page."""
    pages = _Pages()
    for section in sections:
        pages.add(section)
    writer = PdfWriter()
    resources = DictionaryObject()
    fonts = {_REGULAR: standard_font("Helvetica"), _BOLD: standard_font("Helvetica-Bold")}
    resources.update(dictionary({"/Font": dictionary(fonts)}))
    add_resources(resources)
    shared = register(writer, resources)
    for number, drawn in enumerate(pages.finished, start=1):
        of = f"Page {number} of {len(pages.finished)}"
        operators = "\n".join([*_page_head(heading, subheading, of), *drawn, overlay.operators(WIDTH, HEIGHT)])
        page = writer.add_blank_page(WIDTH, HEIGHT)
        content = stream(operators).flate_encode()
        page.update(dictionary({"/Contents": register(writer, content), "/Resources": shared}))
    writer.add_metadata({"/Title": heading, "/Producer": "Tickledger"})
    return content_of(writer)


def _page_head(heading: str, subheading: str, page: str) -> Iterator[str]:
    top = HEIGHT - MARGIN - _TITLE_SIZE
    yield _written(printable(heading), MARGIN, top, font=_BOLD, size=_TITLE_SIZE)
    yield _written(page, WIDTH - MARGIN - text_width(page, SIZE), top)
    yield _written(printable(subheading), MARGIN, top - _LINE - _GAP)


@dataclass(slots=True)
class _Pages:
    """Pages being filled from the top down; `finished` are the operators that draw each."""

    finished: list[list[str]] = field(default_factory=lambda: [[]])
    y: float = _TOP

    def add(self, section: Section) -> None:
        if self.finished[-1] and section.starts_page:
            self._turn()
        self._open(section, section.title, room=_height(_lines(section, section.rows[0])) if section.rows else 0)
        for row in section.rows:
            self._add_row(section, _lines(section, row))
        if section.totals:
            self._add_row(section, _lines(section, section.totals), font=_BOLD)
        self.y -= _LINE

    def _turn(self) -> None:
        self.finished.append([])
        self.y = _TOP

    def _open(self, section: Section, title: str, *, room: float = 0) -> None:
        """The title and the headings, on a page that has `room` for a row below them."""
        headings = _lines(section, [column.heading for column in section.columns])
        has_headings = any(column.heading for column in section.columns)
        needed = _TITLE_SIZE + _BELOW_TITLE + room + (_height(headings) if has_headings else 0)
        if self.finished[-1] and self.y - needed < MARGIN:
            self._turn()
        self.y -= _TITLE_SIZE
        self.finished[-1].append(_written(printable(title), MARGIN, self.y, font=_BOLD, size=_TITLE_SIZE))
        self.y -= _BELOW_TITLE
        if has_headings:
            self._draw(section, headings, font=_BOLD)
            self.finished[-1].append(f"0.5 w {MARGIN} {self.y:.2f} m {WIDTH - MARGIN} {self.y:.2f} l S")

    def _add_row(self, section: Section, lines: _Lines, *, font: str = _REGULAR) -> None:
        if self.y - _height(lines) < MARGIN:
            self._turn()
            self._open(section, f"{section.title} (continued)")
        self._draw(section, lines, font=font)

    def _draw(self, section: Section, lines: _Lines, *, font: str) -> None:
        x = MARGIN
        for column, cell in zip(section.columns, lines, strict=False):
            for number, line in enumerate(cell, start=1):
                free = column.width - 2 * _CELL_PADDING - text_width(line, SIZE)
                left = x + _CELL_PADDING + (free if column.alignment == "right" else 0)
                if line:
                    self.finished[-1].append(_written(line, left, self.y - number * _LINE + _RISE, font=font))
            x += column.width
        self.y -= _height(lines)


def _lines(section: Section, cells: Sequence[str]) -> _Lines:
    return [
        wrapped(printable(cell), column.width - 2 * _CELL_PADDING, SIZE)
        for column, cell in zip(section.columns, cells, strict=False)
    ]


def _height(lines: _Lines) -> float:
    return max(map(len, lines), default=0) * _LINE + _GAP


def _written(text: str, x: float, y: float, *, font: str = _REGULAR, size: float = SIZE) -> str:
    return f"BT {font} {size:g} Tf {x:.2f} {y:.2f} Td {literal(text)} Tj ET"
