"""What a client asks of the order desk, once it has arrived there: a new order, a modification, a cancellation."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Final

from tickledger.bars.calendars import session_close, session_open, sessions
from tickledger.domain.order import OrderSide
from tickledger.exchange.fees import OrderProgress, charges
from tickledger.exchange.venue_algo_work import AlgoWork
from tickledger.exchange.venue_algos import algo_refusal
from tickledger.exchange.venue_book import Place, Working
from tickledger.exchange.venue_checks import (
    ON_CLOSE,
    STOPS,
    TRAILS,
    Refusal,
    cancelled,
    modification_refusal,
    order_refusal,
    rejected,
)
from tickledger.exchange.venue_credit import expected_price, margin_refusal
from tickledger.exchange.venue_desk import Desk
from tickledger.exchange.venue_orders import (
    AccountState,
    OrderUpdate,
    VenueOrder,
    VenueOrderType,
    VenueStatus,
    VenueTerm,
)
from tickledger.exchange.venue_state import MESSAGE_RANK
from tickledger.exchange.venue_tape import LATE_HOURS, trading_date
from tickledger.exchange.venue_triggers import set_off

_LONGEST_CLOSING: Final = timedelta(days=14)
_FOR_THE_DAY: Final = frozenset({VenueTerm.DAY, VenueTerm.OPG, VenueTerm.IOC, VenueTerm.FOK})
#: What of an order costs it its place in time when it changes.
_PRICING: Final = ("order_type", "limit_price", "stop_price", "trail_amount", "trail_percent", "limit_offset")
_STATE_NAMES: Final = {
    VenueStatus.FILLED: "Filled",
    VenueStatus.CANCELLED: "Cancelled",
    VenueStatus.REJECTED: "Inactive",
}


@dataclass(frozen=True, slots=True)
class Preview:
    """An account before an order and after all of it traded at the price expected now, and what that would cost.

    `commission` is the order's, USD; `refusal` says why it would not be taken.
    """

    before: AccountState
    after: AccountState
    price: Decimal
    commission: Decimal
    refusal: Refusal | None


@dataclass(slots=True)
class Messages:
    """The desk's counter."""

    desk: Desk
    algos: AlgoWork

    def accept(self, working: Working) -> None:
        """Take a new order on, or refuse it."""
        refusal = next(self._refusals(working.order), None)
        if refusal is not None:
            self.desk.end(working, VenueStatus.REJECTED, refusal)
            return
        working.accepted_at = self.desk.state.now
        working.priority = self.desk.next_priority(working)
        self._go_on(working)
        if working.order.is_transmitted and working.order.parent_key is not None:
            self._transmit_bracket(working.order.parent_key)

    def restore(self, order: VenueOrder, progress: OrderProgress, fills: int, *, since: datetime) -> None:
        """Let an order go on that worked in an earlier run; raises ValueError for a used key or an unknown account."""
        desk = self.desk
        if order.order_key in desk.orders or order.account_id not in desk.state.accounts:
            raise ValueError(f"expected a new key and an account of this venue, found {order}")
        working = Working(order, since, place=Place.SESSION, progress=progress, fills=fills)
        working.priority = desk.next_priority(working, at=since)
        desk.orders[order.order_key] = working
        if order.order_type in STOPS and (fills or self._was_reached(order, since)):
            set_off(working)
        self._go_on(working)

    def _was_reached(self, order: VenueOrder, since: datetime) -> bool:
        stop, state = order.stop_price, self.desk.state
        if stop is None:
            return False
        return state.tape.has_touched(order.symbol, stop, is_rise=order.is_buy, since=since, until=state.now)

    def _go_on(self, working: Working) -> None:
        working.ends_on = self._ends_on(working.order)
        self._plan_times(working)
        self.desk.enter(working)

    def preview(self, order: VenueOrder) -> Preview:
        """What an order would do to its account; raises KeyError for an unknown one."""
        state, working = self.desk.state, Working(order, accepted_at=self.desk.state.now)
        account = state.accounts[order.account_id]
        refusal = next(self._refusals(order), None)
        price = expected_price(working, state)
        side = OrderSide.BUY if order.is_buy else OrderSide.SELL
        cost = charges(
            state.settings.fees, side=side, quantity=order.quantity, price=price, trade_date=account.trade_date
        )
        after = deepcopy(account)
        after.trade(order.symbol, working.sign * order.quantity, price, cost.total)
        return Preview(
            before=account.state(state.settings, state.price_of),
            after=after.state(state.settings, state.price_of),
            price=price,
            commission=cost.commission,
            refusal=refusal or margin_refusal(working, state),
        )

    def _refusals(self, order: VenueOrder) -> Iterator[Refusal]:
        state = self.desk.state
        if order.symbol not in state.tape.symbols and order.symbol not in state.markets:
            yield Refusal(200, "No security definition has been found for the request")
        for refusal in (order_refusal(order, state.settings, state.now), algo_refusal(order)):
            if refusal is not None:
                yield refusal
        if order.parent_key is not None:
            parent = self.desk.orders.get(order.parent_key)
            if parent is None or not (parent.is_active or parent.progress.quantity):
                yield rejected("The parent order is not working.")
            elif parent.order.account_id != order.account_id:
                yield rejected("The parent order is another account's.")
        if order.order_type in ON_CLOSE and self._is_too_late_for_close():
            yield rejected("The order came after the cut-off of the closing auction.")

    def _is_too_late_for_close(self) -> bool:
        state = self.desk.state
        return state.is_open and state.now > session_close(state.session_date) - state.settings.closing_cutoff

    def _ends_on(self, order: VenueOrder) -> date | None:
        """The session that ends an order; None for one that outlives it."""
        if order.term not in _FOR_THE_DAY:
            return None
        at = max(self.desk.state.now, order.good_after or self.desk.state.now)
        day = trading_date(at)
        ahead = sessions(day, day + _LONGEST_CLOSING)
        return next((session for session in ahead if at < _last_call(order, session)), None)

    def _plan_times(self, working: Working) -> None:
        order, agenda = working.order, self.desk.state.agenda
        if order.good_after is not None and order.good_after > self.desk.state.now:
            agenda.plan(order.good_after, MESSAGE_RANK, partial(self.desk.route, working))
        if order.term is VenueTerm.GTD and order.good_till is not None:
            agenda.plan(order.good_till, MESSAGE_RANK, partial(self._expire, working))

    def _expire(self, working: Working) -> None:
        order = working.order
        is_due = order.good_till is not None and order.good_till <= self.desk.state.now
        if working.is_active and order.term is VenueTerm.GTD and is_due:
            self.desk.end(working, VenueStatus.CANCELLED, cancelled("Its time was over."))

    def _transmit_bracket(self, parent_key: int) -> None:
        parent = self.desk.orders[parent_key]
        waiting = [order for order in (parent, *self.desk.groups.children(parent)) if order.place is Place.UNSENT]
        for working in waiting:
            working.order = replace(working.order, is_transmitted=True)
        for working in waiting:
            self.desk.route(working)

    def modify(self, order: VenueOrder) -> None:
        """Put an order in the place of the one under the same key, or say why not and leave that as it is."""
        working = self.desk.orders.get(order.order_key)
        if working is None:
            self._answer(
                order.order_key, Refusal(10147, f"OrderId {order.order_key} that needs to be modified is not found.")
            )
            return
        if not working.is_active:
            name = _STATE_NAMES[working.status].lower()
            self._answer(order.order_key, Refusal(104, f"Cannot modify a {name} order."))
            return
        refusal = self._modification_refusal(working, order)
        if refusal is not None:
            self.desk.tell(working, refusal)
            return
        self._apply(working, order)

    def _modification_refusal(self, working: Working, order: VenueOrder) -> Refusal | None:
        state = self.desk.state
        refusal = (
            modification_refusal(order, working.order, working.progress.quantity)
            or order_refusal(order, state.settings, state.now)
            or algo_refusal(order)
        )
        if refusal is not None or working.place in {Place.UNSENT, Place.PARENT}:
            return refusal
        original, working.order = working.order, order
        refusal = margin_refusal(working, state)
        working.order = original
        return refusal

    def _apply(self, working: Working, order: VenueOrder) -> None:
        original = working.order
        is_repriced = any(getattr(order, name) != getattr(original, name) for name in _PRICING)
        if is_repriced or order.quantity > original.quantity:
            working.priority = self.desk.next_priority(working)
        self.algos.forget(order.order_key)
        changed = replace(order, is_transmitted=order.is_transmitted or original.is_transmitted)
        self._price_anew(working, original, changed)
        working.ends_on = self._ends_on(order)
        self.desk.replace_terms(working, changed)
        self._plan_times(working)
        if working.order.is_transmitted and working.order.parent_key is not None:
            self._transmit_bracket(working.order.parent_key)

    def _price_anew(self, working: Working, original: VenueOrder, order: VenueOrder) -> None:
        if working.is_triggered and order.order_type is VenueOrderType.STP_LMT:
            working.limit = order.limit_price
        elif not working.is_triggered or order.order_type is not original.order_type:
            working.limit, working.is_triggered = None, False
        if not order.algo:
            working.released = None
        is_same_trail = order.order_type in TRAILS and all(
            getattr(order, name) == getattr(original, name) for name in _PRICING
        )
        if not is_same_trail:
            working.stop = order.stop_price

    def cancel(self, order_key: int) -> None:
        """End an order by request, and its group with it; one that is not known or done is answered with a code."""
        working = self.desk.orders.get(order_key)
        if working is None:
            self._answer(order_key, Refusal(10147, f"OrderId {order_key} that needs to be cancelled is not found."))
        elif not working.is_active:
            name = _STATE_NAMES[working.status]
            text = f"OrderId {order_key} that needs to be cancelled cannot be cancelled, state: {name}."
            self._answer(order_key, Refusal(10148, text))
        else:
            self.desk.end(working, VenueStatus.CANCELLED, cancelled(""))
            self.desk.cancel_group(working)

    def _answer(self, order_key: int, refusal: Refusal) -> None:
        """Answer a message that changes nothing; the order's own last update stays what it was."""
        self.desk.state.events.append(answer(self.desk.orders.get(order_key), order_key, refusal, self.desk.state.now))


def answer(working: Working | None, order_key: int, refusal: Refusal, at: datetime) -> OrderUpdate:
    """Where the order is, with why a message about it did nothing; REJECTED with nothing filled if it is unknown."""
    if working is None:
        zero = Decimal(0)
        return OrderUpdate(order_key, VenueStatus.REJECTED, zero, zero, zero, at, refusal.code, refusal.text)
    return replace(where(working), occurred_at=at, code=refusal.code, text=refusal.text)


def where(working: Working) -> OrderUpdate:
    """The last that was told of an order; HELD while it is on its way."""
    return working.told or working.update(VenueStatus.HELD, working.accepted_at)


def _last_call(order: VenueOrder, session: date) -> datetime:
    """Until when an order for the day still belongs to a session."""
    if order.term is VenueTerm.OPG:
        return session_open(session)
    return session_close(session) + (LATE_HOURS if order.outside_hours else timedelta(0))
