"""Instruments: their tickers, and the descriptions that are brought up to date in place."""

from collections.abc import Iterable
from typing import Final

import pandas as pd
from sqlalchemy import Connection, Engine, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from tickledger.db.copying import affected
from tickledger.db.tables import symbols

_DESCRIPTION: Final = ("company_name", "sector", "industry", "exchange")


def upsert_symbols(engine: Engine, frame: pd.DataFrame) -> int:
    """Record the instruments of `frame` (symbol, company_name, sector, industry, exchange); how many changed.

    What the frame leaves empty, or has no column for, stays as it is.
    """
    known = [name for name in _DESCRIPTION if name in frame]
    named = frame[["symbol", *known]].rename(columns={"symbol": "ticker"})
    rows = [
        {str(name): None if pd.isna(value) else str(value) for name, value in record.items()}
        for record in named.to_dict("records")
    ]
    if not rows:
        return 0
    statement = insert(symbols).values(rows)
    new = {name: func.coalesce(statement.excluded[name], symbols.c[name]) for name in known}
    changed = or_(*(symbols.c[name].is_distinct_from(value) for name, value in new.items()))
    merge = statement.on_conflict_do_update(index_elements=["ticker"], set_=new, where=changed)
    with engine.begin() as connection:
        return affected(connection, merge if known else statement.on_conflict_do_nothing())


def read_symbols(engine: Engine) -> pd.DataFrame:
    """Every instrument, by ticker: symbol, company_name, sector, industry, exchange (None where not known)."""
    columns = [symbols.c.ticker.label("symbol"), *(symbols.c[name] for name in _DESCRIPTION)]
    with engine.connect() as connection:
        rows = connection.execute(select(*columns).order_by(symbols.c.ticker)).all()
    frame = pd.DataFrame([tuple(row) for row in rows], columns=["symbol", *_DESCRIPTION], dtype="object")
    return frame.astype({"symbol": "str"})


def read_sectors(engine: Engine) -> dict[str, str]:
    """The sector of each instrument that has one, by ticker."""
    statement = select(symbols.c.ticker, symbols.c.sector).where(symbols.c.sector.is_not(None))
    with engine.connect() as connection:
        return {row.ticker: row.sector for row in connection.execute(statement)}


def symbol_ids(connection: Connection, tickers: Iterable[str]) -> dict[str, int]:
    """The number of each of `tickers`; one that was never heard of is recorded."""
    wanted = sorted(set(tickers))
    known = _numbers(connection, wanted)
    missing = [{"ticker": ticker} for ticker in wanted if ticker not in known]
    if missing:
        connection.execute(insert(symbols).values(missing).on_conflict_do_nothing())
        known = _numbers(connection, wanted)
    return known


def _numbers(connection: Connection, tickers: list[str]) -> dict[str, int]:
    query = select(symbols.c.ticker, symbols.c.symbol_id).where(symbols.c.ticker == func.any(tickers))
    return {row.ticker: row.symbol_id for row in connection.execute(query)}
