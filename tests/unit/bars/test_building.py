"""Bars from prints: which print belongs to which bar, when a bar is complete, and that it stays as it is."""

from datetime import timedelta
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.bars.ticks import at, book_all, spelled, told, trade
from tickledger.bars.building import BarBuilder, PrintCounts
from tickledger.bars.trading_hours import TradingHours
from tickledger.domain.bar import Bar, BarKey, Print
from tickledger.domain.market import BarsClosed

OHLCV = ["open", "high", "low", "close", "volume"]


def test_a_minute_of_prints_is_a_bar_when_the_minute_is_over() -> None:
    builder = BarBuilder(["1min"])
    book_all(
        builder,
        trade("09:31:00", "10.00"),
        trade("09:31:20", "10.05", 50),
        trade("09:31:40.5", "9.98", 200),
        trade("09:31:59.999999", "10.01", 1),
    )
    assert builder.advance(at("09:31:59.999999")) == []
    (event,) = builder.advance(at("09:32:00"))
    assert spelled([event]) == ["1min 09:32:00 AAPL 10.00 10.05 9.98 10.01 351"]
    assert (event.session_date.isoformat(), event.occurred_at) == ("2012-03-01", at("09:32:00"))
    assert event.bars[0].bar_id == "bar_AAPL_1min_20120301T1431Z_1"
    assert event.bars[0].session_date == event.session_date


def test_bars_come_by_end_then_interval_then_symbol() -> None:
    builder = BarBuilder()
    for symbol in ("MSFT", "AAPL"):
        book_all(builder, trade("09:34:59", "10", symbol=symbol), trade("09:35:00", "11", symbol=symbol))
    ended = [line.split()[:3] for line in spelled(builder.advance(at("09:36:00")))]
    assert [" ".join(words) for words in ended] == [
        *("1sec 09:35:00 AAPL", "1sec 09:35:00 MSFT", "1min 09:35:00 AAPL", "1min 09:35:00 MSFT"),
        *("5min 09:35:00 AAPL", "5min 09:35:00 MSFT", "1sec 09:35:01 AAPL", "1sec 09:35:01 MSFT"),
        *("1min 09:36:00 AAPL", "1min 09:36:00 MSFT"),
    ]


def test_the_opening_print_belongs_to_the_first_bar_and_those_before_it_to_none() -> None:
    builder = BarBuilder(["1min", "5min"])
    assert not builder.book(trade("09:29:59.999", "9.00"))
    assert builder.book(trade("09:30:00", "10.00"))
    assert spelled(builder.advance(at("09:31:00"))) == ["1min 09:31:00 AAPL 10.00 10.00 10.00 10.00 100"]
    assert builder.counts == PrintCounts(booked=1, outside_hours=1)


@pytest.mark.parametrize(("day", "close"), [("2012-03-01", "16:00"), ("2011-11-25", "13:00")])
def test_the_closing_auction_belongs_to_the_last_bars_which_wait_for_it(day: str, close: str) -> None:
    hour, before = close[:2], f"{int(close[:2]) - 1}:59:59.5"
    builder = BarBuilder()
    book_all(builder, trade(before, "10.00", day=day), trade(f"{close}:00", "10.02", day=day))
    assert builder.advance(at(f"{close}:04.9", day)) == []
    assert builder.book(trade(f"{close}:04.95", "10.03", 5_000, day=day))
    assert not builder.book(trade(f"{close}:05.1", "11.00", day=day))
    assert spelled(builder.advance(at(f"{close}:05", day))) == [
        f"{interval} {hour}:00:00 AAPL 10.00 10.03 10.00 10.03 5200" for interval in ("1sec", "1min", "5min")
    ]
    assert builder.advance(at("23:00:00", day)) == []


@pytest.mark.parametrize("day", ["2012-03-03", "2012-12-25", "2012-10-29"])  # Saturday, Christmas, Sandy
def test_a_day_without_a_session_has_no_bars(day: str) -> None:
    builder = BarBuilder()
    assert not builder.book(trade("10:00:00", "10.00", day=day))
    assert builder.advance(at("20:00:00", day)) == []
    assert builder.counts == PrintCounts(outside_hours=1)


@pytest.mark.parametrize(("day", "stamp"), [("2012-03-09", "20120309T1430Z"), ("2012-03-12", "20120312T1330Z")])
def test_the_session_follows_the_clock_on_the_wall_when_summer_time_begins(day: str, stamp: str) -> None:
    builder = BarBuilder(["5min"])
    assert not builder.book(trade("09:29:59", "9.00", day=day))
    assert builder.book(trade("09:30:00", "10.00", day=day))
    (event,) = builder.advance(at("09:35:00", day))
    assert event.bars[0].bar_id == f"bar_AAPL_5min_{stamp}_1"


@pytest.mark.parametrize(("day", "last"), [("2012-03-01", "19:59:59"), ("2011-11-25", "16:59:59")])
def test_extended_hours_are_built_only_where_they_are_asked_for(day: str, last: str) -> None:
    builder = BarBuilder(["1min"], hours=TradingHours(is_extended=True))
    assert not builder.book(trade("03:59:59", "10.00", day=day))
    assert builder.book(trade("04:00:00", "10.00", day=day))
    assert builder.book(trade("16:00:01", "10.00", day=day))
    assert builder.book(trade(last, "10.00", day=day))
    assert not builder.book(trade("20:00:01", "10.00", day=day))
    ends = [line.split()[1] for line in spelled(builder.advance(at("21:00:00", day)))]
    assert len(ends) == 3
    assert ends[:2] == ["04:01:00", "16:01:00"]


def test_a_late_print_is_counted_and_changes_no_bar() -> None:
    builder = BarBuilder()
    book_all(builder, trade("09:31:00", "10.00"))
    first = builder.advance(at("09:32:00"))
    before = spelled(first)
    assert not builder.book(trade("09:31:30", "99.00"))
    assert not builder.book(trade("09:30:30", "99.00"))  # a minute that had no bar is as complete as one that had
    assert builder.counts == PrintCounts(booked=1, late=2)
    assert spelled(first) == before
    assert spelled(builder.advance(at("09:35:00"))) == ["5min 09:35:00 AAPL 10.00 10.00 10.00 10.00 100"]


def test_of_prints_that_come_out_of_order_the_stamps_decide_open_and_close() -> None:
    builder = BarBuilder(["1min"])
    book_all(builder, trade("09:31:30", "10.02"), trade("09:31:10", "10.01"), trade("09:31:20", "10.05"))
    assert spelled(builder.advance(at("09:32:00"))) == ["1min 09:32:00 AAPL 10.01 10.05 10.01 10.02 300"]


def test_a_minute_without_a_print_makes_no_bar() -> None:
    builder = BarBuilder(["1min", "5min"])
    book_all(builder, trade("09:30:30", "10.00"), trade("09:33:30", "10.01"), trade("09:31:00", "5.00", symbol="F"))
    assert spelled(builder.advance(at("09:35:00"))) == [
        "1min 09:31:00 AAPL 10.00 10.00 10.00 10.00 100",
        "1min 09:32:00 F 5.00 5.00 5.00 5.00 100",
        "1min 09:34:00 AAPL 10.01 10.01 10.01 10.01 100",
        "5min 09:35:00 AAPL 10.00 10.01 10.00 10.01 200",
        "5min 09:35:00 F 5.00 5.00 5.00 5.00 100",
    ]


def test_a_clock_that_goes_back_completes_nothing_twice() -> None:
    builder = BarBuilder(["1min"])
    book_all(builder, trade("09:31:00", "10.00"))
    assert len(builder.advance(at("09:32:00"))) == 1
    assert builder.advance(at("09:31:00")) == []
    assert not builder.book(trade("09:31:30", "10.00"))
    assert builder.advance(at("09:33:00")) == []


def test_seconds_have_ids_of_their_own() -> None:
    builder = BarBuilder(["1sec"])
    book_all(builder, *(trade(f"09:31:{second:02d}", "10.00") for second in range(60)))
    ids = [bar.bar_id for event in builder.advance(at("09:32:00")) for bar in event.bars]
    assert ids[:2] == ["bar_AAPL_1sec_20120301T1431Z_1", "bar_AAPL_1sec_20120301T143101Z_1"]
    assert len(set(ids)) == 60
    keys = [BarKey.parse(bar_id) for bar_id in ids]
    assert [str(key) for key in keys] == ids
    assert [key.bar_at for key in keys] == [at("09:31:00") + timedelta(seconds=second) for second in range(60)]


@pytest.mark.parametrize("intervals", [["1min", "90sec"], ["5min", "1min"], ["1min", "1min"], ["1day"], ["1min", "x"]])
def test_intervals_that_do_not_nest_are_refused(intervals: list[str]) -> None:
    with pytest.raises(ValueError, match="expected"):
        BarBuilder(intervals)


def test_a_bar_whose_beginning_was_missed_is_not_published() -> None:
    builder = BarBuilder(since=at("09:32:30.5"))
    book_all(builder, trade("09:32:30.7", "10.00"), trade("09:32:40", "10.01"), trade("09:33:00", "10.02"))
    book_all(builder, trade("09:36:00", "10.03"))
    assert [line.split()[:2] for line in spelled(builder.advance(at("09:40:00")))] == [
        *(["1sec", "09:32:41"], ["1sec", "09:33:01"], ["1min", "09:34:00"], ["1sec", "09:36:01"]),
        *(["1min", "09:37:00"], ["5min", "09:40:00"]),
    ]


def test_history_tells_what_was_before_and_makes_the_longer_bar_whole() -> None:
    builder = BarBuilder(["1min", "5min"], since=at("09:33:00"))
    history = [
        told("09:30:00", "10 12 9 11", 500, interval="1min"),
        told("09:32:00", "11 11.5 11 11.2", 300, interval="1min"),
    ]
    assert spelled(builder.warm(history, until=at("09:33:00"))) == [
        "1min 09:31:00 AAPL 10 12 9 11 500",
        "1min 09:33:00 AAPL 11 11.5 11 11.2 300",
    ]
    builder.book(trade("09:34:00", "11.30", 200))
    assert spelled(builder.advance(at("09:35:00")))[-1] == "5min 09:35:00 AAPL 10 12 9 11.30 1000"


def test_history_passes_through_as_it_was_told() -> None:
    builder = BarBuilder(["1min", "5min"])
    restated = told("09:30:00", "10 12 9 11", 500, interval="1min")
    restated = Bar("bar_AAPL_1min_20120301T1430Z_2", *(getattr(restated, f) for f in restated.__slots__[1:]))
    events = builder.warm([restated], until=at("09:35:00"))
    assert events[0].bars == (restated,)
    assert spelled(events)[1] == "5min 09:35:00 AAPL 10 12 9 11 500"


def test_history_of_days_makes_the_longer_bars_of_days() -> None:
    builder = BarBuilder(["1min", "5min"])
    days = ["2012-03-01", "2012-03-02"]
    history = [
        told(f"{15}:{minute}:00", "10 10 10 10", 1, interval="1min", day=day)
        for day in days
        for minute in range(50, 60)
    ]
    events = builder.warm(history, until=at("23:00:00", days[-1]))
    assert [event.interval for event in events] == [*(["1min"] * 5 + ["5min"]) * 4]
    assert [bar.volume for event in events if event.interval == "5min" for bar in event.bars] == [5, 5, 5, 5]


def test_an_outage_takes_its_minutes_and_history_gives_them_back() -> None:
    builder = BarBuilder(["1min", "5min"], since=at("09:30:00"))
    book_all(builder, trade("09:30:10", "10.00"), trade("09:31:10", "10.10"))
    builder.missed(at("09:31:20"), at("09:32:15"))
    book_all(builder, trade("09:32:40", "10.20"), trade("09:33:00", "10.30"))
    assert [line.split()[1] for line in spelled(builder.advance(at("09:34:00")))] == ["09:31:00", "09:34:00"]
    missed = [
        told("09:30:00", "1 1 1 1", 1, interval="1min"),  # published already: it stays
        told("09:31:00", "10.10 10.90 10.10 10.50", 700, interval="1min"),
        told("09:32:00", "10.50 10.50 10.15 10.20", 800, interval="1min"),
    ]
    assert spelled(builder.warm(missed, until=at("09:33:00"))) == [
        "1min 09:32:00 AAPL 10.10 10.90 10.10 10.50 700",
        "1min 09:33:00 AAPL 10.50 10.50 10.15 10.20 800",
    ]
    assert spelled(builder.advance(at("09:35:00"))) == ["5min 09:35:00 AAPL 10.00 10.90 10.00 10.30 1700"]


def test_history_that_comes_after_a_longer_bar_was_over_makes_no_torn_one() -> None:
    builder = BarBuilder(["1min", "5min"], since=at("09:30:00"))
    book_all(builder, trade("09:30:10", "10.00"), trade("09:34:10", "10.10"))
    builder.missed(at("09:34:20"), at("09:35:10"))
    assert [line.split()[:2] for line in spelled(builder.advance(at("09:36:00")))] == [["1min", "09:31:00"]]
    missed = [told(clock, "10 11 10 10", 5, interval="1min") for clock in ("09:34:00", "09:35:00")]
    assert [line.split()[:2] for line in spelled(builder.warm(missed, until=at("09:36:00")))] == [
        ["1min", "09:35:00"],
        ["1min", "09:36:00"],
    ]
    assert spelled(builder.advance(at("09:40:00"))) == ["5min 09:40:00 AAPL 10 11 10 10 5"]


def test_a_longer_bar_that_was_missed_is_told_by_one_of_its_own_interval() -> None:
    builder = BarBuilder(["1min", "5min"], since=at("09:35:30"))
    assert builder.advance(at("09:36:00")) == []
    missed = [told("09:35:00", "10 11 10 10", 5, interval="1min"), told("09:30:00", "9 10 9 10", 99, interval="5min")]
    assert spelled(builder.warm(missed, until=at("09:36:00"))) == [
        "5min 09:35:00 AAPL 9 10 9 10 99",
        "1min 09:36:00 AAPL 10 11 10 10 5",
    ]
    assert spelled(builder.advance(at("09:40:00"))) == ["5min 09:40:00 AAPL 10 11 10 10 5"]


def test_five_second_bars_make_minutes() -> None:
    builder = BarBuilder(["1min", "5min"])
    for second in range(0, 60, 5):
        assert builder.book_bar(told(f"09:31:{second:02d}", f"10 {11 + second} 9 {10 + second}", 7, interval="5sec"))
    assert spelled(builder.advance(at("09:32:00"))) == ["1min 09:32:00 AAPL 10 66 9 65 84"]


def test_the_five_seconds_after_the_close_bring_the_auction() -> None:
    builder = BarBuilder(["1min", "5min"])
    builder.book_bar(told("15:59:55", "10 11 9 10", 7, interval="5sec"))
    assert builder.advance(at("16:00:04")) == []
    assert builder.book_bar(told("16:00:00", "10 10.5 10 10.5", 5_000, interval="5sec"))
    assert not builder.book_bar(told("16:00:05", "10 20 10 20", 5, interval="5sec"))
    assert spelled(builder.advance(at("16:00:05"))) == [
        "1min 16:00:00 AAPL 10 11 9 10.5 5007",
        "5min 16:00:00 AAPL 10 11 9 10.5 5007",
    ]


def test_a_bar_from_outside_stands_instead_of_the_prints_of_its_period() -> None:
    builder = BarBuilder()
    book_all(builder, trade("09:31:10", "50.00"))
    builder.advance(at("09:31:11"))
    builder.book_bar(told("09:31:00", "10 11 9 10", 700, interval="1min"))
    builder.book_bar(told("09:31:20", "10 11 9 10", 70, interval="1sec"))
    assert not builder.book(trade("09:31:20.5", "10.00"))
    assert builder.counts.told_already == 1
    lines = spelled(builder.advance(at("09:35:00")))
    assert lines[-2:] == ["1min 09:32:00 AAPL 10 11 9 10 700", "5min 09:35:00 AAPL 10 11 9 10 700"]


@pytest.mark.parametrize("interval", ["15min", "7sec"])
def test_a_bar_that_fits_nowhere_is_refused(interval: str) -> None:
    with pytest.raises(ValueError, match="expected a bar that fits into 5min"):
        BarBuilder(["1min", "5min"]).book_bar(told("09:30:00", "1 1 1 1", 1, interval=interval))


def test_a_bar_outside_the_hours_belongs_to_none() -> None:
    builder = BarBuilder(["1min"])
    assert not builder.book_bar(told("09:29:00", "1 1 1 1", 1, interval="1min"))
    assert not builder.book_bar(told("16:00:00", "1 1 1 1", 1, interval="1min"))


PRINTS = st.lists(
    st.tuples(
        st.sampled_from(["AAPL", "MSFT", "F"]),
        # Milliseconds from 09:29:50; the edges of minutes, of the open and of the close, and what lies between.
        st.one_of(
            st.integers(0, 23_430_000),
            st.sampled_from([9_999, 10_000, 69_999, 70_000, 310_000, 23_409_999]),
        ),
        st.integers(900, 1_100),
        st.integers(0, 500),
    ),
    max_size=60,
)


@settings(max_examples=examples(60), deadline=None)
@given(told_prints=PRINTS, step=st.sampled_from([1, 7, 60, 600]))
def test_bars_are_what_resampling_all_prints_gives(told_prints: list[tuple[str, int, int, int]], step: int) -> None:
    base = at("09:29:50")
    prints = [
        Print(symbol, base + timedelta(milliseconds=ms), Decimal(cents).scaleb(-2), size)
        for symbol, ms, cents, size in sorted(told_prints, key=lambda one: one[1])
    ]
    builder, events = BarBuilder(), list[BarsClosed]()
    clock = base
    for one in prints:
        while clock + timedelta(seconds=step) < one.traded_at:
            clock += timedelta(seconds=step)
            events += builder.advance(clock)
        builder.book(one)
    events += builder.advance(at("17:00:00"))
    counts = builder.counts
    assert counts.booked + counts.outside_hours == len(prints)
    assert counts.late == 0
    found = {interval: published(events, interval) for interval in ("1sec", "1min", "5min")}
    for interval, rule in (("1sec", "1s"), ("1min", "1min"), ("5min", "5min")):
        pd.testing.assert_frame_equal(found[interval], resampled(prints, rule))
    aggregated = found["1min"].groupby(["symbol", pd.Grouper(level="starts_at", freq="5min")]).agg(RULES)
    pd.testing.assert_frame_equal(
        found["5min"], aggregated[aggregated["volume"].notna()].astype(found["5min"].dtypes), check_freq=False
    )


RULES = {"open": "first", "high": "max", "low": "min", "close": "last", "volume": "sum"}


def published(events: list[BarsClosed], interval: str) -> pd.DataFrame:
    rows = [
        (
            bar.symbol,
            pd.Timestamp(BarKey.parse(bar.bar_id).bar_at),
            *(float(price) for price in (bar.open, bar.high, bar.low, bar.close)),
            float(bar.volume),
        )
        for event in events
        if event.interval == interval
        for bar in event.bars
    ]
    return framed(rows)


def resampled(prints: list[Print], rule: str) -> pd.DataFrame:
    """The regular session's prints by pandas; what is stamped up to 5 s after the close counts as its last instant."""
    close = at("16:00:00")
    inside = [one for one in prints if at("09:30:00") <= one.traded_at <= close + timedelta(seconds=5)]
    rows = [
        (one.symbol, min(one.traded_at, close - timedelta(microseconds=1)), float(one.price), float(one.size))
        for one in inside
    ]
    if not rows:
        return framed([])
    frame = pd.DataFrame(rows, columns=["symbol", "starts_at", "price", "size"])
    frame["starts_at"] = pd.to_datetime(frame["starts_at"]).dt.floor(rule)
    groups = frame.groupby(["symbol", "starts_at"])
    prices = groups["price"].agg(["first", "max", "min", "last"])
    bars = prices.assign(volume=groups["size"].sum()).reset_index()
    return framed(list(bars.itertuples(index=False, name=None)))


def framed(rows: list[tuple[object, ...]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["symbol", "starts_at", *OHLCV]).astype(dict.fromkeys(OHLCV, float))
    frame["starts_at"] = pd.to_datetime(frame["starts_at"], utc=True).astype("datetime64[us, UTC]")
    return frame.astype({"symbol": "str"}).set_index(["symbol", "starts_at"]).sort_index()
