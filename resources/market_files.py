"""Files of bars and corporate actions as the source of market data: the bundled sample unless told otherwise."""

import hashlib
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pandas as pd

from tickledger.bars.quality import Reject, check_sessions
from tickledger.bars.sources import read_bars_file, read_corporate_actions_file, read_symbols_file
from tickledger.db.market_data import IngestionSource


class MarketFiles(dg.ConfigurableResource):
    """Raw daily bars, corporate actions and symbols in the formats of `tickledger data import`."""

    bars: str
    corporate_actions: str
    symbols: str

    def read_bars(self, window: dg.TimeWindow) -> tuple[pd.DataFrame, list[Reject], IngestionSource]:
        """The good bars of the window, the rejected ones, and what to record about where they came from."""
        good, rejects = read_bars_file(Path(self.bars))
        good, strays = check_sessions(good, where=Path(self.bars).name)
        rows = good["timestamp"].between(window.start, window.end, inclusive="left")
        return good[rows], [*rejects, *strays], _source(self.bars, window)

    def read_corporate_actions(self, window: dg.TimeWindow) -> tuple[pd.DataFrame, list[Reject], IngestionSource]:
        """The corporate actions whose ex-date lies in the window, the rejected rows, and their source."""
        good, rejects = read_corporate_actions_file(Path(self.corporate_actions))
        first, end = (pd.Timestamp(day.date()) for day in (window.start, window.end))
        rows = good["ex_date"].between(first, end, inclusive="left")
        return good[rows], rejects, _source(self.corporate_actions, window)

    def read_symbols(self) -> pd.DataFrame:
        """The symbols with company name, sector, industry and exchange."""
        return read_symbols_file(Path(self.symbols))

    def fingerprint(self) -> str:
        """A hash of all three files: it changes when any of them does."""
        return hashlib.sha256(
            "".join(_sha256(path) for path in (self.bars, self.corporate_actions)).encode()
        ).hexdigest()


def _sha256(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _source(path: str, window: dg.TimeWindow) -> IngestionSource:
    first: date = window.start.date()
    last: date = (window.end - timedelta(days=1)).date()
    return IngestionSource(name=Path(path).name, sha256=_sha256(path), window_start=first, window_end=last)
