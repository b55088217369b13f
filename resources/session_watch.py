"""What goes on beside a session: its lease is renewed, its heart beats, and what operators ask for is looked for.

Each is a task of the session's own loop, so that a loop that hangs loses its lease and its heartbeat with it. Where the
database does not answer they go on trying: what ends a session is the lease that could not be renewed, or the record
that has been away for longer than `DATABASE_PATIENCE`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from resources.session_tally import Hindrance, SessionTally
from tickledger.bars.calendars import session_close, session_open
from tickledger.bars.quotes import QuoteStore
from tickledger.db.kill_switch import RecordedKillSwitch
from tickledger.db.lease import LeaseKeeper
from tickledger.db.trading_sessions import change_state, heartbeat, read_pause
from tickledger.domain.errors import ConfigurationError, TickledgerError
from tickledger.domain.kill_switch import KillSwitchEvent, KillSwitchState
from tickledger.domain.ports import Clock
from tickledger.domain.trading_session import PauseState, SessionState
from tickledger.execution.live_market import LiveMarket
from tickledger.risk.kill_switch import KillSwitch

BEAT: Final = 1.0
_LOOK_EVERY: Final = 0.5
#: How long the record may be away before a session cancels what it can and ends.
DATABASE_PATIENCE: Final = 5.0


class _Absence:
    """How long the database has been away."""

    def __init__(self) -> None:
        self._since: float | None = None

    def note(self, error: Exception) -> None:
        """It did not answer; raises ConfigurationError once that has lasted for too long."""
        now = asyncio.get_running_loop().time()
        self._since = self._since or now
        if now - self._since > DATABASE_PATIENCE:
            raise ConfigurationError(f"the database has not answered for {DATABASE_PATIENCE:g} s: {error}") from error

    def is_over(self) -> None:
        """It has answered."""
        self._since = None


class LifeSigns:
    """What a session has to do to be taken for alive: renew its lease, and say how it is."""

    def __init__(self, engine: Engine, *, keeper: LeaseKeeper, tally: SessionTally) -> None:
        self._engine = engine
        self._keeper = keeper
        self._tally = tally
        self._absence = _Absence()

    async def renew(self) -> None:
        """Renew the lease; raises FencedError where it is another's."""
        while True:
            await asyncio.sleep(self._keeper.renewal_interval.total_seconds())
            try:
                self._keeper.renew()
            except ConfigurationError as error:
                # As long as it lasts, it lasts: nothing is sent once it has run out.
                self._tally.last_problem = str(error)

    async def beat(self) -> None:
        """Say every second that the session lives, and how it is; raises FencedError where it is over."""
        told = (SessionState.WAITING, "")
        while True:
            state, tally = (self._tally.state, self._tally.reason), self._tally
            try:
                if state != told:
                    await asyncio.to_thread(change_state, self._engine, tally.session_id, state[0], reason=state[1])
                await asyncio.to_thread(
                    heartbeat, self._engine, tally.session_id, market_at=tally.market_at, detail=tally.detail()
                )
                told = state
                self._absence.is_over()
            except ConfigurationError as error:
                self._absence.note(error)
            await asyncio.sleep(BEAT)


class ControlsWatch:
    """Sees to what operators ask for: the kill switch is carried out, the session pauses and goes on."""

    def __init__(
        self,
        engine: Engine,
        account_id: str,
        *,
        tally: SessionTally,
        market: LiveMarket,
        obey: Callable[[], Awaitable[Sequence[str]]],
        tell: Callable[[KillSwitchEvent], None] = lambda _: None,
    ) -> None:
        self._engine = engine
        self._account_id = account_id
        self._tally = tally
        self._market = market
        self._obey = obey
        self._tell = tell
        self._told: int | None = None
        self._switch = RecordedKillSwitch(engine)
        self._controls = (False, False)
        self._absence = _Absence()

    async def look(self) -> None:
        """Look every half second, for as long as this runs."""
        while True:
            if (found := await self._found()) is not None:
                await self._act(*found)
            await asyncio.sleep(_LOOK_EVERY)

    async def hear(self) -> None:
        """Tell the session what is in force before it begins; to carry it out is for `look`."""
        if (found := await self._found()) is not None:
            pause, events = found
            self._tell_session(pause, KillSwitch(events).state)

    async def _found(self) -> tuple[PauseState, Sequence[KillSwitchEvent]] | None:
        try:
            found = await asyncio.to_thread(self._read)
        except (SQLAlchemyError, OSError, TickledgerError) as error:
            self._tally.hinder(Hindrance.RECORD, f"does not answer: {error}")
            self._absence.note(error)
            return None
        self._absence.is_over()
        self._tally.clear(Hindrance.RECORD)
        return found

    def _read(self) -> tuple[PauseState, Sequence[KillSwitchEvent]]:
        return read_pause(self._engine, self._account_id), self._switch.events()

    async def _act(self, pause: PauseState, events: Sequence[KillSwitchEvent]) -> None:
        newest = max((event.sequence for event in events), default=0)
        for event in events:
            if self._told is not None and event.sequence > self._told:
                self._tell(event)
        self._told = newest
        switch = KillSwitch(events)
        self._tell_session(pause, switch.state)
        if switch.unanswered(self._account_id):
            for problem in await self._obey():
                self._tally.last_problem = problem

    def _tell_session(self, pause: PauseState, switch: KillSwitchState) -> None:
        is_paused = pause.is_requested or switch.is_engaged
        reason = switch.reason if switch.is_engaged else f"{pause.actor}: {pause.reason}"
        controls = (is_paused, switch.is_engaged)
        if controls != self._controls:
            self._controls = controls
            self._market.on_controls(is_paused=is_paused, reason=reason, is_killed=switch.is_engaged)
            if is_paused:
                self._tally.hinder(Hindrance.PAUSE, reason)
            else:
                self._tally.clear(Hindrance.PAUSE)


class DataWatch:
    """Looks which symbols have gone silent within the session, by quotes and prints alike.

    `tell` hears of each that did, once until it is heard of again, with the moment of its last sign of life. Where all
    are silent, the session is DEGRADED: nothing that opens a position passes risk on such quotes.
    """

    def __init__(
        self,
        quotes: QuoteStore,
        symbols: Sequence[str],
        *,
        session_date: date,
        patience: timedelta,
        tally: SessionTally,
        tell: Callable[[str, datetime | None], None],
    ) -> None:
        self._quotes = quotes
        self._symbols = symbols
        self._opens_at, self._closes_at = session_open(session_date), session_close(session_date)
        self._patience = patience
        self._tally = tally
        self._tell = tell
        self._silent: set[str] = set()
        self._began_at: datetime | None = None

    async def watch(self, clock: Clock) -> None:
        """Look every second, for as long as this runs."""
        while True:
            self.look(clock.now())
            await asyncio.sleep(BEAT)

    def look(self, now: datetime) -> None:
        """Judge by what has arrived until `now`."""
        self._began_at = self._began_at or now
        since = max(self._began_at, self._opens_at)
        if not since + self._patience < now < self._closes_at:
            self._silent.clear()
            self._tally.clear(Hindrance.DATA)
            return
        silent = {symbol for symbol in self._symbols if self._quotes.is_stale(symbol, now, self._patience)}
        for symbol in sorted(silent - self._silent):
            self._tell(symbol, self._last_at(symbol))
        self._silent = silent
        if len(silent) == len(self._symbols):
            found = max(filter(None, map(self._last_at, silent)), default=None)
            last = "nothing yet" if found is None else f"nothing since {found:%H:%M:%S} UTC"
            self._tally.hinder(Hindrance.DATA, f"{last} of any of {len(silent)} symbols")
        else:
            self._tally.clear(Hindrance.DATA)

    def _last_at(self, symbol: str) -> datetime | None:
        heard = (self._quotes.quote_arrived_at(symbol), self._quotes.print_arrived_at(symbol))
        return max(filter(None, heard), default=None)


async def beside(main: Coroutine[Any, Any, None], *others: Coroutine[Any, Any, None]) -> None:
    """Run `main` beside `others`, which end with it; what one of them raises ends `main` and is raised.

    One that has nothing to do may end by itself.
    """
    running = [asyncio.create_task(work) for work in (main, *others)]
    try:
        waiting = set(running)
        while not running[0].done():
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        running[0].result()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
