"""Asking the broker again: after doubt, after every connection, and whole, as a snapshot.

What the answers say of our orders reaches the tracker by the same messages as live news. What they do not say proves
nothing: an order that is missing from them stays UNKNOWN, and whoever keeps the record decides with a snapshot.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from tickledger.domain.broker import BrokerOrder, BrokerSnapshot
from tickledger.domain.errors import BrokerUnavailableError
from tickledger.domain.ports import Clock
from tickledger.ib.fills import FillBook
from tickledger.ib.ib_settings import IBSettings
from tickledger.ib.link import LinkState
from tickledger.ib.order_tracking import OrderTracker
from tickledger.ib.orders import broker_order, open_status
from tickledger.ib.requests import OpenOrder, Requests

_SNAPSHOT_ATTEMPTS: Final = 3
_PAUSE: Final = 0.2


class Inquiry:
    """Questions about the account's orders. `after_answers` is called when open orders and fills are known.

    `link` is that of the connection, `unsent` the orders of which something still waits to be sent.
    """

    def __init__(
        self,
        settings: IBSettings,
        *,
        requests: Requests,
        tracker: OrderTracker,
        book: FillBook,
        clock: Clock,
        after_answers: Callable[[], None],
        link: Callable[[], LinkState],
        unsent: Callable[[], frozenset[str]],
    ) -> None:
        self._settings = settings
        self._requests = requests
        self._tracker = tracker
        self._book = book
        self._clock = clock
        self._after_answers = after_answers
        self._link = link
        self._unsent = unsent
        self._asking: asyncio.Task[None] | None = None
        self._is_to_ask_again = False
        self._lock = asyncio.Lock()
        self.activity = 0

    def ask(self) -> None:
        """Ask what became of our orders; while that is being asked, once more after it."""
        if self._asking is not None and not self._asking.done():
            self._is_to_ask_again = True
            return
        self._asking = asyncio.create_task(self._ask_until_answered())

    async def stop(self) -> None:
        """Ask nothing more."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)

    async def snapshot(self) -> BrokerSnapshot:
        """The account as the broker has it now; raises BrokerUnavailableError where any part could not be had.

        Where something happened while the parts were asked for, they are asked for again, so that they fit together.
        """
        async with self._lock:
            for _ in range(_SNAPSHOT_ATTEMPTS - 1):
                before = self.activity
                taken = await self._take()
                if self.activity == before:
                    return taken
            return await self._take()

    async def _take(self) -> BrokerSnapshot:
        account, link, losses = self._settings.account_id, self._link(), self._link().losses
        taken_at, unsent = self._clock.now(), self._unsent()
        completed = asyncio.ensure_future(self._completed())
        try:
            open_orders, executed, positions, cash = await asyncio.gather(
                self._requests.open_orders(),
                self._requests.executions(account),
                self._requests.positions(account),
                self._requests.cash(account),
            )
            finished = await completed
        finally:
            completed.cancel()
        if not link.has_link or link.losses != losses:
            # Without its link the gateway tells what it knew before, and holds orders that nobody sees.
            raise BrokerUnavailableError(f"account {account}: the gateway has no link to IB")
        fills = self._book.latest(executed)
        return BrokerSnapshot(
            account_id=account,
            taken_at=taken_at,
            open_orders=self._as_told(open_orders),
            completed_orders=finished,
            fills=fills,
            commissions=self._book.commissions_of(fills),
            positions=positions,
            cash=cash,
            unsent=unsent,
        )

    async def _completed(self) -> tuple[BrokerOrder, ...] | None:
        """The orders that are over; None where IB does not say, as it often does not."""
        try:
            rows = await self._requests.completed_orders(within=self._settings.completed_orders_timeout)
        except BrokerUnavailableError:
            return None
        for row in rows:
            reason = row.state.completedStatus
            self._tracker.take_completed(row.order, status=row.status, filled=row.filled, reason=reason)
        return self._as_told(rows)

    def _as_told(self, rows: list[OpenOrder]) -> tuple[BrokerOrder, ...]:
        return tuple(self._order(row) for row in rows if row.order.account == self._settings.account_id)

    def _order(self, row: OpenOrder) -> BrokerOrder:
        known = self._book.filled(order_id=row.order.orderRef, broker_order_id=str(row.order.permId))
        filled = max(row.filled, known)
        return broker_order(
            row.contract,
            row.order,
            status=open_status(row.status, filled=filled),
            filled=filled,
            reason=row.state.completedStatus or row.state.warningText,
        )

    async def _ask_until_answered(self) -> None:
        while True:
            self._is_to_ask_again = False
            try:
                await self._requests.open_orders()
                await self._requests.executions(self._settings.account_id)
            except BrokerUnavailableError:
                # Another connection asks again; what is UNKNOWN stays so.
                return
            self._after_answers()
            if self._tracker.has_open_questions():
                await self._completed()
            if not self._is_to_ask_again:
                return
            await asyncio.sleep(_PAUSE)
