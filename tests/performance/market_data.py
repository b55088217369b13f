"""Market data through a real socket: a flood of ticks to the bare library and to the adapter's feed, and to nobody.

Every tick of the flood differs from the one before it on its line, because the library drops a bid or ask whose price
and size are those it has: so what was sent and what was received can be compared tick by tick. The handlers do the
same: they look at the symbol's quote. Two times are taken for each symbol that a packet changed: from the arrival of
the packet in the process, and from the instant the gateway sent the tick, which is in the tick itself.
"""

import asyncio
import socket
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.performance.loopback import HOST, SYMBOLS, GatewayProcess, gateway_process, until
from tests.unit.ib.messages import ACCOUNT
from tickledger.domain.bar import Quote
from tickledger.execution.clock import WallClock
from tickledger.gateway.fields import framed, message
from tickledger.gateway.flood import STAMP_BASE
from tickledger.ib import library
from tickledger.ib.broker import IBBroker
from tickledger.ib.ib_settings import IBSettings
from tickledger.ib.market_data import Consumers, MarketDataFeed
from tickledger.ib.order_ids import InMemoryOrderIds

RATE: Final = 10_000
_TICK_PRICE: Final = b"1\0"
_CURRENT_TIME: Final = (49, 1)
_TIME_TOLD: Final = b"49\0"
_LENGTH: Final = struct.Struct(">I")
_PATIENCE: Final = 10.0


@dataclass
class Reception:
    """What a client got of a flood: ticks, and the milliseconds to its handler from arrival and from sending."""

    sent: int = 0
    received: int = 0
    from_arrival: list[float] = field(default_factory=list)
    from_sending: list[float] = field(default_factory=list)
    cpu: float = 0.0
    gateway_cpu: float = 0.0

    @property
    def lost(self) -> int:
        """Ticks that were sent and not received."""
        return self.sent - self.received


class _Stopwatch:
    """Takes both times of every update that is handled."""

    def __init__(self, reception: Reception) -> None:
        self._reception = reception
        self._arrived = 0.0

    def watch(self, ib: Any) -> None:
        """Start at every packet of this connection."""
        receive = ib.client.conn.data_received

        def data_received(data: bytes) -> None:
            self._arrived = time.monotonic()
            receive(data)

        ib.client.conn.data_received = data_received

    def stop(self, stamp: float) -> None:
        """An update has been handled."""
        if stamp < STAMP_BASE:
            return  # The quotes that stood before the flood.
        now = time.monotonic()
        self._reception.from_arrival.append((now - self._arrived) * 1e3)
        self._reception.from_sending.append((now - (stamp - STAMP_BASE) * 1e-6) * 1e3)


async def bare_library(
    gateway: GatewayProcess, *, rate: float, seconds: float, symbols: Sequence[str] = SYMBOLS
) -> Reception:
    """A flood to `ib_insync` alone, with a handler on `pendingTickersEvent`."""
    reception = Reception()
    watch = _Stopwatch(reception)
    ib = library.new_ib(time_zone="America/New_York")
    await ib.connectAsync(HOST, gateway.port, clientId=2)
    watch.watch(ib)

    def handle(tickers: Any) -> None:
        for ticker in tickers:
            reception.received += sum(tick.size >= STAMP_BASE for tick in ticker.ticks)
            watch.stop(max(ticker.bidSize, ticker.askSize))

    tickers = [
        ib.reqMktData(library.Contract(secType="STK", symbol=symbol, exchange="SMART", currency="USD"))
        for symbol in symbols
    ]
    await until(lambda: all(ticker.bid > 0 and ticker.ask > 0 for ticker in tickers), "a quote of every symbol")
    ib.pendingTickersEvent += handle
    await _flooded(gateway, reception, rate=rate, seconds=seconds)
    ib.disconnect()
    return reception


async def adapter(gateway: GatewayProcess, *, rate: float, seconds: float) -> Reception:
    """A flood to the adapter's feed, whose consumer gets a quote of decimals for every symbol that changed."""
    reception = Reception()
    watch = _Stopwatch(reception)
    latest: dict[str, Quote] = {}

    def handle(quote: Quote) -> None:
        latest[quote.symbol] = quote
        watch.stop(max(quote.bid_size, quote.ask_size))

    broker = opened_broker(gateway.port)
    feed = MarketDataFeed(
        wire=broker.wire,
        pacer=broker.pacer,
        requests=broker.requests,
        connection=broker.connection,
        clock=WallClock(),
        consumers=Consumers(handle, lambda _: None, lambda _: None, lambda _: None),
    )
    take = feed._price

    def counted(number: int, kind: int, price: float, size: float) -> None:
        reception.received += size >= STAMP_BASE
        take(number, kind, price, size)

    broker.wire.listen_alone("priceSizeTick", counted)
    await broker.start()
    watch.watch(broker.connection.library_object)
    for symbol in SYMBOLS:
        feed.subscribe(symbol)
    await until(lambda: len(latest) == len(SYMBOLS), "a quote of every symbol")
    await _flooded(gateway, reception, rate=rate, seconds=seconds)
    await broker.stop()
    return reception


def opened_broker(port: int) -> IBBroker:
    """A broker whose own pacing is opened as well."""
    settings = IBSettings(HOST, port, client_id=1, account_id=ACCOUNT, messages_per_second=1_000_000)
    return IBBroker(settings, clock=WallClock(), order_ids=InMemoryOrderIds())


async def _flooded(gateway: GatewayProcess, reception: Reception, *, rate: float, seconds: float) -> None:
    """Flood, wait until everything has come or nothing more does, and note what it took."""
    began = time.process_time()
    reception.sent, reception.gateway_cpu = await gateway.flood(rate, seconds)
    before = -1
    while before < reception.received < reception.sent:
        before = reception.received
        await asyncio.sleep(0.5)
    reception.cpu = time.process_time() - began


def through_the_client(*, rate: float = RATE, seconds: float) -> tuple[Reception, Reception]:
    """The bare library and the adapter, one after the other, each on a gateway of its own."""
    with gateway_process() as gateway:
        bare = asyncio.run(bare_library(gateway, rate=rate, seconds=seconds))
    with gateway_process() as gateway:
        ours = asyncio.run(adapter(gateway, rate=rate, seconds=seconds))
    return bare, ours


@dataclass(frozen=True)
class Output:
    """What the gateway alone sends: ticks sent and counted by the reader, in so many seconds and CPU seconds."""

    sent: int
    counted: int
    seconds: float
    gateway_cpu: float

    @property
    def rate(self) -> float:
        """Ticks a second that arrived."""
        return self.counted / self.seconds


def gateway_alone(*, ticks: int) -> Output:
    """As many ticks as the gateway can send, to a reader that does nothing but count frames."""
    with gateway_process() as gateway, socket.create_connection((HOST, gateway.port), timeout=_PATIENCE) as reader:
        reader.sendall(b"API\0" + framed(b"v157..176") + message(71, 2, 7, ""))
        for number, symbol in enumerate(SYMBOLS, start=1):
            contract = (0, symbol, "STK", "", 0.0, "", "", "SMART", "", "USD", "", "")
            reader.sendall(message(1, 11, number, *contract, False, "", False, False, ""))
        reader.sendall(message(*_CURRENT_TIME))
        frames = _Frames(reader)
        # Its answer comes after those to all that was asked before.
        while not frames.is_answered:
            frames.read()
        before = gateway.do(do="status")
        already = frames.ticks
        began = time.monotonic()
        gateway.do(do="flood", rate=10.0 * ticks, seconds=0.1, is_stamped=True)
        while frames.ticks - already < ticks:
            frames.read()
        seconds = time.monotonic() - began
        after = gateway.do(do="status")
    return Output(
        sent=after["flooded"] - before["flooded"],
        counted=frames.ticks - already,
        seconds=seconds,
        gateway_cpu=after["cpu"] - before["cpu"],
    )


class _Frames:
    """Frames as they come from a blocking socket; `ticks` counts those that tell a price."""

    def __init__(self, reader: socket.socket) -> None:
        self._reader = reader
        self._rest = b""
        self.ticks = 0
        self.is_answered = False

    def read(self) -> None:
        """Count what has come; raises TimeoutError where nothing does."""
        data = self._reader.recv(1 << 20)
        if not data:
            raise RuntimeError(f"the gateway closed the connection after {self.ticks} ticks")
        data = self._rest + data
        place, size = 0, len(data)
        while place + 4 <= size:
            end = place + 4 + _LENGTH.unpack_from(data, place)[0]
            if end > size:
                break
            is_tick = data.startswith(_TICK_PRICE, place + 4)
            self.ticks += is_tick
            self.is_answered |= not is_tick and data.startswith(_TIME_TOLD, place + 4)
            place = end
        self._rest = data[place:]
