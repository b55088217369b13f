"""What a session has before its parts, and what it holds on to while it trades: record, journal of inputs, broker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from resources.session_alerts import SessionAlerts
from resources.session_tally import SessionTally
from tickledger.cache.publisher import CachePublisher
from tickledger.db.lease import LeaseKeeper
from tickledger.db.session_record import SessionRecorder
from tickledger.domain.account import Account
from tickledger.domain.alert_wording import SessionNews
from tickledger.domain.errors import BrokerUnavailableError, Problem
from tickledger.execution.clock import LiveClock, MarketClock
from tickledger.ib.broker import IBBroker
from tickledger.settings import Settings

_RECONNECT_AFTER: Final = 1.0


@dataclass(frozen=True, slots=True)
class Berth:
    """What a session has before its parts: the settings, the record, the account with its lease, and the day."""

    settings: Settings
    engine: Engine
    account: Account
    clock: LiveClock
    day: date
    keeper: LeaseKeeper
    tally: SessionTally
    alerts: SessionAlerts
    publisher: CachePublisher
    until: datetime | None = None

    @property
    def speed(self) -> float:
        """Seconds of the market in one of the wall."""
        return self.clock.speed if isinstance(self.clock, MarketClock) else 1.0

    @property
    def pace(self) -> float:
        """By how much waiting times of the market's are longer than the wall's: a simulated market may run fast."""
        return max(self.speed, 1.0)

    @property
    def journal_path(self) -> Path:
        """Where the session's inputs are written down."""
        return self.settings.home / "sessions" / self.day.isoformat() / f"{self.tally.session_id}.jsonl"


def tell_lost_journal(berth: Berth, error: OSError) -> None:
    """What is lost is only that the session can be played again from its inputs: the record is the ledger's."""
    problem = Problem(str(berth.journal_path), expected="a disk that takes the session's inputs", found=str(error))
    berth.tally.note(problem)
    berth.alerts.tell_session(SessionNews.JOURNAL_LOST, str(problem))


@asynccontextmanager
async def recording(berth: Berth) -> AsyncIterator[SessionRecorder]:
    recorder = SessionRecorder(
        berth.engine,
        berth.account.account_id,
        session_id=berth.tally.session_id,
        session_date=berth.day,
        guard=berth.keeper.guard,
    )
    try:
        yield recorder
    finally:
        await asyncio.to_thread(recorder.close)


async def connect(broker: IBBroker, tally: SessionTally) -> None:
    """Connect, however often that takes: a gateway may be in its daily reset, or our predecessor's socket be open."""
    while True:
        try:
            await broker.start()
        except BrokerUnavailableError as error:
            tally.reason = tally.last_problem = str(error)
            await asyncio.sleep(_RECONNECT_AFTER)
        else:
            return
