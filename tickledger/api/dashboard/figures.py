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
