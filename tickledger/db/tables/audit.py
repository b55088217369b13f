"""The audit log: what was done to the ledger, each entry holding the hash of the one before it."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Table
from sqlalchemy.dialects.postgresql import JSONB

from tickledger.db.tables import columns as c

# Written by `tickledger.db.audit` alone: each entry holds the hash of the one before it.
audit_log = Table(
    "audit_log",
    c.METADATA,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    c.instant("recorded_at"),
    c.words("actor"),
    c.words("action"),
    c.words("subject"),
    Column("details", JSONB, nullable=False),
    c.words("previous_hash"),
    c.words("hash"),
)

# The last entry of the log, so that one cut off its end is missed.
audit_head = Table(
    "audit_head",
    c.METADATA,
    Column("is_only_row", Boolean, primary_key=True),
    Column("sequence", BigInteger, nullable=False),
    c.words("hash"),
    CheckConstraint("is_only_row", name="has_one_row"),
)
