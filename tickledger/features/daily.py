"""The daily feature set: one row per symbol and session, from adjusted bars up to and including that session.

Every feature is free of scale in price and in volume. That is what makes back-adjusted bars safe to use: a later
split or dividend multiplies all earlier prices by one number, which no feature can see.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import pandas as pd

from tickledger.features import directional, momentum, returns, trend, volatility, volume
from tickledger.features.feature_sets import DAILY, feature_row_ids
from tickledger.features.series import BarSeries, Floats

FEATURE_SET: Final = DAILY
_IDENTITY: Final = ["feature_row_id", "bar_id", "symbol", "timestamp"]


def _day_of_week(bars: BarSeries) -> Floats:
    """The weekday of the session, 0 for Monday to 4 for Friday."""
    return bars.weekday


_FEATURES: Final[Mapping[str, Callable[[BarSeries], Floats]]] = {
    **returns.FEATURES,
    **momentum.FEATURES,
    **directional.FEATURES,
    **trend.FEATURES,
    **volatility.FEATURES,
    **volume.FEATURES,
    "day_of_week": _day_of_week,
}
FEATURE_NAMES: Final = tuple(_FEATURES)


def daily_features(adjusted: pd.DataFrame) -> pd.DataFrame:
    """The features of each bar in `adjusted` that has the 63 bars before it that the longest of them need.

    Columns: `feature_row_id, bar_id, symbol, timestamp` and `FEATURE_NAMES` (float64, finite), sorted by symbol and
    timestamp. The bars may come in any order.
    """
    return bar_features(adjusted, feature_set=FEATURE_SET)


def bar_features(adjusted: pd.DataFrame, *, feature_set: str) -> pd.DataFrame:
    """As `daily_features`, of bars of any one interval, with the ids of `feature_set`."""
    ordered = adjusted.sort_values(["symbol", "timestamp"], ignore_index=True)
    if ordered.empty:
        return _empty(ordered)
    blocks = [_symbol_features(bars) for _, bars in ordered.groupby("symbol", sort=False)]
    complete = pd.concat(blocks).dropna(ignore_index=True)
    ids = feature_row_ids(feature_set, complete["bar_id"].tolist(), complete[list(FEATURE_NAMES)].to_numpy())
    complete.insert(0, "feature_row_id", pd.Series(ids, index=complete.index, dtype="str"))
    return complete


def _symbol_features(bars: pd.DataFrame) -> pd.DataFrame:
    series = BarSeries.of(bars)
    values = {name: feature(series) for name, feature in _FEATURES.items()}
    return bars[["bar_id", "symbol", "timestamp"]].assign(**values)


def _empty(bars: pd.DataFrame) -> pd.DataFrame:
    columns = {name: np.empty(0) for name in FEATURE_NAMES}
    return bars[["bar_id", "symbol", "timestamp"]].assign(feature_row_id=bars["bar_id"], **columns)[
        [*_IDENTITY, *FEATURE_NAMES]
    ]
