"""The simulated gateway in a process of its own, on loopback, its limits opened unless told otherwise."""

import asyncio
import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any, Final

import numpy as np

from tests.integration.ib.desk import NOON, tape
from tests.unit.ib.messages import ACCOUNT
from tickledger.exchange.venue_settings import VenueSettings
from tickledger.exchange.venue_tape import MarketTape
from tickledger.gateway.control import control
from tickledger.gateway.gateway_settings import GatewaySettings
from tickledger.gateway.server import Gateway

HOST: Final = "127.0.0.1"
SYMBOLS: Final = tuple(f"S{number:03d}" for number in range(100))
_CASH: Final = Decimal(1_000_000_000)
_PATIENCE: Final = 30.0
_GLANCE: Final = 0.02


@dataclass(frozen=True)
class Scene:
    """The market behind the gateway: a tape of the symbols, when it starts, and how fast its time goes, if it does."""

    tape: Callable[[Sequence[str]], MarketTape] = tape
    starts_at: datetime = NOON
    speed: float = 0.0

    @property
    def venue(self) -> VenueSettings:
        """The terms of its venue, but for the accounts."""
        return VenueSettings(accounts={}, starts_at=self.starts_at, stands=self.speed == 0)


class GatewayProcess:
    """A gateway in another process; clients connect to its `port`, and its control socket is at `control`."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self.port, control_port = self._answer()
        self.control = f"{HOST}:{control_port}"

    def do(self, **order: Any) -> Mapping[str, Any]:
        """Have an order of the control socket carried out; its answer, with the process's CPU seconds as `cpu`."""
        self._pipe.send(order)
        answer: Mapping[str, Any] = self._answer()
        return answer

    async def flood(self, rate: float, seconds: float) -> tuple[int, float]:
        """Flood all lines with stamped ticks and wait for the end: ticks sent and the gateway's CPU seconds."""
        before = self.do(do="status")
        wanted = before["flooded"] + int(rate * seconds)
        self.do(do="flood", rate=rate, seconds=seconds, is_stamped=True)
        # The pipe is left alone meanwhile: waiting for its answer would hold up the client.
        await asyncio.sleep(seconds)
        await until(lambda: self.do(do="status")["flooded"] >= wanted, "the end of the flood")
        now = self.do(do="status")
        return now["flooded"] - before["flooded"], now["cpu"] - before["cpu"]

    def _answer(self) -> Any:
        if not self._pipe.poll(_PATIENCE):
            raise RuntimeError(f"the gateway's process: expected an answer within {_PATIENCE:g} s, found none")
        return self._pipe.recv()


@contextmanager
def gateway_process(
    symbols: Sequence[str] = SYMBOLS,
    *,
    account: str = ACCOUNT,
    journal: Path | None = None,
    messages_per_second: int | None = None,
    scene: Scene | None = None,
) -> Iterator[GatewayProcess]:
    """Start a gateway and end it; without `messages_per_second` it takes as many as come."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    scene = scene or Scene()
    settings = GatewaySettings(
        port=0,
        control_port=0,
        account=account,
        journal=journal,
        messages_per_second=messages_per_second,
        speed=scene.speed,
        has_history_pacing=False,
    )
    process = context.Process(target=_serve, args=(theirs, tuple(symbols), settings, scene), daemon=True)
    process.start()
    theirs.close()
    try:
        yield GatewayProcess(ours)
    finally:
        ours.close()
        process.join(_PATIENCE)
        process.kill()


async def until(holds: Callable[[], object], what: str) -> None:
    """Wait until `holds`; raises RuntimeError where that takes too long."""
    deadline = time.monotonic() + _PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError(f"expected {what} within {_PATIENCE:g} s")
        await asyncio.sleep(_GLANCE)


def percentile(values: Sequence[float], part: float) -> float:
    """The value that `part` percent of them do not exceed."""
    return float(np.percentile(values, part))


def _serve(pipe: Pipe, symbols: Sequence[str], settings: GatewaySettings, scene: Scene) -> None:
    async def run() -> None:
        venue = replace(scene.venue, accounts={settings.account: _CASH})
        is_over = asyncio.Event()
        async with Gateway(scene.tape(symbols), venue, settings) as gateway:

            def answer() -> None:
                try:
                    order = pipe.recv()
                except EOFError:
                    asyncio.get_running_loop().remove_reader(pipe.fileno())
                    is_over.set()
                    return
                pipe.send({**control(gateway, order), "cpu": time.process_time()})

            asyncio.get_running_loop().add_reader(pipe.fileno(), answer)
            pipe.send((gateway.port, gateway.control_port))
            await is_over.wait()

    asyncio.run(run())
