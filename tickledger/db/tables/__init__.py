"""The tables of the ledger as SQLAlchemy Core sees them; the migrations are what makes them.

`market`, `research`, `trading`, `tax` and `reports` follow the lineage, each table after those it refers to;
`reconciliation` holds what others say beside it.
A record row carries `recorded_at`; a row that can be superseded also `superseded_at`.
"""

from tickledger.db.tables.audit import audit_head, audit_log
from tickledger.db.tables.columns import METADATA
from tickledger.db.tables.kill_switch import kill_switch_events
from tickledger.db.tables.market import corporate_actions, ingestions, market_data, quarantine, symbols
from tickledger.db.tables.order_costs import order_costs
from tickledger.db.tables.reconciliation import (
    break_corrections,
    break_events,
    reconciliation_breaks,
    reconciliations,
    statement_files,
    statements,
)
from tickledger.db.tables.reports import (
    attribution_effects,
    daily_pnl,
    form_line_gains,
    form_lines,
    period_returns,
    pnl_contributions,
    roll_forwards,
    schedule_d,
    schedule_d_lines,
    strategy_performance,
)
from tickledger.db.tables.research import (
    feature_snapshots,
    model_promotions,
    model_versions,
    signal_components,
    signals,
)
from tickledger.db.tables.tax import capital_gains, open_lots, tax_lots, wash_sales
from tickledger.db.tables.trading import (
    accounts,
    balances,
    cash_transactions,
    commission_reports,
    execution_corrections,
    executions,
    foreign_executions,
    order_events,
    order_modifications,
    orders,
    positions,
    risk_decisions,
    risk_limits,
)
from tickledger.db.tables.trading_sessions import (
    leases,
    trading_controls,
    trading_session_events,
    trading_sessions,
)

__all__ = [
    "METADATA",
    "accounts",
    "attribution_effects",
    "audit_head",
    "audit_log",
    "balances",
    "break_corrections",
    "break_events",
    "capital_gains",
    "cash_transactions",
    "commission_reports",
    "corporate_actions",
    "daily_pnl",
    "execution_corrections",
    "executions",
    "feature_snapshots",
    "foreign_executions",
    "form_line_gains",
    "form_lines",
    "ingestions",
    "kill_switch_events",
    "leases",
    "market_data",
    "model_promotions",
    "model_versions",
    "open_lots",
    "order_costs",
    "order_events",
    "order_modifications",
    "orders",
    "period_returns",
    "pnl_contributions",
    "positions",
    "quarantine",
    "reconciliation_breaks",
    "reconciliations",
    "risk_decisions",
    "risk_limits",
    "roll_forwards",
    "schedule_d",
    "schedule_d_lines",
    "signal_components",
    "signals",
    "statement_files",
    "statements",
    "strategy_performance",
    "symbols",
    "tax_lots",
    "trading_controls",
    "trading_session_events",
    "trading_sessions",
    "wash_sales",
]
