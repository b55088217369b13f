"""The kill switch: who stopped and resumed trading, and what was done about it."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, ForeignKey, Identity, Index, Table

from tickledger.db.tables import columns as c
from tickledger.domain.kill_switch import KillSwitchEventKind

# No foreign key on the account: while trading is being stopped, a row must never be refused.
kill_switch_events = Table(
    "kill_switch_events",
    c.METADATA,
    Column("sequence", BigInteger, Identity(always=True), primary_key=True),
    c.words("kind"),
    c.words("actor"),
    c.words("reason"),
    Column("flattens", Boolean, nullable=False),
    Column("answers", BigInteger, ForeignKey("kill_switch_events.sequence"), nullable=True),
    c.words("obeying_account", nullable=True),
    c.words("symbol", nullable=True),
    c.instant("occurred_at"),
    c.recorded(),
    c.one_of("kind", KillSwitchEventKind),
    CheckConstraint("(kind IN ('engaged', 'resumed')) = (answers IS NULL)", name="steps_answer"),
    CheckConstraint("kind = 'engaged' OR NOT flattens", name="only_engaging_flattens"),
)
Index(
    "ix_kill_switch_events_requests",
    kill_switch_events.c.sequence,
    postgresql_where=kill_switch_events.c.answers.is_(None),
)
