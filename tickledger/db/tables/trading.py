"""What trades: accounts, limits, decisions, orders, executions, cash, and what they add up to each session.

Every row carries its account's mode. An order is for the account and symbol its risk decision was about, and
an execution for those of its order: composite keys say so. The signal behind both is of their symbol, or of one that a
recorded corporate action turned into it: a trigger says that.
"""

from sqlalchemy import Boolean, CheckConstraint, Column, Index, Integer, Table, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB

from tickledger.db.tables import columns as c
from tickledger.domain.account import AccountKind, Mode
from tickledger.domain.execution import CashKind
from tickledger.domain.order import (
    CONTROL_LIMIT_UNITS,
    RISK_LIMIT_UNITS,
    OrderSide,
    OrderStatus,
    OrderType,
    TimeInForce,
)
from tickledger.execution.order_journal import AmendmentSource

accounts = Table(
    "accounts",
    c.METADATA,
    c.identifier("account_id"),
    c.words("mode"),
    c.words("kind"),
    c.words("owner"),
    c.recorded(),
    UniqueConstraint("account_id", "mode"),
    c.one_of("mode", Mode),
    c.one_of("kind", AccountKind),
)

risk_limits = Table(
    "risk_limits",
    c.METADATA,
    c.identifier("risk_limit_id"),
    *c.account(),
    c.words("name"),
    c.number("value"),
    c.day("effective_from"),
    c.recorded(),
    c.superseded(),
    c.one_of("name", [*RISK_LIMIT_UNITS, *CONTROL_LIMIT_UNITS]),
    c.positive("value"),
    c.only_current("account_id", "name", "effective_from"),
)

risk_decisions = Table(
    "risk_decisions",
    c.METADATA,
    c.identifier("risk_decision_id"),
    *c.account(),
    c.symbol(),
    c.refers("signal_id", "signals.signal_id"),
    c.words("side"),
    c.number("requested_quantity"),
    c.number("approved_quantity"),
    Column("is_approved", Boolean, nullable=False),
    c.words("reason"),
    c.instant("decided_at"),
    c.day("session_date"),
    Column("checks", JSONB, nullable=False),
    c.recorded(),
    c.superseded(),
    UniqueConstraint("risk_decision_id", "account_id", "symbol_id"),
    c.one_of("side", OrderSide),
    c.positive("requested_quantity"),
    CheckConstraint("approved_quantity BETWEEN 0 AND requested_quantity", name="approves_no_more_than_asked"),
    CheckConstraint("is_approved = (approved_quantity > 0)", name="approval_has_a_quantity"),
    Index(None, "account_id", "session_date"),
)

orders = Table(
    "orders",
    c.METADATA,
    c.identifier("order_id"),
    *c.account(),
    c.symbol(),
    c.refers("signal_id", "signals.signal_id"),
    c.words("risk_decision_id"),
    c.refers("parent_order_id", "orders.order_id", nullable=True),
    c.words("side"),
    c.words("order_type"),
    c.number("quantity"),
    c.number("limit_price", nullable=True),
    c.number("stop_price", nullable=True),
    c.words("time_in_force"),
    c.instant("submitted_at"),
    c.day("session_date"),
    c.recorded(),
    c.superseded(),
    c.same(("risk_decision_id", "account_id", "symbol_id"), "risk_decisions"),
    UniqueConstraint("order_id", "account_id", "symbol_id"),
    UniqueConstraint("order_id", "account_id"),
    c.one_of("side", OrderSide),
    c.one_of("order_type", OrderType),
    c.one_of("time_in_force", TimeInForce),
    c.positive("quantity", "limit_price", "stop_price"),
    CheckConstraint(
        "(limit_price IS NOT NULL) = (order_type IN ('LIMIT', 'STOP_LIMIT'))", name="limit_price_where_it_limits"
    ),
    CheckConstraint(
        "(stop_price IS NOT NULL) = (order_type IN ('STOP', 'STOP_LIMIT'))", name="stop_price_where_it_stops"
    ),
    Index(None, "account_id", "session_date"),
)
Index("ix_orders_symbol_id_submitted_at", orders.c.symbol_id, orders.c.submitted_at.desc())

order_events = Table(
    "order_events",
    c.METADATA,
    c.identifier("order_event_id"),
    *c.account(),
    c.words("order_id"),
    Column("sequence", Integer, nullable=False),
    c.words("status"),
    c.instant("occurred_at"),
    c.day("session_date"),
    c.words("reason"),
    c.recorded(),
    c.superseded(),
    c.same(("order_id", "account_id"), "orders"),
    c.one_of("status", OrderStatus),
    CheckConstraint("sequence >= 0", name="sequence_counts_from_zero"),
    c.only_current("order_id", "sequence"),
    Index(None, "order_id"),
    Index(None, "account_id", "session_date"),
    Index(None, "account_id", "status", "order_id", postgresql_where="superseded_at IS NULL"),
)

# What of an order in force changed, whether we asked for it or found the broker to have it so. Empty: as before.
order_modifications = Table(
    "order_modifications",
    c.METADATA,
    c.identifier("order_modification_id"),
    *c.account(),
    c.words("order_id"),
    Column("sequence", Integer, nullable=False),
    c.number("quantity", nullable=True),
    c.number("limit_price", nullable=True),
    c.number("stop_price", nullable=True),
    c.words("source"),
    c.instant("amended_at"),
    c.day("session_date"),
    c.recorded(),
    c.same(("order_id", "account_id"), "orders"),
    UniqueConstraint("order_id", "sequence"),
    c.one_of("source", AmendmentSource),
    c.positive("quantity", "limit_price", "stop_price"),
    CheckConstraint("num_nonnulls(quantity, limit_price, stop_price) > 0", name="changes_something"),
    CheckConstraint("sequence >= 0", name="sequence_counts_from_zero"),
    Index(None, "account_id", "session_date"),
)

# `bar_*` is empty where a broker reports a fill: then the market made the price, not a bar. `order_id` is empty where
# the order was not ours: entered by hand, or by another program; its figures in force are in `foreign_executions`.
executions = Table(
    "executions",
    c.METADATA,
    c.identifier("execution_id"),
    *c.account(),
    c.symbol(),
    c.words("order_id", nullable=True),
    c.words("side"),
    c.number("quantity"),
    c.number("price"),
    c.number("commission"),
    c.number("fees"),
    Column("commission_is_estimated", Boolean, nullable=False),
    c.instant("executed_at"),
    c.day("trade_date"),
    c.words("exchange"),
    *c.bar(nullable=True),
    c.recorded(),
    c.superseded(),
    c.same(("order_id", "account_id", "symbol_id"), "orders"),
    c.one_of("side", OrderSide),
    c.positive("quantity", "price"),
    c.finite("commission", "fees"),
    Index(None, "order_id"),
    Index(None, "account_id", "trade_date"),
)
Index("ix_executions_symbol_id_executed_at", executions.c.symbol_id, executions.c.executed_at.desc())

# What took the place of an execution's figures; `corrects` is the id it names, which may never have been told.
execution_corrections = Table(
    "execution_corrections",
    c.METADATA,
    c.identifier("correction_id"),
    *c.account(),
    c.refers("execution_id", "executions.execution_id"),
    Column("sequence", Integer, nullable=False),
    c.words("corrects"),
    c.number("quantity"),
    c.number("price"),
    c.instant("executed_at"),
    c.day("trade_date"),
    c.recorded(),
    UniqueConstraint("execution_id", "sequence"),
    c.not_negative("quantity"),
    c.positive("price"),
    CheckConstraint("sequence >= 0", name="sequence_counts_from_zero"),
    CheckConstraint("corrects <> correction_id", name="corrects_another"),
)

# What a fill cost, fees included, told apart from it; the last of an execution counts.
commission_reports = Table(
    "commission_reports",
    c.METADATA,
    c.identifier("commission_report_id"),
    *c.account(),
    c.refers("execution_id", "executions.execution_id"),
    Column("sequence", Integer, nullable=False),
    c.words("reported_execution_id"),
    c.number("commission"),
    c.words("currency"),
    c.number("realized_pnl", nullable=True),
    c.instant("reported_at"),
    c.recorded(),
    UniqueConstraint("execution_id", "sequence"),
    c.finite("commission", "realized_pnl"),
    CheckConstraint("sequence >= 0", name="sequence_counts_from_zero"),
)

# Fills of orders that are not ours: entered by hand, or by another program. They move positions and cash.
foreign_executions = Table(
    "foreign_executions",
    c.METADATA,
    c.identifier("foreign_execution_id"),
    *c.account(),
    c.symbol(),
    c.words("execution_id"),
    c.words("reported_execution_id"),
    c.words("broker_order_id"),
    c.words("order_reference"),
    c.words("side"),
    c.number("quantity"),
    c.number("price"),
    c.number("commission"),
    c.number("fees"),
    Column("commission_is_estimated", Boolean, nullable=False),
    c.instant("executed_at"),
    c.day("trade_date"),
    c.words("exchange"),
    c.words("corrects"),
    c.recorded(),
    c.superseded(),
    c.one_of("side", OrderSide),
    c.not_negative("quantity"),
    c.positive("price"),
    c.finite("commission", "fees"),
    c.only_current("account_id", "execution_id"),
    Index(None, "account_id", "trade_date"),
)

cash_transactions = Table(
    "cash_transactions",
    c.METADATA,
    c.identifier("cash_transaction_id"),
    *c.account(),
    c.words("kind"),
    c.number("amount"),
    c.day("session_date"),
    c.symbol(nullable=True),
    c.refers("corporate_action_id", "corporate_actions.corporate_action_id", nullable=True),
    c.words("description"),
    c.recorded(),
    c.superseded(),
    c.one_of("kind", CashKind),
    c.finite("amount"),
    Index(None, "account_id", "session_date"),
)

positions = Table(
    "positions",
    c.METADATA,
    c.identifier("position_id"),
    *c.account(),
    c.symbol(),
    c.day("session_date"),
    c.number("quantity"),
    c.number("average_cost"),
    c.number("close"),
    c.number("unrealized_pnl"),
    c.day("opened_date"),
    *c.bar(),
    c.recorded(),
    c.superseded(),
    c.finite("quantity", "average_cost", "unrealized_pnl"),
    c.positive("close"),
    CheckConstraint("opened_date <= session_date", name="opened_before_it_is_marked"),
    c.only_current("account_id", "session_date", "symbol_id"),
)

balances = Table(
    "balances",
    c.METADATA,
    c.identifier("balance_id"),
    *c.account(),
    c.day("session_date"),
    c.number("cash"),
    c.number("equity"),
    c.recorded(),
    c.superseded(),
    c.finite("cash", "equity"),
    c.only_current("account_id", "session_date"),
)
