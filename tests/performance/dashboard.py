"""The dashboard over five years of daily trading and 50,000 executions: how long each callback takes to answer.

``python -m tests.performance.dashboard`` serves the application over such a ledger and asks each callback over HTTP as
a browser does, so that reading, drawing and writing JSON are in the time. The anchor of the run is the same request
with nothing to read or draw.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine

from tests.integration.api.serving import Served, served
from tests.performance.dashboard_ledger import EXECUTIONS, tell_five_years
from tickledger.api.dashboard.address import Address
from tickledger.db.connect import LEDGER
from tickledger.db.embedded import ensure_databases, serve
from tickledger.db.engine import create_ledger_engine
from tickledger.db.migrate import upgrade

LIMIT_MILLISECONDS: Final = 200
_REPEATS: Final = 40
_LOOKS: Final = (
    "/",
    "/orders",
    "/orders?page=400",
    "/orders?status=FILLED",
    "/orders?status=REJECTED",
    "/orders?status=WORKING",
    "/orders?strategy=momentum&symbol=S07",
    "/orders?show=fills",
    "/orders?show=fills&page=900",
    "/orders?show=fills&day=2010-06-15",
    "/orders?show=costs",
    "/strategies",
    "/strategies?show=signals",
    "/strategies?show=signals&strategy=momentum&page=100",
    "/strategies?show=models",
    "/risk",
    "/reconciliation",
    "/tax",
    "/tax?show=schedule",
    "/tax?show=gains&page=50",
    "/tax?show=lots",
    "/tax?show=wash",
    "/lineage",
    "/lineage?id=line_24993",
)
_HEADS: Final = ("/orders", "/strategies", "/risk", "/lineage")


@dataclass(frozen=True)
class Measured:
    """The milliseconds of one callback."""

    name: str
    p50: float
    p95: float
    kilobytes: float


class Callbacks:
    """The callbacks of a served application, as its page would call them."""

    def __init__(self, app: Served) -> None:
        self._app = app
        told = json.loads(app.ask("GET", "/_dash-dependencies", **app.own).body)
        self._by_output = {one["output"]: one for one in told}

    def ask(self, output: str, values: Mapping[str, Any]) -> str:
        """Call the one whose outputs hold `output`; `values` are those of its inputs and states, by id and property."""
        spec = next(one for name, one in self._by_output.items() if output in name)
        outputs = [dict(zip(("id", "property"), part.rsplit(".", 1), strict=True)) for part in _parts(spec["output"])]
        body = {
            "output": spec["output"],
            "outputs": outputs,
            "inputs": [{**one, "value": values.get(f"{one['id']}.{one['property']}")} for one in spec["inputs"]],
            "state": [{**one, "value": values.get(f"{one['id']}.{one['property']}")} for one in spec["state"]],
            "changedPropIds": ["address.pathname"],
        }
        return self._app.post_json("/_dash-update-component", body)


def _parts(output: str) -> Sequence[str]:
    return output.strip(".").split("...")


def measured(app: Served, *, repeats: int = _REPEATS) -> list[Measured]:
    """Each look at each page, head and body."""
    callbacks = Callbacks(app)
    found = [_measured("(no such page)", callbacks, "body.children", "/nothing", repeats)]
    found.extend(_measured(f"body {look}", callbacks, "body.children", look, repeats) for look in _LOOKS)
    found.extend(_measured(f"head {path}", callbacks, "head.children", path, repeats) for path in _HEADS)
    return found


def _measured(name: str, callbacks: Callbacks, output: str, look: str, repeats: int) -> Measured:
    path, _, search = look.partition("?")
    address = Address.of(path, search)
    values = {"address.pathname": address.path, "address.search": address.search}
    answer = callbacks.ask(output, values)  # connections are opened, plans are made
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        answer = callbacks.ask(output, values)
        taken.append((time.perf_counter() - began) * 1000)
    if "cannot be drawn" in answer or "does not answer" in answer:
        raise AssertionError(f"{look}: {answer[:500]}")
    return Measured(name, statistics.median(taken), statistics.quantiles(taken, n=20)[-1], len(answer) / 1000)


def table_of_dashboard(found: Sequence[Measured]) -> Table:
    """The measurements for a person."""
    anchor = found[0]
    table = Table(title=f"Dashboard callbacks over 5 years and {EXECUTIONS:,} executions")
    busy = f"{os.getloadavg()[0]:.0f} processes on {os.cpu_count()} cores"
    table.caption = f"limit {LIMIT_MILLISECONDS} ms at p95; the machine was busy with {busy}"
    for heading in ("callback", "p50 ms", "p95 ms", "of limit", "kB", "p50 / anchor"):
        table.add_column(heading, justify="left" if heading == "callback" else "right")
    for one in found:
        of_limit = one.p95 / LIMIT_MILLISECONDS
        ratio = one.p50 / anchor.p50
        table.add_row(
            one.name, f"{one.p50:.0f}", f"{one.p95:.0f}", f"{of_limit:.0%}", f"{one.kilobytes:.0f}", f"{ratio:.1f}"
        )
    return table


def measure(folder: Path, *, repeats: int = _REPEATS) -> list[Measured]:
    """Make the ledger in `folder`, serve it, measure."""
    with serve(folder) as server:
        ensure_databases(server, [LEDGER])
        engine: Engine = create_ledger_engine(server.url(LEDGER))
        upgrade(engine)
        tell_five_years(engine)
        with served(engine) as app:
            found = measured(app, repeats=repeats)
        engine.dispose()
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=_REPEATS)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tickledger-bench-") as temporary:
        Path(temporary).chmod(0o711)
        Console(width=140).print(table_of_dashboard(measure(Path(temporary) / "home", repeats=chosen.repeats)))
