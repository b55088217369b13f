"""What a training set may know, and what its hash says."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.datasets import TrainingSet, direction_training_set, forward_returns
from tests.research import FEATURE_NAMES, Market, market
from tickledger.domain.errors import InputError

MARKET = market()


def training_set(of: Market, *, year: int = 2012, horizon: int = 5) -> TrainingSet:
    return direction_training_set(of.features, of.adjusted, year=year, feature_names=FEATURE_NAMES, horizon=horizon)


def closes(symbol: str, *values: float) -> pd.DataFrame:
    sessions = pd.bdate_range("2012-01-02", periods=len(values), tz="UTC")
    return pd.DataFrame({"symbol": symbol, "timestamp": sessions, "close": values})


def test_a_forward_return_is_counted_in_the_symbols_own_sessions() -> None:
    bars = pd.concat([closes("AAA", 10.0, 11.0, 12.0, 9.9), closes("BBB", 50.0, 40.0, 60.0)])
    returns = forward_returns(bars, horizon=2)
    assert returns["symbol"].tolist() == ["AAA", "AAA", "BBB"]
    assert returns["forward_return"].to_numpy() == pytest.approx([0.2, -0.1, 0.2])
    assert returns["label_timestamp"].dt.strftime("%Y-%m-%d").tolist() == ["2012-01-04", "2012-01-05", "2012-01-04"]


def test_the_order_of_the_bars_does_not_matter() -> None:
    shuffled = MARKET.adjusted.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(
        forward_returns(shuffled).reset_index(drop=True), forward_returns(MARKET.adjusted).reset_index(drop=True)
    )


@given(year=st.integers(2010, 2013), horizon=st.integers(1, 30))
def test_every_label_of_a_training_set_was_known_before_its_year(year: int, horizon: int) -> None:
    data = training_set(MARKET, year=year, horizon=horizon)
    assert data.label_sessions.max() < pd.Timestamp(year=year, month=1, day=1, tz="UTC")
    assert (data.windows.ends - data.windows.starts == horizon).all()


@given(year=st.integers(2010, 2013), horizon=st.integers(1, 30))
def test_no_row_whose_label_was_known_is_left_out(year: int, horizon: int) -> None:
    sessions = MARKET.adjusted.loc[MARKET.adjusted["symbol"] == "AAA", "timestamp"]
    before = int((sessions < pd.Timestamp(year=year, month=1, day=1, tz="UTC")).sum())
    assert len(training_set(MARKET, year=year, horizon=horizon)) == 3 * (before - horizon)


def test_an_unchanged_close_is_not_up() -> None:
    flat = MARKET.adjusted.assign(close=np.where(MARKET.adjusted["symbol"] == "AAA", 1.0, MARKET.adjusted["close"]))
    data = training_set(Market(MARKET.features, flat))
    of_aaa = np.char.startswith(data.row_ids, "feat_AAA")
    assert not data.labels[of_aaa].any()


def test_too_little_past_is_told_as_a_problem_of_the_data() -> None:
    with pytest.raises(InputError, match=r"at least 250 rows of both directions.*before 2009, found 0 rows"):
        training_set(MARKET, year=2009)


def test_the_hash_does_not_depend_on_the_order_of_the_rows() -> None:
    shuffled = Market(MARKET.features.sample(frac=1, random_state=2), MARKET.adjusted.sample(frac=1, random_state=3))
    assert training_set(shuffled).sha256 == training_set(MARKET).sha256


@pytest.mark.parametrize("column", ["feature_row_id", "noise"])
def test_the_hash_notices_a_change_of_any_row(column: str) -> None:
    changed = MARKET.features.copy()
    changed.loc[17, column] = "feat_other" if column == "feature_row_id" else 1.0
    assert training_set(Market(changed, MARKET.adjusted)).sha256 != training_set(MARKET).sha256


def test_the_hash_notices_a_changed_label() -> None:
    crashed = MARKET.adjusted.copy()
    crashed.loc[20, "close"] = 1e-9
    assert training_set(Market(MARKET.features, crashed)).sha256 != training_set(MARKET).sha256


def test_the_hash_ignores_what_rounding_of_later_adjustment_does_to_the_last_bits() -> None:
    scaled = MARKET.features.copy()
    scaled["noise"] = scaled["noise"] * (1 + 2**-50)
    assert training_set(Market(scaled, MARKET.adjusted)).sha256 == training_set(MARKET).sha256
