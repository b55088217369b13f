"""Scenarios of real processes: killed, stopped and succeeded, with PostgreSQL, Redis and the gateway beside them.

What goes wrong comes from the seed; when exactly it strikes is the machine's own chaos. In the end the ledger and the
gateway's books agree, every order is at the gateway once, and none came from a session that had a successor.
"""

import logging
import shutil
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, Final

from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from resources.broker_view import BrokerView
from resources.session_replay import replayed
from tests.chaos.plan import Step
from tests.chaos.session.desk import ACCOUNT, SYMBOLS, Desk, SessionChild
from tests.chaos.session.market import swinging_minutes
from tickledger.db.connect import open_ledger
from tickledger.db.engine import create_ledger_engine
from tickledger.db.lease import read_lease
from tickledger.db.order_journal import LedgerJournal
from tickledger.db.tables import executions, orders
from tickledger.db.trading_sessions import read_sessions
from tickledger.domain.errors import BrokerUnavailableError, TickledgerError
from tickledger.domain.trading_session import SessionState
from tickledger.execution.order_reconciliation import reconciled
from tickledger.gateway.journal import read_journal

_SPEED: Final = 60.0
_START: Final = "2013-03-27T15:00:00Z"
_DAY: Final = datetime(2013, 3, 27).date()  # noqa: DTZ001  a date
#: How long a session may be silent until another is started: the sensor's tick.
_SILENCE: Final = 5.0
_PATIENCE: Final = 120.0
_LOOK_EVERY: Final = 0.1


@dataclass
class RealOutcome:
    """What came of a scenario. `trading_again` are the seconds from each kill -9 until a session traded."""

    seed: int
    orders: int = 0
    executions: int = 0
    decisions: int = 0
    sessions: int = 0
    epochs: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    trading_again: list[float] = field(default_factory=list)
    mismatches: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return not self.mismatches

    @property
    def counts(self) -> Counter[str]:
        counts = {name: getattr(self, name) for name in ("sessions", "epochs", "orders", "executions", "decisions")}
        return Counter({**counts, "differing": len(self.mismatches)})


def real_plan(seed: int, *, count: int = 6) -> list[Step]:
    """What happens to the processes of a seed, and when."""
    random = Random(f"processes {seed}")  # noqa: S311  no secret
    steps = [Step(round(random.uniform(1, 6), 2), *_drawn(random)) for _ in range(count)]
    # Every scenario has a session that is killed, and one that is stopped for longer than its lease lasts.
    steps.insert(random.randint(0, len(steps)), Step(round(random.uniform(3, 8), 2), "kill_session"))
    steps.insert(random.randint(0, len(steps)), Step(3.0, "stop_session", {"seconds": random.choice([14, 18])}))
    return steps


def _drawn(random: Random) -> tuple[str, dict[str, Any]]:
    do = random.choice(
        ["kill_session", "stop_session", "stand_by", "kill_postgres", "kill_redis", "crash", "daily_reset", "fault"]
    )
    match do:
        case "stop_session":
            return do, {"seconds": round(random.uniform(0.5, 8), 1)}
        case "crash":
            return do, {"restart_after": round(random.uniform(0.5, 6), 1)}
        case "daily_reset":
            return do, {"seconds": round(random.uniform(0.5, 4), 1), "closes": random.random() < 0.5, "ids_back": 3}
        case "fault":
            name = random.choice(
                ["cut_after_order", "cut_before_order", "drop_order", "fill_before_cancel", "disconnect", "kill_feed"]
            )
            return name, {}
    return do, {}


def play_real(seed: int, *, count: int = 6, is_told: bool = False) -> RealOutcome:
    """Carry a seed's plan out on real processes."""
    random = Random(f"desk {seed}")  # noqa: S311  no secret
    strategy = {
        "TICKLEDGER_STRATEGY": "mean_reversion",
        "TICKLEDGER_TARGET_WEIGHT": "0.02",
        "TICKLEDGER_STOP_LOSS": random.choice(["0", "0.003", "0.01"]),
        "TICKLEDGER_EXECUTION_ALGO": random.choice(["none", "none", "twap"]),
        "TICKLEDGER_EXECUTION_MINUTES": "2",
        "TICKLEDGER_MAX_DAILY_LOSS": "1000000",
    }
    with _folder() as folder:
        bars = folder / "bars.parquet"
        swinging_minutes(SYMBOLS, number=seed).to_parquet(bars)
        desk = Desk(folder / "h", bars, start=_START, speed=_SPEED, strategy=strategy)
        with desk, open_ledger(desk.settings()) as connections:
            return _Playing(desk, connections.ledger_url, RealOutcome(seed), is_told=is_told).play(
                real_plan(seed, count=count)
            )


@contextmanager
def _folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="tlc-"))
    folder.chmod(0o711)  # for root the database's server runs as another user
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Playing:
    """One scenario at work."""

    def __init__(self, desk: Desk, ledger_url: str, outcome: RealOutcome, *, is_told: bool) -> None:
        self.desk = desk
        self.outcome = outcome
        self.is_told = is_told
        self.engine: Engine = create_ledger_engine(ledger_url)
        self.acquired: dict[int, datetime] = {}
        self.began_at = time.monotonic()
        self._killed_at: float | None = None

    def say(self, text: str) -> None:
        if self.is_told:
            print(f"{time.monotonic() - self.began_at:7.1f} {text}", flush=True)

    def play(self, steps: list[Step]) -> RealOutcome:
        try:
            self.desk.start_session()
            self._until_trading()
            for step in steps:
                self._wait(step.after)
                self.say(str(step))
                self._do(step)
            self._end()
        finally:
            self.engine.dispose()
        return self.outcome

    # What happens.

    def _do(self, step: Step) -> None:
        self.outcome.faults[step.do] += 1
        match step.do:
            case "kill_session":
                if (child := self._victim()) is not None:
                    was_trading = child.process.pid in self._running()
                    child.kill()
                    if was_trading:
                        self._killed_at = time.monotonic()
                        self._until_trading()
            case "stop_session":
                if (child := self._victim()) is not None:
                    child.stop(step.terms["seconds"])
            case "stand_by":
                if len(self.desk.alive) < 2:
                    self.desk.start_session(is_standby=True)
            case "kill_postgres":
                self.desk.kill_postgres()
            case "kill_redis":
                self.desk.kill_redis()
            case _:
                self.desk.ask({"do": step.do, **step.terms})

    def _victim(self) -> SessionChild | None:
        """The session that trades, or else the one that lives the longest."""
        pids = self._running()
        awake = [child for child in self.desk.alive if not child.is_frozen]
        trading = [child for child in awake if child.process.pid in pids]
        return next(iter(trading or awake), None)

    def _running(self) -> set[int]:
        return {status.pid for status in self._statuses() if status.state is SessionState.RUNNING}

    # How it goes.

    def _statuses(self) -> list[Any]:
        with suppress(TickledgerError, SQLAlchemyError):
            return list(read_sessions(self.engine, session_date=_DAY, account_id=ACCOUNT))
        return []

    def _look(self) -> None:
        """Tend the sessions, and note who acquired the lease when."""
        self.desk.tend(silence=_SILENCE)
        with suppress(TickledgerError, SQLAlchemyError):
            lease = read_lease(self.engine, ACCOUNT)
            if lease is not None and lease.epoch not in self.acquired:
                self.acquired[lease.epoch] = lease.acquired_at
                self.say(f"  epoch {lease.epoch}: {lease.holder}")
        time.sleep(_LOOK_EVERY)

    def _wait(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self._look()

    def _is_trading(self) -> bool:
        alive = {child.process.pid for child in self.desk.alive if not child.is_frozen}
        statuses = self._statuses()
        newest = max((status.epoch or 0 for status in statuses), default=0)
        running = {SessionState.RUNNING, SessionState.PAUSED}
        return any(one.pid in alive and one.state in running and one.epoch == newest for one in statuses)

    def _until_trading(self) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not self._is_trading():
            if time.monotonic() > deadline:
                raise AssertionError(f"no session trades: {[str(status) for status in self._statuses()]}")
            self._look()
        if self._killed_at is not None:
            self.outcome.trading_again.append(time.monotonic() - self._killed_at)
            self.say(f"  trading again after {self.outcome.trading_again[-1]:.1f} s")
            self._killed_at = None

    # What came of it.

    def _end(self) -> None:
        """Let everything become whole, stop the market, end the sessions in order, and compare."""
        deadline = time.monotonic() + _PATIENCE
        while any(child.is_frozen for child in self.desk.alive) and time.monotonic() < deadline:
            self._look()
        self._wait(3)
        self._until_trading()
        self._wait(5)
        for symbol in SYMBOLS:
            self.desk.ask({"do": "halt", "symbol": symbol})
        # One answer to everything that was asked, and one look at all the broker has.
        self._wait(8)
        self._until_trading()
        for child in self.desk.alive:
            child.process.terminate()
        for child in self.desk.alive:
            with suppress(Exception):
                child.process.wait(30)
        self._compare()

    def _compare(self) -> None:
        found = self.outcome.mismatches
        record = LedgerJournal(self.engine).load(ACCOUNT)
        snapshot = self._snapshot()
        result = reconciled(record, snapshot)
        for what in ("breaks", "missing_fills", "unresolved", "problems", "foreign_fills"):
            if told := getattr(result, what):
                found.append(f"{what}: {told}")
        self._compare_orders()
        self._compare_executions(snapshot)
        self._replay()
        self.outcome.sessions = len(self.desk.sessions)
        self.outcome.epochs = max(self.acquired, default=0)

    def _snapshot(self) -> Any:
        for _ in range(10):
            try:
                return BrokerView(self.desk.settings()).snapshot()
            except BrokerUnavailableError as error:
                last = error
                time.sleep(1)
        raise last

    def _compare_orders(self) -> None:
        """Each order once at the gateway, and none of an earlier epoch after the first of a later one."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(orders.c.order_id, orders.c.recorded_at)).all()
        recorded = {row.order_id: row.recorded_at for row in rows}
        self.outcome.orders = len(recorded)
        numbers: dict[str, set[str]] = defaultdict(set)
        latest = 0
        for entry in read_journal(self.desk.journal):
            if entry.direction != "in" or entry.name != "placeOrder":
                continue
            reference = next(text for text in entry.fields if text.startswith("ord_"))
            is_new = not numbers[reference]
            numbers[reference].add(entry.fields[1])
            if reference not in recorded:
                self.outcome.mismatches.append(f"lost: {reference} is at the gateway and not in the ledger")
            elif is_new:
                epoch = self._epoch_at(recorded[reference])
                if epoch < latest:
                    self.outcome.mismatches.append(f"two at once: {reference} of epoch {epoch} came after {latest}")
                latest = max(latest, epoch)
        for reference, used in numbers.items():
            if len(used) > 1:
                self.outcome.mismatches.append(f"sent twice: {reference} under the ids {sorted(used)}")

    def _replay(self) -> None:
        """Play the journal of each session again, of those that were killed as well."""
        for path in sorted((self.desk.home / "sessions").glob("*/*.jsonl")):
            if not path.stat().st_size:
                continue
            try:
                replay = replayed(path)
            except TickledgerError as error:
                self.outcome.mismatches.append(f"{path.name} cannot be replayed: {error}")
                continue
            self.outcome.decisions += len(replay.recorded)
            if not replay.is_same:
                self.outcome.mismatches.append(f"{path.name} replayed otherwise: {replay.differences[:2]}")

    def _epoch_at(self, recorded_at: datetime) -> int:
        return max((epoch for epoch, at in self.acquired.items() if at <= recorded_at), default=0)

    def _compare_executions(self, snapshot: Any) -> None:
        with self.engine.connect() as connection:
            ours = set(connection.execute(select(executions.c.execution_id)).scalars())
        theirs = set(self.desk.ask({"do": "status"})["executions"])
        self.outcome.executions = len(theirs)
        if lost := theirs - ours:
            self.outcome.mismatches.append(f"lost: executions {sorted(lost)}")
        if more := ours - theirs:
            self.outcome.mismatches.append(f"executions that the gateway does not have: {sorted(more)}")
        held: dict[str, Decimal] = defaultdict(Decimal)
        for fill in sorted(snapshot.fills, key=lambda fill: (fill.execution.executed_at, fill.execution.execution_id)):
            held[fill.execution.symbol] += fill.execution.side.sign * fill.execution.quantity
            if held[fill.execution.symbol] < 0:
                self.outcome.mismatches.append(f"sold and not held: {fill.execution}")


def run_real(seeds: list[int], *, is_verbose: bool) -> int:
    """Play scenarios one after the other, and print what came of them; 1 where anything went wrong."""
    logging.disable(logging.CRITICAL)
    total, faults, waits = Counter[str](), Counter[str](), list[float]()
    for seed in seeds:
        began_at = time.monotonic()
        outcome = play_real(seed, is_told=is_verbose)
        faults += outcome.faults
        waits += outcome.trading_again
        total.update(outcome.counts)
        told = ", ".join(f"{seconds:.1f}" for seconds in outcome.trading_again)
        took = time.monotonic() - began_at
        print(f"processes {seed}: {_told(outcome.counts)}, trading again after {told} s, {took:.0f} s", flush=True)
        for line in outcome.mismatches:
            print(f"  {line}", flush=True)
    print(f"faults: {_told(faults)}")
    print(
        f"{len(seeds)} scenarios of processes, {faults.total()} faults: {_told(total)}; kill -9 to trading again: "
        f"{max(waits, default=0):.1f} s at most"
    )
    return 1 if total["differing"] else 0


def _told(counted: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counted.items())
