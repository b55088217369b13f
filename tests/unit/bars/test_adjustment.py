"""Back-adjustment: equal to the vendor's, true to total returns, and blind to what came later."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.shared import shared_path
from tickledger.bars.adjustment import ADJUSTMENT_RULE, adjust
from tickledger.bars.sample import SAMPLE_BARS, SAMPLE_CORPORATE_ACTIONS, SAMPLE_VENDOR_ADJ_CLOSE
from tickledger.bars.sources import read_bars_file, read_corporate_actions_file

PRICES = ["open", "high", "low", "close"]
FIRST_DAY = date(2012, 1, 2)


def bars(*closes: float, symbol: str = "AAPL", volume: int = 1000) -> pd.DataFrame:
    """Daily bars that open, peak and bottom a little around each close, from 2012-01-02 on, every calendar day."""
    close = np.array(closes, dtype=float)
    return pd.DataFrame(
        {
            "symbol": pd.Series([symbol] * len(close), dtype="str"),
            "timestamp": pd.date_range(FIRST_DAY, periods=len(close), tz="UTC", unit="us"),
            "open": close * 0.99,
            "high": close * 1.02,
            "low": close * 0.98,
            "close": close,
            "volume": volume,
        }
    )


def actions(*rows: str) -> pd.DataFrame:
    """Rows such as ``AAPL +2 split 2`` or ``AAPL +1 dividend 0.5``: symbol, days from the first bar, kind, number."""
    records = []
    for row in rows:
        symbol, day, kind, number = row.split()
        ratio, amount = (float(number), None) if kind == "split" else (None, float(number))
        records.append((symbol, FIRST_DAY + timedelta(days=int(day)), kind, ratio, amount))
    frame = pd.DataFrame(records, columns=["symbol", "ex_date", "kind", "ratio", "amount"])
    return frame.astype({"ex_date": "datetime64[us]", "ratio": float, "amount": float, "symbol": "str", "kind": "str"})


@pytest.fixture(scope="module")
def sample() -> tuple[pd.DataFrame, pd.DataFrame]:
    return read_bars_file(SAMPLE_BARS)[0], read_corporate_actions_file(SAMPLE_CORPORATE_ACTIONS)[0]


def test_the_sample_equals_the_vendors_adjusted_close(sample: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    adjusted = adjust(*sample)
    vendor = pd.read_csv(SAMPLE_VENDOR_ADJ_CLOSE, parse_dates=["timestamp"]).set_index(["symbol", "timestamp"])
    ours = adjusted.set_index(["symbol", "timestamp"])["close"]
    ratio = vendor["adj_close"] / ours
    # The last row of each symbol carries a constant from events after the sample's end.
    relative = ratio / ratio.groupby("symbol").transform("last") - 1
    assert len(relative) == 12_154
    assert relative.abs().max() < 1e-9


def test_a_split_halves_what_came_before_and_doubles_its_volume() -> None:
    adjusted = adjust(bars(100, 102, 52, 53), actions("AAPL +2 split 2"))
    assert adjusted["close"].tolist() == [50, 51, 52, 53]
    assert adjusted["volume"].tolist() == [2000, 2000, 1000, 1000]
    assert adjusted["raw_close"].tolist() == [100, 102, 52, 53]
    assert adjusted["factor"].tolist() == [0.5, 0.5, 1, 1]


def test_a_dividend_lowers_what_came_before_by_its_yield_and_leaves_the_volume() -> None:
    adjusted = adjust(bars(100, 98), actions("AAPL +1 dividend 2"))
    assert adjusted["close"].tolist() == pytest.approx([98, 98])  # 98 + 2 received is worth the 100 before
    assert adjusted["volume"].tolist() == [1000, 1000]


def test_an_event_on_a_day_without_a_bar_takes_effect_at_the_next() -> None:
    gappy = bars(100, 102, 52, 53).drop(index=2)
    assert adjust(gappy, actions("AAPL +2 split 2"))["factor"].tolist() == [0.5, 0.5, 1]


@pytest.mark.parametrize("day", [-30, 0, 4, 400])
def test_events_outside_the_bars_change_nothing(day: int) -> None:
    plain = bars(100, 102, 101, 103)
    assert adjust(plain, actions(f"AAPL {day} split 2", f"AAPL {day} dividend 1"))["factor"].tolist() == [1, 1, 1, 1]


def test_several_events_of_one_day_multiply_and_add() -> None:
    both = adjust(
        bars(100, 10), actions("AAPL +1 split 2", "AAPL +1 split 5", "AAPL +1 dividend 0.4", "AAPL +1 dividend 0.6")
    )
    assert both["factor"].iloc[0] == pytest.approx(1 / 10 / (1 + 1.0 / 10))


def test_an_event_of_one_symbol_leaves_the_others_alone() -> None:
    two = pd.concat([bars(100, 50), bars(30, 31, symbol="IBM")])
    adjusted = adjust(two, actions("AAPL +1 split 2"))
    assert adjusted.groupby("symbol")["factor"].first().to_dict() == {"AAPL": 0.5, "IBM": 1.0}


def test_a_spinoff_counts_for_the_worth_of_its_shares_where_that_is_known() -> None:
    event = actions("IBM +1 dividend 1").assign(kind="spinoff", amount=np.nan, ratio=0.2, fmv_new=25.0)
    spun_off = adjust(bars(125, 120, symbol="IBM"), event)
    assert spun_off["close"].iloc[0] == pytest.approx(125 / (1 + 0.2 * 25 / 120))
    assert adjust(bars(125, 120, symbol="IBM"), event.assign(fmv_new=np.nan))["close"].iloc[0] == 125


@pytest.mark.parametrize("identity", ["ca_1", None])
def test_an_action_that_is_told_twice_counts_once(identity: str | None) -> None:
    ids = pd.Series([identity, "ca_2"], dtype="str")
    once = actions("AAPL +1 split 2", "AAPL +2 dividend 1").assign(corporate_action_id=ids)
    twice = pd.concat([once, once], ignore_index=True)
    given = bars(100, 50, 49)
    pd.testing.assert_frame_equal(adjust(given, twice), adjust(given, once))
    without_ids = twice.drop(columns="corporate_action_id")
    pd.testing.assert_frame_equal(adjust(given, without_ids), adjust(given, once))


@pytest.mark.parametrize("kind", ["merger", "ticker_change", "delisting"])
def test_what_ends_a_symbol_changes_neither_its_bars_nor_those_of_what_follows_it(kind: str) -> None:
    """A bar keeps the symbol it was traded under; the new one starts without a history."""
    old, new = bars(100, 102, symbol="FB"), bars(102, 103, 104, 105, symbol="META").iloc[2:]
    event = actions("FB +2 dividend 1").assign(kind=kind, amount=5.0, ratio=0.5, new_symbol="META", fmv_new=210.0)
    adjusted = adjust(pd.concat([old, new]), event)
    assert adjusted["factor"].tolist() == [1, 1, 1, 1]
    assert adjusted["symbol"].tolist() == ["FB", "FB", "META", "META"]


def test_bars_without_an_id_get_that_of_their_first_version() -> None:
    assert adjust(bars(100), actions())["bar_id"].tolist() == ["bar_AAPL_1day_20120102T0000Z_1"]
    kept = adjust(bars(100).assign(bar_id="bar_AAPL_1day_20120102T0000Z_3"), actions())
    assert kept["bar_id"].tolist() == ["bar_AAPL_1day_20120102T0000Z_3"]


def test_no_bars_give_no_rows() -> None:
    assert adjust(bars(), actions("AAPL +1 split 2")).empty


def test_the_rule_says_which_way_it_goes() -> None:
    assert "factor(t-1) = factor(t) / split(t) / (1 + distribution(t) / close(t))" in ADJUSTMENT_RULE


def test_apples_split_of_2014_leaves_prices_continuous() -> None:
    raw, _ = read_bars_file(shared_path("data/lean/bars_1d.csv.gz"))
    events, _ = read_corporate_actions_file(shared_path("data/lean/corporate_actions.csv"))
    around = raw[(raw["symbol"] == "AAPL") & raw["timestamp"].between("2014-05-01", "2014-07-31")]
    adjusted = adjust(around, events)
    assert around["close"].pct_change().min() < -0.85
    assert adjusted["close"].pct_change().abs().max() < 0.05
    raw_friday, friday = (frame[frame["timestamp"] == "2014-06-06"] for frame in (around, adjusted))
    assert friday["close"].item() == pytest.approx(645.57 / 7)
    assert friday["volume"].item() == pytest.approx(7 * raw_friday["volume"].item())


closes = st.lists(st.floats(1, 1000), min_size=2, max_size=12)
events = st.lists(
    st.one_of(
        st.builds("AAPL {} split {}".format, st.integers(-1, 13), st.sampled_from([2, 3, 7, 0.1, 1.05])),
        st.builds("AAPL {} dividend {}".format, st.integers(-1, 13), st.floats(0.01, 5).map(lambda x: round(x, 2))),
    ),
    max_size=6,
    unique=True,
)


@settings(max_examples=examples(40), deadline=None)
@given(closes=closes)
def test_without_events_adjusted_is_raw(closes: list[float]) -> None:
    plain = bars(*closes)
    adjusted = adjust(plain, actions())
    pd.testing.assert_frame_equal(adjusted[PRICES], plain[PRICES])
    assert adjusted["volume"].tolist() == plain["volume"].tolist()


@settings(max_examples=examples(40), deadline=None)
@given(closes=closes, rows=events)
def test_returns_of_the_adjusted_close_are_total_returns(closes: list[float], rows: list[str]) -> None:
    """A share of t−1 has become split(t) shares, each worth the close and its distribution."""
    adjusted = adjust(bars(*closes), actions(*rows))["close"].to_numpy()
    for t in range(1, len(closes)):
        split, paid = 1.0, 0.0
        for _, day, kind, number in (row.split() for row in rows):
            if int(day) == t:
                split, paid = (split * float(number), paid) if kind == "split" else (split, paid + float(number))
        assert adjusted[t] / adjusted[t - 1] == pytest.approx(split * (closes[t] + paid) / closes[t - 1], rel=1e-12)


@settings(max_examples=examples(40), deadline=None)
@given(closes=closes, rows=events, data=st.data())
def test_the_order_of_the_rows_does_not_matter(closes: list[float], rows: list[str], data: st.DataObject) -> None:
    plain, listed = bars(*closes), actions(*rows)
    shuffled = plain.iloc[data.draw(st.permutations(range(len(plain))))]
    relisted = listed.iloc[data.draw(st.permutations(range(len(listed))))]
    pd.testing.assert_frame_equal(adjust(shuffled, relisted), adjust(plain, listed), check_exact=True)


@settings(max_examples=examples(40), deadline=None)
@given(closes=closes, rows=events, data=st.data())
def test_the_future_only_rescales_the_past(closes: list[float], rows: list[str], data: st.DataObject) -> None:
    """Adjusting what was known at t gives the whole history's adjusted prices up to t, but for one factor."""
    plain, listed = bars(*closes), actions(*rows)
    t = data.draw(st.integers(0, len(closes) - 1))
    known = listed[listed["ex_date"] <= plain["timestamp"].iloc[t].tz_localize(None)]
    then, whole = adjust(plain.iloc[: t + 1], known), adjust(plain, listed).iloc[: t + 1]
    scale = whole["factor"].iloc[t]
    assert whole[PRICES].to_numpy() == pytest.approx(then[PRICES].to_numpy() * scale, rel=1e-12)
    shares = whole["volume"].iloc[t] / then["volume"].iloc[t]
    assert whole["volume"].to_numpy() == pytest.approx(then["volume"].to_numpy() * shares, rel=1e-12)
