"""Sessions as processes: who may trade an account, which processes do or did, and the requests to pause them.

`leases` and `trading_sessions` say how things are and are brought up to date in place; the other two are records.
"""

from sqlalchemy import BigInteger, CheckConstraint, Column, Identity, Index, Integer, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from tickledger.db.tables import columns as c
from tickledger.domain.trading_session import SessionState, TradingControlKind

# One row for each account that was ever traded. Never deleted: the epoch has to grow for ever, so that one of an
# earlier holder never comes again. `tickledger.db.lease` alone writes it; its instants are the database's.
leases = Table(
    "leases",
    c.METADATA,
    Column("account_id", Text, primary_key=True),
    c.words("mode"),
    c.same(("account_id", "mode"), "accounts"),
    Column("epoch", BigInteger, nullable=False),
    c.words("holder"),
    c.instant("acquired_at"),
    c.instant("renewed_at"),
    c.instant("expires_at"),
    c.instant("released_at", nullable=True),
    CheckConstraint("epoch >= 1", name="epoch_counts_from_one"),
)

_OVER = ", ".join(f"'{state}'" for state in SessionState if state.is_over)

trading_sessions = Table(
    "trading_sessions",
    c.METADATA,
    c.identifier("session_id"),
    *c.account(),
    c.day("session_date"),
    Column("epoch", BigInteger, nullable=True),
    c.words("state"),
    c.words("strategy"),
    c.words("host"),
    Column("pid", Integer, nullable=False),
    c.words("dagster_run_id", nullable=True),
    c.instant("started_at"),
    c.instant("heartbeat_at"),
    c.instant("market_at", nullable=True),
    c.instant("ended_at", nullable=True),
    Column("detail", JSONB, nullable=False),
    c.one_of("state", SessionState),
    CheckConstraint(f"(ended_at IS NOT NULL) = (state IN ({_OVER}))", name="ends_when_it_is_over"),
    Index(None, "account_id", "session_date"),
)
Index("ix_trading_sessions_latest", trading_sessions.c.account_id, trading_sessions.c.started_at.desc())

trading_session_events = Table(
    "trading_session_events",
    c.METADATA,
    Column("sequence", BigInteger, Identity(always=True), primary_key=True),
    c.refers("session_id", "trading_sessions.session_id"),
    c.words("state"),
    c.words("reason"),
    c.recorded(),
    c.one_of("state", SessionState),
    Index(None, "session_id", "sequence"),
)

# The last request of an account counts.
trading_controls = Table(
    "trading_controls",
    c.METADATA,
    Column("sequence", BigInteger, Identity(always=True), primary_key=True),
    *c.account(),
    c.words("kind"),
    c.words("actor"),
    c.words("reason"),
    c.instant("requested_at"),
    c.recorded(),
    c.one_of("kind", TradingControlKind),
    Index(None, "account_id", "sequence"),
)
