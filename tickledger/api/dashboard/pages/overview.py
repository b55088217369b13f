"""Overview: what the account is worth, what it gained or lost, what is at stake, what it holds."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import accumulate, pairwise
from typing import Final

from dash import html

from tickledger.api.dashboard.components import (
    Column,
    badge,
    graph,
    message,
    note,
    panel,
    signed,
    stat,
    stats,
    table,
)
from tickledger.api.dashboard.figures import bars_figure, nav_figure
from tickledger.api.dashboard.formats import NOTHING, day, pct, price, shares, usd
from tickledger.api.dashboard.page import Children, Look, Page
from tickledger.api.dashboard.standing import Standing, part_of, standing_of
from tickledger.api.queries.overview import HeldPosition, NavPoint, nav_history

#: Ten years of sessions.
_SESSIONS: Final = 2_520
_RECENT: Final = 60
_ZERO: Final = Decimal(0)


def body(look: Look) -> Children:
    """The page."""
    history = nav_history(look.engine, look.account_id, sessions=_SESSIONS)
    standing = standing_of(look, history)
    if standing is None:
        return _nothing_yet()
    below = _drawdowns([*history, *_now(look, standing)])
    return [
        *_session_line(look),
        stats(
            stat("Net asset value", usd(standing.nav), standing.told),
            stat("P&L today", signed(usd(standing.today, signed=True), standing.today), _of(standing.today, standing)),
            stat(
                "P&L to date",
                signed(usd(standing.to_date, signed=True), standing.to_date),
                "equity less what was paid in",
            ),
            stat(
                "Drawdown",
                pct(-below[-1]),
                f"deepest {pct(-max(below))}",
            ),
            stat(
                "Exposure",
                pct(part_of(standing.gross, standing.nav)),
                f"net {pct(part_of(standing.net, standing.nav))} of equity",
            ),
            stat("Cash", usd(standing.cash), pct(part_of(standing.cash, standing.nav)) + " of equity"),
        ),
        panel("Positions", _positions(standing), hint=standing.told),
        html.Div([_nav_panel(history), _daily_panel(history)], className="columns"),
    ]


def _now(look: Look, standing: Standing) -> Sequence[NavPoint]:
    """What a session says after the last close."""
    return [NavPoint(look.now.date(), standing.nav, standing.cash, _ZERO)] if standing.is_live else []


def _session_line(look: Look) -> Sequence[Children]:
    live = look.live
    if live.problem:
        return [message(f"Live values are away ({live.problem}); what follows is the ledger's last close.")]
    if live.beat is None or not live.is_trading:
        return []
    beat = live.beat
    tone = "good" if beat.state == "running" else "warn"
    parts = ["Session of ", html.Strong(day(beat.session_date)), " is ", badge(str(beat.state), tone)]
    return [html.P([*parts, f" {beat.reason}" if beat.reason else ""], className="session-line")]


def _positions(standing: Standing) -> Children:
    columns: Sequence[Column[HeldPosition]] = (
        Column("Symbol", lambda row: row.symbol),
        Column("Sector", lambda row: row.sector or NOTHING),
        Column("Shares", lambda row: shares(row.quantity), is_number=True),
        Column("Average cost", lambda row: price(row.average_cost), is_number=True),
        Column("Price", lambda row: price(row.price), is_number=True),
        Column("Value, USD", lambda row: usd(row.value), is_number=True),
        Column("Of equity", lambda row: pct(part_of(row.value, standing.nav)), is_number=True),
        Column(
            "Unrealized, USD",
            lambda row: signed(usd(row.unrealized_pnl, signed=True), row.unrealized_pnl),
            is_number=True,
        ),
    )
    return table("Positions", columns, standing.held, empty="Nothing is held.")


def _nav_panel(history: Sequence[NavPoint]) -> Children:
    if len(history) < 2:  # noqa: PLR2004  a line has two ends
        return panel("Net asset value", note("A line is drawn from the second recorded close on."))
    figure = nav_figure(
        [point.session_date for point in history],
        [float(point.equity) for point in history],
        [-float(below) for below in _drawdowns(history)],
    )
    told = f"Equity at each close, USD, {day(history[0].session_date)} to {day(history[-1].session_date)}"
    return panel("Net asset value and drawdown", graph(figure, told, height=320))


def _daily_panel(history: Sequence[NavPoint]) -> Children:
    gains = [(after.session_date, after.equity - before.equity - after.flow) for before, after in pairwise(history)][
        -_RECENT:
    ]
    if not gains:
        return panel("Daily P&L", note("A first day has nothing to be compared with."))
    figure = bars_figure([on for on, _ in gains], [float(gain) for _, gain in gains], unit="USD", height=320)
    return panel("Daily P&L", graph(figure, f"Change of equity, USD, the last {len(gains)} sessions", height=320))


def _nothing_yet() -> Children:
    return panel(
        "No close is recorded yet",
        html.P("This account has not traded to the end of a session. Any of these makes data:"),
        html.Ul(
            [
                html.Li([html.Code("tickledger demo"), ": the whole lineage on the bundled sample, in a minute"]),
                html.Li([html.Code("tickledger up"), ": a session trades in a simulated market"]),
                html.Li([html.Code("tickledger trade --mode paper"), ": one session at a paper account"]),
            ]
        ),
    )


def _of(amount: Decimal | None, standing: Standing) -> str:
    if amount is None:
        return ""
    before = standing.nav - amount
    return pct(part_of(amount, before), signed=True, places=2)


def _below(equity: Decimal, peak: Decimal) -> Decimal:
    return (peak - equity) / peak if peak > 0 else _ZERO


def _drawdowns(history: Sequence[NavPoint]) -> list[Decimal]:
    """How far each close stands below the highest before it, as a fraction.

    What the owner brought or took is no gain and no loss: the curve is of equity less all flows so far, on the first
    equity.
    """
    if not history:
        return []
    flows = accumulate((point.flow for point in history[1:]), initial=_ZERO)
    worth = [point.equity - flow for point, flow in zip(history, flows, strict=True)]
    return [_below(value, peak) for value, peak in zip(worth, accumulate(worth, max), strict=True)]


PAGE: Final = Page("/", "Overview", "Overview", body)
