"""Ingestions: which source brought a row into the record."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, Engine, select
from sqlalchemy.dialects.postgresql import insert

from tickledger.db.tables import ingestions
from tickledger.domain.ids import deterministic_id


@dataclass(frozen=True, slots=True)
class IngestionSource:
    """Where rows come from: a file or a feed, what it held, and the dates that were taken from it."""

    name: str
    sha256: str
    window_start: date | None = None
    window_end: date | None = None


@dataclass(frozen=True, slots=True)
class IngestionResult:
    """What one ingestion did with its rows.

    `inserted` are new to the record, `unchanged` were there already, `restated` took the place of an earlier
    version, `quarantined` were refused and are kept aside.
    """

    ingestion_id: str
    inserted: int
    unchanged: int
    restated: int
    quarantined: int

    @property
    def is_change(self) -> bool:
        """Whether the record says anything else than before."""
        return bool(self.inserted or self.restated)


def is_recorded(engine: Engine, source: IngestionSource, *, dataset: str) -> bool:
    """Whether all that `source` holds of `dataset` was brought into the record before."""
    known = select(ingestions.c.ingestion_id).where(ingestions.c.ingestion_id == _ingestion_id(source, dataset))
    with engine.connect() as connection:
        return connection.execute(known).first() is not None


def _ingestion_id(source: IngestionSource, dataset: str) -> str:
    return deterministic_id("ing", dataset, source.name, source.sha256, source.window_start, source.window_end)


def record_ingestion(connection: Connection, source: IngestionSource, *, dataset: str, at: datetime) -> str:
    """The id of the ingestion of `dataset` from `source`, recorded where it is new; the same source has the same id."""
    ingestion_id = _ingestion_id(source, dataset)
    row = {
        "ingestion_id": ingestion_id,
        "dataset": dataset,
        "source": source.name,
        "sha256": source.sha256,
        "window_start": source.window_start,
        "window_end": source.window_end,
        "recorded_at": at,
    }
    connection.execute(insert(ingestions).on_conflict_do_nothing(), row)
    return ingestion_id
