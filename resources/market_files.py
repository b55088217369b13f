"""Files of bars and corporate actions as the source of market data: the bundled sample unless told otherwise."""

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import dagster as dg
import pandas as pd
from sqlalchemy import Engine

from tickledger.bars.calendars import why_closed
from tickledger.bars.reject import Reject
from tickledger.bars.sources import Loaded, load_bars, load_corporate_actions
from tickledger.db.corporate_actions import CORPORATE_ACTIONS
from tickledger.db.ingestion import IngestionSource, is_recorded
from tickledger.db.market_data import bars_dataset
from tickledger.domain.errors import Problem

INTERVAL: Final = "1day"


@dataclass(frozen=True, slots=True)
class Ingestible:
    """The rows of a window: the good ones, the refused ones, what a person should know, and where they came from."""

    frame: pd.DataFrame
    rejects: list[Reject]
    warnings: list[Problem]
    source: IngestionSource


class MarketFiles(dg.ConfigurableResource[None]):
    """Raw daily bars, corporate actions and symbols: paths of files in the formats of `tickledger data import`."""

    bars: str
    corporate_actions: str
    symbols: str

    def read_bars(self, window: dg.TimeWindow) -> Ingestible:
        """The bars of the window."""
        loaded = load_bars(Path(self.bars), interval=INTERVAL, calendar=why_closed)
        return _within(window, loaded, column="timestamp", path=self.bars)

    def read_corporate_actions(self, window: dg.TimeWindow) -> Ingestible:
        """The corporate actions whose ex-date lies in the window."""
        loaded = load_corporate_actions(Path(self.corporate_actions))
        return _within(window, loaded, column="ex_date", path=self.corporate_actions)

    def read_symbols(self) -> pd.DataFrame:
        """The symbols with company name, sector, industry and exchange."""
        return pd.read_csv(self.symbols, dtype=str)

    def first_and_last_bar(self) -> tuple[pd.Timestamp, pd.Timestamp]:
        """The timestamps of the earliest and the latest good bar."""
        timestamps = load_bars(Path(self.bars)).frame["timestamp"]
        return timestamps.min(), timestamps.max()

    def are_recorded(self, engine: Engine, window: dg.TimeWindow) -> bool:
        """Whether the window of these very files was brought into the ledger before."""
        return is_recorded(engine, _source(self.bars, window), dataset=bars_dataset(INTERVAL)) and is_recorded(
            engine, _source(self.corporate_actions, window), dataset=CORPORATE_ACTIONS
        )

    def fingerprint(self) -> str:
        """A hash of the files' contents: it changes when any of them does."""
        contents = (_sha256(path) for path in (self.bars, self.corporate_actions, self.symbols))
        return hashlib.sha256("".join(contents).encode()).hexdigest()


def _sha256(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _within(window: dg.TimeWindow, loaded: Loaded, *, column: str, path: str) -> Ingestible:
    """What of a file belongs to `window`; a refused row without a readable date belongs to every window."""
    dates = pd.to_datetime(loaded.frame[column], utc=True)
    refused = pd.to_datetime(pd.Series([row.record[column] for row in loaded.rejects]), utc=True, errors="coerce")
    elsewhere = refused.notna() & ~refused.between(window.start, window.end, inclusive="left")
    return Ingestible(
        frame=loaded.frame[dates.between(window.start, window.end, inclusive="left")],
        rejects=[row for row, is_elsewhere in zip(loaded.rejects, elsewhere, strict=True) if not is_elsewhere],
        warnings=loaded.warnings,
        source=_source(path, window),
    )


def _source(path: str, window: dg.TimeWindow) -> IngestionSource:
    return IngestionSource(
        name=Path(path).name,
        sha256=_sha256(path),
        window_start=window.start.date(),
        window_end=(window.end - timedelta(days=1)).date(),
    )
