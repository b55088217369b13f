"""Reports as one PDF: a page of what they rest on, then every table, with headers, footers and page numbers.

Letter paper across. Columns are as wide as their cells; where a table would not fit, the letters become smaller and
long words are set in several lines. Ids are left off: they are in the workbook and in CSV.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial
from io import BytesIO
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.lib.colors import Color, HexColor, white
from reportlab.lib.pagesizes import LETTER, landscape
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import inch
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    KeepTogether,
    LongTable,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    TableStyle,
)

from tickledger.reporting.tax_reports import NOT_ADVICE, Cell, Column, ColumnKind, Cover, Report, Section, plain_number

_FONT, _BOLD, _OBLIQUE = "Helvetica", "Helvetica-Bold", "Helvetica-Oblique"
_PAGE: Final = landscape(LETTER)
_MARGIN: Final = 0.5 * inch
_BAND: Final = 0.32 * inch
_WIDTH: Final = _PAGE[0] - 2 * _MARGIN
_SIZES: Final = (8.0, 7.5, 7.0, 6.5, 6.0, 5.5)
_PADDING: Final = 3.0
_MOST_STRETCH: Final = 1.6
_NARROWEST_TEXT: Final = 46.0
#: Tables of so many rows are not parted where they fit on a page.
_SHORT: Final = 18
_BLOCK: Final = 1000
_DARK, _RULE, _STRIPE, _RED, _GREY = map(HexColor, ("#1F3A5F", "#B8C2CF", "#F3F6FA", "#B00020", "#555555"))
_MARK: Final = Color(0.69, 0.0, 0.13, alpha=0.10)
_NUMBERS: Final = frozenset(ColumnKind) - {ColumnKind.TEXT, ColumnKind.DATE}
_SIGNED: Final = frozenset({ColumnKind.MONEY, ColumnKind.PERCENT})

#: As reportlab counts them: left, centred; everything else is on the right.
_LEFT: Final = 0
_CENTRED: Final = 1
_RIGHT: Final = 2

_TITLE: Final = ParagraphStyle("title", fontName=_BOLD, fontSize=15, leading=19, textColor=_DARK, spaceAfter=4)
_HEADING: Final = ParagraphStyle(
    "heading", fontName=_BOLD, fontSize=11, leading=14, textColor=_DARK, spaceBefore=8, spaceAfter=3
)
_BODY: Final = ParagraphStyle("body", fontName=_FONT, fontSize=8.5, leading=11)
_NOTE: Final = ParagraphStyle("note", fontName=_OBLIQUE, fontSize=7.5, leading=9.5, textColor=_GREY)


def pdf(cover: Cover, reports: Sequence[Report]) -> bytes:
    """The document as a file's bytes; the same input gives the same bytes."""
    story: list[Flowable] = [*_front(cover, reports)]
    for report in reports:
        story += [PageBreak(), _paragraph(report.title, _TITLE)]
        for note in report.notes:
            story.append(_paragraph(note, _NOTE))
        for section in report.sections:
            story += _section(section, report)
    file = BytesIO()
    document = BaseDocTemplate(
        file,
        pagesize=_PAGE,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=_printable(f"Tax reports {cover.tax_year}, {cover.taxpayer}"),
        author="Tickledger",
        invariant=1,
    )
    frame = Frame(_MARGIN, _MARGIN + _BAND, _WIDTH, _PAGE[1] - 2 * (_MARGIN + _BAND), 0, 0, 0, 0, id="page")
    document.addPageTemplates([PageTemplate(id="page", frames=[frame], onPage=_watermark(cover))])
    document.build(story, canvasmaker=partial(_NumberedCanvas, cover=cover))
    return file.getvalue()


class _NumberedCanvas(Canvas):
    """A canvas that knows how many pages there are before it writes their numbers."""

    def __init__(self, *arguments: Any, cover: Cover, **named: Any) -> None:  # noqa: ANN401  reportlab's own
        super().__init__(*arguments, **named)
        self._cover = cover
        self._pages: list[dict[str, Any]] = []

    def showPage(self) -> None:  # noqa: N802  reportlab's name
        self._pages.append(dict(self.__dict__))
        self._startPage()  # type: ignore[attr-defined]  # reportlab's own way to go on; the stubs lack it

    def save(self) -> None:
        for number, page in enumerate(self._pages, start=1):
            self.__dict__.update(page)
            self._frame(number, len(self._pages))
            super().showPage()
        super().save()

    def _frame(self, number: int, count: int) -> None:
        """The lines at the top and the bottom of a page."""
        cover, right = self._cover, _PAGE[0] - _MARGIN
        top, bottom = _PAGE[1] - _MARGIN - 8, _MARGIN + 4
        self.setFont(_FONT, 8)
        self.setFillColor(_GREY)
        self.drawString(_MARGIN, top, _printable(f"{cover.taxpayer}, {cover.account or 'all accounts'}"))
        self.drawRightString(right, top, f"Tax year {cover.tax_year}, stands on {cover.on}")
        self.drawString(_MARGIN, bottom, f"Generated {cover.generated_at.isoformat(timespec='seconds')}")
        self.drawCentredString(_PAGE[0] / 2, bottom, NOT_ADVICE)
        self.drawRightString(right, bottom, f"Page {number} of {count}")
        if cover.watermark:
            self.setFont(_BOLD, 9)
            self.setFillColor(_RED)
            self.drawCentredString(_PAGE[0] / 2, top, cover.watermark)
        self.setStrokeColor(_RULE)
        self.setLineWidth(0.5)
        self.line(_MARGIN, top - 5, right, top - 5)
        self.line(_MARGIN, bottom + 11, right, bottom + 11)


def _watermark(cover: Cover) -> Callable[[Canvas, BaseDocTemplate], None]:
    """What is drawn across a page, under its tables, where the money was not real."""

    def draw(canvas: Canvas, _: BaseDocTemplate) -> None:
        if not cover.watermark:
            return
        canvas.saveState()
        canvas.translate(_PAGE[0] / 2, _PAGE[1] / 2)
        canvas.rotate(30)
        canvas.setFont(_BOLD, 44)
        canvas.setFillColor(_MARK)
        canvas.drawCentredString(0, -12, cover.watermark)
        canvas.restoreState()

    return draw


def _front(cover: Cover, reports: Sequence[Report]) -> list[Flowable]:
    story: list[Flowable] = [_paragraph(f"Tax reports {cover.tax_year}", _TITLE)]
    story += _pairs(cover.facts())
    story += [_paragraph("Contents", _HEADING)]
    story += _pairs(
        [(report.title, ", ".join(f"{one.title} ({len(one.rows)})" for one in report.sections)) for report in reports]
    )
    for title, pairs in (
        ("Problems", [("", problem) for problem in cover.problems]),
        ("Positions where the law is unsettled", list(cover.policies.items())),
        ("Inputs (SHA-256)", list(cover.inputs.items())),
    ):
        if pairs:
            story += [_paragraph(title, _HEADING), *_pairs(pairs)]
    return story


def _pairs(pairs: Sequence[tuple[str, str]]) -> list[Flowable]:
    """Lines of a label and a text."""
    if not pairs:
        return []
    rows = [[_paragraph(label, _BODY), _paragraph(told, _BODY)] for label, told in pairs]
    style = TableStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("TOPPADDING", (0, 0), (-1, -1), 1),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 1),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
        ]
    )
    return [LongTable(rows, colWidths=[2.2 * inch, _WIDTH - 2.2 * inch], style=style, hAlign="LEFT")]


def _section(section: Section, report: Report) -> list[Flowable]:
    """A table under its title, with its notes; an empty one says so."""
    shown = _without_details(section)
    story: list[Flowable] = []
    if section.title != report.title and (len(report.sections) > 1 or section.title not in report.title):
        story.append(_paragraph(section.title, _HEADING))
    if not section.rows:
        story.append(_paragraph("Nothing to show.", _NOTE))
    else:
        story += [Spacer(0, 3), *_tables(shown)]
    story += [Spacer(0, 3), *(_paragraph(note, _NOTE) for note in section.notes)]
    return [KeepTogether(story)] if len(section.rows) <= _SHORT else [CondPageBreak(1.2 * inch), *story]


def _without_details(section: Section) -> Section:
    kept = [place for place, column in enumerate(section.columns) if not column.is_detail]
    return replace(
        section,
        columns=tuple(section.columns[place] for place in kept),
        rows=tuple(tuple(row[place] for place in kept) for row in section.rows),
    )


def _tables(section: Section) -> list[Flowable]:
    """The rows in blocks, each of which starts on a page of its own: parting a table costs as much as what is left."""
    rows = [[_shown(cell, column) for cell, column in zip(row, section.columns, strict=True)] for row in section.rows]
    totals = _total_row(section)
    size, widths = _layout(section.columns, [*rows, *totals])
    head = [_head(column, size) for column in section.columns]
    tables: list[Flowable] = []
    for start in range(0, len(rows), _BLOCK):
        last = totals if start + _BLOCK >= len(rows) else []
        body = [_wrapped(row, section.columns, widths, size) for row in [*rows[start : start + _BLOCK], *last]]
        block = replace(section, rows=section.rows[start : start + _BLOCK])
        style = TableStyle([*_look(section, size, has_totals=bool(last)), *_losses(block, last)])
        tables += [PageBreak()] if tables else []
        tables.append(LongTable([head, *body], colWidths=widths, repeatRows=1, hAlign="LEFT", style=style))
    return tables


def _total_row(section: Section) -> list[list[str]]:
    totals = section.totals
    if not totals or len(section.rows) < 2:  # noqa: PLR2004  one row is its own sum
        return []
    row = [_shown(totals[column.name], column) if column.name in totals else "" for column in section.columns]
    row[0] = row[0] or "Total"
    return [row]


def _layout(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> tuple[float, list[float]]:
    """The largest letters with which the columns fit beside each other, and how wide each is, points."""
    for size in _SIZES:
        natural = [_natural(column, [row[place] for row in rows], size) for place, column in enumerate(columns)]
        total = sum(natural)
        if total <= _WIDTH:
            stretch = min(_WIDTH / total, _MOST_STRETCH)
            return size, [width * stretch for width in natural]
    return _SIZES[-1], _squeezed(columns, natural)


def _natural(column: Column, cells: Sequence[str], size: float) -> float:
    widest = max((stringWidth(cell, _FONT, size) for cell in set(cells)), default=0.0)
    word = max((stringWidth(part, _BOLD, size) for part in column.title.split()), default=0.0)
    # Totals are bold, which is wider.
    slack = 1.07 if column.kind in _NUMBERS else 1.0
    return max(widest * slack, word) + 2 * _PADDING


def _squeezed(columns: Sequence[Column], natural: Sequence[float]) -> list[float]:
    """Columns of words give up what is too much, the widest most; numbers keep their width."""
    words = [place for place, column in enumerate(columns) if column.kind is ColumnKind.TEXT]
    excess = sum(natural) - _WIDTH
    room = {place: max(natural[place] - _NARROWEST_TEXT, 0.0) for place in words}
    total = sum(room.values())
    part = min(excess / total, 1.0) if total else 0.0
    widths = [width - room.get(place, 0.0) * part for place, width in enumerate(natural)]
    scale = min(_WIDTH / sum(widths), 1.0)
    return [width * scale for width in widths]


def _head(column: Column, size: float) -> Flowable:
    style = ParagraphStyle(
        "head",
        fontName=_BOLD,
        fontSize=size,
        leading=size * 1.2,
        textColor=white,
        alignment=_LEFT if column.kind is ColumnKind.TEXT else _CENTRED if column.kind is ColumnKind.DATE else _RIGHT,
    )
    return _paragraph(column.title, style)


def _wrapped(
    row: Sequence[str], columns: Sequence[Column], widths: Sequence[float], size: float
) -> list[str | Flowable]:
    """The cells, those of words that are wider than their column as paragraphs."""
    style = ParagraphStyle("cell", fontName=_FONT, fontSize=size, leading=size * 1.15, splitLongWords=1)
    return [
        _paragraph(cell, style)
        if column.kind is ColumnKind.TEXT and stringWidth(cell, _FONT, size) > width - 2 * _PADDING + 0.01
        else cell
        for cell, column, width in zip(row, columns, widths, strict=True)
    ]


def _look(section: Section, size: float, *, has_totals: bool) -> list[tuple[Any, ...]]:
    look: list[tuple[Any, ...]] = [
        ("FONT", (0, 0), (-1, -1), _FONT, size, size * 1.2),
        ("BACKGROUND", (0, 0), (-1, 0), _DARK),
        ("VALIGN", (0, 0), (-1, 0), "MIDDLE"),
        ("VALIGN", (0, 1), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), _PADDING),
        ("RIGHTPADDING", (0, 0), (-1, -1), _PADDING),
        ("TOPPADDING", (0, 0), (-1, -1), 1.6),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.2),
        ("LINEBELOW", (0, 1), (-1, -1), 0.25, _RULE),
    ]
    look += [
        ("ALIGN", (place, 1), (place, -1), "RIGHT")
        for place, column in enumerate(section.columns)
        if column.kind in _NUMBERS
    ]
    look += [
        ("ALIGN", (place, 1), (place, -1), "CENTER")
        for place, column in enumerate(section.columns)
        if column.kind is ColumnKind.DATE
    ]
    if has_totals:
        look += [
            ("FONT", (0, -1), (-1, -1), _BOLD, size, size * 1.2),
            ("LINEABOVE", (0, -1), (-1, -1), 0.8, _DARK),
            ("BACKGROUND", (0, -1), (-1, -1), _STRIPE),
        ]
    return look


def _losses(section: Section, totals: Sequence[Sequence[str]]) -> list[tuple[Any, ...]]:
    """Amounts below zero are red."""
    red: list[tuple[Any, ...]] = []
    for place, column in enumerate(section.columns):
        if column.kind not in _SIGNED:
            continue
        for number, row in enumerate(section.rows, start=1):
            cell = row[place]
            if isinstance(cell, Decimal) and cell < 0:
                red.append(("TEXTCOLOR", (place, number), (place, number), _RED))
        if totals and totals[0][place].startswith("-"):
            red.append(("TEXTCOLOR", (place, -1), (place, -1), _RED))
    return red


def _shown(cell: Cell, column: Column) -> str:
    match cell:
        case None:
            return ""
        case Decimal() if column.kind in _SIGNED:
            return f"{cell:,.2f}"
        case Decimal():
            return plain_number(cell, column.kind)
        case date():
            return cell.isoformat()
        case int():
            return f"{cell:,}"
        case _:
            return _printable(cell)


def _paragraph(words: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(escape(_printable(words)), style)


def _printable(words: str) -> str:
    """What the standard fonts can show; a letter that they do not have is a question mark."""
    return words.replace("\N{MINUS SIGN}", "-").encode("cp1252", "replace").decode("cp1252")
