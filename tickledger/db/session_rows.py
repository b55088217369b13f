"""What a live session leaves behind beside its orders, written in groups: each group is one transaction.

Rows refer back: bars, then the feature rows made of them, signals, risk decisions, cash, and the account's close. A
group is written in that order whatever order it was added in. Every row is written once; adding it again, after a lost
connection or a restart, changes nothing.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any, Protocol, TypeVar

from sqlalchemy import Connection, Engine, Table, func, select

from tickledger.db import audit
from tickledger.db.accounts import mode_of
from tickledger.db.appending import Batch, append_new
from tickledger.db.bar_reference import bar_columns
from tickledger.db.ingestion import IngestionSource, record_ingestion
from tickledger.db.market_data import bars_dataset
from tickledger.db.partitions import ensure_years
from tickledger.db.records import numbered_rows
from tickledger.db.signals import component_rows
from tickledger.db.symbols import symbol_ids
from tickledger.db.tables import (
    balances,
    cash_transactions,
    feature_snapshots,
    market_data,
    positions,
    risk_decisions,
    signal_components,
    signals,
)
from tickledger.db.trading import balance_extra, decision_extra
from tickledger.db.versions import Scope, refusals, replace_scope
from tickledger.domain.account import Account
from tickledger.domain.bar import Bar, BarKey
from tickledger.domain.errors import LedgerError
from tickledger.domain.execution import CashTransaction
from tickledger.domain.ids import text_id
from tickledger.domain.order import RiskDecision
from tickledger.domain.position import Balance, Position
from tickledger.domain.signal import Signal

Guard = Callable[[Connection, str], None]
Kind = TypeVar("Kind")


class FeatureRow(Protocol):
    """The values of all features of one symbol at one bar; NaN is one that is not known yet."""

    @property
    def feature_row_id(self) -> str: ...

    @property
    def bar_id(self) -> str: ...

    @property
    def symbol(self) -> str: ...

    @property
    def values(self) -> Mapping[str, float]: ...


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars of one interval."""

    bars: Sequence[Bar]
    interval: str

    def __len__(self) -> int:
        return len(self.bars)


@dataclass(frozen=True, slots=True)
class Features:
    """Feature rows."""

    rows: Sequence[FeatureRow]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True)
class Signals:
    """Signals with their components."""

    signals: Sequence[Signal]

    def __len__(self) -> int:
        return len(self.signals)


@dataclass(frozen=True, slots=True)
class Close:
    """All that an account holds at a close, which takes the place of what was recorded of that date before."""

    positions: Sequence[Position]
    balance: Balance

    def __len__(self) -> int:
        return len(self.positions) + 1


#: What is added at once. Either all of it is recorded or none.
Addition = Bars | Features | Signals | RiskDecision | CashTransaction | Close


def row_count(addition: Addition) -> int:
    """How many rows an addition is."""
    return len(addition) if isinstance(addition, Bars | Features | Signals | Close) else 1


class SessionRows:
    """The rows of one session of `account_id`; not for several threads at once.

    `guard` is called last in each transaction and raises FencedError where another session has taken this one's place
    (see `tickledger.db.lease`): what an old session knows of the account's close must not replace the new one's. Last,
    because it keeps the lease from being renewed until the commit, and thousands of rows take a while.
    """

    def __init__(
        self, engine: Engine, account_id: str, *, session_id: str, session_date: date, guard: Guard | None = None
    ) -> None:
        self._engine = engine
        self._account_id = account_id
        # A feed has no content to hash that would be known at its start: the session it was is what tells it apart.
        self._source = IngestionSource(f"session {session_id}", text_id("feed", session_id), session_date, session_date)
        self._guard = guard
        self._account: Account | None = None
        self._numbers: dict[str, int] = {}
        self._years: set[int] = set()
        self._ingestions: dict[str, str] = {}

    def write(self, additions: Sequence[Addition]) -> int:
        """Record `additions` in one transaction, durable when this returns; how many rows were new.

        Raises LedgerError where the record refuses a row, ConfigurationError where the database fails (whether it
        kept them is not known then; writing them again is harmless), FencedError by the guard. All or none is kept.
        """
        self._prepare(additions)
        ingestions = dict(self._ingestions)
        with refusals(f"the session's record of {self._account_id}"), self._engine.begin() as connection:
            batches = list(self._tables(connection, additions, ingestions))
            area = f"tickledger lineage of {self._account_id}"
            written = append_new(connection, batches, area=area, apart_from=["ingestion_id"])
            written += sum(self._close(connection, close) for close in _of_kind(additions, Close))
            if self._guard is not None:
                self._guard(connection, self._account_id)
        self._ingestions = ingestions
        return written

    def _tables(
        self, connection: Connection, additions: Sequence[Addition], ingestions: dict[str, str]
    ) -> Iterator[Batch]:
        """The rows of each table, those first that others refer to."""
        said = [signal for addition in _of_kind(additions, Signals) for signal in addition.signals]
        bars = [
            self._bar_row(bar, addition.interval, self._ingestion(connection, addition.interval, ingestions))
            for addition in _of_kind(additions, Bars)
            for bar in addition.bars
        ]
        yield market_data, bars
        rows = [row for addition in _of_kind(additions, Features) for row in addition.rows]
        yield feature_snapshots, [self._feature_row(row) for row in rows]
        yield signals, self._rows(signals, said)
        yield signal_components, component_rows(said)
        yield risk_decisions, self._rows(risk_decisions, _of_kind(additions, RiskDecision), decision_extra)
        yield cash_transactions, self._rows(cash_transactions, _of_kind(additions, CashTransaction))

    def _close(self, connection: Connection, close: Close) -> int:
        """Make a close the one in force of its account and date, with the same rules as a replay's."""
        at = connection.execute(select(func.clock_timestamp())).scalar_one()
        day = close.balance.session_date
        scope = Scope(among={"account_id": [self._account_id]}, within={"session_date": (day, day)})
        results = {}
        for table, values in ((positions, close.positions), (balances, [close.balance])):
            rows = self._rows(table, values, balance_extra if table is balances else None)
            results[table.name] = replace_scope(connection, table, rows, scope=scope, at=at)
        audit.append_replacements(connection, results, subject=f"account {self._account_id} {day}..{day}")
        return sum(result.inserted for result in results.values())

    def _prepare(self, additions: Sequence[Addition]) -> None:
        """Have the mode, the partitions and the numbers of symbols; each is there for good once it is."""
        if self._account is None:
            with refusals("accounts"), self._engine.connect() as connection:
                self._account = Account(self._account_id, mode_of(connection, self._account_id))
        bars = [bar for addition in _of_kind(additions, Bars) for bar in addition.bars]
        if years := {BarKey.parse(bar.bar_id).bar_at.year for bar in bars} - self._years:
            ensure_years(self._engine, years)
            self._years |= years
        if missing := _symbols(additions) - self._numbers.keys():
            with refusals("symbols"), self._engine.begin() as connection:
                found = symbol_ids(connection, missing)
            self._numbers |= found

    def _ingestion(self, connection: Connection, interval: str, ingestions: dict[str, str]) -> str:
        if interval not in ingestions:
            at = connection.execute(select(func.clock_timestamp())).scalar_one()
            dataset = bars_dataset(interval)
            ingestions[interval] = record_ingestion(connection, self._source, dataset=dataset, at=at)
        return ingestions[interval]

    def _bar_row(self, bar: Bar, interval: str, ingestion_id: str) -> dict[str, Any]:
        key = BarKey.parse(bar.bar_id)
        if (key.symbol, key.interval) != (bar.symbol, interval):
            raise LedgerError(f"expected a bar of {bar.symbol} and {interval}, found {bar.bar_id}")
        return {
            "symbol_id": self._numbers[bar.symbol],
            "interval": key.interval,
            "bar_at": key.bar_at,
            "version": key.version,
            "open": bar.open,
            "high": bar.high,
            "low": bar.low,
            "close": bar.close,
            "volume": bar.volume,
            "ingestion_id": ingestion_id,
        }

    def _feature_row(self, row: FeatureRow) -> dict[str, Any]:
        known = {name: None if math.isnan(value) else value for name, value in row.values.items()}
        return {
            "feature_row_id": row.feature_row_id,
            "symbol_id": self._numbers[row.symbol],
            **bar_columns(row.bar_id),
            "features": known,
        }

    def _rows(
        self, table: Table, values: Sequence[Any], extra: Callable[[Account, Any], dict[str, Any]] | None = None
    ) -> list[dict[str, Any]]:
        """The rows that keep `values`, which are of this account where they are of any."""
        for value in values:
            if getattr(value, "account_id", self._account_id) != self._account_id:
                raise LedgerError(f"{table.name}: expected a row of account {self._account_id}, found {value}")
        if self._account is None or extra is None:
            more: Callable[[Any], Mapping[str, Any]] = _nothing
        else:
            more = partial(extra, self._account)
        mode = None if self._account is None else self._account.mode
        return numbered_rows(table, values, self._numbers, mode=mode, extra=more)


def _of_kind(additions: Iterable[Addition], kind: type[Kind]) -> list[Kind]:
    return [addition for addition in additions if isinstance(addition, kind)]


def _symbols(additions: Iterable[Addition]) -> set[str]:
    """The instruments of which there are rows."""
    found: set[str | None] = set()
    for addition in additions:
        match addition:
            case Bars(bars):
                found |= {bar.symbol for bar in bars}
            case Features(rows):
                found |= {row.symbol for row in rows}
            case Signals(said):
                found |= {signal.symbol for signal in said}
            case Close(held):
                found |= {position.symbol for position in held}
            case RiskDecision() | CashTransaction():
                found.add(addition.symbol)
    return {symbol for symbol in found if symbol is not None}


def _nothing(_: object) -> dict[str, Any]:
    return {}
