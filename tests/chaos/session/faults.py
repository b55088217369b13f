"""What goes wrong with sessions: they die, they are frozen and thaw, the database goes away, somebody stops them."""

import asyncio
from typing import Any, Final

from tests.chaos.faults import Faults
from tests.chaos.process import CLIENT_ID
from tests.chaos.session.process import SessionProcess
from tests.chaos.session.stage import SessionStage
from tickledger.domain.kill_switch import KillSwitchEvent, KillSwitchEventKind
from tickledger.gateway.answers import NO_REQUEST

_WHILE_FROZEN: Final = 0.5


class SessionFaults(Faults):
    """Each method that a plan names; all others are those of `tests.chaos.faults` and the gateway's own."""

    stage: SessionStage  # type: ignore[assignment]

    def __init__(self, stage: SessionStage, random: Any) -> None:
        super().__init__(stage, None, random)  # type: ignore[arg-type]
        self.stage = stage
        self.down = 0.0
        #: From when to when the kill switch was engaged.
        self.killed: list[tuple[float, float]] = []
        self._killed_since: list[float] = []
        self._forgotten: list[Any] = []
        self._tell_the_forgotten()

    async def market_moves(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def die(self, where: str, nth: int, down: float) -> None:
        """Die at the n-th time that the point is passed."""
        if (session := self.stage.process) is not None:
            self.stage.down = down
            session.death.where, session.death.nth = where, nth

    async def freeze(self, *, where: str, nth: int, seconds: float, meanwhile: str, has_standby: bool) -> None:
        """Stop a session, at a point of its own code or between two turns, and let it go on later.

        `meanwhile` its socket is "left", or "cut off", or it is "forgotten": the gateway goes on reading from it, but
        no longer keeps another from connecting under the same client id, so that nothing but the lease protects.
        """
        session = self.stage.process
        if session is None or self.stage.is_frozen(session) or session.death.freezes_at:
            return
        self.counted[f"frozen: {where or 'any moment'}"] += 1
        session.freeze_seconds = seconds
        if where:
            session.death.freezes_at, session.death.freezes_in = where, nth
        else:
            self.stage.log(f"    session {session.number} is frozen for {seconds:.1f} s")
            self.stage.world.freeze(session.actor, seconds)
        if has_standby:
            await self.stage.boot(waits=True)
        if meanwhile != "left":
            self._start(self._let_another_in(session, meanwhile))

    async def _let_another_in(self, session: SessionProcess, meanwhile: str) -> None:
        """Once it is frozen, see to it that its socket keeps no other session from connecting."""
        while not self.stage.is_frozen(session):
            if session.is_over or not session.death.freezes_at:
                return
            await asyncio.sleep(0.05)
        await asyncio.sleep(_WHILE_FROZEN)
        if self.stage.is_frozen(session):
            self.counted[f"frozen and {meanwhile}"] += 1
            for connected in [one for one in self.stage.gateway.floor.sessions if one.client_id == CLIENT_ID]:
                # Between the last look at the lease and the socket the client id alone protects.
                if meanwhile == "forgotten" and session.death.frozen_at != "after_objection":
                    self.stage.gateway.floor.sessions.remove(connected)
                    self._forgotten.append(connected)
                else:
                    connected.connection.abort()

    def _tell_the_forgotten(self) -> None:
        """Let what is forgotten hear of the gateway's link, as every socket does that a gateway reads orders from.

        One that was not told would send orders that the gateway holds until the link is back, take it that they never
        arrived, because they are not among those the gateway has, or wait for ever for a link that is back.
        """
        floor = self.stage.gateway.floor
        tell_all = floor.tell_all

        def told(code: int, text: str) -> None:
            tell_all(code, text)
            for connected in self._forgotten:
                connected.error(NO_REQUEST, code, text)

        floor.tell_all = told  # type: ignore[method-assign]

    def _start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def stand_by(self) -> None:
        """A second session that waits for the lease, for as long as that takes."""
        self.counted["standby"] += 1
        if len(self.stage.alive) < 3:
            await self.stage.boot(waits=True)

    def database_outage(self, seconds: float) -> None:
        """The database does not answer: no commit, no renewal, no acquisition."""
        self.counted["database outage"] += 1
        self.stage.estate.database.is_down = True
        self._later(seconds, self.database_is_back)

    def database_is_back(self) -> None:
        self.stage.estate.database.is_down = False

    def kill_switch(self, *, flattens: bool, resumes_after: float) -> None:
        self.counted["kill switch"] += 1
        self._killed_since.append(self.stage.world.time.now)
        self._ask(KillSwitchEventKind.ENGAGED, flattens=flattens)
        self._later(resumes_after, self.resume_trading)

    def resume_trading(self) -> None:
        now = self.stage.world.time.now
        self.killed += [(since, now) for since in self._killed_since]
        self._killed_since.clear()
        self._ask(KillSwitchEventKind.RESUMED)

    def _ask(self, kind: KillSwitchEventKind, *, flattens: bool = False) -> None:
        kept = self.stage.estate.record.switch
        at = self.stage.market_at()
        kept.append(KillSwitchEvent(kind, "operator", "chaos", at, flattens=flattens, sequence=len(kept) + 1))

    def pause(self, seconds: float) -> None:
        session = self.stage.process
        if session is not None and session.market is not None and not self.stage.is_frozen(session):
            market = session.market
            market.on_controls(is_paused=True, reason="an operator")
            self._later(seconds, lambda: market.on_controls(is_paused=False))

    def end_in_order(self) -> None:
        """Tell the session to end, whatever the hour; another is started."""
        session = self.stage.process
        if session is not None and session.market is not None and not self.stage.is_frozen(session):
            self.counted["ended in order"] += 1
            session.market.on_controls(is_paused=True, reason="told to end", is_stopping=True)
