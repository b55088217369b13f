"""The durable journal of orders in the ledger: what `tickledger.execution.order_journal` asks for, in PostgreSQL.

Every call is one transaction, and what it wrote is durable when it returns. Writers of one account follow each
other; those of others, and the replays that write whole sessions, do not wait for them.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, Insert, Table, Update, bindparam, func, insert, update
from sqlalchemy.dialects.postgresql import insert as upsert

from tickledger.db.accounts import mode_of
from tickledger.db.order_record import read_order_entries, read_record
from tickledger.db.order_rows import amendment_row, commission_row, foreign_extra
from tickledger.db.records import numbered_rows
from tickledger.db.symbols import symbol_ids
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
from tickledger.db.versions import LOCK_AREA, current, refusals
from tickledger.domain.account import Account, Mode
from tickledger.domain.corporate_action import CorporateAction, in_order
from tickledger.domain.errors import LedgerError
from tickledger.domain.execution import Execution
from tickledger.domain.order import OrderEvent, RiskDecision
from tickledger.execution.order_journal import (
    AccountRecord,
    AnyEntry,
    CommissionEntry,
    ExecutionCorrection,
    ForeignExecution,
    JournalEntry,
    NewOrder,
    OrderAmendment,
    opening_after,
)


class LedgerJournal:
    """The DurableJournal port over the ledger.

    `guard` is called in the transaction that writes an order, before anything is written, with the connection and
    the account; it raises FencedError where this process may not trade any more. `corporate_actions` are those that
    have changed what the account holds at its broker; those since its last close change what `load` tells of that.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        guard: Callable[[Connection, str], None] | None = None,
        corporate_actions: Iterable[CorporateAction] = (),
    ) -> None:
        self._engine = engine
        self._guard = guard
        self._corporate_actions = in_order(corporate_actions)
        self._modes: dict[str, Mode] = {}
        self._symbols: dict[str, int] = {}

    def load(self, account_id: str) -> AccountRecord:
        """What the ledger knows of an account's orders and fills; see `AccountRecord`."""
        with refusals("orders"), self._engine.connect() as connection:
            record = read_record(connection, account_id)
        return replace(record, opening=opening_after(record.opening, self._corporate_actions))

    def find_order(self, account_id: str, order_id: str) -> tuple[AnyEntry, ...]:
        """The entries of one order, none where it is not in the ledger."""
        with refusals("orders"), self._engine.connect() as connection:
            return tuple(read_order_entries(connection, account_id, [order_id]))

    def record_orders(self, account_id: str, placed: Sequence[NewOrder]) -> None:
        """Write orders, their first events and the decisions that are given, all or none.

        Raises FencedError, LedgerError and ConfigurationError.
        """
        statements = [
            self._decisions(account_id, [new.decision for new in placed if new.decision is not None]),
            self._insert(account_id, orders, [new.order for new in placed], _nothing),
            self._insert(account_id, order_events, [new.event for new in placed], _event_extra(account_id)),
        ]
        self._write(account_id, statements, guard=self._guard)

    def record_risk_decision(self, decision: RiskDecision) -> None:
        """Write what risk said, before the order that it lets pass; raises LedgerError and ConfigurationError."""
        self._write(decision.account_id, [self._decisions(decision.account_id, [decision])])

    def record(self, account_id: str, entries: Sequence[JournalEntry]) -> None:
        """Append entries, all or none; raises LedgerError and ConfigurationError."""
        event_extra = _event_extra(account_id)
        own, foreign = _of_kind(entries, Execution), _of_kind(entries, ForeignExecution)
        # Told without our reference before: then it is an execution already, which has had no order.
        known = {entry.execution.execution_id for entry in foreign}
        statements = [
            self._claim([fill for fill in own if fill.execution_id in known]),
            self._insert(account_id, executions, [fill for fill in own if fill.execution_id not in known], _nothing),
            self._insert(account_id, execution_corrections, _of_kind(entries, ExecutionCorrection), _nothing),
            self._plain(account_id, commission_reports, map(commission_row, _of_kind(entries, CommissionEntry))),
            self._plain(account_id, order_modifications, map(amendment_row, _of_kind(entries, OrderAmendment))),
            self._insert(account_id, order_events, _of_kind(entries, OrderEvent), event_extra),
        ]
        for entry in foreign:
            statements.extend(self._foreign(account_id, entry))
        self._write(account_id, statements)

    def _write(
        self,
        account_id: str,
        statements: Iterable["_Statement"],
        *,
        guard: Callable[[Connection, str], None] | None = None,
    ) -> None:
        """Do all of `statements` in one transaction, sent together: what takes time is each answer waited for.

        The commit goes along, and is carried out only where all before it was; the engine then finds nothing left to
        commit, or rolls back.
        """
        with refusals(f"orders of {account_id}"), self._engine.begin() as connection:
            if guard is not None:
                guard(connection, account_id)
            driver = _driver(connection)
            with driver.pipeline():
                connection.execute(LOCK_AREA, {"area": f"tickledger orders of {account_id}"})
                for statement, rows in statements:
                    if rows:
                        connection.execute(statement, rows)
                driver.commit()

    def _decisions(self, account_id: str, decisions: Sequence[RiskDecision]) -> "_Statement":
        account = Account(account_id, self._mode(account_id))
        return self._insert(account_id, risk_decisions, decisions, lambda value: decision_extra(account, value))

    def _insert(
        self, account_id: str, table: Table, values: Sequence[Any], extra: Callable[[Any], Mapping[str, Any]]
    ) -> "_Statement":
        """An insert of the rows that keep `values`."""
        numbers = self._numbers({value.symbol for value in values}) if "symbol_id" in table.c else {}
        return self._plain(account_id, table, numbered_rows(table, values, numbers, extra=extra))

    def _plain(self, account_id: str, table: Table, rows: Iterable[Mapping[str, Any]]) -> "_Statement":
        """An insert of rows, each with its account."""
        mine = {"account_id": account_id, "mode": self._mode(account_id)}
        return insert(table), [{**row, **mine} for row in rows]

    def _foreign(self, account_id: str, entry: ForeignExecution) -> Iterator["_Statement"]:
        """What makes `entry` the row in force of its execution; it may have been so before."""
        table, fill = foreign_executions, entry.execution
        if fill.account_id != account_id:
            raise LedgerError(f"execution {fill.execution_id}: expected account {account_id}, found {fill.account_id}")
        same = (table.c.account_id == bindparam("of_account"), table.c.execution_id == bindparam("of_execution"))
        ended = update(table).where(*same, current(table)).values(superseded_at=func.clock_timestamp())
        yield ended, [{"of_account": account_id, "of_execution": fill.execution_id}]
        statement = upsert(table)
        put = statement.on_conflict_do_update(index_elements=["foreign_execution_id"], set_={"superseded_at": None})
        yield put, self._insert(account_id, table, [fill], lambda _: foreign_extra(entry))[1]
        if fill.quantity:
            anchor = upsert(executions).on_conflict_do_nothing(index_elements=["execution_id"])
            yield anchor, self._insert(account_id, executions, [fill], lambda _: {"order_id": None})[1]

    @staticmethod
    def _claim(fills: Sequence[Execution]) -> "_Statement":
        """What fills in the order of executions that were taken for foreign ones."""
        table = executions
        claimed = update(table).where(table.c.execution_id == bindparam("of_execution"), table.c.order_id.is_(None))
        rows = [{"of_execution": fill.execution_id, "of_order": fill.order_id, "told": fill.side} for fill in fills]
        return claimed.values(order_id=bindparam("of_order"), side=bindparam("told")), rows

    def _mode(self, account_id: str) -> Mode:
        if account_id not in self._modes:
            with refusals("orders"), self._engine.connect() as connection:
                self._modes[account_id] = mode_of(connection, account_id)
        return self._modes[account_id]

    def _numbers(self, symbols: Collection[str]) -> Mapping[str, int]:
        """The number of each symbol; it is never another one."""
        if missing := [symbol for symbol in symbols if symbol not in self._symbols]:
            with refusals("symbols"), self._engine.begin() as connection:
                found = symbol_ids(connection, missing)
            self._symbols.update(found)
        return self._symbols


#: A statement, and the rows it is done for; not at all without any.
_Statement = tuple[Insert | Update, list[dict[str, Any]]]


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    """The driver's own connection, whose pipeline is a block in which statements do not wait for each other.

    An answer is not read inside it; what the server refuses is raised by one of the later statements, or at its end.
    """
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError(f"expected a connection of psycopg, found {type(driver).__name__}")
    return driver


def _of_kind(entries: Iterable[JournalEntry], kind: type[Any]) -> list[Any]:
    return [entry for entry in entries if isinstance(entry, kind)]


def _nothing(_: object) -> dict[str, Any]:
    return {}


def _event_extra(account_id: str) -> Callable[[OrderEvent], dict[str, Any]]:
    return lambda event: order_event_extra(account_id, event)
