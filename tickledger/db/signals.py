"""Signals and the signals that a composite was made of."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Engine, Table, exists, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from tickledger.db import audit
from tickledger.db.records import as_values, rows_of, select_fields
from tickledger.db.tables import feature_snapshots, signal_components, signals, symbols
from tickledger.db.versions import ReplaceResult, Scope, current, insert_new, replace_scope, writing
from tickledger.domain.signal import Signal


def replace_signals(
    engine: Engine, values: Sequence[Signal], *, start: date, end: date, interval: str = "1day"
) -> ReplaceResult:
    """Make `values` the signals of the sessions from `start` to `end`, of every strategy, with their components.

    They rest on bars of `interval`; those that rest on bars of another stay as they are. Raises LedgerError where one
    refers to a feature row, model version or component that is not in the ledger.
    """
    with writing(engine, "research") as (connection, at):
        rows = rows_of(connection, signals, values)
        dates = {"session_date": (start, end)}
        scope = Scope(among={}, within=dates, such_that=lambda table: _rest_on(table, interval))
        result = replace_scope(connection, signals, rows, scope=scope, at=at)
        insert_new(connection, signal_components, component_rows(values), at=at)
        audit.append_replacements(connection, {"signals": result}, subject=f"sessions {start}..{end}")
    return result


def read_signals(
    engine: Engine,
    *,
    start: date,
    end: date,
    strategy: str | None = None,
    interval: str = "1day",
    as_of: datetime | None = None,
) -> list[Signal]:
    """The signals of the sessions from `start` to `end` that rest on bars of `interval`, by time, symbol, strategy."""
    ordered = aggregate_order_by(signal_components.c.component_id, signal_components.c.ordinal)
    components = (
        select(func.array_agg(ordered))
        .where(signal_components.c.signal_id == signals.c.signal_id)
        .correlate(signals)
        .scalar_subquery()
    )
    statement = (
        select_fields(signals, Signal, component_ids=components)
        .where(current(signals, as_of), signals.c.session_date.between(start, end), _rest_on(signals, interval))
        .order_by(signals.c.signalled_at, symbols.c.ticker, signals.c.strategy, signals.c.signal_id)
    )
    if strategy is not None:
        statement = statement.where(signals.c.strategy == strategy)
    with engine.connect() as connection:
        return as_values(connection, statement, Signal, decoders={"component_ids": lambda ids: tuple(ids or ())})


def component_rows(values: Sequence[Signal]) -> list[Mapping[str, Any]]:
    """The rows that say what composites were made of."""
    return [
        {"signal_id": signal.signal_id, "component_id": component_id, "ordinal": ordinal}
        for signal in values
        for ordinal, component_id in enumerate(signal.component_ids)
    ]


def _rest_on(table: Table, interval: str) -> ColumnElement[bool]:
    """That no row of `table`, signals or such as are to be, goes back to a bar of another interval."""
    behind = feature_snapshots.c.feature_row_id == table.c.feature_row_id
    return ~exists().where(behind, feature_snapshots.c.bar_interval != interval)
