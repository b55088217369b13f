"""Bars as they came in: ingested once, restated by adding a version.

An ingestion is one transaction: the rows that are new, those that differ from the version in force (it is
superseded, never changed) and the rejects, which go to quarantine. Bringing the same rows again changes
nothing.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

import pandas as pd
import pyarrow as pa
from sqlalchemy import (
    ColumnElement,
    Connection,
    Double,
    Engine,
    Select,
    Table,
    and_,
    cast,
    func,
    insert,
    literal,
    or_,
    select,
    tuple_,
    update,
)

from tickledger.bars.reject import Reject
from tickledger.db import audit
from tickledger.db.bar_reference import bar_id
from tickledger.db.copying import affected, query_frame, staged_frame
from tickledger.db.ingestion import IngestionResult, IngestionSource, record_ingestion
from tickledger.db.partitions import ensure_years
from tickledger.db.quarantine import record_rejects
from tickledger.db.symbols import symbol_ids
from tickledger.db.tables import market_data
from tickledger.db.tables import symbols as instruments
from tickledger.db.versions import current, writing
from tickledger.domain.bar import Bar
from tickledger.domain.errors import InputError, Problem

_PRICES: Final = ("open", "high", "low", "close")
_BAR_TYPES: Final = {
    "bar_id": pa.string(),
    "symbol": pa.string(),
    "timestamp": pa.timestamp("us", tz="UTC"),
    **dict.fromkeys(_PRICES, pa.float64()),
    "volume": pa.int64(),
}


def ingest_bars(
    engine: Engine,
    bars: pd.DataFrame,
    *,
    rejects: Sequence[Reject],
    source: IngestionSource,
    interval: str = "1day",
) -> IngestionResult:
    """Bring raw bars (symbol, timestamp, open, high, low, close, volume) and their rejects into the record.

    Raises InputError where two rows are of one symbol and time, which `tickledger.bars.quality` rules out.
    """
    _refuse_duplicates(bars, source)
    ensure_years(engine, bars["timestamp"].dt.year.unique().tolist())
    dataset = bars_dataset(interval)
    with writing(engine, "market_data") as (connection, at):
        ingestion_id = record_ingestion(connection, source, dataset=dataset, at=at)
        changed, restated = _merge(connection, bars, interval=interval, ingestion_id=ingestion_id, at=at)
        record_rejects(connection, rejects, ingestion_id=ingestion_id, at=at)
        result = IngestionResult(
            ingestion_id,
            inserted=changed - restated,
            unchanged=len(bars) - changed,
            restated=restated,
            quarantined=len(rejects),
        )
        audit.append_ingestion(connection, result, dataset=dataset)
    return result


def bars_dataset(interval: str) -> str:
    """The name under which ingestions of bars of `interval` are recorded."""
    return f"bars {interval}"


def read_bars(
    engine: Engine,
    *,
    interval: str = "1day",
    start: date | None = None,
    end: date | None = None,
    symbols: Collection[str] | None = None,
    as_of: datetime | None = None,
) -> pd.DataFrame:
    """The bars in force whose session lies in `start`–`end`, by symbol and time; `as_of`: as they were then.

    Columns bar_id, symbol, timestamp, open, high, low, close (float64), volume (int64).
    """
    statement = _select_bars().where(market_data.c.interval == interval, current(market_data, as_of))
    if start is not None:
        # The instant lets PostgreSQL leave out whole years; no session starts before its own date in UTC.
        statement = statement.where(market_data.c.session_date >= start, market_data.c.bar_at >= _midnight(start))
    if end is not None:
        last = _midnight(end + timedelta(days=2))
        statement = statement.where(market_data.c.session_date <= end, market_data.c.bar_at < last)
    if symbols is not None:
        statement = statement.where(instruments.c.ticker == func.any(sorted(symbols)))
    with engine.connect() as connection:
        return query_frame(connection, statement, _BAR_TYPES)


def read_session_bars(engine: Engine, session_date: date, *, interval: str, as_of: datetime | None = None) -> list[Bar]:
    """The bars in force of one session, by start and symbol, as a session has them: for replaying it."""
    where = (market_data.c.interval == interval, current(market_data, as_of))
    return _exact_bars(engine, where, start=session_date, end=session_date)


def read_exact_bars(
    engine: Engine, *, symbols: Collection[str], start: date, end: date, intervals: Collection[str]
) -> list[Bar]:
    """The bars in force of `symbols` and `intervals` whose session lies in `start`–`end`, by start and symbol."""
    among = (instruments.c.ticker == func.any(sorted(symbols)), market_data.c.interval == func.any(sorted(intervals)))
    return _exact_bars(engine, (*among, current(market_data)), start=start, end=end)


def _exact_bars(engine: Engine, where: Iterable[ColumnElement[bool]], *, start: date, end: date) -> list[Bar]:
    key = bar_id(market_data.c.interval, market_data.c.bar_at, market_data.c.version)
    values = (market_data.c[name] for name in ("session_date", *_PRICES, "volume"))
    statement = (
        select(key.label("bar_id"), instruments.c.ticker.label("symbol"), *values)
        .join(instruments, market_data.c.symbol_id == instruments.c.symbol_id)
        .where(
            market_data.c.session_date.between(start, end),
            # As in `read_bars`: years that cannot hold the sessions are left out.
            market_data.c.bar_at >= _midnight(start),
            market_data.c.bar_at < _midnight(end + timedelta(days=2)),
            *where,
        )
        .order_by(market_data.c.bar_at, instruments.c.ticker)
    )
    with engine.connect() as connection:
        return [Bar(**row) for row in connection.execute(statement).mappings()]


def recorded_intervals(engine: Engine) -> list[str]:
    """The intervals of which there are bars in force."""
    statement = select(market_data.c.interval).where(current(market_data)).distinct().order_by(market_data.c.interval)
    with engine.connect() as connection:
        return list(connection.execute(statement).scalars())


def last_close(engine: Engine, symbol: str, *, until: date) -> tuple[Decimal, date] | None:
    """The last daily close of `symbol` on or before `until` and its session, None where there is none."""
    statement = (
        select(market_data.c.close, market_data.c.session_date)
        .join(instruments, instruments.c.symbol_id == market_data.c.symbol_id)
        .where(
            current(market_data),
            market_data.c.interval == "1day",
            instruments.c.ticker == symbol,
            market_data.c.session_date <= until,
        )
        .order_by(market_data.c.bar_at.desc())
        .limit(1)
    )
    with engine.connect() as connection:
        found = connection.execute(statement).first()
    return None if found is None else (found.close, found.session_date)


def _refuse_duplicates(bars: pd.DataFrame, source: IngestionSource) -> None:
    twice = bars.duplicated(["symbol", "timestamp"]).to_numpy()
    if not twice.any():
        return
    row = bars.loc[twice].iloc[0]
    found = f"another bar of {row['symbol']} at {row['timestamp'].isoformat()}"
    raise InputError([Problem(source.name, "one bar for each symbol and time", found, column="timestamp")])


def _merge(
    connection: Connection, bars: pd.DataFrame, *, interval: str, ingestion_id: str, at: datetime
) -> tuple[int, int]:
    """Insert what is new or restated; how many rows that were, and how many of them restate another."""
    if bars.empty:
        return 0, 0
    numbers = symbol_ids(connection, bars["symbol"].unique().tolist())
    frame = bars.assign(symbol_id=bars["symbol"].map(numbers), bar_at=bars["timestamp"], version=1)
    columns = [market_data.c[name] for name in ("symbol_id", "bar_at", "version", *_PRICES, "volume")]
    window = (bars["timestamp"].min().to_pydatetime(), bars["timestamp"].max().to_pydatetime())
    constants = {"interval": interval, "ingestion_id": ingestion_id, "recorded_at": at}
    with staged_frame(connection, frame, columns) as staging:
        same = _same_bar(staging, interval=interval, window=window)
        restated = _supersede_restated(connection, staging, same=same, at=at)
        return _insert_bars(connection, staging, same=same, constants=constants), restated


def _same_bar(staging: Table, *, interval: str, window: tuple[datetime, datetime]) -> ColumnElement[bool]:
    """The condition of being the version in force of a staged bar; the window lets PostgreSQL skip other years."""
    return and_(
        market_data.c.symbol_id == staging.c.symbol_id,
        market_data.c.interval == interval,
        market_data.c.bar_at == staging.c.bar_at,
        market_data.c.bar_at.between(*window),
        current(market_data),
    )


def _supersede_restated(connection: Connection, staging: Table, *, same: ColumnElement[bool], at: datetime) -> int:
    """Supersede the bars that are staged with other content, give the staged ones the next version, and count them."""
    recorded, found = (tuple_(*(table.c[name] for name in (*_PRICES, "volume"))) for table in (market_data, staging))
    old = (
        update(market_data)
        .where(same, recorded.is_distinct_from(found))
        .values(superseded_at=at)
        .returning(market_data.c.symbol_id, market_data.c.bar_at, market_data.c.version)
        .cte("old")
    )
    following = (
        update(staging)
        .where(staging.c.symbol_id == old.c.symbol_id, staging.c.bar_at == old.c.bar_at)
        .values(version=old.c.version + 1)
    )
    return affected(connection, following)


def _insert_bars(
    connection: Connection, staging: Table, *, same: ColumnElement[bool], constants: Mapping[str, object]
) -> int:
    """Insert the staged bars that are restated or not there yet, and count them."""
    known = select(literal(1)).select_from(market_data).where(same).exists()
    columns = {column.name: column for column in staging.c} | {
        name: literal(value, market_data.c[name].type) for name, value in constants.items()
    }
    rows = select(*columns.values()).where(or_(staging.c.version > 1, ~known))
    return affected(connection, insert(market_data).from_select(list(columns), rows))


def _select_bars() -> Select[Any]:
    prices = (cast(market_data.c[name], Double).label(name) for name in _PRICES)
    key = bar_id(market_data.c.interval, market_data.c.bar_at, market_data.c.version)
    return (
        select(key, instruments.c.ticker, market_data.c.bar_at, *prices, market_data.c.volume)
        .join(instruments, market_data.c.symbol_id == instruments.c.symbol_id)
        .order_by(instruments.c.ticker, market_data.c.bar_at)
    )


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
