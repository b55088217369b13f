"""Plots as Plotly reads them, without colours of the page: the style sheet gives text and grid those of light and dark.

What is drawn has colours that can be read on both, and told apart by people who see no red and green. The figures are
plain data: Plotly's own classes check every value again, which takes longer than all the rest of a page.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

BLUE: Final = "#3478d8"
ORANGE: Final = "#d9730d"
GREY: Final = "#8a8f98"
#: A curve that never fell is drawn on a scale down to this.
_SHALLOWEST: Final = 0.05
_CLEAR: Final = "rgba(0,0,0,0)"
Figure = Mapping[str, Any]


def nav_figure(dates: Sequence[date], equity: Sequence[float], drawdown: Sequence[float]) -> Figure:
    """Net asset value above, below how far it stands under its highest point so far."""
    days = [day.isoformat() for day in dates]
    above = {
        "x": days,
        "y": equity,
        "mode": "lines",
        "line": {"color": BLUE, "width": 2},
        "hovertemplate": "%{y:,.0f} USD<extra></extra>",
    }
    below = {
        "x": days,
        "y": drawdown,
        "mode": "lines",
        "yaxis": "y2",
        "line": {"color": ORANGE, "width": 1.5},
        "fill": "tozeroy",
        "fillcolor": "rgba(217,115,13,0.18)",
        "hovertemplate": "%{y:.1%} below the highest<extra></extra>",
    }
    deepest = min(*drawdown, -_SHALLOWEST)
    axes = {
        "xaxis": _axis(anchor="y2", showgrid=False),
        "yaxis": _axis(domain=[0.36, 1], tickformat=",.0f", nticks=5, side="right", ticklabelstandoff=8),
        "yaxis2": _axis(
            domain=[0, 0.28], tickformat=".0%", side="right", nticks=4, ticklabelstandoff=8, range=[1.1 * deepest, 0]
        ),
    }
    return _figure([above, below], height=320, **axes)


def bars_figure(dates: Sequence[date], values: Sequence[float], *, unit: str, height: int) -> Figure:
    """A bar for each day, up or down from zero."""
    bars = {
        "type": "bar",
        "x": [day.isoformat() for day in dates],
        "y": values,
        "marker": {"color": [ORANGE if value < 0 else BLUE for value in values]},
        "hovertemplate": f"%{{y:,.2f}} {unit}<extra></extra>",
    }
    value_axis = _axis(
        zeroline=True, zerolinecolor=GREY, tickformat=",.0f", nticks=6, side="right", ticklabelstandoff=8
    )
    return _figure([bars], height=height, xaxis=_axis(showgrid=False), yaxis=value_axis)


def wash_figure(
    names: Sequence[str], days: Sequence[tuple[date, date, date, date]], disallowed: Sequence[float]
) -> Figure:
    """For each loss its window as a line, the sale as a dot, the purchase that replaced it as a diamond.

    `days` are the window's first day, the sale, the window's last day, and the purchase.
    """
    windows: dict[str, Any] = {
        "x": [end for one in days for end in (one[0].isoformat(), one[2].isoformat(), None)],
        "y": [place for name in names for place in (name, name, None)],
        "mode": "lines",
        "line": {"color": GREY, "width": 6},
        "opacity": 0.35,
        "hoverinfo": "skip",
    }
    told = {
        "y": list(names),
        "mode": "markers",
        "text": [f"{amount:,.2f} USD disallowed" for amount in disallowed],
        "hovertemplate": "%{y}<br>%{x}<br>%{text}<extra></extra>",
    }
    sales = {**told, "x": [one[1].isoformat() for one in days], "marker": {"color": ORANGE, "size": 10}}
    diamond = {"color": BLUE, "size": 11, "symbol": "diamond"}
    purchases = {**told, "x": [one[3].isoformat() for one in days], "marker": diamond}
    axes = {
        "xaxis": _axis(showgrid=True, type="date"),
        "yaxis": _axis(type="category", autorange="reversed", showgrid=False, ticksuffix="   "),
    }
    return _figure([windows, sales, purchases], height=wash_height(len(names)), hovermode="closest", **axes)


def wash_height(rows: int) -> int:
    """Pixels for so many losses."""
    return max(180, 70 + 22 * rows)


def _axis(**more: Any) -> Figure:  # noqa: ANN401  what Plotly takes
    return {"automargin": True, "fixedrange": True, "zeroline": False, **more}


def _figure(data: Sequence[Figure], *, height: int, **more: Any) -> Figure:  # noqa: ANN401
    layout = {
        "height": height,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "paper_bgcolor": _CLEAR,
        "plot_bgcolor": _CLEAR,
        "showlegend": False,
        "hovermode": "x unified",
        "font": {"size": 12},
        "dragmode": False,
        **more,
    }
    return {"data": list(data), "layout": layout}
