"""A trading session on loopback: from the gateway's ticks to orders at the gateway, as ``tickledger trade`` runs it.

``python -m tests.performance.session [SECONDS]`` prints the table alone; each flood runs for so many seconds (10 where
not told; the project's claim is for 600).
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

from tests.performance.live_session import Flood, Stretch, through_a_session
from tests.performance.loopback import percentile
from tests.performance.session_turns import TurnCost, turn_costs
from tickledger.db.embedded import EmbeddedServer, serve

SECONDS: Final = 10.0
RATE: Final = 10_000
CALM_RATE: Final = 1_000
#: A market in which a minute takes two seconds, so that there is much to decide.
FAST: Final = 30.0
TURNS: Final = 200
_LONG: Final = 60.0
_CAPTION: Final = """\
100 symbols, quotes and bars of five seconds of each; ledger, record, cache, journal of inputs, lease and alerts as they
are. The library alone is in a process of its own and gets as many ticks at the same time, none of which repeats the one
before. A bar's time begins with the packet that completes it, a quote's with the first packet since quotes were told
last. Orders of one turn are decided one after the other, kept in one transaction and sent then; what the broker says of
them is booked as it comes. Orders that waited for IB's limit of 50 messages a second have a row of their own. The fast
market has thirty minutes in one."""

Row = tuple[str, str, str, str, str, str]


def table_of_session(server: EmbeddedServer, folder: Path, *, seconds: float = SECONDS) -> Table:
    """Measure everything, in the process that asks."""
    # What the library logs of connections that are closed on purpose.
    logging.getLogger("ib_insync").setLevel(logging.CRITICAL)
    flooded = through_a_session(server, folder / "flood", Flood(RATE, seconds, has_anchor=True), name="session_flood")
    fast = through_a_session(server, folder / "fast", Flood(CALM_RATE, seconds, speed=FAST), name="session_fast")
    driven = Flood(CALM_RATE, seconds, is_tick_driven=True)
    calm = through_a_session(server, folder / "driven", driven, name="session_driven")
    counts = (0, 500, 2_000, 5_000) if seconds >= _LONG else (0, 500, 2_000)
    turns = turn_costs(server, counts, turns=TURNS, name="session_turns")
    names = ("what", "measured", "limit", "anchor", "ratio", "CPU s")
    table = Table(*names, title="A trading session on loopback", caption=_CAPTION, caption_justify="left")
    for row in (*_flood(flooded, seconds), *_times(fast, calm), *_turns(turns)):
        table.add_row(*row)
    return table


def _flood(flooded: Stretch, seconds: float) -> Sequence[Row]:
    bare, held = flooded.bare, [one.megabytes for one in flooded.footprints]
    received, cpu = (0, 0.0) if bare is None else (bare.received, bare.cpu)
    return [
        (
            f"{RATE:,} ticks/s for {seconds:g} s: lost",
            f"{flooded.lost:,} of {flooded.sent:,}",
            "0",
            f"library {flooded.sent - received:,} of {flooded.sent:,}",
            "",
            "",
        ),
        (
            "  CPU of the session's process",
            f"{flooded.share:.1%} of a core",
            "1.5 × library",
            f"library {cpu / flooded.seconds:.1%}",
            f"{flooded.ratio or 0:.2f}",
            f"{flooded.cpu:.1f} (library {cpu:.1f})",
        ),
        ("  memory MB, first / last / most", f"{held[0]:.0f} / {held[-1]:.0f} / {max(held):.0f}", "2,000", "", "", ""),
    ]


def _times(fast: Stretch, calm: Stretch) -> Sequence[Row]:
    return [
        ("tick in → signals, bars: p50 / p99 ms", _spread(fast.probe.bars_to_signals), "p99 100", "", "", ""),
        ("tick in → signals, tick-driven: p50 / p99 ms", _spread(calm.probe.quotes_to_signals), "p99 100", "", "", ""),
        (
            f"decision → acknowledged, {fast.summary.orders:,} orders: p50 / p99 ms",
            _spread(fast.probe.decisions_to_answers),
            "p99 200",
            "",
            "",
            f"{fast.cpu:.1f}",
        ),
        ("  held back by IB's limit: p50 / p99 ms", _spread(fast.probe.held_back), "", "", "", ""),
        ("decision → booked: p50 / p99 ms", _spread(fast.probe.decisions_to_booked), "", "", "", ""),
        (
            f"CPU at {CALM_RATE:,} ticks/s, tick-driven",
            f"{calm.share:.1%} of a core",
            "50 %",
            "",
            "",
            f"{calm.cpu:.1f}",
        ),
    ]


def _turns(costs: Sequence[TurnCost]) -> Sequence[Row]:
    none, rows = costs[0], list[Row]()
    for cost in costs:
        measured = f"{cost.turn:.2f}, reconciled {cost.reconciliation:.0f}"
        ratio = f"{cost.turn / none.turn:.2f}"
        rows.append((f"a turn after {cost.orders:,} orders of the day, CPU ms", measured, "flat", "none", ratio, ""))
    return rows


def _spread(milliseconds: Sequence[float]) -> str:
    if not milliseconds:
        return "none"
    return f"{percentile(milliseconds, 50):.1f} / {percentile(milliseconds, 99):.1f} ({len(milliseconds):,})"


def main() -> None:
    """Measure in a folder of its own, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seconds", nargs="?", type=float, default=SECONDS)
    seconds: float = parser.parse_args().seconds
    folder = Path(tempfile.mkdtemp(prefix="tickledger-bench-"))
    folder.chmod(0o711)
    try:
        with serve(folder / "server") as server:
            table = table_of_session(server, folder, seconds=seconds)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
