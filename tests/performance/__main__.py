"""``make bench``: times, memory and sizes of what a person runs, each beside its limit.

Wall time is what a person waits; CPU seconds (of the command and all its children) say what it costs, also on a busy
machine. Peak memory is that of the largest single process. ``python -m tests.performance --seconds 60`` runs the
market data and the orders of the trading path, and a session, for a minute each; ``tests.performance.trading`` runs
that path alone, ``tests.performance.session`` a session.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from tests.command import TICKLEDGER, command_environment
from tests.performance.alerts import table_of_alerts
from tests.performance.cache import table_of_cache
from tests.performance.dashboard import measure, table_of_dashboard
from tests.performance.pnl import table_of_pnl
from tests.performance.real_time import table_of_real_time
from tests.performance.reconciliation import table_of_reconciliation, table_of_whole_reconciliation
from tests.performance.risk import table_of_risk
from tests.performance.session import table_of_session
from tests.performance.session_day import table_of_day, whole_day
from tests.performance.session_record import table_of_session_record
from tests.performance.statements import table_of_statements
from tests.performance.tax import dense_history, table_of_tax
from tests.performance.trading import SECONDS, table_of_trading
from tickledger.db.connect import LEDGER
from tickledger.db.embedded import EmbeddedServer, serve
from tickledger.db.engine import create_ledger_engine

ROOT = Path(__file__).resolve().parents[2]
MEGABYTE = 1_000_000
REPEATS = 5


@dataclass(frozen=True)
class Cost:
    """Of one command: seconds waited, seconds of CPU, and the largest process in MB."""

    wall: float
    cpu: float
    peak: float


def cost_of(command: Sequence[str | Path], home: Path) -> Cost:
    """Run `command` to its end in a process of its own, so that nothing else is counted."""
    script = (
        "import resource, subprocess, sys, time; t = time.perf_counter();"
        "code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode;"
        "wall = time.perf_counter() - t; used = resource.getrusage(resource.RUSAGE_CHILDREN);"
        "print(wall, used.ru_utime + used.ru_stime, used.ru_maxrss); sys.exit(code)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, *map(str, command)],
        env=dict(command_environment(home)),
        cwd=home.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    wall, cpu, kilobytes = map(float, ran.stdout.split())
    return Cost(wall, cpu, kilobytes * 1024 / MEGABYTE)


def median_cost(command: Sequence[str | Path], home: Path) -> Cost:
    """The run with the median wall time of several, after one that fills the caches."""
    costs = sorted((cost_of(command, home) for _ in range(REPEATS + 1)), key=lambda cost: cost.wall)
    return costs[len(costs) // 2]


def installed_megabytes() -> float:
    """The size of the environment on disk; a file that is linked from the installer's cache counts once."""
    found = {stat.st_ino: stat.st_size for path in (ROOT / ".venv").rglob("*") if (stat := path.lstat())}
    return sum(found.values()) / MEGABYTE


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of the flood and of the steady orders")
    seconds: float = parser.parse_args().seconds
    folder = Path(tempfile.mkdtemp(prefix="tickledger-bench-"))
    folder.chmod(0o711)
    home = folder / "home"
    try:
        rows = [
            ("tickledger demo, empty home", cost_of([TICKLEDGER, "demo"], home), "120 s"),
            ("tickledger demo, again", cost_of([TICKLEDGER, "demo"], home), "45 s"),
            ("tickledger --help", median_cost([TICKLEDGER, "--help"], home), "1 s"),
            ("tickledger tax, one trade", median_cost(tax_command(one_trade(folder), folder), home), ""),
            ("tickledger tax, 50,000 fills", median_cost(tax_command(many_trades(folder), folder), home), ""),
            ("import tickledger", median_cost([sys.executable, "-c", "import tickledger"], home), "0.5 s"),
        ]
        of_tax = table_of_tax(folder)
        of_cache = table_of_cache(home, seconds=seconds)
        with serve(home) as server:
            of_risk = table_on(server, table_of_risk)
            of_pnl = table_on(server, table_of_pnl)
            of_trading = table_of_trading(server, folder, seconds=seconds)
            of_record = table_of_session_record(server)
            of_session = table_of_session(server, folder, seconds=seconds)
            of_day = table_of_day(whole_day(server, folder / "day"))
        of_statements = table_of_statements(folder)
        of_reconciliation = table_of_whole_reconciliation(folder)
        of_dashboard = table_of_dashboard(measure(folder / "dashboard"))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _print(rows)
    Console(width=140).print(of_tax)
    Console(width=140).print(of_risk)
    Console(width=140).print(table_of_alerts())
    Console(width=140).print(table_of_reconciliation())
    Console(width=140).print(of_reconciliation)
    Console(width=140).print(of_statements)
    Console(width=150).print(of_pnl)
    Console(width=140).print(of_dashboard)
    Console(width=140).print(table_of_real_time())
    Console(width=120).print(of_cache)
    Console(width=160).print(of_trading)
    Console(width=160).print(of_record)
    Console(width=160).print(of_session)
    Console(width=120).print(of_day)


def table_on(server: EmbeddedServer, table_of: Callable[[Engine], Table]) -> Table:
    """A table whose figures need the ledger that the demonstration left."""
    engine = create_ledger_engine(server.url(LEDGER))
    try:
        return table_of(engine)
    finally:
        engine.dispose()


def tax_command(fills: Path, folder: Path) -> Sequence[str | Path]:
    """``tickledger tax`` on a file of fills, as a whole process."""
    return [TICKLEDGER, "tax", "--fills", fills, "--year", "2023", "--out", folder / "forms"]


def one_trade(folder: Path) -> Path:
    """A purchase and a sale."""
    path = folder / "one.csv"
    dense_history(2, path)
    return path


def many_trades(folder: Path) -> Path:
    """The longest of the dense histories."""
    path = folder / "many.csv"
    dense_history(50_000, path)
    return path


def _print(rows: Sequence[tuple[str, Cost, str]]) -> None:
    table = Table("what", "wall s", "CPU s", "largest process MB", "limit", title="Cost of the commands")
    for name, cost, limit in rows:
        table.add_row(name, f"{cost.wall:.2f}", f"{cost.cpu:.2f}", f"{cost.peak:.0f}", limit)
    console = Console(width=100)
    console.print(table)
    console.print(f"installed: {installed_megabytes():,.0f} MB in .venv; limit of any process: 2,000 MB")


if __name__ == "__main__":
    main()
