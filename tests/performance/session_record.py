"""What a live session keeps in PostgreSQL: its record in groups, and its lease.

``python -m tests.performance.session_record`` prints it alone. Every row is durable (fsync is on). A symbol's minute is
six rows with their foreign keys: a bar, its feature row, a rule's signal and a composite with its component, and what
risk said. The anchor is the same kind of row in a transaction of its own, on one connection.
"""

import argparse
import asyncio
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, text

from tests.integration.db.intraday import TODAY, Minute, interest, minutes
from tests.integration.db.lease_process import order
from tests.integration.db.story import ACCOUNT, tell
from tests.performance.loopback import percentile
from tickledger.db.embedded import EmbeddedServer, ensure_databases, serve
from tickledger.db.engine import create_ledger_engine
from tickledger.db.lease import LeaseKeeper
from tickledger.db.migrate import upgrade
from tickledger.db.order_journal import LedgerJournal
from tickledger.db.session_record import SessionRecorder
from tickledger.domain.order import OrderEvent, OrderStatus
from tickledger.execution.order_journal import NewOrder

SYMBOLS: Final = tuple(f"S{number:03d}" for number in range(100))
MINUTES: Final = 120
ORDERS: Final = 300
LIMIT: Final = 5_000

Row = tuple[str, str, str, str, str, str]


@dataclass(frozen=True)
class Written:
    """So many rows in so many seconds, and what that cost this process in CPU seconds; to add alone is a part of it."""

    rows: int
    seconds: float
    cpu: float
    adding: float

    @property
    def rate(self) -> float:
        return self.rows / self.seconds


@contextmanager
def ledger(server: EmbeddedServer, name: str) -> Iterator[Engine]:
    """A durable ledger with the story in it."""
    ensure_databases(server, [name])
    engine = create_ledger_engine(server.url(name))
    try:
        upgrade(engine)
        tell(engine)
        yield engine
    finally:
        engine.dispose()


def recorder_of(engine: Engine, **options: timedelta) -> SessionRecorder:
    return SessionRecorder(engine, ACCOUNT.account_id, session_id="bench", session_date=TODAY, **options)  # type: ignore[arg-type]


def in_groups(engine: Engine, told: Sequence[Minute]) -> Written:
    """All minutes added as fast as they can be, until the last row is durable."""
    with recorder_of(engine) as recorder:
        cpu, started = _cpu(), time.perf_counter()
        for minute in told:
            minute.add_to(recorder)
        adding = time.perf_counter() - started
        recorder.flush(timedelta(minutes=10))
        return Written(recorder.written_rows, time.perf_counter() - started, _cpu() - cpu, adding)


def one_by_one(engine: Engine, count: int) -> Written:
    """Rows of the smallest kind, each in a transaction of its own, by the recorder."""
    with recorder_of(engine) as recorder:
        cpu, started = _cpu(), time.perf_counter()
        for number in range(count):
            recorder.record_cash_transaction(interest(f"{number + 1}.25"))
            recorder.flush(timedelta(minutes=1))
        return Written(recorder.written_rows, time.perf_counter() - started, _cpu() - cpu, 0.0)


def bare_commits(engine: Engine, count: int) -> Written:
    """The anchor: an INSERT and its commit, through nothing but the driver."""
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE bare (number INTEGER PRIMARY KEY, told TEXT)"))
        connection.commit()
        cpu, started = _cpu(), time.perf_counter()
        for number in range(count):
            connection.exec_driver_sql("INSERT INTO bare VALUES (%s, %s)", (number, "a row"))
            connection.commit()
        return Written(count, time.perf_counter() - started, _cpu() - cpu, 0.0)


def waits(engine: Engine, told: Sequence[Minute]) -> list[float]:
    """Seconds that a session waits for one symbol's minute to be durable before it sends an order of it."""

    async def session(recorder: SessionRecorder) -> list[float]:
        took = []
        for minute in told:
            minute.add_to(recorder)
            started = time.perf_counter()
            await recorder.flushed()
            took.append(time.perf_counter() - started)
        return took

    with recorder_of(engine, delay=timedelta(days=1)) as recorder:
        return asyncio.run(session(recorder))


def lease(engine: Engine, orders: int) -> dict[str, list[float]]:
    """Seconds of each thing that is done with a lease; orders are written in turn with the guard and without."""
    keeper = LeaseKeeper(engine, ACCOUNT.account_id, holder="bench")
    took: dict[str, list[float]] = {name: [] for name in ("acquire", "renew", "objection", "plain", "guarded")}
    for _ in range(50):
        keeper.release()
        started = time.perf_counter()
        acquired = keeper.acquire()
        took["acquire"].append(time.perf_counter() - started)
        assert acquired is not None
    journals = {"plain": LedgerJournal(engine), "guarded": LedgerJournal(engine, guard=keeper.guard)}
    for number in range(orders):
        started = time.perf_counter()
        keeper.renew()
        took["renew"].append(time.perf_counter() - started)
        for name, journal in journals.items():
            placed = order(name, number)
            event = OrderEvent(placed.order_id, 0, OrderStatus.PENDING, placed.submitted_at, placed.session_date)
            started = time.perf_counter()
            journal.record_orders(placed.account_id, [NewOrder(placed, event)])
            took[name].append(time.perf_counter() - started)
        started = time.perf_counter()
        assert keeper.objection() is None
        took["objection"].append(time.perf_counter() - started)
    keeper.release()
    keeper.close()
    return took


def table_of_session_record(
    server: EmbeddedServer, *, count: int = MINUTES, orders: int = ORDERS, name: str = "session_bench"
) -> Table:
    """Measure everything, in the process that asks."""
    names = ("what", "measured", "limit", "anchor", "ratio", "CPU s")
    table = Table(*names, title="The record of a live session", caption=__doc__, caption_justify="left")
    with ledger(server, name) as engine:
        grouped = in_groups(engine, list(minutes(count, symbols=SYMBOLS)))
        single, bare = one_by_one(engine, orders), bare_commits(engine, orders)
        waited = waits(engine, list(minutes(orders, symbols=("ONE",))))
        times = lease(engine, orders)
    rows: list[Row] = [
        (
            f"group commit of {grouped.rows:,} rows: durable rows/s",
            f"{grouped.rate:,.0f}",
            f"{LIMIT:,}",
            f"one commit a row {single.rate:,.0f}, a bare INSERT {bare.rate:,.0f}",
            f"{grouped.rate / bare.rate:.1f}",
            f"{grouped.cpu:.2f}",
        ),
        (
            "  to add a row, µs of the session's time",
            f"{grouped.adding / grouped.rows * 1e6:.1f}",
            "",
            "",
            "",
            "",
        ),
        ("  a symbol's minute (6 rows) until durable, p50 / p99 ms", _spread(waited), "", "", "", ""),
        ("an order written with the guard, p50 / p99 ms", _spread(times["guarded"]), "", *_beside(times)),
        ("lease: acquire, p50 / p99 ms", _spread(times["acquire"]), "", "", "", ""),
        ("lease: renew, p50 / p99 ms", _spread(times["renew"]), "100, or it is told", "", "", ""),
        ("lease: objection, p50 / p99 µs", _spread(times["objection"], scale=1e6), "", "", "", ""),
    ]
    for row in rows:
        table.add_row(*row)
    return table


def _beside(times: dict[str, list[float]]) -> tuple[str, str, str]:
    ratio = percentile(times["guarded"], 50) / percentile(times["plain"], 50)
    return f"without {_spread(times['plain'])}", f"{ratio:.2f}", ""


def _spread(seconds: Sequence[float], *, scale: float = 1e3) -> str:
    return f"{percentile(seconds, 50) * scale:.2f} / {percentile(seconds, 99) * scale:.2f}"


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure in a folder of its own, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("minutes", nargs="?", type=int, default=MINUTES, help="of 100 symbols, recorded in groups")
    count: int = parser.parse_args().minutes
    folder = Path(tempfile.mkdtemp(prefix="tickledger-bench-"))
    folder.chmod(0o711)
    try:
        with serve(folder / "server") as server:
            table = table_of_session_record(server, count=count)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
