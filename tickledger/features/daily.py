"""The daily feature set: one row per symbol and session, from adjusted bars up to and including that session.

Every feature is free of scale in price and in volume. That is what makes back-adjusted bars safe to use: a later
split or dividend multiplies all earlier prices by one number, which no feature can see.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from tickledger.domain.ids import deterministic_id
from tickledger.features import directional, momentum, returns, trend, volatility, volume
from tickledger.features.series import BarSeries, Floats

FEATURE_SET: Final = "daily-v1"
_IDENTITY: Final = ["feature_row_id", "bar_id", "symbol", "timestamp"]
#: Two rows are the same content where they agree to this many decimals: rounding noise must not make a new row.
_DECIMALS: Final = 6
#: Where between two steps the border lies: at no plain fraction, because many an oscillator is one exactly, and
#: noise would carry it to and fro.
_BORDER: Final = 0.6180339887


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
    ordered = adjusted.sort_values(["symbol", "timestamp"], ignore_index=True)
    if ordered.empty:
        return _empty(ordered)
    blocks = [_symbol_features(bars) for _, bars in ordered.groupby("symbol", sort=False)]
    complete = pd.concat(blocks).dropna(ignore_index=True)
    complete.insert(0, "feature_row_id", _row_ids(complete))
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


def _row_ids(rows: pd.DataFrame) -> pd.Series:
    """The id of each row: a hash of the feature set, the bar and the content, the same on every machine."""
    contents = _canonical(rows[list(FEATURE_NAMES)].to_numpy())
    ids = [
        deterministic_id("feat", FEATURE_SET, bar_id, hashlib.sha256(content.tobytes()).hexdigest())
        for bar_id, content in zip(rows["bar_id"], contents, strict=True)
    ]
    return pd.Series(ids, index=rows.index, dtype="str")


def _canonical(values: Floats) -> npt.NDArray[np.int64]:
    # Whole numbers, little-endian: no machine has another minus zero or byte order to offer.
    return np.floor(values * 10.0**_DECIMALS + _BORDER).astype("<i8")
