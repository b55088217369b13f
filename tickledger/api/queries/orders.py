"""Orders, fills and what they cost: pages of rows, the newest first.

Rows of a page are picked first, by index; what takes more (the last status, what is filled) is then asked for those
alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import ColumnElement, Engine, Select, and_, exists, func, not_, or_, select

from tickledger.db.effective_executions import told_later
from tickledger.db.tables import (
    commission_reports,
    execution_corrections,
    executions,
    foreign_executions,
    order_costs,
    order_events,
    orders,
    signals,
    symbols,
)
from tickledger.db.versions import current
from tickledger.domain.order import OrderStatus
from tickledger.execution.order_state import TERMINAL

#: Stands for every status in which an order may still trade.
WORKING: Final = "WORKING"


@dataclass(frozen=True, slots=True)
class OrderFilter:
    """Which orders, fills and costs of an account; empty: all. `status` is one of `OrderStatus`, or WORKING."""

    account_id: str
    day: date | None = None
    symbol: str = ""
    status: str = ""
    strategy: str = ""


@dataclass(frozen=True, slots=True)
class OrderRow:
    """An order as it stands; `filled` shares at `average_price`, None where there are none."""

    order_id: str
    submitted_at: datetime
    session_date: date
    symbol: str
    side: str
    order_type: str
    quantity: Decimal
    limit_price: Decimal | None
    stop_price: Decimal | None
    strategy: str
    status: str
    reason: str
    filled: Decimal | None
    average_price: Decimal | None


@dataclass(frozen=True, slots=True)
class FillRow:
    """An execution as it stands; `charges` are its commission and fees, an estimate until the broker told them."""

    execution_id: str
    executed_at: datetime
    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    charges: Decimal
    is_estimated: bool
    exchange: str
    order_id: str | None
    strategy: str | None


@dataclass(frozen=True, slots=True)
class CostRow:
    """What a parent order cost."""

    parent_order_id: str
    session_date: date
    decided_at: datetime
    symbol: str
    side: str
    algorithm: str
    quantity: Decimal
    filled: Decimal
    slippage_bps: Decimal | None
    vwap_slippage_bps: Decimal | None
    shortfall: Decimal
    shortfall_bps: Decimal
    participation: Decimal | None


@dataclass(frozen=True, slots=True)
class CostSummary:
    """What the parent orders of an algorithm cost; `slippage_bps` is weighted by the value that traded."""

    algorithm: str
    orders: int
    value: Decimal
    slippage_bps: Decimal | None
    shortfall: Decimal


def order_rows(engine: Engine, wanted: OrderFilter, *, limit: int, offset: int = 0) -> Sequence[OrderRow]:
    """A page of orders."""
    o = orders.c
    page = _page(_orders_where(wanted), (o.session_date.desc(), o.submitted_at.desc(), o.order_id), limit, offset)
    chosen = select(orders).where(o.order_id.in_(page)).subquery("chosen")
    status, reason = (_last_event(chosen.c.order_id, name) for name in ("status", "reason"))
    filled, value = _filled(chosen.c.order_id, of_value=False), _filled(chosen.c.order_id, of_value=True)
    terms = (chosen.c[name] for name in ("side", "order_type", "quantity", "limit_price", "stop_price"))
    statement = (
        select(
            *(chosen.c.order_id, chosen.c.submitted_at, chosen.c.session_date, symbols.c.ticker, *terms),
            *(signals.c.strategy, func.coalesce(status, OrderStatus.PENDING), func.coalesce(reason, "")),
            *(filled, value / func.nullif(filled, 0)),
        )
        .join(symbols, symbols.c.symbol_id == chosen.c.symbol_id)
        .join(signals, signals.c.signal_id == chosen.c.signal_id)
        .order_by(chosen.c.session_date.desc(), chosen.c.submitted_at.desc(), chosen.c.order_id)
    )
    with engine.connect() as connection:
        return [OrderRow(*row) for row in connection.execute(statement)]


def fill_rows(engine: Engine, wanted: OrderFilter, *, limit: int, offset: int = 0) -> Sequence[FillRow]:
    """A page of fills, those of orders that are not ours among them; busts are left out."""
    e = executions.c
    page = _page(_fills_where(wanted), (e.trade_date.desc(), e.executed_at.desc(), e.execution_id), limit, offset)
    charged, quantity = told_later(commission_reports, "commission"), _figure("quantity")
    told = (charged.is_(None)) & _foreign("commission_is_estimated", e.commission_is_estimated)
    statement = (
        select(
            *(e.execution_id, _figure("executed_at"), symbols.c.ticker, e.side, quantity, _figure("price")),
            func.coalesce(charged, _foreign("commission", e.commission) + _foreign("fees", e.fees)),
            *(told, e.exchange, e.order_id, signals.c.strategy),
        )
        .join(symbols, symbols.c.symbol_id == e.symbol_id)
        .outerjoin(orders, orders.c.order_id == e.order_id)
        .outerjoin(signals, signals.c.signal_id == orders.c.signal_id)
        .where(e.execution_id.in_(page), quantity > 0)
        .order_by(e.trade_date.desc(), e.executed_at.desc(), e.execution_id)
    )
    with engine.connect() as connection:
        return [FillRow(*row) for row in connection.execute(statement)]


def cost_rows(engine: Engine, wanted: OrderFilter, *, limit: int, offset: int = 0) -> Sequence[CostRow]:
    """A page of what parent orders cost."""
    k = order_costs.c
    statement = (
        select(
            *(k.parent_order_id, k.session_date, k.decided_at, symbols.c.ticker, k.side, k.algorithm, k.quantity),
            *(k.filled_quantity, k.slippage_bps, k.vwap_slippage_bps),
            *(k.implementation_shortfall, k.shortfall_bps, k.participation),
        )
        .join(symbols, symbols.c.symbol_id == k.symbol_id)
        .where(*_costs_where(wanted))
        .order_by(k.session_date.desc(), k.decided_at.desc(), k.parent_order_id)
        .limit(limit)
        .offset(offset)
    )
    with engine.connect() as connection:
        return [CostRow(*row) for row in connection.execute(statement)]


def cost_summary(engine: Engine, wanted: OrderFilter) -> Sequence[CostSummary]:
    """The costs by algorithm."""
    k = order_costs.c
    value = k.filled_quantity * k.arrival_price
    statement = (
        select(
            *(k.algorithm, func.count(), func.coalesce(func.sum(value), 0)),
            func.sum(k.slippage_bps * value) / func.nullif(func.sum(value), 0),
            func.sum(k.implementation_shortfall),
        )
        .where(*_costs_where(wanted))
        .group_by(k.algorithm)
        .order_by(k.algorithm)
    )
    with engine.connect() as connection:
        return [CostSummary(*row) for row in connection.execute(statement)]


def known_symbols(engine: Engine) -> Sequence[str]:
    """Every symbol."""
    with engine.connect() as connection:
        return list(connection.execute(select(symbols.c.ticker).order_by(symbols.c.ticker)).scalars())


def neighbours(engine: Engine, account_id: str, on: date) -> tuple[date | None, date | None]:
    """The last day with orders before a date, and the first after it."""
    o = orders.c
    mine = (current(orders), o.account_id == account_id)
    before = select(func.max(o.session_date)).where(*mine, o.session_date < on).scalar_subquery()
    after = select(func.min(o.session_date)).where(*mine, o.session_date > on).scalar_subquery()
    with engine.connect() as connection:
        row = connection.execute(select(before, after)).one()
    return row[0], row[1]


def _page(select_ids: Select[Any], order: Sequence[ColumnElement[Any]], limit: int, offset: int) -> Any:  # noqa: ANN401
    return select_ids.order_by(*order).limit(limit).offset(offset).scalar_subquery()


def _orders_where(wanted: OrderFilter) -> Select[Any]:
    o = orders.c
    statement = select(o.order_id).where(current(orders), o.account_id == wanted.account_id)
    if wanted.day is not None:
        statement = statement.where(o.session_date == wanted.day)
    if wanted.symbol:
        statement = statement.where(o.symbol_id == _symbol_id(wanted.symbol))
    if wanted.strategy:
        statement = statement.join(signals, signals.c.signal_id == o.signal_id)
        statement = statement.where(signals.c.strategy == wanted.strategy)
    return statement.where(_has_status(wanted)) if wanted.status else statement


def _has_status(wanted: OrderFilter) -> ColumnElement[bool]:
    """An end state is final, so whoever has it has it for good; any other holds until another event follows."""
    event, later = order_events.alias("event"), order_events.alias("later")
    mine = (
        event.c.account_id == wanted.account_id,
        event.c.order_id == orders.c.order_id,
        event.c.superseded_at.is_(None),
    )
    if wanted.status == WORKING:
        # Nearly every order has ended: one pass over the ends costs less than a look for each order.
        ended = select(event.c.order_id).where(mine[0], mine[2], event.c.status.in_(TERMINAL))
        return orders.c.order_id.not_in(ended)
    has = exists().where(*mine, event.c.status == wanted.status)
    if wanted.status in TERMINAL:
        return has
    followed = exists().where(
        later.c.order_id == event.c.order_id, later.c.superseded_at.is_(None), later.c.sequence > event.c.sequence
    )
    stands = exists().where(*mine, event.c.status == wanted.status, not_(followed))
    unheard = not_(exists().where(event.c.order_id == orders.c.order_id, event.c.superseded_at.is_(None)))
    return or_(stands, unheard) if wanted.status == OrderStatus.PENDING else stands


def _fills_where(wanted: OrderFilter) -> Select[Any]:
    e = executions.c
    statement = select(e.execution_id).where(current(executions), e.account_id == wanted.account_id)
    if wanted.day is not None:
        statement = statement.where(e.trade_date == wanted.day)
    if wanted.symbol:
        statement = statement.where(e.symbol_id == _symbol_id(wanted.symbol))
    if wanted.strategy:
        statement = statement.join(orders, orders.c.order_id == e.order_id)
        statement = statement.join(signals, signals.c.signal_id == orders.c.signal_id)
        statement = statement.where(signals.c.strategy == wanted.strategy)
    return statement


def _costs_where(wanted: OrderFilter) -> Sequence[ColumnElement[bool]]:
    k = order_costs.c
    where = [current(order_costs), k.account_id == wanted.account_id]
    if wanted.day is not None:
        where.append(k.session_date == wanted.day)
    if wanted.symbol:
        where.append(k.symbol_id == _symbol_id(wanted.symbol))
    return where


def _symbol_id(ticker: str) -> Any:  # noqa: ANN401  a scalar subquery
    return select(symbols.c.symbol_id).where(symbols.c.ticker == ticker.upper()).scalar_subquery()


def _last_event(order_id: ColumnElement[str], figure: str) -> Any:  # noqa: ANN401  a scalar subquery
    event = order_events.alias()
    return (
        select(event.c[figure])
        .where(event.c.order_id == order_id, event.c.superseded_at.is_(None))
        .order_by(event.c.sequence.desc())
        .limit(1)
        .scalar_subquery()
    )


def _filled(order_id: ColumnElement[str], *, of_value: bool) -> Any:  # noqa: ANN401  a scalar subquery
    quantity = func.coalesce(told_later(execution_corrections, "quantity"), executions.c.quantity)
    price = func.coalesce(told_later(execution_corrections, "price"), executions.c.price)
    total = func.sum(quantity * price) if of_value else func.sum(quantity)
    return select(total).where(executions.c.order_id == order_id, current(executions)).scalar_subquery()


def _figure(name: str) -> ColumnElement[Any]:
    """A figure of an execution as it stands: its last correction's, else that of whoever told it."""
    corrected = told_later(execution_corrections, name)
    return func.coalesce(corrected, _foreign(name, executions.c[name]))


def _foreign(name: str, own: ColumnElement[Any]) -> ColumnElement[Any]:
    """The same of an order that is not ours, whose row in force is elsewhere."""
    f = foreign_executions.c
    same = and_(f.account_id == executions.c.account_id, f.execution_id == executions.c.execution_id)
    found = select(f[name]).where(same, current(foreign_executions), executions.c.order_id.is_(None)).limit(1)
    return func.coalesce(found.correlate(executions).scalar_subquery(), own)
