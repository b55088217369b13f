"""What an account is worth, day by day, and what it holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from sqlalchemy import Engine, Subquery, func, select

from tickledger.backtest.daily_results import EXTERNAL_FLOWS
from tickledger.db.tables import balances, cash_transactions, positions, symbols
from tickledger.db.versions import current

_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class NavPoint:
    """The equity of an account at a close, USD, and what its owner brought (less what was taken) on that day."""

    session_date: date
    equity: Decimal
    cash: Decimal
    flow: Decimal


@dataclass(frozen=True, slots=True)
class HeldPosition:
    """A holding at the last close; money in USD, prices in USD per share."""

    symbol: str
    sector: str
    quantity: Decimal
    average_cost: Decimal
    price: Decimal
    unrealized_pnl: Decimal
    opened_date: date | None = None

    @property
    def value(self) -> Decimal:
        """What it is worth, negative for a short."""
        return self.quantity * self.price


def nav_history(engine: Engine, account_id: str, *, sessions: int) -> Sequence[NavPoint]:
    """The last `sessions` closes of an account, oldest first."""
    mine = (current(balances), balances.c.account_id == account_id)
    flows = _flows(account_id)
    statement = (
        select(balances.c.session_date, balances.c.equity, balances.c.cash, func.coalesce(flows.c.flow, 0))
        .outerjoin(flows, flows.c.session_date == balances.c.session_date)
        .where(*mine)
        .order_by(balances.c.session_date.desc())
        .limit(sessions)
    )
    with engine.connect() as connection:
        return [NavPoint(*row) for row in connection.execute(statement)][::-1]


def net_deposits(engine: Engine, account_id: str) -> Decimal:
    """What the owner has brought in all, less what was taken out, USD."""
    flows = _flows(account_id)
    with engine.connect() as connection:
        total: Decimal | None = connection.execute(select(func.sum(flows.c.flow))).scalar()
    return total or _ZERO


def first_equity(engine: Engine, account_id: str) -> Decimal | None:
    """The equity at the first recorded close, USD; None before it."""
    b = balances.c
    first = select(b.equity).where(current(balances), b.account_id == account_id).order_by(b.session_date).limit(1)
    with engine.connect() as connection:
        found: Decimal | None = connection.execute(first).scalar()
    return found


def held_positions(engine: Engine, account_id: str) -> Sequence[HeldPosition]:
    """The holdings at the last recorded close, the largest first."""
    mine = (current(balances), balances.c.account_id == account_id)
    last = select(func.max(balances.c.session_date)).where(*mine).scalar_subquery()
    held = positions.c
    statement = (
        select(
            symbols.c.ticker,
            func.coalesce(symbols.c.sector, ""),
            *(held.quantity, held.average_cost, held.close, held.unrealized_pnl, held.opened_date),
        )
        .join(symbols, symbols.c.symbol_id == held.symbol_id)
        .where(current(positions), held.account_id == account_id, held.session_date == last)
        .order_by(func.abs(held.quantity * held.close).desc(), symbols.c.ticker)
    )
    with engine.connect() as connection:
        return [HeldPosition(*row) for row in connection.execute(statement)]


def sectors(engine: Engine, tickers: Sequence[str]) -> dict[str, str]:
    """The sector of each symbol that has one."""
    statement = select(symbols.c.ticker, symbols.c.sector).where(
        symbols.c.ticker.in_(tickers), symbols.c.sector.is_not(None)
    )
    with engine.connect() as connection:
        return {row.ticker: row.sector for row in connection.execute(statement)}


def _flows(account_id: str) -> Subquery:
    """By day what the owner brought, less what was taken out."""
    cash = cash_transactions.c
    return (
        select(cash.session_date, func.sum(cash.amount).label("flow"))
        .where(current(cash_transactions), cash.account_id == account_id, cash.kind.in_(EXTERNAL_FLOWS))
        .group_by(cash.session_date)
        .subquery()
    )
