"""The order desk: takes orders, changes and cancellations to the venue, and tells clients what becomes of them.

An order is told to the client that placed it and to the master client; one that was entered by hand to client 0 where
that asked for it. Others see it only when they ask for all open orders. openOrder always comes before orderStatus.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import ROUND_UP, Decimal
from typing import TYPE_CHECKING, Final

from tickledger.exchange.venue_orders import OrderUpdate, VenueEvent, VenueFill, VenueOrder, VenueStatus
from tickledger.gateway import order_answers
from tickledger.gateway.answers import NEW_YORK
from tickledger.gateway.books import BY_HAND, ExecutionRecord, OrderRecord
from tickledger.gateway.listings import Listing
from tickledger.gateway.order_answers import OrderIdentity, OrderStateTold, StatusTold
from tickledger.gateway.order_terms import Refusal, Terms, invalid, venue_order
from tickledger.gateway.placed_order import PlacedOrder
from tickledger.gateway.what_if import margins

if TYPE_CHECKING:
    from tickledger.gateway.floor import Floor
    from tickledger.gateway.session import Session

UNKNOWN_CONTRACT: Final = 200
NO_SUCH_CONTRACT: Final = "No security definition has been found for the request"
DUPLICATE_ID: Final = 103
MISMATCH: Final = 105
REJECTED: Final = 201
CANCELLED: Final = 202
CANCEL_UNKNOWN: Final = 10147
CANCEL_DONE: Final = 10148


class OrderDesk:
    """Orders between clients and the venue."""

    def __init__(self, floor: "Floor") -> None:
        self._floor = floor
        self._held: list[Callable[[], None]] = []

    # What clients ask.

    def place(self, session: "Session", placed: PlacedOrder) -> None:
        """A new order, a change of a working one, or a question what an order would do."""
        if self._floor.faults.is_link_down:
            self._held.append(lambda: self.place(session, placed))
            return
        try:
            self._place(session, placed)
        except Refusal as refusal:
            session.error(placed.order_id, refusal.code, refusal.text)

    def release(self) -> None:
        """The link to the broker is back: what was held goes on."""
        held, self._held = self._held, []
        for go_on in held:
            go_on()

    def _place(self, session: "Session", placed: PlacedOrder) -> None:
        listing = self._listing(placed)
        fault = self._floor.faults.take_order_fault(session, placed, listing.symbol)
        if fault is not None and not fault.goes_on:
            return
        record = self._floor.books.of_client(session.client_id, placed.order_id)
        if placed.is_set("whatIf"):
            self._tell_what_if(session, placed, listing)
        elif record is not None and not record.is_done:
            self._modify(session, record, placed)
        elif self._is_free(session, placed, record):
            self._submit(session.client_id, placed, listing)
            if fault is not None and fault.is_cut_off:
                session.connection.abort()
        else:
            raise Refusal(DUPLICATE_ID, "Duplicate order id")

    def _is_free(self, session: "Session", placed: PlacedOrder, record: OrderRecord | None) -> bool:
        """Whether an id may be given to this order: one that fell back is free for others, not for its own order."""
        reference = placed.term("orderRef")
        is_its_own = record is not None and reference and record.placed.term("orderRef") == reference
        is_used = self._floor.books.is_used(session.client_id, placed.order_id)
        return placed.order_id > 0 and not is_used and not is_its_own

    def _listing(self, placed: PlacedOrder) -> Listing:
        listing = self._floor.directory.find(placed.contract)
        if listing is None:
            raise Refusal(UNKNOWN_CONTRACT, NO_SUCH_CONTRACT)
        return listing

    def _account(self, placed: PlacedOrder) -> str:
        account = self._floor.settings.account
        if placed.term("account") not in {"", account}:
            raise invalid(f"Invalid account code '{placed.term('account')}'")
        return account

    def check_by_hand(self, placed: PlacedOrder) -> None:
        """Raises Refusal for an order that `place_by_hand` would refuse."""
        identity = OrderIdentity(BY_HAND, placed.order_id, 0, account=self._account(placed))
        self._venue_order(placed, identity, self._listing(placed))

    def place_by_hand(self, placed: PlacedOrder) -> OrderRecord:
        """An order entered in TWS itself; raises Refusal. Client 0 gets it bound to an id where it asked for that."""
        return self._submit(BY_HAND, placed, self._listing(placed))

    def _submit(self, client_id: int, placed: PlacedOrder, listing: Listing) -> OrderRecord:
        books = self._floor.books
        parent = self._parent(client_id, placed)
        identity = OrderIdentity(
            client_id=client_id,
            order_id=placed.order_id,
            permanent_id=books.new_permanent_id(),
            parent_id=parent.identity.order_id if parent else 0,
            parent_permanent_id=parent.permanent_id if parent else 0,
            account=self._account(placed),
        )
        order = self._venue_order(placed, identity, listing)
        record = OrderRecord(identity, placed, listing, StatusTold("PreSubmitted", remaining=order.quantity))
        record.is_by_hand = placed.order_id == 0
        books.add(record)
        if record.is_by_hand:
            self._bind_for_client_zero(record)
        self._tell_events(record, self._floor.venue.submit(order))
        return record

    def _venue_order(self, placed: PlacedOrder, identity: OrderIdentity, listing: Listing) -> VenueOrder:
        known = Terms(listing, identity.account, identity.permanent_id, identity.parent_permanent_id or None)
        return venue_order(placed, known)

    def _parent(self, client_id: int, placed: PlacedOrder) -> OrderRecord | None:
        parent_id = int(placed.term("parentId") or 0)
        if parent_id == 0:
            return None
        parent = self._floor.books.of_client(client_id, parent_id)
        if parent is None or (parent.is_done and parent.status.status != "Filled"):
            raise Refusal(REJECTED, f"Order rejected - reason:The parent order {parent_id} is not active.")
        return parent

    def _modify(self, session: "Session", record: OrderRecord, placed: PlacedOrder) -> None:
        old = record.placed
        if placed.term("action") != old.term("action") or self._listing(placed) != record.listing:
            raise Refusal(MISMATCH, "Order being modified does not match original order")
        order = self._venue_order(placed, record.identity, record.listing)
        record.replaced, record.placed = old, placed
        events = self._floor.venue.modify(order)
        self._tell_events(record, events)
        if not any(isinstance(event, OrderUpdate) and event.order_key == record.permanent_id for event in events):
            self._tell_order(record, [session])

    def _tell_events(self, record: OrderRecord, events: Sequence[VenueEvent]) -> None:
        """Tell what came of a message; a fill that came at once is told after the order's acknowledgement."""
        first = next((event for event in events if getattr(event, "order_key", None) == record.permanent_id), None)
        if isinstance(first, VenueFill):
            record.status = replace(record.status, status="Submitted")
            self._tell_order(record, self._audience(record))
        self._floor.tell(events)

    def cancel(self, session: "Session", order_id: int) -> None:
        """Cancel an order of this client (client 0: or a bound one that was entered by hand)."""
        record = self._floor.books.of_client(session.client_id, order_id)
        if record is None:
            session.error(order_id, CANCEL_UNKNOWN, f"OrderId {order_id} that needs to be cancelled is not found.")
        elif self._floor.faults.hits_cancel(session, record):
            return
        elif record.is_done:
            state = record.status.status
            text = f"OrderId {order_id} that needs to be cancelled can not be cancelled, state: {state}."
            session.error(order_id, CANCEL_DONE, text)
        elif self._floor.faults.is_link_down:
            self._held.append(lambda: self.cancel(session, order_id))
        else:
            self._floor.tell(self._floor.venue.cancel(record.permanent_id))

    def cancel_all(self) -> None:
        """Cancel every order, whoever placed it."""
        if self._floor.faults.is_link_down:
            self._held.append(self.cancel_all)
            return
        for record in self._floor.books.open_orders():
            if not record.is_done:
                self._floor.tell(self._floor.venue.cancel(record.permanent_id))

    def fill_now(self, record: OrderRecord, quantity: float | None) -> None:
        """Fill part of an order before the cancellation that is on its way: half of it, if not told how much."""
        left = record.status.remaining
        amount = (left / 2).to_integral_value(ROUND_UP) if quantity is None else Decimal(str(quantity))
        self._floor.tell(self._floor.venue.fill_now(record.permanent_id, amount))

    def tell_open(self, session: "Session", *, of_all: bool) -> None:
        """Send openOrder and orderStatus of each open order of this client, or of all of them, then the end."""
        for record in self._floor.books.open_orders():
            if of_all or record.identity.client_id == session.client_id:
                self._tell_order(record, [session])
        session.send(order_answers.open_order_end())

    def tell_completed(self, session: "Session", *, is_api_only: bool) -> None:
        """Orders of all clients that ended since midnight in New York, then the end."""
        midnight = self._floor.venue.now.astimezone(NEW_YORK).replace(hour=0, minute=0, second=0, microsecond=0)
        for record in self._floor.books.completed_since(midnight):
            if record.completion is not None and not (is_api_only and record.is_by_hand):
                frame = order_answers.completed_order(
                    record.placed, record.identity, record.completion, record.listing, version=session.version
                )
                session.send(frame)
        session.send(order_answers.completed_orders_end())

    def bind_automatically(self, session: "Session", *, is_on: bool) -> None:
        """Client 0 wants orders entered by hand as its own, or no longer."""
        session.has_auto_bind = is_on and session.client_id == BY_HAND
        for record in self._floor.books.open_orders():
            if session.has_auto_bind and record.is_by_hand and record.identity.order_id == 0:
                self._bind(record, session)

    def _bind_for_client_zero(self, record: OrderRecord) -> None:
        for session in self._floor.sessions:
            if session.has_auto_bind:
                self._bind(record, session)

    def _bind(self, record: OrderRecord, session: "Session") -> None:
        self._floor.books.bind(record)
        identity = record.identity
        session.send(order_answers.order_bound(identity.permanent_id, identity.client_id, identity.order_id))

    # What the venue tells.

    def on_update(self, update: OrderUpdate) -> None:
        """An order went on."""
        record = self._floor.books.of_permanent_id(update.order_key)
        if record is None:
            return
        record.take(update)
        audience = self._audience(record)
        if update.code is not None:
            for session in audience:
                session.error(record.identity.order_id, update.code, update.text)
        elif update.status is VenueStatus.CANCELLED:
            for session in audience:
                session.error(record.identity.order_id, CANCELLED, f"Order Canceled - reason:{update.text}")
        self._tell_order(record, audience)

    def on_fill(self, fill: VenueFill) -> None:
        """An order was filled, in whole or in part."""
        if self._floor.books.of_permanent_id(fill.order_key) is None:
            return
        execution = self._floor.books.take_fill(fill)
        self.tell_execution(execution)
        self._floor.faults.on_fill(execution)

    def tell_execution(self, execution: ExecutionRecord) -> None:
        """Tell an execution to those whom its order concerns, and its commission when that is due."""
        for session in self._audience(execution.order):
            session.send(self.execution_frame(-1, execution, version=session.version))
        delay = self._floor.faults.commission_delay(execution)
        if delay is None:
            return
        if delay > 0:
            self._floor.later(delay, lambda: self.tell_commission(execution))
        else:
            self.tell_commission(execution)

    def tell_commission(self, execution: ExecutionRecord) -> None:
        """Tell what an execution cost."""
        execution.is_commission_known = True
        frame = commission_frame(execution)
        for session in self._audience(execution.order):
            session.send(frame)

    def execution_frame(self, request_id: int, execution: ExecutionRecord, *, version: int) -> bytes:
        """The message that tells an execution."""
        order = execution.order
        return order_answers.execution_details(
            request_id, order.placed, order.identity, execution.told, order.listing, version=version
        )

    def _audience(self, record: OrderRecord) -> list["Session"]:
        if self._floor.faults.is_link_down:
            return []
        return [session for session in self._floor.sessions if _concerns(record, session)]

    def _tell_order(self, record: OrderRecord, audience: Sequence["Session"]) -> None:
        for session in audience:
            session.send(self._open_order(record, session.version))
        status = order_answers.order_status(record.identity, record.status)
        for frame in self._floor.faults.statuses(record, status):
            for session in audience:
                session.send(frame)

    def _open_order(self, record: OrderRecord, version: int) -> bytes:
        state = OrderStateTold(record.status.status)
        return order_answers.open_order(record.placed, record.identity, state, record.listing, version=version)

    def _tell_what_if(self, session: "Session", placed: PlacedOrder, listing: Listing) -> None:
        identity = OrderIdentity(session.client_id, placed.order_id, 0, account=self._account(placed))
        order = self._venue_order(placed, identity, listing)
        state = margins(self._floor.venue, order, settings=self._floor.venue_settings)
        session.send(order_answers.open_order(placed, identity, state, listing, version=session.version))


def commission_frame(execution: ExecutionRecord) -> bytes:
    """The message that tells what an execution cost."""
    return order_answers.commission_report(execution.told.execution_id, execution.commission, execution.realized)


def _concerns(record: OrderRecord, session: "Session") -> bool:
    if session.is_master:
        return True
    if record.is_by_hand:
        return session.has_auto_bind
    return record.identity.client_id == session.client_id
