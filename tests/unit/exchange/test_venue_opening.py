"""The opening auction of orders that waited for the session, and what liquidity costs."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import settings as property_settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.exchange.venues import ACCOUNT, at, days, fills, minutes, order, settings, steps, tape, venue
from tickledger.bars.calendars import sessions
from tickledger.domain.bar import Quote
from tickledger.exchange.venue import Venue
from tickledger.exchange.venue_orders import VenueFill, VenueStatus

BEFORE, OPEN = "2024-07-02 09:00", "2024-07-02 09:30"
#: 9:30 goes 10.00 9.90 10.20 10.10 on 4,000 shares, 9:31 stays at 10.10.
BARS = minutes(OPEN, ["10.00 10.20 9.90 10.10", "10.10 10.10 10.10 10.10"])
AT_OPEN, FIRST_MINUTE = OPEN, f"{OPEN}:59"


def waiting(*texts: str, **changed: object) -> Venue:
    """Orders that were sent before the open, with keys from 1 on."""
    market = venue(BARS, start=BEFORE, **changed)
    for key, text in enumerate(texts, start=1):
        assert steps(market.submit(order(text, key=key)), key)[0].startswith("HELD")
    return market


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("BUY 100 X MKT", "10.00"),
        ("SELL 100 X MKT", "10.00"),
        ("BUY 100 X LMT 10.50 GTC", "10.00"),
        ("BUY 100 X LMT 10.00", "10.00"),
        ("SELL 100 X LMT 9.50", "10.00"),
        ("BUY 100 X MKT IOC", "10.00"),
        ("BUY 100 X LMT 10.00 FOK", "10.00"),
        ("BUY 100 X LMT 9.99", None),
        ("SELL 100 X LMT 10.02", None),
    ],
)
def test_what_waited_for_the_session_trades_at_the_open_where_its_limit_allows(text: str, expected: str | None) -> None:
    filled = fills(waiting(text).advance(at(AT_OPEN)))
    assert filled == ([] if expected is None else [f"09:30:00 100 @ {expected}"])


def test_a_limit_that_the_open_misses_rests_on_the_book() -> None:
    market = waiting("BUY 100 X LMT 9.95")
    assert fills(market.advance(at(FIRST_MINUTE))) == ["09:30:15 100 @ 9.95"]


def test_what_the_auction_leaves_stays_on_the_book_but_for_orders_for_the_auction_alone() -> None:
    # A tenth of the minute's 4,000 shares is all there is in it.
    market = waiting("BUY 300 X MKT", "BUY 300 X MKT OPG", "BUY 100 X LMT 10.50", max_participation=Decimal("0.1"))
    events = market.advance(at(FIRST_MINUTE))
    assert [(f.order_key, f.quantity, f.price) for f in events if isinstance(f, VenueFill)] == [
        (1, Decimal(300), Decimal("10.00")),
        (2, Decimal(100), Decimal("10.00")),
    ]
    assert market.update(2).status is VenueStatus.CANCELLED
    assert market.update(3).status is VenueStatus.WORKING
    assert fills(market.advance(at("2024-07-02 09:31:30")), 3)[0].startswith("09:31:00 100 @")


def test_orders_without_a_limit_come_first_then_the_better_limit_then_the_earlier() -> None:
    texts = ["BUY 100 X LMT 10.10", "BUY 100 X LMT 10.30", "BUY 100 X LMT 10.10", "BUY 100 X MKT"]
    market = waiting(*texts, max_participation=Decimal("0.0875"))
    filled = [(f.order_key, int(f.quantity)) for f in market.advance(at(AT_OPEN)) if isinstance(f, VenueFill)]
    assert filled == [(4, 100), (2, 100), (1, 100), (3, 50)]


def test_a_fill_or_kill_order_that_the_auction_cannot_fill_whole_is_killed() -> None:
    market = waiting("BUY 500 X MKT FOK", max_participation=Decimal("0.1"))
    assert steps(market.advance(at(AT_OPEN))) == ["WORKING", "CANCELLED 202"]


def test_an_immediate_order_takes_what_the_auction_and_the_first_quote_give() -> None:
    market = waiting("BUY 500 X MKT IOC", max_participation=Decimal("0.1"))
    events = market.advance(at(AT_OPEN))
    assert fills(events) == ["09:30:00 400 @ 10.00"]
    assert steps(events)[-1] == "CANCELLED 202"


def test_stops_that_the_opening_price_reaches_are_set_off_at_it() -> None:
    market = waiting("SELL 100 X STP 10.00", "SELL 100 X STP 9.99", "BUY 100 X STP 10.00")
    events = market.advance(at(AT_OPEN))
    quote = next(event for event in events if isinstance(event, Quote))
    assert fills(events, 1) == [f"09:30:00 100 @ {quote.bid}"]
    assert fills(events, 2) == []
    assert fills(events, 3) == [f"09:30:00 100 @ {quote.ask}"]


def test_an_order_of_the_broker_s_algorithms_takes_no_part() -> None:
    market = venue(BARS, start=BEFORE)
    market.submit(order("BUY 100 X MKT", algo="Twap"))
    filled = fills(market.advance(at(OPEN)))
    quote = market.quote("X")
    assert quote is not None
    assert all(fill.endswith(f"@ {quote.ask}") for fill in filled)


def test_a_symbol_that_opens_late_has_its_auction_then() -> None:
    market = venue(BARS, minutes("2024-07-02 09:35", ["20.00 20.20 19.90 20.10"], symbol="Y"), start=BEFORE)
    market.submit(order("BUY 100 Y MKT"))
    assert fills(market.advance(at("2024-07-02 09:36"))) == ["09:35:00 100 @ 20.00"]


def test_an_order_at_the_open_has_the_minutes_of_no_other_day_made() -> None:
    dates = [f"{day}" for day in sessions(date(2024, 7, 1), date(2024, 8, 30))]
    symbols = [days(dict.fromkeys(dates, "10 11 9 10"), symbol=symbol) for symbol in "ABC"]
    market_tape = tape(*symbols)
    cash_terms = settings(starts_at=at("2024-07-01 03:00"), watches_all=False, initial_margin=Decimal(1))
    market = Venue(market_tape, cash_terms)
    for key, day in enumerate(dates[:-1:10], start=1):
        market.advance(at(f"{day} 16:00"))
        market.submit(order("BUY 10 A MKT", key=key))
        assert market.account(ACCOUNT).equity == 1_000_000
    market.advance(at("2024-08-30 16:00"))
    assert len(market.fills()) == key
    assert market_tape.minutes_of.cache_info().misses == key


SLIPPED = {"slippage_bps": Decimal("3.3")}


def test_what_takes_liquidity_slips_against_the_trader_to_a_hundredth_of_a_cent() -> None:
    market = waiting("BUY 100 X MKT", "SELL 100 X MKT", "BUY 5 X MKT OPG", **SLIPPED)
    events = market.advance(at(AT_OPEN))
    assert fills(events, 1) == ["09:30:00 100 @ 10.0033"]
    assert fills(events, 2) == ["09:30:00 100 @ 9.9967"]
    assert fills(events, 3) == ["09:30:00 5 @ 10.0033"]
    quote = market.quote("X")
    assert quote is not None
    assert fills(market.submit(order("BUY 7 X MKT", key=9))) == [f"09:30:00 7 @ {(quote.ask * Decimal('1.00033')):.4f}"]


def test_slippage_ends_at_the_limit_and_spares_what_rested() -> None:
    market = waiting("BUY 100 X LMT 10.00", "BUY 100 X LMT 9.95", **SLIPPED)
    events = market.advance(at(FIRST_MINUTE))
    assert fills(events, 1) == ["09:30:00 100 @ 10.00"]
    assert fills(events, 2) == ["09:30:15 100 @ 9.95"]


def test_a_closing_auction_slips_too() -> None:
    market = venue(days({"2024-07-02": "10 11 9 10.5"}), start=BEFORE, slippage_bps=Decimal(10))
    market.submit(order("BUY 100 X MOC"))
    assert fills(market.advance(at("2024-07-02 16:00"))) == ["16:00:00 100 @ 10.5105"]


@st.composite
def one_bar(draw: st.DrawFn) -> str:
    """A bar around 10.00 as ``"open high low close"``."""
    low, high = sorted(draw(st.integers(950, 1050)) for _ in range(2))
    open_, close = (draw(st.integers(low, high)) for _ in range(2))
    return " ".join(f"{price / 100:.2f}" for price in (open_, high, low, close))


def price_in(bar: str, text: str) -> Decimal | None:
    """The price at which an order that waits for the open fills on a day of one minute."""
    market = venue(minutes(OPEN, [bar]), start=BEFORE)
    market.submit(order(text))
    market.advance(at("2024-07-02 09:31"))
    return next((fill.price for fill in market.fills()), None)


@property_settings(max_examples=examples(150), deadline=None)
@given(bar=one_bar(), side=st.sampled_from(["BUY", "SELL"]), limit=st.integers(940, 1060))
def test_a_limit_fills_at_the_open_if_it_is_as_good_else_at_the_limit_if_the_bar_goes_through_it(
    bar: str, side: str, limit: int
) -> None:
    price, sign = Decimal(limit).scaleb(-2), 1 if side == "BUY" else -1
    found = price_in(bar, f"{side} 5 X LMT {price}")
    open_, high, low, _ = map(Decimal, bar.split())
    if sign * (price - open_) >= 0:
        assert found == open_
    elif low < price < high:
        assert found is not None
        assert 0 <= sign * (price - found) <= Decimal("0.01")
    elif found is not None:
        assert price in {low, high}


@property_settings(max_examples=examples(150), deadline=None)
@given(bar=one_bar(), side=st.sampled_from(["BUY", "SELL"]), stop=st.integers(940, 1060))
def test_a_stop_is_set_off_if_the_bar_touches_it_and_fills_no_better(bar: str, side: str, stop: int) -> None:
    price, sign = Decimal(stop).scaleb(-2), 1 if side == "BUY" else -1
    found = price_in(bar, f"{side} 5 X STP {price}")
    _, high, low, _ = map(Decimal, bar.split())
    is_touched = high >= price if side == "BUY" else low <= price
    assert (found is not None) == is_touched
    assert found is None or sign * (found - price) >= -Decimal("0.01")
