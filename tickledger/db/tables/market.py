"""What comes from outside: ingestions, instruments, bars, corporate actions, and what was refused."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from tickledger.db.tables import columns as c
from tickledger.domain.corporate_action import CorporateActionKind

ingestions = Table(
    "ingestions",
    c.METADATA,
    c.identifier("ingestion_id"),
    c.words("dataset"),
    c.words("source"),
    c.words("sha256"),
    c.day("window_start", nullable=True),
    c.day("window_end", nullable=True),
    c.recorded(),
)

# Reference data rather than a record: the description of a company is brought up to date in place.
symbols = Table(
    "symbols",
    c.METADATA,
    Column("symbol_id", Integer, Identity(always=True), primary_key=True),
    # Ordered by bytes, so that every server lists instruments in the same order.
    Column("ticker", Text(collation="C"), nullable=False, unique=True),
    c.words("company_name", nullable=True),
    c.words("sector", nullable=True),
    c.words("industry", nullable=True),
    c.words("exchange", nullable=True),
    c.recorded(),
    CheckConstraint("ticker <> ''", name="ticker_is_not_empty"),
)

# Declaratively partitioned by year; `market_data.ingest_bars` makes the partitions. A daily bar's instant
# is a label (its session date at 00:00Z); a minute bar belongs to the session of its New York date.
market_data = Table(
    "market_data",
    c.METADATA,
    Column("symbol_id", Integer, ForeignKey("symbols.symbol_id"), primary_key=True, autoincrement=False),
    Column("interval", Text, primary_key=True),
    Column("bar_at", c.INSTANT, primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column(
        "session_date",
        Date,
        Computed(
            "(bar_at AT TIME ZONE CASE WHEN interval = '1day' THEN 'UTC' ELSE 'America/New_York' END)::date",
            persisted=True,
        ),
    ),
    c.number("open"),
    c.number("high"),
    c.number("low"),
    c.number("close"),
    Column("volume", BigInteger, nullable=False),
    c.refers("ingestion_id", "ingestions.ingestion_id"),
    c.recorded(),
    c.superseded(),
    CheckConstraint("version >= 1", name="version_counts_from_one"),
    CheckConstraint("interval ~ '^[0-9]+(sec|min|hour|day|week|month)$'", name="interval_is_known"),
    CheckConstraint("low > 0 AND high < 'Infinity' AND volume >= 0", name="positive"),
    CheckConstraint("low <= open AND low <= close AND open <= high AND close <= high", name="range_holds_prices"),
    Index(
        "uq_market_data_current",
        "symbol_id",
        "interval",
        "bar_at",
        unique=True,
        postgresql_where="superseded_at IS NULL",
    ),
    postgresql_partition_by="RANGE (bar_at)",
)
Index("ix_market_data_symbol_id_bar_at", market_data.c.symbol_id, market_data.c.bar_at.desc())

corporate_actions = Table(
    "corporate_actions",
    c.METADATA,
    c.identifier("corporate_action_id"),
    c.symbol(),
    c.day("ex_date"),
    c.words("kind"),
    c.number("ratio", nullable=True),
    c.number("amount", nullable=True),
    c.symbol("new_symbol_id", nullable=True),
    c.number("fmv_old", nullable=True),
    c.number("fmv_new", nullable=True),
    c.number("cash_in_lieu", nullable=True),
    c.refers("ingestion_id", "ingestions.ingestion_id"),
    c.recorded(),
    c.superseded(),
    c.one_of("kind", CorporateActionKind),
    c.positive("ratio"),
    c.not_negative("amount", "fmv_old", "fmv_new", "cash_in_lieu"),
    Index(None, "symbol_id", "ex_date"),
)

quarantine = Table(
    "quarantine",
    c.METADATA,
    c.identifier("quarantine_id"),
    c.refers("ingestion_id", "ingestions.ingestion_id"),
    c.words("location"),
    Column("row_number", Integer),
    c.words("column_name", nullable=True),
    c.words("expected"),
    c.words("found"),
    c.words("severity"),
    Column("record", JSONB, nullable=False),
    c.recorded(),
    c.one_of("severity", ("error", "warning")),
    Index(None, "ingestion_id"),
)
