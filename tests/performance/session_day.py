"""A whole session at many times the speed of the wall, through the real socket: what it holds, hour by hour.

``python -m tests.performance.session_day [SPEED]`` prints it alone and fails where memory, open files or database
connections grow.
"""

import argparse
import asyncio
import logging
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, text

from resources.session_tally import SessionSummary
from tests.performance import session_scene
from tests.performance.live_session import summary_of, trading
from tests.performance.loopback import SYMBOLS, GatewayProcess, gateway_process
from tests.performance.session_probe import Footprint, Probe, footprint
from tickledger.db.embedded import EmbeddedServer, serve

SPEED: Final = 600.0
_OPENS_AT: Final = datetime(2013, 3, 27, 13, 30, tzinfo=UTC)
_CLOSES_AT: Final = datetime(2013, 3, 27, 20, 0, tzinfo=UTC)
_SAMPLE_EVERY: Final = 0.5
_HOUR: Final = timedelta(hours=1)
_CONNECTIONS: Final = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
#: Of a megabyte an hour of the market: what the record of the day itself may take, far from two gigabytes a month.
MOST_GROWTH: Final = 10.0
#: A socket that is open for a moment, to ask the market for its time.
_PASSING: Final = 1


@dataclass(frozen=True)
class Sample:
    """What the session held at an instant of the market."""

    at: datetime
    held: Footprint
    connections: int


@dataclass(frozen=True)
class Day:
    """One session from its open to its close."""

    samples: Sequence[Sample]
    summary: SessionSummary
    cpu: float
    seconds: float

    def between(self, start: datetime, end: datetime) -> list[Sample]:
        """The samples of a stretch."""
        return [sample for sample in self.samples if start <= sample.at < end]

    @property
    def first_hour(self) -> list[Sample]:
        """From an hour after the first sample on, when everything is warm, for an hour."""
        return self.between(self.samples[0].at + _HOUR, self.samples[0].at + 2 * _HOUR)

    @property
    def last_hour(self) -> list[Sample]:
        """The hour before the last sample."""
        return self.between(self.samples[-1].at - _HOUR, self.samples[-1].at)

    @property
    def growth(self) -> float:
        """Megabytes an hour of the market, over all samples but those of the first hour."""
        warm = self.between(self.samples[0].at + _HOUR, self.samples[-1].at)
        hours = [(sample.at - warm[0].at) / _HOUR for sample in warm]
        return float(np.polyfit(hours, [sample.held.megabytes for sample in warm], 1)[0])


def whole_day(
    server: EmbeddedServer,
    home: Path,
    *,
    speed: float = SPEED,
    symbols: Sequence[str] = SYMBOLS[:20],
    starts_at: datetime = _OPENS_AT,
    ends_at: datetime = _CLOSES_AT,
    name: str = "session_day",
) -> Day:
    """A session that trades from `starts_at` until `ends_at`."""
    scene = session_scene.scene(speed=speed, starts_at=starts_at)
    with (
        session_scene.ledger(server, symbols, name=name, until=starts_at) as engine,
        gateway_process(symbols, scene=scene) as gateway,
    ):
        return asyncio.run(_lived_through(engine, home, gateway, symbols, ends_at))


async def _lived_through(
    engine: Engine, home: Path, gateway: GatewayProcess, symbols: Sequence[str], ends_at: datetime
) -> Day:
    samples: list[Sample] = []
    async with trading(engine, session_scene.settings(home, gateway, symbols), Probe()) as session:
        began, cpu = time.perf_counter(), time.process_time()
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            while not samples or samples[-1].at < ends_at:
                await asyncio.sleep(_SAMPLE_EVERY)
                if (at := summary_of(session).market_at) is not None:
                    connections = connection.execute(_CONNECTIONS).scalar_one()
                    samples.append(Sample(at, footprint(), connections))
        return Day(samples, summary_of(session), time.process_time() - cpu, time.perf_counter() - began)


def table_of_day(day: Day) -> Table:
    """First and last hour of the market, and what grew."""
    table = Table("what", "second hour", "last hour", "limit", title="A session of 6.5 hours")
    first, last = day.first_hour, day.last_hour
    for name, of in (
        ("memory MB", lambda sample: sample.held.megabytes),
        ("open files", lambda sample: sample.held.files),
        ("database connections", lambda sample: sample.connections),
    ):
        table.add_row(name, *(f"{median(map(of, part)):,.0f}" for part in (first, last)), "")
    table.add_row("memory grows, MB an hour", "", f"{day.growth:.1f}", f"{MOST_GROWTH:g}")
    told = day.summary
    table.caption = (
        f"Medians of each hour. {told.bars:,} bars, {told.signals:,} signals, {told.orders:,} orders, "
        f"{told.fills:,} fills in {day.seconds:.0f} s of the wall and {day.cpu:.0f} s of CPU."
    )
    return table


def growing(day: Day) -> list[str]:
    """What has grown over the day."""
    first, last = day.first_hour, day.last_hour
    found = [f"memory by {day.growth:.1f} MB an hour"] if day.growth > MOST_GROWTH else []
    if median(sample.held.files for sample in last) > median(sample.held.files for sample in first) + _PASSING:
        found.append("open files")
    if median(sample.connections for sample in last) > median(sample.connections for sample in first):
        found.append("database connections")
    return found


def main() -> None:
    """Measure in a folder of its own, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("speed", nargs="?", type=float, default=SPEED)
    speed: float = parser.parse_args().speed
    logging.getLogger("ib_insync").setLevel(logging.CRITICAL)
    folder = Path(tempfile.mkdtemp(prefix="tickledger-bench-"))
    folder.chmod(0o711)
    try:
        with serve(folder / "server") as server:
            day = whole_day(server, folder / "home", speed=speed)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    Console(width=120).print(table_of_day(day))
    if found := growing(day):
        raise SystemExit(f"expected a session that holds no more at its end, found growth of {', '.join(found)}")


if __name__ == "__main__":
    main()
