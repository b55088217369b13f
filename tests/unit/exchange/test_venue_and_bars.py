"""The venue and the bar matching of the backtest agree on what a bar fills: they ask the same questions of prices."""

from datetime import date
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading import bar
from tests.trading import order as plain_order
from tests.unit.exchange.venues import at, minutes, order, venue
from tickledger.exchange.fill_models import FillModel
from tickledger.exchange.matching import match_at_open, match_in_session

SPREAD = Decimal("0.01")
FREE = FillModel(slippage_bps=Decimal(0))
DAY = date(2024, 7, 2)


@st.composite
def bars(draw: st.DrawFn) -> str:
    """A bar around 10.00 as ``"open high low close"``."""
    low, high = sorted(draw(st.integers(950, 1050)) for _ in range(2))
    open_, close = (draw(st.integers(low, high)) for _ in range(2))
    return " ".join(f"{price / 100:.2f}" for price in (open_, high, low, close))


def bar_fill(kind: str, prices: str) -> Decimal | None:
    placed, whole = plain_order(kind), bar("X", f"{DAY}", prices)
    for match in (match_at_open, match_in_session):
        fill = match(placed, remaining=placed.quantity, bar=whole, model=FREE)
        if fill is not None:
            return fill.price
    return None


def venue_fill(text: str, prices: str) -> Decimal | None:
    """The fill of an order that waits for the open, in the one minute of the day."""
    market = venue(minutes(f"{DAY} 09:30", [prices]), start=f"{DAY} 09:00")
    market.submit(order(text))
    market.advance(at(f"{DAY} 09:31"))
    return next((fill.price for fill in market.fills()), None)


@settings(max_examples=150, deadline=None)
@given(prices=bars(), is_buy=st.booleans(), limit=st.integers(940, 1060))
def test_a_limit_that_a_bar_trades_through_fills_at_the_venue_too(prices: str, is_buy: bool, limit: int) -> None:  # noqa: FBT001
    side, price = "BUY" if is_buy else "SELL", Decimal(limit).scaleb(-2)
    expected = bar_fill(f"{side} 5 X LIMIT {price}", prices)
    found = venue_fill(f"{side} 5 X LMT {price}", prices)
    open_, high, low, _ = map(Decimal, prices.split())
    is_through = low < price if is_buy else high > price
    if is_through:
        assert expected is not None
        assert found is not None
        assert abs(found - expected) <= max(SPREAD, abs(open_ - price))
    if found is not None:
        assert low <= price if is_buy else high >= price
        assert found <= price if is_buy else found >= price


@settings(max_examples=150, deadline=None)
@given(prices=bars(), is_buy=st.booleans(), stop=st.integers(940, 1060))
def test_a_stop_that_a_bar_sets_off_is_set_off_at_the_venue_and_no_other(prices: str, is_buy: bool, stop: int) -> None:  # noqa: FBT001
    side, price = "BUY" if is_buy else "SELL", Decimal(stop).scaleb(-2)
    expected = bar_fill(f"{side} 5 X STOP {price}", prices)
    found = venue_fill(f"{side} 5 X STP {price}", prices)
    assert (found is None) == (expected is None)
    if found is not None:
        # The venue's fill is at the quote of the print that set it off: at the stop or beyond, but for the spread.
        assert found >= price - SPREAD if is_buy else found <= price + SPREAD
