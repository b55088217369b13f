"""The parts that pages are made of: figures with a name, tables, badges, and what is shown where there is nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Generic, TypeVar

from dash import dcc, html

from tickledger.api.dashboard.address import Address
from tickledger.api.dashboard.formats import MINUS, NOTHING
from tickledger.api.dashboard.page import Children

Row = TypeVar("Row")
#: Rows of a table on one page.
PAGE_ROWS: Final = 50
#: Choices that are seen at a glance, without a field to search them.
_FEW: Final = 8


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """A column: its heading, what stands in each cell, and whether that is a number (set flush right)."""

    heading: str
    cell: Callable[[Row], Children]
    is_number: bool = False
    hint: str = ""


def table(caption: str, columns: Sequence[Column[Row]], rows: Sequence[Row], *, empty: str = "None.") -> Children:
    """Rows as a table that scrolls by itself where it is wider than the page; `empty` where there are none."""
    if not rows:
        return note(empty)
    head = html.Tr([_heading(column) for column in columns])
    body = [html.Tr([_cell(column, row, is_first=not place) for place, column in enumerate(columns)]) for row in rows]
    made = html.Table([html.Caption(caption), html.Thead(head), html.Tbody(body)])
    return html.Div(made, className="scroll", tabIndex="0", role="region", **labelled(caption))


def _heading(column: Column[Any]) -> Children:
    return html.Th(column.heading, scope="col", className="number" if column.is_number else None, title=column.hint)


def _cell(column: Column[Any], row: object, *, is_first: bool) -> Children:
    style = "number" if column.is_number else None
    content = column.cell(row)
    return html.Th(content, scope="row", className=style) if is_first else html.Td(content, className=style)


def flat(children: Children) -> list[Children]:
    """Components in one list, whatever lists they came in: Dash draws no list within a list."""
    if not isinstance(children, list | tuple):
        return [children]
    return [part for child in children for part in flat(child)]


def panel(title: str, *content: Children, hint: str = "", wide: bool = False) -> Children:
    """A part of a page under a heading."""
    lead = [html.P(hint, className="hint")] if hint else []
    return html.Section([html.H2(title), *lead, *flat(content)], className="panel wide" if wide else "panel")


def stats(*figures: Children) -> Children:
    """Figures side by side."""
    return html.Dl(list(figures), className="stats")


def stat(name: str, value: Children, detail: Children = "") -> Children:
    """A figure with its name and, small, what goes with it."""
    parts = [html.Dt(name), html.Dd(value, className="figure")]
    return html.Div([*parts, *([html.Dd(detail, className="detail")] if detail else [])], className="stat")


def signed(text: str, amount: Decimal | float | None) -> Children:
    """`text` in the colour of a gain or a loss; the sign in it says the same without colour."""
    if amount is None or not amount or text == NOTHING:
        return text
    return html.Span(text, className="loss" if amount < 0 or text.startswith(MINUS) else "gain")


def badge(text: str, tone: str = "neutral") -> Children:
    """A short word in a frame; `tone` is good, bad, warn, neutral, or a mode."""
    return html.Span(text, className=f"badge {tone}")


def note(text: Children) -> Children:
    """Why nothing is shown here."""
    return html.P(text, className="note")


def message(text: Children, tone: str = "warn") -> Children:
    """What a person ought to know before anything else on the page."""
    return html.Div(text, className=f"message {tone}", role="status")


def link(text: str, address: Address, *, style: str = "") -> Children:
    """A way to another place of the dashboard."""
    return dcc.Link(text, href=address.href, className=style or None)


def lineage_link(identity: str, address: Address, text: str = "") -> Children:
    """The way to where a row came from."""
    style = "" if text else "id"
    return link(text or short_id(identity), address.on("/lineage", id=identity), style=style)


def short_id(identity: str) -> str:
    """An id with its middle left out: the ends tell two of them apart."""
    longest = 16
    return identity if len(identity) <= longest else f"{identity[:9]}…{identity[-4:]}"


def tabs(address: Address, name: str, choices: Sequence[tuple[str, str]]) -> Children:
    """Parts of a page of which one is shown; the first where none was chosen. `choices` are values and their words."""
    chosen = chosen_tab(address, name, choices)
    return html.Nav(
        [
            dcc.Link(
                words,
                href=address.choosing(**{name: value, "page": None}).href,
                className="part current" if value == chosen else "part",
            )
            for value, words in choices
        ],
        className="parts",
        **labelled("Parts of this page"),
    )


def chosen_tab(address: Address, name: str, choices: Sequence[tuple[str, str]]) -> str:
    """The part that was chosen."""
    values = [value for value, _ in choices]
    return address.get(name) if address.get(name) in values else values[0]


def pager(address: Address, *, has_more: bool) -> Children:
    """The ways to the rows before and after; `page` counts from 0."""
    page = address.number("page")
    if not page and not has_more:
        return []
    before = [link("← Newer", address.choosing(page=str(page - 1)), style="button")] if page else []
    after = [link("Older →", address.choosing(page=str(page + 1)), style="button")] if has_more else []
    return html.Nav(
        [*before, html.Span(f"Page {page + 1}", className="hint"), *after], className="pager", **labelled("Pages")
    )


def text_filter(name: str, label: str, value: str, *, placeholder: str = "", width: str = "") -> Children:
    """A field of which the address takes what was typed, when it is left or Enter is pressed."""
    field = dcc.Input(
        id={"filter": name},
        value=value,
        placeholder=placeholder,
        debounce=True,
        type="text",
        autoComplete="off",
        maxLength=100,
    )
    return html.Label([html.Span(label), field], className=f"filter {width}".strip())


def choice_filter(name: str, label: str, value: str, choices: Sequence[tuple[str, str]]) -> Children:
    """A field in which one of `choices` (values and their words) is picked, or none."""
    options = [{"label": words, "value": choice} for choice, words in choices]
    field = dcc.Dropdown(
        id={"filter": name}, options=options, value=value or None, placeholder="all", searchable=len(options) > _FEW
    )
    return html.Div(
        [html.Span(label, className="filter-name"), field], className="filter choice", role="group", **labelled(label)
    )


def graph(figure: object, description: str, *, height: int) -> Children:
    """A plot; `description` says in words what it shows."""
    drawn = dcc.Graph(
        figure=figure,
        config={"displayModeBar": False, "responsive": True, "doubleClick": "reset"},
        style={"height": f"{height}px"},
    )
    return html.Figure([drawn, html.Figcaption(description, className="hint")], className="plot")


def labelled(text: str) -> dict[str, Any]:
    """What names a part of the page to whoever hears it."""
    return {"aria-label": text}
