from decimal import Decimal

from tests.integration.ib.desk import CASH, RESTING, Desk, on_desk
from tests.unit.ib.messages import ACCOUNT
from tickledger.domain.order import OrderModification, OrderSide, OrderStatus
from tickledger.execution.algos.broker_algos import IbVwap, algo_parameters

PENDING, SUBMITTED, PARTLY, FILLED, CANCELLED, REJECTED, UNKNOWN = OrderStatus


def test_a_market_order_is_filled_charged_and_in_the_snapshot() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.place("ord_1")
        await desk.until_status("ord_1", FILLED)
        await desk.until(desk.commissions)
        fill = desk.fills("ord_1")[0]
        assert (fill.execution.quantity, fill.execution.side) == (Decimal(100), OrderSide.BUY)
        assert fill.execution.commission_is_estimated
        assert fill.execution.commission == desk.commissions()[0].commission == Decimal("1.0000")
        snapshot = await desk.broker.snapshot()
        assert [(p.symbol, p.quantity) for p in snapshot.positions] == [("AAPL", Decimal(100))]
        assert [f.execution.execution_id for f in snapshot.fills] == [fill.execution.execution_id]
        assert [c.commission for c in snapshot.commissions] == [Decimal("1.0000")]
        assert snapshot.cash == CASH - 100 * fill.execution.price - 1
        assert [(o.order_id, o.status) for o in snapshot.completed_orders or ()] == [("ord_1", FILLED)]
        assert snapshot.open_orders == ()

    on_desk(scenario)


def test_a_resting_order_is_submitted_modified_and_cancelled() -> None:
    async def scenario(desk: Desk) -> None:
        placed = await desk.place("ord_1", RESTING)
        await desk.until_status("ord_1", SUBMITTED)
        await desk.broker.modify(placed, OrderModification(quantity=Decimal(150), limit_price=Decimal("91.25")))
        await desk.until(lambda: desk.reports("ord_1")[-1].reason == "modified")
        told = (await desk.broker.snapshot()).open_orders[0]
        assert (told.order_id, told.quantity, told.limit_price) == ("ord_1", Decimal(150), Decimal("91.2500"))
        await desk.broker.cancel("ord_1")
        await desk.until_status("ord_1", CANCELLED)
        await desk.broker.cancel("ord_1")
        await desk.settle()
        assert desk.reports("ord_1")[-1].reason == "not cancelled: it is over"

    on_desk(scenario)


def test_an_algorithm_of_ib_works_its_order_and_stays_with_it_through_a_modification() -> None:
    algos = {"ord_1": IbVwap(max_volume_part=Decimal("0.1"), is_never_taking=True)}

    async def scenario(desk: Desk) -> None:
        placed = await desk.place("ord_1", RESTING)
        await desk.until_status("ord_1", SUBMITTED)
        await desk.broker.modify(placed, OrderModification(limit_price=Decimal("91.25")))
        await desk.until(lambda: desk.reports("ord_1")[-1].reason == "modified")
        (worked,) = desk.gateway.venue.working()
        assert (worked.algo, worked.limit_price) == ("Vwap", Decimal("91.25"))
        assert dict(worked.algo_params) == dict(algo_parameters(algos["ord_1"])[1])

    on_desk(scenario, algos=algos)


def test_short_sales_and_covers_keep_their_side() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.place("ord_1", "SELL_SHORT 50 MSFT MARKET")
        await desk.until_status("ord_1", FILLED)
        await desk.place("ord_2", "BUY_TO_COVER 50 MSFT MARKET")
        await desk.until_status("ord_2", FILLED)
        sides = [fill.execution.side for fill in desk.fills()]
        assert sides == [OrderSide.SELL_SHORT, OrderSide.BUY_TO_COVER]

    on_desk(scenario)


def test_a_class_of_shares_trades_under_its_name() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.place("ord_1", "BUY 10 BRK.B MARKET")
        await desk.until_status("ord_1", FILLED)
        assert desk.fills()[0].execution.symbol == "BRK.B"

    on_desk(scenario)


def test_an_order_goes_once_however_often_it_is_placed() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.place("ord_1")
        await desk.place("ord_1")
        await desk.until_status("ord_1", FILLED)
        await desk.place("ord_1")
        await desk.settle()
        assert len(desk.fills()) == 1
        assert desk.reports("ord_1")[-1].reason == "not sent again: it was placed before"

    on_desk(scenario)


def test_fractions_are_refused_before_they_are_sent() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.place("ord_1", "BUY 0.5 AAPL MARKET")
        await desk.settle()
        assert desk.statuses("ord_1") == [REJECTED]
        assert "not sent: expected a whole number of shares" in desk.reports("ord_1")[0].reason
        assert (await desk.broker.snapshot()).completed_orders == ()

    on_desk(scenario)


def test_what_the_broker_rejects_is_rejected_with_its_reason() -> None:
    async def scenario(desk: Desk) -> None:
        await desk.place("ord_1", "BUY 100 NOSUCH MARKET")
        await desk.until_status("ord_1", REJECTED)
        assert "error 200" in desk.reports("ord_1")[-1].reason

    on_desk(scenario)


def test_an_order_entered_by_hand_is_in_the_snapshot_without_an_id_of_ours() -> None:
    async def scenario(desk: Desk) -> None:
        desk.fault("order_by_hand", symbol="MSFT", action="BUY", quantity=70, order_type="LMT", price=80)
        desk.fault("order_by_hand", symbol="AAPL", action="BUY", quantity=30)
        snapshot = await desk.broker.snapshot()
        assert [(o.order_id, o.symbol, o.quantity) for o in snapshot.open_orders] == [(None, "MSFT", Decimal(70))]
        assert [(f.execution.order_id, f.execution.quantity) for f in snapshot.fills] == [("", Decimal(30))]
        assert [(p.account_id, p.symbol) for p in snapshot.positions] == [(ACCOUNT, "AAPL")]

    on_desk(scenario)
