"""The ledger as the commands use it: opened for one block, closed however the block ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlalchemy import Engine


@contextmanager
def opened_ledger() -> "Iterator[Engine]":
    """The engine of the ledger that the settings name, migrated to the newest revision."""
    from tickledger.db.connect import open_ledger
    from tickledger.db.engine import create_ledger_engine
    from tickledger.settings import load_settings

    with open_ledger(load_settings()) as connections:
        engine = create_ledger_engine(connections.ledger_url)
        try:
            yield engine
        finally:
            engine.dispose()
