"""Risk and limits: what is allowed and how much of it is used, the kill switch, the sessions, what risk refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from dash import dcc, html

from tickledger.api.control import BY_HAND, FLATTEN, KILL, RESUME, Act, Outcome
from tickledger.api.dashboard.components import (
    Column,
    badge,
    lineage_link,
    message,
    note,
    panel,
    signed,
    stat,
    stats,
    table,
)
from tickledger.api.dashboard.formats import NOTHING, day, moment, number, pct, shares, usd, words
from tickledger.api.dashboard.page import Children, Look, Page
from tickledger.api.dashboard.standing import Standing, part_of, standing_of
from tickledger.api.queries.overview import nav_history
from tickledger.api.queries.risk import REFUSAL_DAYS, Refusal, SessionRow, refusals, session_rows
from tickledger.db.accounts import read_risk_limits
from tickledger.db.kill_switch import read_kill_switch_events, read_kill_switch_state
from tickledger.db.trading_sessions import read_pause
from tickledger.domain.kill_switch import KillSwitchEvent, KillSwitchEventKind, KillSwitchState
from tickledger.domain.order import CONTROL_LIMIT_UNITS, RISK_LIMIT_UNITS

_ZERO: Final = Decimal(0)
_MOST: Final = 20
_CLOSE: Final = Decimal("0.8")
_UNITS: Final = {**RISK_LIMIT_UNITS, **CONTROL_LIMIT_UNITS}
_PARTS: Final = frozenset({"max_portfolio_exposure", "max_sector_exposure", "max_single_name_exposure"})
_OUTCOMES: Final[Mapping[str, tuple[str, str]]] = {
    Outcome.KILLED: ("good", "Trading is stopped. What sessions do about it is listed below."),
    Outcome.FLATTENING: ("good", "Trading is stopped and positions are being closed. The steps are listed below."),
    Outcome.RESUMED: ("good", "Trading is resumed."),
    Outcome.NOT_ENGAGED: ("warn", "The kill switch was not engaged; nothing has changed."),
    Outcome.UNCONFIRMED: ("warn", "Nothing was done: the word of confirmation was not the one asked for."),
    Outcome.FAILED: ("bad", f"Nothing was recorded: the ledger did not answer. {BY_HAND}"),
}


@dataclass(frozen=True, slots=True)
class _Use:
    """A limit and how much of it is used; `used` is None where only orders are measured by it."""

    name: str
    limit: Decimal
    used: Decimal | None

    @property
    def part(self) -> Decimal | None:
        """The used part of the limit."""
        return None if self.used is None else part_of(self.used, self.limit)


def head(look: Look) -> Children:
    """What came of the last request, and the forms of the kill switch: a person may be typing in them."""
    tone, words_ = _OUTCOMES.get(look.address.get("told"), ("", ""))
    forms = (
        _form(
            look,
            KILL,
            "Stop trading",
            "Every session cancels all its orders and opens nothing until you resume.",
            "danger",
        ),
        _form(
            look,
            FLATTEN,
            "Stop and close everything",
            "The same, and every position is closed at the market.",
            "danger",
        ),
        _form(look, RESUME, "Resume", "Lets sessions open positions again.", "primary"),
    )
    hint = "For all accounts at once, whether a session runs or not; the same as tickledger kill, flatten and resume."
    return [
        *([message(words_, tone)] if words_ else []),
        panel("Kill switch", html.Div(list(forms), className="forms"), hint=hint),
    ]


def body(look: Look) -> Children:
    """State, limits, sessions, refusals."""
    history = nav_history(look.engine, look.account_id, sessions=2)
    standing = standing_of(look, history)
    return [
        _state(look),
        _limits(look, standing),
        html.Div([_sessions(look), _refused(look)], className="columns"),
    ]


def _form(look: Look, act: Act, title: str, does: str, style: str) -> Children:
    confirm = dcc.Input(
        name="confirmation",
        id=f"confirm-{act.path.rpartition('/')[2]}",
        type="text",
        required=True,
        autoComplete="off",
        placeholder=act.confirmation,
        pattern=act.confirmation,
    )
    return html.Form(
        [
            html.H3(title),
            html.P(does, className="hint"),
            dcc.Input(type="hidden", name="key", value=look.form_key),
            dcc.Input(type="hidden", name="account", value=look.address.get("account")),
            html.Label([html.Span("Reason, for the record"), dcc.Input(name="reason", type="text", maxLength=500)]),
            html.Label([html.Span(["Type ", html.Strong(act.confirmation), " to confirm"]), confirm]),
            html.Button(title, type="submit", className=f"button {style}"),
        ],
        action=act.path,
        method="POST",
        className="control",
    )


def _state(look: Look) -> Children:
    state = read_kill_switch_state(look.engine)
    pause = read_pause(look.engine, look.account_id)
    told = [
        message(html.Span([html.Strong("Trading is stopped: "), _why(state)]), "bad")
        if state.is_engaged
        else message("The kill switch is not engaged.", "good")
    ]
    if pause.is_paused:
        why = pause.unreadable or f"asked for by {pause.actor}: {pause.reason or 'no reason given'}"
        told.append(message(f"Sessions of {look.account_id} are paused: {why}", "warn"))
    return html.Div([*told, *_steps(look, state)], className="stack")


def _why(state: KillSwitchState) -> str:
    event = state.event
    if state.unreadable or event is None:
        return state.reason
    return f"by {event.actor} at {moment(event.occurred_at)} in New York: {event.reason or 'no reason given'}"


def _steps(look: Look, state: KillSwitchState) -> Sequence[Children]:
    """What was asked for and done since trading was last resumed."""
    if not state.is_engaged or state.unreadable:
        return []
    columns: Sequence[Column[KillSwitchEvent]] = (
        Column("New York", lambda row: moment(row.occurred_at)),
        Column("What", lambda row: badge(words(row.kind), _tone(row.kind))),
        Column("Who", lambda row: row.obeying_account or row.actor),
        Column("Symbol", lambda row: row.symbol or NOTHING),
        Column("Why", lambda row: row.reason or NOTHING),
    )
    events = read_kill_switch_events(look.engine)[-_MOST:]
    answered = any(event.kind is KillSwitchEventKind.CARRIED_OUT for event in events)
    waiting = [note("No session has carried it out yet; one that starts later does so first.")]
    return [panel("What was done", table("Events of the kill switch", columns, events), *([] if answered else waiting))]


def _tone(kind: KillSwitchEventKind) -> str:
    if kind in {KillSwitchEventKind.ENGAGED, KillSwitchEventKind.FAILED}:
        return "bad"
    return "good" if kind in {KillSwitchEventKind.CARRIED_OUT, KillSwitchEventKind.RESUMED} else "neutral"


def _limits(look: Look, standing: Standing | None) -> Children:
    limits = _in_force(look)
    if not limits:
        told = "No limit is recorded for this account: nothing but orders that reduce a position would be let out."
        return panel("Limits", note(told))
    used = {} if standing is None else _used(standing)
    rows = [_Use(name, limits[name], used.get(name)) for name in _UNITS if name in limits]
    columns: Sequence[Column[_Use]] = (
        Column("Limit", lambda row: words(row.name)),
        Column("Allowed", lambda row: _amount(row.name, row.limit), is_number=True),
        Column("Used", lambda row: NOTHING if row.used is None else _amount(row.name, row.used), is_number=True),
        Column("", lambda row: _bar(row.part)),
        Column("Unit", lambda row: _UNITS[row.name]),
    )
    cards = [] if standing is None else [_at_stake(standing)]
    hint = "Asked before every order. What has no use now is about single orders."
    return panel("Limits", *cards, table("Limits", columns, rows), hint=hint)


def _at_stake(standing: Standing) -> Children:
    sectors = _by_sector(standing)
    largest = max(sectors, key=lambda name: sectors[name], default=NOTHING)
    return stats(
        stat("Gross exposure", usd(standing.gross), pct(part_of(standing.gross, standing.nav)) + " of equity"),
        stat("Net exposure", usd(standing.net), pct(part_of(standing.net, standing.nav)) + " of equity"),
        stat("Largest sector", pct(part_of(sectors.get(largest, _ZERO), standing.nav)), largest),
        stat("P&L today", signed(usd(standing.today, signed=True), standing.today), standing.told),
    )


def _in_force(look: Look) -> Mapping[str, Decimal]:
    """The limits that the session enforces where one lives, else those of the record."""
    if look.live.is_trading and look.live.limits is not None:
        return look.live.limits.limits
    return {limit.name: limit.value for limit in read_risk_limits(look.engine, look.account_id)}


def _used(standing: Standing) -> Mapping[str, Decimal]:
    nav, sectors = standing.nav, _by_sector(standing)
    worst = min((row.unrealized_pnl for row in standing.held), default=_ZERO)
    used = {
        "max_position_size": max((abs(row.quantity) for row in standing.held), default=_ZERO),
        "max_single_loss": max(-worst, _ZERO),
        "max_portfolio_exposure": part_of(standing.gross, nav) or _ZERO,
        "max_sector_exposure": part_of(max(sectors.values(), default=_ZERO), nav) or _ZERO,
        "max_single_name_exposure": part_of(max((abs(row.value) for row in standing.held), default=_ZERO), nav)
        or _ZERO,
    }
    return used if standing.today is None else used | {"max_daily_loss": max(-standing.today, _ZERO)}


def _by_sector(standing: Standing) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for row in standing.held:
        name = row.sector or "unknown"
        found[name] = found.get(name, _ZERO) + abs(row.value)
    return found


def _amount(name: str, value: Decimal) -> str:
    if name in _PARTS:
        return pct(value)
    return usd(value) if _UNITS[name].startswith("USD") else number(value, places=_places(value))


def _places(value: Decimal) -> int:
    return 0 if value == value.to_integral_value() else 2


def _bar(part: Decimal | None) -> Children:
    """A bar as long as the used part, with the part in figures beside it."""
    if part is None:
        return ""
    tone = "over" if part >= 1 else "near" if part >= _CLOSE else ""
    width: dict[str, Any] = {"width": f"{min(float(part), 1.0):.0%}"}
    return html.Span(
        [
            html.Span(html.Span(style=width), className=f"meter {tone}"),
            html.Span(pct(part, places=0), className="hint"),
        ],
        className="measure",
    )


def _sessions(look: Look) -> Children:
    columns: Sequence[Column[SessionRow]] = (
        Column("Day", lambda row: day(row.session_date)),
        Column("State", lambda row: badge(str(row.state), _session_tone(row))),
        Column("Strategy", lambda row: words(row.strategy)),
        Column("Started, New York", lambda row: moment(row.started_at)),
        Column("Last heartbeat", lambda row: moment(row.heartbeat_at)),
        Column("Why", lambda row: row.reason or NOTHING),
    )
    rows = session_rows(look.engine, look.account_id, limit=_MOST)
    empty = "No session traded this account; a replay of recorded bars is none."
    return panel("Sessions", table("Sessions", columns, rows, empty=empty))


def _session_tone(row: SessionRow) -> str:
    if row.state == "failed":
        return "bad"
    return "good" if row.state == "running" else "neutral" if row.state.is_over else "warn"


def _refused(look: Look) -> Children:
    columns: Sequence[Column[Refusal]] = (
        Column("Decided, New York", lambda row: moment(row.decided_at)),
        Column("Symbol", lambda row: row.symbol),
        Column("Side", lambda row: row.side),
        Column("Asked", lambda row: shares(row.requested), is_number=True),
        Column("Let out", lambda row: shares(row.approved), is_number=True),
        Column("Why", lambda row: row.reason),
        Column("Decision", lambda row: lineage_link(row.risk_decision_id, look.address)),
    )
    rows = refusals(look.engine, look.account_id, limit=_MOST)
    hint = f"Of the last {REFUSAL_DAYS} days with decisions, the newest first."
    return panel("What risk refused or cut", table("Refusals", columns, rows, empty="Nothing."), hint=hint)


PAGE: Final = Page("/risk", "Risk", "Risk and limits", body, head)
