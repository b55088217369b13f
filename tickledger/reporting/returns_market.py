"""What the record's own bars returned: the market that an account's returns are held against.

Returns are of adjusted closes (`bars.adjustment`), so dividends are in them. A symbol has one for each session at
which it and the market's session before both have a bar. The benchmark is a symbol of the record where one is asked
for and there, and otherwise all symbols with a return in equal parts, every session anew.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tickledger.reporting.returns import Benchmark
from tickledger.risk.exposure import sector_of

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class MarketReturns:
    """Sessions × symbols: returns as fractions and what was traded in USD; NaN where there is none."""

    session_dates: tuple[date, ...]
    symbols: tuple[str, ...]
    returns: Floats
    dollar_volumes: Floats

    @property
    def equal_weight(self) -> Floats:
        """The mean return of each session, NaN without any."""
        return mean_of(self.returns)


def market_returns(adjusted: pd.DataFrame) -> MarketReturns:
    """The returns of adjusted daily bars: `symbol, timestamp, close, volume`, in any order."""
    bars = adjusted.assign(traded=adjusted["close"] * adjusted["volume"])
    closes, traded = (
        bars.pivot_table(index="timestamp", columns="symbol", values=name) for name in ("close", "traded")
    )
    dates = tuple(stamp.date() for stamp in closes.index)
    returns = closes.pct_change(fill_method=None)
    return MarketReturns(dates, tuple(map(str, closes.columns)), returns.to_numpy(), traded.to_numpy())


def benchmark_of(market: MarketReturns, symbol: str | None = None) -> Benchmark:
    """The benchmark of `symbol`, or of all in equal parts where it is none of the record's."""
    if symbol is not None and symbol in market.symbols:
        values, name = market.returns[:, market.symbols.index(symbol)], symbol
    else:
        values, name = market.equal_weight, equal_weight_name(market)
    return Benchmark(name, dict(zip(market.session_dates, values.tolist(), strict=True)))


def equal_weight_name(market: MarketReturns) -> str:
    """How the equally weighted benchmark is called."""
    return f"equal weight of {len(market.symbols)}"


def sectors_of_market(
    market: MarketReturns, sectors: Mapping[str, str], names: tuple[str, ...]
) -> tuple[Floats, Floats]:
    """Weights and returns of the sectors `names` (columns) in the equally weighted benchmark, by session (rows)."""
    is_there = ~np.isnan(market.returns)
    count = is_there.sum(axis=1)
    weights, returns = (np.zeros((len(market.session_dates), len(names))) for _ in range(2))
    for place, name in enumerate(names):
        members = [column for column, symbol in enumerate(market.symbols) if sector_of(symbol, sectors) == name]
        weights[:, place] = is_there[:, members].sum(axis=1) / np.maximum(count, 1)
        returns[:, place] = np.nan_to_num(mean_of(market.returns[:, members]))
    return weights, returns


def mean_of(values: Floats) -> Floats:
    """The mean of what is there in each row, NaN without anything."""
    is_there = ~np.isnan(values)
    count = is_there.sum(axis=1)
    sums = np.where(is_there, values, 0.0).sum(axis=1)
    mean: Floats = np.divide(sums, count, out=np.full(len(values), np.nan), where=count > 0)
    return mean
