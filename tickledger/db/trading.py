"""What a session left behind: decisions, orders, fills, cash, positions and balances, written and read.

A session is written as a whole for a span of dates, and what a session starts with is read back from what the
one before left.
"""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, Final, Unpack

from sqlalchemy import ColumnElement, Engine, Table

from tickledger.db import audit
from tickledger.db.accounts import ensure_account, read_accounts, read_risk_limits, replace_risk_limits
from tickledger.db.effective_executions import EffectiveExecutions
from tickledger.db.opening import last_session, opening_state
from tickledger.db.records import Selection, read_values, rows_of, selected
from tickledger.db.tables import (
    balances,
    cash_transactions,
    executions,
    order_events,
    orders,
    positions,
    risk_decisions,
    symbols,
)
from tickledger.db.versions import ReplaceResult, Scope, replace_scope, writing
from tickledger.domain.account import Account
from tickledger.domain.execution import CashTransaction, Execution
from tickledger.domain.ids import deterministic_id
from tickledger.domain.order import Order, OrderEvent, RiskCheck, RiskDecision
from tickledger.domain.position import Balance, Position
from tickledger.domain.session_record import SessionRecord

__all__ = [
    "ensure_account",
    "last_session",
    "opening_state",
    "read_accounts",
    "read_balances",
    "read_cash_transactions",
    "read_executions",
    "read_order_events",
    "read_orders",
    "read_positions",
    "read_risk_decisions",
    "read_risk_limits",
    "replace_risk_limits",
    "replace_session",
]

#: The tables of a session in the order in which rows refer back, each with the date its rows belong to.
_TABLES: Final[tuple[tuple[Table, str], ...]] = (
    (risk_decisions, "session_date"),
    (orders, "session_date"),
    (order_events, "session_date"),
    (executions, "trade_date"),
    (cash_transactions, "session_date"),
    (positions, "session_date"),
    (balances, "session_date"),
)


def replace_session(
    engine: Engine, account: Account, record: SessionRecord, *, start: date, end: date
) -> Mapping[str, ReplaceResult]:
    """Make `record` what `account` did from `start` to `end`, in one transaction; what changed, by table name.

    Raises LedgerError where a row is not of those dates, or refers to a row that is not in the ledger.
    """
    results = {}
    with writing(engine, "trading") as (connection, at):
        for table, day in _TABLES:
            values = getattr(record, table.name)
            rows = rows_of(connection, table, values, mode=account.mode, extra=partial(_EXTRA[table.name], account))
            # A fill without an order was told by a broker: no replay has made it, and none takes it away.
            such_that = _has_order if table is executions else None
            scope = Scope({"account_id": [account.account_id]}, {day: (start, end)}, such_that)
            results[table.name] = replace_scope(connection, table, rows, scope=scope, at=at)
        audit.append_replacements(connection, results, subject=f"account {account.account_id} {start}..{end}")
    return results


def _has_order(table: Table) -> ColumnElement[bool]:
    condition: ColumnElement[bool] = table.c.order_id.is_not(None)
    return condition


def read_risk_decisions(engine: Engine, **selection: Unpack[Selection]) -> list[RiskDecision]:
    """What risk said, in the order in which it was decided."""
    table = risk_decisions
    where = selected(table, table.c.session_date, selection)
    order = (table.c.decided_at, table.c.risk_decision_id)
    return read_values(engine, table, RiskDecision, where=where, order=order, decoders={"checks": _checks})


def read_orders(engine: Engine, **selection: Unpack[Selection]) -> list[Order]:
    """Orders in the order in which they were submitted."""
    where = selected(orders, orders.c.session_date, selection)
    return read_values(engine, orders, Order, where=where, order=(orders.c.submitted_at, orders.c.order_id))


def read_order_events(engine: Engine, **selection: Unpack[Selection]) -> list[OrderEvent]:
    """The steps of orders' lives in time; of one order, in sequence."""
    table = order_events
    where = selected(table, table.c.session_date, selection)
    order = (table.c.session_date, table.c.occurred_at, table.c.order_id, table.c.sequence)
    return read_values(engine, table, OrderEvent, where=where, order=order)


def read_executions(engine: Engine, **selection: Unpack[Selection]) -> list[Execution]:
    """Fills as they stand, corrected and charged, in time; those of one instant by order."""
    effective = EffectiveExecutions(selection.get("as_of"))
    return effective.read(engine, where=selected(executions, effective.trade_date, selection))


def read_cash_transactions(engine: Engine, **selection: Unpack[Selection]) -> list[CashTransaction]:
    """Cash that no fill moved, by session."""
    table = cash_transactions
    where = selected(table, table.c.session_date, selection)
    return read_values(
        engine, table, CashTransaction, where=where, order=(table.c.session_date, table.c.cash_transaction_id)
    )


def read_positions(engine: Engine, **selection: Unpack[Selection]) -> list[Position]:
    """Holdings at each close, by session, account and symbol."""
    table = positions
    where = selected(table, table.c.session_date, selection)
    order = (table.c.session_date, table.c.account_id, symbols.c.ticker)
    return read_values(engine, table, Position, where=where, order=order)


def read_balances(engine: Engine, **selection: Unpack[Selection]) -> list[Balance]:
    """Cash and equity at each close, by session and account."""
    where = selected(balances, balances.c.session_date, selection)
    order = (balances.c.session_date, balances.c.account_id)
    return read_values(engine, balances, Balance, where=where, order=order)


def _checks(cells: list[dict[str, Any]]) -> tuple[RiskCheck, ...]:
    return tuple(
        RiskCheck(cell["name"], cell["is_passed"], limit=Decimal(cell["limit"]), value=Decimal(cell["value"]))
        for cell in cells
    )


def _nothing(_account: Account, _value: object) -> dict[str, Any]:
    return {}


def decision_extra(_: Account, decision: RiskDecision) -> dict[str, Any]:
    """What the row of a risk decision holds that its fields do not: the checks as JSON."""
    return {
        "checks": [
            {"name": check.name, "is_passed": check.is_passed, "limit": str(check.limit), "value": str(check.value)}
            for check in decision.checks
        ]
    }


def order_event_extra(account_id: str, event: OrderEvent) -> dict[str, Any]:
    """What the row of an order event holds that its fields do not: its id and its account."""
    parts = (event.order_id, event.sequence, event.status, event.occurred_at, event.session_date, event.reason)
    return {"order_event_id": deterministic_id("step", *parts), "account_id": account_id}


def _event_extra(account: Account, event: OrderEvent) -> dict[str, Any]:
    return order_event_extra(account.account_id, event)


def balance_extra(_: Account, balance: Balance) -> dict[str, Any]:
    """What the row of a balance holds that its fields do not: its id."""
    parts = (balance.account_id, balance.session_date, balance.cash, balance.equity)
    return {"balance_id": deterministic_id("bal", *parts)}


#: What the rows of a table hold beyond the fields of their values.
_EXTRA: Final[Mapping[str, Callable[[Account, Any], dict[str, Any]]]] = {
    table.name: _nothing for table, _ in _TABLES
} | {"risk_decisions": decision_extra, "order_events": _event_extra, "balances": balance_extra}
