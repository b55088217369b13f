"""A database whose clock can be set: what `clock_timestamp()` says in it, and nothing else, is moved."""

from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Engine, text

#: Set the clock by so much from now on, counted from the right time.
Step = Callable[[timedelta], None]

_SET = "SELECT pg_catalog.clock_timestamp() + step FROM watch.set_by"


def settable_clock(ledger: Engine) -> Step:
    """Prepare a database; what is connected to it by then keeps the right time."""
    with ledger.begin() as connection:
        for statement in (
            "CREATE SCHEMA watch",
            "CREATE TABLE watch.set_by (step interval)",
            "INSERT INTO watch.set_by VALUES ('0')",
            f"CREATE FUNCTION watch.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS '{_SET}'",
            # pg_catalog comes first unless it is named.
            f'ALTER DATABASE "{ledger.url.database}" SET search_path = watch, pg_catalog, public',
        ):
            connection.execute(text(statement))
    ledger.dispose()

    def step(by: timedelta) -> None:
        with ledger.begin() as connection:
            connection.execute(text("UPDATE watch.set_by SET step = :by"), {"by": by})

    return step
