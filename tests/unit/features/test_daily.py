"""The frame of daily features: which rows it has, what they are called, and when an id changes."""

import numpy as np
import pandas as pd
import pandera.errors
import pytest

from tests.unit.features.sample import adjusted, features
from tickledger.features.daily import FEATURE_NAMES, FEATURE_SET, daily_features
from tickledger.features.schemas import DailyFeatures


def test_the_sample_has_every_row_but_the_first_63_of_each_symbol() -> None:
    rows = features()
    assert len(rows) == 12_154 - 5 * 63
    assert len(FEATURE_NAMES) == 35
    assert rows.columns.tolist() == ["feature_row_id", "bar_id", "symbol", "timestamp", *FEATURE_NAMES]
    DailyFeatures.validate(rows, lazy=True)


def test_a_share_listed_in_may_has_features_from_august_on() -> None:
    of_facebook = features()[features()["symbol"] == "FB"]
    assert of_facebook["timestamp"].min() == pd.Timestamp("2012-08-17", tz="UTC")


def test_the_schema_names_the_features_of_the_set() -> None:
    assert tuple(DailyFeatures.to_schema().columns)[4:] == FEATURE_NAMES
    assert FEATURE_SET == "daily-v1"


@pytest.mark.parametrize("bars", [0, 1, 2, 63])
def test_too_short_a_history_gives_an_empty_frame_of_the_same_columns(bars: int) -> None:
    rows = daily_features(adjusted().head(bars))
    assert rows.empty
    assert rows.columns.tolist() == features().columns.tolist()
    DailyFeatures.validate(rows, lazy=True)


def test_the_order_of_the_bars_does_not_matter() -> None:
    some = adjusted().groupby("symbol").head(100)
    pd.testing.assert_frame_equal(daily_features(some.sample(frac=1, random_state=1)), daily_features(some))


def test_ids_are_the_same_on_every_machine_and_in_every_run() -> None:
    """Where this id changes, so has the meaning of the features: name the set anew."""
    rows = features().set_index("bar_id")["feature_row_id"]
    assert rows["bar_AAPL_1day_20120103T0000Z_1"] == "feat_271e28d7fa57c9e142d4"
    assert rows.is_unique


def test_an_id_changes_with_its_bar_its_content_and_nothing_else() -> None:
    some = adjusted().groupby("symbol").head(80).reset_index(drop=True)
    before = daily_features(some)["feature_row_id"]
    restated = some.assign(bar_id=some["bar_id"].str.replace("Z_1", "Z_2"))
    assert (daily_features(restated)["feature_row_id"] != before).all()
    silent = some.assign(volume=np.where(some.index == len(some) - 1, 0.0, some["volume"]))
    changed = daily_features(silent)["feature_row_id"] != before
    assert changed.sum() == 1
    assert changed.iloc[-1]
    noisy = some.assign(close=some["close"] * (1 + 1e-15))
    assert (daily_features(noisy)["feature_row_id"] == before).all()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("rsi_14", 100.1),
        ("volatility_21", -0.1),
        ("log_return_1", np.nan),
        ("log_return_1", np.inf),
        ("day_of_week", 7.0),
        ("feature_row_id", "row_1"),
    ],
)
def test_what_must_never_be_made_is_refused(column: str, value: object) -> None:
    wrong = features().head(3).copy()
    wrong[column] = [value, *wrong[column].iloc[1:]]
    with pytest.raises(pandera.errors.SchemaErrors) as caught:
        DailyFeatures.validate(wrong, lazy=True)
    assert column in set(caught.value.failure_cases["column"])
