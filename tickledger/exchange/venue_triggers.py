"""Stops and trails: where their trigger is, and what they become when the market's last price sets them off.

A stop becomes a market order, a stop-limit a limit order. A trail keeps its distance (an amount, or a percentage of
the last price) behind the best last price since it came to the market, and never gives way; its trigger is rounded
away from the market. A trailing stop-limit has its limit at an offset from the trigger. Only prints move and set off;
quotes do not.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from tickledger.exchange.price_rules import is_triggered, is_worse
from tickledger.exchange.venue_book import Working
from tickledger.exchange.venue_checks import STOPS, TRAILS, price_increment
from tickledger.exchange.venue_orders import VenueOrder, VenueOrderType
from tickledger.exchange.venue_settings import VenueSettings

_HUNDRED: Final = Decimal(100)
_NOTHING: Final = Decimal(0)


def needs_trigger(working: Working) -> bool:
    """Whether an order waits for its trigger before it may trade."""
    return working.order.order_type in STOPS | TRAILS and not working.is_triggered


def follow(working: Working, price: Decimal, settings: VenueSettings) -> None:
    """Move a trail behind the last price; other orders, and a trail that would give way, stay as they are."""
    if working.order.order_type not in TRAILS:
        return
    stop = trailing_stop(working.order, price, settings)
    if working.stop is None or is_worse(working.sign, working.stop, stop):
        working.stop = stop


def trailing_stop(order: VenueOrder, price: Decimal, settings: VenueSettings) -> Decimal:
    """The trigger of a trail whose best price is `price`: below it for a sale, above it for a purchase."""
    percent = order.trail_percent
    distance = (order.trail_amount or _NOTHING) if percent is None else price * percent / _HUNDRED
    increment = price_increment(price, settings)
    steps = (price + distance if order.is_buy else price - distance) / increment
    rounded = steps.to_integral_value(rounding=ROUND_CEILING if order.is_buy else ROUND_FLOOR)
    return max(rounded * increment, increment)


def is_set_off(working: Working, price: Decimal) -> bool:
    """Whether a trade at `price` sets the order off."""
    return working.stop is not None and is_triggered(working.sign, working.stop, price)


def set_off(working: Working) -> None:
    """Turn a stop into the order it becomes."""
    order = working.order
    working.is_triggered = True
    if order.order_type is VenueOrderType.STP_LMT:
        working.limit = order.limit_price
    elif order.order_type is VenueOrderType.TRAIL_LIMIT and working.stop is not None:
        working.limit = max(working.stop + working.sign * limit_offset(order), Decimal("0.0001"))


def limit_offset(order: VenueOrder) -> Decimal:
    """How far beyond its trigger a trailing stop-limit still trades, USD."""
    if order.limit_offset is not None:
        return order.limit_offset
    if order.limit_price is None or order.stop_price is None:
        return _NOTHING
    return abs(order.limit_price - order.stop_price)
