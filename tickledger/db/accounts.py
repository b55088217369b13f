"""Accounts and the limits that risk holds them to."""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Connection, Engine, select
from sqlalchemy.dialects.postgresql import insert

from tickledger.db import audit
from tickledger.db.records import read_values, rows_of
from tickledger.db.tables import accounts, risk_limits
from tickledger.db.versions import ReplaceResult, Scope, current, replace_scope, writing
from tickledger.domain.account import Account, Mode
from tickledger.domain.errors import ConfigurationError, LedgerError
from tickledger.domain.ids import deterministic_id
from tickledger.domain.order import RiskLimit


def ensure_account(engine: Engine, account: Account) -> None:
    """Record `account` where it is new; raises ConfigurationError where it is recorded as another."""
    row = {name: getattr(account, name) for name in ("account_id", "mode", "kind", "owner")}
    with engine.begin() as connection:
        connection.execute(insert(accounts).on_conflict_do_nothing(), row)
    recorded = next(known for known in read_accounts(engine) if known.account_id == account.account_id)
    if recorded != account:
        raise ConfigurationError(f"account {account.account_id}: expected, as recorded, {recorded}, found {account}")


def read_accounts(engine: Engine) -> list[Account]:
    """Every account, by id."""
    return read_values(engine, accounts, Account, where=(), order=(accounts.c.account_id,))


def replace_risk_limits(engine: Engine, account_id: str, limits: Sequence[RiskLimit]) -> ReplaceResult:
    """Make `limits` the limits of an account; those that are not among them are superseded."""
    with writing(engine, "trading") as (connection, at):
        mode = mode_of(connection, account_id)
        rows = rows_of(connection, risk_limits, limits, mode=mode, extra=_identity)
        scope = Scope(among={"account_id": [account_id]})
        result = replace_scope(connection, risk_limits, rows, scope=scope, at=at)
        audit.append_replacements(connection, {"risk_limits": result}, subject=f"account {account_id}")
    return result


def read_risk_limits(
    engine: Engine, account_id: str, *, effective: date | None = None, as_of: datetime | None = None
) -> list[RiskLimit]:
    """The limits of an account, by name and date; with `effective`, only those in force from that date or before."""
    where = [risk_limits.c.account_id == account_id, current(risk_limits, as_of)]
    if effective is not None:
        where.append(risk_limits.c.effective_from <= effective)
    return read_values(
        engine, risk_limits, RiskLimit, where=where, order=(risk_limits.c.name, risk_limits.c.effective_from)
    )


def mode_of(connection: Connection, account_id: str) -> Mode:
    """The mode of an account; raises LedgerError where it was never recorded."""
    mode = connection.execute(select(accounts.c.mode).where(accounts.c.account_id == account_id)).scalar()
    if mode is None:
        raise LedgerError(f"account {account_id} is not recorded")
    return Mode(mode)


def _identity(limit: RiskLimit) -> dict[str, str]:
    parts = (limit.account_id, limit.name, limit.value, limit.effective_from)
    return {"risk_limit_id": deterministic_id("limit", *parts)}
