"""What others say of an account, and where it differs from the ledger: statements, comparisons and breaks.

A statement is kept whole, as it came. A break is known by what differs; what is said of it (its worth, its explanation)
may change from evening to evening, and the versions take each other's place. Its state is the last of its events.
Subjects, causes and kinds of corrections are words of `tickledger.reconciliation.breaks`.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
)
from sqlalchemy.dialects.postgresql import JSONB

from tickledger.db.tables import columns as c
from tickledger.reconciliation.breaks import BreakState, SourceName

# `content` is the file itself, compressed by zlib; its name and hash are those of the ingestion.
statement_files = Table(
    "statement_files",
    c.METADATA,
    Column("ingestion_id", Text, ForeignKey("ingestions.ingestion_id"), primary_key=True),
    c.words("kind"),
    Column("size", BigInteger, nullable=False),
    Column("content", LargeBinary, nullable=False),
    c.recorded(),
    CheckConstraint("size >= 0", name="size_is_counted"),
)

# One account's part of a file. `broker_account` is as the broker writes it; it may be no account of the ledger.
statements = Table(
    "statements",
    c.METADATA,
    c.identifier("statement_id"),
    c.refers("ingestion_id", "statement_files.ingestion_id"),
    c.words("broker_account"),
    c.words("broker"),
    c.words("base_currency"),
    c.day("start_date", nullable=True),
    c.day("end_date", nullable=True),
    c.instant("generated_at", nullable=True),
    Column("is_complete", Boolean, nullable=False),
    Column("counts", JSONB, nullable=False),
    Column("accounting", JSONB, nullable=False),
    Column("problems", JSONB, nullable=False),
    c.recorded(),
    Index(None, "broker_account", "end_date"),
)

# Each time the ledger was held beside another source, whatever came of it.
reconciliations = Table(
    "reconciliations",
    c.METADATA,
    c.identifier("reconciliation_id"),
    *c.account(),
    c.words("against"),
    Column("subjects", JSONB, nullable=False),
    c.day("start_date"),
    c.day("end_date"),
    Column("matched", JSONB, nullable=False),
    Column("break_count", Integer, nullable=False),
    Column("statement_ids", JSONB, nullable=False),
    c.instant("compared_at"),
    c.recorded(),
    c.one_of("against", SourceName),
    CheckConstraint("start_date <= end_date", name="starts_before_it_ends"),
    CheckConstraint("break_count >= 0", name="breaks_are_counted"),
    Index(None, "account_id", "compared_at"),
)

reconciliation_breaks = Table(
    "reconciliation_breaks",
    c.METADATA,
    c.identifier("break_version_id"),
    c.words("break_id"),
    *c.account(),
    c.words("subject"),
    c.words("key"),
    c.words("cause"),
    c.day("session_date"),
    c.words("against"),
    c.words("field"),
    c.words("symbol"),
    c.words("ours"),
    c.words("theirs"),
    c.number("difference", nullable=True),
    c.words("unit"),
    c.number("money_at_stake"),
    c.words("detail"),
    c.words("where"),
    Column("because_of", JSONB, nullable=False),
    Column("correction", JSONB),
    c.recorded(),
    c.superseded(),
    c.one_of("against", SourceName),
    c.finite("difference"),
    c.not_negative("money_at_stake"),
    c.only_current("break_id"),
    Index(None, "account_id", "session_date"),
)

break_events = Table(
    "break_events",
    c.METADATA,
    Column("sequence", BigInteger, Identity(always=True), primary_key=True),
    c.words("break_id"),
    c.words("state"),
    c.instant("occurred_at"),
    c.day("session_date"),
    c.words("actor"),
    c.words("note"),
    c.refers("reconciliation_id", "reconciliations.reconciliation_id", nullable=True),
    c.recorded(),
    c.one_of("state", BreakState),
    Index(None, "break_id", "sequence"),
)

# What a person had recorded because of a break: `record_id` is the new row of the ledger, empty where there is none.
break_corrections = Table(
    "break_corrections",
    c.METADATA,
    c.identifier("break_correction_id"),
    c.words("break_id"),
    c.words("kind"),
    Column("record_values", JSONB, nullable=False),
    Column("record_id", Text, nullable=True),
    c.words("actor"),
    c.words("note"),
    c.instant("applied_at"),
    c.recorded(),
    Index(None, "break_id"),
)
