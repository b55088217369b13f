"""How many rows the ledger holds, by table, as they are current."""

from collections.abc import Mapping

from sqlalchemy import Engine, func, select

from tickledger.db.tables import METADATA


def current_rows(engine: Engine) -> Mapping[str, int]:
    """The number of rows of each table that nothing has superseded."""
    with engine.connect() as connection:
        return {
            name: connection.execute(
                select(func.count())
                .select_from(table)
                .where(table.c.superseded_at.is_(None) if "superseded_at" in table.c else True)
            ).scalar_one()
            for name, table in METADATA.tables.items()
        }
