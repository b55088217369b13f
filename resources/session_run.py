"""One session process from its first sign of life to its end: it waits for the lease, trades, and gives the lease up.

The lease is given up last, once nothing of this process can reach the broker any more; after a failure it is left to
run out by itself.
"""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import Engine

from resources.berth import Berth
from resources.market_clock import market_clock
from resources.session_account import enter_account
from resources.session_alerts import SessionAlerts
from resources.session_parts import trade
from resources.session_tally import SessionSummary, SessionTally
from resources.session_watch import LifeSigns, beside
from tickledger.bars.calendars import is_session, why_closed
from tickledger.cache.connect import Cache
from tickledger.cache.keys import Scope
from tickledger.cache.publisher import CachePublisher
from tickledger.db.lease import DURATION, MARGIN, LeaseKeeper
from tickledger.db.trading_sessions import end_session, heartbeat, open_session, take_over
from tickledger.domain.account import Account
from tickledger.domain.alert import Alerts
from tickledger.domain.alert_wording import SessionNews
from tickledger.domain.errors import ConfigurationError, FencedError, TickledgerError
from tickledger.domain.trading_session import SessionState
from tickledger.execution.order_journal import new_york_date
from tickledger.execution.session import Onlooker
from tickledger.settings import Settings

_ASK_EVERY: Final = 0.5
#: How long a lease is asked for that a process which is gone may have left: until it runs out, and a little more.
_LEASE_PATIENCE: Final = DURATION + MARGIN + timedelta(seconds=3)
_HOST: Final = socket.gethostname()


@dataclass(frozen=True, slots=True)
class SessionRequest:
    """Which session to trade. `session_date` None: today by the market's clock; `until` ends it before the close.

    `waits_for_lease`: stand by until the session that trades now is gone, however long that takes.
    """

    session_date: date | None = None
    until: datetime | None = None
    dagster_run_id: str | None = None
    waits_for_lease: bool = False


class SessionRun:
    """One session process. `onlookers` hear what each event led to; they must not block."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        request: SessionRequest,
        *,
        alerts: Alerts,
        cache: Cache,
        onlookers: Sequence[Onlooker] = (),
    ) -> None:
        self._settings = settings
        self._engine = engine
        self._request = request
        self._alerts = alerts
        self._cache = cache
        self._onlookers = onlookers
        self.tally: SessionTally | None = None

    async def run(self) -> SessionSummary:
        """Trade until the day is over; raises TickledgerError where the session could not go on, and why."""
        account = enter_account(self._engine, self._settings)
        clock = await market_clock(self._settings)
        day = self._request.session_date or new_york_date(clock.now())
        if not is_session(day):
            raise ConfigurationError(f"expected a session of the NYSE, found {why_closed(day)}")
        status = open_session(
            self._engine,
            account.account_id,
            session_date=day,
            strategy=self._settings.strategy,
            host=_HOST,
            pid=os.getpid(),
            state=SessionState.WAITING,
            dagster_run_id=self._request.dagster_run_id,
        )
        tally = self.tally = SessionTally(status.session_id, day, SessionState.WAITING)
        alerts = SessionAlerts(self._alerts, account, status.session_id, clock.now)
        try:
            async with self._lease(account, tally) as keeper, self._published(account) as publisher:
                alerts.tell_session(SessionNews.STARTED, tally.reason)
                berth = Berth(
                    self._settings,
                    self._engine,
                    account,
                    clock,
                    day,
                    keeper,
                    tally,
                    alerts,
                    publisher,
                    self._request.until,
                )
                signs = LifeSigns(self._engine, keeper=keeper, tally=tally)
                await beside(trade(berth, self._onlookers), signs.renew(), signs.beat())
        except BaseException as error:  # an interrupt too: the record says how it ended, whatever ends it
            tally.state, tally.reason = _end_of(error)
            self._end(tally, alerts)
            raise
        is_early = self._request.until is not None
        tally.state, tally.reason = SessionState.ENDED, "its time was over" if is_early else "the day is over"
        self._end(tally, alerts)
        return tally.summary()

    def _end(self, tally: SessionTally, alerts: SessionAlerts) -> None:
        is_fenced = tally.state is SessionState.SUPERSEDED
        alerts.tell_session(SessionNews.FENCED if is_fenced else SessionNews.ENDED, tally.reason)
        has_failed = tally.state is SessionState.FAILED
        try:
            end_session(self._engine, tally.session_id, reason=tally.reason, has_failed=has_failed)
        except TickledgerError as error:
            # Whoever watches sees that the heart has stopped.
            alerts.tell_database(str(error))

    @asynccontextmanager
    async def _published(self, account: Account) -> AsyncIterator[CachePublisher]:
        is_simulated = self._settings.gateway_control is not None
        publisher = CachePublisher(self._cache.make_sink(), Scope(account.mode, account.account_id, is_simulated))
        with publisher:
            yield publisher

    @asynccontextmanager
    async def _lease(self, account: Account, tally: SessionTally) -> AsyncIterator[LeaseKeeper]:
        """Hold the lease; raises ConfigurationError where another keeps it and nobody is to wait."""
        keeper = LeaseKeeper(self._engine, account.account_id, holder=f"{_HOST}:{os.getpid()} {tally.session_id}")
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _LEASE_PATIENCE.total_seconds()
        try:
            while (lease := keeper.acquire()) is None:
                if not self._request.waits_for_lease and loop.time() > deadline:
                    raise ConfigurationError(
                        f"account {account.account_id} is traded by another session, which goes on renewing its lease: "
                        "stop that one first, or stand by for it (--standby)"
                    )
                heartbeat(self._engine, tally.session_id)
                await asyncio.sleep(_ASK_EVERY)
            take_over(self._engine, tally.session_id, lease)
            tally.state, tally.reason = SessionState.STARTING, f"has the lease, epoch {lease.epoch}"
            yield keeper
            keeper.release()
        finally:
            keeper.close()


def _end_of(error: BaseException) -> tuple[SessionState, str]:
    match error:
        case FencedError():
            return SessionState.SUPERSEDED, str(error)
        case asyncio.CancelledError() | KeyboardInterrupt() | SystemExit():
            return SessionState.ENDED, "was told to end"
        case _:
            return SessionState.FAILED, str(error) or repr(error)
