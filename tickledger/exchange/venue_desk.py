"""The broker's order desk: where each order waits, how it moves on, and what its fills set off in books and groups.

An order is kept in one place at a time. Whenever something changes (a message, the session, a parent's fill) it is
routed anew: on its way, not yet transmitted, waiting for its parent, for its time, for shares to borrow, for the
session, for an auction, for its trigger, or on the book. An order that is to fill at once or not at all waits for the
session like any other, and then for its first quote; in a halt it is cancelled. A modification keeps the place in time
unless it changes a price or asks for more shares.

A parent that was filled in part and then ended leaves its children to guard that part; one that was not filled takes
them along.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Final

from tickledger.domain.bar import Print
from tickledger.exchange.venue_book import Market, Place, Priority, Working
from tickledger.exchange.venue_checks import ON_CLOSE, Refusal, cancelled, rejected
from tickledger.exchange.venue_credit import LOCATING, NOT_SHORTABLE, margin_refusal, missing_shares, shortage
from tickledger.exchange.venue_fills import booked, charges_of, execution_id, price_paid
from tickledger.exchange.venue_groups import CANCEL, REDUCE_WITHOUT_BLOCK, Groups, group_type, reduced
from tickledger.exchange.venue_orders import VenueFill, VenueOrder, VenueOrderType, VenueStatus, VenueTerm
from tickledger.exchange.venue_state import MESSAGE_RANK, VenueState
from tickledger.exchange.venue_triggers import follow, is_set_off, needs_trigger, set_off

_NOTHING: Final = Decimal(0)
_WHY_HELD: Final = {
    Place.UNSENT: "untransmitted",
    Place.PARENT: "child",
    Place.LOCATE: "locate",
    Place.TRIGGER: "trigger",
}
PLAIN_LIMITS: Final = frozenset({VenueOrderType.LMT, VenueOrderType.LOC})
_NOT_AT_ONCE: Final = cancelled("The rest did not fill at once.")
#: Places that an order leaves only once its account has been asked whether it can carry it.
_NOT_ADMITTED: Final = frozenset({Place.TRANSIT, Place.UNSENT, Place.PARENT})


@dataclass(slots=True)
class Desk:
    """All orders of a venue by their key, done or not; `active` are those that can still trade."""

    state: VenueState
    orders: dict[int, Working] = field(default_factory=dict)
    active: dict[int, Working] = field(default_factory=dict)
    groups: Groups = field(default_factory=Groups)
    fills: list[VenueFill] = field(default_factory=list)
    symbols: "Counter[str]" = field(default_factory=Counter)
    _priorities: "count[int]" = field(default_factory=count)
    _execution_numbers: "count[int]" = field(default_factory=lambda: count(1))
    _immediates: list[Working] = field(default_factory=list)
    begin_algo: Callable[[Working], None] = lambda _: None

    def next_priority(self, working: Working, *, at: datetime | None = None) -> Priority:
        """The place in time of an order that comes, or changes, now or `at` another instant."""
        return at or self.state.now, working.order.tie_break, next(self._priorities)

    def enter(self, working: Working) -> None:
        """Take an order in that is acceptable by itself, and send it where it belongs."""
        order = working.order
        if order.order_type in PLAIN_LIMITS:
            working.limit = order.limit_price
        self.active[order.order_key] = working
        self._index(working)
        self.symbols[order.symbol] += 1
        self.groups.add(working)
        self.state.attend(order.symbol)
        self.route(working)

    def route(self, working: Working) -> None:
        """Send an order where it belongs now; tells where that is, if it is elsewhere than before."""
        if not working.is_active or working.place is (place := self._place_for(working)):
            return
        if working.place in _NOT_ADMITTED and place not in _NOT_ADMITTED:
            refusal = self._refusal(working)
            if refusal is not None:
                self.end(working, VenueStatus.REJECTED, refusal)
                return
        self._leave(working)
        working.place = place
        self._arrive(working)

    def _place_for(self, working: Working) -> Place:
        order = working.order
        if not order.is_transmitted:
            return Place.UNSENT
        if order.parent_key is not None and self._is_waiting_for(order.parent_key):
            return Place.PARENT
        if order.good_after is not None and self.state.now < order.good_after:
            return Place.LATER
        if working.place is not Place.BOOK and missing_shares(working, self.state) > 0:
            return Place.LOCATE
        return self._place_in_market(working)

    def _place_in_market(self, working: Working) -> Place:
        order = working.order
        if order.order_type in ON_CLOSE or order.term is VenueTerm.OPG:
            return Place.AUCTION
        if not self._has_session(working):
            return Place.SESSION
        return Place.TRIGGER if needs_trigger(working) else Place.BOOK

    def _is_waiting_for(self, parent_key: int) -> bool:
        parent = self.orders[parent_key]
        return parent.is_active or not parent.progress.quantity

    def _has_session(self, working: Working) -> bool:
        """Outside regular hours only what says so trades, and only at a limit; its stop may be set off."""
        if self.state.is_open or working.order.algo:
            return self.state.is_open
        is_guarded = working.limit is not None or needs_trigger(working)
        return self.state.phase_began_at is not None and working.order.outside_hours and is_guarded

    def _refusal(self, working: Working) -> Refusal | None:
        if missing_shares(working, self.state) > 0 and not (self.state.shortable or {}).get(working.order.symbol):
            return NOT_SHORTABLE
        return margin_refusal(working, self.state)

    def reroute(self, working: Working) -> None:
        """Send an order whose terms have changed where it belongs now, and tell it in any case."""
        self._leave(working)
        working.told = None
        working.place = self._place_for(working)
        self._arrive(working)

    def replace_terms(self, working: Working, order: VenueOrder) -> None:
        """Give an order other terms at the same place in time, and tell it."""
        is_admitted = working.place not in _NOT_ADMITTED
        if is_admitted:
            self._leave(working)
            working.place = Place.SESSION
        working.order = order
        if order.order_type in PLAIN_LIMITS:
            working.limit = order.limit_price
        if is_admitted:
            self.reroute(working)
            return
        working.told = None
        self.route(working)
        self.tell(working)

    def rename(self, working: Working, symbol: str) -> None:
        """Move an order to the symbol that has taken the place of its own."""
        self._leave(working)
        working.place = Place.SESSION
        self.symbols[working.order.symbol] -= 1
        self.symbols[symbol] += 1
        self._drop_from_index(working)
        working.order = replace(working.order, symbol=symbol)
        self._index(working)
        self.reroute(working)

    def _leave(self, working: Working) -> None:
        market = self.state.book(working.order.symbol)
        if working.place is Place.BOOK:
            market.remove(working)
        elif working.place is Place.TRIGGER:
            market.triggers.remove(working)

    def _arrive(self, working: Working) -> None:
        market = self.state.attend(working.order.symbol)
        if working.place is Place.TRIGGER:
            self._await_trigger(working, market)
        if working.place is Place.BOOK:
            if working.order.algo:
                self.begin_algo(working)
            market.add(working)
        self.tell(working, LOCATING if working.place is Place.LOCATE else None)
        if working.place is Place.BOOK:
            self.match_new(working, market)
        elif working.place is Place.TRIGGER and market.is_tradable and _is_beyond(working, market.last):
            set_off(working)
            self.route(working)

    def _await_trigger(self, working: Working, market: Market) -> None:
        if working.stop is None:
            working.stop = working.order.stop_price
        if market.last is not None and market.is_live:
            follow(working, market.last.price, self.state.settings)
        market.triggers.append(working)

    def match_new(self, working: Working, market: Market) -> None:
        """Match an order that has just come to the book with the quote that stands."""
        if working.order.term is VenueTerm.FOK:
            self._kill(working, market)
        market.match_quote(working.sign, self.execute)
        if not working.is_immediate or working.place is not Place.BOOK:
            return
        if market.is_tradable or market.is_halted:
            self.end(working, VenueStatus.CANCELLED, _NOT_AT_ONCE)
        else:
            self._immediates.append(working)

    def _kill(self, working: Working, market: Market) -> None:
        """End a fill-or-kill order that the quote does not fill whole."""
        if working.place is not Place.BOOK or not market.is_tradable:
            return
        available = market.available(working.sign)
        is_short = available is not None and available < working.remaining
        if is_short or not market.is_reached(working):
            self.end(working, VenueStatus.CANCELLED, cancelled("The order could not be filled whole at once."))

    def _end_immediates(self, market: Market) -> None:
        for working in [found for found in self._immediates if found.order.symbol == market.symbol]:
            self._immediates.remove(working)
            if working.place is Place.BOOK:
                self.end(working, VenueStatus.CANCELLED, _NOT_AT_ONCE)

    def on_quote(self, market: Market) -> None:
        """Match the book with a quote that has just come."""
        if not (market.buys or market.sales):
            return
        for working in [found for found in self._immediates if found.order.term is VenueTerm.FOK]:
            if working.order.symbol == market.symbol:
                self._kill(working, market)
        market.match_quote(1, self.execute)
        market.match_quote(-1, self.execute)
        if self._immediates:
            self._end_immediates(market)

    def on_print(self, market: Market, trade: Print) -> None:
        """Fill what the market traded through, move trails and set stops off."""
        market.match_print(trade, self.execute)
        self.set_off_at(market, trade.price)

    def set_off_at(self, market: Market, price: Decimal) -> None:
        """Set off the stops that a last price reaches; others that trail follow it."""
        set_off_now = []
        for working in market.triggers:
            if is_set_off(working, price):
                set_off_now.append(working)
            else:
                follow(working, price, self.state.settings)
        for working in sorted(set_off_now, key=lambda found: found.priority):
            if working.place is Place.TRIGGER:
                set_off(working)
                self.route(working)

    def execute(self, working: Working, quantity: Decimal, price: Decimal, rested: bool) -> bool:  # noqa: FBT001 - the book's
        """Book a fill, tell it, and do what follows from it in the order's group and bracket.

        False where the account cannot settle it: then the order, or what is left of it, is ended instead.
        """
        state, before = self.state, working.remaining
        price = price_paid(working, price, state.settings, rested=rested)
        cost = charges_of(working, quantity, price, state)
        lacking = shortage(working, quantity, price, cost.total, state)
        if lacking is not None:
            self._end_unsettled(working, lacking)
            return False
        identity = execution_id(state, next(self._execution_numbers))
        fill = booked(working, quantity, price, cost, state, execution_id=identity, rested=rested)
        self.fills.append(fill)
        state.events.append(fill)
        if working.remaining:
            self.tell(working)
        else:
            self._close(working, VenueStatus.FILLED)
        self._settle_group(working, before)
        self._free_children(working)
        return True

    def _end_unsettled(self, working: Working, why: str) -> None:
        if working.progress.quantity:
            self.end(working, VenueStatus.CANCELLED, cancelled(why))
        else:
            self.end(working, VenueStatus.REJECTED, rejected(why))

    def _settle_group(self, working: Working, before: Decimal) -> None:
        siblings = self.groups.siblings(working)
        if not siblings:
            return
        after, kind = working.remaining, group_type(working.order)
        if kind == REDUCE_WITHOUT_BLOCK and self.state.settings.effective_latency:
            at = self.state.now + self.state.settings.effective_latency
            self.state.agenda.plan(at, MESSAGE_RANK, lambda: self._reduce(siblings, before=before, after=after))
        else:
            self._reduce(siblings, before=before, after=_NOTHING if kind == CANCEL else after)

    def _reduce(self, siblings: Iterable[Working], *, before: Decimal, after: Decimal) -> None:
        for sibling in siblings:
            if not sibling.is_active:
                continue
            left = reduced(sibling.remaining, before=before, after=after)
            if left <= 0:
                self.end(sibling, VenueStatus.CANCELLED, cancelled("Another order of its OCA group was filled."))
            else:
                self.resize(sibling, sibling.progress.quantity + left)

    def resize(self, working: Working, quantity: Decimal) -> None:
        """Give an order another size, at the same place in time."""
        working.order = replace(working.order, quantity=quantity)
        self.tell(working)

    def _free_children(self, working: Working) -> None:
        if not working.is_active:
            for child in self.groups.children(working):
                self.route(child)

    def end(self, working: Working, status: VenueStatus, reason: Refusal | None = None) -> None:
        """End an order before it is filled, and its children with it, or leave them to guard what was filled."""
        self._close(working, status, reason)
        filled = working.progress.quantity
        for child in self.groups.children(working):
            if not filled:
                self.end(child, VenueStatus.CANCELLED, cancelled("Its parent order ended."))
                continue
            if child.order.quantity > filled:
                child.order = replace(child.order, quantity=filled)
            self.route(child)

    def _close(self, working: Working, status: VenueStatus, reason: Refusal | None = None) -> None:
        self._leave(working)
        working.place = Place.DONE
        if self.active.pop(working.order.order_key, None) is not None:
            self.symbols[working.order.symbol] -= 1
            self._drop_from_index(working)
        self._say(working, status, reason)

    def cancel_group(self, working: Working) -> None:
        """End the others of a group of which one was cancelled by request."""
        for sibling in self.groups.siblings(working):
            if sibling.is_active:
                self.end(sibling, VenueStatus.CANCELLED, cancelled("Another order of its OCA group was cancelled."))

    def tell(self, working: Working, reason: Refusal | None = None) -> None:
        """Tell where an active order is, if that is news."""
        if working.is_active:
            self._say(working, VenueStatus.WORKING if working.place is Place.BOOK else VenueStatus.HELD, reason)

    def _say(self, working: Working, status: VenueStatus, reason: Refusal | None) -> None:
        self.state.reserved.pop((working.order.account_id, working.order.symbol), None)
        update = working.update(status, self.state.now, why_held=_WHY_HELD.get(working.place, ""))
        if reason is not None:
            update = replace(update, code=reason.code, text=reason.text)
        earlier, working.told = working.told, update
        if earlier is None or reason is not None or replace(earlier, occurred_at=update.occurred_at) != update:
            self.state.events.append(update)

    def _index(self, working: Working) -> None:
        order = working.order
        self.state.active.setdefault((order.account_id, order.symbol), {})[order.order_key] = working

    def _drop_from_index(self, working: Working) -> None:
        key = (working.order.account_id, working.order.symbol)
        self.state.active[key].pop(working.order.order_key, None)
        if not self.state.active[key]:
            del self.state.active[key]

    def in_priority(self) -> list[Working]:
        """The active orders, the earliest first."""
        return sorted(self.active.values(), key=lambda working: working.priority)

    def route_all(self) -> None:
        """Send every active order where it belongs after a change of the session."""
        for working in self.in_priority():
            self.route(working)


def _is_beyond(working: Working, last: Print | None) -> bool:
    return last is not None and is_set_off(working, last.price)
