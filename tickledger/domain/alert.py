"""Alerts: what a person is told at once, wherever they are, and how urgent it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Protocol

from tickledger.domain.account import Mode


class AlertKind(StrEnum):
    """What an alert is about."""

    FILL = "fill"
    REJECT = "reject"
    RISK_STOP = "risk_stop"
    STALE_DATA = "stale_data"
    RECONCILIATION_BREAK = "reconciliation_break"
    RUN_FAILURE = "run_failure"
    KILL_SWITCH = "kill_switch"
    SESSION = "session"
    DATABASE_DOWN = "database_down"
    BROKER_DOWN = "broker_down"
    READINESS = "readiness"


class AlertSeverity(StrEnum):
    """How soon a person should look. Alerts that are CRITICAL go ahead of all others."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for INFO, rising with the urgency."""
        return _RANKS[self]


_RANKS: Final = {severity: rank for rank, severity in enumerate(AlertSeverity)}


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that happened and that a person should know.

    `title` names it in few words, with symbol and amount where there are any; the mode is shown beside it by whoever
    sends it. `facts` are names and values, shown in their order. Alerts of one `dedup_key` are the same thing happening
    again: within a while only the first is sent, the others are counted. An alert with an empty key is never taken for
    another. `account_id` is None where all accounts are meant.
    """

    kind: AlertKind
    severity: AlertSeverity
    title: str
    body: str
    occurred_at: datetime
    account_id: str | None
    mode: Mode
    dedup_key: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


class Alerts(Protocol):
    """Where alerts go. `notify` never blocks and never raises, whatever becomes of the alert."""

    def notify(self, alert: Alert) -> None: ...
