"""Reconciliation: what does not agree between our ledger and others, why, what it is worth, and what to do about it."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from dash import dcc, html

from tickledger.api.break_steps import PATH, StepOutcome
from tickledger.api.dashboard.components import (
    PAGE_ROWS,
    Column,
    badge,
    chosen_tab,
    lineage_link,
    link,
    message,
    note,
    pager,
    panel,
    short_id,
    stat,
    stats,
    table,
    tabs,
)
from tickledger.api.dashboard.formats import NOTHING, count, day, moment, number, usd, words
from tickledger.api.dashboard.page import Children, Look, Page
from tickledger.api.queries.breaks import Breaks, Compared, breaks_of
from tickledger.db.breaks import read_break
from tickledger.domain.errors import InputError
from tickledger.reconciliation.breaks import PERSONS_STEPS, BreakEvent, BreakState, TrackedBreak
from tickledger.reconciliation.three_way import Agreement, ThreeWay

_TABS: Final = (("unsettled", "To work through"), ("all", "All breaks"))
_ZERO: Final = Decimal(0)
_TONES: Final = {
    BreakState.OPEN: "bad",
    BreakState.EXPLAINED: "warn",
    BreakState.ACCEPTED: "neutral",
    BreakState.RESOLVED: "good",
}
_AGREEMENT_TONES: Final = {
    Agreement.BROKER_AND_STATEMENT: "bad",
    Agreement.NOBODY: "bad",
    Agreement.LEDGER_AND_BROKER: "warn",
    Agreement.LEDGER_AND_STATEMENT: "warn",
}
#: As many differences as are seen at a glance; all of them are among the breaks.
_SIDES: Final = 12
_STEP_WORDS: Final = {
    BreakState.EXPLAINED: "Explain it",
    BreakState.ACCEPTED: "Accept it",
    BreakState.OPEN: "Open it again",
}
_OUTCOMES: Final[Mapping[str, tuple[str, str]]] = {
    StepOutcome.DONE: ("good", "The step is recorded."),
    StepOutcome.REFUSED: ("warn", "Nothing was recorded: a step needs a note, and must follow the state of the break."),
    StepOutcome.FAILED: ("bad", "Nothing was recorded: the ledger did not answer."),
}


def head(look: Look) -> Children:
    """The break that was chosen, with the form for a step: a person may be typing in it."""
    tone, told = _OUTCOMES.get(look.address.get("told"), ("", ""))
    outcome = [message(told, tone)] if told else []
    identity = look.address.get("break")
    if not identity:
        return outcome
    try:
        return [*outcome, _chosen(look, read_break(look.engine, identity))]
    except InputError as error:
        return [*outcome, message(" ".join(str(error).split()), "warn")]


def body(look: Look) -> Children:
    """The comparisons and the breaks."""
    shown = chosen_tab(look.address, "show", _TABS)
    found = breaks_of(look.engine, look.account_id, with_resolved=shown == "all")
    if not found.compared:
        return _nothing_compared()
    on = max(one.compared_at for one in found.compared).date()
    page = look.address.number("page")
    rows = found.tracked[page * PAGE_ROWS : (page + 1) * PAGE_ROWS]
    more = len(found.tracked) > (page + 1) * PAGE_ROWS
    return [
        _totals(found.tracked, on),
        html.Div(tabs(look.address, "show", _TABS), className="bar"),
        panel("Breaks", _breaks(look, rows, on), pager(look.address, has_more=more)),
        _three_sides(look, found),
        _compared(found.compared),
    ]


def _totals(tracked: Sequence[TrackedBreak], on: date) -> Children:
    unsettled = [one for one in tracked if one.state in (BreakState.OPEN, BreakState.EXPLAINED)]
    stake = sum((one.found.money_at_stake for one in unsettled), _ZERO)
    blocking = [one for one in tracked if one.blocks_forms]
    oldest = max((one.age(on) for one in unsettled), default=0)
    return stats(
        stat("Open or explained", count(len(unsettled)), f"oldest {count(oldest)} day{'' if oldest == 1 else 's'}"),
        stat("Money at stake", usd(stake), "USD, of these"),
        stat("Forms wait for", count(len(blocking)), "open breaks that are worth money"),
    )


def _breaks(look: Look, rows: Sequence[TrackedBreak], on: date) -> Children:
    columns: Sequence[Column[TrackedBreak]] = (
        Column(
            "Break",
            lambda row: link(
                short_id(row.found.break_id),
                look.address.choosing(**{"break": row.found.break_id, "told": None}),
                style="id",
            ),
        ),
        Column("State", lambda row: badge(str(row.state), _TONES[row.state])),
        Column("What", lambda row: f"{row.found.subject} {row.found.symbol or row.found.key}"),
        Column("Cause", lambda row: str(row.found.cause)),
        Column("Ours", lambda row: _side(row.found.ours), is_number=True),
        Column("Theirs", lambda row: _side(row.found.theirs), is_number=True),
        Column("Against", lambda row: str(row.found.against)),
        Column("At stake, USD", lambda row: usd(row.found.money_at_stake), is_number=True),
        Column("Age, days", lambda row: count(row.age(on)), is_number=True),
    )
    return table("Breaks", columns, rows, empty="Everything that was compared agrees.")


def _side(told: str) -> Children:
    """What one side says: a figure, or a trade in words, which takes several lines."""
    return html.Span(told or NOTHING, className="side")


def _chosen(look: Look, chosen: TrackedBreak) -> Children:
    found = chosen.found
    facts = {
        "state": badge(str(chosen.state), _TONES[chosen.state]),
        "cause": str(found.cause),
        "ours": found.ours or NOTHING,
        found.against: found.theirs or NOTHING,
        "difference": NOTHING if found.difference is None else f"{number(found.difference, signed=True)} {found.unit}",
        "at stake": f"{usd(found.money_at_stake)} USD",
        "first seen": day(chosen.first_seen_date),
        "known by": found.key,
        "where": found.where or NOTHING,
        "why": found.detail or NOTHING,
        "comes from": lineage_link(found.break_id, look.address, "statement, rows, steps"),
    }
    listed = [html.Div([html.Dt(words(str(name))), html.Dd(value)]) for name, value in facts.items()]
    correction = found.correction
    proposed = (
        [html.H3("Proposed correction"), html.P(f"{correction.kind}: {correction.explanation}")] if correction else []
    )
    return panel(
        f"{str(found.subject).capitalize()} {found.symbol or found.key}",
        html.Dl(listed, className="facts"),
        *proposed,
        *_step_form(look, chosen),
        html.H3("What happened"),
        table("Steps of the break", _EVENT_COLUMNS, chosen.events),
        html.P(link("Close", look.address.choosing(**{"break": None, "told": None}), style="button")),
    )


_EVENT_COLUMNS: Final[Sequence[Column[BreakEvent]]] = (
    Column("New York", lambda row: moment(row.occurred_at)),
    Column("State", lambda row: badge(str(row.state), _TONES[row.state])),
    Column("Who", lambda row: row.actor),
    Column("Note", lambda row: row.note or NOTHING),
)


def _step_form(look: Look, chosen: TrackedBreak) -> Sequence[Children]:
    # Enter in the field presses the first button: that is to be the step that settles nothing yet.
    steps = [step for step in _STEP_WORDS if step in PERSONS_STEPS[chosen.state]]
    if not steps:
        return [note("A comparison has resolved it; there is nothing to do.")]
    buttons = [
        html.Button(_STEP_WORDS[step], type="submit", name="state", value=str(step), className="button")
        for step in steps
    ]
    return [
        html.Form(
            [
                dcc.Input(type="hidden", name="key", value=look.form_key),
                dcc.Input(type="hidden", name="account", value=look.address.get("account")),
                dcc.Input(type="hidden", name="break", value=chosen.found.break_id),
                html.Label(
                    [
                        html.Span("Why, for the record"),
                        dcc.Input(name="note", type="text", required=True, maxLength=500),
                    ]
                ),
                html.Div(buttons, className="pager"),
            ],
            action=PATH,
            method="POST",
            className="control",
        )
    ]


def _three_sides(look: Look, found: Breaks) -> Children:
    """Who agrees with whom: the word of the ledger, of the broker's API and of the statement side by side."""
    if found.sides is None:
        told = " and ".join(sorted(one.against for one in found.compared))
        return panel(
            "Three sides",
            note(f"Here stands who agrees with whom, once broker and statement were both compared; so far: {told}."),
        )
    symbols = {one.found.break_id: one.found.symbol for one in found.tracked}
    columns: Sequence[Column[ThreeWay]] = (
        Column("What", lambda row: _what(look, row, symbols)),
        Column("Who agrees", lambda row: badge(_agreement(row), _AGREEMENT_TONES.get(row.agreement, "neutral"))),
        Column("Ledger", lambda row: row.ledger or NOTHING, is_number=True),
        Column("Broker", lambda row: _word(row, row.broker, Agreement.BROKER_NOT_TOLD), is_number=True),
        Column("Statement", lambda row: _word(row, row.statement, Agreement.STATEMENT_NOT_TOLD), is_number=True),
    )
    shown, left = found.sides[:_SIDES], len(found.sides) - _SIDES
    return panel(
        "Three sides",
        table("Three sides", columns, shown, empty="Ledger, broker and statement agree where all three tell."),
        note(f"and {count(left)} more, each of them among the breaks") if left > 0 else [],
        hint="Where broker and statement agree, our record is the one to mend. What follows from another break is "
        "left out.",
    )


def _what(look: Look, row: ThreeWay, symbols: Mapping[str, str]) -> Children:
    """What differs, as the way to its break: to that of the statement, where both have one."""
    symbol = next((symbols[name] for name in row.break_ids if symbols.get(name)), row.key)
    told = " ".join(filter(None, (str(row.subject), symbol, row.field)))
    return link(told, look.address.choosing(**{"break": row.break_ids[-1], "told": None}))


def _agreement(row: ThreeWay) -> str:
    """Who agrees; that the third side does not say is told in its column."""
    return str(row.agreement).partition(",")[0]


def _word(row: ThreeWay, told: str, silent: Agreement) -> str:
    return "does not say" if row.agreement is silent else told or NOTHING


def _compared(compared: Sequence[Compared]) -> Children:
    columns: Sequence[Column[Compared]] = (
        Column("With", lambda row: row.against),
        Column("Compared, New York", lambda row: moment(row.compared_at)),
        Column("Breaks found", lambda row: count(row.breaks), is_number=True),
    )
    return panel("Last comparisons", table("Last comparisons", columns, compared))


def _nothing_compared() -> Sequence[Children]:
    return [
        panel(
            "Nothing was compared yet",
            html.P("No comparison of this account with a broker or a statement is recorded. What makes one:"),
            html.Ul(
                [
                    html.Li([html.Code("reconciliation/broker"), ": every evening after a session at a broker"]),
                    html.Li([html.Code("reconciliation/statement"), ": when a statement of the broker has come in"]),
                ]
            ),
            note("Replays of recorded bars have no other side to be compared with."),
        )
    ]


PAGE: Final = Page("/reconciliation", "Reconciliation", "Reconciliation", body, head, ("break",))
