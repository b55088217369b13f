"""The last moment before an order is written: nothing is sent that may not be, or that would leave at another time."""

from tests.integration.ib.desk import MARKET, RESTING, Desk, on_desk
from tickledger.domain.order import OrderModification, OrderStatus
from tickledger.ib.order_ids import InMemoryOrderIds


class SlowDisk(InMemoryOrderIds):
    """Ids whose mark takes so long to write that the lease has run out by then."""

    has_run_out = False

    def raise_to(self, client_id: int, order_id: int) -> None:
        super().raise_to(client_id, order_id)
        self.has_run_out = True


def test_a_lease_that_runs_out_while_an_id_is_written_down_is_noticed() -> None:
    ids = SlowDisk()

    async def scenario(desk: Desk) -> None:
        await desk.place("ord_1")
        await desk.until_status("ord_1", OrderStatus.REJECTED)
        assert desk.reports("ord_1")[-1].reason == "not sent: it ran out"
        assert (await desk.broker.snapshot()).fills == ()

    on_desk(scenario, order_ids=ids, objection=lambda: "it ran out" if ids.has_run_out else None)


def test_an_order_does_not_wait_in_our_memory_for_a_broker_that_does_not_read() -> None:
    """It would leave when the broker reads again, however long after the right to send it has ended."""

    async def scenario(desk: Desk) -> None:
        await desk.place("ord_1", RESTING)
        await desk.until_status("ord_1", OrderStatus.SUBMITTED)
        (connection,) = desk.gateway._connections
        assert connection._transport is not None
        connection._transport.pause_reading()
        client = desk.broker.connection.client
        sent = 0
        while not client.conn.transport.get_write_buffer_size():
            client.send(9, 1, "x" * 100_000)  # a cancel of a request that does not exist
            sent += 1
            assert sent < 1_000
        await desk.place("ord_2", MARKET)
        await desk.until_status("ord_2", OrderStatus.REJECTED)
        assert "the broker does not read" in desk.reports("ord_2")[-1].reason
        first = desk.broker._tracker.get("ord_1")
        assert first is not None
        assert first.order is not None
        await desk.broker.modify(first.order, OrderModification(limit_price=first.order.limit_price))
        await desk.until(lambda: "does not read" in desk.reports("ord_1")[-1].reason)
        connection._transport.resume_reading()

    # The gateway is asked for its time now and then, and given up where it does not answer: not during this.
    on_desk(scenario, liveness_interval=60.0)
