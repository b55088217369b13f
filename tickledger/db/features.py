"""Feature rows behind signals, copied from Parquet so that a foreign key can reach them."""

from typing import Any, Final

import pandas as pd
from sqlalchemy import Engine

from tickledger.db.bar_reference import bar_columns
from tickledger.db.symbols import symbol_ids
from tickledger.db.tables import feature_snapshots
from tickledger.db.versions import insert_new, writing

_KEYS: Final = ("feature_row_id", "bar_id", "symbol", "timestamp")


def write_feature_snapshots(engine: Engine, features: pd.DataFrame) -> int:
    """Keep the rows of `features` (feature_row_id, bar_id, symbol, timestamp, then one column a feature).

    Returns how many were new. Raises LedgerError where a row refers to a bar that is not in the ledger, or its
    id already stands for other features.
    """
    with writing(engine, "research") as (connection, at):
        numbers = symbol_ids(connection, features["symbol"].unique().tolist())
        rows = [_row(record, numbers) for record in features.to_dict("records")]
        return insert_new(connection, feature_snapshots, rows, at=at)


def _row(record: dict[Any, Any], numbers: dict[str, int]) -> dict[str, Any]:
    return {
        "feature_row_id": record["feature_row_id"],
        "symbol_id": numbers[record["symbol"]],
        **bar_columns(record["bar_id"]),
        "features": {name: value for name, value in record.items() if name not in _KEYS},
    }
