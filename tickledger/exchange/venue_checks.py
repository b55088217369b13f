"""What a broker refuses before an order reaches the market, with IB's error codes and sentences like IB's.

| code  | where                                                                    |
|-------|--------------------------------------------------------------------------|
| 103   | an order under a key that was used before                                |
| 104   | a modification of an order that is done                                  |
| 105   | a modification that does not fit the order it names                      |
| 110   | a price off the symbol's price increment                                 |
| 200   | a symbol the venue does not know                                         |
| 201   | everything else: size, buying power, short sales, times                  |
| 202   | an order that was cancelled, by request or because its time was over     |
| 321   | an order without what its type needs                                     |
| 404   | not refused: held until shares can be borrowed                           |
| 10147 | a cancellation of an order that is not known                             |
| 10148 | a cancellation of an order that is done                                  |
| 10243 | a fraction of a share                                                    |
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from tickledger.exchange.venue_orders import VenueOrder, VenueOrderType, VenueTerm
from tickledger.exchange.venue_settings import VenueSettings

_ONE_DOLLAR: Final = Decimal(1)
_SUB_DOLLAR_INCREMENT: Final = Decimal("0.0001")
_LIMITED: Final = frozenset({VenueOrderType.LMT, VenueOrderType.STP_LMT, VenueOrderType.LOC})
STOPS: Final = frozenset({VenueOrderType.STP, VenueOrderType.STP_LMT})
TRAILS: Final = frozenset({VenueOrderType.TRAIL, VenueOrderType.TRAIL_LIMIT})
ON_CLOSE: Final = frozenset({VenueOrderType.MOC, VenueOrderType.LOC})
_AUCTION_LIMITS: Final = frozenset({VenueOrderType.MKT, VenueOrderType.LMT})
_HUNDRED: Final = Decimal(100)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an order is not taken: IB's code and its text."""

    code: int
    text: str


def rejected(reason: str) -> Refusal:
    """IB's most frequent refusal."""
    return Refusal(201, f"Order rejected - reason:{reason}")


def cancelled(reason: str) -> Refusal:
    """Why an order ended unfilled."""
    return Refusal(202, f"Order Canceled - reason:{reason}")


def order_refusal(order: VenueOrder, settings: VenueSettings, now: datetime) -> Refusal | None:
    """What is wrong with an order by itself, None where nothing is."""
    return next(_refusals(order, settings, now), None)


def _refusals(order: VenueOrder, settings: VenueSettings, now: datetime) -> Iterator[Refusal]:
    if order.account_id not in settings.accounts:
        yield Refusal(321, f"Error validating request:-'bW' : cause - Invalid account code '{order.account_id}'.")
    yield from _size_refusals(order, settings)
    yield from _missing(order)
    yield from _off_increment(order, settings)
    yield from _time_refusals(order, now)


def _size_refusals(order: VenueOrder, settings: VenueSettings) -> Iterator[Refusal]:
    if order.quantity <= 0:
        yield rejected("The order size must be positive.")
    elif order.quantity % 1 and not settings.takes_fractions:
        yield Refusal(10243, "Fractional-sized order cannot be placed via API.")
    elif order.quantity % settings.lot_size and not order.quantity % 1:
        yield rejected(f"The order size {order.quantity} is not a multiple of {settings.lot_size}.")


def _missing(order: VenueOrder) -> Iterator[Refusal]:
    if order.order_type in _LIMITED and order.limit_price is None:
        yield _invalid(f"{order.order_type} order without a limit price")
    if order.order_type in STOPS and order.stop_price is None:
        yield _invalid(f"{order.order_type} order without a stop price")
    if order.order_type in TRAILS:
        yield from _trail_refusals(order)
    if order.term is VenueTerm.GTD and order.good_till is None:
        yield _invalid("GTD order without a good-till date")
    if order.term is VenueTerm.OPG and order.order_type not in _AUCTION_LIMITS:
        yield _invalid(f"{order.order_type} order with the term OPG")
    if order.order_type in ON_CLOSE and order.term is not VenueTerm.DAY:
        yield _invalid(f"{order.order_type} order with the term {order.term}")


def _trail_refusals(order: VenueOrder) -> Iterator[Refusal]:
    trail, percent = order.trail_amount, order.trail_percent
    if (trail is None) == (percent is None):
        yield _invalid(f"{order.order_type} order needs either a trailing amount or a trailing percentage")
    if (trail is not None and trail <= 0) or (percent is not None and not 0 < percent < _HUNDRED):
        yield _invalid(f"{order.order_type} order with a trail of {trail if percent is None else percent}")
    is_offset = order.limit_offset is not None or (order.limit_price is not None and order.stop_price is not None)
    if order.order_type is VenueOrderType.TRAIL_LIMIT and not is_offset:
        yield _invalid("TRAIL LIMIT order needs a limit offset, or a limit price and a stop price")


def _off_increment(order: VenueOrder, settings: VenueSettings) -> Iterator[Refusal]:
    for price in (order.limit_price, order.stop_price):
        if price is None:
            continue
        increment = price_increment(price, settings)
        if price <= 0 or price % increment:
            yield Refusal(110, "The price does not conform to the minimum price variation for this contract.")


def price_increment(price: Decimal, settings: VenueSettings) -> Decimal:
    """What prices of that height are multiples of."""
    return settings.price_increment if price >= _ONE_DOLLAR else _SUB_DOLLAR_INCREMENT


def _time_refusals(order: VenueOrder, now: datetime) -> Iterator[Refusal]:
    if order.term is VenueTerm.GTD and order.good_till is not None and order.good_till <= now:
        yield rejected("Good till date is in the past.")


def _invalid(what: str) -> Refusal:
    return Refusal(321, f"Error validating request:-'bK' : cause - {what}")


def modification_refusal(order: VenueOrder, original: VenueOrder, filled: Decimal) -> Refusal | None:
    """Why `order` cannot take the place of `original`, of which `filled` shares are done; None where it can."""
    same = ("account_id", "symbol", "is_buy", "parent_key", "oca_group")
    if any(getattr(order, name) != getattr(original, name) for name in same):
        return Refusal(105, "Order being modified does not match original order.")
    if order.quantity <= filled:
        return rejected(f"The new size {order.quantity} is not above the {filled} shares that are filled.")
    return None
