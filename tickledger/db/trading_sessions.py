"""Session processes in the record: opened, brought up to date while they live, and asked for by whoever watches them.

Instants are the database's, so that processes on several machines are compared by one clock. What is over stays over:
a session that another has superseded learns it from its next heartbeat.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import psycopg
from sqlalchemy import Connection, Double, Engine, Row, Select, case, cast, func, insert, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import SQLAlchemyError

from tickledger.db import audit
from tickledger.db.accounts import mode_of
from tickledger.db.records import as_values, select_fields
from tickledger.db.tables import trading_controls, trading_session_events, trading_sessions
from tickledger.db.versions import refusals
from tickledger.domain.errors import FencedError, LedgerError
from tickledger.domain.trading_session import (
    Lease,
    PauseState,
    SessionState,
    SessionStatus,
    SessionStep,
    TradingControlKind,
)

_AREA: Final = "trading sessions"


def open_session(
    engine: Engine,
    account_id: str,
    *,
    session_date: date,
    strategy: str,
    host: str,
    pid: int,
    state: SessionState = SessionState.STARTING,
    dagster_run_id: str | None = None,
    detail: Mapping[str, object] | None = None,
) -> SessionStatus:
    """Record a new session process, under an id of its own; raises LedgerError where the account is not recorded."""
    session_id = f"sess_{uuid.uuid4().hex[:20]}"
    with refusals(_AREA), engine.begin() as connection:
        row = {
            "session_id": session_id,
            "account_id": account_id,
            "mode": mode_of(connection, account_id),
            "session_date": session_date,
            "state": state,
            "strategy": strategy,
            "host": host,
            "pid": pid,
            "dagster_run_id": dagster_run_id,
            "detail": dict(detail or {}),
        }
        now = func.clock_timestamp()
        connection.execute(insert(trading_sessions).values(started_at=now, heartbeat_at=now, **row))
        _append(connection, [session_id], state, "opened")
        return as_values(connection, _select().where(trading_sessions.c.session_id == session_id), SessionStatus)[0]


def heartbeat(
    engine: Engine,
    session_id: str,
    *,
    market_at: datetime | None = None,
    detail: Mapping[str, object] | None = None,
) -> SessionState:
    """Say that the session lives, at `market_at` by the market's clock; `detail` takes the place of the one before.

    Returns its state. Raises FencedError where the session is over, LedgerError where it is not recorded.
    """
    new: dict[str, Any] = {"heartbeat_at": func.clock_timestamp()}
    new |= {} if market_at is None else {"market_at": market_at}
    new |= {} if detail is None else {"detail": dict(detail)}
    with refusals(_AREA), engine.begin() as connection:
        return SessionState(_update(connection, session_id, new).state)


def change_state(
    engine: Engine, session_id: str, state: SessionState, *, reason: str, detail: Mapping[str, object] | None = None
) -> None:
    """Put the session into `state`, which is a heartbeat too, and append that with its reason.

    `detail` is merged into what is there. Raises FencedError where the session is over already.
    """
    now = func.clock_timestamp()
    new: dict[str, Any] = {"state": state, "heartbeat_at": now, "ended_at": now if state.is_over else None}
    if detail is not None:
        new["detail"] = trading_sessions.c.detail.op("||")(cast(dict(detail), JSONB))
    with refusals(_AREA), engine.begin() as connection:
        _update(connection, session_id, new)
        _append(connection, [session_id], state, reason)


def end_session(engine: Engine, session_id: str, *, reason: str, has_failed: bool = False) -> None:
    """The session is over; one that is so already stays as it is (another may have superseded it)."""
    state = SessionState.FAILED if has_failed else SessionState.ENDED
    try:
        change_state(engine, session_id, state, reason=reason)
    except FencedError:
        return


def take_over(engine: Engine, session_id: str, lease: Lease) -> Sequence[str]:
    """Note that the session trades by `lease`; those of its account with an earlier one are SUPERSEDED.

    Those that have none yet may go on waiting for it. Returns the ids of those superseded.
    """
    others = (
        update(trading_sessions)
        .where(
            trading_sessions.c.account_id == lease.account_id,
            trading_sessions.c.session_id != session_id,
            trading_sessions.c.ended_at.is_(None),
            trading_sessions.c.epoch < lease.epoch,
        )
        .values(state=SessionState.SUPERSEDED, ended_at=func.clock_timestamp())
        .returning(trading_sessions.c.session_id)
    )
    with refusals(_AREA), engine.begin() as connection:
        _update(connection, session_id, {"epoch": lease.epoch, "heartbeat_at": func.clock_timestamp()})
        superseded = list(connection.execute(others).scalars())
        _append(connection, superseded, SessionState.SUPERSEDED, f"{session_id} took over with epoch {lease.epoch}")
    return superseded


def latest_session(engine: Engine, account_id: str) -> SessionStatus | None:
    """The session of an account that started last, with the age of its heartbeat; None before the first.

    One that waits for the lease of another counts only where there is no other.
    """
    waits = case((trading_sessions.c.state == SessionState.WAITING, 1), else_=0)
    statement = _select().where(trading_sessions.c.account_id == account_id)
    statement = statement.order_by(waits, trading_sessions.c.started_at.desc(), trading_sessions.c.session_id).limit(1)
    return next(iter(_read(engine, statement)), None)


def read_sessions(engine: Engine, *, session_date: date, account_id: str | None = None) -> list[SessionStatus]:
    """Every session process of a trading day, in the order in which they started."""
    statement = _select().where(trading_sessions.c.session_date == session_date)
    if account_id is not None:
        statement = statement.where(trading_sessions.c.account_id == account_id)
    return _read(engine, statement.order_by(trading_sessions.c.started_at, trading_sessions.c.session_id))


def read_session(engine: Engine, session_id: str) -> SessionStatus | None:
    """One session process, None where it is not recorded."""
    return next(iter(_read(engine, _select().where(trading_sessions.c.session_id == session_id))), None)


def read_session_steps(engine: Engine, session_id: str) -> list[SessionStep]:
    """The states that a session was in, in order."""
    table = trading_session_events
    statement = select_fields(table, SessionStep).where(table.c.session_id == session_id).order_by(table.c.sequence)
    with refusals(_AREA), engine.connect() as connection:
        return as_values(connection, statement, SessionStep)


def request_pause(engine: Engine, account_id: str, *, actor: str, reason: str, requested_at: datetime) -> PauseState:
    """Ask whatever session trades the account to decide no new orders, until somebody resumes."""
    return _request(engine, account_id, TradingControlKind.PAUSE, (actor, reason), requested_at)


def request_resume(engine: Engine, account_id: str, *, actor: str, reason: str, requested_at: datetime) -> PauseState:
    """Ask for trading to go on."""
    return _request(engine, account_id, TradingControlKind.RESUME, (actor, reason), requested_at)


def read_pause(engine: Engine, account_id: str) -> PauseState:
    """Whether the account's sessions are to pause; a database that does not answer counts as a pause."""
    table = trading_controls
    statement = select(table).where(table.c.account_id == account_id).order_by(table.c.sequence.desc()).limit(1)
    try:
        # Without a transaction, whose beginning and end would each be waited for.
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            row = connection.execute(statement).first()
    except (SQLAlchemyError, psycopg.Error, OSError) as error:
        return PauseState(unreadable=" ".join(str(error).split()))
    return PauseState() if row is None else _pause(row)


def _request(
    engine: Engine, account_id: str, kind: TradingControlKind, by: tuple[str, str], requested_at: datetime
) -> PauseState:
    actor, reason = by
    with refusals(_AREA), engine.begin() as connection:
        row = {
            "account_id": account_id,
            "mode": mode_of(connection, account_id),
            "kind": kind,
            "actor": actor,
            "reason": reason,
            "requested_at": requested_at,
        }
        recorded = connection.execute(insert(trading_controls).values(row).returning(trading_controls)).one()
        details: audit.Details = {"reason": reason, "sequence": recorded.sequence}
        audit.append(
            connection, actor=actor, action=f"trading {kind}", subject=f"account {account_id}", details=details
        )
    return _pause(recorded)


def _pause(row: Row[Any]) -> PauseState:
    is_requested = row.kind == TradingControlKind.PAUSE
    return PauseState(is_requested, row.actor, row.reason, row.requested_at, row.sequence)


def _update(connection: Connection, session_id: str, new: Mapping[str, Any]) -> Row[Any]:
    table = trading_sessions
    going = (table.c.session_id == session_id, table.c.ended_at.is_(None))
    row = connection.execute(update(table).where(*going).values(dict(new)).returning(table.c.state)).first()
    if row is not None:
        return row
    over = connection.execute(select(table.c.state, table.c.ended_at).where(table.c.session_id == session_id)).first()
    if over is None:
        raise LedgerError(f"session {session_id} is not recorded")
    raise FencedError(f"session {session_id} is {over.state} since {over.ended_at:%Y-%m-%d %H:%M:%S} UTC")


def _append(connection: Connection, session_ids: Sequence[str], state: SessionState, reason: str) -> None:
    rows = [{"session_id": session_id, "state": state, "reason": reason} for session_id in session_ids]
    if rows:
        connection.execute(insert(trading_session_events), rows)


def _select() -> Select[Any]:
    age = func.extract("epoch", func.clock_timestamp() - trading_sessions.c.heartbeat_at)
    return select_fields(trading_sessions, SessionStatus, heartbeat_age=cast(age, Double))


def _read(engine: Engine, statement: Select[Any]) -> list[SessionStatus]:
    with refusals(_AREA), engine.connect() as connection:
        return as_values(connection, statement, SessionStatus)
