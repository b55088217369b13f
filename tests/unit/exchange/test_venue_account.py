"""The broker's books: cash and settlement, average cost, gains, margin, buying power, short sales, charges."""

from datetime import date
from decimal import Decimal

import pytest

from tests.unit.exchange.venues import ACCOUNT, at, days, fills, minutes, order, steps, venue
from tickledger.exchange.fees import schedule
from tickledger.exchange.venue_account import settles_on
from tickledger.exchange.venue_orders import VenueFill, VenueStatus

OPEN = "2024-07-02 09:30"
FLAT = minutes(OPEN, ["10.00 10.00 10.00 10.00"] * 2 + ["12.00 12.00 12.00 12.00"] * 3)


def test_a_round_trip_realizes_its_gain_net_of_charges() -> None:
    market = venue(FLAT, start=OPEN, fees=schedule("ib_fixed"))
    bought = next(event for event in market.submit(order("BUY 100 X LMT 10.01")) if isinstance(event, VenueFill))
    assert bought.commission == 1
    state = market.account(ACCOUNT)
    (holding,) = state.holdings
    # As at IB, the average cost has the commission in it.
    assert holding.average_cost == bought.price + Decimal("0.01")
    assert bought.realized_pnl == 0
    market.advance(at("2024-07-02 09:32:20"))
    sold = next(event for event in market.submit(order("SELL 40 X MKT", key=2)) if isinstance(event, VenueFill))
    gain = 40 * (sold.price - bought.price) - Decimal("0.40") - sold.commission - sold.fees
    assert sold.realized_pnl == gain
    state = market.account(ACCOUNT)
    assert state.realized_pnl == gain
    assert state.holdings[0].average_cost == holding.average_cost
    assert state.equity == 1_000_000 + state.realized_pnl + state.unrealized_pnl


@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_a_corrected_price_moves_cash_and_the_cost_of_what_is_held(side: str) -> None:
    market = venue(FLAT, start=OPEN)
    fill = next(event for event in market.submit(order(f"{side} 100 X MKT")) if isinstance(event, VenueFill))
    before = market.account(ACCOUNT)
    market.reprice(fill.execution_id, Decimal("0.25"))
    state, sign = market.account(ACCOUNT), 1 if side == "BUY" else -1
    assert market.fills()[0].price == fill.price + Decimal("0.25")
    assert state.cash == before.cash - sign * 25
    assert state.holdings[0].average_cost == before.holdings[0].average_cost + Decimal("0.25")
    assert state.equity == 1_000_000 + state.realized_pnl + state.unrealized_pnl


def test_a_corrected_price_of_what_is_sold_again_is_gain_or_loss() -> None:
    market = venue(FLAT, start=OPEN)
    market.submit(order("BUY 100 X MKT"))
    sold = next(event for event in market.submit(order("SELL 100 X MKT", key=2)) if isinstance(event, VenueFill))
    before = market.account(ACCOUNT)
    market.reprice(sold.execution_id, Decimal("0.25"))
    state = market.account(ACCOUNT)
    assert (state.cash, state.realized_pnl) == (before.cash + 25, before.realized_pnl + 25)
    assert state.equity == 1_000_000 + state.realized_pnl
    with pytest.raises(KeyError):
        market.reprice("unknown", Decimal(1))


def test_a_sale_beyond_what_is_held_turns_the_position() -> None:
    market = venue(FLAT, start=OPEN)
    bought = next(event for event in market.submit(order("BUY 100 X MKT")) if isinstance(event, VenueFill))
    sold = next(event for event in market.submit(order("SELL 150 X MKT", key=2)) if isinstance(event, VenueFill))
    assert sold.realized_pnl == 100 * (sold.price - bought.price)
    (holding,) = market.account(ACCOUNT).holdings
    assert (holding.quantity, holding.average_cost) == (Decimal(-50), sold.price)


def test_the_minimum_commission_is_an_order_s_and_sales_pay_the_fees_of_their_date() -> None:
    market = venue(FLAT, start=OPEN, fees=schedule("ib_fixed"), max_participation=Decimal("0.01"))
    events = [*market.submit(order("BUY 100 X MKT")), *market.advance(at("2024-07-02 09:33"))]
    bought = [event for event in events if isinstance(event, VenueFill)]
    assert len(bought) == 3
    assert [fill.commission for fill in bought] == [1, 0, 0]
    sold = market.submit(order("SELL 20 X MKT", key=2))
    fill = next(event for event in sold if isinstance(event, VenueFill))
    # 2024-07-02: 27.80 a million sold, and 0.000166 a share.
    notional = fill.quantity * fill.price
    assert fill.fees == round(notional * Decimal("0.0000278"), 4) + round(fill.quantity * Decimal("0.000166"), 4)


@pytest.mark.parametrize(
    ("traded", "settles"),
    [
        ("2012-01-06", "2012-01-11"),  # three sessions, over a weekend
        ("2017-09-01", "2017-09-07"),  # a Friday before Labor Day, the last trade that took three
        ("2017-09-05", "2017-09-07"),
        ("2024-05-24", "2024-05-29"),  # the last trade that took two, over Memorial Day
        ("2024-05-28", "2024-05-29"),
    ],
)
def test_trades_settle_by_the_rule_of_their_date(traded: str, settles: str) -> None:
    assert settles_on(date.fromisoformat(traded)) == date.fromisoformat(settles)


def test_proceeds_are_settled_cash_only_the_next_session() -> None:
    market = venue(days({"2024-07-02": "10 10 10 10", "2024-07-03": "10 10 10 10"}), start="2024-07-02 09:30")
    fill = next(event for event in market.submit(order("BUY 100 X MKT")) if isinstance(event, VenueFill))
    state = market.account(ACCOUNT)
    assert (state.cash, state.settled_cash) == (1_000_000 - 100 * fill.price, Decimal(1_000_000))
    market.advance(at("2024-07-03 09:00"))
    state = market.account(ACCOUNT)
    assert state.settled_cash == state.cash


def test_margin_is_half_of_what_is_held_and_buying_power_twice_what_is_left() -> None:
    market = venue(FLAT, start=OPEN, accounts={ACCOUNT: Decimal(10_000)})
    market.submit(order("BUY 1000 X LMT 10.01"))
    state = market.account(ACCOUNT)
    assert state.gross_position_value == 10_000
    assert state.initial_margin == 5_000
    assert state.maintenance_margin == 2_500
    assert state.available_funds == state.equity - 5_000
    assert state.buying_power == 2 * state.available_funds


def test_an_order_beyond_the_buying_power_is_rejected_with_the_numbers() -> None:
    market = venue(FLAT, start=OPEN, accounts={ACCOUNT: Decimal(10_000)})
    assert steps(market.submit(order("BUY 2000 X LMT 10.00", key=1)), 1)[0] == "WORKING"
    events = market.submit(order("BUY 10 X LMT 9.00", key=2))
    assert steps(events, 2) == ["REJECTED 201"]
    text = market.update(2).text
    assert "EQUITY WITH LOAN VALUE [10000.00 USD] MUST EXCEED THE INITIAL MARGIN [10045.00 USD]" in text
    market.cancel(1)
    assert steps(market.submit(order("BUY 10 X LMT 9.00", key=3)), 3) == ["WORKING"]


def test_an_account_without_credit_buys_for_its_cash_and_no_more() -> None:
    market = venue(FLAT, start=OPEN, accounts={ACCOUNT: Decimal(10_000)}, initial_margin=Decimal(1))
    assert steps(market.submit(order("BUY 1001 X LMT 10.00", key=1)), 1) == ["REJECTED 201"]
    assert steps(market.submit(order("BUY 1000 X LMT 10.00", key=2)), 2)[0] == "WORKING"


def test_an_order_that_reduces_is_always_carried() -> None:
    market = venue(FLAT, start=OPEN, accounts={ACCOUNT: Decimal(10_000)})
    market.submit(order("BUY 1990 X MKT", key=1))
    assert steps(market.submit(order("SELL 1990 X LMT 15.00", key=2)), 2) == ["WORKING"]
    assert steps(market.submit(order("SELL 2100 X STP 5.00", key=3)), 3) == ["REJECTED 201"]
    group = {"oca_group": "exit", "oca_type": 1}
    market.cancel(2)
    assert steps(market.submit(order("SELL 1990 X LMT 15.00", key=4, **group)), 4) == ["WORKING"]
    assert steps(market.submit(order("SELL 1990 X STP 5.00", key=5, **group)), 5) == ["HELD trigger"]


def test_a_preview_tells_margin_and_commission_and_sends_nothing() -> None:
    market = venue(FLAT, start=OPEN, accounts={ACCOUNT: Decimal(10_000)}, fees=schedule("ib_fixed"))
    seen = market.preview(order("BUY 1000 X LMT 10.00"))
    assert (seen.before.initial_margin, seen.after.initial_margin) == (Decimal(0), Decimal(5_000))
    assert (seen.commission, seen.refusal) == (Decimal(5), None)
    assert seen.after.equity == 9_995
    assert market.working() == []
    assert market.account(ACCOUNT) == seen.before
    refusal = market.preview(order("BUY 2001 X LMT 10.00")).refusal
    assert refusal is not None
    assert refusal.code == 201


def test_what_cannot_be_borrowed_is_not_sold_short() -> None:
    market = venue(FLAT, start=OPEN, shortable={"Y": 100})
    assert steps(market.submit(order("SELL 100 X MKT"))) == ["REJECTED 201"]
    assert "not available for short sale" in market.update(1).text
    market.submit(order("BUY 100 X MKT", key=2))
    assert steps(market.submit(order("SELL 100 X MKT", key=3)), 3)[-1] == "FILLED"


def test_a_short_sale_waits_until_enough_shares_can_be_borrowed() -> None:
    market = venue(FLAT, start=OPEN, shortable={"X": 100})
    assert steps(market.submit(order("SELL 60 X MKT", key=1)), 1)[-1] == "FILLED"
    assert steps(market.submit(order("SELL 60 X MKT", key=2)), 2) == ["HELD 404 locate"]
    assert steps(market.set_shortable("X", 119), 2) == []
    assert steps(market.set_shortable("X", 120), 2) == ["WORKING", "FILLED"]
    assert market.account(ACCOUNT).holdings[0].quantity == -120


def test_a_short_position_is_margined_at_thirty_percent() -> None:
    market = venue(FLAT, start=OPEN)
    market.submit(order("SELL 100 X MKT"))
    state = market.account(ACCOUNT)
    assert (state.gross_position_value, state.maintenance_margin) == (Decimal(1_000), Decimal(300))
    assert state.equity == state.cash - 1_000


def test_the_daily_gain_counts_from_the_close_before() -> None:
    market = venue(days({"2024-07-02": "10 11 10 11", "2024-07-03": "12 13 12 13"}), start="2024-07-02 09:30")
    market.submit(order("BUY 100 X MKT"))
    market.advance(at("2024-07-02 16:30"))
    first = market.account(ACCOUNT).daily_pnl
    assert first == market.account(ACCOUNT).equity - 1_000_000
    market.advance(at("2024-07-03 16:30"))
    assert market.account(ACCOUNT).daily_pnl == 200


def test_the_daily_gains_of_holdings_add_up_to_the_account_s_even_over_late_trades_and_closed_positions() -> None:
    bars = [
        *(days({"2024-07-02": "10 11 10 11", "2024-07-03": "12 13 12 13", "2024-07-05": "13 13 13 13"}, symbol="Y"),),
        *(minutes("2024-07-02 15:58", ["10 10 10 10", "11 11 11 11", "11 11 11 11"]),),  # a minute after the close, too
        minutes("2024-07-03 09:30", ["14 14 14 14"] * 2),
    ]
    market = venue(*bars, start="2024-07-02 15:58", fees=schedule("ib_fixed"))
    market.submit(order("BUY 100 X MKT"))
    market.submit(order("SELL 50 Y MKT", 2))
    market.advance(at("2024-07-02 16:00:10"))
    market.submit(order("SELL 40 X LMT 10.50", 3, outside_hours=True))
    told = []
    for instant in ("2024-07-02 17:00", "2024-07-03 09:29", "2024-07-03 09:32", "2024-07-03 17:00", "2024-07-05 17:00"):
        market.advance(at(instant))
        state = market.account(ACCOUNT)
        assert sum(holding.daily_pnl for holding in state.holdings) == state.daily_pnl
        told.append({holding.symbol: holding.daily_pnl for holding in state.holdings})
    assert market.order(3).quantity == 40
    assert market.update(3).status is VenueStatus.FILLED
    # 60 shares from 11 at the close to 14, and the 40 sold late at 11 less their commission.
    assert told[2]["X"] == 180 - sum(fill.commission + fill.fees for fill in market.fills() if fill.order_key == 3)
    assert told[4]["X"] == 0


def test_accounts_are_kept_apart() -> None:
    market = venue(FLAT, start=OPEN, accounts={"A": Decimal(1_000), "B": Decimal(1_000_000)})
    assert steps(market.submit(order("BUY 1000 X MKT", key=1, account_id="A")), 1) == ["REJECTED 201"]
    assert fills(market.submit(order("BUY 1000 X MKT", key=2, account_id="B")), 2)
    assert [fill.account_id for fill in market.fills("B")] == ["B"]
    assert market.fills("A") == []
    assert market.account("A").holdings == ()
