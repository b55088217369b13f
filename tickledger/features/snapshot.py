"""One row of features as a session made it: what its signals refer to, and what is recorded behind them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from tickledger.features.feature_sets import feature_row_ids


@dataclass(frozen=True, slots=True)
class FeatureSnapshot:
    """The features of `symbol` at `ended_at`, the end of the bar `bar_id`, with which they were complete.

    `values` has every feature of the set by name, in its order; `feature_row_id` is a hash of set, bar and content.
    """

    feature_row_id: str
    bar_id: str
    symbol: str
    ended_at: datetime
    values: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class UnnamedRow:
    """A feature row before it has its id."""

    bar_id: str
    symbol: str
    ended_at: datetime
    values: Mapping[str, float]


def feature_snapshots(feature_set: str, rows: Sequence[UnnamedRow]) -> list[FeatureSnapshot]:
    """The rows with their ids: those that the batch form gives the same content."""
    if not rows:
        return []
    values = np.array([list(row.values.values()) for row in rows])
    ids = feature_row_ids(feature_set, [row.bar_id for row in rows], values)
    return [
        FeatureSnapshot(row_id, row.bar_id, row.symbol, row.ended_at, row.values)
        for row_id, row in zip(ids, rows, strict=True)
    ]
