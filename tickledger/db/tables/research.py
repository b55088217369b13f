"""What is thought of the bars: feature rows behind signals, model versions, signals."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from tickledger.db.tables import columns as c
from tickledger.domain.signal import SignalType

# Feature rows live in Parquet; those behind a signal are copied here so that a foreign key can reach them.
feature_snapshots = Table(
    "feature_snapshots",
    c.METADATA,
    c.identifier("feature_row_id"),
    c.symbol(),
    *c.bar(),
    Column("features", JSONB, nullable=False),
    c.recorded(),
    UniqueConstraint("feature_row_id", "symbol_id"),
    Index(None, "symbol_id", "bar_at"),
)

model_versions = Table(
    "model_versions",
    c.METADATA,
    c.identifier("model_version_id"),
    c.words("name"),
    Column("version", Integer, nullable=False),
    c.words("algorithm"),
    Column("trained_for_year", Integer, nullable=False),
    c.day("train_start_date"),
    c.day("train_end_date"),
    c.words("feature_set"),
    Column("feature_names", ARRAY(Text), nullable=False),
    c.words("data_sha256"),
    c.words("fingerprint"),
    c.words("git_commit"),
    c.words("git_diff_sha256"),
    c.words("mlflow_run_id"),
    Column("parameters", JSONB, nullable=False),
    Column("metrics", JSONB, nullable=False),
    c.recorded(),
    UniqueConstraint("name", "version"),
    UniqueConstraint("model_version_id", "name", "trained_for_year"),
    CheckConstraint("train_start_date <= train_end_date", name="training_ends_after_it_starts"),
    CheckConstraint("train_end_date < make_date(trained_for_year, 1, 1)", name="training_saw_the_past_only"),
)

# The champion of a name and year is the one promoted last; a promotion is never taken back, only followed.
model_promotions = Table(
    "model_promotions",
    c.METADATA,
    Column("promotion_id", BigInteger, Identity(always=True), primary_key=True),
    c.words("model_version_id"),
    c.words("name"),
    Column("trained_for_year", Integer, nullable=False),
    c.recorded(),
    c.same(("model_version_id", "name", "trained_for_year"), "model_versions"),
    Index(None, "name", "trained_for_year"),
)

# `model_version_id` is empty where no model was asked: the rule-based strategies.
signals = Table(
    "signals",
    c.METADATA,
    c.identifier("signal_id"),
    c.symbol(),
    c.day("session_date"),
    c.instant("signalled_at"),
    c.words("signal_type"),
    Column("confidence", Float(53), nullable=False),
    c.words("strategy"),
    c.words("feature_row_id"),
    c.refers("model_version_id", "model_versions.model_version_id", nullable=True),
    Column("metadata", JSONB, nullable=False),
    c.recorded(),
    c.superseded(),
    c.same(("feature_row_id", "symbol_id"), "feature_snapshots"),
    UniqueConstraint("signal_id", "symbol_id"),
    c.one_of("signal_type", SignalType),
    CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence_is_a_fraction"),
)
Index("ix_signals_symbol_id_signalled_at", signals.c.symbol_id, signals.c.signalled_at.desc())
Index("ix_signals_current", signals.c.session_date, postgresql_where=signals.c.superseded_at.is_(None))

signal_components = Table(
    "signal_components",
    c.METADATA,
    Column("signal_id", Text, ForeignKey("signals.signal_id"), primary_key=True),
    Column("component_id", Text, ForeignKey("signals.signal_id"), primary_key=True),
    Column("ordinal", Integer, nullable=False),
    c.recorded(),
    CheckConstraint("signal_id <> component_id", name="no_signal_is_its_own_part"),
)
