"""The monthly letter as a PDF: letter paper upright, words first, then charts and tables."""

from collections.abc import Sequence
from datetime import date
from functools import partial
from io import BytesIO
from typing import Any, Final, Literal
from xml.sax.saxutils import escape

from reportlab.graphics.shapes import Drawing, Line, Polygon, PolyLine, Rect, String
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import inch
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    KeepTogether,
    LongTable,
    PageTemplate,
    Paragraph,
    Spacer,
    TableStyle,
)

from tickledger.reporting.letter import Letter, usd
from tickledger.reporting.returns import DailyReturn, PeriodReturn

_FONT, _BOLD = "Helvetica", "Helvetica-Bold"
_MARGIN: Final = 0.75 * inch
_WIDTH: Final = LETTER[0] - 2 * _MARGIN
_DARK, _GREY, _RULE, _STRIPE = map(HexColor, ("#1F3A5F", "#5A6472", "#C6CED8", "#F3F6FA"))
_GAIN, _LOSS = map(HexColor, ("#1B7F5C", "#B3261E"))
_FILL: Final = Color(0.12, 0.23, 0.37, alpha=0.12)
_FALL: Final = Color(0.70, 0.15, 0.12, alpha=0.25)
_MARK: Final = Color(0.69, 0.0, 0.13, alpha=0.09)
_TITLE: Final = ParagraphStyle("title", fontName=_BOLD, fontSize=18, leading=22, textColor=_DARK, spaceAfter=2)
_UNDER: Final = ParagraphStyle("under", fontName=_FONT, fontSize=9.5, leading=13, textColor=_GREY, spaceAfter=8)
_HEADING: Final = ParagraphStyle(
    "heading", fontName=_BOLD, fontSize=11, leading=14, textColor=_DARK, spaceBefore=12, spaceAfter=4
)
_BODY: Final = ParagraphStyle("body", fontName=_FONT, fontSize=10, leading=14.5, spaceAfter=4)
_NOTE: Final = ParagraphStyle("note", fontName=_FONT, fontSize=8, leading=10.5, textColor=_GREY)
_MOST_BARS: Final = 12
_MOST_ROWS: Final = 20
_PERIODS: Final = {
    "MTD": "Month",
    "QTD": "Quarter to date",
    "YTD": "Year to date",
    "inception": "Since the beginning",
}


def letter_pdf(letter: Letter) -> bytes:
    """The document as a file's bytes; the same letter gives the same bytes."""
    account = letter.account
    story: list[Flowable] = [
        Paragraph(f"{letter.last_date:%B %Y}", _TITLE),
        Paragraph(
            escape(f"Account {account.account_id} ({account.mode}) of {account.owner}, to the close of the month"),
            _UNDER,
        ),
        *(Paragraph(escape(sentence), _BODY) for sentence in letter.sentences()),
        *_part("Returns", _periods(letter.periods)),
        *_part("Net asset value, USD", nav_chart(letter.curve)),
        *_part("Drawdown from the highest close before", drawdown_chart(letter.curve)),
        *_part("What earned and what lost, USD", earned_chart(letter)),
        *_part("Positions at the last close", _positions(letter)),
        *_part("Tax to date", _tax(letter)),
        *_part("Differences with the broker", _breaks(letter)),
        Spacer(0, 10),
        Paragraph(
            "Returns are time-weighted, after commissions and fees. P&amp;L is by average cost; the tax part follows "
            "the lots. No tax, legal or investment advice.",
            _NOTE,
        ),
    ]
    file = BytesIO()
    document = BaseDocTemplate(
        file,
        pagesize=LETTER,
        title=f"{account.account_id}, {letter.last_date:%B %Y}",
        author="Tickledger",
        invariant=1,
    )
    frame = Frame(_MARGIN, _MARGIN, _WIDTH, LETTER[1] - 2 * _MARGIN, 0, 0, 0, 0, id="page")
    document.addPageTemplates([PageTemplate(id="page", frames=[frame], onPage=partial(_frame_page, letter))])
    document.build(story)
    return file.getvalue()


def _frame_page(letter: Letter, canvas: Canvas, document: BaseDocTemplate) -> None:
    canvas.saveState()
    if letter.watermark:
        canvas.saveState()
        canvas.translate(LETTER[0] / 2, LETTER[1] / 2)
        canvas.rotate(35)
        canvas.setFont(_BOLD, 40)
        canvas.setFillColor(_MARK)
        canvas.drawCentredString(0, -12, letter.watermark)
        canvas.restoreState()
    canvas.setFont(_FONT, 8)
    canvas.setFillColor(_GREY)
    canvas.drawString(_MARGIN, 0.45 * inch, f"Generated {letter.generated_at.isoformat(timespec='seconds')}")
    canvas.drawRightString(LETTER[0] - _MARGIN, 0.45 * inch, f"Page {document.page}")
    canvas.restoreState()


def _part(title: str, *content: Flowable) -> list[Flowable]:
    """A heading that is never left alone at the foot of a page."""
    return [KeepTogether([Paragraph(title, _HEADING), *content])]


def _periods(rows: Sequence[PeriodReturn]) -> Flowable:
    head = ("", "from", "P&L", "paid in", "return", "a year", "money-weighted")
    body = [
        (
            _PERIODS.get(row.period, row.period),
            row.start_date.isoformat(),
            usd(row.pnl),
            usd(row.net_flows),
            _percent(row.time_weighted),
            _percent(row.annualized),
            _percent(row.money_weighted),
        )
        for row in rows
    ]
    return _table([head, *body], [1.5, 0.9, 1.0, 1.1, 0.8, 0.7, 1.0], signed=(2, 4, 5, 6))


def _positions(letter: Letter) -> Flowable:
    if not letter.held:
        return Paragraph("None: all is cash.", _BODY)
    head = ("symbol", "shares", "cost", "close", "value", "unrealized", "of NAV")
    rows = [
        (
            row.symbol,
            f"{row.quantity.normalize():,f}",
            usd(row.average_cost),
            usd(row.close),
            usd(row.value),
            usd(row.unrealized),
            f"{row.weight:.1%}",
        )
        for row in letter.held[:_MOST_ROWS]
    ]
    return _table([head, *rows], [1.0, 0.9, 1.0, 1.0, 1.2, 1.1, 0.8], signed=(5,))


def _tax(letter: Letter) -> Flowable:
    tax = letter.tax
    rows = [
        ("", "USD"),
        (f"short-term, {tax.tax_year}", usd(tax.short_term)),
        ("long-term", usd(tax.long_term)),
        ("net", usd(tax.net)),
        ("losses put off by wash sales", usd(tax.disallowed)),
        *((f"{symbol}: a purchase replaces its loss until", day.isoformat()) for symbol, day in tax.windows),
    ]
    return _table(rows, [3.6, 1.3], signed=(1,))


def _breaks(letter: Letter) -> Flowable:
    if not letter.breaks:
        return Paragraph("None is open.", _BODY)
    rows = [("what", "cause", "ledger", "broker", "USD at stake")]
    rows += [
        (
            f"{one.found.symbol} {one.found.subject}".strip(),
            str(one.found.cause),
            one.found.ours or "nothing",
            one.found.theirs or "nothing",
            usd(one.found.money_at_stake),
        )
        for one in letter.breaks[:_MOST_ROWS]
    ]
    return _table(rows, [1.3, 0.9, 1.9, 1.9, 1.0], words=4)


def _table(
    rows: Sequence[Sequence[str]], widths: Sequence[float], *, signed: Sequence[int] = (), words: int = 1
) -> Flowable:
    """Numbers on the right, the first `words` columns on the left and wrapped; losses of `signed` columns in red."""
    cell = ParagraphStyle("cell", fontName=_FONT, fontSize=8.5, leading=10.5)
    body = [
        [Paragraph(escape(text), cell) if place < words and number else text for place, text in enumerate(row)]
        for number, row in enumerate(rows)
    ]
    scale = min(1.0, _WIDTH / (sum(widths) * inch))
    style: list[tuple[Any, ...]] = [
        ("FONT", (0, 0), (-1, -1), _FONT, 8.5),
        ("FONT", (0, 0), (-1, 0), _BOLD, 8.5),
        ("TEXTCOLOR", (0, 0), (-1, 0), _DARK),
        ("ALIGN", (words, 0), (-1, -1), "RIGHT"),
        ("LINEBELOW", (0, 0), (-1, 0), 0.6, _RULE),
        ("ROWBACKGROUNDS", (0, 1), (-1, -1), (None, _STRIPE)),
        ("TOPPADDING", (0, 0), (-1, -1), 2.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ]
    style += [
        ("TEXTCOLOR", (place, number), (place, number), _LOSS)
        for number, row in enumerate(rows)
        for place in signed
        if number and row[place].startswith("−")
    ]
    return LongTable(
        body, colWidths=[width * inch * scale for width in widths], style=TableStyle(style), hAlign="LEFT", repeatRows=1
    )


def nav_chart(curve: Sequence[DailyReturn]) -> Drawing:
    """Net asset value at the closes, as a line over its area."""
    values = [float(row.closing) for row in curve]
    return _area(values, [row.session_date for row in curve], _DARK, _FILL, lambda value: f"{value:,.0f}")


def drawdown_chart(curve: Sequence[DailyReturn]) -> Drawing:
    """How far each close of the linked returns is below the highest before, per cent."""
    growth, highest, values = 1.0, 1.0, []
    for row in curve:
        growth *= 1 + (row.value if row.value == row.value else 0.0)  # a session without a return changes nothing
        highest = max(highest, growth)
        values.append(100 * (growth / highest - 1))
    days = [row.session_date for row in curve]
    return _area(values, days, _LOSS, _FALL, lambda value: f"{value:.1f} %", height=1.0 * inch, top=0.0)


def earned_chart(letter: Letter) -> Drawing:
    """A bar for each symbol: those that earned, then those that lost; what is beyond the bars is summed up."""
    rows = list(letter.earned)
    if len(rows) > _MOST_BARS:
        half = _MOST_BARS // 2
        rows = [*rows[:half], *rows[-half:]]
    height, gap = 13.0, 4.0
    drawing = Drawing(_WIDTH, max(1, len(rows)) * (height + gap) + 4)
    most = max((abs(float(row.amount)) for row in rows), default=1.0) or 1.0
    middle, reach = _WIDTH * 0.5, _WIDTH * 0.5 - 120
    drawing.add(Line(middle, 0, middle, drawing.height, strokeColor=_RULE))
    for number, row in enumerate(rows):
        y = drawing.height - (number + 1) * (height + gap)
        length = reach * float(row.amount) / most
        color = _GAIN if row.amount >= 0 else _LOSS
        bar = Rect(min(middle, middle + length), y, abs(length), height)
        bar.fillColor, bar.strokeColor = color, None
        drawing.add(bar)
        is_gain = row.amount >= 0
        where = middle + length + (4 if is_gain else -4)
        drawing.add(_string(where, y + 3, usd(row.amount), "start" if is_gain else "end"))
        drawing.add(_string(middle + (-4 if is_gain else 4), y + 3, row.symbol, "end" if is_gain else "start"))
    if not rows:
        drawing.add(_string(0, 4, "Nothing was held or traded.", "start"))
    return drawing


def _area(
    values: Sequence[float],
    days: Sequence[date],
    stroke: Color,
    fill: Color,
    told: Any,  # noqa: ANN401  a number as text
    *,
    height: float = 1.7 * inch,
    top: float | None = None,
) -> Drawing:
    left, right, bottom = 58.0, _WIDTH - 6, 16.0
    drawing = Drawing(_WIDTH, height)
    low, high = min(values), max(values) if top is None else top
    span = (high - low) or max(abs(high), 1.0) * 0.01
    step = (right - left) / max(1, len(values) - 1)
    points = [
        (left + step * place, bottom + (height - bottom - 8) * (value - low) / span)
        for place, value in enumerate(values)
    ]
    for part in (0.0, 0.5, 1.0):
        y = bottom + (height - bottom - 8) * part
        drawing.add(Line(left, y, right, y, strokeColor=_RULE, strokeWidth=0.5))
        drawing.add(_string(left - 4, y - 3, told(low + span * part), "end"))
    base = bottom if top is None else bottom + (height - bottom - 8) * (top - low) / span
    outline = [(points[0][0], base), *points, (points[-1][0], base)]
    drawing.add(Polygon([number for point in outline for number in point], fillColor=fill, strokeColor=None))
    drawing.add(PolyLine([number for point in points for number in point], strokeColor=stroke, strokeWidth=1.2))
    ends: tuple[tuple[int, Literal["start", "middle", "end"]], ...]
    ends = ((0, "start"), (len(days) // 2, "middle"), (len(days) - 1, "end"))
    for place, anchor in ends if len(days) > 2 else ends[:1]:  # noqa: PLR2004  three dates need three days
        drawing.add(_string(points[place][0], 3, days[place].isoformat(), anchor))
    return drawing


def _string(x: float, y: float, text: str, anchor: Literal["start", "middle", "end"]) -> String:
    return String(x, y, text, fontName=_FONT, fontSize=8, fillColor=_GREY, textAnchor=anchor)


def _percent(value: float | None) -> str:
    return "—" if value is None else f"{value:+.2%}".replace("-", "−")
