"""A channel: one way to reach a person, what it answered, and how often it may be used."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from tickledger.notifications.message import Message


class Outcome(StrEnum):
    """What became of one attempt. REFUSED: the same message would be refused again."""

    SENT = "sent"
    FAILED = "failed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a channel answered to a message; `detail` says it for a person, without secrets.

    `wait_seconds` is how long the channel asked to be left alone, whether it took the message or not.
    """

    outcome: Outcome
    detail: str = ""
    wait_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How many messages a channel takes: `burst` at once, then so many a minute."""

    per_minute: float
    burst: int


class Channel(Protocol):
    """Sends messages, from any thread. `send` ends within its time limit and tells failures by its answer.

    `target` says where the messages go, as far as that is no secret.
    """

    @property
    def name(self) -> str: ...

    @property
    def target(self) -> str: ...

    @property
    def pace(self) -> Pace: ...

    def send(self, message: Message) -> Delivery: ...
