"""What a session does when its broker refuses, is away, or somebody else trades the account beside it."""

import time
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Engine

from resources.broker_comparison import compare_with_broker
from resources.ledger import Ledger
from resources.trading_session import LiveTrading
from tests.integration.live.floor import ACCOUNT, Running, TradingFloor, trading_floor
from tickledger.db.trading import read_executions
from tickledger.domain.alert import AlertKind
from tickledger.domain.order import OrderStatus
from tickledger.domain.position import Holding
from tickledger.domain.trading_session import SessionState
from tickledger.execution.order_reconciliation import BreakKind

pytestmark = [pytest.mark.long, pytest.mark.slow, pytest.mark.xdist_group("live")]


def ours_and_theirs_agree(floor: TradingFloor, running: Running) -> None:
    """What the session knows of its account is what the broker has."""
    running.until(lambda: running.summary.cash == floor.cash().quantize(running.summary.cash or Decimal(1)))


def entered_by_hand(floor: TradingFloor) -> list[Decimal]:
    """The limit prices of the orders of the person at TWS that work."""
    return [order.limit_price for order in floor.working() if order.limit_price is not None]


def test_a_broker_that_refuses_everything(ledger: Engine, home: Path) -> None:
    with trading_floor(ledger, home) as floor:
        floor.fault("refuse_order", code=201, text="Order rejected - reason:No trading permissions.", times=1000)
        with floor.session() as running:
            running.until(lambda: len(running.heard.of_status(OrderStatus.REJECTED)) >= 4)
            assert not running.heard.fills
            assert running.recorded_state() is SessionState.RUNNING
            rejects = running.alerts.of_kind(AlertKind.REJECT)
            assert rejects
            # The wish comes with each signal, once a minute and symbol, not with each beat.
            bought = [state.order for state in running.heard.orders.values()]
            assert len({(order.symbol, order.submitted_at.replace(second=0)) for order in bought}) == len(bought)


def test_the_gateways_daily_reset_in_the_middle_of_the_session(ledger: Engine, home: Path) -> None:
    with trading_floor(ledger, home) as floor, floor.session() as running:
        running.until_traded(1)
        floor.fault("daily_reset", seconds=3, data="lost", closes=True, ids_back=4)
        running.until_state(SessionState.DEGRADED)
        assert running.summary.reason.startswith("the broker: ")
        running.until_state(SessionState.RUNNING)
        running.until_traded(2)
        assert len(running.alerts.of_kind(AlertKind.BROKER_DOWN)) >= 2
        ours_and_theirs_agree(floor, running)


def test_a_gateway_that_is_killed_and_comes_back(ledger: Engine, home: Path) -> None:
    with trading_floor(ledger, home) as floor, floor.session() as running:
        running.until(lambda: floor.held("AAPL") > 0 and floor.working("AAPL"))
        floor.fault("crash", restart_after=3)
        running.until_state(SessionState.DEGRADED)
        assert running.alerts.of_kind(AlertKind.BROKER_DOWN)
        sent = len(running.heard.orders)
        time.sleep(1)
        assert len(running.heard.orders) == sent
        running.until_state(SessionState.RUNNING)
        running.until_traded(2)
        ours_and_theirs_agree(floor, running)


def test_messages_that_are_too_fast_slow_the_session_down_and_no_more(ledger: Engine, home: Path) -> None:
    with trading_floor(ledger, home) as floor, floor.session() as running:
        running.until_traded(1)
        floor.fault("error", code=100, text="Max rate of messages per second has been exceeded")
        running.until_traded(2)
        assert running.recorded_state() is SessionState.RUNNING


def test_a_broker_that_takes_fewer_messages_than_are_sent_slows_the_session_down(ledger: Engine, home: Path) -> None:
    # A session sends 45 a second at most; this broker takes 4, and complains of every second with more.
    with trading_floor(ledger, home, messages_per_second=4) as floor, floor.session() as running:
        running.until_traded(2)
        assert running.recorded_state() is SessionState.RUNNING
        assert running.problems("error 100: Max rate of messages"), running.told()
        # Down to 3 a second, it complains no more, and nothing is lost.
        told = len(running.problems("error 100"))
        running.until_traded(2)
        ours_and_theirs_agree(floor, running)
        assert len(running.problems("error 100")) == told
        assert running.recorded_state() is SessionState.RUNNING


def test_orders_entered_by_hand_are_left_alone_and_booked(ledger: Engine, home: Path) -> None:
    with trading_floor(ledger, home) as floor, floor.session(symbols="MSFT") as running:
        running.until_traded(1)
        floor.fault("order_by_hand", symbol="AAPL", action="BUY", quantity=50, order_type="LMT", price=60)
        floor.fault("order_by_hand", symbol="AAPL", action="BUY", quantity=30, reference="their own name for it")
        running.until(lambda: floor.held("AAPL") == 30)
        running.until(lambda: any(fill.symbol == "AAPL" for fill in running.heard.fills))
        running.until_traded(2)
        ours_and_theirs_agree(floor, running)
        assert entered_by_hand(floor) == [Decimal(60)]
        assert not [order for order in floor.working("AAPL") if order.stop_price is not None]
        running.until(lambda: [row.quantity for row in read_executions(ledger) if not row.order_id] == [Decimal(30)])


def test_an_end_of_the_day_that_is_flat_leaves_what_was_bought_by_hand(ledger: Engine, home: Path) -> None:
    with trading_floor(ledger, home) as floor, floor.session(symbols="MSFT", flatten_minutes=290) as running:
        # Flat from 15:10 on.
        running.until_traded(1)
        floor.fault("order_by_hand", symbol="AAPL", action="BUY", quantity=30)
        running.until(lambda: floor.held("AAPL") == 30)
        running.until(lambda: floor.held("MSFT") == 0 and not floor.working("MSFT"))
        time.sleep(2)
        assert floor.held("AAPL") == 30


def test_a_sale_by_hand_of_what_we_hold_takes_our_stop_along(ledger: Engine, home: Path) -> None:
    with trading_floor(ledger, home) as floor, floor.session(symbols="MSFT") as running:
        running.until(lambda: floor.held("MSFT") > 0 and floor.working("MSFT"))
        held = floor.held("MSFT")
        floor.fault("order_by_hand", symbol="MSFT", action="SELL", quantity=float(held - 1))
        running.until(lambda: floor.held("MSFT") == 1)
        running.until(lambda: [order.quantity for order in floor.working("MSFT")] in ([Decimal(1)], []))
        running.until(lambda: floor.held("MSFT") == 0 and not floor.working("MSFT"))
        ours_and_theirs_agree(floor, running)
        running.until_traded(1)


def test_a_stop_that_was_cancelled_by_hand_is_set_again(ledger: Engine, home: Path) -> None:
    with trading_floor(ledger, home) as floor, floor.session(symbols="MSFT") as running:
        running.until(lambda: floor.held("MSFT") > 0 and floor.working("MSFT"))
        stop = floor.working("MSFT")[0]
        floor.call(lambda: floor.gateway.floor.tell(floor.gateway.venue.cancel(stop.order_key)))
        running.until(
            lambda: (
                [order for order in floor.working("MSFT") if order.order_key != stop.order_key]
                or floor.held("MSFT") == 0
            )
        )
        assert running.recorded_state() is SessionState.RUNNING


def test_a_position_that_is_not_in_the_record_is_told_and_left_alone(ledger: Engine, home: Path) -> None:
    held = {ACCOUNT: {"AAPL": Holding(Decimal(70), Decimal(90))}}
    with trading_floor(ledger, home, venue={"holdings": held}) as floor, floor.session() as running:
        running.until_traded(2)
        # Whose it is nobody knows, so nothing is sold of it, and nothing is bought that would be mixed with it.
        assert {fill.symbol for fill in running.heard.fills} == {"MSFT"}
        assert not floor.working("AAPL")
        assert floor.held("AAPL") == 70
        [told] = running.heard.told("position of AAPL")
        assert told.expected.startswith("0 shares")
        assert told.found.startswith("70 at the broker")
        running.until(lambda: floor.held("MSFT") == 0 and not floor.working("MSFT"))
        running.interrupt()
        settings = floor.settings()
        url = ledger.url.render_as_string(hide_password=False)
        compared = compare_with_broker(Ledger(url=url), LiveTrading(settings))
        [found] = [each for each in compared.breaks if each.kind is BreakKind.POSITION]
        assert found.subject == "AAPL"
        assert found.at_broker - found.in_record == 70
        assert "bring its history into the record" in found.reason


def test_another_account_of_the_same_login_is_not_ours(ledger: Engine, home: Path) -> None:
    with trading_floor(ledger, home) as floor, floor.session(ib_account="DU7654321") as running:
        running.end(seconds=30)
        assert running.summary.state is SessionState.FAILED
        assert "expected the account DU7654321, found DU7000001" in running.summary.reason
