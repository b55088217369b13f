"""Orders, modifications and cancels on their way to the socket: each is written once, or it is told that it was not.

What is decided here is decided when a message leaves, not when it was asked for: the id of an order, whether there
is a link to IB, whether anybody objects.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from tickledger.domain.broker import Connectivity
from tickledger.domain.errors import BrokerUnavailableError, OrderError
from tickledger.domain.order import Order, OrderModification, OrderStatus
from tickledger.execution.algos.broker_algos import BrokerAlgo
from tickledger.ib.connection import Connection
from tickledger.ib.library import LibraryObject
from tickledger.ib.order_ids import OrderIds, next_order_id
from tickledger.ib.order_tracking import OrderTracker, TrackedOrder
from tickledger.ib.orders import ib_contract, ib_order, refusal
from tickledger.ib.pacing import Lane, Pacer


@dataclass(frozen=True, slots=True)
class OrderSender:
    """Sends over `connection`; `after_sending` watches what was sent: an order, a modification, a cancel.

    `objection` is asked right before an order or a modification is written; `algos` is IB's own algorithm of an order.
    """

    connection: Connection
    pacer: Pacer
    tracker: OrderTracker
    order_ids: OrderIds
    client_id: int
    account_id: str
    algos: Mapping[str, BrokerAlgo]
    objection: Callable[[], str | None]
    after_order: Callable[[TrackedOrder], None]
    after_modification: Callable[[TrackedOrder], None]
    after_cancel: Callable[[TrackedOrder], None]

    def queue_order(self, tracked: TrackedOrder, order: Order) -> None:
        """Send an order when its turn comes."""
        self.pacer.submit(lambda: self._send_order(tracked, order), lane=Lane.ORDERS, key=order.order_id)

    def queue_modification(self, tracked: TrackedOrder, changed: Order) -> None:
        """Send changed terms when their turn comes; an order that has not left yet leaves with them."""
        if not tracked.is_sent:
            self.pacer.withdraw([tracked.order_id])
            tracked.order, tracked.quantity = changed, changed.quantity
            self.queue_order(tracked, changed)
            return
        tracked.proposed = changed
        self.pacer.submit(lambda: self._send_modification(tracked, changed), lane=Lane.ORDERS, key=tracked.order_id)

    def queue_cancel(self, tracked: TrackedOrder) -> None:
        """Send a cancel before everything that is not urgent."""
        tracked.owes_cancel = False
        self.pacer.submit(lambda: self._send_cancel(tracked), lane=Lane.URGENT)

    def withdraw(self, tracked: TrackedOrder, reason: str) -> bool:
        """Never send what waits of this order; whether that was the order itself, which is over then."""
        if not self.pacer.withdraw([tracked.order_id]):
            return False
        return self.forget(tracked, OrderStatus.CANCELLED, reason)

    def forget(self, tracked: TrackedOrder, status: OrderStatus, reason: str) -> bool:
        """What waited of this order is not sent any more; whether that was the order itself, which is over then."""
        if not tracked.is_sent:
            self.tracker.finish(tracked, status, reason)
            return True
        if tracked.proposed is not None:
            tracked.proposed = None
            self.tracker.tell(tracked, tracked.status, f"modification refused: {reason}")
        return False

    def modified(self, tracked: TrackedOrder, order: Order, modification: OrderModification) -> Order | str:
        """The order as `modification` would have it, or why it may not be made."""
        changed = _changed(tracked.order if tracked.order is not None else order, modification)
        filled = self.tracker.filled(tracked)
        objections = {
            "it is over": tracked.is_over,
            "the broker has not told of it on this client id": tracked.is_sent and tracked.ib_order_id == 0,
            "its state is not known": tracked.is_sent and tracked.status is OrderStatus.UNKNOWN,
            "another change of it is under way": tracked.proposed is not None or tracked.is_cancel_requested,
            # What was modified while IB was out of reach has become two orders.
            f"the broker is {self.connection.connectivity}": (
                self.connection.connectivity is not Connectivity.CONNECTED
            ),
            f"{filled} shares are filled": changed.quantity <= filled,
        }
        found = [objection for objection, holds in objections.items() if holds]
        return found[0] if found else refusal(changed, account_id=self.account_id) or changed

    def _send_order(self, tracked: TrackedOrder, order: Order) -> None:
        reason = self._obstacle() or self._write_order(tracked, order)
        if reason is None:
            self.after_order(tracked)
        else:
            self.tracker.finish(tracked, OrderStatus.REJECTED, f"not sent: {reason}")

    def _write_order(self, tracked: TrackedOrder, order: Order) -> str | None:
        try:
            client = self.connection.client
            number = next_order_id(
                self.order_ids, client_id=self.client_id, next_valid_id=self.connection.next_valid_id
            )
            reason = self._write(client, number, order)
        except (BrokerUnavailableError, OrderError, OSError) as error:
            return str(error)
        if reason is None:
            self.tracker.sent(tracked, number)
        return reason

    def _send_modification(self, tracked: TrackedOrder, changed: Order) -> None:
        reason = self._obstacle()
        if reason is None:
            try:
                reason = self._write(self.connection.client, tracked.ib_order_id, changed)
            except (BrokerUnavailableError, OSError) as error:
                reason = str(error)
        if reason is None:
            self.after_modification(tracked)
        else:
            self.forget(tracked, OrderStatus.REJECTED, f"not sent: {reason}")

    def _write(self, client: LibraryObject, number: int, order: Order) -> str | None:
        """Write an order to the socket, or say why not; the last that is done before that is to ask whether it may go.

        Between the question and the system call lies nothing that waits: no disk, no turn of the loop.
        """
        contract, terms = ib_contract(order.symbol), ib_order(order, self.algos.get(order.order_id))
        waiting = client.conn.transport.get_write_buffer_size()
        if waiting:
            # It would leave when the loop gets to it, which may be after the right to send it has ended.
            return f"the broker does not read: {waiting:,} bytes wait to be sent"
        reason = self.objection()
        if reason is None:
            client.placeOrder(number, contract, terms)
        return reason

    def _send_cancel(self, tracked: TrackedOrder) -> None:
        try:
            self.connection.client.cancelOrder(tracked.ib_order_id)
        except (BrokerUnavailableError, OSError):
            # It is sent when there is a connection again and the broker has told that the order works.
            tracked.owes_cancel = True
            return
        self.after_cancel(tracked)

    def _obstacle(self) -> str | None:
        """Why an order that is sent now may not go or would not reach IB."""
        if not self.connection.can_send_orders:
            return f"the broker is {self.connection.connectivity}"
        return self.objection()


def _changed(order: Order, modification: OrderModification) -> Order:
    return replace(
        order,
        quantity=modification.quantity if modification.quantity is not None else order.quantity,
        limit_price=modification.limit_price if modification.limit_price is not None else order.limit_price,
        stop_price=modification.stop_price if modification.stop_price is not None else order.stop_price,
    )
