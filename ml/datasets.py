"""Training sets: features with the direction that followed them, as far as it was known on a day.

The label of session t is 1 where the adjusted close rises over the next `horizon` sessions of that symbol:

    label(t) = 1 if close(t + horizon) > close(t) else 0

It is known when session t + horizon has closed, so a model for year Y may use the label of t only if
t + horizon lies before the first of January of Y. What happens in Y cannot reach the training set.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.splits import LabelWindows
from tickledger.domain.errors import InputError, Problem

HORIZON_SESSIONS: Final = 5
#: Fewer rows than one year of one symbol say nothing about direction.
MINIMUM_ROWS: Final = 250


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Rows ordered by session, then symbol; every array has one entry a row.

    `values` is what an estimator sees: float32, one column a feature. `labels` is 1 for up, 0 for not.
    `sessions` is when a row's features are known, `label_sessions` when its label is (UTC midnight labels).
    """

    feature_names: tuple[str, ...]
    horizon: int
    row_ids: NDArray[np.str_]
    values: NDArray[np.float32]
    labels: NDArray[np.int8]
    sessions: pd.DatetimeIndex
    label_sessions: pd.DatetimeIndex

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def windows(self) -> LabelWindows:
        """The label windows, counted in sessions of the calendar that the rows themselves span."""
        calendar = self.sessions.union(self.label_sessions).unique()
        return LabelWindows(starts=calendar.get_indexer(self.sessions), ends=calendar.get_indexer(self.label_sessions))

    @property
    def first_date(self) -> date:
        """The first session with a label."""
        return self.sessions[0].date()

    @property
    def last_date(self) -> date:
        """The last session with a label; the label itself was known `horizon` sessions later."""
        return self.sessions[-1].date()

    def frame(self, rows: NDArray[np.intp] | None = None) -> pd.DataFrame:
        """The values of `rows` (all of them by default) under their feature names, float32."""
        values = self.values if rows is None else self.values[rows]
        return pd.DataFrame(values, columns=list(self.feature_names), copy=False)

    @property
    def sha256(self) -> str:
        """The hash of exactly what an estimator is shown: row ids, values, labels; the rows' order does not count."""
        order = np.argsort(self.row_ids, kind="stable")
        digest = hashlib.sha256("\x1f".join((str(self.horizon), *self.feature_names)).encode())
        digest.update("\x1f".join(self.row_ids[order].tolist()).encode())
        digest.update(self.values[order].astype("<f4").tobytes())
        digest.update(self.labels[order].tobytes())
        return digest.hexdigest()


def forward_returns(adjusted: pd.DataFrame, *, horizon: int = HORIZON_SESSIONS) -> pd.DataFrame:
    """What each symbol's adjusted close did over its next `horizon` sessions, where that is known.

    Takes `symbol, timestamp, close`; gives `symbol, timestamp, label_timestamp, forward_return` (a fraction),
    without each symbol's last `horizon` sessions.
    """
    ordered = adjusted[["symbol", "timestamp", "close"]].sort_values(["symbol", "timestamp"])
    later = ordered.groupby("symbol", sort=False)[["timestamp", "close"]].shift(-horizon)
    returns = ordered.assign(label_timestamp=later["timestamp"], forward_return=later["close"] / ordered["close"] - 1)
    known = returns["label_timestamp"].notna()
    return returns.loc[known, ["symbol", "timestamp", "label_timestamp", "forward_return"]]


def direction_training_set(
    features: pd.DataFrame,
    adjusted: pd.DataFrame,
    *,
    year: int,
    feature_names: Sequence[str],
    horizon: int = HORIZON_SESSIONS,
) -> TrainingSet:
    """Every row whose label was known before `year` began.

    `features` has `feature_row_id, symbol, timestamp` and the named columns; `adjusted` has `symbol, timestamp,
    close`. Raises InputError where too few rows, or rows of one direction only, are left to learn from.
    """
    labelled = features.merge(
        forward_returns(adjusted, horizon=horizon), on=["symbol", "timestamp"], validate="one_to_one"
    )
    known = labelled[labelled["label_timestamp"] < pd.Timestamp(year=year, month=1, day=1, tz="UTC")]
    rows = known.sort_values(["timestamp", "symbol"])
    labels = (rows["forward_return"].to_numpy(np.float64) > 0).astype(np.int8)
    _require_learnable(labels, year=year)
    return TrainingSet(
        feature_names=tuple(feature_names),
        horizon=horizon,
        row_ids=rows["feature_row_id"].to_numpy(np.str_),
        values=rows[list(feature_names)].to_numpy(np.float32),
        labels=labels,
        sessions=pd.DatetimeIndex(rows["timestamp"]),
        label_sessions=pd.DatetimeIndex(rows["label_timestamp"]),
    )


def _require_learnable(labels: NDArray[np.int8], *, year: int) -> None:
    up = int(labels.sum())
    if len(labels) >= MINIMUM_ROWS and 0 < up < len(labels):
        return
    expected = f"at least {MINIMUM_ROWS} rows of both directions whose labels were known before {year}"
    raise InputError([Problem(where="features", expected=expected, found=f"{len(labels)} rows, {up} of them up")])
