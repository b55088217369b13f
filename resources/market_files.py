"""Files of bars and corporate actions as the source of market data: the bundled sample unless told otherwise."""

import hashlib
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pandas as pd

from tickledger.bars.calendars import why_closed
from tickledger.bars.quality import Reject
from tickledger.bars.sources import load_bars, load_corporate_actions
from tickledger.db.ingestion import IngestionSource

Ingestible = tuple[pd.DataFrame, list[Reject], IngestionSource]


class MarketFiles(dg.ConfigurableResource[None]):
    """Raw daily bars, corporate actions and symbols: paths of files in the formats of `tickledger data import`."""

    bars: str
    corporate_actions: str
    symbols: str

    def read_bars(self, window: dg.TimeWindow) -> Ingestible:
        """The good bars of the window, the rejected rows of the file, and what to record about their source."""
        loaded = load_bars(Path(self.bars), interval="1day", calendar=why_closed)
        rows = loaded.frame["timestamp"].between(window.start, window.end, inclusive="left")
        return loaded.frame[rows], loaded.rejects, _source(self.bars, window)

    def read_corporate_actions(self, window: dg.TimeWindow) -> Ingestible:
        """The corporate actions whose ex-date lies in the window, the rejected rows, and their source."""
        loaded = load_corporate_actions(Path(self.corporate_actions))
        first, end = (pd.Timestamp(instant.date()) for instant in (window.start, window.end))
        rows = loaded.frame["ex_date"].between(first, end, inclusive="left")
        return loaded.frame[rows], loaded.rejects, _source(self.corporate_actions, window)

    def read_symbols(self) -> pd.DataFrame:
        """The symbols with company name, sector, industry and exchange."""
        return pd.read_csv(self.symbols, dtype=str)

    def first_and_last_bar(self) -> tuple[pd.Timestamp, pd.Timestamp]:
        """The timestamps of the earliest and the latest good bar."""
        timestamps = load_bars(Path(self.bars)).frame["timestamp"]
        return timestamps.min(), timestamps.max()

    def fingerprint(self) -> str:
        """A hash of the files' contents: it changes when any of them does."""
        contents = (_sha256(path) for path in (self.bars, self.corporate_actions, self.symbols))
        return hashlib.sha256("".join(contents).encode()).hexdigest()


def _sha256(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _source(path: str, window: dg.TimeWindow) -> IngestionSource:
    return IngestionSource(
        name=Path(path).name,
        sha256=_sha256(path),
        window_start=window.start.date(),
        window_end=(window.end - timedelta(days=1)).date(),
    )
