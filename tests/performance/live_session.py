"""A session as `tickledger trade` runs it, in this process, while a gateway in another floods it with ticks."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

from sqlalchemy import Engine

from resources.session_run import SessionRequest, SessionRun
from resources.session_tally import SessionSummary
from tests.performance import session_scene
from tests.performance.bare_client import BareClient, Handled, bare_client
from tests.performance.loopback import SYMBOLS, GatewayProcess, gateway_process, until
from tests.performance.session_probe import Footprint, Probe, footprint
from tickledger.cache.connect import open_cache
from tickledger.db.embedded import EmbeddedServer
from tickledger.domain.trading_session import SessionState
from tickledger.notifications.configuration import build_notifier
from tickledger.settings import Settings

_GLANCE: Final = 0.05
_PATIENCE: Final = 120.0
_SETTLING: Final = 2.0
_SAMPLE_EVERY: Final = 1.0
_LAST_SECONDS: Final = 57


@dataclass(frozen=True)
class Flood:
    """What a session lives through: ticks a second beside those of the market itself, for so many seconds.

    The market runs at `speed`. `is_tick_driven` has the session look at every packet, and
    decide by bars of a second. With `has_anchor` the library
    alone gets as many ticks at the same time.
    """

    rate: float
    seconds: float
    speed: float = 1.0
    symbols: Sequence[str] = SYMBOLS
    is_tick_driven: bool = False
    has_anchor: bool = False


@dataclass
class Stretch:
    """A session over a flood: what it was sent, what it took, what it did, and what it held meanwhile."""

    probe: Probe
    summary: SessionSummary
    sent: int
    seconds: float
    cpu: float
    bare: Handled | None
    footprints: list[Footprint] = field(default_factory=list)

    @property
    def share(self) -> float:
        """The part of a core that it took."""
        return self.cpu / self.seconds

    @property
    def lost(self) -> int:
        """Ticks that were sent and not received."""
        return self.sent - self.probe.received

    @property
    def ratio(self) -> float | None:
        """Its CPU seconds as a multiple of the library's."""
        return None if self.bare is None else self.cpu / self.bare.cpu


def through_a_session(server: EmbeddedServer, home: Path, flood: Flood, *, name: str) -> Stretch:
    """A session that trades, from its first sign of life on, through a flood that begins once it does."""
    scene = session_scene.scene(speed=flood.speed)
    with (
        session_scene.ledger(server, flood.symbols, name=name, until=scene.starts_at) as engine,
        gateway_process(flood.symbols, scene=scene) as gateway,
    ):
        return asyncio.run(_through(engine, home, gateway, flood))


async def _through(engine: Engine, home: Path, gateway: GatewayProcess, flood: Flood) -> Stretch:
    probe = Probe()
    interval: Literal["1sec", "1min"] = "1sec" if flood.is_tick_driven else "1min"
    settings = session_scene.settings(home, gateway, flood.symbols, interval=interval)
    async with trading(engine, settings, probe) as session:
        with _anchor(gateway, flood) as anchor:
            if flood.speed == 1:
                await _end_of_minute(gateway)
            return await _flooded(gateway, flood, anchor, probe, lambda: summary_of(session))


async def _flooded(
    gateway: GatewayProcess,
    flood: Flood,
    anchor: BareClient | None,
    probe: Probe,
    summary: Callable[[], SessionSummary],
) -> Stretch:
    clients = 1 if anchor is None else 2
    if anchor is not None:
        anchor.handled()
    probe.forget()
    footprints = [footprint()]
    sampling = asyncio.create_task(_sample(footprints))
    began, cpu = time.perf_counter(), time.process_time()
    sent, _ = await gateway.flood(clients * flood.rate, flood.seconds)
    with suppress(RuntimeError):  # What has not come by then is lost, and counted.
        await until(lambda: probe.received >= sent // clients, "every tick")
    seconds, spent = time.perf_counter() - began, time.process_time() - cpu
    sampling.cancel()
    bare = None if anchor is None else anchor.handled()
    return Stretch(probe, summary(), sent // clients, seconds, spent, bare, footprints)


@contextmanager
def _anchor(gateway: GatewayProcess, flood: Flood) -> Iterator[BareClient | None]:
    if not flood.has_anchor:
        yield None
        return
    with bare_client(gateway.port, flood.symbols) as client:
        yield client


@asynccontextmanager
async def trading(engine: Engine, settings: Settings, probe: Probe) -> AsyncIterator[SessionRun]:
    """A session that has begun to trade, until the context ends."""
    with open_cache(settings) as cache, closing(build_notifier(settings)) as alerts, probe.watching():
        session = SessionRun(settings, engine, SessionRequest(), alerts=alerts, cache=cache, onlookers=[probe])
        running = asyncio.create_task(session.run())
        try:
            await _begun(session, running)
            yield session
            if running.done():
                running.result()
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


async def _begun(session: SessionRun, running: asyncio.Task[SessionSummary]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while session.tally is None or session.tally.state is not SessionState.RUNNING:
        if running.done():
            running.result()
        if time.monotonic() > deadline:
            raise RuntimeError(f"expected a session that trades within {_PATIENCE:g} s")
        await asyncio.sleep(_GLANCE)
    await asyncio.sleep(_SETTLING)


async def _end_of_minute(gateway: GatewayProcess) -> None:
    """Wait until a minute of the market is nearly over, so that the shortest flood sees bars complete."""
    now = datetime.fromisoformat(gateway.do(do="status")["now"])
    await asyncio.sleep((_LAST_SECONDS - now.second) % 60)


async def _sample(footprints: list[Footprint]) -> None:
    while True:
        await asyncio.sleep(_SAMPLE_EVERY)
        footprints.append(footprint())


def summary_of(session: SessionRun) -> SessionSummary:
    """The session as it stands; raises RuntimeError for one that has not begun."""
    if session.tally is None:
        raise RuntimeError("expected a session that has begun")
    return session.tally.summary()
