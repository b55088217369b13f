"""How many rows the ledger holds, by table, as they are current."""

from collections.abc import Mapping

from sqlalchemy import Engine, Select, Table, func, select

from tickledger.db.tables import METADATA
from tickledger.db.versions import current


def current_rows(engine: Engine) -> Mapping[str, int]:
    """The number of rows of each table that nothing has superseded."""
    with engine.connect() as connection:
        return {name: connection.execute(_count(table)).scalar_one() for name, table in METADATA.tables.items()}


def _count(table: Table) -> Select[tuple[int]]:
    statement = select(func.count()).select_from(table)
    return statement.where(current(table)) if "superseded_at" in table.c else statement
