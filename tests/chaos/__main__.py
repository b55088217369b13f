"""Run scenarios: ``python -m tests.chaos --seeds 300``, or one of them with all that happened: ``--seed 17 -v``.

With ``--session`` they are of whole trading sessions; see `tests.chaos.session`.

Prints one line of figures, and for each scenario that went wrong what differs and how to run it alone. Ends with 1
where anything was lost, duplicated or differs.
"""

import argparse
import logging
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field

from tests.chaos.plan import plan
from tests.chaos.scenario import Outcome, play
from tests.chaos.session.real import run_real
from tests.chaos.session.runs import run_sessions


@dataclass
class Total:
    """The sums over all scenarios."""

    seeds: int = 0
    orders: int = 0
    executions: int = 0
    by_hand: int = 0
    lost: int = 0
    duplicated: int = 0
    differing: int = 0
    taken_back: int = 0
    faults: Counter[str] = field(default_factory=Counter)

    def add(self, outcome: Outcome) -> None:
        verdict = outcome.verdict
        self.seeds += 1
        self.orders += verdict.orders
        self.executions += verdict.executions
        self.by_hand += verdict.foreign_executions
        self.lost += len(verdict.lost)
        self.duplicated += len(verdict.duplicated)
        self.differing += len(verdict.mismatches)
        self.taken_back += verdict.resurrected
        self.faults += outcome.faults

    def __str__(self) -> str:
        kinds = ", ".join(f"{name} {count}" for name, count in sorted(self.faults.items()))
        return (
            f"faults: {kinds}\n"
            f"{self.seeds} seeds, {self.faults.total()} faults of {len(self.faults)} kinds, {self.orders} orders, "
            f"{self.executions} executions and {self.by_hand} by hand, {self.taken_back} ends taken back: "
            f"lost {self.lost}, duplicated {self.duplicated}, differing {self.differing}"
        )


def outcome_of(seed: int) -> Outcome:
    """Play the scenario of a seed; what it raised is a mismatch."""
    logging.disable(logging.CRITICAL)
    return play(plan(seed))


def outcomes(seeds: Iterable[int], *, jobs: int) -> Iterator[Outcome]:
    """The outcomes in the order of their seeds."""
    if jobs == 1:
        yield from map(outcome_of, seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(outcome_of, seeds, chunksize=5)


def show(outcome: Outcome, *, is_verbose: bool) -> None:
    """Print what happened in one scenario."""
    if is_verbose:
        print(outcome.plan, "", *outcome.timeline, "", sep="\n")
    if not outcome.verdict.is_good:
        print(f"seed {outcome.plan.seed} (again: python -m tests.chaos --seed {outcome.plan.seed} -v)")
        print(outcome.verdict)


def seeds(asked: argparse.Namespace) -> Sequence[int]:
    """The scenarios that the command line names."""
    return range(asked.first, asked.first + asked.seeds) if asked.seed is None else [asked.seed]


def main() -> int:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=100, help="how many scenarios")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="this scenario alone")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--session", action="store_true", help="whole trading sessions instead of order managers")
    parser.add_argument("--processes", type=int, default=0, help="so many scenarios of real processes, and no others")
    parser.add_argument("-v", "--verbose", action="store_true", help="print the plan and everything that happened")
    asked = parser.parse_args()
    if asked.processes:
        return run_real(list(range(asked.first, asked.first + asked.processes)), is_verbose=asked.verbose)
    if asked.session:
        return run_sessions(seeds(asked), jobs=asked.jobs, is_verbose=asked.verbose)
    began_at = time.monotonic()
    total = Total()
    if asked.seed is not None:
        logging.disable(logging.CRITICAL)
        outcome = play(plan(asked.seed), is_traced=asked.verbose)
        show(outcome, is_verbose=asked.verbose)
        total.add(outcome)
    else:
        for outcome in outcomes(seeds(asked), jobs=asked.jobs):
            show(outcome, is_verbose=asked.verbose)
            total.add(outcome)
    print(total)
    print(f"{time.monotonic() - began_at:.0f} s")
    return 0 if total.lost + total.duplicated + total.differing == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
