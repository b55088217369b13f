"""``python -m tests.performance.ib [seconds]``: the IB adapter beside a bare client of the library, in one run.

The simulated gateway runs in a process of its own, on loopback. Latency of market data is from the arrival of a
packet in the client's process to the handler of a symbol, at 10,000 ticks a second over 100 symbols, for the bare
library (`pendingTickersEvent`) and for the adapter's feed. Latency of orders is from `place` to SUBMITTED, at 100 a
second, with pacing opened on both sides: IB itself takes 50 messages a second, and the adapter keeps below that.
"""

import asyncio
import multiprocessing
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing.connection import Connection as Pipe
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from tests.integration.ib.desk import CASH, NOON, RESTING, SETTINGS, tape
from tests.unit.ib.messages import ACCOUNT, order
from tickledger.domain.order import OrderReport, OrderStatus
from tickledger.exchange.venue_settings import VenueSettings
from tickledger.execution.clock import WallClock
from tickledger.gateway.gateway_settings import GatewaySettings
from tickledger.gateway.server import Gateway
from tickledger.ib import library
from tickledger.ib.broker import IBBroker
from tickledger.ib.market_data import Consumers, MarketDataFeed
from tickledger.ib.order_ids import InMemoryOrderIds

SYMBOLS = tuple(f"S{number:03d}" for number in range(100))
RATE = 10_000
ORDERS_A_SECOND = 100


def serve(pipe: Pipe) -> None:
    """The gateway's process: tells its port, floods when asked to, and tells how many ticks it sent."""

    async def run() -> None:
        venue = VenueSettings(accounts={ACCOUNT: CASH}, starts_at=NOON, stands=True)
        settings = GatewaySettings(port=0, account=ACCOUNT, messages_per_second=None)
        async with Gateway(tape(SYMBOLS), venue, settings) as gateway:
            pipe.send(gateway.port)
            while (seconds := await asyncio.to_thread(pipe.recv)) is not None:
                before = gateway.flooded
                gateway.flood(RATE, seconds)
                await asyncio.sleep(seconds + 0.5)
                pipe.send(gateway.flooded - before)

    asyncio.run(run())


@contextmanager
def gateway() -> Iterator[tuple[Pipe, int]]:
    """A gateway in another process, and the port it listens on."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours, ours.recv()
        ours.send(None)
    finally:
        process.join(5)
        process.kill()


class Stopwatch:
    """Times from the arrival of a packet to each call of `stop`, milliseconds."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self._arrived = 0.0

    def watch(self, ib: Any) -> None:
        """Start at every packet of this connection."""
        receive = ib.client.conn.data_received

        def data_received(data: bytes) -> None:
            self._arrived = time.perf_counter()
            receive(data)

        ib.client.conn.data_received = data_received

    def stop(self, _: object = None) -> None:
        """One update has been handled."""
        self.times.append((time.perf_counter() - self._arrived) * 1000)


async def flooded(pipe: Pipe, ib: Any, seconds: float) -> tuple[int, int, float]:
    """Ticks sent, messages received and part of a CPU used during a flood."""
    before, cpu = ib.client.connectionStats().numMsgRecv, time.process_time()
    pipe.send(seconds)
    sent = await asyncio.to_thread(pipe.recv)
    return sent, ib.client.connectionStats().numMsgRecv - before, (time.process_time() - cpu) / seconds


async def bare(pipe: Pipe, port: int, seconds: float) -> tuple[list[float], tuple[int, int, float]]:
    """The library alone, with a handler that reads bid and ask of every ticker."""
    ib = library.new_ib(time_zone="America/New_York")
    watch = Stopwatch()
    await ib.connectAsync("127.0.0.1", port, clientId=2)
    watch.watch(ib)
    for symbol in SYMBOLS:
        ib.reqMktData(library.Contract(secType="STK", symbol=symbol, exchange="SMART", currency="USD"))
    await asyncio.sleep(1)

    def handle(tickers: Any) -> None:
        for ticker in tickers:
            if ticker.bid < ticker.ask:
                watch.stop()

    ib.pendingTickersEvent += handle
    watch.times.clear()
    counts = await flooded(pipe, ib, seconds)
    ib.disconnect()
    return watch.times, counts


async def ours(pipe: Pipe, port: int, seconds: float) -> tuple[list[float], tuple[int, int, float]]:
    """The adapter's feed, whose consumer gets a quote of decimals for every symbol that changed."""
    broker = _broker(port)
    watch = Stopwatch()
    feed = MarketDataFeed(
        wire=broker.wire,
        pacer=broker.pacer,
        requests=broker.requests,
        connection=broker.connection,
        clock=WallClock(),
        consumers=Consumers(watch.stop, lambda _: None, lambda _: None, lambda _: None),
    )
    await broker.start()
    watch.watch(broker.connection.library_object)
    for symbol in SYMBOLS:
        feed.subscribe(symbol)
    await asyncio.sleep(1)
    watch.times.clear()
    counts = await flooded(pipe, broker.connection.library_object, seconds)
    await broker.stop()
    return watch.times, counts


async def orders(_: Pipe, port: int, seconds: float) -> list[float]:
    """Milliseconds from `place` to SUBMITTED, of resting orders at a steady rate."""
    broker = _broker(port)
    await broker.start()
    placed: dict[str, float] = {}
    times: list[float] = []
    is_done = asyncio.Event()
    count = int(ORDERS_A_SECOND * seconds)

    async def read() -> None:
        while True:
            await broker.something_to_report()
            now = time.perf_counter()
            submitted = [
                told.order_id
                for told in await broker.reports()
                if isinstance(told, OrderReport) and told.status is OrderStatus.SUBMITTED
            ]
            times.extend((now - placed.pop(order_id)) * 1000 for order_id in submitted)
            if len(times) == count:
                is_done.set()

    reading = asyncio.create_task(read())
    began = time.perf_counter()
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / ORDERS_A_SECOND - time.perf_counter()))
        order_id = f"ord_{number}"
        placed[order_id] = time.perf_counter()
        await broker.place(order(order_id, RESTING.replace("AAPL", SYMBOLS[number % 100]).replace("100 ", "1 ")))
    with suppress(TimeoutError):
        await asyncio.wait_for(is_done.wait(), 5)
    reading.cancel()
    with suppress(asyncio.CancelledError):
        await reading
    await broker.cancel_all()
    await broker.stop()
    if placed:
        raise RuntimeError(f"expected every order SUBMITTED, found {len(placed)} that were not")
    return times


def _broker(port: int) -> IBBroker:
    settings = replace(SETTINGS, port=port, messages_per_second=1_000_000, liveness_timeout=5.0)
    return IBBroker(settings, clock=WallClock(), order_ids=InMemoryOrderIds())


def main() -> None:
    """Measure and print; the ratio of the 99th percentiles is the claim, at most 1.5."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    table = Table(title=f"{library.NAME}, {RATE:,} ticks a second for {seconds:g} s, 100 symbols, loopback")
    for heading in ("handler", "updates", "ticks sent", "messages received", "CPU", "p50 ms", "p99 ms"):
        table.add_column(heading, justify="right")
    p99: dict[str, float] = {}
    for name, measure in {"bare library": bare, "adapter": ours}.items():
        with gateway() as (pipe, port):
            times, (sent, received, cpu) = asyncio.run(measure(pipe, port, seconds))
        p50, p99[name] = np.percentile(times, [50, 99])
        row = (len(times), sent, received)
        table.add_row(name, *(f"{count:,}" for count in row), f"{cpu:.0%}", f"{p50:.3f}", f"{p99[name]:.3f}")
    with gateway() as (pipe, port):
        placed = np.percentile(asyncio.run(orders(pipe, port, min(seconds, 10.0))), [50, 99])
    console = Console()
    console.print(table)
    console.print(f"p99 of the adapter to the bare library's: {p99['adapter'] / p99['bare library']:.2f} (at most 1.5)")
    console.print(
        f"place to SUBMITTED at {ORDERS_A_SECOND} orders a second: p50 {placed[0]:.1f} ms, p99 {placed[1]:.1f} ms "
        "(at most 200); IB itself takes 50 messages a second"
    )


if __name__ == "__main__":
    main()
