"""Tax year: Form 8949 and Schedule D, the gains behind them, open lots, wash sales and their calendar."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from dash import dcc, html

from tickledger.api.dashboard.components import (
    PAGE_ROWS,
    Column,
    badge,
    chosen_tab,
    graph,
    labelled,
    lineage_link,
    message,
    note,
    pager,
    panel,
    signed,
    stat,
    stats,
    table,
    tabs,
)
from tickledger.api.dashboard.figures import wash_figure, wash_height
from tickledger.api.dashboard.formats import NOTHING, count, day, price, shares, usd
from tickledger.api.dashboard.page import Children, Look, Page
from tickledger.api.queries.tax import (
    WINDOW,
    BoxTotal,
    Filer,
    FormRow,
    GainRow,
    GainSum,
    LotRow,
    WashRow,
    YearSchedule,
    box_totals,
    form_rows,
    gain_rows,
    gain_sums,
    lot_rows,
    open_windows,
    tax_years,
    wash_rows,
    year_schedule,
)
from tickledger.domain.lot import Term
from tickledger.tax.holding_period import long_term_from

_TABS: Final = (
    ("form", "Form 8949"),
    ("schedule", "Schedule D"),
    ("gains", "Realized gains"),
    ("lots", "Open lots"),
    ("wash", "Wash sales"),
)
_ZERO: Final = Decimal(0)
_MOST_WINDOWS: Final = 60
_TERMS: Final = {Term.SHORT: "short-term", Term.LONG: "long-term"}
_SCHEDULE_LINES: Final = {
    "1a": "Short-term, entered directly",
    "1b": "Short-term, boxes A and G",
    "2": "Short-term, boxes B and H",
    "3": "Short-term, boxes C and I",
    "8a": "Long-term, entered directly",
    "8b": "Long-term, boxes D and J",
    "9": "Long-term, boxes E and K",
    "10": "Long-term, boxes F and L",
}
_RESULT_LINES: Final = {
    "6": "Short-term loss carryover (a loss)",
    "7": "Net short-term",
    "14": "Long-term loss carryover (a loss)",
    "15": "Net long-term",
    "16": "Short-term and long-term together",
    "21": "Deductible loss of this year (a loss)",
}


def body(look: Look) -> Children:
    """The year that was chosen, else the last with forms."""
    filer = Filer(look.account.owner, look.account.mode)
    years = tax_years(look.engine, filer)
    year = look.address.number("year") or (years[0] if years else 0)
    part = chosen_tab(look.address, "show", _TABS)
    if not years:
        return [_no_forms(filer), *([_lots(look, filer)])]
    schedule = year_schedule(look.engine, filer, year)
    draw = {"form": _form, "schedule": _schedule, "gains": _gains, "wash": _wash}
    shown = [_lots(look, filer)] if part == "lots" else draw[part](look, filer, year)
    return [
        html.Div([_year_choice(look, years, year), tabs(look.address, "show", _TABS)], className="bar"),
        *_head_line(filer, schedule),
        _totals(gain_sums(look.engine, filer, year), schedule),
        *shown,
    ]


def _year_choice(look: Look, years: Sequence[int], year: int) -> Children:
    links = [
        dcc.Link(
            str(one),
            href=look.address.choosing(year=str(one), page=None).href,
            className="part current" if one == year else "part",
        )
        for one in years
    ]
    return html.Nav([html.Span("Tax year", className="hint"), *links], className="parts", **labelled("Tax year"))


def _head_line(filer: Filer, schedule: YearSchedule | None) -> Sequence[Children]:
    marks = [badge(schedule.watermark, "warn")] if schedule and schedule.watermark else []
    return [html.P([f"All {filer.mode} accounts of {filer.taxpayer}. ", *marks], className="hint")]


def _totals(sums: Sequence[GainSum], schedule: YearSchedule | None) -> Children:
    by_term = {Term(row.term): row for row in sums}
    disallowed = sum((row.disallowed for row in sums), _ZERO)
    provisional = sum(row.provisional for row in sums)
    results = schedule.results if schedule else {}
    made = [_term_stat(term, by_term.get(term)) for term in _TERMS]
    made.append(stat("Disallowed by wash sales", usd(disallowed), f"{count(provisional)} gains are provisional"))
    if schedule:
        both = Decimal(results.get("16", "0"))
        carried = sum((Decimal(amount) for amount in schedule.carryover.values()), _ZERO)
        made += [
            stat("Schedule D, line 16", signed(usd(both, signed=True), both), "short-term and long-term together"),
            stat("Deductible loss, line 21", usd(Decimal(results.get("21", "0"))), "against other income, this year"),
            stat("Carried to next year", usd(carried), "losses"),
        ]
    return stats(*made)


def _term_stat(term: Term, found: GainSum | None) -> Children:
    gain = found.gain_loss if found else _ZERO
    return stat(
        f"Net {_TERMS[term]}", signed(usd(gain, signed=True), gain), f"{count(found.number if found else 0)} gains"
    )


def _form(look: Look, filer: Filer, year: int) -> Sequence[Children]:
    totals: Sequence[Column[BoxTotal]] = (
        Column("Box", lambda row: row.box),
        Column("Part", lambda row: row.part),
        Column("Rows", lambda row: count(row.lines), is_number=True),
        Column("(d) Proceeds", lambda row: usd(row.proceeds), is_number=True),
        Column("(e) Basis", lambda row: usd(row.basis), is_number=True),
        Column("(g) Adjustment", lambda row: usd(row.adjustment), is_number=True),
        Column("(h) Gain or loss", lambda row: signed(usd(row.gain_loss), row.gain_loss), is_number=True),
    )
    columns: Sequence[Column[FormRow]] = (
        Column("(a) Property", lambda row: lineage_link(row.line_id, look.address, row.description)),
        Column("Box", lambda row: row.box),
        Column("(b) Acquired", lambda row: day(row.date_acquired) if row.date_acquired else "VARIOUS"),
        Column("(c) Sold", lambda row: day(row.date_sold)),
        Column("(d) Proceeds", lambda row: usd(row.proceeds), is_number=True),
        Column("(e) Basis", lambda row: usd(row.basis), is_number=True),
        Column("(f) Code", lambda row: row.codes or NOTHING),
        Column("(g) Adjustment", lambda row: usd(row.adjustment), is_number=True),
        Column("(h) Gain or loss", lambda row: signed(usd(row.gain_loss), row.gain_loss), is_number=True),
    )
    rows = form_rows(look.engine, filer, year, limit=PAGE_ROWS + 1, offset=_offset(look))
    made = table(f"Form 8949 of {year}", columns, rows[:PAGE_ROWS], empty="No row.")
    hint = "Open a row to follow it down to the bars that caused it."
    return [
        panel("Totals by box", table("Totals by box", totals, box_totals(look.engine, filer, year), empty="No row.")),
        panel(f"Form 8949, {year}", made, pager(look.address, has_more=len(rows) > PAGE_ROWS), hint=hint),
    ]


def _schedule(look: Look, filer: Filer, year: int) -> Sequence[Children]:
    found = year_schedule(look.engine, filer, year)
    if found is None:
        return [panel("Schedule D", note("It was not made for this year: the asset reports/schedule_d makes it."))]
    lines = [(name, words, found.lines.get(name, {})) for name, words in _SCHEDULE_LINES.items()]
    columns: Sequence[Column[tuple[str, str, object]]] = (
        Column("Line", lambda row: row[0]),
        Column("", lambda row: row[1]),
        *(_amount_column(heading, key) for heading, key in _AMOUNTS),
    )
    results = [(name, words, Decimal(found.results.get(name, "0"))) for name, words in _RESULT_LINES.items()]
    single: Sequence[Column[tuple[str, str, Decimal]]] = (
        Column("Line", lambda row: row[0]),
        Column("", lambda row: row[1]),
        Column("USD", lambda row: signed(usd(row[2]), row[2]) if row[0] in _SIGNED else usd(row[2]), is_number=True),
    )
    assumed = (
        [html.P(["It rests on: ", "; ".join(found.assumptions), "."], className="hint")] if found.assumptions else []
    )
    return [
        panel(
            f"Schedule D, {year}",
            table("Schedule D, lines with totals", columns, lines),
            html.H3("Single amounts"),
            table("Schedule D, single amounts", single, results),
            *assumed,
            html.P(lineage_link(found.schedule_d_id, look.address, "Where it comes from")),
        )
    ]


#: The others are losses by themselves, printed in parentheses on the form.
_SIGNED: Final = frozenset({"7", "15", "16"})
_AMOUNTS: Final = (
    ("(d) Proceeds", "proceeds"),
    ("(e) Basis", "basis"),
    ("(g) Adjustment", "adjustment"),
    ("(h) Gain or loss", "gain_loss"),
)


def _amount_column(heading: str, key: str) -> Column[tuple[str, str, object]]:
    def cell(row: tuple[str, str, object]) -> Children:
        amounts = row[2]
        amount = Decimal(amounts.get(key, "0")) if isinstance(amounts, dict) else _ZERO
        if not amount:
            return NOTHING
        return signed(usd(amount), amount) if key == "gain_loss" else usd(amount)

    return Column(heading, cell, is_number=True)


def _gains(look: Look, filer: Filer, year: int) -> Sequence[Children]:
    rows = gain_rows(look.engine, filer, year, limit=PAGE_ROWS + 1, offset=_offset(look))
    columns: Sequence[Column[GainRow]] = (
        Column("Sold", lambda row: day(row.sold_date)),
        Column("Symbol", lambda row: row.symbol),
        Column("Shares", lambda row: shares(row.quantity), is_number=True),
        Column("Acquired", lambda row: day(row.acquired_date)),
        Column("Proceeds", lambda row: usd(row.proceeds), is_number=True),
        Column("Basis", lambda row: usd(row.basis), is_number=True),
        Column("Disallowed", lambda row: usd(row.disallowed) if row.disallowed else NOTHING, is_number=True),
        Column("Gain or loss", lambda row: signed(usd(row.gain_loss, signed=True), row.gain_loss), is_number=True),
        Column("Term", lambda row: _TERMS[Term(row.term)]),
        Column("Open until", lambda row: day(row.open_until), hint="a purchase by then can still disallow the loss"),
        Column("Gain", lambda row: lineage_link(row.gain_id, look.address)),
    )
    made = table("Realized gains", columns, rows[:PAGE_ROWS], empty="Nothing was sold in this year.")
    return [panel(f"Realized gains, {year}", made, pager(look.address, has_more=len(rows) > PAGE_ROWS))]


def _lots(look: Look, filer: Filer) -> Children:
    rows = lot_rows(look.engine, filer, limit=PAGE_ROWS + 1, offset=_offset(look))
    columns: Sequence[Column[LotRow]] = (
        Column("Symbol", lambda row: row.symbol),
        Column("Account", lambda row: row.account_id),
        Column("Acquired", lambda row: day(row.acquired_date)),
        Column("Shares", lambda row: shares(row.quantity), is_number=True),
        Column("Basis, USD", lambda row: usd(row.adjusted_basis), is_number=True),
        Column("Of that wash sales", _carried, is_number=True),
        Column("Price", lambda row: price(row.price), is_number=True),
        Column("Unrealized, USD", _unrealized, is_number=True),
        Column("Long-term from", lambda row: day(_long_from(row))),
        Column("Days to go", _days_to_go, is_number=True),
        Column("Lot", lambda row: lineage_link(row.lot_id, look.address)),
    )
    priced = max((row.priced_on for row in rows if row.priced_on), default=None)
    hint = f"At the last recorded close of each holding ({day(priced)}); days are counted from it." if priced else ""
    made = table("Open lots", columns, rows[:PAGE_ROWS], empty="No lot is open.")
    return panel("Open lots", made, pager(look.address, has_more=len(rows) > PAGE_ROWS), hint=hint)


def _wash(look: Look, filer: Filer, year: int) -> Sequence[Children]:
    rows = wash_rows(look.engine, filer, year, limit=PAGE_ROWS + 1, offset=_offset(look))
    columns: Sequence[Column[WashRow]] = (
        Column("Sold at a loss", lambda row: day(row.sold_date)),
        Column("Symbol", lambda row: row.symbol),
        Column("Window", lambda row: f"{day(row.sold_date - WINDOW)} to {day(row.sold_date + WINDOW)}"),
        Column("Replaced", lambda row: day(row.replaced_date)),
        Column("Shares", lambda row: shares(row.quantity), is_number=True),
        Column("Disallowed, USD", lambda row: usd(row.disallowed), is_number=True),
        Column("Went to", lambda row: _destination(look, row)),
        Column("Wash sale", lambda row: lineage_link(row.wash_sale_id, look.address)),
    )
    made = table("Wash sales", columns, rows[:PAGE_ROWS], empty="No loss was disallowed in this year.")
    return [
        _open_windows(look, filer),
        *([_calendar(rows[:_MOST_WINDOWS], year)] if rows else []),
        panel(f"Wash sales, {year}", made, pager(look.address, has_more=len(rows) > PAGE_ROWS)),
    ]


def _open_windows(look: Look, filer: Filer) -> Children:
    on = look.account.last_date or look.now.date()
    rows = open_windows(look.engine, filer, on, limit=PAGE_ROWS)
    columns: Sequence[Column[GainRow]] = (
        Column("Symbol", lambda row: row.symbol),
        Column("Sold at a loss", lambda row: day(row.sold_date)),
        Column("Shares", lambda row: shares(row.quantity), is_number=True),
        Column("Loss still allowed", lambda row: signed(usd(row.gain_loss), row.gain_loss), is_number=True),
        Column("Free to buy from", lambda row: day(row.sold_date + WINDOW + timedelta(days=1))),
        Column("Days to go", lambda row: _left(row.sold_date + WINDOW, on), is_number=True),
        Column("Gain", lambda row: lineage_link(row.gain_id, look.address)),
    )
    made = table("Open windows", columns, rows, empty="No loss was realized within the last 30 days.")
    return panel(
        "Do not buy these yet", made, hint=f"A purchase within 30 days of a loss disallows it. As of {day(on)}."
    )


def _calendar(rows: Sequence[WashRow], year: int) -> Children:
    shown = sorted(rows, key=lambda row: row.sold_date)
    figure = wash_figure(
        [f"{row.symbol} {day(row.sold_date)}" for row in shown],
        [(row.sold_date - WINDOW, row.sold_date, row.sold_date + WINDOW, row.replaced_date) for row in shown],
        [float(row.disallowed) for row in shown],
    )
    told = (
        f"The 61 days around each loss of {year} that was disallowed, the last {len(shown)}: "
        "a dot is the sale, a diamond the purchase that replaced it."
    )
    return panel("Wash-sale calendar", graph(figure, told, height=wash_height(len(shown))))


def _destination(look: Look, row: WashRow) -> Children:
    if row.is_permanent:
        return badge("lost for good", "bad")
    if row.replacement_lot_id is None:
        return "a later sale"
    return html.Span(["basis of ", lineage_link(row.replacement_lot_id, look.address)])


def _left(last_day: date, on: date) -> str:
    return count(max((last_day - on).days + 1, 0))


def _carried(row: LotRow) -> str:
    carried = row.adjusted_basis - row.original_basis
    return usd(carried, signed=True) if carried else NOTHING


def _unrealized(row: LotRow) -> Children:
    if row.price is None:
        return NOTHING
    is_short = row.quantity < 0
    gain = row.quantity * row.price + (row.adjusted_basis if is_short else -row.adjusted_basis)
    return signed(usd(gain, signed=True), gain)


def _long_from(row: LotRow) -> date | None:
    """None for a short, which never becomes long-term by time."""
    return None if row.quantity < 0 else date.fromordinal(long_term_from(row.holding_start.toordinal()))


def _days_to_go(row: LotRow) -> str:
    since = _long_from(row)
    return NOTHING if since is None or row.priced_on is None else count(max((since - row.priced_on).days, 0))


def _no_forms(filer: Filer) -> Children:
    told = f"No form was made yet for the {filer.mode} accounts of {filer.taxpayer}."
    made = "The assets reports/form_8949 and reports/schedule_d make them, at the end of the day."
    return panel("No tax year yet", message(told, "warn"), html.P(made))


def _offset(look: Look) -> int:
    return look.address.number("page") * PAGE_ROWS


PAGE: Final = Page("/tax", "Taxes", "Tax year", body)
