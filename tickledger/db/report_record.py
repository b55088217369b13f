"""What reports read of the record beside its fills: last closes, working purchases, and all of it as of an instant.

`as_of` is when the record is read: rows recorded later, and corrections of rows made later, are not in it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from sqlalchemy import Engine, func, select

from tickledger.bars.corporate_actions import domain_actions
from tickledger.db.accounts import read_accounts
from tickledger.db.corporate_actions import read_corporate_actions
from tickledger.db.effective_executions import EffectiveExecutions
from tickledger.db.tables import balances, executions, market_data, order_events, orders, symbols
from tickledger.db.trading import read_cash_transactions, read_executions
from tickledger.db.versions import current
from tickledger.domain.account import Account
from tickledger.domain.corporate_action import CorporateAction
from tickledger.domain.execution import CashTransaction, Execution
from tickledger.domain.order import OrderSide, OrderStatus, TimeInForce

_DAILY = "1day"
_FINISHED = (OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED)


@dataclass(frozen=True, slots=True)
class ReportRecord:
    """Everything that reports are a function of, as it was recorded until an instant; None is everything until now."""

    accounts: tuple[Account, ...]
    executions: tuple[Execution, ...]
    corporate_actions: tuple[CorporateAction, ...]
    cash: tuple[CashTransaction, ...]
    as_of: datetime | None = None


def read_report_record(engine: Engine, *, as_of: datetime | None = None) -> ReportRecord:
    """The record of all modes and accounts; households and scopes keep them apart."""
    return ReportRecord(
        accounts=tuple(read_accounts(engine)),
        executions=tuple(read_executions(engine, as_of=as_of)),
        corporate_actions=tuple(domain_actions(read_corporate_actions(engine, as_of=as_of))),
        cash=tuple(read_cash_transactions(engine, as_of=as_of)),
        as_of=as_of,
    )


def read_last_closes(
    engine: Engine, tickers: Collection[str], *, until: date, as_of: datetime | None = None
) -> dict[str, tuple[Decimal, date]]:
    """The last daily close of each symbol on or before `until`, and its session; symbols without one are left out."""
    statement = (
        select(symbols.c.ticker, market_data.c.close, market_data.c.session_date)
        .distinct(symbols.c.ticker)
        .join(symbols, symbols.c.symbol_id == market_data.c.symbol_id)
        .where(
            current(market_data, as_of),
            market_data.c.interval == _DAILY,
            symbols.c.ticker == func.any(sorted(tickers)),
            # A daily bar's instant is the midnight, in UTC, of its session.
            market_data.c.bar_at < datetime.combine(until + timedelta(days=1), time(), tzinfo=UTC),
        )
        .order_by(symbols.c.ticker, market_data.c.bar_at.desc())
    )
    with engine.connect() as connection:
        return {row.ticker: (row.close, row.session_date) for row in connection.execute(statement)}


def first_recorded_at(engine: Engine) -> datetime | None:
    """When the first execution was recorded, None where none is: before it, nothing was known."""
    with engine.connect() as connection:
        return connection.execute(select(func.min(executions.c.recorded_at))).scalar()


def last_balance_date(engine: Engine, accounts: Collection[str], *, as_of: datetime | None = None) -> date | None:
    """The last session with a balance of any of `accounts`, None where there is none."""
    statement = select(func.max(balances.c.session_date)).where(
        current(balances, as_of), balances.c.account_id == func.any(sorted(accounts))
    )
    with engine.connect() as connection:
        return connection.execute(statement).scalar()


@dataclass(frozen=True, slots=True)
class WorkingPurchase:
    """A purchase order that may still be filled, and the shares that are not filled yet."""

    order_id: str
    account_id: str
    symbol: str
    quantity: Decimal


def read_working_purchases(engine: Engine, *, on: date, as_of: datetime | None = None) -> list[WorkingPurchase]:
    """Purchase orders that no event has finished: good till cancelled, or of the session `on` or a later one.

    The quantity is that of the order as it was entered, less what of it was filled.
    """
    last = (
        select(order_events.c.order_id, order_events.c.status)
        .where(current(order_events, as_of))
        .distinct(order_events.c.order_id)
        .order_by(order_events.c.order_id, order_events.c.sequence.desc())
        .subquery("last_events")
    )
    effective = EffectiveExecutions(as_of)
    filled = effective.select(current(executions, as_of), executions.c.order_id.is_not(None)).subquery("effective")
    by_order = (
        select(filled.c.order_id, func.sum(filled.c.quantity).label("shares"))
        .group_by(filled.c.order_id)
        .subquery("filled")
    )
    left = orders.c.quantity - func.coalesce(by_order.c.shares, 0)
    statement = (
        select(orders.c.order_id, orders.c.account_id, symbols.c.ticker.label("symbol"), left.label("quantity"))
        .join(symbols, symbols.c.symbol_id == orders.c.symbol_id)
        .outerjoin(last, last.c.order_id == orders.c.order_id)
        .outerjoin(by_order, by_order.c.order_id == orders.c.order_id)
        .where(
            current(orders, as_of),
            orders.c.side == OrderSide.BUY,
            left > 0,
            last.c.status.is_(None) | last.c.status.not_in(_FINISHED),
            (orders.c.time_in_force == TimeInForce.GTC) | (orders.c.session_date >= on),
        )
        .order_by(orders.c.submitted_at, orders.c.order_id)
    )
    with engine.connect() as connection:
        return [WorkingPurchase(**row) for row in connection.execute(statement).mappings()]
