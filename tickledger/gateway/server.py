"""The gateway as a server: sockets, the venue's clock, and the beginning and the end of both.

    async with Gateway(tape, venue_settings, GatewaySettings(port=0)) as gateway:
        await ib.connectAsync("127.0.0.1", gateway.port, clientId=1)

The venue's time stands until it is moved (`advance`), or follows the wall at `speed`. A gateway can crash and be
started again: the books of the venue and the broker go on, sessions and subscriptions do not.
"""

import asyncio
import errno
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Final, Self

from tickledger.domain.errors import ConfigurationError
from tickledger.domain.ports import Clock
from tickledger.exchange.venue import Venue
from tickledger.exchange.venue_settings import VenueSettings
from tickledger.exchange.venue_tape import MarketTape
from tickledger.execution.clock import WallClock
from tickledger.gateway.connection import Connection
from tickledger.gateway.control import ControlServer
from tickledger.gateway.fault_actions import FaultActions
from tickledger.gateway.faults import Fault, parse_fault
from tickledger.gateway.flood import Flood
from tickledger.gateway.floor import Floor
from tickledger.gateway.gateway_settings import GatewaySettings
from tickledger.gateway.journal import Journal
from tickledger.gateway.listings import SecurityName
from tickledger.gateway.loop_lag import LoopLag
from tickledger.gateway.pace import Nights
from tickledger.gateway.requests import handlers
from tickledger.gateway.session import Session

#: How far the venue goes in one step at most, so that a fast clock leaves room for clients in between.
_LONGEST_STEP: Final = timedelta(minutes=5)


class Gateway:
    """A simulated IB Gateway over a venue of its own."""

    def __init__(
        self,
        tape: MarketTape,
        venue_settings: VenueSettings,
        settings: GatewaySettings | None = None,
        *,
        names: Mapping[str, SecurityName] | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.settings = settings or GatewaySettings()
        self.venue = Venue(tape, venue_settings)
        self._clock = clock or WallClock()
        self._connections: set[Connection] = set()
        self._count = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._timers: set[asyncio.TimerHandle] = set()
        self._server: asyncio.Server | None = None
        self._port = self.settings.port
        self._journal: Journal | None = None
        self._lag = LoopLag()
        self.floor = Floor(
            self.venue,
            tape,
            self.settings,
            venue_settings=venue_settings,
            names=names or {},
            later=self._later,
            wall_seconds=lambda: asyncio.get_running_loop().time(),
        )
        self.actions = FaultActions(self.floor, self)
        self._flood = Flood(self.floor)
        self._handlers = handlers(self.floor)
        self._control: ControlServer | None = None
        self._failure: BaseException | None = None
        self._nights = _nights(tape, self.venue.now, self.settings)
        self.on_failure: Callable[[], None] = lambda: None
        self.on_end: Callable[[], None] = lambda: None

    @property
    def port(self) -> int:
        """The port clients connect to; known once the gateway has been started."""
        return self._port

    @property
    def control_port(self) -> int | None:
        """The port of the control socket, where there is one."""
        return None if self._control is None else self._control.port

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop."""
        await self.stop()

    async def start(self) -> None:
        """Listen, and let time pass; raises ConfigurationError where the port is taken."""
        if self.settings.journal is not None:
            self._journal = Journal(self.settings.journal, self._clock)
        self._lag.start()
        await self._listen()
        if self.settings.control_port is not None:
            self._control = ControlServer(self)
            await self._control.start(self.settings.host, self.settings.control_port)
        if self.settings.speed > 0:
            self._start(self._drive())
        self._start(self._every(self.settings.profit_seconds, self.floor.accounts.tell_profits))
        self._start(self._every(self.settings.account_seconds, self.floor.accounts.tell_values))

    async def stop(self) -> None:
        """Close everything and wait until it is closed; raises what made the gateway fail, if it did."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        for timer in self._timers:
            timer.cancel()
        self._lag.stop()
        if self._control is not None:
            await self._control.stop()
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.close()
        await asyncio.sleep(0)
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        if self._failure is not None:
            raise self._failure

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(self._connect, self.settings.host, self._port)
        except OSError as error:
            raise _cannot_listen(error, self.settings.host, self._port) from error
        self._port = self._server.sockets[0].getsockname()[1]

    def _connect(self) -> Connection:
        session = Session(self.floor, self._handlers)
        self._count += 1
        rate = self.settings.messages_per_second
        waited = self._lag.seconds
        connection = Connection(session, self._count, journal=self._journal, rate=rate, waited=waited)
        session.connection = connection
        connection.on_end = lambda: self._connections.discard(connection)
        self._connections.add(connection)
        return connection

    # Time.

    def advance(self, to: datetime) -> None:
        """Move the venue's time to `to`, and tell what happens until then; raises ValueError for what is past."""
        if to < self.venue.now:
            raise ValueError(f"expected an instant not before {self.venue.now}, found {to}")
        while self.venue.now < to:
            self.floor.tell(self.venue.advance(min(to, self.venue.now + _LONGEST_STEP)))
            self.floor.feed.on_time()
            self.actions.on_time()

    async def _drive(self) -> None:
        loop = asyncio.get_running_loop()
        began_at, venue_began_at = loop.time(), self.venue.now
        while self._nights is None or not self._nights.are_over(self.venue.now):
            await asyncio.sleep(self.settings.step_seconds)
            target = venue_began_at + timedelta(seconds=(loop.time() - began_at) * self.settings.speed)
            leap = None if self._nights is None else self._nights.leap(self.venue.now)
            if leap is not None:
                began_at, venue_began_at, target = loop.time(), leap, leap
            while self.venue.now < target:
                self.advance(min(target, self.venue.now + _LONGEST_STEP))
                await asyncio.sleep(0)
        self.on_end()

    async def _every(self, seconds: float, act: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(seconds)
            act()

    # Faults.

    def apply(self, fault: Mapping[str, Any] | Fault) -> None:
        """Let a fault happen, or plan it; raises InputError where it is none (see `faults`)."""
        self.actions.plan([fault if isinstance(fault, Fault) else parse_fault(fault)])

    def crash(self) -> None:
        """Close every socket at once, as a killed process does; the books go on."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for connection in list(self._connections):
            connection.abort()

    async def restart(self) -> None:
        """Listen again on the same port, after `crash`."""
        if self._server is None:
            await self._listen()

    def restart_later(self, seconds: float) -> None:
        """Listen again after so many seconds."""
        self._later(seconds, lambda: self._start(self.restart()))

    def flood(self, rate: float, seconds: float, *, is_stamped: bool = False) -> None:
        """Send the quotes of all lines again, `rate` ticks a second, for `seconds`; see `Flood` for stamps."""
        self._start(self._flood.run(rate, seconds, is_stamped=is_stamped))

    @property
    def flooded(self) -> int:
        """Ticks sent by floods so far."""
        return self._flood.sent

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()

        def run() -> None:
            self._timers.discard(timer)
            act()

        timer = loop.call_later(seconds, run)
        self._timers.add(timer)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Work that failed takes the gateway down, as time would stand otherwise and nobody would know."""
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._failure = self._failure or task.exception()
            self.crash()
            self.on_failure()


def _nights(tape: MarketTape, since: datetime, settings: GatewaySettings) -> Nights | None:
    lasts = [last for symbol in tape.symbols if (last := tape.last_day(symbol)) is not None]
    if settings.night_seconds is None or not lasts:
        return None
    return Nights.until(max(lasts), since=since, seconds=settings.night_seconds, speed=settings.speed)


def _cannot_listen(error: OSError, host: str, port: int) -> ConfigurationError:
    if error.errno == errno.EADDRINUSE:
        return ConfigurationError(f"port {port} of {host} is in use; choose another one (0 takes a free one)")
    return ConfigurationError(f"cannot listen on {host}:{port}: {error.strerror or error}")
