"""The `RemoteBroker` over Interactive Brokers: sends what it is given once, and tells what the wire says of it.

Nothing here believes the library's `Trade` (see `errors`). Orders wait in the pacer's ordinary lane, cancels in the
urgent one; `cancel_all` withdraws what waits and goes at once. What cannot be sent is told as REJECTED, because then
it is certain that it was not sent; what was sent and not answered is told as UNKNOWN, and the broker is asked.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tickledger.domain.broker import BrokerSnapshot
from tickledger.domain.errors import BrokerUnavailableError
from tickledger.domain.order import Order, OrderModification, OrderStatus
from tickledger.domain.ports import Clock, RemoteReport
from tickledger.exchange.fees import schedule
from tickledger.execution.algos.broker_algos import BrokerAlgo
from tickledger.ib.connection import Connection
from tickledger.ib.fills import FillBook
from tickledger.ib.ib_settings import IBSettings
from tickledger.ib.inquiry import Inquiry
from tickledger.ib.library import LibraryObject
from tickledger.ib.order_ids import OrderIds
from tickledger.ib.order_sending import OrderSender
from tickledger.ib.order_tracking import OrderTracker, Outlets, TrackedOrder
from tickledger.ib.orders import refusal
from tickledger.ib.pacing import Pacer
from tickledger.ib.position_watch import PositionWatch
from tickledger.ib.requests import Requests
from tickledger.ib.wire import Wire


def no_objection() -> str | None:
    """Nothing speaks against sending."""
    return None


class IBBroker:
    """An account at IB, over one client id. `start` and `stop` frame its use; all else is the port's.

    `algos` names IB's own algorithm for an order, by order id; it is looked up when the order is sent. `objection` is
    asked right before an order is written to the socket: a reason not to (a lease that has run out) refuses it.
    `wire`, `pacer`, `requests` and `connection` are what market and historical data share with it.
    """

    def __init__(
        self,
        settings: IBSettings,
        *,
        clock: Clock,
        order_ids: OrderIds,
        algos: Mapping[str, BrokerAlgo] | None = None,
        objection: Callable[[], str | None] = no_objection,
    ) -> None:
        self.settings = settings
        self.wire = Wire()
        self.pacer = Pacer(limit=settings.messages_per_second, reserved=settings.reserved_messages)
        self.requests = Requests(self.wire, self.pacer, timeout=settings.request_timeout)
        self.connection = Connection(settings, wire=self.wire, pacer=self.pacer, requests=self.requests, clock=clock)
        self._clock = clock
        self._book = FillBook(schedule(settings.fee_schedule))
        self._reports: list[RemoteReport] = []
        self._has_reports = asyncio.Event()
        self._timers: set[asyncio.TimerHandle] = set()
        self._owes_cancel_all = False
        self._tracker = OrderTracker(
            client_id=settings.client_id,
            account_id=settings.account_id,
            book=self._book,
            clock=clock,
            outlets=Outlets(self._tell, self._ask, self._await_fills, self._contradiction),
        )
        self._inquiry = Inquiry(
            settings,
            requests=self.requests,
            tracker=self._tracker,
            book=self._book,
            clock=clock,
            after_answers=self._cancel_what_was_found,
            link=lambda: self.connection.link,
            unsent=self.pacer.keys,
        )
        self._sender = OrderSender(
            connection=self.connection,
            pacer=self.pacer,
            tracker=self._tracker,
            order_ids=order_ids,
            client_id=settings.client_id,
            account_id=settings.account_id,
            algos=algos if algos is not None else {},
            objection=objection,
            after_order=lambda sent: self._after(settings.acknowledgement_timeout, self._expect_acknowledgement, sent),
            after_modification=lambda sent: self._after(
                settings.acknowledgement_timeout, self._expect_modification, sent
            ),
            after_cancel=lambda sent: self._after(settings.acknowledgement_timeout, self._expect_end, sent),
        )
        self._positions = PositionWatch(settings.account_id, self.wire, ask=self._ask, later=self._after)
        self._listen()

    async def start(self) -> None:
        """Connect; raises BrokerUnavailableError or ConfigurationError where that fails the first time."""
        await self.connection.start()

    async def stop(self) -> None:
        """Disconnect. Orders work on at the broker."""
        for timer in self._timers:
            timer.cancel()
        await self._inquiry.stop()
        await self.connection.stop()

    def adopt(self, orders: Iterable[Order]) -> None:
        """Orders of an earlier run that may still be at the broker: their sides and quantities."""
        for order in orders:
            self._tracker.adopt(order)

    async def place(self, order: Order) -> None:
        """Send an order, once: a second call for the same order sends nothing."""
        known = self._tracker.get(order.order_id)
        if known is not None:
            self._tracker.tell(known, known.status, "not sent again: it was placed before")
            return
        tracked = self._tracker.add(order)
        reason = refusal(order, account_id=self.settings.account_id, algo=self._sender.algos.get(order.order_id))
        if reason is not None:
            self._tracker.finish(tracked, OrderStatus.REJECTED, f"not sent: {reason}")
        else:
            self._sender.queue_order(tracked, order)

    async def modify(self, order: Order, modification: OrderModification) -> None:
        """Change a working order. What is refused is told by the order's own status, with the reason."""
        tracked = self._tracker.get(order.order_id) or self._tracker.adopt(order)
        changed = self._sender.modified(tracked, order, modification)
        if isinstance(changed, Order):
            self._sender.queue_modification(tracked, changed)
        else:
            self._tracker.tell(tracked, tracked.status, f"modification refused: {changed}")

    async def cancel(self, order_id: str) -> None:
        """Ask IB to cancel; an order that has not left yet never does.

        A cancel that cannot go now, because there is no connection or IB has not told of the order, is owed: it goes
        as soon as IB has told that the order works.
        """
        tracked = self._tracker.get(order_id) or self._tracker.hear_of(order_id)
        if tracked.is_over:
            self._tracker.tell(tracked, tracked.status, "not cancelled: it is over")
        elif tracked.client_id not in {None, self.settings.client_id}:
            reason = f"not cancelled: it belongs to client id {tracked.client_id}"
            self._tracker.tell(tracked, tracked.status, reason)
        elif not self._sender.withdraw(tracked, "cancelled before it was sent"):
            tracked.is_cancel_requested = True
            if tracked.ib_order_id:
                self._sender.queue_cancel(tracked)
            else:
                tracked.owes_cancel = True
                self._tracker.doubt(tracked, "not cancelled yet: the broker has not told of it")

    async def cancel_all(self) -> None:
        """Cancel every order at IB, whoever entered it, past everything that waits; what waits is never sent.

        Without a connection this is owed, and the first thing that another connection sends.
        """
        self._owes_cancel_all = True
        withdrawn = self.pacer.withdraw()
        self._send_cancel_all()
        for tracked in filter(None, map(self._tracker.get, withdrawn)):
            self._sender.forget(tracked, OrderStatus.CANCELLED, "cancelled with all before it was sent")

    async def reports(self) -> Sequence[RemoteReport]:
        """Everything since the last call, in order; returns at once."""
        told, self._reports = self._reports, []
        self._has_reports.clear()
        return told

    async def something_to_report(self) -> None:
        """Wait until `reports` has something."""
        await self._has_reports.wait()

    async def snapshot(self) -> BrokerSnapshot:
        """The account as the broker has it now; raises BrokerUnavailableError where any part could not be had."""
        return await self._inquiry.snapshot()

    def _listen(self) -> None:
        self.wire.listen("openOrder", self._tracker.take_open_order)
        self.wire.listen("orderStatus", self._tracker.take_status)
        self.wire.listen("execDetails", self._execution)
        self.wire.listen("commissionReport", self._commission)
        self.wire.listen("error", self._tracker.take_error)
        self.connection.on_change.append(self._tell)
        self.connection.on_up.append(self._up)
        self.connection.on_down.append(self._down)

    def _tell(self, report: RemoteReport) -> None:
        self._reports.append(report)
        self._has_reports.set()

    def _ask(self) -> None:
        self._inquiry.ask()

    def _contradiction(self, what: str) -> None:
        self.connection.tell(what, needs_snapshot=True)

    def _execution(self, _number: int, contract: LibraryObject, execution: LibraryObject) -> None:
        if execution.acctNumber != self.settings.account_id:
            return
        tracked = self._tracker.get(execution.orderRef)
        fill = self._book.take(contract, execution, side=tracked.side if tracked is not None else None)
        if fill is not None:
            self._inquiry.activity += 1
            self._positions.take_fill(fill)
            self._tell(fill)
            self._tracker.take_fill(fill)

    def _commission(self, report: LibraryObject) -> None:
        told = self._book.commission(report, reported_at=self._clock.now())
        if told is not None:
            self._tell(told)

    def _up(self) -> None:
        self._send_cancel_all()
        if self._tracker.has_open_questions():
            self._ask()

    def _down(self, reason: str) -> None:
        self._positions.forget()
        for tracked in filter(None, map(self._tracker.get, self.pacer.clear())):
            self._sender.forget(tracked, OrderStatus.REJECTED, f"not sent: {reason}")
        self._tracker.connection_lost(reason)

    def _send_cancel_all(self) -> None:
        if not self._owes_cancel_all:
            return
        try:
            client = self.connection.client
        except BrokerUnavailableError as error:
            self.connection.tell(f"all orders are still to be cancelled: {error}")
            return
        self.pacer.send_at_once(client.reqGlobalCancel)
        self._owes_cancel_all = False
        self._after(self.settings.acknowledgement_timeout, self._ask)

    def _cancel_what_was_found(self) -> None:
        for tracked in self._tracker:
            if tracked.owes_cancel and tracked.ib_order_id and not tracked.is_over:
                self._sender.queue_cancel(tracked)

    def _expect_acknowledgement(self, tracked: TrackedOrder) -> None:
        if not tracked.is_acknowledged and not tracked.is_over:
            waited = self.settings.acknowledgement_timeout
            self._tracker.doubt(tracked, f"not acknowledged within {waited:g} s")

    def _expect_modification(self, tracked: TrackedOrder) -> None:
        if tracked.proposed is not None:
            waited = self.settings.acknowledgement_timeout
            self._tracker.doubt(tracked, f"the modification was not acknowledged within {waited:g} s")

    def _expect_end(self, tracked: TrackedOrder) -> None:
        # A cancel may stay unanswered until the market opens; then it may be asked for again.
        if not tracked.is_over:
            tracked.is_cancel_requested = False
            self._ask()

    def _await_fills(self, tracked: TrackedOrder) -> None:
        self._after(self.settings.fill_grace, self._ask_for_fills, tracked)

    def _ask_for_fills(self, tracked: TrackedOrder) -> None:
        if tracked.end is not None:
            self._ask()
            self._after(self.settings.request_timeout, self._miss_fills, tracked)

    def _miss_fills(self, tracked: TrackedOrder) -> None:
        if tracked.end is not None:
            end, tracked.end = tracked.end, None
            known = self._tracker.filled(tracked)
            reason = f"{end.status} with {end.filled} shares, but fills of {known} were told"
            self._tracker.tell(tracked, OrderStatus.UNKNOWN, reason)

    def _after(self, seconds: float, act: Callable[..., None], *arguments: Any) -> None:  # noqa: ANN401
        def run() -> None:
            self._timers.discard(timer)
            act(*arguments)

        timer = asyncio.get_running_loop().call_later(seconds, run)
        self._timers.add(timer)
