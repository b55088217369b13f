"""The streaming features equal the batch ones, whatever the market does, and know of corporate actions."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.features.sample import adjusted, features, raw
from tests.unit.features.streams import NAMES, assert_equal, batch, framed, streamed, told
from tickledger.bars.adjustment import adjust
from tickledger.features.daily import FEATURE_SET, daily_features
from tickledger.features.feature_sets import feature_row_ids, feature_set_of
from tickledger.features.streaming import SETTLED_AFTER, WARM_UP, FeatureStream, StreamingFeatures
from tickledger.features.streaming_parts import StreamBar

SYMBOLS = sorted(adjusted()["symbol"].unique())


def of(symbol: str) -> pd.DataFrame:
    bars = adjusted()
    return bars[bars["symbol"] == symbol].reset_index(drop=True)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_the_whole_sample_bar_by_bar_equals_the_batch_form(symbol: str) -> None:
    whole = features()
    expected = whole[whole["symbol"] == symbol].reset_index(drop=True)
    found = streamed(of(symbol))
    assert found.columns.tolist() == NAMES
    assert_equal(found, expected)
    ids = feature_row_ids(FEATURE_SET, expected["bar_id"].tolist(), found.to_numpy())
    assert ids == expected["feature_row_id"].tolist()


def test_the_first_63_bars_have_no_features() -> None:
    stream = FeatureStream()
    said = [stream.update(bar) is not None for bar in told(of("IBM").head(70))]
    assert said == [False] * 63 + [True] * 7
    assert WARM_UP == 64


MOVES = st.one_of(
    st.sampled_from([0.0, 0.0, 0.0, 0.01, -0.01, 0.02]),
    st.sampled_from([0.5, -0.5, 7.0, -9.0]),
    st.integers(-300, 300).map(lambda cents: cents / 100),
)


@st.composite
def markets(draw: st.DrawFn, *, longest: int = 180) -> pd.DataFrame:
    """Cents in which prices stand still for stretches, tie, gap and jump, and volume comes and goes."""
    stretches = draw(
        st.lists(st.tuples(st.integers(1, 40), st.lists(MOVES, min_size=1, max_size=12)), min_size=4, max_size=12)
    )
    moves = [move for length, pattern in stretches for move in (pattern * length)[:length]]
    moves = (moves * longest)[: draw(st.integers(WARM_UP, longest))]
    count = len(moves)
    close = np.maximum(draw(st.sampled_from([0.05, 1.0, 12.34, 900.0])) + np.cumsum(moves), 0.01).round(2)
    gaps = draw(st.lists(st.sampled_from([0.0, 0.0, 0.01, -0.01, 1.0]), min_size=5, max_size=17))
    spans = draw(st.lists(st.sampled_from([0.0, 0.0, 0.01, 0.02, 1.0]), min_size=5, max_size=17))
    opens = np.maximum(np.roll(close, 1) + np.resize(gaps, count), 0.01).round(2)
    volumes = draw(st.lists(st.sampled_from([0.0, 0.0, 1.0, 300.0, 1e6, 3e9]), min_size=5, max_size=60))
    return pd.DataFrame(
        {
            "bar_id": [f"bar_{number}" for number in range(count)],
            "symbol": "X",
            "timestamp": pd.date_range("2012-03-01T14:30", periods=count, freq="min", tz="UTC", unit="us"),
            "open": opens,
            "high": (np.maximum(opens, close) + np.resize(spans, count)).round(2),
            "low": np.maximum(np.minimum(opens, close) - np.resize(spans[::-1], count), 0.01).round(2),
            "close": close,
            "volume": np.resize(volumes, count),
        }
    )


@settings(max_examples=examples(100), deadline=None)
@given(bars=markets())
def test_any_market_bar_by_bar_equals_the_batch_form(bars: pd.DataFrame) -> None:
    assert_equal(streamed(bars), batch(bars))


@settings(max_examples=examples(50), deadline=None)
@given(
    bars=markets(),
    price=st.sampled_from([0.5, 1 / 3, 4.0, 0.987, 1.0]),
    volume=st.sampled_from([2.0, 3.0, 0.25, 1.0]),
    data=st.data(),
)
def test_a_history_told_in_new_terms_equals_a_batch_of_adjusted_bars(
    bars: pd.DataFrame, price: float, volume: float, data: st.DataObject
) -> None:
    """The bars before the action are in old terms, those after it in new ones."""
    turn = data.draw(st.integers(1, len(bars) - 1))
    stream = FeatureStream()
    before, after = list(told(bars.head(turn))), list(told(bars.tail(len(bars) - turn)))
    rows = [stream.update(bar) for bar in before]
    stream.rescale(price_factor=price, volume_factor=volume)
    rows += [stream.update(bar) for bar in after]
    is_before = (bars.index < turn).astype(float)
    factors = {**dict.fromkeys(("open", "high", "low", "close"), price), "volume": volume}
    adjusted_bars = bars.assign(
        **{column: bars[column] * np.where(is_before, factor, 1.0) for column, factor in factors.items()}
    )
    found = framed([row for row in rows if row is not None])
    # Cents times a third are no cents: what is compared are prices that differ in their last bits.
    assert_equal(found.iloc[max(turn - 63, 0) :], batch(adjusted_bars).iloc[max(turn - 63, 0) :], tolerance=1e-7)


def test_raw_bars_with_every_corporate_action_equal_the_adjusted_history() -> None:
    """Apple 1999 to 2013, bar by bar as it was traded: three splits are told when they happen, and its dividends."""
    bars, actions = (frame[frame["symbol"] == "AAPL"] for frame in raw())
    stream, rows, told_actions = FeatureStream(), [], 0
    for day, bar in zip(bars["timestamp"].dt.tz_localize(None), told(bars), strict=True):
        today = actions[actions["ex_date"] == day]
        if len(today) and stream.count:
            split = today.loc[today["kind"] == "split", "ratio"].prod()
            cash = today.loc[today["kind"] == "dividend", "amount"].sum()
            stream.rescale(price_factor=1 / split / (1 + cash / bar.close), volume_factor=split)
            told_actions += 1
        rows.append(stream.update(bar))
    assert told_actions >= 3
    assert_equal(framed([row for row in rows if row is not None]), batch(adjust(bars, actions)))


@pytest.mark.parametrize("symbol", ["AAPL", "IBM"])
def test_a_later_beginning_makes_no_difference_once_the_averages_have_settled(symbol: str) -> None:
    bars = of(symbol)
    whole = streamed(bars)
    for start in range(0, len(bars) - SETTLED_AFTER, 500):
        later = streamed(bars.iloc[start:])
        skipped = SETTLED_AFTER - 63
        assert_equal(later.iloc[skipped:], whole.iloc[start + skipped :])


def test_symbols_do_not_see_each_other_and_can_be_forgotten() -> None:
    bars = list(told(of("IBM").head(70)))
    both = StreamingFeatures()
    alone = FeatureStream()
    for number, bar in enumerate(bars):
        both.update("NOISE", StreamBar(1 + number, 2 + number, 1 + number, 2 + number, 5, 0))
        assert both.update("IBM", bar) == alone.update(bar)
    both.rescale("NOISE", price_factor=0.5, volume_factor=2)
    both.rescale("NEVER SEEN", price_factor=0.5, volume_factor=2)
    assert (both.count("IBM"), both.count("NEVER SEEN")) == (70, 0)
    assert both.update("IBM", bars[-1]) == alone.update(bars[-1])
    both.forget("IBM")
    assert both.update("IBM", bars[-1]) is None


def test_memory_does_not_grow_with_the_history() -> None:
    stream = FeatureStream()
    kept = []
    for number in range(2_000):
        stream.update(StreamBar(10, 11, 9, 10 + number % 2, 100, 1))
        lists = [stream._history.closes, stream._history.highs, stream._history.lows]
        kept.append(sum(len(tail.values) for tail in lists))
    assert max(kept) <= 2 * (64 + 20 + 20)


def test_feature_sets_are_named_for_their_bars() -> None:
    assert [feature_set_of(interval) for interval in ("1day", "1min", "5min")] == [
        "daily-v1",
        "intraday-1min-v1",
        "intraday-5min-v1",
    ]
    bars = of("IBM").head(64)
    (daily,) = daily_features(bars)["feature_row_id"]
    (minute,) = feature_row_ids("intraday-1min-v1", [bars["bar_id"].iloc[-1]], streamed(bars).to_numpy())
    assert daily != minute
