"""A session that is stopped between two days and started again from what it recorded."""

from dataclasses import fields
from datetime import date
from decimal import Decimal

import pytest

from tests.trading import ACCOUNT, NEW_ACCOUNT, actions, limits, market, order, trade
from tickledger.domain.errors import LedgerError
from tickledger.domain.order import OrderStatus, TimeInForce
from tickledger.domain.position import PortfolioState
from tickledger.domain.session_record import SessionRecord
from tickledger.execution.journal import BufferedJournal
from tickledger.execution.order_book import OrderBook, by_age
from tickledger.execution.replay import state_after
from tickledger.strategies.sizing import SizingPolicy

#: 3, 4, 5, 6 January 2012; 650 X are wanted, of which a day's minutes give more than half.
BARS = market("2012-01-03", {"X": ["100 100"] * 4}, volume=8000)
PATIENT = SizingPolicy(target_weight=Decimal("0.65"), time_in_force=TimeInForce.GTC)


def patiently(**period: date) -> SessionRecord:
    return trade(BARS, ["BUY X 2012-01-03"], sizing=PATIENT, max_participation=Decimal("0.1"), end=period["end"])


def journalled(opening: PortfolioState) -> OrderBook:
    """The orders of an opening as an order manager reads them from the journal."""
    return OrderBook(BufferedJournal(ACCOUNT.account_id, opening).load(ACCOUNT.account_id).entries)


def test_a_partly_filled_order_goes_on_where_it_was_with_the_commission_it_has_paid() -> None:
    whole = patiently(end=date(2012, 1, 6))
    first = patiently(end=date(2012, 1, 4))
    # The minimum of 1.00 is owed once, with the first fill; 650 shares at half a cent owe more.
    assert 200 < sum(row.quantity for row in first.executions) < 650
    assert sum(row.quantity for row in whole.executions) == 650
    assert whole.executions[0].commission == 1
    assert sum(row.commission for row in whole.executions) == Decimal("3.25")
    opening = state_after(first, opening=NEW_ACCOUNT)
    assert opening.working_executions == first.executions
    assert opening.order_sequences == {whole.orders[0].order_id: len(first.order_events)}
    second = trade(BARS, [], start=date(2012, 1, 5), opening=opening, sizing=PATIENT, max_participation=Decimal("0.1"))
    for field in fields(whole):
        assert getattr(first, field.name) + getattr(second, field.name) == getattr(whole, field.name)


def test_fills_of_several_restarts_ago_are_still_those_of_the_working_order() -> None:
    opening = NEW_ACCOUNT
    for day in (date(2012, 1, 4), date(2012, 1, 5)):
        part = trade(
            BARS,
            ["BUY X 2012-01-03"],
            start=date(2012, 1, 3) if opening is NEW_ACCOUNT else day,
            end=day,
            opening=opening,
            sizing=PATIENT,
            max_participation=Decimal("0.05"),
        )
        opening = state_after(part, opening=opening)
    days = {row.trade_date for row in opening.working_executions}
    assert days == {date(2012, 1, 4), date(2012, 1, 5)}


def test_working_orders_are_the_same_in_whatever_order_the_record_gives_them() -> None:
    orders = (order("BUY 5 X"), order("BUY 5 Y"), order("BUY 6 X"))
    stories = []
    for given in (orders, orders[::-1]):
        state = PortfolioState(Decimal(0), working_orders=given, order_sequences={row.order_id: 2 for row in given})
        stories.append([row.state.order for row in by_age(journalled(state).at_broker())])
    assert stories[0] == stories[1]


def test_an_action_of_the_days_off_before_the_first_session_takes_effect_in_it() -> None:
    bars = market("2012-01-03", {"X": ["100 100"] * 5})  # to Monday the 9th
    on_saturday = actions({"symbol": "X", "ex_date": "2012-01-07", "kind": "dividend", "amount": 1.0})
    first = trade(bars, ["BUY X 2012-01-03"], corporate_actions=on_saturday, end=date(2012, 1, 8))
    opening = state_after(first, opening=NEW_ACCOUNT)
    second = trade(bars, [], corporate_actions=on_saturday, start=date(2012, 1, 9), opening=opening)
    assert [row.amount for row in second.cash_transactions] == [500]


def test_the_state_of_a_restored_order_follows_from_its_fills() -> None:
    opening = state_after(patiently(end=date(2012, 1, 4)), opening=NEW_ACCOUNT)
    (state,) = (row.state for row in journalled(opening).at_broker())
    assert (state.status, state.filled_quantity, state.next_sequence) == (
        OrderStatus.PARTIALLY_FILLED,
        sum((row.quantity for row in opening.working_executions), Decimal(0)),
        opening.order_sequences[state.order.order_id],
    )


def test_an_order_without_events_is_a_gap_in_the_record() -> None:
    with pytest.raises(LedgerError, match="ord_BUY_5_X is working but has no events"):
        journalled(PortfolioState(cash=Decimal(0), working_orders=(order("BUY 5 X"),)))


def test_an_account_that_has_traded_gets_no_second_deposit() -> None:
    opening = PortfolioState(cash=Decimal(500), previous_equity=Decimal(500))
    record = trade(BARS, [], opening=opening)
    assert record.cash_transactions == ()
    assert {row.cash for row in record.balances} == {Decimal(500)}


def test_the_loss_of_the_first_day_after_a_restart_counts_from_the_last_close_before_it() -> None:
    bars = market("2012-01-03", {"X": ["100 100", "100 100", "90 90", "90 90"], "Y": ["10 10"] * 4})
    tight = limits(max_daily_loss="4000")
    said = ["BUY X 2012-01-03", "BUY Y 2012-01-05"]  # 500 X lose 5,000 on the 5th
    whole = trade(bars, said, risk_limits=tight)
    refused = whole.risk_decisions[-1]
    assert (refused.symbol, refused.is_approved) == ("Y", False)
    first = trade(bars, said, risk_limits=tight, end=date(2012, 1, 4))
    opening = state_after(first, opening=NEW_ACCOUNT)
    again = trade(bars, said, risk_limits=tight, start=date(2012, 1, 5), opening=opening)
    assert again.risk_decisions == (refused,)
