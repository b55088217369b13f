"""What publishing quotes costs the thread that publishes, beside a plain awaited write of each quote.

Both get the same quotes, 10,000 a second over 100 symbols, a hundred at a time as they come off a socket. CPU seconds
are those of the publishing thread alone (`time.thread_time`), without what making the quotes costs; those of the whole
process stand beside them. ``python -m tests.performance.cache [SECONDS]`` prints the table alone.
"""

import argparse
import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

import redis.asyncio
from rich.console import Console
from rich.table import Table

from tickledger.cache.connect import Cache, open_cache
from tickledger.cache.json_text import to_json
from tickledger.cache.keys import Kind, Scope
from tickledger.cache.publisher import CachePublisher
from tickledger.cache.reader import CacheReader
from tickledger.domain.account import Mode
from tickledger.domain.bar import Quote
from tickledger.domain.live_view import MarketSnapshot
from tickledger.settings import Settings

RATE: Final = 10_000
SYMBOLS: Final = 100
SECONDS: Final = 10.0
_BURST: Final = 100
_SCOPE: Final = Scope(Mode.SIMULATED, "BENCH", is_simulated_market=True)
_QUOTE_SECONDS: Final = 300


@dataclass(frozen=True)
class Cost:
    """Of a number of quotes: CPU seconds of the thread and of the process, and the seconds that all took."""

    quotes: int
    thread: float
    process: float
    wall: float

    @property
    def share(self) -> float:
        """Of one core, the part that the publishing thread took."""
        return self.thread / self.wall

    @property
    def microseconds(self) -> float:
        """CPU of the publishing thread for each quote."""
        return self.thread / self.quotes * 1e6

    @property
    def rate(self) -> float:
        """Quotes a second."""
        return self.quotes / self.wall


def quotes_of(count: int) -> list[Quote]:
    """Quotes of all symbols in turn, each another one."""
    now = datetime.now(UTC)
    return [
        Quote(f"S{number % SYMBOLS:03}", now, Decimal(number + 1) / 100, Decimal(number + 2) / 100, number, number + 1)
        for number in range(count)
    ]


def paced(quotes: Sequence[Quote], rate: float) -> Iterator[Sequence[Quote]]:
    """A burst at a time, each when it is due."""
    started = time.perf_counter()
    for first in range(0, len(quotes), _BURST):
        if (ahead := started + first / rate - time.perf_counter()) > 0:
            time.sleep(ahead)
        yield quotes[first : first + _BURST]


def published(cache: Cache, *, rate: float = RATE, seconds: float = SECONDS) -> Cost:
    """The cost of `CachePublisher`; every symbol's last quote is read back, or this raises."""
    quotes = quotes_of(int(rate * seconds))
    with CachePublisher(cache.make_sink(), _SCOPE) as publisher:
        process, wall, thread = time.process_time(), time.perf_counter(), 0.0
        for burst in paced(quotes, rate):
            before = time.thread_time()
            for quote in burst:
                publisher.publish_quote(quote)
            thread += time.thread_time() - before
        cost = Cost(len(quotes), thread, time.process_time() - process, time.perf_counter() - wall)
    _check(cache, quotes[-SYMBOLS:], publisher.health().problem)
    return cost


def _check(cache: Cache, last: Sequence[Quote], problem: str) -> None:
    async def read() -> dict[str, MarketSnapshot]:
        reader = CacheReader(cache.make_source(), _SCOPE)
        try:
            return await reader.snapshots([quote.symbol for quote in last])
        finally:
            await reader.close()

    found = asyncio.run(read())
    if wrong := [quote for quote in last if quote.symbol not in found or found[quote.symbol].quote != quote]:
        raise AssertionError(
            f"{len(wrong)} of {len(last)} last quotes were not read back; the publisher says: {problem}"
        )


def awaited(url: str, *, seconds: float = SECONDS, rate: float = RATE) -> Cost:
    """The cost of awaiting a write of each quote; it falls behind, so it is cut off when the time is over."""
    quotes = quotes_of(int(rate * seconds))

    async def write_all() -> Cost:
        written = 0
        async with redis.asyncio.Redis.from_url(url, protocol=2) as client:
            thread, process, wall = time.thread_time(), time.process_time(), time.perf_counter()
            for quote in quotes:
                text = to_json(MarketSnapshot(quote.symbol, quote))
                await client.set(_SCOPE.key(Kind.QUOTE, quote.symbol), text, ex=_QUOTE_SECONDS)
                written += 1
                if time.perf_counter() - wall > seconds:
                    break
            took = time.perf_counter() - wall
        return Cost(written, time.thread_time() - thread, time.process_time() - process, took)

    return asyncio.run(write_all())


def table_of_cache(home: Path, *, seconds: float = SECONDS) -> Table:
    """Measure both."""
    with open_cache(Settings(home=home)) as cache:
        ours, plain = published(cache, seconds=seconds), awaited(cache.shown, seconds=seconds)
    table = Table("what", "published", "limit", "awaited SET", "ratio", title="Quotes to Redis")
    table.add_row(f"quotes a second, of {RATE:,} offered", f"{ours.rate:,.0f}", f"{RATE:,}", f"{plain.rate:,.0f}", "")
    table.add_row(
        "CPU of the publishing thread", f"{ours.share:.2%} of a core", "5 %", f"{plain.share:.0%} of a core", ""
    )
    table.add_row(
        "  for each quote, µs",
        f"{ours.microseconds:.2f}",
        "",
        f"{plain.microseconds:.0f}",
        f"{plain.microseconds / ours.microseconds:.0f}×",
    )
    table.add_row(
        "CPU of the whole process",
        f"{ours.process / ours.wall:.1%} of a core",
        "",
        f"{plain.process / plain.wall:.0%} of a core",
        "",
    )
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", type=float, nargs="?", default=SECONDS)
    folder = Path(tempfile.mkdtemp(prefix="tickledger-bench-"))
    try:
        Console(width=120).print(table_of_cache(folder / "home", seconds=parser.parse_args().seconds))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
