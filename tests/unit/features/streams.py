"""Bars for the streaming features, told one by one, and the batch form's answer to the same bars."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from tickledger.features.daily import FEATURE_NAMES, bar_features
from tickledger.features.streaming import FeatureStream
from tickledger.features.streaming_parts import StreamBar

NAMES = list(FEATURE_NAMES)
#: Relative or absolute: the claim of the streaming form.
TOLERANCE = 1e-9


def told(bars: pd.DataFrame) -> Iterator[StreamBar]:
    """The bars of one symbol, sorted by time."""
    columns = [bars[name].astype(float).tolist() for name in ("open", "high", "low", "close", "volume")]
    weekdays = bars["timestamp"].dt.day_of_week.astype(float).tolist()
    return (StreamBar(*cells) for cells in zip(*columns, weekdays, strict=True))


def streamed(bars: pd.DataFrame, stream: FeatureStream | None = None) -> pd.DataFrame:
    """What a stream says of `bars`: a row for each bar it has features of."""
    stream = stream or FeatureStream()
    return framed([row for bar in told(bars) if (row := stream.update(bar)) is not None])


def framed(rows: list[Mapping[str, float]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=NAMES)


def batch(bars: pd.DataFrame) -> pd.DataFrame:
    """What the batch form says of the bars of one symbol."""
    return bar_features(bars, feature_set="any")[NAMES]


def assert_equal(found: pd.DataFrame, expected: pd.DataFrame, *, tolerance: float = TOLERANCE) -> None:
    assert len(found) == len(expected)
    for name in NAMES:
        distance = np.abs(found[name].to_numpy() - expected[name].to_numpy())
        allowed = tolerance * np.maximum(1.0, np.abs(expected[name].to_numpy()))
        assert (distance <= allowed).all(), f"{name}: {distance.max()}"
