"""What a session's process is given in a scenario: ports at which it may die or be frozen, and what outlives it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from tests.chaos.process import Death, Durable, MortalBroker
from tests.chaos.session.record import Database, DurableRecord, Intentions
from tickledger.domain.broker import BrokerSnapshot
from tickledger.domain.market import MarketEvent
from tickledger.domain.ports import RemoteReport
from tickledger.domain.position import PortfolioState
from tickledger.execution.clock import MarketClock
from tickledger.execution.live_market import LiveMarket
from tickledger.execution.session_terms import SessionTerms


@dataclass
class Fate(Death):
    """Where a process dies, and where it is frozen: `freezes_at` the point that is passed for the n-th time."""

    freezes_at: str = ""
    freezes_in: int = 1
    freeze: Callable[[], None] = lambda: None
    frozen_at: str = ""

    def pass_(self, point: str) -> None:
        super().pass_(point)
        if self.freezes_at == point:
            self.freezes_in -= 1
            if self.freezes_in <= 0:
                self.freezes_at, self.frozen_at = "", point
                self.freeze()
                self.frozen_at = ""


@dataclass
class MortalSessionBroker(MortalBroker):
    """The broker as the session sees it; a process may die after the broker has answered, too."""

    async def reports(self) -> Sequence[RemoteReport]:
        reports = await super().reports()
        if reports:
            self.death.pass_("after_reports")
        return reports

    async def snapshot(self) -> BrokerSnapshot:
        snapshot = await super().snapshot()
        self.death.pass_("after_snapshot")
        return snapshot


@dataclass(frozen=True)
class MortalMarket:
    """The market as a session sees it: the process may die or be frozen before an event."""

    market: LiveMarket
    death: Death

    async def events(self) -> Any:
        async for event in self.market.events():
            self.death.pass_("event")
            told: MarketEvent = event
            yield told


@dataclass
class Estate:
    """What outlives every process of a scenario."""

    durable: Durable
    database: Database
    record: DurableRecord = field(default_factory=DurableRecord)
    intentions: Intentions = field(default_factory=Intentions)


@dataclass(frozen=True)
class SessionSetting:
    """What the sessions of a scenario have in common; `terms` lack what a session finds when it begins."""

    terms: SessionTerms
    began_at: MarketClock
    speed: float
    folder: Path


def opening_state(cash: Decimal) -> PortfolioState:
    """An account with cash alone."""
    return PortfolioState(cash=cash, previous_equity=cash)
