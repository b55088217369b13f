"""One worked example a rule: what a quote or a print fills of each type of order, and at what price."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from tests.unit.exchange.venues import at, fills, minutes, order, steps, tape, venue
from tickledger.domain.bar import Print, Quote
from tickledger.exchange.venue import Venue
from tickledger.exchange.venue_orders import MinuteBar, OrderUpdate, VenueFill, VenueStatus
from tickledger.exchange.venue_settings import VenueSettings

OPEN = "2024-07-02 09:30"
#: 9:30 goes 10.00 9.90 10.20 10.10, 9:31 goes 10.10 10.20 9.80 9.80, 9:32 opens lower, 9:33 comes back.
BARS = minutes(
    OPEN, ["10.00 10.20 9.90 10.10", "10.10 10.20 9.80 9.80", "9.50 9.60 9.40 9.60", "9.60 10.30 9.60 10.30"]
)


def played(text: str, *, until: str = "09:40", **changed: Any) -> list[str]:
    """The fills of an order sent in at the open."""
    market = venue(BARS, start=OPEN)
    events = [*market.submit(order(text, **changed)), *market.advance(at(f"2024-07-02 {until}"))]
    return fills(events)


def quote_at(text: str) -> Quote:
    market = venue(BARS, start=OPEN)
    market.advance(at(f"2024-07-02 {text}"))
    quote = market.quote("X")
    assert quote is not None
    return quote


def test_a_market_order_takes_the_touch_at_once() -> None:
    quote = quote_at("09:30:00")
    assert played("BUY 100 X MKT") == [f"09:30:00 100 @ {quote.ask}"]
    assert played("SELL 100 X MKT") == [f"09:30:00 100 @ {quote.bid}"]
    assert quote.ask - quote.bid == Decimal("0.01")


def test_a_marketable_limit_takes_the_touch_and_not_its_limit() -> None:
    assert played("BUY 100 X LMT 10.50") == [f"09:30:00 100 @ {quote_at('09:30:00').ask}"]


def test_a_resting_limit_fills_at_its_limit_once_the_market_trades_through_it() -> None:
    assert played("BUY 100 X LMT 9.95") == ["09:30:15 100 @ 9.95"]
    assert played("SELL 100 X LMT 10.15") == ["09:30:30 100 @ 10.15"]


def test_a_limit_at_the_very_low_is_touched_but_not_traded_through() -> None:
    assert played("BUY 100 X LMT 9.80", until="09:31:59") == []
    assert played("BUY 100 X LMT 9.81", until="09:31:59") == ["09:31:30 100 @ 9.81"]


def test_a_resting_limit_that_the_market_jumps_across_gets_the_better_price() -> None:
    assert played("BUY 100 X LMT 9.70") == [f"09:32:00 100 @ {quote_at('09:32:00').ask}"]


def test_a_stop_becomes_a_market_order_when_the_last_price_touches_it() -> None:
    assert played("SELL 100 X STP 9.80") == [f"09:31:30 100 @ {quote_at('09:31:30').bid}"]
    assert played("BUY 100 X STP 10.20") == [f"09:30:30 100 @ {quote_at('09:30:30').ask}"]
    assert played("SELL 100 X STP 9.39") == []


def test_a_stop_jumped_across_fills_where_the_market_is_and_a_stop_limit_does_not() -> None:
    assert played("SELL 100 X STP 9.70") == [f"09:32:00 100 @ {quote_at('09:32:00').bid}"]
    # Set off at 9.50, its limit of 9.65 is not reached before the market comes back.
    assert played("SELL 100 X STP_LMT 9.70 9.65", until="09:32:59") == []
    assert played("SELL 100 X STP_LMT 9.70 9.65")[0].startswith("09:33")


def test_a_stop_limit_that_is_set_off_inside_its_limit_fills_at_once() -> None:
    assert played("SELL 100 X STP_LMT 9.80 9.70") == [f"09:31:30 100 @ {quote_at('09:31:30').bid}"]


@pytest.mark.parametrize(
    ("trail", "stops_at"),
    [
        # The best last price is 10.20; the print of 9.80 is 0.40 below it.
        ("TRAIL 0.40", "09:31:30"),
        ("TRAIL 0.41", "09:32:00"),
        # 3.9 % of 10.20 are 0.3978: the stop of 9.8022 is rounded down to 9.80.
        ("TRAIL 3.9%", "09:31:30"),
        # 4 % put it at 9.79.
        ("TRAIL 4%", "09:32:00"),
        # The first fall, from 10.00 to 9.90.
        ("TRAIL 0.10", "09:30:15"),
    ],
)
def test_a_trailing_sale_keeps_its_distance_below_the_best_last_price(trail: str, stops_at: str) -> None:
    assert played(f"SELL 100 X {trail}") == [f"{stops_at} 100 @ {quote_at(stops_at).bid}"]


def test_the_trigger_of_a_trail_can_be_seen_to_move() -> None:
    market = venue(BARS, start=OPEN)
    market.submit(order("SELL 100 X TRAIL 0.50"))
    assert market.trigger_price(1) == Decimal("9.50")
    market.advance(at("2024-07-02 09:30:45"))
    assert market.trigger_price(1) == Decimal("9.70")
    market.submit(order("BUY 100 X LMT 9.00", key=2))
    assert market.trigger_price(2) is None


def test_a_trailing_purchase_follows_the_market_down() -> None:
    # The lowest last price is 9.40 at 9:32:15; 0.20 above it is 9.60 at 9:32:30.
    assert played("BUY 100 X TRAIL 0.20")[0].startswith("09:30:30")
    assert played("BUY 100 X TRAIL 0.31", until="09:31:59") == []
    market = venue(BARS, start="2024-07-02 09:32:00")
    market.submit(order("BUY 100 X TRAIL 0.20"))
    assert fills(market.advance(at("2024-07-02 09:40"))) == [f"09:32:30 100 @ {quote_at('09:32:30').ask}"]


def test_a_stop_that_the_market_is_already_beyond_is_set_off_at_once() -> None:
    market = venue(BARS, start=OPEN, stands=True)
    assert steps(market.submit(order("SELL 100 X STP 10.50"))) == ["HELD trigger", "WORKING", "FILLED"]
    assert steps(market.submit(order("BUY 100 X STP_LMT 9.50 9.60", key=2)), 2) == ["HELD trigger", "WORKING"]


def test_a_trail_starts_where_its_stop_price_says() -> None:
    # A trail of 1.00 from 10.00 would stop at 9.00; told to start at 9.95 it is set off at 9.90.
    assert played("SELL 100 X TRAIL 1.00", stop_price=Decimal("9.95"))[0].startswith("09:30:15")
    assert played("SELL 100 X TRAIL 1.00") == []


def test_a_trailing_stop_limit_trades_down_to_its_offset_below_the_stop() -> None:
    # Stop 9.80 at 9:31:30 with a bid at or under 9.80: an offset of 0.05 reaches it.
    assert played("SELL 100 X TRAIL_LIMIT 0.40 0.05") == [f"09:31:30 100 @ {quote_at('09:31:30').bid}"]
    # 0.41: the stop of 9.79 is jumped across; its limit of 9.74 waits until 9:33.
    assert played("SELL 100 X TRAIL_LIMIT 0.41 0.05", until="09:32:59") == []


def test_an_immediate_order_cancels_what_the_quote_does_not_fill() -> None:
    market = venue(BARS, start=OPEN, max_participation=Decimal(1))
    quote = market.quote("X")
    assert quote is not None
    events = market.submit(order(f"BUY {quote.ask_size + 50} X MKT IOC"))
    assert fills(events) == [f"09:30:00 {quote.ask_size} @ {quote.ask}"]
    assert steps(events) == ["WORKING", "WORKING", "CANCELLED 202"]
    assert market.update(1).remaining == 50


def test_a_fill_or_kill_order_fills_whole_or_not_at_all() -> None:
    market = venue(BARS, start=OPEN, max_participation=Decimal(1))
    quote = market.quote("X")
    assert quote is not None
    assert steps(market.submit(order(f"BUY {quote.ask_size + 1} X MKT FOK"))) == ["WORKING", "CANCELLED 202"]
    assert steps(market.submit(order("BUY 10 X LMT 9.00 FOK", key=2)), 2) == ["WORKING", "CANCELLED 202"]
    whole = market.submit(order(f"BUY {quote.ask_size} X MKT FOK", key=3))
    assert fills(whole) == [f"09:30:00 {quote.ask_size} @ {quote.ask}"]


def test_orders_fill_in_the_order_of_price_then_of_time() -> None:
    market = venue(BARS, start=OPEN, max_participation=Decimal("0.1"))
    for key, limit in enumerate(["9.92", "9.96", "9.96", "9.99"], start=1):
        market.submit(order(f"BUY 150 X LMT {limit}", key=key))
    events = market.advance(at("2024-07-02 09:30:59"))
    filled = [(fill.order_key, int(fill.quantity)) for fill in events if isinstance(fill, VenueFill)]
    # A tenth of 4,000 shares is 400: the best price first, then the two at 9.96 by age.
    assert filled == [(4, 150), (2, 150), (3, 100)]


def test_a_modification_keeps_its_place_unless_it_asks_for_more_or_for_another_price() -> None:
    def first_filled(changed: str) -> int:
        market = venue(BARS, start=OPEN, max_participation=Decimal("0.025"))
        market.submit(order("BUY 100 X LMT 9.95", key=1))
        market.submit(order("BUY 100 X LMT 9.95", key=2))
        market.modify(order(changed, key=1))
        return next(fill.order_key for fill in market.advance(at("2024-07-02 09:31")) if isinstance(fill, VenueFill))

    assert first_filled("BUY 90 X LMT 9.95") == 1
    assert first_filled("BUY 110 X LMT 9.95") == 2
    assert first_filled("BUY 100 X LMT 9.94") == 2


def test_a_modified_order_that_is_now_marketable_fills_at_once() -> None:
    market = venue(BARS, start=OPEN)
    market.submit(order("BUY 100 X LMT 9.00"))
    assert fills(market.modify(order("BUY 80 X LMT 10.50"))) == [f"09:30:00 80 @ {quote_at('09:30:00').ask}"]


def test_modifications_that_make_no_sense_leave_the_order_as_it_was() -> None:
    market = venue(BARS, start=OPEN)
    market.submit(order("BUY 100 X LMT 9.00"))
    assert steps(market.modify(order("SELL 100 X LMT 9.00"))) == ["WORKING 105"]
    assert steps(market.modify(order("BUY 100 X LMT 9.001"))) == ["WORKING 110"]
    assert steps(market.modify(order("BUY 900000 X LMT 9.00"))) == ["WORKING 201"]
    assert market.order(1) == order("BUY 100 X LMT 9.00")
    market.cancel(1)
    assert steps(market.modify(order("BUY 50 X LMT 9.00"))) == ["CANCELLED 104"]
    assert steps(market.modify(order("BUY 50 X LMT 9.00", key=9)), 9) == ["REJECTED 10147"]


def test_cancelling_tells_whether_there_was_something_to_cancel() -> None:
    market = venue(BARS, start=OPEN)
    market.submit(order("BUY 100 X LMT 9.00"))
    assert steps(market.cancel(1)) == ["CANCELLED 202"]
    assert steps(market.cancel(1)) == ["CANCELLED 10148"]
    assert steps(market.cancel(7), 7) == ["REJECTED 10147"]
    market.submit(order("BUY 100 X MKT", key=2))
    assert steps(market.cancel(2), 2) == ["FILLED 10148"]


def test_a_fill_can_be_faster_than_a_cancellation() -> None:
    market = venue(BARS, start=OPEN, latency=timedelta(seconds=1))
    assert market.submit(order("BUY 100 X LMT 9.95")) == []
    assert market.update(1).status is VenueStatus.HELD
    market.advance(at("2024-07-02 09:30:14.500"))
    assert market.cancel(1) == []
    events = market.advance(at("2024-07-02 09:30:20"))
    assert fills(events) == ["09:30:15 100 @ 9.95"]
    assert steps(events) == ["FILLED", "FILLED 10148"]


def test_an_order_arrives_after_the_latency_and_meets_the_quote_of_then() -> None:
    market = venue(BARS, start=OPEN, latency=timedelta(seconds=20))
    market.submit(order("BUY 100 X MKT"))
    assert fills(market.advance(at("2024-07-02 09:31"))) == [f"09:30:20 100 @ {quote_at('09:30:15').ask}"]


def test_where_time_stands_the_quote_never_runs_out() -> None:
    market = venue(BARS, start=OPEN, stands=True, latency=timedelta(seconds=5), max_participation=Decimal("0.01"))
    for key in range(1, 4):
        assert steps(market.submit(order("BUY 5000 X MKT", key=key)), key) == ["WORKING", "FILLED"]
    assert market.now == at(OPEN)


@pytest.mark.parametrize(
    ("text", "changed", "code"),
    [
        ("BUY 0 X MKT", {}, 201),
        ("BUY 0.5 X MKT", {}, 10243),
        ("BUY 10 X LMT 10.005", {}, 110),
        ("BUY 10 X LMT 0.51239", {}, 110),
        ("BUY 10 NOWHERE MKT", {}, 200),
        ("BUY 10 X STP 10.005", {}, 110),
        ("BUY 10 X MKT GTD", {}, 321),
        ("BUY 10 X STP 9 OPG", {}, 321),
        ("BUY 10 X MOC GTC", {}, 321),
        ("BUY 10 X LMT 9", {"limit_price": None}, 321),
        ("BUY 10 X TRAIL 0.1", {"trail_percent": Decimal(1)}, 321),
        ("BUY 10 X TRAIL_LIMIT 0.1", {}, 321),
        ("BUY 10 X MKT", {"account_id": "DU999"}, 321),
        ("BUY 10 X MKT", {"parent_key": 77}, 201),
        ("BUY 10 X MKT", {"algo": "DarkIce"}, 442),
        ("BUY 10 X LMT 9", {"algo": "Vwap", "algo_params": {"maxPctVol": "0.9"}}, 441),
    ],
)
def test_what_a_broker_refuses_is_rejected_with_ib_s_code(text: str, changed: dict[str, Any], code: int) -> None:
    market = venue(BARS, start=OPEN)
    assert steps(market.submit(order(text, **changed))) == [f"REJECTED {code}"]
    assert market.working() == []


def test_prices_below_a_dollar_may_have_four_decimals() -> None:
    market = venue(BARS, start=OPEN)
    assert steps(market.submit(order("BUY 10 X LMT 0.5123"))) == ["WORKING"]


def test_a_key_is_used_once() -> None:
    market = venue(BARS, start=OPEN)
    market.submit(order("BUY 100 X LMT 9.00"))
    assert steps(market.submit(order("SELL 5 X MKT"))) == ["WORKING 103"]
    assert market.order(1) == order("BUY 100 X LMT 9.00")


def test_events_tell_the_market_in_order_and_the_minute_when_it_is_over() -> None:
    market = venue(BARS, start=OPEN)
    events = market.advance(at("2024-07-02 09:31:00"))
    assert [type(event) for event in events] == [*[Quote, Print] * 3, MinuteBar, Quote, Print]
    bar = next(event for event in events if isinstance(event, MinuteBar))
    assert (bar.starts_at, bar.high, bar.volume) == (at(OPEN), Decimal("10.20"), 4_000)


def test_the_next_event_is_when_something_happens() -> None:
    market = venue(BARS, start=OPEN)
    due = market.next_event_at()
    assert due == at("2024-07-02 09:30:15")
    assert due is not None
    assert market.advance(due - timedelta(microseconds=1)) == []
    assert market.advance(due) != []
    with pytest.raises(ValueError, match="expected a time from"):
        market.advance(at(OPEN))


def test_only_symbols_that_somebody_watches_are_told() -> None:
    frames = [BARS, minutes(OPEN, ["20.00 20.20 19.90 20.10"] * 4, symbol="Y")]
    market = Venue(
        tape(*frames), VenueSettings(accounts={"DU100": Decimal(100_000)}, starts_at=at(OPEN), watches_all=False)
    )
    market.watch("Y")
    market.submit(order("BUY 100 X LMT 9.95"))
    first = market.advance(at("2024-07-02 09:30:50"))
    later = market.advance(at("2024-07-02 09:33:00"))
    assert fills(first) == ["09:30:15 100 @ 9.95"]
    assert {event.symbol for event in first if isinstance(event, Quote)} == {"Y"}
    assert {event.symbol for event in later if isinstance(event, Quote)} == {"Y"}
    quote, expected = market.quote("X"), quote_at("09:33:00")
    assert quote is not None
    assert (quote.bid, quote.ask) == (expected.bid, expected.ask)


def test_a_minute_s_allowance_is_not_renewed_by_looking_away() -> None:
    market = venue(BARS, start=OPEN, watches_all=False, max_participation=Decimal("0.05"))
    for key, second in enumerate(range(1, 60, 10), start=1):
        market.advance(at(f"2024-07-02 09:30:{second:02}"))
        market.submit(order("BUY 100 X MKT IOC", key=key))
    assert sum(fill.quantity for fill in market.fills()) == 200


def test_recorded_quotes_take_the_place_of_made_up_ones() -> None:
    rows = {"symbol": ["X"] * 2, "timestamp": [at(OPEN), at("2024-07-02 09:30:20")]}
    sizes = {"bid": [9.97, 9.80], "ask": [10.03, 9.90], "bid_size": [100, 100], "ask_size": [200, 300]}
    market = Venue(
        tape(BARS, quotes=pd.DataFrame({**rows, **sizes})),
        VenueSettings(accounts={"DU100": Decimal(100_000)}, starts_at=at(OPEN)),
    )
    assert fills(market.submit(order("BUY 100 X MKT"))) == ["09:30:00 100 @ 10.03"]
    market.submit(order("BUY 100 X LMT 9.95", key=2))
    assert fills(market.advance(at("2024-07-02 09:30:25")))[0] == "09:30:15 100 @ 9.95"


def test_executions_have_ids_of_their_own_and_updates_their_averages() -> None:
    market = venue(BARS, start=OPEN, max_participation=Decimal("0.05"))
    events = [*market.submit(order("BUY 500 X MKT")), *market.advance(at("2024-07-02 09:34"))]
    told = [event for event in events if isinstance(event, VenueFill)]
    assert sum(fill.quantity for fill in told) == 500
    assert len({fill.execution_id for fill in told}) == len(told) > 1
    last = [event for event in events if isinstance(event, OrderUpdate)][-1]
    value = sum((fill.quantity * fill.price for fill in told), Decimal(0))
    assert abs(last.average_price - value / 500) <= Decimal("0.00005")


def test_a_fill_can_be_made_to_cross_a_cancellation() -> None:
    market = venue(BARS, start=OPEN, latency=timedelta(seconds=1))
    market.submit(order("BUY 100 X LMT 9.00"))
    market.advance(at("2024-07-02 09:30:05"))
    market.cancel(1)
    assert fills(market.fill_now(1, Decimal(60))) == ["09:30:05 60 @ 9.00"]
    assert steps(market.advance(at("2024-07-02 09:30:10"))) == ["CANCELLED 202"]
    assert market.update(1).filled == 60
    assert market.fill_now(1, Decimal(60)) == market.fill_now(7, Decimal(1)) == []
