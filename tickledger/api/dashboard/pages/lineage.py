"""Lineage explorer: from a form line, or any other row, down to the bars and the files that brought them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import dash_cytoscape as cyto
from dash import Dash, Input, Output, html

from tickledger.api.dashboard.address import Address
from tickledger.api.dashboard.components import (
    Column,
    badge,
    labelled,
    lineage_link,
    link,
    message,
    note,
    panel,
    signed,
    table,
    text_filter,
)
from tickledger.api.dashboard.formats import day, usd, words
from tickledger.api.dashboard.lineage_graph import LineageGraph, Placed, lineage_graph
from tickledger.api.dashboard.page import Children, Look, Page
from tickledger.api.queries.tax import Filer, FormRow, form_rows, tax_years
from tickledger.db.lineage import LineageNode, explain
from tickledger.db.lineage_explanations import gain_explanations
from tickledger.domain.errors import InputError
from tickledger.domain.ids import PREFIXES

_GRAPH: Final = "lineage-graph"
_DETAIL: Final = "lineage-detail"
_ROWS: Final = 25
_LONGEST_LABEL: Final = 50
_NAMED: Final = ("line", "gain", "lot", "exec", "ord", "sig", "model", "bar")
#: Colours on which white can be read by day and by night: tax, trade, opinion, market.
_COLOURS: Final[Mapping[str, Sequence[str]]] = {
    "#2a5ea8": ("schd", "line", "gain", "wash", "lot"),
    "#20716a": ("exec", "ord", "risk", "pos", "cash"),
    "#6d4f9c": ("sig", "model", "feat"),
    "#5b6472": ("bar", "ca", "ing", "quar"),
}
_OTHER: Final = "#7a5230"


def head(look: Look) -> Children:
    """The field for an id."""
    hint = ", ".join(f"{prefix}_… ({PREFIXES[prefix]})" for prefix in _NAMED)
    field = text_filter("id", "Id of a row", look.address.get("id"), placeholder="line_…", width="long")
    return html.Div(
        [html.Div(field, className="filters"), html.P(f"Any id will do: {hint} …", className="hint")], className="panel"
    )


def body(look: Look) -> Children:
    """The lineage of the row that was asked for; rows to begin with where none was."""
    identity = look.address.get("id")
    if not identity:
        return _beginnings(look)
    try:
        root = explain(look.engine, identity)
    except InputError as error:
        return [message(" ".join(str(error).split()), "warn"), *_beginnings(look)]
    graph = lineage_graph(root)
    paragraphs = gain_explanations(look.engine, root.id)
    explained = [panel("In words", *[html.P(text) for text in paragraphs.values()])] if paragraphs else []
    return [
        panel(
            f"{_capital(root.kind)}: {root.summary}",
            _drawn(graph),
            html.Div(_detail(_data(graph.rows[0]), look.address), id=_DETAIL, className="detail-box", **_LIVE),
            hint="Drag to move, scroll or pinch to zoom, click a row for its fields. The list below says the same.",
        ),
        *(
            [message(f"{graph.left_out} rows that lie further away are left out: begin at a nearer row.")]
            if graph.left_out
            else []
        ),
        *explained,
        _listed(look, graph),
    ]


def register(app: Dash) -> None:
    """A click on a row shows its fields; they came with the graph."""

    @app.callback(
        Output(_DETAIL, "children"),
        Input(_GRAPH, "tapNodeData"),
        Input("address", "search"),
        prevent_initial_call=True,
    )
    async def show(data: Mapping[str, Any] | None, search: str | None) -> Children:
        return _detail(data, Address.of("/lineage", search)) if data else note("Click a row.")


_LIVE: Final[dict[str, Any]] = {"aria-live": "polite"}


def _drawn(graph: LineageGraph) -> Children:
    rows = [
        {"data": _data(row), "position": {"x": row.x, "y": row.y}, "classes": row.node.id.partition("_")[0]}
        for row in graph.rows
    ]
    edges = [{"data": {"source": child, "target": parent}} for child, parent in graph.edges]
    drawn = cyto.Cytoscape(
        id=_GRAPH,
        elements=[*rows, *edges],
        layout={"name": "preset", "fit": True, "padding": 16},
        stylesheet=_styles(),
        style={"width": "100%", "height": f"{_height(graph)}px"},
        minZoom=0.1,
        maxZoom=2.5,
        wheelSensitivity=0.3,
        autoungrabify=True,
        boxSelectionEnabled=False,
        responsive=True,
    )
    ways = [
        html.Button(shown, type="button", className="button", title=title, **_zooms(way, title))
        for way, shown, title in _ZOOMS
    ]
    told = labelled("The lineage as a graph; it is listed below")
    return html.Div(
        [html.Div(ways, className="zooms"), html.Div(drawn, className="plot lineage-graph", role="img", **told)]
    )


_ZOOMS: Final = (
    ("in", "+", "Larger"),
    ("out", "−", "Smaller"),
    ("fit", "All of it", "The whole graph"),
    ("start", "Beginning", "The row that was asked about"),
)


def _zooms(way: str, title: str) -> dict[str, Any]:
    """What the script of the page goes by."""
    return {"data-zoom": way, **labelled(title)}


def _height(graph: LineageGraph) -> int:
    return min(120 + 100 * graph.layers, 1250)


def _styles() -> Sequence[Mapping[str, Any]]:
    kinds = {kind: colour for colour, kinds in _COLOURS.items() for kind in kinds}
    row = {
        "shape": "round-rectangle",
        "width": 172,
        "height": 64,
        "background-color": _OTHER,
        "label": "data(label)",
        "color": "#ffffff",
        "font-size": 12.5,
        "font-family": "system-ui, sans-serif",
        "text-wrap": "wrap",
        "text-max-width": "162px",
        "text-valign": "center",
        "text-halign": "center",
    }
    edge = {
        "width": 1.5,
        "line-color": "#8a8f98",
        "target-arrow-color": "#8a8f98",
        "target-arrow-shape": "triangle",
        "curve-style": "bezier",
        "arrow-scale": 0.9,
    }
    return [
        {"selector": "node", "style": row},
        *({"selector": f".{kind}", "style": {"background-color": colour}} for kind, colour in kinds.items()),
        {"selector": "edge", "style": edge},
        {
            "selector": "node[?superseded]",
            "style": {"border-width": 3, "border-style": "dashed", "border-color": "#d9730d"},
        },
        {"selector": "node:selected", "style": {"border-width": 4, "border-style": "solid", "border-color": "#e8a33d"}},
    ]


def _data(row: Placed) -> dict[str, Any]:
    node = row.node
    return {
        "id": node.id,
        "label": f"{node.kind}\n{_short(node.summary)}",
        "kind": node.kind,
        "summary": node.summary,
        "facts": dict(node.facts),
        "superseded": node.is_superseded,
        "cut": node.is_cut,
    }


def _detail(data: Mapping[str, Any], address: Address) -> Sequence[Children]:
    """The fields of a row."""
    facts = [html.Div([html.Dt(words(str(name))), html.Dd(str(value))]) for name, value in data["facts"].items()]
    marks = [badge("superseded", "warn")] if data["superseded"] else []
    more = (
        [link("Begin here", address.choosing(id=data["id"]), style="button")] if address.get("id") != data["id"] else []
    )
    return [
        html.H3([f"{_capital(data['kind'])} ", *marks]),
        html.P(data["summary"]),
        html.P(html.Code(data["id"]), className="hint"),
        html.Dl(facts, className="facts"),
        *more,
    ]


def _listed(look: Look, graph: LineageGraph) -> Children:
    columns: Sequence[Column[Placed]] = (
        Column("Step", lambda row: str(row.layer)),
        Column("Kind", lambda row: row.node.kind),
        Column("What", lambda row: html.Span(row.node.summary, className="sentence")),
        Column("Fields", lambda row: _facts(row.node)),
        Column("Id", lambda row: lineage_link(row.node.id, look.address)),
    )
    return panel("Step by step", table("The lineage as a list", columns, graph.rows))


def _facts(node: LineageNode) -> Children:
    if not node.facts:
        return ""
    told = ", ".join(f"{words(name)} {value}" for name, value in node.facts.items())
    return html.Details([html.Summary(f"{len(node.facts)} fields"), html.Span(told, className="sentence")])


def _beginnings(look: Look) -> Sequence[Children]:
    """The last rows of the last form: the usual place to begin."""
    filer = Filer(look.account.owner, look.account.mode)
    years = tax_years(look.engine, filer)
    if not years:
        told = "No form is made yet. Any id will do: those of orders, executions and signals are links on their pages."
        return [panel("Where to begin", note(told))]
    rows = form_rows(look.engine, filer, years[0], limit=_ROWS)
    columns: Sequence[Column[FormRow]] = (
        Column("Property", lambda row: lineage_link(row.line_id, look.address, row.description)),
        Column("Acquired", lambda row: day(row.date_acquired) if row.date_acquired else "VARIOUS"),
        Column("Sold", lambda row: day(row.date_sold)),
        Column("Code", lambda row: row.codes),
        Column("Gain or loss, USD", lambda row: signed(usd(row.gain_loss), row.gain_loss), is_number=True),
    )
    hint = "Choose a row to see the chain down to the bar; all rows are on the page of taxes."
    return [panel(f"Form 8949 of {years[0]}", table("Form lines", columns, rows), hint=hint)]


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_LABEL else f"{text[: _LONGEST_LABEL - 1]}…"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


PAGE: Final = Page("/lineage", "Lineage", "Lineage explorer", body, head)
