"""The tape: what is made up inside a bar adds up to the bar, and is the same whenever it is asked for."""

import tracemalloc
from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.exchange.venues import at, days, minutes, tape, venue
from tickledger.domain.bar import Print, Quote
from tickledger.exchange.venue_path import Span, TapeMinute, TapeStyle, minutes_of_day, price_of, ticks_of_minute
from tickledger.exchange.venue_tape import MarketTape

OPENS, CLOSES = at("2024-07-02 09:30"), at("2024-07-02 16:00")


@st.composite
def spans(draw: st.DrawFn, highest: int = 5_000_000) -> Span:
    """A bar with prices of 0.01 to 500 USD, on cents or between them."""
    grid = draw(st.sampled_from([1, 100]))
    low, high = sorted(draw(st.integers(1, highest // 100)) * grid for _ in range(2))
    inside = st.integers(low // grid, high // grid).map(lambda value: value * grid)
    return Span(draw(inside), high, low, draw(inside), draw(st.integers(0, 10**9)))


@settings(max_examples=examples(60), deadline=None)
@given(day=spans(), seed=st.integers(0, 99), count=st.sampled_from([210, 390]))
def test_the_minutes_of_a_day_add_up_to_it(day: Span, seed: int, count: int) -> None:
    told = minutes_of_day(day, OPENS, OPENS + timedelta(minutes=count), seed=str(seed))
    assert len(told) == count
    assert (told[0].span.open, told[-1].span.close) == (day.open, day.close)
    assert max(minute.span.high for minute in told) == day.high
    assert min(minute.span.low for minute in told) == day.low
    assert sum(minute.span.volume for minute in told) == day.volume
    for minute in told:
        span = minute.span
        assert span.low <= min(span.open, span.close) <= max(span.open, span.close) <= span.high
        assert span.volume >= 0


@settings(max_examples=examples(100), deadline=None)
@given(span=spans(), seed=st.integers(0, 99), count=st.integers(4, 30))
def test_the_ticks_of_a_minute_add_up_to_it(span: Span, seed: int, count: int) -> None:
    minute = TapeMinute(OPENS, span, is_regular=True)
    ticks = ticks_of_minute("X", minute, style=TapeStyle(count), seed=str(seed))
    prints = [tick.trade for tick in ticks if tick.trade is not None]
    assert len(ticks) == count
    assert sum(trade.size for trade in prints) == span.volume
    assert all(price_of(span.low) <= trade.price <= price_of(span.high) for trade in prints)
    if span.volume >= 4:
        prices = [trade.price for trade in prints]
        assert (prices[0], prices[-1]) == (price_of(span.open), price_of(span.close))
        assert (min(prices), max(prices)) == (price_of(span.low), price_of(span.high))
    for tick in ticks:
        quote = tick.quote
        assert quote is not None
        spread = quote.ask - quote.bid
        assert 0 < quote.bid < quote.ask
        assert quote.bid >= price_of(span.low) - spread
        assert quote.ask <= price_of(span.high) + spread
        assert tick.trade is None or tick.trade.price in {quote.bid, quote.ask}
        assert min(quote.bid_size, quote.ask_size) >= 100


def test_trading_is_busy_at_the_open_and_before_the_close() -> None:
    told = minutes_of_day(Span(100_000, 110_000, 90_000, 105_000, 10_000_000), OPENS, CLOSES, seed="1")
    volumes = [minute.span.volume for minute in told]
    assert sum(volumes[:30]) > 2 * sum(volumes[180:210])
    assert sum(volumes[-30:]) > 2 * sum(volumes[180:210])


def test_a_half_day_has_half_the_minutes() -> None:
    told = tape(days({"2024-07-03": "10 11 9 10"})).minutes_of("X", date(2024, 7, 3))
    assert (len(told), told[-1].starts_at) == (210, at("2024-07-03 12:59"))


def test_a_day_is_the_same_whenever_it_is_asked_for_and_another_seed_makes_another() -> None:
    bars = days({"2024-07-02": "10 11 9 10", "2024-07-03": "10 11 9 10"})
    first, second = tape(bars), tape(bars)
    second.minutes_of("X", date(2024, 7, 2))
    assert first.minutes_of("X", date(2024, 7, 3)) == second.minutes_of("X", date(2024, 7, 3))
    assert first.minutes_of("X", date(2024, 7, 3)) != tape(bars, seed=2).minutes_of("X", date(2024, 7, 3))


def test_minutes_beat_the_daily_bar_of_their_day() -> None:
    both = tape(days({"2024-07-02": "1 2 1 2", "2024-07-03": "1 2 1 2"}), minutes("2024-07-02 09:30", ["10 11 9 10"]))
    assert [minute.bar("X").high for minute in both.minutes_of("X", date(2024, 7, 2))] == [11]
    assert len(both.minutes_of("X", date(2024, 7, 3))) == 210


def test_a_cursor_tells_what_comes_after_an_instant_even_within_a_minute() -> None:
    told = tape(minutes("2024-07-02 09:30", ["10 11 9 10"] * 2))
    after = list(told.ticks_after("X", at("2024-07-02 09:30:15")))
    assert len(after) == 2 + 1 + 4 + 1
    assert list(told.ticks_after("X", at("2024-07-03 09:30"))) == []
    assert list(told.ticks_after("NONE", at("2024-07-02 09:30"))) == []


def test_what_stood_at_an_instant_is_found_without_playing_the_tape() -> None:
    told = tape(days({"2024-07-02": "10 11 9 10", "2024-07-03": "10 11 9 10"}))
    for instant in (at("2024-07-02 11:11:40"), at("2024-07-02 22:00"), at("2024-07-03 09:30")):
        quote, trade = told.latest("X", instant)
        ticks = [tick for tick in told.ticks_after("X", at("2024-07-02 00:00")) if not isinstance(tick, TapeMinute)]
        before = [tick for tick in ticks if tick.at <= instant]
        assert (quote, trade) == (before[-1], before[-1].trade)
    assert told.latest("X", at("2024-07-01 12:00")) == (None, None)


def test_history_tells_complete_bars_and_nothing_of_the_future() -> None:
    market = venue(days({"2024-07-02": "10 11 9 10", "2024-07-03": "10 12 9 11"}), start="2024-07-02 09:30")
    market.advance(at("2024-07-02 10:00:30"))
    told = market.history("X", until=at("2024-07-03 16:00"))
    assert (len(told), told[-1].starts_at) == (30, at("2024-07-02 09:59"))
    assert market.history("X", until=at("2024-07-03 16:00"), is_daily=True) == []
    market.advance(at("2024-07-03 13:00"))
    daily = market.history("X", until=market.now, is_daily=True)
    assert [f"{bar.starts_at:%Y-%m-%d} {bar.high}" for bar in daily] == ["2024-07-02 11.00", "2024-07-03 12.00"]
    market.advance(at("2024-07-03 22:00"))
    assert len(market.history("X", until=market.now)) == 210
    assert len(market.history("X", until=at("2024-07-02 11:00"), since=at("2024-07-02 10:00"))) == 60


def test_daily_history_of_minutes_is_their_sum_without_extended_hours() -> None:
    bars = [minutes("2024-07-02 09:30", ["10 11 9 10 100", "10 13 8 9 200"]), minutes("2024-07-02 17:00", ["5 20 5 6"])]
    market = venue(*bars, start="2024-07-02 16:30")
    (bar,) = market.history("X", until=market.now, is_daily=True)
    assert [bar.open, bar.high, bar.low, bar.close] == [10, 13, 8, 9]
    assert bar.volume == 300


def test_a_minute_with_a_few_shares_prints_its_close_first_of_all() -> None:
    minute = TapeMinute(OPENS, Span(100_000, 110_000, 90_000, 105_000, 1), is_regular=True)
    prints = [tick.trade for tick in ticks_of_minute("X", minute, style=TapeStyle(), seed="1") if tick.trade]
    assert [(trade.price, trade.size) for trade in prints] == [(Decimal("10.50"), 1)]


def test_an_empty_tape_needs_a_start() -> None:
    empty = MarketTape.from_bars(days({}))
    assert empty.symbols == ()
    with pytest.raises(ValueError, match="expected a tape with bars"):
        venue(days({}))


def test_recorded_quotes_come_before_prints_of_the_same_instant() -> None:
    stamps = [at("2024-07-02 09:30"), at("2024-07-02 09:30:40")]
    columns = {"bid": [9.0, 9.5], "ask": [9.1, 9.6], "bid_size": [1, 2], "ask_size": [3, 4]}
    quotes = pd.DataFrame({"symbol": ["X"] * 2, "timestamp": stamps, **columns})
    told = tape(minutes("2024-07-02 09:30", ["10 11 9 10"]), quotes=quotes)
    ticks = told.ticks_after("X", at("2024-07-02 09:00"))
    kinds = [Quote if tick.quote is not None else Print for tick in ticks if not isinstance(tick, TapeMinute)]
    assert kinds == [Quote, Print, Print, Print, Quote, Print]


def test_a_style_that_cannot_tell_a_bar_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 4 ticks"):
        TapeStyle(ticks_per_minute=3)


def test_minutes_of_the_evening_belong_to_their_day_in_new_york_even_at_midnight_utc() -> None:
    late = minutes("2013-03-08 18:58", ["10 10 10 10"] * 4)  # 23:58Z to 00:01Z of the 9th, a Saturday
    frame = pd.concat([minutes("2013-03-08 09:30", ["10 11 9 10"] * 2), late])
    market = tape(frame)
    assert market.last_day("X") == market.first_day == date(2013, 3, 8)
    assert len(market.minutes_of("X", date(2013, 3, 8))) == 6
    assert [bar.volume for bar in market.daily_bars("X", since=date(2013, 3, 1), until=at("2013-03-12 16:00"))] == [
        8_000
    ]


def test_daily_bars_beside_late_minutes_stay_daily_bars() -> None:
    late = minutes("2013-03-07 18:58", ["10 10 10 10", "10 10 10 10", None, "10 10 10 10"])
    market = tape(days({"2013-03-07": "10 12 8 11", "2013-03-08": "11 13 9 12"}), late)
    told = market.daily_bars("X", since=date(2013, 3, 1), until=at("2013-03-08 16:00"))
    assert [bar.close for bar in told] == [11, 12]
    assert market.last_day("X") == date(2013, 3, 8)


def test_a_tape_of_many_symbols_holds_each_row_once() -> None:
    every = [days({"2013-03-07": "10 12 8 11", "2013-03-08": "11 13 9 12"}, symbol=f"S{n}") for n in range(300)] * 20
    frame = pd.concat([one.assign(timestamp=one["timestamp"] + timedelta(days=28 * k)) for k, one in enumerate(every)])
    tracemalloc.start()
    market = MarketTape.from_bars(frame)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(market.symbols) == 300
    assert held < 10 * frame.memory_usage(deep=False).sum()
