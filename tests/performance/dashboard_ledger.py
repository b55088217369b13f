"""A ledger of five years of daily trading and 50,000 executions, for pages to be drawn from.

Written by SQL straight into the tables, whose constraints hold it together: the repositories would take minutes for
what is no part of what is measured.
"""

from pathlib import Path
from typing import Final

from sqlalchemy import Engine, text

from tickledger.db.partitions import ensure_years

ACCOUNT_ID: Final = "SIM5Y"
EXECUTIONS: Final = 50_000
YEARS: Final = range(2008, 2013)


def tell_five_years(engine: Engine) -> None:
    """Write all of it; the planner knows the tables afterwards, as it does where autovacuum has run."""
    ensure_years(engine, YEARS)
    statements = Path(__file__).with_suffix(".sql").read_text("utf-8").split(";\n")
    with engine.begin() as connection:
        for statement in filter(str.strip, statements):
            connection.exec_driver_sql(statement.replace("%", "%%"))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))
