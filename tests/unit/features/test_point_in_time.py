"""A feature at t uses nothing after t, although back-adjusted prices are rewritten by every later event."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.features.sample import adjusted, features, features_known_on
from tickledger.features.daily import FEATURE_NAMES, daily_features

NAMES = list(FEATURE_NAMES)


def assert_known(day: str) -> None:
    then = features_known_on(day)
    whole = features()
    now = whole[whole["timestamp"] == then["timestamp"].iloc[0]].reset_index(drop=True)
    assert then["bar_id"].tolist() == now["bar_id"].tolist()
    np.testing.assert_allclose(then[NAMES], now[NAMES], rtol=1e-9, atol=1e-10)
    assert then["feature_row_id"].tolist() == now["feature_row_id"].tolist()


@pytest.mark.parametrize(
    "day",
    [
        "2000-06-20",  # the day before Apple's split, the first rows of the sample
        "2000-06-21",
        "2003-02-14",
        "2003-02-18",  # Microsoft's split
        "2004-11-12",
        "2004-11-15",  # Microsoft's special dividend of three dollars
        "2004-11-16",
        "2005-02-25",
        "2005-02-28",  # Apple's split
        "2012-08-08",
        "2012-08-09",  # Apple's first dividend since 1995
        "2012-11-08",
        "2013-03-01",
    ],
)
def test_a_row_is_the_same_when_computed_on_its_own_day(day: str) -> None:
    assert_known(day)


@settings(max_examples=examples(15), deadline=None)
@given(day=st.dates(min_value=pd.Timestamp("2000-06-05").date(), max_value=pd.Timestamp("2013-03-01").date()))
def test_a_row_is_the_same_when_computed_on_any_day(day: object) -> None:
    assert_known(str(day))


def test_changing_the_future_changes_no_row_of_the_past() -> None:
    today = pd.Timestamp("2008-09-15", tz="UTC")
    bars = adjusted()
    after = (bars["timestamp"] > today).to_numpy()
    other = bars.copy()
    for column in ("open", "high", "low", "close"):
        other[column] = np.where(after, bars[column] * 3, bars[column])
    other["volume"] = np.where(after, 0.0, bars["volume"])
    past, same = (frame[frame["timestamp"] <= today] for frame in (features(), daily_features(other)))
    pd.testing.assert_frame_equal(past, same, check_exact=True)


def test_a_symbol_sees_only_its_own_bars() -> None:
    alone = daily_features(adjusted()[adjusted()["symbol"] == "IBM"])
    together = features()[features()["symbol"] == "IBM"].reset_index(drop=True)
    pd.testing.assert_frame_equal(alone, together, check_exact=True)
