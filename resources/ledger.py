"""The ledger in PostgreSQL as a resource: one pooled engine for each run."""

import dagster as dg
from pydantic import PrivateAttr
from sqlalchemy import Engine

from tickledger.db.engine import create_ledger_engine


class Ledger(dg.ConfigurableResource[None]):
    """The system of record. `url` is a ``postgresql+psycopg://`` address; the engine lives as long as the run."""

    url: str

    _engine: Engine | None = PrivateAttr(default=None)

    @property
    def engine(self) -> Engine:
        """The pooled engine of this run, opened at its first use."""
        if self._engine is None:
            self._engine = create_ledger_engine(self.url)
        return self._engine

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:  # noqa: ARG002 - the signature is Dagster's
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None
