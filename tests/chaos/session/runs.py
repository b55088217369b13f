"""Many scenarios of sessions, and the one line that sums them up."""

import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from tests.chaos.session.plan import session_plan
from tests.chaos.session.scenario import play_session
from tests.chaos.session.verdict import SessionOutcome


@dataclass
class SessionTotal:
    """The sums over all scenarios."""

    seeds: int = 0
    sessions: int = 0
    epochs: int = 0
    orders: int = 0
    executions: int = 0
    decisions: int = 0
    replays: int = 0
    lost: int = 0
    duplicated: int = 0
    differing: int = 0
    two_at_once: int = 0
    oversold: int = 0
    though_stopped: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    deaths: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: SessionOutcome) -> None:
        verdict = outcome.verdict
        self.seeds += 1
        self.sessions += outcome.sessions
        self.epochs += outcome.epochs
        self.orders += verdict.orders
        self.executions += verdict.executions
        self.decisions += outcome.decisions
        self.replays += outcome.replays
        self.lost += len(verdict.lost)
        self.duplicated += len(verdict.duplicated)
        self.differing += len(verdict.mismatches)
        self.two_at_once += len(outcome.two_at_once)
        self.oversold += len(outcome.oversold)
        self.though_stopped += len(outcome.though_stopped)
        self.faults += outcome.faults
        self.deaths += outcome.deaths

    @property
    def is_good(self) -> bool:
        """Whether nothing went wrong."""
        return not (
            self.lost or self.duplicated or self.differing or self.two_at_once or self.oversold or self.though_stopped
        )

    def __str__(self) -> str:
        return (
            f"faults: {_told(self.faults)}\nends: {_told(self.deaths)}\n"
            f"{self.seeds} seeds, {self.sessions} sessions, {self.epochs} leases, {self.faults.total()} faults of "
            f"{len(self.faults)} kinds, {self.deaths.total()} deaths and failures of {len(self.deaths)} kinds, "
            f"{self.orders} orders, {self.executions} executions, {self.decisions} decisions of {self.replays} "
            f"sessions played again: lost {self.lost}, duplicated {self.duplicated}, differing {self.differing}, "
            f"two at once {self.two_at_once}, sold and not held {self.oversold}, bought though stopped "
            f"{self.though_stopped}"
        )


def _told(counted: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counted.items()) if count)


def outcome_of(seed: int) -> SessionOutcome:
    """Play the scenario of a seed; what it raised is a mismatch."""
    logging.disable(logging.CRITICAL)
    return play_session(session_plan(seed))


def _outcomes(seeds: Sequence[int], *, jobs: int) -> Iterator[SessionOutcome]:
    if jobs == 1 or len(seeds) == 1:
        yield from map(outcome_of, seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(outcome_of, seeds)


def run_sessions(seeds: Sequence[int], *, jobs: int, is_verbose: bool) -> int:
    """Play scenarios and print what came of them; 1 where anything went wrong."""
    began_at, total = time.monotonic(), SessionTotal()
    if is_verbose and len(seeds) == 1:
        logging.disable(logging.CRITICAL)
        outcome = play_session(session_plan(seeds[0]), is_traced=True)
        print(outcome.plan, "", *outcome.timeline, "", sep="\n")
        outcomes = iter([outcome])
    else:
        outcomes = _outcomes(seeds, jobs=jobs)
    for outcome in outcomes:
        total.add(outcome)
        if not outcome.is_good:
            seed = outcome.plan.seed
            print(
                f"seed {seed} (again: python -m tests.chaos --session --seed {seed} -v)", outcome, sep="\n", flush=True
            )
    print(total)
    print(f"{time.monotonic() - began_at:.0f} s")
    return 0 if total.is_good else 1
