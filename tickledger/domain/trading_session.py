"""A session as a process that trades one account for one day: its states, and the requests to pause it.

What a session decided and did is in the record of its orders; this is about the process itself, so that whoever
watches it (a sensor, an operator, a session that waits to take over) knows how it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from tickledger.domain.account import Mode


class SessionState(StrEnum):
    """How a session is. WAITING: for the lease that another holds. SUPERSEDED: another took its place."""

    WAITING = "waiting"
    STARTING = "starting"
    WARMING = "warming"
    RUNNING = "running"
    PAUSED = "paused"
    DEGRADED = "degraded"
    STOPPING = "stopping"
    ENDED = "ended"
    FAILED = "failed"
    SUPERSEDED = "superseded"

    @property
    def is_over(self) -> bool:
        """Whether a session in this state does nothing any more, and never will."""
        return self in {SessionState.ENDED, SessionState.FAILED, SessionState.SUPERSEDED}


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """A session process as it was last told.

    `epoch` is that of its lease, None until it has one. `started_at`, `heartbeat_at` and `ended_at` are by the
    database's clock, `market_at` is the market's time at the last heartbeat, which in a replay is another.
    `heartbeat_age` is how many seconds ago the last heartbeat was when this was read, by the database's clock.
    """

    session_id: str
    account_id: str
    mode: Mode
    session_date: date
    state: SessionState
    strategy: str
    host: str
    pid: int
    started_at: datetime
    heartbeat_at: datetime
    heartbeat_age: float
    epoch: int | None = None
    market_at: datetime | None = None
    ended_at: datetime | None = None
    dagster_run_id: str | None = None
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SessionStep:
    """One change of a session's state, or of why it is in it; `recorded_at` is by the database's clock."""

    session_id: str
    state: SessionState
    reason: str
    recorded_at: datetime


class TradingControlKind(StrEnum):
    """What an operator asks of whatever session trades an account."""

    PAUSE = "pause"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class PauseState:
    """Whether an account's sessions are to pause, and who asked last; all empty where nobody ever did.

    A pause outlives sessions and days: it holds until somebody resumes. `unreadable` says why the state could not be
    read: then it counts as paused.
    """

    is_requested: bool = False
    actor: str = ""
    reason: str = ""
    requested_at: datetime | None = None
    sequence: int = 0
    unreadable: str = ""

    @property
    def is_paused(self) -> bool:
        """Whether no new order may be decided."""
        return self.is_requested or bool(self.unreadable)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right of one process to trade an account, as the record has it; instants are by the database's clock.

    `epoch` grows by one at each acquisition. `holder` says which process it is: host, process id, session id. It is
    over at `expires_at` unless it is renewed, and at once where it was released.
    """

    account_id: str
    epoch: int
    holder: str
    acquired_at: datetime
    renewed_at: datetime
    expires_at: datetime
    released_at: datetime | None = None
