"""What an order manager starts from, read from the ledger: the last close of an account, and the entries since."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

from sqlalchemy import ARRAY, ColumnElement, Connection, Select, Table, Text, and_, any_, func, literal, or_, select

from tickledger.db.effective_executions import EffectiveExecutions
from tickledger.db.order_rows import amendment, commission, foreign
from tickledger.db.records import as_values, select_fields
from tickledger.db.tables import (
    balances,
    cash_transactions,
    commission_reports,
    execution_corrections,
    executions,
    foreign_executions,
    order_events,
    order_modifications,
    orders,
    positions,
    symbols,
)
from tickledger.db.versions import current
from tickledger.domain.execution import Execution
from tickledger.domain.order import Order, OrderEvent
from tickledger.execution.order_journal import (
    AccountRecord,
    AnyEntry,
    ExecutionCorrection,
    Opening,
    OrderPlaced,
)
from tickledger.execution.order_state import TERMINAL

#: How far back a broker may tell of fills (TWS: up to seven days, by a setting; IB Gateway: the current day).
_TOLD_AGAIN: Final = timedelta(days=7)
#: How long after a trade it may be corrected, or its charge be told.
_CORRECTED_WITHIN: Final = timedelta(days=30)


class _Close(NamedTuple):
    """A recorded close: of which session, and when the record learned of it."""

    session_date: date
    recorded_at: datetime


def read_record(connection: Connection, account_id: str) -> AccountRecord:
    """The record of an account: its last close, and every order that may still matter with all that came of it."""
    close = _last_close(connection, account_id)
    last = None if close is None else close.session_date
    order_ids = list(connection.execute(_relevant_orders(account_id, close)).scalars())
    return AccountRecord(
        account_id=account_id,
        opening=_opening(connection, account_id, last),
        cash_moved=_cash_moved(connection, account_id, last),
        entries=(*read_order_entries(connection, account_id, order_ids), *_foreign(connection, account_id, last)),
        settled=() if close is None else tuple(_settled(connection, account_id, close, order_ids)),
    )


def read_order_entries(connection: Connection, account_id: str, order_ids: Sequence[str]) -> Iterator[AnyEntry]:
    """The entries of these orders, in an order in which they can be folded."""
    mine = (orders.c.account_id == account_id, _is_among(orders.c.order_id, order_ids), current(orders))
    placed = select_fields(orders, Order).where(*mine).order_by(orders.c.recorded_at, orders.c.order_id)
    found = as_values(connection, placed, Order)
    yield from map(OrderPlaced, found)
    if not (known := [order.order_id for order in found]):
        return
    steps = select_fields(order_events, OrderEvent).where(
        _is_among(order_events.c.order_id, known), current(order_events)
    )
    yield from as_values(connection, steps.order_by(order_events.c.order_id, order_events.c.sequence), OrderEvent)
    terms = select(order_modifications).where(_is_among(order_modifications.c.order_id, known))
    yield from map(amendment, _rows(connection, terms, order_modifications))
    yield from _fills(connection, known)


def _fills(connection: Connection, order_ids: Sequence[str]) -> Iterator[AnyEntry]:
    """The fills as they were told first, then what was told of them later."""
    mine = (_is_among(executions.c.order_id, order_ids), current(executions))
    told = select_fields(executions, Execution).where(*mine)
    yield from as_values(connection, told.order_by(executions.c.executed_at, executions.c.execution_id), Execution)
    known = select(executions.c.execution_id).where(*mine)
    corrections = select_fields(execution_corrections, ExecutionCorrection)
    corrections = corrections.where(execution_corrections.c.execution_id.in_(known))
    order = (execution_corrections.c.execution_id, execution_corrections.c.sequence)
    yield from as_values(connection, corrections.order_by(*order), ExecutionCorrection)
    charges = select(commission_reports).where(commission_reports.c.execution_id.in_(known))
    yield from map(commission, _rows(connection, charges, commission_reports))


def _is_among(column: ColumnElement[str], values: Sequence[str]) -> ColumnElement[bool]:
    """Whether a column has one of many values: sent as one array, as thousands of parameters are slow to write."""
    return column == any_(literal(list(values), ARRAY(Text)))


def _foreign(connection: Connection, account_id: str, last: date | None) -> Iterator[AnyEntry]:
    """The foreign fills since the last close, and those before it that a broker may tell again."""
    table = foreign_executions
    statement = select(*table.c, symbols.c.ticker.label("symbol")).join(symbols)
    statement = statement.where(table.c.account_id == account_id, current(table))
    if last is not None:
        statement = statement.where(table.c.trade_date >= last - _TOLD_AGAIN)
    rows = connection.execute(statement.order_by(table.c.executed_at, table.c.execution_id)).mappings()
    yield from (foreign(dict(row)) for row in rows)


def _rows(connection: Connection, statement: Select[Any], table: Table) -> Iterator[dict[str, Any]]:
    """The rows of a table that counts in `sequence`, in that order."""
    for row in connection.execute(statement.order_by(table.c.sequence)).mappings():
        yield dict(row)


def _settled(connection: Connection, account_id: str, close: _Close, order_ids: Sequence[str]) -> list[Execution]:
    """The fills up to a close as they were known when it was recorded: those of these orders, and foreign ones."""
    effective = EffectiveExecutions(as_of=close.recorded_at)
    is_foreign = executions.c.order_id.is_(None)
    told_again = effective.trade_date >= close.session_date - _TOLD_AGAIN
    return effective.found(
        connection,
        executions.c.account_id == account_id,
        executions.c.recorded_at <= close.recorded_at,
        effective.trade_date <= close.session_date,
        or_(_is_among(executions.c.order_id, order_ids), and_(is_foreign, told_again)),
        has_busts=True,
    )


def _relevant_orders(account_id: str, close: _Close | None) -> Select[tuple[str]]:
    """The orders that are not over, that anything was told of since the last close, or that filled since."""
    mine = select(orders.c.order_id).where(orders.c.account_id == account_id, current(orders))
    if close is None:
        return mine
    last = close.session_date
    events = order_events
    newest = (
        select(events.c.order_id, events.c.status, events.c.session_date)
        .where(events.c.account_id == account_id, current(events))
        .distinct(events.c.order_id)
        .order_by(events.c.order_id, events.c.sequence.desc())
        .subquery()
    )
    alive = select(newest.c.order_id).where(or_(newest.c.status.not_in(TERMINAL), newest.c.session_date >= last))
    told_late = _told_late(account_id, close)
    filled = _filled_since(account_id, last)
    return mine.where(or_(*(orders.c.order_id.in_(each) for each in (alive, filled, told_late))))


def _told_late(account_id: str, close: _Close) -> Select[tuple[str]]:
    """The orders of whose fills something was told after the close that has them, or should have them."""
    fill = executions
    changed = (
        fill.c.execution_id.in_(select(told.c.execution_id).where(told.c.recorded_at > close.recorded_at))
        for told in (execution_corrections, commission_reports)
    )
    recent = fill.c.trade_date >= close.session_date - _CORRECTED_WITHIN
    return select(fill.c.order_id).where(
        fill.c.account_id == account_id,
        recent,
        fill.c.order_id.is_not(None),
        or_(fill.c.recorded_at > close.recorded_at, *changed),
    )


def _filled_since(account_id: str, last: date) -> Select[tuple[str]]:
    effective = EffectiveExecutions()
    told = effective.select(executions.c.account_id == account_id, effective.trade_date > last).subquery()
    return select(told.c.order_id)


def _last_close(connection: Connection, account_id: str) -> _Close | None:
    statement = select(balances.c.session_date, balances.c.recorded_at).where(*_at(balances, account_id))
    row = connection.execute(statement.order_by(balances.c.session_date.desc()).limit(1)).one_or_none()
    return None if row is None else _Close(row.session_date, row.recorded_at)


def _opening(connection: Connection, account_id: str, last: date | None) -> Opening:
    if last is None:
        return Opening()
    held = select(symbols.c.ticker, positions.c.quantity).join(symbols)
    held = held.where(*_at(positions, account_id), positions.c.session_date == last)
    cash = select(balances.c.cash).where(*_at(balances, account_id), balances.c.session_date == last)
    return Opening(
        holdings={row.ticker: row.quantity for row in connection.execute(held)},
        cash=connection.execute(cash).scalar_one(),
        session_date=last,
    )


def _cash_moved(connection: Connection, account_id: str, last: date | None) -> Decimal:
    statement = select(func.coalesce(func.sum(cash_transactions.c.amount), 0)).where(
        *_at(cash_transactions, account_id)
    )
    if last is not None:
        statement = statement.where(cash_transactions.c.session_date > last)
    return Decimal(connection.execute(statement).scalar_one())


def _at(table: Table, account_id: str) -> tuple[ColumnElement[bool], ...]:
    return table.c.account_id == account_id, current(table)
