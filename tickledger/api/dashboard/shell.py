"""The frame around every page: who and what is shown, the navigation, and the callbacks that draw and redraw.

The address says everything that was chosen. Two callbacks draw from it: one the head, when a person comes to a page,
the other the body, when the address changed and every few seconds; a body that has not changed is not sent again, so
that what a person has in hand (focus, a scrolled table, a selection) stays.
"""

import asyncio
import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from dash import ALL, Dash, Input, Output, State, ctx, dcc, html, no_update
from plotly.utils import PlotlyJSONEncoder
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from tickledger.api.control import BY_HAND
from tickledger.api.dashboard.address import Address
from tickledger.api.dashboard.components import badge, flat, labelled, link, message, note, panel
from tickledger.api.dashboard.formats import clock_time, moment
from tickledger.api.dashboard.page import Children, Look, Page
from tickledger.api.dashboard.pages import PAGES, lineage
from tickledger.api.live import LiveAccount, LiveView
from tickledger.api.queries.accounts import AccountChoice, account_choices
from tickledger.db.kill_switch import read_kill_switch_state
from tickledger.domain.errors import TickledgerError
from tickledger.domain.kill_switch import KillSwitchState
from tickledger.domain.ports import Clock

_BUSY: Final[dict[str, Any]] = {"aria-busy": "true"}
#: What stands for a page that there is none of.
_NO_PAGE: Final = "no page"
#: Looks again that wait for the first answer to a page; it may be lost.
_PATIENT_TICKS: Final = 4
_TICK_MILLISECONDS: Final = 3_000
_LOG: Final = logging.getLogger(__name__)
_UNREACHABLE: Final = (SQLAlchemyError, psycopg.Error, OSError)
_MODE_WORDS: Final = {
    "simulated": "SIMULATED · no real money",
    "paper": "PAPER · no real money",
    "live": "LIVE · real money",
}


@dataclass(frozen=True, slots=True)
class Sources:
    """What the dashboard reads from, and the key that its forms carry."""

    engine: Engine
    live: LiveView
    clock: Clock
    form_key: str


def layout() -> Children:
    """What is on the page before anything was read."""
    return html.Div(
        [
            html.A("Skip to the content", href="#content", className="skip"),
            html.Header(
                [
                    dcc.Link("Tickledger", href="/", className="brand"),
                    html.Div(id="whose", className="whose"),
                    html.Form(
                        html.Button("Log out", type="submit", className="button quiet"), action="/logout", method="POST"
                    ),
                    html.Button(
                        "Theme",
                        id="theme-toggle",
                        className="button quiet",
                        type="button",
                        title="Light, dark, or as the system has it",
                    ),
                ],
                className="topbar",
            ),
            html.Nav(id="navigation", className="navigation", **labelled("Pages of the dashboard")),
            html.Div(id="away", className="message bad", role="alert", hidden=True),
            html.Main(
                [
                    html.H1("Tickledger", id="title", tabIndex="-1"),
                    html.Div(id="head"),
                    html.Div(note("Loading …"), id="body", **_BUSY),
                ],
                id="content",
            ),
            html.Footer(
                [
                    html.Span(id="as-of"),
                    html.Span("All times are New York's, amounts US dollars. This is not tax advice."),
                ]
            ),
            dcc.Location(id="address", refresh="callback-nav"),
            dcc.Interval(id="tick", interval=_TICK_MILLISECONDS),
            dcc.Store(id="stamp"),
            dcc.Store(id="head-stamp"),
        ],
        className="shell",
    )


def register(app: Dash, sources: Sources) -> None:
    """The callbacks of the frame; each page is drawn by its own functions."""

    @app.callback(
        Output("title", "children"),
        Output("navigation", "children"),
        Output("head", "children"),
        Output("head-stamp", "data"),
        Input("address", "pathname"),
        Input("address", "search"),
        Input("tick", "n_intervals"),
        State("head-stamp", "data"),
    )
    async def draw_head(path: str | None, search: str | None, tick: int | None, stamp: str | None) -> Sequence[Any]:
        if _is_in_flight(tick, stamp):
            return (no_update,) * 4
        return await _head(sources, Address.of(path, search), stamp)

    @app.callback(
        Output("body", "children"),
        Output("body", "aria-busy"),
        Output("whose", "children"),
        Output("as-of", "children"),
        Output("stamp", "data"),
        Input("address", "pathname"),
        Input("address", "search"),
        Input("tick", "n_intervals"),
        State("stamp", "data"),
    )
    async def draw_body(path: str | None, search: str | None, tick: int | None, stamp: str | None) -> Sequence[Any]:
        if _is_in_flight(tick, stamp):
            return (no_update,) * 5
        address = Address.of(path, search)
        page = page_of(address)
        drawn = (
            _Drawn(panel("There is no such page", link("To the overview", address.on("/"))), [])
            if page is None
            else await _told(sources, address, page.body)
        )
        now = f"As of {moment(sources.clock.now())} in New York."
        new = _stamp(address, drawn)
        if ctx.triggered_id == "tick" and new == stamp:
            return no_update, no_update, no_update, now, no_update
        # How real the money is stays on the page while nobody can say it anew.
        whose = drawn.whose if drawn.is_well or not stamp else no_update
        return drawn.children, "false", whose, now, new

    lineage.register(app)

    @app.callback(
        Output("address", "search"),
        Input({"filter": ALL}, "value"),
        State({"filter": ALL}, "id"),
        State("address", "pathname"),
        State("address", "search"),
        prevent_initial_call=True,
    )
    async def choose(
        values: Sequence[str | None], ids: Sequence[Mapping[str, str]], path: str | None, search: str | None
    ) -> str | Any:  # noqa: ANN401  what Dash calls no update
        before = Address.of(path, search)
        chosen = {name["filter"]: (value or "").strip() for name, value in zip(ids, values, strict=True)}
        if all(before.get(name) == value for name, value in chosen.items()):
            return no_update
        return before.choosing(**chosen, page=None).search


async def _head(sources: Sources, address: Address, stamp: str | None) -> Sequence[Any]:
    """What `draw_head` answers: title, navigation, head, and what the head was drawn for."""
    page = page_of(address)
    if page is None:
        return (no_update,) * 4 if stamp == _NO_PAGE else ("Not found", navigation(address), [], _NO_PAGE)
    new = " ".join((page.path, *(address.get(name) for name in ("account", *page.head_depends_on))))
    if new == stamp:
        return (no_update,) * 4
    drawn = await _told(sources, address, page.head)
    return page.title, navigation(address), drawn.children if drawn.is_well else [], new if drawn.is_well else ""


def _is_in_flight(tick: int | None, stamp: str | None) -> bool:
    """Whether a page that is looked at again has its first answer still coming, which must not be drawn over."""
    return ctx.triggered_id == "tick" and stamp is None and (tick or 0) < _PATIENT_TICKS


def page_of(address: Address) -> Page | None:
    """The page at an address."""
    return next((page for page in PAGES if address.path == page.path), None)


def navigation(address: Address) -> Children:
    """The links to all pages, the present one marked."""
    shown = page_of(address)
    return [
        link(page.name, address.on(page.path), style="nav-link current" if page is shown else "nav-link")
        for page in PAGES
    ]


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What came of drawing: the content, and whose account it is."""

    children: Children
    whose: Children
    is_well: bool = True


async def _told(sources: Sources, address: Address, draw: Any) -> _Drawn:  # noqa: ANN401  a function of a look
    """What `draw` makes of a look at the account; where something is away, the words that say so."""
    try:
        choices = await asyncio.to_thread(account_choices, sources.engine)
        account = _chosen(choices, address)
        if account is None:
            return _Drawn(_no_account(address, choices), [], is_well=False)
        live = await sources.live.account(account.account_id, account.mode)
        look = Look(sources.engine, address, account, live, sources.clock.now(), sources.form_key)
        drawn = flat(await asyncio.to_thread(draw, look))
        stopped = await asyncio.to_thread(read_kill_switch_state, sources.engine)
        return _Drawn(drawn, [*_whose(address, account, choices, live), *_stopped(address, stopped)])
    except _UNREACHABLE as error:
        return _Drawn(_away(error), [], is_well=False)
    except TickledgerError as error:
        return _Drawn(message(str(error), "bad"), [], is_well=False)
    except Exception:  # noqa: BLE001  the boundary of a page: a defect of one must not leave it blank
        _LOG.exception("the page %s cannot be drawn", address.path)
        return _Drawn(_defect(), [], is_well=False)


def _chosen(choices: Sequence[AccountChoice], address: Address) -> AccountChoice | None:
    wanted = address.get("account")
    if not wanted:
        return choices[0] if choices else None
    return next((choice for choice in choices if choice.account_id == wanted), None)


def _no_account(address: Address, choices: Sequence[AccountChoice]) -> Children:
    if choices:
        told = f"No account {address.get('account')} is recorded."
        return panel("No such account", note(told), link("To the overview", Address("/")))
    return panel(
        "Nothing is recorded yet",
        html.P(["Run ", html.Code("tickledger demo"), " or ", html.Code("tickledger up"), ", then look again."]),
        note("This page looks again by itself."),
    )


def _away(error: Exception) -> Children:
    """The first words of what the database's client says; addresses of servers in it hold no password."""
    told = " ".join(str(getattr(error, "orig", None) or error).split())[:300]
    return panel(
        "The ledger does not answer",
        message(told, "bad"),
        html.P("Nothing is lost by this: what trades writes to the ledger by itself. The page looks again by itself."),
        html.P([html.Code("tickledger doctor"), " says what is wrong."]),
        html.P([html.Strong("If trading must stop now: "), BY_HAND]),
    )


def _defect() -> Children:
    return panel(
        "This page cannot be drawn",
        message("That is a defect of the dashboard; its log has the details (logs/dashboard.log).", "bad"),
        html.P("The other pages, the ledger and what trades are not touched by it."),
    )


def _whose(
    address: Address, account: AccountChoice, choices: Sequence[AccountChoice], live: LiveAccount
) -> Sequence[Children]:
    others = [choice for choice in choices if choice is not account]
    name = html.Strong(account.account_id)
    menu = (
        html.Details(
            [
                html.Summary([name, " ▾"], title="Look at another account"),
                html.Ul(
                    [
                        html.Li(
                            [
                                link(choice.account_id, address.choosing(account=choice.account_id, page=None)),
                                badge(choice.mode.upper(), choice.mode),
                            ]
                        )
                        for choice in others
                    ]
                ),
            ],
            className="menu",
        )
        if others
        else name
    )
    return [badge(_MODE_WORDS[account.mode], account.mode), html.Span(["Account ", menu]), _session(live)]


def _session(live: LiveAccount) -> Children:
    if live.problem:
        return badge("live values away", "warn")
    if live.beat is None:
        return html.Span("no session runs", className="hint")
    at = live.beat.market_at
    return html.Span(
        [f"session {live.beat.state}", *([f", market {clock_time(at)}"] if at else [])],
        className="hint",
    )


def _stopped(address: Address, state: KillSwitchState) -> Sequence[Children]:
    """On every page: that trading is stopped."""
    return [link("trading is stopped", address.on("/risk"), style="badge bad")] if state.is_engaged else []


def _stamp(address: Address, drawn: _Drawn) -> str:
    text = json.dumps([address.href, drawn.children, drawn.whose], cls=PlotlyJSONEncoder)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
