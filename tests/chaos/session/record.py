"""What outlives a session's process: the lease's row, the journal of orders, and the record beside it.

They keep the rules of the ledger's own (`tickledger.db`), in memory and on the scenario's time: the lease's statements
are judged by the keeper's real code, a group of rows is durable or not, and the journal is bytes.
"""

import contextlib
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

from sqlalchemy import TextClause, create_engine
from sqlalchemy.exc import OperationalError

from tests.chaos.process import Death, MortalJournal, PickledJournal
from tickledger.db.lease import LeaseKeeper
from tickledger.db.lease_statements import ACQUIRE, END_FROZEN, GUARD, IS_FREE, READ, RELEASE, RENEW
from tickledger.domain.account import Mode
from tickledger.domain.bar import Bar
from tickledger.domain.errors import ConfigurationError, LedgerError
from tickledger.domain.execution import CashTransaction, Execution
from tickledger.domain.kill_switch import KillSwitchEvent, KillSwitchState
from tickledger.domain.order import Order, OrderEvent, RiskDecision
from tickledger.domain.position import Balance, Position
from tickledger.domain.signal import Signal
from tickledger.domain.trading_session import Lease
from tickledger.execution.order_journal import (
    WORKED_BY_CHILDREN,
    AccountRecord,
    AnyEntry,
    CommissionEntry,
    ExecutionCorrection,
    JournalEntry,
    NewOrder,
    OrderAmendment,
)
from tickledger.features.snapshot import FeatureSnapshot
from tickledger.risk.kill_switch import state_after

#: An address that nobody connects to.
_NOWHERE: Final = "postgresql+psycopg://nobody@localhost/nowhere"
_EPOCH: Final = datetime(2013, 3, 27, tzinfo=UTC)
#: A renewal is answered within its own call here, however busy the machine is.
_AS_LONG_AS_IT_TAKES: Final = timedelta(minutes=1)


@dataclass
class _Answer:
    """What a statement has found."""

    row: Lease | None = None
    value: object = None

    def scalar(self) -> object:
        return self.value

    def mappings(self) -> "_Answer":
        return self

    def first(self) -> Mapping[str, Any] | None:
        row = self.row
        return None if row is None else {name: getattr(row, name) for name in Lease.__dataclass_fields__}


@dataclass
class Database:
    """The server: whether it answers, by its own clock, and the lease's row. It is its own connection."""

    seconds: Callable[[], float]
    is_down: bool = False
    lease: Lease | None = None
    acquisitions: list[tuple[int, str]] = field(default_factory=list)

    def now(self) -> datetime:
        return _EPOCH + timedelta(seconds=self.seconds())

    def __enter__(self) -> Self:
        self.check()
        return self

    def __exit__(self, *_: object) -> None: ...

    def check(self) -> None:
        """Raise what the driver raises where the server is gone."""
        if self.is_down:
            raise OperationalError("", {}, Exception("the server is gone"))

    def execute(self, statement: TextClause, asked: Mapping[str, Any]) -> _Answer:
        """One statement of the lease, which is committed with its end."""
        self.check()
        now, row = self.now(), self.lease
        is_ours = row is not None and row.epoch == asked.get("epoch") and row.released_at is None
        if statement in {READ, END_FROZEN}:
            return _Answer(row)
        if statement is IS_FREE:
            return _Answer(value=None if row is None else self._is_free(asked["margin"]))
        if statement is ACQUIRE:
            return self._acquire(asked)
        if statement is GUARD:
            return _Answer(value=is_ours and row is not None and now < row.expires_at)
        return self._change(row, statement, asked) if is_ours and row is not None else _Answer()

    def _change(self, row: Lease, statement: TextClause, asked: Mapping[str, Any]) -> _Answer:
        if statement is RENEW:
            self.lease = replace(row, renewed_at=self.now(), expires_at=self.now() + asked["duration"])
        elif statement is RELEASE:
            self.lease = replace(row, released_at=self.now())
        return _Answer(self.lease)

    def _is_free(self, margin: timedelta) -> bool:
        row = self.lease
        return row is None or row.released_at is not None or row.expires_at + margin <= self.now()

    def _acquire(self, asked: Mapping[str, Any]) -> _Answer:
        if not self._is_free(asked["margin"]):
            return _Answer()
        now, epoch = self.now(), 1 if self.lease is None else self.lease.epoch + 1
        self.acquisitions.append((epoch, asked["holder"]))
        self.lease = Lease(asked["account_id"], epoch, asked["holder"], now, now, now + asked["duration"], None)
        return _Answer(self.lease)


class ScenarioKeeper(LeaseKeeper):
    """The real keeper; its server is the scenario's, and so is its clock."""

    def __init__(self, database: Database, account_id: str, *, holder: str, elapsed: Callable[[], float]) -> None:
        nowhere = create_engine(_NOWHERE)
        super().__init__(nowhere, account_id, holder=holder, patience=_AS_LONG_AS_IT_TAKES, elapsed=elapsed)
        self._database = database
        self._mode = Mode.PAPER

    def _connected(self) -> Any:
        return self._database


class KeyedJournal(PickledJournal):
    """The journal with the keys of the ledger's tables: two sessions that write the same do not both succeed."""

    def record(self, account_id: str, entries: Sequence[JournalEntry]) -> None:
        keys = [key for entry in entries if (key := _key_of(entry)) is not None]
        for key in keys:
            if key in self._keys:
                raise LedgerError(f"the record refuses a row: {key} is there already")
        self._keys.update(keys)
        super().record(account_id, entries)

    def record_orders(self, account_id: str, placed: Sequence[NewOrder]) -> None:
        super().record_orders(account_id, placed)
        self._keys.update(str(_key_of(new.event)) for new in placed)


def _key_of(entry: JournalEntry) -> str | None:
    match entry:
        case OrderEvent():
            return f"event {entry.order_id} {entry.sequence}"
        case OrderAmendment():
            return f"terms {entry.order_id} {entry.sequence}"
        case Execution():
            return f"execution {entry.execution_id}"
        case ExecutionCorrection():
            return f"correction {entry.execution_id} {entry.sequence}"
        case CommissionEntry():
            return f"commission {entry.execution_id} {entry.sequence}"
    return None


@dataclass
class Intentions:
    """What all sessions together meant to send: orders as they were decided, which of them the record has taken."""

    orders: dict[str, Order] = field(default_factory=dict)
    parents: list[str] = field(default_factory=list)
    accepted: set[str] = field(default_factory=set)
    #: When each was written down first, seconds of the scenario.
    written_at: dict[str, float] = field(default_factory=dict)


@dataclass
class FencedJournal(MortalJournal):
    """The journal of orders as one session sees it: the lease is checked in the transaction of each order."""

    database: Database = field(kw_only=True)
    keeper: LeaseKeeper = field(kw_only=True)
    intentions: Intentions = field(kw_only=True)
    has_failed: bool = False

    def record_orders(self, account_id: str, placed: Sequence[NewOrder]) -> None:
        for new in placed:
            self.intentions.orders.setdefault(new.order.order_id, new.order)
            if new.event.reason == WORKED_BY_CHILDREN and new.order.order_id not in self.intentions.parents:
                self.intentions.parents.append(new.order.order_id)
        self.death.pass_("before_order_commit")
        with self._failing():
            self.keeper.guard(self.database, account_id)  # type: ignore[arg-type]
            lease = self.keeper.lease
            assert lease is not None
            self.death.pass_("in_transaction")
            row = self.database.lease
            if row is None or row.epoch != lease.epoch:
                # Whoever acquires a lease ends the transactions that hold the one before.
                raise ConfigurationError("terminating connection due to administrator command")
            self.journal.record_orders(account_id, placed)
        for new in placed:
            self.intentions.accepted.add(new.order.order_id)
            self.intentions.written_at.setdefault(new.order.order_id, self.database.seconds())
        self.death.pass_("after_order_commit")

    def load(self, account_id: str) -> AccountRecord:
        self._ask()
        return super().load(account_id)

    def find_order(self, account_id: str, order_id: str) -> tuple[AnyEntry, ...]:
        self._ask()
        return super().find_order(account_id, order_id)

    def _ask(self) -> None:
        if self.database.is_down:
            self.has_failed = True
            raise ConfigurationError("the database does not answer")

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        try:
            self._ask()
            with super()._failing():
                yield
        except ConfigurationError:
            self.has_failed = True
            raise


@dataclass
class DurableRecord:
    """What the sessions of a scenario made durable beside their orders, as bytes by kind."""

    rows: list[tuple[str, bytes]] = field(default_factory=list)
    switch: list[KillSwitchEvent] = field(default_factory=list)

    def of_kind(self, kind: str) -> list[Any]:
        return [pickle.loads(kept) for name, kept in self.rows if name == kind]  # noqa: S301  our own bytes

    def minutes(self) -> list[Bar]:
        """The bars of minutes, each once."""
        return list({bar.bar_id: bar for bar in self.of_kind("bar")}.values())


@dataclass
class SessionRecord:
    """The session's side of it: what is added is durable once it was flushed, or a moment later by itself."""

    durable: DurableRecord
    database: Database
    death: Death
    later: Callable[[float, Callable[[], None]], object]
    has_failed: bool = False
    _waiting: list[tuple[str, bytes]] = field(default_factory=list)

    def _add(self, kind: str, values: Sequence[object]) -> None:
        self.death.pass_("record")
        if values and not self._waiting:
            self.later(0.05, self._write)
        self._waiting += [(kind, pickle.dumps(value)) for value in values]

    def _write(self) -> None:
        if self.death.is_dead:
            return
        if self.database.is_down:
            self.later(0.5, self._write)
            return
        self.durable.rows += self._waiting
        self._waiting.clear()

    def record_bars(self, bars: Sequence[Bar], interval: str) -> None:
        self._add("bar" if interval == "1min" else interval, bars)

    def record_features(self, rows: Sequence[FeatureSnapshot]) -> None:
        self._add("features", rows)

    def record_signals(self, signals: Sequence[Signal]) -> None:
        self._add("signal", signals)

    def record_risk_decision(self, decision: RiskDecision) -> None:
        self._add("decision", [decision])

    def record_cash_transaction(self, transaction: CashTransaction) -> None:
        self._add("cash", [transaction])

    def record_position(self, position: Position) -> None:
        self._add("position", [position])

    def record_balance(self, balance: Balance) -> None:
        self._add("balance", [balance])

    async def flushed(self) -> None:
        self.death.pass_("before_flush")
        if self.database.is_down:
            self.has_failed = True
            raise ConfigurationError("the database has not written the rows that wait")
        self._write()
        self.death.pass_("after_flush")


@dataclass
class Switch:
    """The kill switch's record, of which a session is told what is durable."""

    durable: DurableRecord
    database: Database

    def record(self, event: KillSwitchEvent) -> KillSwitchEvent:
        self._check()
        kept = replace(event, sequence=len(self.durable.switch) + 1)
        self.durable.switch.append(kept)
        return kept

    def events(self) -> Sequence[KillSwitchEvent]:
        self._check()
        return list(self.durable.switch)

    def state(self) -> KillSwitchState:
        """The state now; a database that does not answer counts as engaged."""
        if self.database.is_down:
            return KillSwitchState(unreadable="the database does not answer")
        return state_after(self.durable.switch)

    def _check(self) -> None:
        if self.database.is_down:
            raise ConfigurationError("the database does not answer")
