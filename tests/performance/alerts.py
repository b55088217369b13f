"""What an alert costs the code that trades: three channels, one of which hangs, and ten thousand alerts at once.

Anchor of the same run: appending the same alerts to a list, which is the least that handing one over can cost.
"""

import threading
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise

from rich.table import Table

from tickledger.domain.account import Mode
from tickledger.domain.alert import Alert, AlertKind, AlertSeverity
from tickledger.notifications.channel import Delivery, Outcome, Pace
from tickledger.notifications.message import Message, plain_text
from tickledger.notifications.notifier import Notifier
from tickledger.notifications.outbox import Policy

ALERTS = 10_000
CHANNELS = 3
NOW = datetime(2026, 6, 10, 15, tzinfo=UTC)


class Writing:
    """A channel that does the work of wording a message and sends it nowhere."""

    target = "nowhere"
    pace = Pace(6000, 100)

    def __init__(self, name: str, *, hangs: threading.Event | None = None) -> None:
        self.name = name
        self._hangs = hangs

    def send(self, message: Message) -> Delivery:
        plain_text(message)
        if self._hangs is not None:
            self._hangs.wait()
        return Delivery(Outcome.SENT)


@dataclass(frozen=True)
class Cost:
    """Of one call: CPU of the caller's thread on average, wall time in the middle and near the end, microseconds.

    `megabytes` is what another storm adds to the memory that the first one left.
    """

    cpu: float
    median: float
    p99: float
    megabytes: float = 0.0


def table_of_alerts() -> Table:
    """What a call costs in each kind of storm."""
    table = Table(
        *("storm", "CPU µs", "× anchor", "median µs", "p99 µs", "MB kept", "limit"),
        title=f"{ALERTS:,} alerts to {CHANNELS} channels, one of which hangs",
    )
    kept: list[Alert] = []
    anchor = _cost(kept.append, _storm("fill"))
    for name in ("fill", "reject", "repeat"):
        cost = _cost_of_notifying(_storm(name))
        figures = (cost.cpu, cost.cpu / anchor.cpu, cost.median, cost.p99, cost.megabytes)
        table.add_row(name, *(f"{figure:.1f}" for figure in figures), "20 µs of CPU")
    return table


def _storm(kind: str) -> list[Alert]:
    """Fills; rejects that are all different; or one alert again and again."""
    return [
        Alert(
            kind=AlertKind.FILL if kind == "fill" else AlertKind.REJECT,
            severity=AlertSeverity.INFO,
            title=f"BUY {number} AAPL at 150.00",
            body="filled",
            occurred_at=NOW,
            account_id="U1",
            mode=Mode.PAPER,
            dedup_key={"fill": "", "reject": f"{number}", "repeat": "same"}[kind],
            facts={"symbol": "AAPL", "order": f"ord_{number}"},
        )
        for number in range(ALERTS)
    ]


def _cost_of_notifying(storm: Sequence[Alert]) -> Cost:
    hangs = threading.Event()
    channels = [Writing(f"{number}", hangs=hangs if number == 0 else None) for number in range(CHANNELS)]
    notifier = Notifier(channels, policy=Policy())
    try:
        cost = _cost(notifier.notify, storm)
        tracemalloc.start()
        for alert in storm:
            notifier.notify(alert)
        kept, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    finally:
        hangs.set()
        notifier.close(5)
    return replace(cost, megabytes=kept / 1e6)


def _cost(take: Callable[[Alert], object], storm: Sequence[Alert]) -> Cost:
    moments = [time.perf_counter_ns()]
    before = time.thread_time_ns()
    for alert in storm:
        take(alert)
        moments.append(time.perf_counter_ns())
    cpu = (time.thread_time_ns() - before) / 1000 / len(storm)
    waits = sorted((later - earlier) / 1000 for earlier, later in pairwise(moments))
    return Cost(cpu, waits[len(waits) // 2], waits[len(waits) * 99 // 100])


if __name__ == "__main__":
    from rich.console import Console

    Console(width=120).print(table_of_alerts())
