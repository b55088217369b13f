"""The trading path from the gateway's ticks to the kill switch, on loopback, as one table.

``python -m tests.performance.trading [SECONDS]`` prints it alone; the flood and the orders run for so many seconds
each (10 where not told; the project's claim is for 60). Anchors are measured in the same run.
"""

import argparse
import logging
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from tests.performance import algos, market_data, orders
from tests.performance.loopback import percentile
from tickledger.db.embedded import EmbeddedServer, serve

SECONDS: Final = 10.0
_TICKS: Final = 1_000_000
_QUEUED: Final = 200
_DECISIONS: Final = 5_000
_JOURNALED: Final = 300
_CAPTION: Final = """\
Ticks differ from the one before on their line: ib_insync drops a bid or ask that repeats price and size, the adapter
counts it as a sign of life. Handler: from a packet's arrival to the call with a symbol's quote. An order's time begins
when it is due and ends when SUBMITTED is durable. IB takes 50 messages a second of a client: the adapter sends 48 and
lets the rest wait, so 100 orders a second are two connections' worth; here both sides' limits are opened, but not for
the kill switch. Percentiles are of wall time and include whatever else the machine does."""

Row = tuple[str, str, str, str, str, str]


def table_of_trading(server: EmbeddedServer, folder: Path, *, seconds: float = SECONDS) -> Table:
    """Measure everything, in the process that asks."""
    # What the library logs of connections that are closed on purpose, and of its own pacing.
    logging.getLogger("ib_insync").setLevel(logging.CRITICAL)
    names = ("what", "measured", "limit", "anchor", "ratio", "CPU s")
    table = Table(*names, title="Trading on loopback", caption=_CAPTION, caption_justify="left")
    rows = [*_flood(seconds), *_gateway(), *_orders(server, seconds), *_kill(folder), *_algos()]
    for row in rows:
        table.add_row(*row)
    return table


def _flood(seconds: float) -> Sequence[Row]:
    bare, ours = market_data.through_the_client(seconds=seconds)
    ours_p99, bare_p99 = percentile(ours.from_arrival, 99), percentile(bare.from_arrival, 99)
    sent_p99, bare_sent_p99 = percentile(ours.from_sending, 99), percentile(bare.from_sending, 99)
    return [
        (
            f"{market_data.RATE:,} ticks/s for {seconds:g} s: lost",
            f"{ours.lost:,} of {ours.sent:,}",
            "0",
            f"library {bare.lost:,} of {bare.sent:,}",
            "",
            f"{ours.cpu:.1f} (library {bare.cpu:.1f})",
        ),
        (
            "  handler, p50 / p99 ms",
            f"{percentile(ours.from_arrival, 50):.2f} / {ours_p99:.2f}",
            "1.5 × library",
            f"library {percentile(bare.from_arrival, 50):.2f} / {bare_p99:.2f}",
            f"{ours_p99 / bare_p99:.2f}",
            "",
        ),
        (
            "  from the gateway's send, p50 / p99 ms",
            f"{percentile(ours.from_sending, 50):.2f} / {sent_p99:.2f}",
            "",
            f"library {percentile(bare.from_sending, 50):.2f} / {bare_sent_p99:.2f}",
            f"{sent_p99 / bare_sent_p99:.2f}",
            f"gateway {ours.gateway_cpu:.1f}",
        ),
    ]


def _gateway() -> Sequence[Row]:
    output = market_data.gateway_alone(ticks=_TICKS)
    measured = f"{output.rate:,.0f} ticks/s, {output.counted:,} of {output.sent:,} counted"
    return [("gateway alone, to a raw socket", measured, "50,000 ticks/s", "", "", f"{output.gateway_cpu:.2f}")]


def _orders(server: EmbeddedServer, seconds: float) -> Sequence[Row]:
    count = int(seconds * orders.RATE)
    with orders.ledger(server, signals=count + _JOURNALED) as engine:
        written = orders.journal_rows(engine, first=count, orders=_JOURNALED)
        flow = orders.decision_to_submitted(engine, seconds=seconds)
        plain = orders.plain_inserts(server, transactions=_JOURNALED)
    alone = orders.library_to_submitted(seconds=seconds)
    ours, bare = percentile(flow.times, 99), percentile(alone.times, 99)
    return [
        (
            f"decision → Submitted, {orders.RATE} orders/s: p50 / p99 ms",
            f"{percentile(flow.times, 50):.1f} / {ours:.1f}",
            "p99 200",
            f"library {percentile(alone.times, 50):.1f} / {bare:.1f}",
            f"{ours / bare:.1f}",
            f"{flow.cpu:.1f} (library {alone.cpu:.1f})",
        ),
        (
            "  orders/s placed",
            f"{flow.placed / flow.seconds:.1f}, {flow.placed:,} orders",
            f"{orders.RATE}",
            f"library {alone.placed / alone.seconds:.1f}",
            "",
            "",
        ),
        (
            "journal alone",
            f"{written.rows / written.seconds:,.0f} rows/s, {written.milliseconds:.2f} ms a transaction",
            "",
            f"a bare INSERT {plain.milliseconds:.2f} ms",
            f"{written.milliseconds / plain.milliseconds:.1f}",
            f"{written.cpu:.2f}",
        ),
    ]


def _kill(folder: Path) -> Sequence[Row]:
    ours, bare = orders.kill_switch(folder, queued=_QUEUED), orders.library_kill(folder, queued=_QUEUED)
    return [
        (
            f"kill switch behind {_QUEUED} orders: at the gateway, ms",
            f"{ours.milliseconds:.1f}",
            "100",
            f"library {bare.milliseconds:,.0f}",
            f"{ours.milliseconds / bare.milliseconds:.3f}",
            "",
        ),
        (
            "  orders that reached the gateway before / after",
            f"{ours.orders_before} / {ours.orders_after}",
            "after: 0",
            f"library {bare.orders_before} / {bare.orders_after}",
            "",
            "",
        ),
    ]


def _algos() -> Sequence[Row]:
    rows: list[Row] = []
    for algorithm in algos.ALGORITHMS:
        times = algos.microseconds(algorithm, calls=_DECISIONS)
        measured = f"{percentile(times, 50):.0f} / {percentile(times, 99):.0f}"
        rows.append((f"{algorithm.name} decides, p50 / p99 µs", measured, "", "", "", f"{sum(times) / 1e6:.2f}"))
    return rows


def main() -> None:
    """Measure in a folder of its own, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", nargs="?", type=float, default=SECONDS)
    seconds: float = parser.parse_args().seconds
    folder = Path(tempfile.mkdtemp(prefix="tickledger-bench-"))
    folder.chmod(0o711)
    try:
        with serve(folder / "server") as server:
            table = table_of_trading(server, folder, seconds=seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
