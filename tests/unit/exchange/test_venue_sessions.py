"""The day: auctions, half days, holidays, extended hours, halts, and how long orders work."""

from decimal import Decimal

import pytest

from tests.unit.exchange.venues import at, days, fills, minutes, order, steps, venue
from tickledger.domain.bar import Print, Quote
from tickledger.exchange.venue_orders import Halt, SessionChange, VenueStatus

#: The Wednesday before Independence Day of 2024 ends at 13:00; Thursday is a holiday.
HALF_DAY = days({"2024-07-03": "10.00 10.60 9.50 10.20", "2024-07-05": "10.40 10.80 9.90 10.00"})


def test_on_open_orders_fill_at_the_open_and_on_close_orders_at_the_close() -> None:
    market = venue(HALF_DAY, start="2024-07-03 08:00")
    for key, text in enumerate(["BUY 100 X MKT OPG", "SELL 30 X LMT 9.90 OPG", "BUY 5 X LMT 9.90 OPG"], start=1):
        assert steps(market.submit(order(text, key=key)), key) == ["HELD"]
    market.submit(order("SELL 70 X MOC", key=4))
    market.submit(order("SELL 5 X LOC 10.30", key=5))
    events = market.advance(at("2024-07-03 16:00"))
    assert fills(events, 1) == ["09:30:00 100 @ 10.00"]
    assert fills(events, 2) == ["09:30:00 30 @ 10.00"]
    assert steps(events, 3) == ["CANCELLED 202"]
    assert fills(events, 4) == ["13:00:00 70 @ 10.20"]
    assert steps(events, 5) == ["CANCELLED 202"]


def test_a_half_day_closes_at_one_and_the_holiday_after_it_stays_closed() -> None:
    market = venue(HALF_DAY, start="2024-07-03 09:00")
    events = market.advance(at("2024-07-05 09:30"))
    changes = [(event.occurred_at, event.is_open) for event in events if isinstance(event, SessionChange)]
    assert changes == [
        (at("2024-07-03 09:30"), True),
        (at("2024-07-03 13:00"), False),
        (at("2024-07-05 09:30"), True),
    ]
    assert market.session_times(at("2024-07-03 12:00").date()) == (at("2024-07-03 09:30"), at("2024-07-03 13:00"))
    assert market.session_times(at("2024-07-04 12:00").date()) is None
    prints = [event for event in events if isinstance(event, Print)]
    assert max(event.traded_at for event in prints if event.traded_at < at("2024-07-04 00:00")) < at("2024-07-03 13:00")


def test_orders_for_the_day_end_with_it_and_others_go_on() -> None:
    market = venue(HALF_DAY, start="2024-07-03 09:00")
    market.submit(order("BUY 100 X LMT 9.00", key=1))
    market.submit(order("BUY 100 X LMT 9.00 GTC", key=2))
    market.submit(order("BUY 100 X LMT 9.00 GTD", key=3, good_till=at("2024-07-05 11:00")))
    events = market.advance(at("2024-07-03 14:00"))
    assert steps(events, 1) == ["WORKING", "CANCELLED 202"]
    assert steps(events, 2) == ["WORKING", "HELD"]
    assert steps(market.submit(order("BUY 100 X LMT 9.00", key=4)), 4) == ["HELD"]
    events = market.advance(at("2024-07-05 12:00"))
    assert steps(events, 3) == ["WORKING", "CANCELLED 202"]
    assert [found.order_key for found in market.working()] == [2, 4]
    assert steps(market.advance(at("2024-07-05 16:00")), 4) == ["CANCELLED 202"]


def test_an_order_held_over_night_trades_at_the_open_of_the_day_and_not_with_yesterday_s_quote() -> None:
    market = venue(HALF_DAY, start="2024-07-03 14:00")
    assert steps(market.submit(order("BUY 100 X MKT"))) == ["HELD"]
    assert fills(market.advance(at("2024-07-05 09:30"))) == ["09:30:00 100 @ 10.40"]


def test_good_after_time_holds_an_order_back() -> None:
    market = venue(HALF_DAY, start="2024-07-03 09:35")
    assert steps(market.submit(order("BUY 100 X MKT", good_after=at("2024-07-03 11:00")))) == ["HELD"]
    assert fills(market.advance(at("2024-07-03 11:30")))[0].startswith("11:00:00 100 @")


def test_on_close_orders_come_until_ten_minutes_before_the_close() -> None:
    market = venue(HALF_DAY, start="2024-07-03 12:50")
    assert steps(market.submit(order("BUY 100 X MOC", key=1)), 1) == ["HELD"]
    market.advance(at("2024-07-03 12:50:01"))
    assert steps(market.submit(order("BUY 100 X MOC", key=2)), 2) == ["REJECTED 201"]
    market.advance(at("2024-07-03 15:00"))
    assert steps(market.submit(order("BUY 100 X MOC", key=3)), 3) == ["HELD"]
    assert fills(market.advance(at("2024-07-05 18:00"))) == ["16:00:00 100 @ 10.00"]


def test_an_on_open_order_sent_after_the_open_waits_for_the_next() -> None:
    market = venue(HALF_DAY, start="2024-07-03 10:00")
    assert steps(market.submit(order("BUY 100 X MKT OPG"))) == ["HELD"]
    assert fills(market.advance(at("2024-07-05 12:00"))) == ["09:30:00 100 @ 10.40"]


EXTENDED = [
    minutes("2024-07-02 08:00", ["9.00 9.10 8.90 9.00"] * 3),
    minutes("2024-07-02 09:30", ["9.50 9.60 9.40 9.50"] * 2),
    minutes("2024-07-02 15:59", ["9.50 9.60 9.40 9.50"]),
    minutes("2024-07-02 16:05", ["9.70 9.80 9.60 9.70"] * 3),
]


def test_only_limits_that_say_so_trade_outside_regular_hours() -> None:
    market = venue(*EXTENDED, start="2024-07-02 07:00")
    market.submit(order("BUY 10 X LMT 9.20", key=1, outside_hours=True))
    market.submit(order("BUY 10 X LMT 9.20", key=2))
    market.submit(order("BUY 10 X MKT", key=3, outside_hours=True))
    market.submit(order("SELL 10 X LMT 9.65", key=4, outside_hours=True))
    events = market.advance(at("2024-07-02 21:00"))
    assert fills(events, 1)[0].startswith("08:00:00 10 @")
    assert fills(events, 2) == []
    assert fills(events, 3)[0].startswith("09:30:00 10 @")
    assert fills(events, 4)[0].startswith("16:05:00 10 @")


def test_a_day_order_for_all_hours_ends_with_late_trading() -> None:
    market = venue(*EXTENDED, start="2024-07-02 15:00")
    market.submit(order("BUY 10 X LMT 9.00", key=1, outside_hours=True))
    assert steps(market.advance(at("2024-07-02 19:59")), 1) == []
    assert steps(market.advance(at("2024-07-02 20:00")), 1) == ["CANCELLED 202"]


def test_a_halt_stops_everything_and_the_market_reopens_where_it_is() -> None:
    bars = minutes(
        "2024-07-02 09:30", ["10.00 10.00 10.00 10.00", "10.00 10.00 9.00 9.00", *["9.00 9.00 9.00 9.00"] * 3]
    )
    market = venue(bars, start="2024-07-02 09:30")
    market.submit(order("BUY 100 X LMT 9.50", key=1))
    market.submit(order("SELL 100 X STP 9.70", key=2))
    assert [type(event) for event in market.halt("X")] == [Halt]
    assert steps(market.submit(order("BUY 100 X MKT", key=3)), 3) == ["WORKING"]
    assert steps(market.submit(order("BUY 100 X MKT IOC", key=4)), 4) == ["WORKING", "CANCELLED 202"]
    during = market.advance(at("2024-07-02 09:33:10"))
    assert [event for event in during if isinstance(event, Quote | Print)] == []
    assert fills(during) == []
    events = market.resume("X")
    quote = market.quote("X")
    assert quote is not None
    # The limit of 9.50 was jumped across, so that it pays what is asked.
    assert sorted(fills(events)) == [f"09:33:10 100 @ {quote.ask}"] * 2
    assert fills(market.advance(at("2024-07-02 09:34")), 2)[0].startswith("09:33:15")


def test_a_halt_over_the_close_cancels_on_close_orders() -> None:
    market = venue(HALF_DAY, start="2024-07-03 12:00")
    market.submit(order("BUY 100 X MOC"))
    market.halt("X")
    assert steps(market.advance(at("2024-07-03 13:00"))) == ["CANCELLED 202"]


def test_a_symbol_that_does_not_trade_on_a_day_fills_nothing_of_that_day() -> None:
    other = days({"2024-07-03": "20 21 19 20", "2024-07-05": "20 21 19 20"}, symbol="Y")
    market = venue(days({"2024-07-05": "10.40 10.80 9.90 10.00"}), other, start="2024-07-03 09:00")
    for key, text in enumerate(["BUY 1 X MKT OPG", "BUY 1 X MKT", "BUY 1 X MOC", "BUY 1 X MKT GTC"], start=1):
        market.submit(order(text, key=key))
    events = market.advance(at("2024-07-03 20:00"))
    assert fills(events) == []
    assert [market.update(key).status for key in (1, 2, 3)] == [VenueStatus.CANCELLED] * 3
    assert fills(market.advance(at("2024-07-05 09:31")), 4)[0].startswith("09:30:00")


@pytest.mark.parametrize("start", ["2024-07-04 12:00", "2024-07-06 12:00"])
def test_a_venue_can_start_on_a_day_without_a_session(start: str) -> None:
    market = venue(HALF_DAY, start=start)
    assert not market.is_open
    last = market.last("X")
    assert last is not None
    assert last.price in {Decimal("10.20"), Decimal("10.00")}
