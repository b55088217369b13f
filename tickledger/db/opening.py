"""What a session starts with: what the ledger says earlier sessions left behind."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import Engine, func, select

from tickledger.db.effective_executions import EffectiveExecutions
from tickledger.db.records import read_values
from tickledger.db.tables import balances, executions, order_events, orders, positions, symbols
from tickledger.db.versions import current
from tickledger.domain.execution import Execution
from tickledger.domain.order import Order
from tickledger.domain.position import Balance, Holding, Mark, PortfolioState, Position
from tickledger.execution.order_state import TERMINAL


def opening_state(engine: Engine, account_id: str, before: date) -> PortfolioState | None:
    """What `account_id` held, had in cash and had working after its last session before `before`.

    None where nothing was recorded before that date. An order that no event has finished is working, also one
    that was written down and never heard of again.
    """
    balance = _last_balance(engine, account_id, before)
    if balance is None:
        return None
    held = _positions(engine, balance)
    sequences = _working_sequences(engine, account_id, before)
    return PortfolioState(
        cash=balance.cash,
        holdings={position.symbol: Holding(position.quantity, position.average_cost) for position in held},
        opened_dates={position.symbol: position.opened_date for position in held},
        marks={position.symbol: Mark(position.close, position.bar_id) for position in held},
        working_orders=tuple(_orders(engine, list(sequences))),
        working_executions=tuple(_executions(engine, list(sequences), before)),
        previous_equity=balance.equity,
        order_sequences=sequences,
    )


def last_session(engine: Engine, account_id: str) -> date | None:
    """The last session that is recorded of `account_id`, None where none is."""
    mine = (current(balances), balances.c.account_id == account_id)
    with engine.connect() as connection:
        last: date | None = connection.execute(select(func.max(balances.c.session_date)).where(*mine)).scalar_one()
    return last


def _last_balance(engine: Engine, account_id: str, before: date) -> Balance | None:
    where = (current(balances), balances.c.account_id == account_id, balances.c.session_date < before)
    last = select(func.max(balances.c.session_date)).where(*where).scalar_subquery()
    found = read_values(engine, balances, Balance, where=(*where, balances.c.session_date == last), order=())
    return found[0] if found else None


def _positions(engine: Engine, balance: Balance) -> list[Position]:
    table = positions
    where = (current(table), table.c.account_id == balance.account_id, table.c.session_date == balance.session_date)
    return read_values(engine, table, Position, where=where, order=(symbols.c.ticker,))


def _working_sequences(engine: Engine, account_id: str, before: date) -> dict[str, int]:
    """The working orders in the order of their submission, each with the number its next event will have."""
    last = (
        select(order_events.c.order_id, order_events.c.sequence, order_events.c.status)
        .where(current(order_events), order_events.c.account_id == account_id, order_events.c.session_date < before)
        .distinct(order_events.c.order_id)
        .order_by(order_events.c.order_id, order_events.c.sequence.desc())
        .subquery()
    )
    statement = (
        select(orders.c.order_id, func.coalesce(last.c.sequence + 1, 0).label("next_sequence"))
        .outerjoin(last, orders.c.order_id == last.c.order_id)
        .where(current(orders), orders.c.account_id == account_id, orders.c.session_date < before)
        .where(last.c.status.is_(None) | last.c.status.not_in(TERMINAL))
        .order_by(orders.c.submitted_at, orders.c.order_id)
    )
    with engine.connect() as connection:
        return {row.order_id: row.next_sequence for row in connection.execute(statement)}


def _orders(engine: Engine, order_ids: Sequence[str]) -> list[Order]:
    where = (current(orders), orders.c.order_id.in_(order_ids))
    return read_values(engine, orders, Order, where=where, order=(orders.c.submitted_at, orders.c.order_id))


def _executions(engine: Engine, order_ids: Sequence[str], before: date) -> list[Execution]:
    effective = EffectiveExecutions()
    mine = (current(executions), executions.c.order_id.in_(order_ids), effective.trade_date < before)
    found = effective.read(engine, where=mine)
    return sorted(found, key=lambda execution: (execution.executed_at, execution.execution_id))
