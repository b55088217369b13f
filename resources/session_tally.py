"""What a session has done so far, counted by an onlooker, for those who watch from outside."""

from collections import deque
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from tickledger.domain.errors import Problem
from tickledger.domain.market import BarsClosed
from tickledger.domain.trading_session import SessionState
from tickledger.execution.session import TurnNews


class Hindrance(StrEnum):
    """What keeps a session that trades from doing all that it could; the graver first."""

    BROKER = "the broker"
    RECORD = "the database"
    DATA = "market data"
    PAUSE = "paused"


_KEPT: Final = 10
#: The states of a session between its warm-up and its end.
_TRADING: Final = frozenset({SessionState.RUNNING, SessionState.PAUSED, SessionState.DEGRADED})


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """One session as it stands: counts since this process began, money as of the last close or the last bars."""

    session_id: str
    session_date: date
    state: SessionState
    reason: str
    market_at: datetime | None
    bars: int
    signals: int
    decisions: int
    refused: int
    orders: int
    fills: int
    problems: int
    equity: Decimal | None
    cash: Decimal | None


@dataclass(slots=True)
class SessionTally:
    """An onlooker that counts. `equity` and `cash` are set by whoever can value the account."""

    session_id: str
    session_date: date
    state: SessionState = SessionState.STARTING
    reason: str = ""
    market_at: datetime | None = None
    bars: int = 0
    signals: int = 0
    decisions: int = 0
    refused: int = 0
    fills: int = 0
    problems: int = 0
    equity: Decimal | None = None
    cash: Decimal | None = None
    last_problem: str = ""
    _hindrances: dict[Hindrance, str] = field(default_factory=dict)
    _recent: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT))
    _orders: set[str] = field(default_factory=set)

    def __call__(self, news: TurnNews) -> None:
        """Count what one event led to."""
        if isinstance(news.event, BarsClosed):
            self.bars += len(news.event.bars)
        self.market_at = news.event.occurred_at
        self.signals += len(news.signals)
        self.decisions += len(news.decisions)
        self.refused += sum(not decision.is_approved for decision in news.decisions)
        self._orders.update(state.order.order_id for state in news.orders)
        self.fills += len(news.fills)
        for problem in news.problems:
            self.note(problem)

    def note(self, problem: Problem) -> None:
        """Count a problem, and keep it among the latest."""
        self.problems += 1
        self.last_problem = str(problem)
        self._recent.append(self.last_problem)

    @property
    def recent_problems(self) -> tuple[str, ...]:
        """The latest problems, the newest last."""
        return tuple(self._recent)

    def begin_trading(self) -> None:
        """It is warm: from now on its state is what hindrances there are."""
        self.state = SessionState.RUNNING
        self._stand()

    def hinder(self, what: Hindrance, reason: str) -> None:
        """Something keeps it from trading as it should; PAUSED where somebody wants that, DEGRADED for all else."""
        self._hindrances[what] = reason
        self._stand()

    def clear(self, what: Hindrance) -> None:
        """That is over."""
        if self._hindrances.pop(what, None) is not None:
            self._stand()

    def _stand(self) -> None:
        if self.state not in _TRADING:
            return
        holding = [what for what in Hindrance if what in self._hindrances]
        if not holding:
            self.state, self.reason = SessionState.RUNNING, "trading"
            return
        self.state = SessionState.PAUSED if holding == [Hindrance.PAUSE] else SessionState.DEGRADED
        self.reason = "; ".join(f"{what}: {self._hindrances[what]}" for what in holding)

    def summary(self) -> SessionSummary:
        """The session as it stands."""
        return SessionSummary(
            session_id=self.session_id,
            session_date=self.session_date,
            state=self.state,
            reason=self.reason,
            market_at=self.market_at,
            bars=self.bars,
            signals=self.signals,
            decisions=self.decisions,
            refused=self.refused,
            orders=len(self._orders),
            fills=self.fills,
            problems=self.problems,
            equity=self.equity,
            cash=self.cash,
        )

    def detail(self) -> dict[str, object]:
        """What goes with a heartbeat."""
        told = self.summary()
        counts = {name: getattr(told, name) for name in ("bars", "signals", "decisions", "refused", "orders", "fills")}
        money = {name: str(value) for name in ("equity", "cash") if (value := getattr(told, name)) is not None}
        return {
            **counts,
            "problems": self.problems,
            "last_problem": self.last_problem,
            "recent_problems": list(self._recent),
            **money,
        }
