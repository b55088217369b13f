"""The kill switch: what was asked of it, and what was done about it. Events are only ever added."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class KillSwitchEventKind(StrEnum):
    """What an event says. The first two are asked for by people; the others are the steps of whoever obeys."""

    ENGAGED = "engaged"
    RESUMED = "resumed"
    CANCEL_SENT = "cancel_sent"
    FLATTEN_SENT = "flatten_sent"
    FLATTEN_SKIPPED = "flatten_skipped"
    FAILED = "failed"
    CARRIED_OUT = "carried_out"


@dataclass(frozen=True, slots=True)
class KillSwitchEvent:
    """One event. `sequence` orders all of them and is given by the record (0 until then).

    `flattens` says of ENGAGED that positions are to be closed too. A step `answers` the sequence of the ENGAGED event
    it obeys; `obeying_account` is the account whose orders it is about, `symbol` the position of a flattening step.
    """

    kind: KillSwitchEventKind
    actor: str
    reason: str
    occurred_at: datetime
    flattens: bool = False
    answers: int | None = None
    obeying_account: str | None = None
    symbol: str | None = None
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class KillSwitchState:
    """Whether trading is stopped, and by whom; `event` is the latest that was asked for, None before the first.

    `unreadable` says why the state could not be read: then it counts as engaged.
    """

    event: KillSwitchEvent | None = None
    unreadable: str = ""

    @property
    def is_engaged(self) -> bool:
        """Whether nothing but reducing orders may go out."""
        is_asked = self.event is not None and self.event.kind is KillSwitchEventKind.ENGAGED
        return bool(self.unreadable) or is_asked

    @property
    def reason(self) -> str:
        """Why trading is stopped, in words; empty where it is not."""
        if self.unreadable:
            return f"the kill switch could not be read: {self.unreadable}"
        if self.event is None or not self.is_engaged:
            return ""
        why = self.event.reason or "no reason given"
        return f"engaged by {self.event.actor} at {self.event.occurred_at:%Y-%m-%d %H:%M:%S} UTC: {why}"
