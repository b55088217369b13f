"""Plots as Plotly figures without colours of the page: the style sheet gives text and grid those of light and dark.

What is drawn has colours that can be read on both, and told apart by people who see no red and green.
"""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from plotly import graph_objects as go

BLUE: Final = "#3478d8"
ORANGE: Final = "#d9730d"
GREY: Final = "#8a8f98"
_CLEAR: Final = "rgba(0,0,0,0)"


def empty_figure(height: int) -> go.Figure:
    """A figure with the manner of all of them."""
    figure = go.Figure()
    figure.update_layout(
        height=height,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        paper_bgcolor=_CLEAR,
        plot_bgcolor=_CLEAR,
        showlegend=False,
        hovermode="x unified",
        font={"size": 12},
        dragmode=False,
    )
    figure.update_xaxes(showgrid=False, automargin=True, fixedrange=True)
    figure.update_yaxes(showgrid=True, zeroline=False, automargin=True, fixedrange=True, side="right")
    return figure


def nav_figure(dates: Sequence[date], equity: Sequence[float], drawdown: Sequence[float]) -> go.Figure:
    """Net asset value above, below how far it stands under its highest point so far."""
    figure = empty_figure(320)
    figure.add_scatter(
        x=dates, y=equity, mode="lines", line={"color": BLUE, "width": 2}, hovertemplate="%{y:,.0f} USD<extra></extra>"
    )
    figure.add_scatter(
        x=dates,
        y=drawdown,
        mode="lines",
        yaxis="y2",
        line={"color": ORANGE, "width": 1.5},
        fill="tozeroy",
        fillcolor="rgba(217,115,13,0.18)",
        hovertemplate="%{y:.1%} below the highest<extra></extra>",
    )
    figure.update_layout(
        yaxis={"domain": [0.36, 1], "tickformat": "~s", "side": "right"},
        yaxis2={"domain": [0, 0.28], "tickformat": ".0%", "side": "right", "nticks": 4, "fixedrange": True},
        xaxis={"anchor": "y2"},
    )
    return figure


def bars_figure(names: Sequence[Any], values: Sequence[float], *, unit: str, height: int = 240) -> go.Figure:
    """A bar for each name, up or down from zero."""
    figure = empty_figure(height)
    colours = [ORANGE if value < 0 else BLUE for value in values]
    figure.add_bar(x=names, y=values, marker={"color": colours}, hovertemplate=f"%{{y:,.2f}} {unit}<extra></extra>")
    figure.update_yaxes(zeroline=True, zerolinecolor=GREY, tickformat="~s")
    return figure


def wash_figure(
    names: Sequence[str], days: Sequence[tuple[date, date, date, date]], disallowed: Sequence[float]
) -> go.Figure:
    """For each loss its window as a line, the sale as a dot, the purchase that replaced it as a diamond.

    `days` are the window's first day, the sale, the window's last day, and the purchase.
    """
    figure = empty_figure(max(180, 70 + 22 * len(names)))
    figure.update_layout(hovermode="closest")
    figure.update_yaxes(side="left", autorange="reversed", type="category", showgrid=False, ticksuffix="   ")
    figure.update_xaxes(showgrid=True)
    for name, (first, _, last, _) in zip(names, days, strict=True):
        line = {"color": GREY, "width": 6}
        figure.add_scatter(x=[first, last], y=[name, name], mode="lines", line=line, opacity=0.35, hoverinfo="skip")
    sale = {"color": ORANGE, "size": 10}
    bought = {"color": BLUE, "size": 11, "symbol": "diamond"}
    told = [f"{amount:,.2f} USD disallowed" for amount in disallowed]
    hover = "%{y}<br>%{x}<br>%{text}<extra></extra>"
    figure.add_scatter(
        x=[one[1] for one in days], y=list(names), mode="markers", marker=sale, text=told, hovertemplate=hover
    )
    figure.add_scatter(
        x=[one[3] for one in days], y=list(names), mode="markers", marker=bought, text=told, hovertemplate=hover
    )
    return figure
