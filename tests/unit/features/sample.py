"""The bundled sample as features see it, and how to ask what was known on a day."""

from functools import lru_cache

import numpy as np
import pandas as pd

from tickledger.bars.adjustment import adjust
from tickledger.bars.sample import SAMPLE_BARS, SAMPLE_CORPORATE_ACTIONS
from tickledger.bars.sources import read_bars_file, read_corporate_actions_file
from tickledger.features.daily import daily_features
from tickledger.features.series import BarSeries, Floats


@lru_cache(maxsize=1)
def raw() -> tuple[pd.DataFrame, pd.DataFrame]:
    """The sample's bars and corporate actions."""
    return read_bars_file(SAMPLE_BARS)[0], read_corporate_actions_file(SAMPLE_CORPORATE_ACTIONS)[0]


@lru_cache(maxsize=1)
def adjusted() -> pd.DataFrame:
    """The sample's whole history, adjusted with all that is known today."""
    return adjust(*raw())


@lru_cache(maxsize=1)
def features() -> pd.DataFrame:
    """The features of the sample's whole history."""
    return daily_features(adjusted())


def features_known_on(day: str) -> pd.DataFrame:
    """The features of the last session up to `day`, computed from what was known then and from nothing else."""
    bars, actions = raw()
    then = daily_features(adjust(bars[bars["timestamp"] <= day], actions[actions["ex_date"] <= day]))
    last: pd.DataFrame = then[then["timestamp"] == then["timestamp"].max()]
    return last.reset_index(drop=True)


def series(close: Floats, *, high: Floats | None = None, low: Floats | None = None) -> BarSeries:
    """A series with these closes; highs and lows are the closes where they are not given, and volume is one share."""
    ones = np.ones(len(close))
    return BarSeries(
        open=close,
        high=close if high is None else high,
        low=close if low is None else low,
        close=close,
        volume=ones,
        weekday=0 * ones,
    )
