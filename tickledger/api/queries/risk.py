"""What risk refused lately, and the sessions that traded an account."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import Engine, func, select

from tickledger.db.tables import risk_decisions, symbols, trading_session_events, trading_sessions
from tickledger.db.versions import current
from tickledger.domain.trading_session import SessionState

#: How far back refusals are looked for, from the last decision.
REFUSAL_DAYS: Final = 90


@dataclass(frozen=True, slots=True)
class Refusal:
    """An intent that risk did not let out, or not whole."""

    risk_decision_id: str
    decided_at: datetime
    symbol: str
    side: str
    requested: Decimal
    approved: Decimal
    reason: str


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session process; `reason` is why it came into the state it is in."""

    session_id: str
    session_date: date
    state: SessionState
    strategy: str
    started_at: datetime
    heartbeat_at: datetime
    ended_at: datetime | None
    reason: str


def refusals(engine: Engine, account_id: str, *, limit: int) -> Sequence[Refusal]:
    """The last intents of an account that risk cut or refused, the newest first."""
    r = risk_decisions.c
    mine = (current(risk_decisions), r.account_id == account_id)
    last = select(func.max(r.session_date)).where(*mine).scalar_subquery()
    statement = (
        select(
            *(r.risk_decision_id, r.decided_at, symbols.c.ticker, r.side, r.requested_quantity),
            *(r.approved_quantity, r.reason),
        )
        .join(symbols, symbols.c.symbol_id == r.symbol_id)
        .where(*mine, r.session_date >= last - REFUSAL_DAYS, r.approved_quantity < r.requested_quantity)
        .order_by(r.decided_at.desc(), r.risk_decision_id)
        .limit(limit)
    )
    with engine.connect() as connection:
        return [Refusal(*row) for row in connection.execute(statement)]


def session_rows(engine: Engine, account_id: str, *, limit: int) -> Sequence[SessionRow]:
    """The last session processes of an account, the newest first."""
    s, event = trading_sessions.c, trading_session_events.c
    why = (
        select(event.reason)
        .where(event.session_id == s.session_id)
        .order_by(event.sequence.desc())
        .limit(1)
        .scalar_subquery()
    )
    statement = (
        select(
            *(s.session_id, s.session_date, s.state, s.strategy, s.started_at, s.heartbeat_at, s.ended_at),
            func.coalesce(why, ""),
        )
        .where(s.account_id == account_id)
        .order_by(s.started_at.desc(), s.session_id)
        .limit(limit)
    )
    with engine.connect() as connection:
        found = connection.execute(statement)
        return [SessionRow(row[0], row[1], SessionState(row[2]), *row[3:]) for row in found]
