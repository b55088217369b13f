"""What happens to the sessions of a scenario, drawn from its seed: how they trade, and what goes wrong when."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final

from tests.chaos.plan import DEATHS, FAULTS, SYMBOLS, Step, Table, drawn
from tickledger.execution.session_policy import SessionPolicy

#: Where a session can die or be frozen: at each call over each of its ports, before it or after it.
POINTS: Final = (
    *DEATHS,
    *("load", "find", "in_transaction", "reports", "after_reports", "snapshot", "after_snapshot"),
    *("before_flush", "after_flush", "record", "after_objection", "after_acquire", "event"),
)
#: Where a freeze is most likely to do harm: between what was checked and what is sent.
_DELICATE: Final = (
    *("in_transaction", "after_order_commit", "before_send", "after_objection", "after_objection"),
    *("before_commit", "after_reports"),
)
NOON: Final = datetime(2013, 3, 27, 16, 0, tzinfo=UTC)
#: Late enough for the close to come, and early enough for something to be held by then.
LATE: Final = datetime(2013, 3, 27, 19, 20, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """A scenario. `speed`: seconds of the market in one of the wall; `latency`: the longest usual one of the line."""

    seed: int
    steps: tuple[Step, ...]
    policy: SessionPolicy
    algorithm: str
    target_weight: Decimal
    starts_at: datetime
    speed: float
    latency: float
    participation: str

    def __str__(self) -> str:
        head = (
            f"seed {self.seed}: from {self.starts_at:%H:%M}, speed {self.speed:g}, latency {self.latency:g}, "
            f"participation {self.participation}, weight {self.target_weight}, algorithm {self.algorithm}"
        )
        return "\n".join([head, str(self.policy), *map(str, self.steps)])


def session_plan(seed: int) -> SessionPlan:
    """The plan of a seed."""
    random = Random(f"session {seed}")  # noqa: S311  no secret
    algorithm = random.choice(["none", "none", "none", "twap", "vwap", "adaptive"])
    is_late = random.random() < 0.35
    policy = SessionPolicy(
        quote_limit=timedelta(seconds=60),
        stop_loss=random.choice([None, Decimal("0.002"), Decimal("0.005"), Decimal("0.02")]),
        flatten_before=timedelta(minutes=random.choice([10, 20])) if is_late or random.random() < 0.3 else None,
        working_time=None if algorithm == "none" else timedelta(minutes=random.choice([2, 5])),
    )
    wildness = random.choice([0.3, 0.5, 0.7])
    hurry = random.choice([0.5, 1.5, 3.0])
    return SessionPlan(
        seed=seed,
        steps=tuple(_step(random, wildness, hurry) for _ in range(random.randint(20, 45))),
        policy=policy,
        algorithm=algorithm,
        target_weight=random.choice([Decimal("0.01"), Decimal("0.05"), Decimal("0.1")]),
        starts_at=LATE if is_late else NOON,
        speed=random.choice([10.0, 20.0, 40.0]),
        latency=random.choice([0.002, 0.02, 0.02, 0.3]),
        participation=random.choice(["0.02", "0.1", "0.5"]),
    )


def _step(random: Random, wildness: float, hurry: float) -> Step:
    if random.random() > wildness:
        return Step(
            round(random.expovariate(1 / hurry), 3), "market_moves", {"seconds": round(random.uniform(0, 6), 2)}
        )
    table = _OURS if random.random() < 0.5 else _AT_THE_GATEWAY
    do, terms = drawn(random, table)
    return Step(random.choice([0.0, 0.05, round(random.expovariate(1 / hurry), 3)]), do, terms(random))


def _downtime(random: Random) -> float:
    return random.choice([0.0, round(random.uniform(0, 3), 2), round(random.uniform(0, 30), 2)])


def _death(random: Random) -> Mapping[str, Any]:
    return {"where": random.choice(POINTS), "nth": random.choice([1, 1, 2, 5]), "down": _downtime(random)}


def _killed(random: Random) -> Mapping[str, Any]:
    return {"down": _downtime(random)}


def _frozen(random: Random) -> Mapping[str, Any]:
    # The lease lasts 10 s and a successor waits for 2 more.
    seconds = random.choice([round(random.uniform(0.2, 9), 2), round(random.uniform(9, 16), 2), 25.0, 50.0])
    where = random.choice(["", *_DELICATE, *_DELICATE, random.choice(POINTS)])
    return {
        "where": where,
        "nth": random.choice([1, 1, 2, 3]),
        "seconds": seconds,
        "meanwhile": random.choice(["left", "cut off", "cut off", "forgotten", "forgotten"]),
        "has_standby": random.random() < 0.6,
    }


def _failure(random: Random) -> Mapping[str, Any]:
    return {"where": random.choice(["before", "after"]), "nth": random.choice([1, 1, 2, 3])}


def _outage(random: Random) -> Mapping[str, Any]:
    return {"seconds": round(random.choice([random.uniform(0.1, 4), random.uniform(4, 20)]), 2)}


def _switched(random: Random) -> Mapping[str, Any]:
    return {"flattens": random.random() < 0.7, "resumes_after": round(random.uniform(5, 20), 1)}


def _paused(random: Random) -> Mapping[str, Any]:
    return {"seconds": round(random.uniform(1, 15), 1)}


def _by_hand(random: Random) -> Mapping[str, Any]:
    # Only purchases: what somebody else sells of ours may meet a sale of ours on its way.
    return {
        "symbol": random.choice(SYMBOLS),
        "action": "BUY",
        "quantity": random.choice([7, 70, 700]),
        "order_type": random.choice(["MKT", "LMT"]),
        "offset": random.randint(0, 60),
        "reference": random.choice(["", "somebody"]),
    }


def _nothing(_: Random) -> Mapping[str, Any]:
    return {}


_OURS: Final[Table] = {
    "die": (8, _death),
    "kill": (3, _killed),
    "freeze": (8, _frozen),
    "stand_by": (2, _nothing),
    "fail_journal": (3, _failure),
    "database_outage": (3, _outage),
    "kill_switch": (2, _switched),
    "pause": (2, _paused),
    "end_in_order": (1, _nothing),
}
_NOT_HERE: Final = frozenset({"die", "kill", "fail_journal", "order_by_hand"})
_AT_THE_GATEWAY: Final[Table] = {
    **{name: row for name, row in FAULTS.items() if name not in _NOT_HERE},
    "order_by_hand": (2, _by_hand),
    "kill_feed": (3, _nothing),
}
