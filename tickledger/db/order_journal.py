"""The durable journal of orders in the ledger: what `tickledger.execution.order_journal` asks for, in PostgreSQL.

Every call is one transaction, and what it wrote is durable when it returns. Writers of one account follow each
other; those of others, and the replays that write whole sessions, do not wait for them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Table, insert, update
from sqlalchemy.dialects.postgresql import insert as upsert

from tickledger.db.accounts import mode_of
from tickledger.db.order_record import read_order_entries, read_record
from tickledger.db.order_rows import amendment_row, commission_row, foreign_extra
from tickledger.db.records import rows_of
from tickledger.db.tables import (
    commission_reports,
    execution_corrections,
    executions,
    foreign_executions,
    order_events,
    order_modifications,
    orders,
    risk_decisions,
)
from tickledger.db.trading import decision_extra, order_event_extra
from tickledger.db.versions import current, writing
from tickledger.domain.account import Account, Mode
from tickledger.domain.errors import LedgerError
from tickledger.domain.execution import Execution
from tickledger.domain.order import Order, OrderEvent, RiskDecision
from tickledger.execution.order_journal import (
    AccountRecord,
    AnyEntry,
    CommissionEntry,
    ExecutionCorrection,
    ForeignExecution,
    JournalEntry,
    OrderAmendment,
)


@dataclass(frozen=True, slots=True)
class _Writing:
    """A transaction of an account, and the instant at which its rows count as recorded."""

    connection: Connection
    account_id: str
    mode: Mode
    at: datetime

    def insert(self, table: Table, rows: Iterable[Mapping[str, Any]]) -> None:
        """Append rows, each with its account and its instant."""
        fixed = {"account_id": self.account_id, "mode": self.mode, "recorded_at": self.at}
        if complete := [{**row, **fixed} for row in rows]:
            self.connection.execute(insert(table), complete)

    def rows_of(self, table: Table, values: Iterable[Any], extra: Callable[[Any], Mapping[str, Any]]) -> None:
        """Append the rows that keep `values`."""
        self.insert(table, rows_of(self.connection, table, values, mode=self.mode, extra=extra))


class LedgerJournal:
    """The DurableJournal port over the ledger.

    `guard` is called in the transaction that writes an order, before anything is written, with the connection and
    the account; it raises FencedError where this process may not trade any more.
    """

    def __init__(self, engine: Engine, *, guard: Callable[[Connection, str], None] | None = None) -> None:
        self._engine = engine
        self._guard = guard
        self._modes: dict[str, Mode] = {}

    def load(self, account_id: str) -> AccountRecord:
        """What the ledger knows of an account's orders and fills; see `AccountRecord`."""
        with self._engine.connect() as connection:
            return read_record(connection, account_id)

    def find_order(self, account_id: str, order_id: str) -> tuple[AnyEntry, ...]:
        """The entries of one order, none where it is not in the ledger."""
        with self._engine.connect() as connection:
            return tuple(read_order_entries(connection, account_id, [order_id]))

    def record_order(self, order: Order, event: OrderEvent) -> None:
        """Write an order and its first event, both or neither; raises FencedError, LedgerError, ConfigurationError."""
        with self._writing(order.account_id) as ledger:
            if self._guard is not None:
                self._guard(ledger.connection, order.account_id)
            ledger.rows_of(orders, [order], _nothing)
            ledger.rows_of(order_events, [event], _event_extra(order.account_id))

    def record_risk_decision(self, decision: RiskDecision) -> None:
        """Write what risk said, before the order that it lets pass; raises LedgerError and ConfigurationError."""
        with self._writing(decision.account_id) as ledger:
            ledger.rows_of(risk_decisions, [decision], lambda value: decision_extra(_account(ledger), value))

    def record(self, account_id: str, entries: Sequence[JournalEntry]) -> None:
        """Append entries, all or none; raises LedgerError and ConfigurationError."""
        with self._writing(account_id) as ledger:
            ledger.rows_of(executions, _of_kind(entries, Execution), _nothing)
            ledger.rows_of(execution_corrections, _of_kind(entries, ExecutionCorrection), _nothing)
            ledger.insert(commission_reports, map(commission_row, _of_kind(entries, CommissionEntry)))
            ledger.insert(order_modifications, map(amendment_row, _of_kind(entries, OrderAmendment)))
            ledger.rows_of(order_events, _of_kind(entries, OrderEvent), _event_extra(account_id))
            for entry in _of_kind(entries, ForeignExecution):
                _put_foreign(ledger, entry)

    @contextmanager
    def _writing(self, account_id: str) -> Iterator[_Writing]:
        with writing(self._engine, f"orders of {account_id}") as (connection, at):
            if account_id not in self._modes:
                self._modes[account_id] = mode_of(connection, account_id)
            yield _Writing(connection, account_id, self._modes[account_id], at)


def _put_foreign(ledger: _Writing, entry: ForeignExecution) -> None:
    """Make `entry` the row in force of its execution; it may have been so before."""
    table, fill = foreign_executions, entry.execution
    if fill.account_id != ledger.account_id:
        raise LedgerError(
            f"execution {fill.execution_id}: expected account {ledger.account_id}, found {fill.account_id}"
        )
    rows = rows_of(ledger.connection, table, [fill], mode=ledger.mode, extra=lambda _: foreign_extra(entry))
    same = (table.c.account_id == fill.account_id, table.c.execution_id == fill.execution_id)
    ledger.connection.execute(update(table).where(*same, current(table)).values(superseded_at=ledger.at))
    statement = upsert(table).values([{**row, "recorded_at": ledger.at} for row in rows])
    ledger.connection.execute(
        statement.on_conflict_do_update(index_elements=["foreign_execution_id"], set_={"superseded_at": None})
    )


def _of_kind(entries: Iterable[JournalEntry], kind: type[Any]) -> list[Any]:
    return [entry for entry in entries if isinstance(entry, kind)]


def _nothing(_: object) -> dict[str, Any]:
    return {}


def _event_extra(account_id: str) -> Callable[[OrderEvent], dict[str, Any]]:
    return lambda event: order_event_extra(account_id, event)


def _account(ledger: _Writing) -> Account:
    return Account(ledger.account_id, ledger.mode)
