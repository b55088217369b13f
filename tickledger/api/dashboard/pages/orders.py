"""Orders and executions: what was sent, what became of it, what was filled, and what that cost."""

from collections.abc import Sequence
from datetime import date
from typing import Final, TypeVar

from dash import html

from tickledger.api.dashboard.components import (
    PAGE_ROWS,
    Column,
    badge,
    choice_filter,
    chosen_tab,
    lineage_link,
    link,
    message,
    note,
    pager,
    panel,
    signed,
    table,
    tabs,
    text_filter,
)
from tickledger.api.dashboard.formats import count, day, moment, number, pct, price, shares, usd, words
from tickledger.api.dashboard.page import Children, Look, Page
from tickledger.api.queries.orders import (
    WORKING,
    CostRow,
    CostSummary,
    FillRow,
    OrderFilter,
    OrderRow,
    cost_rows,
    cost_summary,
    fill_rows,
    known_symbols,
    neighbours,
    order_rows,
)
from tickledger.api.queries.strategies import known_strategies
from tickledger.domain.order import OrderStatus

Row = TypeVar("Row")
_TABS: Final = (("orders", "Orders"), ("fills", "Executions"), ("costs", "Costs (TCA)"))
_TONES: Final = {
    OrderStatus.FILLED: "good",
    OrderStatus.REJECTED: "bad",
    OrderStatus.UNKNOWN: "bad",
    OrderStatus.CANCELLED: "neutral",
}


def head(look: Look) -> Children:
    """The filters."""
    address = look.address
    statuses = [(WORKING, "working"), *((str(status), words(status.lower())) for status in OrderStatus)]
    strategies = [(name, words(name)) for name in known_strategies(look.engine)]
    listed = [(symbol, symbol) for symbol in known_symbols(look.engine)]
    return html.Div(
        [
            text_filter("day", "Day", address.get("day"), placeholder="YYYY-MM-DD"),
            choice_filter("symbol", "Symbol", address.get("symbol"), listed),
            choice_filter("status", "Status of orders", address.get("status"), statuses),
            choice_filter("strategy", "Strategy", address.get("strategy"), strategies),
        ],
        className="filters panel",
    )


def body(look: Look) -> Children:
    """The part that was chosen, of the day, symbol, status and strategy that were."""
    address = look.address
    day_text = address.get("day")
    on = _date(day_text)
    bad_day = [message(f"Day: expected a date such as 2012-12-28, found {day_text!r}; all days are shown.")]
    wanted = OrderFilter(
        look.account_id,
        on,
        address.get("symbol"),
        address.get("status") if address.get("status") in {WORKING, *OrderStatus} else "",
        address.get("strategy"),
    )
    draw = {"orders": _orders, "fills": _fills, "costs": _costs}[chosen_tab(address, "show", _TABS)]
    return [
        *(bad_day if day_text and on is None else []),
        html.Div([tabs(address, "show", _TABS), *_days(look, on)], className="bar"),
        draw(look, wanted),
    ]


def _days(look: Look, on: date | None) -> Sequence[Children]:
    """The ways to the days with orders beside the one that is shown."""
    if on is None:
        return []
    before, after = neighbours(look.engine, look.account_id, on)
    ways = [
        *(
            [link(f"← {day(before)}", look.address.choosing(day=day(before), page=None), style="button")]
            if before
            else []
        ),
        *([link(f"{day(after)} →", look.address.choosing(day=day(after), page=None), style="button")] if after else []),
        link("All days", look.address.choosing(day=None, page=None), style="button"),
    ]
    return [html.Div(ways, className="pager")]


def _orders(look: Look, wanted: OrderFilter) -> Children:
    rows, has_more = _page_of(order_rows(look.engine, wanted, limit=PAGE_ROWS + 1, offset=_offset(look)))
    columns: Sequence[Column[OrderRow]] = (
        Column("Submitted, New York", lambda row: moment(row.submitted_at)),
        Column("Symbol", lambda row: row.symbol),
        Column("Side", lambda row: row.side),
        Column("Shares", lambda row: shares(row.quantity), is_number=True),
        Column("Type", _type),
        Column("Status", _status),
        Column("Filled", lambda row: shares(row.filled), is_number=True),
        Column("Average price", lambda row: price(row.average_price), is_number=True),
        Column("Strategy", lambda row: words(row.strategy)),
        Column("Order", lambda row: lineage_link(row.order_id, look.address)),
    )
    empty = "No order matches." if _is_filtered(wanted) else "No order was sent yet."
    return panel("Orders", table("Orders", columns, rows, empty=empty), pager(look.address, has_more=has_more))


def _fills(look: Look, wanted: OrderFilter) -> Children:
    rows, has_more = _page_of(fill_rows(look.engine, wanted, limit=PAGE_ROWS + 1, offset=_offset(look)))
    columns: Sequence[Column[FillRow]] = (
        Column("Executed, New York", lambda row: moment(row.executed_at)),
        Column("Symbol", lambda row: row.symbol),
        Column("Side", lambda row: row.side),
        Column("Shares", lambda row: shares(row.quantity), is_number=True),
        Column("Price", lambda row: price(row.price), is_number=True),
        Column("Value, USD", lambda row: usd(row.quantity * row.price), is_number=True),
        Column("Charges, USD", _charges, is_number=True, hint="commission and fees; ≈ until the broker told them"),
        Column("Exchange", lambda row: row.exchange),
        Column("Strategy", lambda row: words(row.strategy) if row.strategy else "not ours"),
        Column("Execution", lambda row: lineage_link(row.execution_id, look.address)),
    )
    empty = "No execution matches." if _is_filtered(wanted) else "Nothing was filled yet."
    hint = (
        "The status filter is about orders; executions are those of the day, symbol and strategy."
        if wanted.status
        else ""
    )
    made = table("Executions", columns, rows, empty=empty)
    return panel("Executions", made, pager(look.address, has_more=has_more), hint=hint)


def _costs(look: Look, wanted: OrderFilter) -> Children:
    summary = cost_summary(look.engine, wanted)
    if not summary:
        told = (
            "No cost is recorded: they are of parent orders that an execution algorithm worked (TWAP, VWAP, adaptive)."
        )
        return panel("Transaction costs", note(told))
    rows, has_more = _page_of(cost_rows(look.engine, wanted, limit=PAGE_ROWS + 1, offset=_offset(look)))
    totals: Sequence[Column[CostSummary]] = (
        Column("Algorithm", lambda row: words(row.algorithm)),
        Column("Parent orders", lambda row: count(row.orders), is_number=True),
        Column("Value, USD", lambda row: usd(row.value), is_number=True),
        Column("Slippage, bps", lambda row: number(row.slippage_bps, signed=True), is_number=True),
        Column("Shortfall, USD", lambda row: signed(usd(row.shortfall, signed=True), -row.shortfall), is_number=True),
    )
    columns: Sequence[Column[CostRow]] = (
        Column("Decided, New York", lambda row: moment(row.decided_at)),
        Column("Symbol", lambda row: row.symbol),
        Column("Side", lambda row: row.side),
        Column("Algorithm", lambda row: words(row.algorithm)),
        Column("Shares", lambda row: shares(row.quantity), is_number=True),
        Column("Filled", lambda row: shares(row.filled), is_number=True),
        Column("Slippage, bps", lambda row: number(row.slippage_bps, signed=True), is_number=True),
        Column("Against VWAP, bps", lambda row: number(row.vwap_slippage_bps, signed=True), is_number=True),
        Column("Shortfall, USD", lambda row: signed(usd(row.shortfall, signed=True), -row.shortfall), is_number=True),
        Column("Shortfall, bps", lambda row: number(row.shortfall_bps, signed=True), is_number=True),
        Column("Of volume", lambda row: pct(row.participation), is_number=True),
        Column("Order", lambda row: lineage_link(row.parent_order_id, look.address)),
    )
    hint = "Against the price at the decision; positive is a cost."
    return [
        panel("Costs by algorithm", table("Costs by algorithm", totals, summary), hint=hint),
        panel("Parent orders", table("Parent orders", columns, rows), pager(look.address, has_more=has_more)),
    ]


def _type(row: OrderRow) -> str:
    prices = [price(one) for one in (row.limit_price, row.stop_price) if one is not None]
    return " ".join((words(row.order_type.lower()), *prices))


def _status(row: OrderRow) -> Children:
    tone = _TONES.get(OrderStatus(row.status), "warn")
    shown = badge(words(row.status.lower()), tone)
    return html.Span([shown, html.Span(f" {row.reason}", className="hint")]) if row.reason and tone == "bad" else shown


def _charges(row: FillRow) -> str:
    return f"≈ {usd(row.charges)}" if row.is_estimated else usd(row.charges)


def _page_of(rows: Sequence[Row]) -> tuple[Sequence[Row], bool]:
    return rows[:PAGE_ROWS], len(rows) > PAGE_ROWS


def _offset(look: Look) -> int:
    return look.address.number("page") * PAGE_ROWS


def _is_filtered(wanted: OrderFilter) -> bool:
    return wanted != OrderFilter(wanted.account_id)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


PAGE: Final = Page("/orders", "Orders", "Orders and executions", body, head)
