"""What happens in a scenario, drawn from its seed: orders, faults of the gateway and of the line, our own deaths.

A plan says what is tried, and when; which of it can be done (an order to cancel that does not work any more) is seen
when its time comes. So a plan is the same in every run of its seed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

SYMBOLS: Final = ("AAPL", "BRK B", "MSFT")
#: Where a process can die: around each commit of the journal and each message that it hands to the broker.
DEATHS: Final = (
    *("before_order_commit", "after_order_commit", "before_commit", "after_commit"),
    *("before_send", "after_send", "before_modify", "after_modify", "before_cancel", "after_cancel"),
)
LONGEST_FAULT: Final = 40.0


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, `after` seconds of the thing before it."""

    after: float
    do: str
    terms: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        told = " ".join(f"{name}={value}" for name, value in self.terms.items())
        return f"+{self.after:.3f} {self.do} {told}".rstrip()


@dataclass(frozen=True, slots=True)
class Plan:
    """A scenario.

    `speed`: seconds of the venue's market in one of ours. `latency`: the longest usual time on the line, seconds.
    `ends_flat`: everything is cancelled in the end.
    """

    seed: int
    steps: tuple[Step, ...]
    speed: float
    latency: float
    participation: str
    ends_flat: bool

    def __str__(self) -> str:
        terms = f"speed {self.speed:g}, latency {self.latency:g}, participation {self.participation}"
        head = f"seed {self.seed}: {terms}, flat {self.ends_flat}"
        return "\n".join([head, *map(str, self.steps)])


def plan(seed: int) -> Plan:
    """The plan of a seed."""
    random = Random(seed)  # noqa: S311  no secret
    count = random.randint(30, 70)
    # Some scenarios are calm enough for long stories, in others nothing works for long.
    wildness = random.choice([0.15, 0.3, 0.3, 0.45])
    hurry = random.choice([0.2, 1.0, 3.0])
    steps = [_step(random, wildness, hurry) for _ in range(count)]
    return Plan(
        seed=seed,
        steps=tuple(steps),
        speed=random.choice([1.0, 5.0, 20.0]),
        latency=random.choice([0.02, 0.02, 0.3, 1.5]),
        participation=random.choice(["0.01", "0.05", "0.2"]),
        ends_flat=random.random() < 0.4,
    )


def _step(random: Random, wildness: float, hurry: float) -> Step:
    after = random.choice([0.0, 0.001, 0.02, random.expovariate(1 / hurry)])
    table = FAULTS if random.random() < wildness else TRADES
    do, terms = drawn(random, table)
    return Step(after, do, terms(random))


Terms = Callable[[Random], Mapping[str, Any]]
Table = Mapping[str, tuple[int, Terms]]


def drawn(random: Random, table: Table) -> tuple[str, Terms]:
    (name,) = random.choices(list(table), [weight for weight, _ in table.values()])
    return name, table[name][1]


def _nothing(_: Random) -> Mapping[str, Any]:
    return {}


def _order(random: Random) -> Mapping[str, Any]:
    kind = random.choices(["MARKET", "LIMIT_NEAR", "LIMIT_FAR", "STOP", "STOP_LIMIT"], [4, 4, 3, 2, 1])[0]
    return {
        "symbol": random.choice(SYMBOLS).replace(" ", "."),
        "side": random.choice(["BUY", "BUY", "SELL", "SELL_SHORT", "BUY_TO_COVER"]),
        "kind": kind,
        "quantity": random.choice([1, 10, 100, 100, 300, 1000, 3000]),
        "offset": random.randint(0, 60),
        "term": random.choice(["DAY", "DAY", "GTC", "IOC"] if kind == "LIMIT_NEAR" else ["DAY", "GTC"]),
    }


def _pick(random: Random) -> Mapping[str, Any]:
    return {"which": random.randrange(1000), "is_latest": random.random() < 0.4}


def _modification(random: Random) -> Mapping[str, Any]:
    what = random.choice(["quantity", "price", "both"])
    return {**_pick(random), "what": what, "factor": random.choice([0.5, 1.5, 2]), "offset": random.randint(-50, 50)}


def _burst(random: Random) -> Mapping[str, Any]:
    # A few bursts are longer than what the broker's limit of messages lets out within the manager's patience.
    return {"orders": random.choice([3, 5, 10, 10, 10, 60, 60, 600])}


def _seconds(most: float) -> Terms:
    return lambda random: {"seconds": round(random.uniform(0.1, most), 2)}


TRADES: Final[Table] = {
    "place": (40, _order),
    "burst": (1, _burst),
    "place_again": (4, _pick),
    "parent": (3, _order),
    "child": (6, _pick),
    "modify": (10, _modification),
    "cancel": (12, _pick),
    "place_and_cancel": (4, _order),
    "modify_and_cancel": (2, _modification),
    "cancel_all": (1, _nothing),
    "market_moves": (8, _seconds(120)),
    "nothing": (4, _seconds(15)),
}


def _symbol(random: Random) -> Mapping[str, Any]:
    return {} if random.random() < 0.7 else {"symbol": random.choice(SYMBOLS)}


def _times(random: Random) -> Mapping[str, Any]:
    return {**_symbol(random), "times": random.choice([1, 1, 2, 4])}


def _when(random: Random, *events: str) -> Mapping[str, Any]:
    """When a fault happens: at once, after a while, or at an event that is still to come."""
    choice = random.random()
    if choice < 0.6:
        return {}
    if choice < 0.75:
        return {"after": round(random.uniform(0, 3), 2)}
    return {"on": random.choice(events or ("order", "cancel", "fill")), "nth_next": random.choice([1, 1, 2, 3])}


def _lost_link(random: Random) -> Mapping[str, Any]:
    data = random.choice(["kept", "lost"])
    return {"seconds": round(random.uniform(0.05, LONGEST_FAULT), 2), "data": data, **_when(random)}


def _reset(random: Random) -> Mapping[str, Any]:
    return {
        **_lost_link(random),
        "closes": random.random() < 0.5,
        "ids_back": random.choice([0, 1, 3, 10]),
        "restarts": random.random() < 0.4,
    }


def _crash(random: Random) -> Mapping[str, Any]:
    return {"restart_after": round(random.uniform(0.1, LONGEST_FAULT), 2), **_when(random)}


def _half_open(random: Random) -> Mapping[str, Any]:
    return {"seconds": round(random.uniform(1, LONGEST_FAULT), 2), **_when(random)}


def _refused_order(random: Random) -> Mapping[str, Any]:
    return {**_times(random), "code": random.choice([201, 103, 110, 200, 321, 10243])}


def _refused_cancel(random: Random) -> Mapping[str, Any]:
    return {**_times(random), "code": random.choice([10147, 10148])}


def _crossing_fill(random: Random) -> Mapping[str, Any]:
    return {**_times(random), "quantity": random.choice([None, None, 1, 30, 5000])}


def _request(random: Random) -> Mapping[str, Any]:
    names = (
        *("reqAllOpenOrders", "reqExecutions", "reqPositions", "reqAccountSummary", "reqCompletedOrders"),
        *("reqCurrentTime", "reqGlobalCancel", "placeOrder", "cancelOrder"),
    )
    return {"request": random.choice(names), "times": random.choice([1, 1, 2])}


def _refused_request(random: Random) -> Mapping[str, Any]:
    name = random.choice(["reqAllOpenOrders", "reqExecutions", "reqPositions", "reqAccountSummary"])
    return {"request": name, "code": random.choice([321, 322, 504]), "text": "no", "times": 1}


def _by_hand(random: Random) -> Mapping[str, Any]:
    order_type = random.choice(["MKT", "LMT", "LMT"])
    return {
        "symbol": random.choice(SYMBOLS),
        "action": random.choice(["BUY", "SELL"]),
        "quantity": random.choice([7, 70, 700]),
        "order_type": order_type,
        "offset": random.randint(0, 60),
        "reference": random.choice(["", "", "somebody"]),
    }


def _error(random: Random) -> Mapping[str, Any]:
    code = random.choice([100, 103, 110, 201, 202, 399, 404, 10147, 10148, 10349, 2109, 31337])
    return {**_pick(random), "code": code, "names_order": code not in {100, 2109}}


def _copies(random: Random) -> Mapping[str, Any]:
    return {**_times(random), "copies": random.choice([2, 3])}


def _late(random: Random) -> Mapping[str, Any]:
    return {**_times(random), "seconds": round(random.uniform(0, 30), 2)}


def _correction(random: Random) -> Mapping[str, Any]:
    return {**_times(random), "seconds": random.choice([0, 0.01, 1, 20]), "price": random.choice([0, 0.01, -0.37, 2])}


def _stall(random: Random) -> Mapping[str, Any]:
    return {"direction": random.choice(["up", "down"]), "seconds": round(random.uniform(0.05, 25), 2)}


def _death(random: Random) -> Mapping[str, Any]:
    return {"where": random.choice(DEATHS), "nth": random.choice([1, 1, 2, 5]), "down": _downtime(random)}


def _failure(random: Random) -> Mapping[str, Any]:
    return {"where": random.choice(["before", "after"]), "nth": random.choice([1, 1, 2, 3])}


def _killed(random: Random) -> Mapping[str, Any]:
    return {"down": _downtime(random)}


def _downtime(random: Random) -> float:
    return random.choice([0.0, round(random.uniform(0, 2), 2), round(random.uniform(0, 60), 2)])


FAULTS: Final[Table] = {
    "lose_link": (5, _lost_link),
    "daily_reset": (3, _reset),
    "roll_back_ids": (2, lambda random: {"count": random.choice([1, 3, 10])}),
    "break_farm": (1, _seconds(20)),
    "gateway_crash": (4, _crash),
    "disconnect": (3, _when),
    "half_open": (3, _half_open),
    "drip": (2, _seconds(20)),
    "refuse_client": (1, lambda random: {"client": 1, "times": random.choice([1, 3])}),
    "error": (4, _error),
    "refuse_order": (4, _refused_order),
    "drop_order": (4, _times),
    "preset_term": (3, _times),
    "cut_before_order": (4, _times),
    "cut_after_order": (5, _times),
    "refuse_cancel": (3, _refused_cancel),
    "drop_cancel": (3, _times),
    "fill_before_cancel": (5, _crossing_fill),
    "order_by_hand": (4, _by_hand),
    "duplicate_status": (3, _copies),
    "reorder_status": (4, _times),
    "delay_commission": (4, _late),
    "drop_commission": (4, _times),
    "correct_execution": (5, _correction),
    "drop_request": (4, _request),
    "refuse_request": (2, _refused_request),
    "halt": (1, lambda random: {"symbol": random.choice(SYMBOLS), "seconds": round(random.uniform(1, 30), 1)}),
    "cut_line": (3, _nothing),
    "stall_line": (4, _stall),
    "fail_journal": (3, _failure),
    "die": (6, _death),
    "kill": (4, _killed),
}
