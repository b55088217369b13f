"""Where a scenario takes place: the gateway, the line, our process and its successors, and what was seen of them."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from tests.chaos.line import Line
from tests.chaos.process import CLIENT_ID, Durable, KilledError, Process
from tests.chaos.warp import LoopClock
from tickledger.domain.errors import BrokerUnavailableError, ConfigurationError, OrderError
from tickledger.execution.order_journal import Opening
from tickledger.gateway.server import Gateway

NOON: Final = datetime(2013, 3, 27, 16, 0, tzinfo=UTC)
YESTERDAY: Final = date(2013, 3, 26)
CASH: Final = Decimal(2_000_000)
_A_MOMENT: Final = 0.1
#: What may keep our process from doing what it is asked to.
REFUSED: Final = (OrderError, BrokerUnavailableError, ConfigurationError)


def opening() -> Opening:
    """The account before the scenario: cash alone."""
    return Opening({}, cash=CASH, session_date=YESTERDAY)


class Stage:
    """A gateway whose market goes on at `speed`, and our process, which is started again whenever it has died.

    `wire` are the ids under which each of our references reached the gateway; `down` is how long our process stays
    away after its next death, seconds.
    """

    def __init__(self, gateway: Gateway, line: Line, durable: Durable, *, speed: float, is_traced: bool) -> None:
        self.gateway = gateway
        self.line = line
        self.durable = durable
        self.speed = speed
        self.clock = LoopClock(NOON)
        self.deaths: Counter[str] = Counter()
        self.is_traced = is_traced
        self.timeline: list[str] = []
        self.wire: dict[str, set[int]] = {}
        self.down = 0.0
        self.process: Process | None = None
        self.is_booting = False

    def log(self, text: str) -> None:
        if self.is_traced:
            self.timeline.append(f"{asyncio.get_running_loop().time():9.3f} {text}")

    def watch_the_wire(self) -> None:
        """Note under which ids each of our references reached the gateway."""
        desk, seen = self.gateway.floor.orders, self.wire
        place = desk.place

        def noted(session: Any, placed: Any) -> None:
            if session.client_id == CLIENT_ID:
                seen.setdefault(placed.term("orderRef"), set()).add(placed.order_id)
                self.log(f"    wire {placed.term('orderRef')} as {placed.order_id}")
            place(session, placed)

        desk.place = noted  # type: ignore[method-assign]

    async def market(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(1.0)
            self.advance(NOON + timedelta(seconds=loop.time() * self.speed))

    def advance(self, to: datetime) -> None:
        if to > self.gateway.venue.now:
            self.gateway.advance(to)

    def boot(self) -> None:
        self.is_booting = False
        self.process = Process(self.durable, port=self.line.port, clock=self.clock, log=self.log)
        self.log("    a process starts")

    async def until_started(self) -> None:
        while self.process is None or not self.process.is_started:  # noqa: ASYNC110  it may die and be another
            await asyncio.sleep(_A_MOMENT)

    def _mourn(self, where: str, down: float) -> None:
        """The process has died: another one begins after a while."""
        if not self.is_booting:
            self.is_booting = True
            self.log(f"    died at {where}")
            self.deaths[f"death: {where}"] += 1
            asyncio.get_running_loop().call_later(down, self.boot)

    def notice_death(self) -> None:
        process = self.process
        if process is not None and process.is_dead:
            self._mourn(process.death.where or "any moment", self.down)
        elif process is not None and process.task.done() and not self.is_booting:
            process.task.result()

    async def attempt(self, what: str, call: Callable[[Process], Awaitable[Any]]) -> bool:
        """Let the process do something; whether it was done. One that is down, not ready or refuses does not."""
        self.notice_death()
        process = self.process
        if process is None or process.is_dead or not process.is_started:
            self.log(f"    {what}: no process")
            return False
        try:
            await call(process)
        except REFUSED as error:
            self.log(f"    {what}: {error}")
            return False
        except KilledError:
            self.notice_death()
            return False
        return True

    def kill(self, down: float) -> None:
        if self.process is not None and not self.process.is_dead:
            self.process.death.where = ""
            self.process.kill()
            self.down = down
            self.notice_death()

    def is_whole(self) -> bool:
        self.notice_death()
        process = self.process
        is_up = process is not None and not process.is_dead and process.is_started
        return is_up and process is not None and process.manager.is_ready
