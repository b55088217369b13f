"""Everything the gateway can do to an order, and what the broker says of it."""

import asyncio
from decimal import Decimal

import pytest

from tests.integration.ib.desk import MARKET, RESTING, SETTINGS, Desk, on_desk
from tests.unit.ib.messages import order
from tickledger.domain.broker import Connectivity
from tickledger.domain.errors import BrokerUnavailableError, ConfigurationError
from tickledger.domain.order import OrderModification, OrderStatus
from tickledger.execution.clock import WallClock
from tickledger.ib.broker import IBBroker
from tickledger.ib.order_ids import InMemoryOrderIds

PENDING, SUBMITTED, PARTLY, FILLED, CANCELLED, REJECTED, UNKNOWN = OrderStatus


def test_a_preset_time_in_force_does_not_cancel_and_the_order_fills_later_once() -> None:
    async def scenario(desk: Desk) -> None:
        desk.fault("preset_term")
        placed = await desk.place("ord_1", RESTING)
        await desk.settle()
        assert desk.statuses("ord_1") == [SUBMITTED]
        await desk.broker.modify(placed, OrderModification(limit_price=Decimal(110)))
        await desk.until_status("ord_1", FILLED)
        assert len(desk.fills()) == 1

    on_desk(scenario)


def test_a_dropped_order_is_unknown_and_the_snapshot_does_not_have_it() -> None:
    async def scenario(desk: Desk) -> None:
        desk.fault("drop_order")
        await desk.place("ord_1")
        await desk.until_status("ord_1", UNKNOWN)
        assert desk.reports("ord_1")[-1].reason == "not acknowledged within 0.3 s"
        await desk.settle(0.2)
        assert desk.statuses("ord_1") == [UNKNOWN], "silence proves nothing"
        snapshot = await desk.broker.snapshot()
        assert (snapshot.open_orders, snapshot.completed_orders, snapshot.fills) == ((), (), ())

    on_desk(scenario)


def test_an_order_whose_connection_broke_before_its_answer_is_found_by_asking() -> None:
    async def scenario(desk: Desk) -> None:
        desk.fault("cut_after_order")
        await desk.place("ord_1", RESTING)
        await desk.until_status("ord_1", SUBMITTED)
        assert desk.statuses("ord_1") == [UNKNOWN, SUBMITTED]
        assert [o.order_id for o in (await desk.broker.snapshot()).open_orders] == ["ord_1"]
        await desk.broker.cancel("ord_1")
        await desk.until_status("ord_1", CANCELLED)

    on_desk(scenario)


def test_an_order_that_filled_while_the_connection_was_gone_is_found_filled_once() -> None:
    async def scenario(desk: Desk) -> None:
        desk.fault("cut_after_order")
        await desk.place("ord_1", MARKET)
        await desk.until_status("ord_1", FILLED)
        assert desk.statuses("ord_1")[0] is UNKNOWN
        await desk.until(desk.commissions)
        assert len(desk.fills()) == 1

    on_desk(scenario)


def test_an_order_cut_off_before_the_venue_stays_unknown() -> None:
    async def scenario(desk: Desk) -> None:
        desk.fault("cut_before_order")
        await desk.place("ord_1", MARKET)
        await desk.until_status("ord_1", UNKNOWN)
        await desk.until(lambda: desk.connectivity() is Connectivity.CONNECTED)
        await desk.settle(0.2)
        assert desk.statuses("ord_1") == [UNKNOWN]

    on_desk(scenario)


def test_after_a_crash_the_broker_reconnects_and_working_orders_go_on() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.place("ord_1", RESTING)
        await desk.until_status("ord_1", SUBMITTED)
        desk.fault("crash", restart_after=0.3)
        await desk.until(lambda: desk.connectivity() is Connectivity.DISCONNECTED)
        with pytest.raises(BrokerUnavailableError):
            await desk.broker.snapshot()
        await desk.place("ord_2")
        await desk.until_status("ord_2", REJECTED)
        assert desk.reports("ord_2")[-1].reason == "not sent: the broker is disconnected"
        await desk.until(lambda: desk.connectivity() is Connectivity.CONNECTED)
        assert desk.changes()[-1].needs_snapshot
        await desk.broker.cancel("ord_1")
        await desk.until_status("ord_1", CANCELLED)
        assert desk.statuses("ord_1") == [SUBMITTED, CANCELLED]

    on_desk(scenario)


def test_a_rolled_back_gateway_gets_no_order_id_twice() -> None:
    async def scenario(desk: Desk) -> None:
        for number in range(3):
            await desk.place(f"ord_{number}", RESTING)
        await desk.until_status("ord_2", SUBMITTED)
        desk.fault("daily_reset", seconds=0.2, closes=True, ids_back=3)
        await desk.until(lambda: desk.connectivity() is Connectivity.DISCONNECTED)
        await desk.until(lambda: desk.connectivity() is Connectivity.CONNECTED)
        await desk.place("ord_3", RESTING)
        await desk.until_status("ord_3", SUBMITTED)
        snapshot = await desk.broker.snapshot()
        assert sorted(str(o.order_id) for o in snapshot.open_orders) == ["ord_0", "ord_1", "ord_2", "ord_3"]
        assert len({o.broker_order_id for o in snapshot.open_orders}) == 4

    on_desk(scenario)


def test_a_restarted_program_with_its_ids_and_orders_adopts_what_works() -> None:
    ids = InMemoryOrderIds()

    async def scenario(desk: Desk) -> None:
        await desk.place("ord_1", "SELL_SHORT 10 AAPL LIMIT 120")
        await desk.until_status("ord_1", SUBMITTED)
        await desk.broker.stop()
        successor = IBBroker(desk.broker.settings, clock=WallClock(), order_ids=ids)
        successor.adopt([order("ord_1", "SELL_SHORT 10 AAPL LIMIT 120")])
        await successor.start()
        desk.broker, desk.told = successor, []
        await desk.until_status("ord_1", SUBMITTED)
        await desk.broker.modify(
            order("ord_1", "SELL_SHORT 10 AAPL LIMIT 120"), OrderModification(limit_price=Decimal(90))
        )
        await desk.until_status("ord_1", FILLED)
        assert desk.fills()[0].execution.side.value == "SELL_SHORT"

    on_desk(scenario, order_ids=ids)


def test_repeated_and_reordered_statuses_are_told_once() -> None:
    async def scenario(desk: Desk) -> None:
        desk.fault("duplicate_status", copies=4, times=5)
        await desk.place("ord_1", RESTING)
        await desk.settle()
        desk.fault("reorder_status")
        await desk.place("ord_2")
        await desk.until_status("ord_2", FILLED)
        await desk.broker.cancel("ord_1")
        await desk.until_status("ord_1", CANCELLED)
        await desk.settle()
        assert desk.statuses("ord_1") == [SUBMITTED, CANCELLED]
        assert desk.statuses("ord_2").count(FILLED) == 1
        assert desk.statuses("ord_2")[-1] is FILLED
        assert len(desk.fills()) == 1

    on_desk(scenario)


def test_a_corrected_execution_takes_the_place_of_the_first() -> None:
    async def scenario(desk: Desk) -> None:
        desk.fault("correct_execution", seconds=0.05)
        await desk.place("ord_1")
        await desk.until(lambda: len(desk.fills()) == 2)
        first, second = desk.fills()
        assert second.corrects == first.execution.execution_id
        assert second.execution.execution_id.endswith(".02")
        snapshot = await desk.broker.snapshot()
        assert [f.execution.execution_id for f in snapshot.fills] == [second.execution.execution_id]
        assert [p.quantity for p in snapshot.positions] == [Decimal(100)]
        assert desk.statuses("ord_1").count(FILLED) == 1

    on_desk(scenario)


def test_a_late_commission_is_an_estimate_until_it_comes() -> None:
    async def scenario(desk: Desk) -> None:
        desk.fault("delay_commission", seconds=0.3)
        await desk.place("ord_1")
        await desk.until_status("ord_1", FILLED)
        execution = desk.fills()[0].execution
        assert execution.commission_is_estimated
        assert execution.commission == Decimal("1.0000")
        assert desk.commissions() == []
        await desk.until(desk.commissions)
        assert desk.commissions()[0].execution_id == execution.execution_id

    on_desk(scenario)


def test_a_missing_commission_is_found_by_the_snapshot() -> None:
    async def scenario(desk: Desk) -> None:
        desk.fault("drop_commission")
        await desk.place("ord_1")
        await desk.until_status("ord_1", FILLED)
        await desk.settle()
        assert desk.commissions() == []
        assert [c.commission for c in (await desk.broker.snapshot()).commissions] == [Decimal("1.0000")]

    on_desk(scenario)


def test_a_partial_fill_that_crosses_the_cancel_is_told_before_it() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.place("ord_1", RESTING)
        await desk.until_status("ord_1", SUBMITTED)
        desk.fault("fill_before_cancel", quantity=30)
        await desk.broker.cancel("ord_1")
        await desk.until_status("ord_1", CANCELLED)
        assert [fill.execution.quantity for fill in desk.fills()] == [Decimal(30)]
        told = [told for told in desk.told if told in desk.fills() or told == desk.reports("ord_1")[-1]]
        assert told[-1] == desk.reports("ord_1")[-1]

    on_desk(scenario)


@pytest.mark.parametrize("code", [10147, 10148])
def test_a_refused_cancel_is_asked_about_and_the_order_found_working(code: int) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.place("ord_1", RESTING)
        await desk.until_status("ord_1", SUBMITTED)
        desk.fault("refuse_cancel", code=code)
        await desk.broker.cancel("ord_1")
        await desk.until(lambda: desk.statuses("ord_1") == [SUBMITTED, UNKNOWN, SUBMITTED])
        await desk.broker.cancel("ord_1")
        await desk.until_status("ord_1", CANCELLED)

    on_desk(scenario)


def test_a_cancel_that_is_never_answered_may_be_asked_for_again() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.place("ord_1", RESTING)
        await desk.until_status("ord_1", SUBMITTED)
        desk.fault("drop_cancel")
        await desk.broker.cancel("ord_1")
        await desk.settle(0.5)
        assert desk.statuses("ord_1") == [SUBMITTED]
        await desk.broker.cancel("ord_1")
        await desk.until_status("ord_1", CANCELLED)

    on_desk(scenario)


@pytest.mark.parametrize("code", [201, 103, 110])
def test_a_refused_order_is_rejected(code: int) -> None:
    async def scenario(desk: Desk) -> None:
        desk.fault("refuse_order", code=code, text="no")
        await desk.place("ord_1")
        await desk.until_status("ord_1", REJECTED)
        await desk.place("ord_2")
        await desk.until_status("ord_2", FILLED)
        assert desk.statuses("ord_1") == [REJECTED]

    on_desk(scenario)


def test_an_error_nobody_knows_on_a_working_order_is_asked_about() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.place("ord_1", RESTING)
        await desk.until_status("ord_1", SUBMITTED)
        desk.fault("error", code=31337, text="What?", request_id=1)
        await desk.until(lambda: desk.statuses("ord_1") == [SUBMITTED, UNKNOWN, SUBMITTED])

    on_desk(scenario)


def test_while_the_link_is_lost_nothing_is_modified_or_sent_and_afterwards_all_is_asked_for() -> None:
    async def scenario(desk: Desk) -> None:
        placed = await desk.place("ord_1", RESTING)
        await desk.until_status("ord_1", SUBMITTED)
        desk.fault("lose_link")
        await desk.until(lambda: desk.connectivity() is Connectivity.DEGRADED)
        await desk.broker.modify(placed, OrderModification(quantity=Decimal(200)))
        await desk.place("ord_2")
        await desk.settle()
        assert desk.reports("ord_1")[-1].reason == "modification refused: the broker is degraded"
        assert desk.reports("ord_2")[-1].reason == "not sent: the broker is degraded"
        desk.fault("restore_link", data="kept")
        await desk.until(lambda: desk.connectivity() is Connectivity.CONNECTED)
        assert desk.changes()[-1].needs_snapshot
        assert (await desk.broker.snapshot()).open_orders[0].quantity == Decimal(100)

    on_desk(scenario)


def test_without_its_link_the_gateway_is_not_believed() -> None:
    async def scenario(desk: Desk) -> None:
        desk.fault("lose_link")
        await desk.until(lambda: desk.connectivity() is Connectivity.DEGRADED)
        with pytest.raises(BrokerUnavailableError, match="the gateway has no link to IB"):
            await desk.broker.snapshot()
        desk.fault("disconnect")
        await desk.until(lambda: desk.connectivity() is Connectivity.DISCONNECTED)
        await desk.until(lambda: desk.connectivity() is Connectivity.DEGRADED)
        with pytest.raises(BrokerUnavailableError, match="the gateway has no link to IB"):
            await desk.broker.snapshot()
        desk.fault("restore_link", data="lost")
        await desk.until(lambda: desk.connectivity() is Connectivity.CONNECTED)
        assert (await desk.broker.snapshot()).open_orders == ()

    on_desk(scenario)


def test_a_snapshot_says_which_orders_wait_to_be_sent() -> None:
    async def scenario(desk: Desk) -> None:
        for number in range(60):
            await desk.place(f"ord_{number:02}", RESTING)
        snapshot = await desk.broker.snapshot()
        shown = {str(order.order_id) for order in snapshot.open_orders}
        assert "ord_59" in snapshot.unsent - shown
        assert snapshot.unsent | shown == {f"ord_{number:02}" for number in range(60)}

    on_desk(scenario)


def test_a_lost_farm_degrades_but_orders_go_on() -> None:
    async def scenario(desk: Desk) -> None:
        desk.fault("break_farm")
        await desk.until(lambda: desk.connectivity() is Connectivity.DEGRADED)
        await desk.place("ord_1")
        await desk.until_status("ord_1", FILLED)
        desk.fault("mend_farm")
        await desk.until(lambda: desk.connectivity() is Connectivity.CONNECTED)
        assert desk.changes()[-1].needs_snapshot

    on_desk(scenario)


def test_a_half_open_socket_is_noticed_and_replaced() -> None:
    async def scenario(desk: Desk) -> None:
        desk.fault("half_open", client=1)
        await desk.place("ord_1", RESTING)
        await desk.until(lambda: desk.connectivity() is Connectivity.DISCONNECTED)
        assert "the gateway does not answer" in desk.changes()[-1].reason
        await desk.until_status("ord_1", UNKNOWN)
        desk.fault("disconnect", client=1)
        await desk.until(lambda: desk.connectivity() is Connectivity.CONNECTED)

    on_desk(scenario)


def test_one_byte_packets_make_no_difference() -> None:
    async def scenario(desk: Desk) -> None:
        desk.fault("drip")
        await desk.place("ord_1")
        await desk.until_status("ord_1", FILLED)
        assert (await desk.broker.snapshot()).positions[0].quantity == 100

    on_desk(scenario)


def test_a_client_id_in_use_is_told_as_that() -> None:
    async def scenario(desk: Desk) -> None:
        desk.fault("refuse_client", client=1)
        with pytest.raises(BrokerUnavailableError, match="the client id is in use by another connection"):
            await desk.broker.start()

    on_desk(scenario, starts=False)


def test_an_account_that_is_not_there_and_a_gateway_that_is_not_there_are_told_as_that() -> None:
    async def elsewhere(desk: Desk) -> None:
        with pytest.raises(ConfigurationError, match="expected the account U404, found DU1234567"):
            await desk.broker.start()

    async def nowhere(desk: Desk) -> None:
        await desk.gateway.stop()
        with pytest.raises(BrokerUnavailableError, match=r"IB gateway at 127\.0\.0\.1:"):
            await desk.broker.start()

    on_desk(elsewhere, starts=False, account_id="U404")
    on_desk(nowhere, starts=False)


@pytest.mark.parametrize("request_name", ["reqAllOpenOrders", "reqExecutions", "reqPositions", "reqAccountSummary"])
def test_a_part_that_does_not_come_is_no_snapshot(request_name: str) -> None:
    async def scenario(desk: Desk) -> None:
        await desk.place("ord_1")
        await desk.until_status("ord_1", FILLED)
        desk.fault("drop_request", request=request_name)
        with pytest.raises(BrokerUnavailableError, match="expected an answer within"):
            await desk.broker.snapshot()
        assert (await desk.broker.snapshot()).positions[0].quantity == 100

    on_desk(scenario, request_timeout=0.3)


def test_completed_orders_that_do_not_come_are_not_none_at_all() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.place("ord_1")
        await desk.until_status("ord_1", FILLED)
        desk.fault("drop_request", request="reqCompletedOrders")
        assert (await desk.broker.snapshot()).completed_orders is None

    on_desk(scenario)


def test_a_kill_reaches_the_gateway_at_once_behind_two_hundred_orders() -> None:
    async def scenario(desk: Desk) -> None:
        loop = asyncio.get_running_loop()
        await desk.place("ord_before", RESTING)
        await desk.until_status("ord_before", SUBMITTED)
        for number in range(200):
            await desk.place(f"ord_{number}", RESTING)
        assert len(desk.broker.pacer) > 150
        began = loop.time()
        await desk.broker.cancel_all()
        await desk.until_status("ord_before", CANCELLED)
        took = loop.time() - began
        await desk.settle(0.3)
        open_orders = (await desk.broker.snapshot()).open_orders
        ends = {desk.statuses(f"ord_{number}")[-1] for number in range(200)}
        print(f"cancel_all to cancelled behind 200 queued orders: {took * 1000:.1f} ms")
        assert open_orders == ()
        assert ends == {CANCELLED}
        # Those that had left before; the others never did.
        assert len(desk.gateway.floor.books._orders) <= 1 + SETTINGS.messages_per_second

    on_desk(scenario)


def test_a_single_cancel_does_not_wait_behind_two_hundred_orders() -> None:
    async def scenario(desk: Desk) -> None:
        loop = asyncio.get_running_loop()
        await desk.place("ord_before", RESTING)
        await desk.until_status("ord_before", SUBMITTED)
        for number in range(200):
            await desk.place(f"ord_{number}", RESTING)
        began = loop.time()
        await desk.broker.cancel("ord_before")
        await desk.until_status("ord_before", CANCELLED)
        waiting = len(desk.broker.pacer)
        print(f"cancel to cancelled behind 200 queued orders: {(loop.time() - began) * 1000:.1f} ms")
        await desk.broker.cancel_all()
        assert waiting > 100

    on_desk(scenario)


def test_a_kill_without_a_connection_is_the_first_thing_the_next_one_sends() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.place("ord_1", RESTING)
        await desk.until_status("ord_1", SUBMITTED)
        desk.fault("crash", restart_after=0.2)
        await desk.until(lambda: desk.connectivity() is Connectivity.DISCONNECTED)
        await desk.broker.cancel_all()
        await desk.until_status("ord_1", CANCELLED)
        assert any("all orders are still to be cancelled" in change.reason for change in desk.changes())

    on_desk(scenario)


def test_a_cancel_without_a_connection_is_sent_when_the_order_is_found() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.place("ord_1", RESTING)
        await desk.until_status("ord_1", SUBMITTED)
        desk.fault("crash", restart_after=0.2)
        await desk.until(lambda: desk.connectivity() is Connectivity.DISCONNECTED)
        await desk.broker.cancel("ord_1")
        await desk.until_status("ord_1", CANCELLED)

    on_desk(scenario)


def test_nothing_is_written_when_somebody_objects() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.place("ord_1")
        await desk.until_status("ord_1", REJECTED)
        assert desk.reports("ord_1")[-1].reason == "not sent: the lease has run out"
        assert (await desk.broker.snapshot()).fills == ()

    on_desk(scenario, objection=lambda: "the lease has run out")
