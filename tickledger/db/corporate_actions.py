"""Corporate actions as they came in; the actions of one kind on one symbol's ex-date are restated together."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

import pandas as pd
from sqlalchemy import ColumnElement, Connection, Engine, Table, and_, literal, select

from tickledger.bars.reject import Reject
from tickledger.db import audit
from tickledger.db.copying import staged
from tickledger.db.ingestion import IngestionResult, IngestionSource, record_ingestion
from tickledger.db.quarantine import record_rejects
from tickledger.db.symbols import symbol_ids
from tickledger.db.tables import corporate_actions, symbols
from tickledger.db.versions import current, distinct, merge, writing
from tickledger.domain.ids import deterministic_id

_NUMBERS: Final = ("ratio", "amount", "fmv_old", "fmv_new", "cash_in_lieu")
#: What two actions share where one set of rows takes the place of the other.
_KEY: Final = ("symbol_id", "ex_date", "kind")
_COLUMNS: Final = (
    "corporate_action_id",
    "symbol",
    "ex_date",
    "kind",
    "ratio",
    "amount",
    "new_symbol",
    "fmv_old",
    "fmv_new",
    "cash_in_lieu",
)

#: The name under which their ingestions are recorded.
CORPORATE_ACTIONS: Final = "corporate actions"


def ingest_corporate_actions(
    engine: Engine, actions: pd.DataFrame, *, rejects: Sequence[Reject], source: IngestionSource
) -> IngestionResult:
    """Bring corporate actions and their rejects into the record.

    `actions` holds symbol, ex_date, kind, ratio, amount and, where they apply, new_symbol, fmv_old, fmv_new and
    cash_in_lieu; what is NaN or absent is empty. Two dividends of one day are two rows, and another set of
    dividends of that day takes the place of both.
    """
    with writing(engine, "market_data") as (connection, at):
        ingestion_id = record_ingestion(connection, source, dataset=CORPORATE_ACTIONS, at=at)
        rows = _rows(connection, actions, ingestion_id=ingestion_id)
        with staged(connection, corporate_actions, rows) as staging:
            stale = _restated_by(staging)
            merged = merge(connection, corporate_actions, staging, stale=stale, at=at)
        record_rejects(connection, rejects, ingestion_id=ingestion_id, at=at)
        restated = min(merged.superseded, merged.inserted)
        result = IngestionResult(
            ingestion_id,
            inserted=merged.inserted - restated,
            unchanged=merged.unchanged,
            restated=restated,
            quarantined=len(rejects),
        )
        audit.append_ingestion(connection, result, dataset=CORPORATE_ACTIONS)
    return result


def read_corporate_actions(engine: Engine, *, as_of: datetime | None = None) -> pd.DataFrame:
    """The actions in force, by ex-date and symbol; `as_of`: as they were known then.

    Columns corporate_action_id, symbol, ex_date (naive midnight, datetime64[us]), kind, ratio, amount,
    new_symbol, fmv_old, fmv_new, cash_in_lieu; numbers are float64 and NaN where they don't apply.
    """
    new_symbols = symbols.alias("new_symbols")
    tickers = {"symbol": symbols.c.ticker, "new_symbol": new_symbols.c.ticker}
    statement = (
        select(*(tickers[name] if name in tickers else corporate_actions.c[name] for name in _COLUMNS))
        .join(symbols, corporate_actions.c.symbol_id == symbols.c.symbol_id)
        .outerjoin(new_symbols, corporate_actions.c.new_symbol_id == new_symbols.c.symbol_id)
        .where(current(corporate_actions, as_of))
        .order_by(corporate_actions.c.ex_date, symbols.c.ticker, corporate_actions.c.corporate_action_id)
    )
    with engine.connect() as connection:
        rows = [tuple(row) for row in connection.execute(statement)]
    frame = pd.DataFrame(rows, columns=list(_COLUMNS))
    texts = dict.fromkeys(("corporate_action_id", "symbol", "kind", "new_symbol"), "str")
    return frame.astype({"ex_date": "datetime64[us]", **dict.fromkeys(_NUMBERS, "float64"), **texts})


def _rows(connection: Connection, actions: pd.DataFrame, *, ingestion_id: str) -> list[Mapping[str, Any]]:
    records = actions.to_dict("records")
    named = [record.get(name) for record in records for name in ("symbol", "new_symbol")]
    numbers = symbol_ids(connection, (str(name) for name in named if not pd.isna(name)))
    rows = [_row(record, numbers) | {"ingestion_id": ingestion_id} for record in records]
    return list(distinct(corporate_actions, rows))


def _row(record: Mapping[Any, Any], numbers: Mapping[str, int]) -> dict[str, Any]:
    symbol, kind, ex_date = str(record["symbol"]), str(record["kind"]), record["ex_date"].date()
    new_symbol = record.get("new_symbol")
    new_symbol = None if pd.isna(new_symbol) else str(new_symbol)
    amounts = {name: _exactly(record.get(name)) for name in _NUMBERS}
    return {
        "corporate_action_id": deterministic_id("ca", symbol, ex_date, kind, new_symbol, *amounts.values()),
        "symbol_id": numbers[symbol],
        "ex_date": ex_date,
        "kind": kind,
        "new_symbol_id": None if new_symbol is None else numbers[new_symbol],
        **amounts,
    }


def _exactly(value: float | None) -> Decimal | None:
    """The shortest decimal that reads back as `value`; a ratio of a third is kept as its float says it."""
    return None if value is None or pd.isna(value) else Decimal(repr(float(value)))


def _restated_by(staging: Table) -> ColumnElement[bool]:
    same = and_(*(corporate_actions.c[name] == staging.c[name] for name in _KEY))
    return select(literal(1)).where(same).exists()
