"""Where the sessions of a scenario trade: one gateway, a line of its own for each session, and who starts the next.

As the sensor does it, a session is started again when none is alive, or when the one that trades has been silent for
too long. What reached the gateway is noted with the session that sent it, whose socket it came from.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any, Final

from tests.chaos.line import Line
from tests.chaos.process import CLIENT_ID, KilledError
from tests.chaos.session.loops import OnError, World
from tests.chaos.session.ports import Estate, SessionSetting
from tests.chaos.session.process import SessionProcess
from tickledger.domain.errors import BrokerUnavailableError, ConfigurationError, FencedError, LedgerError
from tickledger.gateway.server import Gateway

#: How long a session may be frozen before another is started.
_SILENCE: Final = 5.0
_LOOK_EVERY: Final = 0.5
#: How long it takes at least until it is noticed that no session is there.
_NOTICED_AFTER: Final = 1.0
_MARKET_STEP: Final = 0.25


@dataclass(frozen=True)
class Arrival:
    """An order, or a modification of one, as it reached the gateway."""

    at: float
    session: int
    epoch: int
    reference: str
    is_new: bool


class Lines:
    """All lines of a scenario, for what happens to all of them."""

    def __init__(self) -> None:
        self.all: list[Line] = []

    def cut(self) -> None:
        for line in self.all:
            line.cut()

    def stall(self, direction: str, seconds: float) -> None:
        for line in self.all:
            line.stall(direction, seconds)


class SessionStage:
    """A gateway with its market, and all sessions so far."""

    def __init__(
        self,
        gateway: Gateway,
        *,
        world: World,
        setting: SessionSetting,
        estate: Estate,
        latency: float,
        seed: int,
        on_error: OnError,
        is_traced: bool,
    ) -> None:
        self.gateway = gateway
        self.world = world
        self.estate = estate
        self.setting = setting
        self.line = Lines()
        self.sessions: list[SessionProcess] = []
        self.arrivals: list[Arrival] = []
        self.wire: dict[str, set[int]] = {}
        self.deaths: Counter[str] = Counter()
        self.timeline: list[str] = []
        self.down = 0.0
        self.is_supervised = True
        self._latency = latency
        self._random = Random(f"lines {seed}")  # noqa: S311  no secret
        self._on_error = on_error
        self._is_traced = is_traced
        self._buried: set[int] = set()
        self._frozen_since: dict[int, float] = {}

    def log(self, text: str) -> None:
        if self._is_traced:
            market = self.gateway.venue.now
            self.timeline.append(f"{self.world.time.now:9.3f} {market:%H:%M:%S} {text}")

    def _epoch_of(self, session: Any) -> SessionProcess | None:
        port = session.connection._transport.get_extra_info("peername")[1]
        return next((one for one in self.sessions if port in one.line.gateway_ends), None)

    def watch_the_wire(self) -> None:
        """Note what reaches the gateway, and from whom."""
        desk = self.gateway.floor.orders
        place = desk.place

        def noted(session: Any, placed: Any) -> None:
            if session.client_id == CLIENT_ID and (sender := self._epoch_of(session)) is not None:
                reference = placed.term("orderRef")
                numbers = self.wire.setdefault(reference, set())
                is_new = placed.order_id not in numbers
                numbers.add(placed.order_id)
                self.arrivals.append(
                    Arrival(self.world.time.now, sender.number, sender.epoch, reference, is_new=is_new)
                )
                self.log(f"    wire {reference} as {placed.order_id} from session {sender.number}")
            place(session, placed)

        desk.place = noted  # type: ignore[method-assign]

    async def market(self) -> None:
        """Let the venue's time pass as fast as the sessions' clocks do."""
        while True:
            await asyncio.sleep(_MARKET_STEP)
            if (now := self.setting.began_at.now()) > self.gateway.venue.now:
                self.gateway.advance(now)

    def market_at(self) -> datetime:
        return self.gateway.venue.now

    @property
    def alive(self) -> list[SessionProcess]:
        """The sessions that are not over, the oldest first."""
        return [session for session in self.sessions if not session.is_over]

    @property
    def process(self) -> SessionProcess | None:
        """The session that something is to happen to: the one that trades, or else the oldest that lives."""
        trading = [session for session in self.alive if session.is_whole]
        return next(iter(trading or self.alive), None)

    async def boot(self, *, waits: bool = False) -> SessionProcess:
        """Start a session; one that `waits` stands by for as long as it takes."""
        line = Line(self.gateway.port, self._random, latency=self._latency)
        await line.start()
        self.line.all.append(line)
        session = SessionProcess(
            len(self.sessions) + 1,
            setting=self.setting,
            estate=self.estate,
            world=self.world,
            actor=self.world.actor(self._on_error),
            line=line,
            log=self.log,
            waits=waits,
        )
        self.sessions.append(session)
        self.log(f"    session {session.number} starts{' and stands by' if waits else ''}")
        return session

    async def supervise(self) -> None:
        """Start a session where none is, or where the one that there is says nothing."""
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            self.notice_deaths()
            if self.is_supervised and not self.is_day_over and not self._somebody_speaks():
                down, self.down = self.down, 0.0
                await asyncio.sleep(max(down, _NOTICED_AFTER))
                await self.boot()

    def _somebody_speaks(self) -> bool:
        now, speaking = self.world.time.now, False
        for session in self.alive:
            if self.is_frozen(session):
                self._frozen_since.setdefault(session.number, now)
                speaking |= now - self._frozen_since[session.number] < _SILENCE
            else:
                self._frozen_since.pop(session.number, None)
                speaking = True
        return speaking

    def is_frozen(self, session: SessionProcess) -> bool:
        return session.actor.is_in_a_call or session.actor.frozen_until > self.world.time.now

    @property
    def is_day_over(self) -> bool:
        """Whether a session has told the close."""
        return any(session.end == "over" and self._has_closed(session) for session in self.sessions)

    def _has_closed(self, session: SessionProcess) -> bool:
        return session.market is not None and session.market.is_over

    def notice_deaths(self) -> None:
        """Count who has died or ended since this was last asked; raises what no session may end with."""
        for session in self.sessions:
            if session.number in self._buried or not session.is_over:
                continue
            self._buried.add(session.number)
            self.world.kill(session.actor)
            where = session.death.where or "any moment"
            if session.is_dead:
                self.log(f"    session {session.number} died at {where}")
                self.deaths[f"death: {where}"] += 1
            elif isinstance(session.end, BaseException):
                self.deaths[f"ended by {type(session.end).__name__}"] += 1
                newest = self.estate.database.acquisitions[-1][0]
                expected = (FencedError, ConfigurationError, BrokerUnavailableError, KilledError)
                # One that has a successor may write what that has written already, and is refused.
                is_late = session.epoch < newest and isinstance(session.end, LedgerError)
                if not (is_late or isinstance(session.end, expected)):
                    raise session.end

    def kill(self, down: float) -> None:
        session = self.process
        if session is not None:
            session.death.where = ""
            session.kill()
            self.down = down

    async def done_by(self, session: SessionProcess, work: Any) -> Any:
        """Have a session do something in its own loop; raises what it raised, KilledError where it dies over it."""
        task = session.start(work)
        while not task.done():
            if session.is_over:
                raise KilledError
            await asyncio.sleep(0.1)
        return task.result()

    def is_whole(self) -> bool:
        """Whether exactly what should be there is there: one session that trades, and nobody else but standbys."""
        self.notice_deaths()
        frozen = [session for session in self.alive if self.is_frozen(session)]
        return not frozen and any(session.is_whole and not session.broker.pacer for session in self.alive)
