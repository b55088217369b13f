"""The anchor of a session: `ib_insync` alone, in a process of its own, on the same gateway and at the same time.

So both meet the same ticks and the same machine, however busy that is.
"""

import asyncio
import logging
import multiprocessing
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from typing import Any, Final

from tests.performance.loopback import HOST, until
from tickledger.gateway.flood import STAMP_BASE
from tickledger.ib import library

_PATIENCE: Final = 60.0
_CLIENT: Final = 90
_GLANCE: Final = 0.1


@dataclass(frozen=True)
class Handled:
    """What a handler on `pendingTickersEvent` got since it was last asked, ticks, and its process's CPU seconds."""

    received: int
    cpu: float


class BareClient:
    """The library in another process."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        self.handled()

    def handled(self) -> Handled:
        """What it got since the last call."""
        self._pipe.send(None)
        if not self._pipe.poll(_PATIENCE):
            raise RuntimeError(f"the library's process: expected an answer within {_PATIENCE:g} s, found none")
        answer: Handled = self._pipe.recv()
        return answer


@contextmanager
def bare_client(port: int, symbols: Sequence[str]) -> Iterator[BareClient]:
    """Start it, subscribed to the quotes of all symbols, and end it."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, port, tuple(symbols)), daemon=True)
    process.start()
    theirs.close()
    try:
        yield BareClient(ours)
    finally:
        ours.close()
        process.join(_PATIENCE)
        process.kill()


def _serve(pipe: Pipe, port: int, symbols: Sequence[str]) -> None:
    # What the library logs of a connection that ends with its gateway.
    logging.getLogger("ib_insync").setLevel(logging.CRITICAL)
    asyncio.run(_run(pipe, port, symbols))


async def _run(pipe: Pipe, port: int, symbols: Sequence[str]) -> None:
    ib = library.new_ib(time_zone="America/New_York")
    await ib.connectAsync(HOST, port, clientId=_CLIENT)
    received, cpu = 0, time.process_time()
    latest: dict[str, tuple[float, float]] = {}

    def handle(tickers: Any) -> None:
        nonlocal received
        for ticker in tickers:
            received += sum(tick.size >= STAMP_BASE for tick in ticker.ticks)
            latest[ticker.contract.symbol] = ticker.bid, ticker.ask

    ib.pendingTickersEvent += handle
    for symbol in symbols:
        ib.reqMktData(library.Contract(secType="STK", symbol=symbol, exchange="SMART", currency="USD"))
    await until(lambda: len(latest) == len(symbols), "a quote of every symbol")
    is_over = asyncio.Event()

    def answer() -> None:
        nonlocal received, cpu
        try:
            pipe.recv()
        except EOFError:
            asyncio.get_running_loop().remove_reader(pipe.fileno())
            is_over.set()
            return
        pipe.send(Handled(received, time.process_time() - cpu))
        received, cpu = 0, time.process_time()

    asyncio.get_running_loop().add_reader(pipe.fileno(), answer)
    await is_over.wait()
    ib.disconnect()
