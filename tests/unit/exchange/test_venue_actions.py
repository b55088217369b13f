"""Corporate actions at the venue: holdings, cash, prices and working orders before the first trade of the ex-date."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from tests.unit.exchange.venues import ACCOUNT, at, days, order, settings, steps, tape
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.exchange.venue import Venue
from tickledger.exchange.venue_orders import VenueStatus

K = CorporateActionKind
VALUES = {"fmv_old": Decimal(30), "fmv_new": Decimal(40)}
BEFORE, EX = "2024-07-02", "2024-07-03"


def acted(kind: CorporateActionKind, after: str = "10 10 10 10", **terms: Any) -> Venue:
    """100 shares bought at 40 the day before an action, with orders that wait; the venue on the morning of it."""
    changed = {name: terms.pop(name) for name in ("cancels_on_split", "watches_all") if name in terms}
    action = CorporateAction("X", date.fromisoformat(EX), kind, **terms)
    frames = [days({BEFORE: "40 40 40 40", EX: after}), days({BEFORE: "40 40 40 40", EX: "40 40 40 40"}, symbol="Y")]
    venue = Venue(tape(*frames, actions=[action]), settings(starts_at=at(f"{BEFORE} 09:30"), **changed))
    venue.submit(order("BUY 100 X LMT 40.05", key=1))
    venue.submit(order("BUY 10 X LMT 30.00 GTC", key=2))
    venue.submit(order("SELL 100 X STP 20.00 GTC", key=3))
    venue.submit(order("SELL 100 X TRAIL 8.00 GTC", key=4, oca_group="out", oca_type=1))
    venue.submit(order("SELL 30 X LMT 50.00 GTC", key=5, oca_group="out", oca_type=1))
    venue.advance(at(f"{EX} 09:00"))
    return venue


@pytest.mark.parametrize("feed", [{"watches_all": True}, {"watches_all": False}])
def test_a_split_multiplies_shares_and_divides_cost_prices_and_orders(feed: dict[str, Any]) -> None:
    venue = acted(K.SPLIT, ratio=Fraction(4), **feed)
    equity = venue.account(ACCOUNT).equity
    (holding,) = venue.account(ACCOUNT).holdings
    assert str(holding.quantity) == "400"
    assert holding.market_price == 10
    assert abs(equity - 1_000_000) < 2
    buy, stop, trail = venue.order(2), venue.order(3), venue.order(4)
    assert (buy.quantity, buy.limit_price) == (Decimal(40), Decimal("7.50"))
    assert (stop.quantity, stop.stop_price) == (Decimal(400), Decimal("5.00"))
    assert (trail.quantity, trail.trail_amount) == (Decimal(400), Decimal("2.00"))
    # The trail stood at 32.00 under a last price of 40.00; now at 8.00 under 10.00, which does not set it off.
    venue.advance(at(f"{EX} 16:30"))
    assert venue.update(4).status is VenueStatus.HELD


def test_a_reverse_split_that_leaves_less_than_a_share_ends_the_order() -> None:
    venue = acted(K.SPLIT, after="1200 1200 1200 1200", ratio=Fraction(1, 30))
    assert venue.update(2).status is VenueStatus.CANCELLED
    assert venue.order(3).quantity == 3
    assert venue.order(5).limit_price == 1_500


def test_a_split_cancels_orders_where_that_is_the_setting() -> None:
    venue = acted(K.SPLIT, ratio=Fraction(4), cancels_on_split=True)
    assert venue.working() == []
    assert steps([venue.update(2)], 2) == ["CANCELLED 202"]


@pytest.mark.parametrize(
    ("kind", "terms", "left"),
    [
        (K.TICKER_CHANGE, {"new_symbol": "Y"}, []),
        (K.SPINOFF, {"ratio": Fraction(1, 2), "new_symbol": "Y", **VALUES}, [5]),
        (K.DIVIDEND, {"amount": Decimal(1)}, [2, 3, 4, 5]),
        (K.RETURN_OF_CAPITAL, {"amount": Decimal(1)}, [2, 3, 4, 5]),
        (K.MERGER, {"amount": Decimal(45)}, []),
    ],
)
def test_then_every_order_that_an_action_changes_is_cancelled_and_no_other(
    kind: K, terms: dict[str, Any], left: list[int]
) -> None:
    venue = acted(kind, cancels_on_split=True, **terms)
    assert [placed.order_key for placed in venue.working()] == left
    over = [key for key in (2, 3, 4, 5) if key not in left]
    assert all(f"Corporate action: {kind} of X." in venue.update(key).text for key in over)


def test_a_dividend_is_cash_and_leaves_orders_alone() -> None:
    venue = acted(K.DIVIDEND, after="40 40 40 40", amount=Decimal("0.25"))
    fill = venue.fills()[0]
    assert venue.account(ACCOUNT).cash == 1_000_000 - 100 * fill.price + 25
    assert [placed.order_key for placed in venue.working()] == [2, 3, 4, 5]


def test_a_change_of_ticker_renames_holding_and_orders() -> None:
    venue = acted(K.TICKER_CHANGE, new_symbol="Y")
    assert [holding.symbol for holding in venue.account(ACCOUNT).holdings] == ["Y"]
    assert {placed.symbol for placed in venue.working()} == {"Y"}
    venue.modify(order("BUY 10 Y LMT 45.00 GTC", key=2))
    venue.advance(at(f"{EX} 10:00"))
    assert venue.update(2).status is VenueStatus.FILLED


def test_a_merger_for_cash_pays_the_shares_and_ends_the_orders() -> None:
    venue = acted(K.MERGER, amount=Decimal(45))
    state = venue.account(ACCOUNT)
    assert state.holdings == ()
    assert state.cash == 1_000_000 - 100 * venue.fills()[0].price + 4_500
    assert venue.working() == []


def test_a_spin_off_lowers_limits_to_buy_and_stops_to_sell() -> None:
    venue = acted(
        K.SPINOFF, ratio=Fraction(1, 2), new_symbol="Y", fmv_old=Decimal(30), fmv_new=Decimal(20), after="30 30 30 30"
    )
    assert venue.order(2).limit_price == 20
    assert venue.order(3).stop_price == 10
    assert venue.order(5).limit_price == 50
    assert {h.symbol: h.quantity for h in venue.account(ACCOUNT).holdings} == {"X": 100, "Y": 50}


@pytest.mark.parametrize(
    ("kind", "after", "terms"),
    [
        (K.SPLIT, "10 10 10 10", {"ratio": Fraction(4)}),
        (K.SPLIT, "1300 1300 1300 1300", {"ratio": Fraction(1, 30)}),
        (K.DIVIDEND, "39 39 39 39", {"amount": Decimal("0.50")}),
        (K.MERGER, "40 40 40 40", {"ratio": Fraction(1, 2), "new_symbol": "Y"}),
        (K.SPINOFF, "30 30 30 30", {"ratio": Fraction(1, 4), "new_symbol": "Y", **VALUES}),
        (K.TICKER_CHANGE, "40 40 40 40", {"new_symbol": "Y"}),
    ],
)
def test_the_day_s_gains_of_holdings_add_up_over_an_action(kind: K, after: str, terms: dict[str, Any]) -> None:
    venue = acted(kind, after, **terms)
    for instant in (f"{EX} 09:00", f"{EX} 16:30"):
        venue.advance(at(instant))
        state = venue.account(ACCOUNT)
        assert abs(sum(holding.daily_pnl for holding in state.holdings) - state.daily_pnl) < Decimal("0.000001")
