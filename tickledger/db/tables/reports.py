"""What is reported: daily P&L and performance per account, form lines and Schedule D per taxpayer and mode."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

from tickledger.db.tables import columns as c
from tickledger.domain.account import Mode

daily_pnl = Table(
    "daily_pnl",
    c.METADATA,
    c.identifier("daily_pnl_id"),
    *c.account(),
    c.day("session_date"),
    c.number("realized_pnl"),
    c.number("unrealized_pnl"),
    c.number("dividends"),
    c.number("total_pnl"),
    c.number("portfolio_value"),
    c.number("cash_balance"),
    Column("num_trades", Integer, nullable=False),
    c.recorded(),
    c.superseded(),
    c.finite("portfolio_value", "cash_balance", "realized_pnl", "unrealized_pnl", "dividends"),
    CheckConstraint("total_pnl = realized_pnl + unrealized_pnl + dividends", name="pnl_adds_up"),
    c.only_current("account_id", "session_date"),
)

# Ratios and returns are fractions; empty where they are not defined.
strategy_performance = Table(
    "strategy_performance",
    c.METADATA,
    c.identifier("strategy_performance_id"),
    *c.account(),
    c.words("strategy"),
    c.day("start_date"),
    c.day("session_date"),
    Column("num_signals", Integer, nullable=False),
    Column("num_trades", Integer, nullable=False),
    c.number("pnl"),
    Column("win_rate", Float(53)),
    Column("total_return", Float(53)),
    Column("annual_return", Float(53)),
    Column("annual_volatility", Float(53)),
    Column("sharpe_ratio", Float(53)),
    Column("sortino_ratio", Float(53)),
    Column("max_drawdown", Float(53)),
    Column("calmar_ratio", Float(53)),
    c.recorded(),
    c.superseded(),
    c.finite("pnl"),
    CheckConstraint("start_date <= session_date", name="starts_before_it_ends"),
    CheckConstraint("win_rate BETWEEN 0 AND 1", name="win_rate_is_a_fraction"),
    c.only_current("account_id", "strategy", "start_date", "session_date"),
)

# `date_acquired` is empty where the form says VARIOUS.
form_lines = Table(
    "form_lines",
    c.METADATA,
    c.identifier("line_id"),
    c.words("taxpayer"),
    c.words("mode"),
    Column("tax_year", Integer, nullable=False),
    c.words("part"),
    c.words("box"),
    c.words("description"),
    c.day("date_acquired", nullable=True),
    c.day("date_sold"),
    c.number("proceeds"),
    c.number("basis"),
    c.words("codes"),
    c.number("adjustment"),
    c.number("gain_loss"),
    Column("direct_entry", Boolean, nullable=False),
    c.words("watermark", nullable=True),
    c.recorded(),
    c.superseded(),
    c.one_of("mode", Mode),
    c.one_of("part", ("I", "II")),
    c.one_of("box", "ABCDEFGHIJKL"),
    CheckConstraint("(watermark IS NULL) = (mode = 'live')", name="watermark_unless_live"),
    CheckConstraint("gain_loss = proceeds - basis + adjustment", name="line_adds_up"),
    c.finite("proceeds", "basis", "adjustment", "gain_loss"),
    UniqueConstraint("line_id", "mode"),
    Index(None, "taxpayer", "mode", "tax_year"),
)

# A form holds gains of its own mode: simulated money never gets on a live form.
form_line_gains = Table(
    "form_line_gains",
    c.METADATA,
    Column("line_id", Text, primary_key=True),
    Column("gain_id", Text, primary_key=True),
    c.words("mode"),
    Column("ordinal", Integer, nullable=False),
    c.recorded(),
    c.same(("line_id", "mode"), "form_lines"),
    c.same(("gain_id", "mode"), "capital_gains"),
    Index(None, "gain_id"),
)

schedule_d = Table(
    "schedule_d",
    c.METADATA,
    c.identifier("schedule_d_id"),
    c.words("taxpayer"),
    c.words("mode"),
    Column("tax_year", Integer, nullable=False),
    Column("lines", JSONB, nullable=False),
    Column("results", JSONB, nullable=False),
    Column("carryover", JSONB, nullable=False),
    c.words("watermark", nullable=True),
    Column("assumptions", JSONB, nullable=False),
    c.recorded(),
    c.superseded(),
    c.one_of("mode", Mode),
    CheckConstraint("(watermark IS NULL) = (mode = 'live')", name="watermark_unless_live"),
    c.only_current("taxpayer", "mode", "tax_year"),
)

schedule_d_lines = Table(
    "schedule_d_lines",
    c.METADATA,
    Column("schedule_d_id", Text, ForeignKey("schedule_d.schedule_d_id"), primary_key=True),
    Column("line_id", Text, ForeignKey("form_lines.line_id"), primary_key=True),
    c.recorded(),
    Index(None, "line_id"),
)
