"""Lulls: minutes of a symbol that cannot touch any of its orders, and that nobody watches. They are not played.

An order that rests far from the market costs nothing that way, neither the ticks of a minute nor, where only daily
bars are known, the minutes of a day.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Final

from tickledger.exchange.venue_book import Place, Working
from tickledger.exchange.venue_checks import ON_CLOSE, TRAILS
from tickledger.exchange.venue_orders import VenueTerm
from tickledger.exchange.venue_path import UNITS_PER_DOLLAR, Span
from tickledger.exchange.venue_state import VenueState
from tickledger.exchange.venue_triggers import needs_trigger

#: Orders in these places come to the market only by a change that is noticed by itself.
_ELSEWHERE: Final = frozenset({Place.TRANSIT, Place.UNSENT, Place.PARENT, Place.LATER, Place.LOCATE, Place.DONE})
_AT_ONCE: Final = frozenset({VenueTerm.IOC, VenueTerm.FOK, VenueTerm.OPG})
#: Whether a stretch of time with these prices touches an order.
Touch = Callable[[Span], bool]


def touch_of(symbol: str, state: VenueState) -> Touch | None:
    """What touches the orders of a symbol: prices at their limits and stops; None where any minute may matter.

    Quotes lie inside a minute's range on the side that counts: asks above its low, bids below its high.
    """
    floor, ceiling = -1, None
    for working in _at_market(symbol, state):
        price, is_below = _attention(working)
        if price is None:
            return None
        units = int(price * UNITS_PER_DOLLAR)
        if is_below:
            floor = max(floor, units)
        else:
            ceiling = units if ceiling is None else min(ceiling, units)
    return lambda span: span.low <= floor or (ceiling is not None and span.high >= ceiling)


def _at_market(symbol: str, state: VenueState) -> Iterator[Working]:
    for account_id in state.accounts:
        for working in state.active.get((account_id, symbol), {}).values():
            if working.place not in _ELSEWHERE:
                yield working


def _attention(working: Working) -> tuple[Decimal | None, bool]:
    """The price at which an order is touched, None for any; whether from above, by prices that fall."""
    order = working.order
    if order.algo or order.order_type in ON_CLOSE or order.term in _AT_ONCE:
        return None, False
    if needs_trigger(working):
        stop = None if order.order_type in TRAILS else order.stop_price
        return stop, not order.is_buy
    return working.limit, order.is_buy
