"""Accounts that are lent nothing: cash is never below zero, and nothing is sold that is not held."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.exchange.venues import ACCOUNT, at, days, fills, minutes, order, settings, steps, tape, venue
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.execution import CashKind, CashTransaction
from tickledger.domain.position import Holding
from tickledger.exchange.fees import OrderProgress, schedule
from tickledger.exchange.venue import Venue
from tickledger.exchange.venue_orders import OrderUpdate, VenueFill

DAY, BEFORE, OPEN = date(2024, 7, 2), "2024-07-02 09:00", "2024-07-02 09:30"
FLAT = minutes(OPEN, ["10 10 10 10"] * 4, volume=4_000)


def cash_account(cash: str, held: str = "0", **changed: Any) -> Venue:
    """A venue before the open, with an account of `cash` and `held` X."""
    holdings = {ACCOUNT: {"X": Holding(Decimal(held), Decimal(9))}} if held != "0" else {}
    terms: dict[str, Any] = {"accounts": {ACCOUNT: Decimal(cash)}, "holdings": holdings, "initial_margin": Decimal(1)}
    return venue(FLAT, start=BEFORE, **{**terms, "fees": schedule("ib_fixed"), **changed})


def reason(market: Venue, key: int = 1) -> str:
    return market.update(key).text


def test_what_cash_does_not_cover_with_its_charges_is_rejected_and_cash_stays_whole() -> None:
    market = cash_account("1000.99")
    market.submit(order("BUY 100 X MKT"))
    events = market.advance(at(OPEN))
    assert fills(events) == []
    assert steps(events) == ["WORKING", "REJECTED 201"]
    assert reason(market).endswith("cash of 1000.99 falls short by 0.0100")
    assert market.account(ACCOUNT).cash == Decimal("1000.99")


def test_a_cent_more_is_enough() -> None:
    market = cash_account("1001.00")
    market.submit(order("BUY 100 X MKT"))
    assert fills(market.advance(at(OPEN))) == ["09:30:00 100 @ 10.00"]
    assert market.account(ACCOUNT).cash == 0


def test_what_is_left_of_an_order_that_ran_out_of_cash_is_cancelled() -> None:
    # 100 of the minute's 4,000 shares are to be had.
    market = cash_account("1500", max_participation=Decimal("0.025"))
    market.submit(order("BUY 200 X MKT"))
    events = market.advance(at("2024-07-02 09:32"))
    assert fills(events) == ["09:30:00 100 @ 10.00"]
    assert steps(events)[-1] == "CANCELLED 202"
    assert "falls short by" in reason(market)


def test_a_fill_that_does_not_happen_takes_no_shares_from_others() -> None:
    terms: dict[str, Any] = {
        "accounts": {ACCOUNT: Decimal(100), "B": Decimal(10_000)},
        "max_participation": Decimal("0.025"),
    }
    market = cash_account("100", **terms)
    market.submit(order("BUY 100 X MKT", key=1))
    market.submit(order("BUY 100 X MKT", key=2, account_id="B"))
    assert fills(market.advance(at(OPEN)), 2) == ["09:30:00 100 @ 10.00"]


def test_more_than_is_held_is_not_sold() -> None:
    market = cash_account("0", held="5")
    market.submit(order("SELL 6 X MKT", key=1))
    market.submit(order("SELL 5 X MKT", key=2))
    market.advance(at(OPEN))
    assert reason(market, 1).endswith("sells 6 shares of X, 5 are held")
    assert [fill.order_key for fill in market.fills()] == [2]


def test_sales_pay_for_purchases_at_the_same_open_whatever_their_symbols() -> None:
    frames = [days({"2024-07-02": "10 10 10 10"}, symbol=symbol) for symbol in ("A", "Z")]
    market = venue(
        *frames,
        start=BEFORE,
        accounts={ACCOUNT: Decimal(0)},
        holdings={ACCOUNT: {"Z": Holding(Decimal(50), Decimal(10))}},
        initial_margin=Decimal(1),
    )
    market.submit(order("BUY 50 A MKT", key=1))
    market.submit(order("SELL 50 Z MKT", key=2))
    filled = [fill.order_key for fill in market.advance(at(OPEN)) if isinstance(fill, VenueFill)]
    assert filled == [2, 1]
    assert market.account(ACCOUNT).cash == 0


def test_inside_the_session_an_order_beyond_the_cash_is_refused_at_once() -> None:
    market = cash_account("1000")
    market.advance(at(OPEN))
    assert steps(market.submit(order("BUY 200 X LMT 9.00"))) == ["REJECTED 201"]


def test_an_account_opens_with_what_it_holds() -> None:
    market = cash_account("1000", held="100", fees=schedule("none"))
    market.advance(at("2024-07-02 09:32"))
    state = market.account(ACCOUNT)
    (holding,) = state.holdings
    assert [holding.quantity, holding.average_cost, state.equity] == [100, 9, 2_000]
    assert state.daily_pnl == holding.daily_pnl
    market.submit(order("SELL 100 X MKT"))
    assert market.fills()[0].realized_pnl == (market.fills()[0].price - 9) * 100


def test_a_deposit_is_no_gain() -> None:
    market = cash_account("1000")
    market.deposit(ACCOUNT, Decimal(500))
    state = market.account(ACCOUNT)
    assert [state.cash, state.settled_cash, state.daily_pnl] == [1_500, 1_500, 0]


@pytest.mark.parametrize("start", ["2024-07-05 16:00", "2024-07-06 12:00", "2024-07-08 03:00"])
def test_an_action_of_the_days_off_before_the_first_session_takes_effect_in_it_once(start: str) -> None:
    action = CorporateAction("X", date(2024, 7, 6), CorporateActionKind.DIVIDEND, amount=Decimal(1))
    bars = days({"2024-07-05": "10 10 10 10", "2024-07-08": "9 9 9 9"})
    terms = settings(starts_at=at(start), holdings={ACCOUNT: {"X": Holding(Decimal(100), Decimal(9))}})
    market = Venue(tape(bars, actions=[action]), terms)
    told = [event for event in market.advance(at("2024-07-09 09:00")) if isinstance(event, CashTransaction)]
    assert [(row.kind, row.amount, row.session_date) for row in told] == [
        (CashKind.DIVIDEND, Decimal(100), date(2024, 7, 8))
    ]


RESTORED = days({"2024-07-02": "10 10.5 9.5 10", "2024-07-03": "10 10.5 9.5 10", "2024-07-05": "10 10.8 9.5 10"})


def test_a_restored_order_goes_on_with_the_commission_it_has_paid() -> None:
    market = venue(RESTORED, start="2024-07-02 16:00", fees=schedule("ib_fixed"))
    done = OrderProgress(Decimal(100), Decimal(1_000), Decimal("1.00"))
    assert market.restore(order("BUY 150 X MKT GTC"), done, 1) == []
    assert [found.order_key for found in market.working()] == [1]
    assert market.update(1).remaining == 50
    (fill,) = (event for event in market.advance(at("2024-07-03 10:00")) if isinstance(event, VenueFill))
    assert [fill.quantity, fill.cumulative, fill.number, fill.commission] == [50, 150, 2, 0]


def test_orders_that_are_restored_in_another_order_keep_their_places() -> None:
    def first_filled(keys: list[int]) -> int:
        market = venue(RESTORED, start="2024-07-02 16:00", max_participation=Decimal("0.0001"))
        for key in keys:
            since = at(f"2024-07-02 1{key}:00")
            market.restore(order("BUY 50 X MKT GTC", key=key), OrderProgress(), 0, since=since)
        return next(e.order_key for e in market.advance(at("2024-07-03 12:00")) if isinstance(e, VenueFill))

    assert first_filled([1, 2]) == first_filled([2, 1]) == 1


@pytest.mark.parametrize(("stop", "was_reached"), [("10.50", True), ("10.51", False), ("10.00", True)])
def test_a_restored_stop_is_set_off_where_the_market_has_reached_it(stop: str, was_reached: bool) -> None:  # noqa: FBT001
    whole = venue(RESTORED, start="2024-07-02 09:00")
    stop_limit = order(f"BUY 5 X STP_LMT {stop} 9.00 GTC")
    whole.submit(stop_limit)
    whole.advance(at("2024-07-02 16:00"))
    again = venue(RESTORED, start="2024-07-02 16:00")
    again.restore(stop_limit, OrderProgress(), 0, since=at("2024-07-02 09:00"))
    for market in (whole, again):
        held = [e.why_held for e in market.advance(at("2024-07-03 09:30")) if isinstance(e, OrderUpdate)]
        assert held == ([""] if was_reached else ["trigger"])


@pytest.mark.parametrize("since", ["2024-07-02 16:00", "2024-07-02 19:59"])
def test_a_restored_stop_that_came_after_a_close_beyond_it_waits_for_a_print_of_its_own(since: str) -> None:
    stop = order("BUY 5 X STP 9.90 GTC")
    whole = venue(RESTORED, start=since)
    whole.submit(stop)
    again = venue(RESTORED, start="2024-07-03 04:00")
    again.restore(stop, OrderProgress(), 0, since=at(since))
    # Set off by the opening print, it fills at the ask that follows; set off before, it would be in the auction.
    assert fills(whole.advance(at("2024-07-03 09:30"))) == ["09:30:00 5 @ 10.01"]
    assert fills(again.advance(at("2024-07-03 09:30"))) == ["09:30:00 5 @ 10.01"]


def test_a_key_or_an_account_that_is_not_there_is_not_restored() -> None:
    market = venue(RESTORED, start="2024-07-02 09:00")
    market.submit(order("BUY 5 X LMT 9.00"))
    for wrong in (order("BUY 5 X LMT 9.00"), order("BUY 5 X LMT 9.00", key=2, account_id="B")):
        with pytest.raises(ValueError, match="expected a new key and an account"):
            market.restore(wrong, OrderProgress(), 0)
