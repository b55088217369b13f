"""The accounts a person may look at, and which of them is shown first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Engine, case, func, select

from tickledger.db.tables import accounts, balances, trading_sessions
from tickledger.db.versions import current
from tickledger.domain.account import Mode


@dataclass(frozen=True, slots=True)
class AccountChoice:
    """An account, its last recorded close and the last heartbeat of any session of it; both None before the first."""

    account_id: str
    mode: Mode
    owner: str
    last_date: date | None
    heartbeat_at: datetime | None


def account_choices(engine: Engine) -> Sequence[AccountChoice]:
    """Every account: the one that trades first, then those that were used last."""
    last = (
        select(func.max(balances.c.session_date)).where(
            balances.c.account_id == accounts.c.account_id, current(balances)
        )
    ).scalar_subquery()
    beat = (
        select(func.max(trading_sessions.c.heartbeat_at))
        .where(trading_sessions.c.account_id == accounts.c.account_id)
        .scalar_subquery()
    )
    going = (
        select(trading_sessions.c.session_id)
        .where(trading_sessions.c.account_id == accounts.c.account_id, trading_sessions.c.ended_at.is_(None))
        .exists()
    )
    statement = select(accounts.c.account_id, accounts.c.mode, accounts.c.owner, last, beat).order_by(
        case((going, 0), else_=1), beat.desc().nulls_last(), last.desc().nulls_last(), accounts.c.account_id
    )
    with engine.connect() as connection:
        return [AccountChoice(row[0], Mode(row[1]), *row[2:]) for row in connection.execute(statement)]
