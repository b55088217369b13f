"""Signals, orders and fills as the files that people and other programs read (columns: docs/formats.md)."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from decimal import Decimal
from typing import Final

from tickledger.domain.account import Account
from tickledger.domain.corporate_action import CorporateAction
from tickledger.domain.execution import Execution
from tickledger.domain.order import Order, OrderEvent, OrderStatus
from tickledger.domain.signal import Signal
from tickledger.reporting.pnl import DailyPnl
from tickledger.reporting.table import Table
from tickledger.tax.fills import LotChoice

Row = Mapping[str, object]

SIGNAL_COLUMNS: Final = (
    "signal_id",
    "symbol",
    "signalled_at",
    "signal_type",
    "confidence",
    "strategy",
    "model_version",
    "feature_row_id",
)
ORDER_COLUMNS: Final = (
    "order_id",
    "parent_order_id",
    "signal_id",
    "symbol",
    "side",
    "order_type",
    "quantity",
    "limit_price",
    "stop_price",
    "time_in_force",
    "status",
    "submitted_at",
    "reason",
)
FILL_COLUMNS: Final = (
    "execution_id",
    "order_id",
    "account",
    "symbol",
    "side",
    "quantity",
    "price",
    "commission",
    "executed_at",
)


def signals_table(signals: Iterable[Signal]) -> Table:
    """signals.csv, in the order given."""
    rows = [
        {
            "signal_id": signal.signal_id,
            "symbol": signal.symbol,
            "signalled_at": signal.signalled_at.isoformat(),
            "signal_type": signal.signal_type,
            "confidence": f"{signal.confidence:.6f}",
            "strategy": signal.strategy,
            "model_version": signal.model_version_id or "",
            "feature_row_id": signal.feature_row_id,
        }
        for signal in signals
    ]
    return Table(columns=SIGNAL_COLUMNS, rows=rows)


def orders_table(orders: Iterable[Order], events: Iterable[OrderEvent]) -> Table:
    """orders.csv; status and reason are those of each order's last event."""
    last = {event.order_id: event for event in sorted(events, key=lambda event: event.sequence)}
    return Table(columns=ORDER_COLUMNS, rows=[_order_row(order, last.get(order.order_id)) for order in orders])


def _order_row(order: Order, last: OrderEvent | None) -> Row:
    return {
        "order_id": order.order_id,
        "parent_order_id": order.parent_order_id or "",
        "signal_id": order.signal_id,
        "symbol": order.symbol,
        "side": order.side,
        "order_type": order.order_type,
        "quantity": f"{order.quantity:f}",
        "limit_price": "" if order.limit_price is None else f"{order.limit_price:f}",
        "stop_price": "" if order.stop_price is None else f"{order.stop_price:f}",
        "time_in_force": order.time_in_force,
        "status": OrderStatus.PENDING if last is None else last.status,
        "submitted_at": order.submitted_at.isoformat(),
        "reason": "" if last is None else last.reason,
    }


def fills_table(executions: Iterable[Execution], *, lots: Mapping[str, tuple[LotChoice, ...]] | None = None) -> Table:
    """fills.csv: `commission` is the broker's charge and the regulatory fees together.

    Where `lots` were identified at sales, by execution, the table has the column that names them.
    """
    chosen = {} if lots is None else {name: _choices(choices) for name, choices in lots.items()}
    columns = FILL_COLUMNS if lots is None else (*FILL_COLUMNS, "lots")
    rows: list[Row] = [
        {
            "execution_id": execution.execution_id,
            "order_id": execution.order_id,
            "account": execution.account_id,
            "symbol": execution.symbol,
            "side": execution.side,
            "quantity": f"{execution.quantity:f}",
            "price": f"{execution.price:f}",
            "commission": f"{execution.commission + execution.fees:f}",
            "executed_at": execution.executed_at.isoformat(),
            **({} if lots is None else {"lots": chosen.get(execution.execution_id, "")}),
        }
        for execution in executions
    ]
    return Table(columns=columns, rows=rows)


def _choices(choices: tuple[LotChoice, ...]) -> str:
    return ";".join(f"{choice.open_execution_id}:{choice.quantity:f}" for choice in choices)


def accounts_table(accounts: Iterable[Account]) -> Table:
    """accounts.csv: whose each account is, and whether its money is real."""
    columns = ("account", "kind", "owner", "mode")
    rows = [
        {"account": one.account_id, "kind": one.kind, "owner": one.owner, "mode": one.mode}
        for one in sorted(accounts, key=lambda one: one.account_id)
    ]
    return Table(columns=columns, rows=rows)


def corporate_actions_table(actions: Iterable[CorporateAction]) -> Table:
    """corporate_actions.csv; ratios are exact fractions."""
    names = ("symbol", "ex_date", "kind", "ratio", "amount", "new_symbol", "fmv_old", "fmv_new", "cash_in_lieu")
    rows = [{name: _told(getattr(action, name)) for name in names} for action in actions]
    return Table(columns=names, rows=rows)


def _told(value: object) -> str:
    return "" if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)


def daily_pnl_table(rows: Iterable[DailyPnl]) -> Table:
    """daily_pnl.csv: the fields of `DailyPnl`, USD."""
    return Table(columns=[field.name for field in fields(DailyPnl)], rows=[asdict(row) for row in rows])
