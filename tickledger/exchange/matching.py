"""Whether a bar fills an order, and at what price: at the opening auction, then inside the session.

| order      | at the open                              | inside the session                          |
|------------|------------------------------------------|---------------------------------------------|
| MARKET     | the open, slipped                        | never: what the open did not fill waits     |
| LIMIT      | where the open is at the limit or better | at the limit, once the price goes through it |
| STOP       | where the open is at the stop or beyond  | at the stop, slipped, once it is touched    |
| STOP_LIMIT | as STOP, if not beyond the limit         | as STOP, if not beyond the limit; as LIMIT  |
|            |                                          | where the open was beyond the stop          |

A stop that the open reaches is a market order from then on. A bar does not tell in which order its prices came,
so a stop-limit that would need the price to turn back after its stop is not filled inside the session.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tickledger.domain.bar import Bar
from tickledger.domain.errors import OrderError
from tickledger.domain.order import Order, OrderType
from tickledger.exchange.fill_models import FillModel
from tickledger.exchange.price_rules import capped, is_marketable, is_triggered, is_worse, trades_through

#: The price at which a bar fills an order, USD per share, or None where it does not.
PriceRule = Callable[[Order, Bar, FillModel], Decimal | None]


@dataclass(frozen=True, slots=True)
class Fill:
    """One match: shares and USD per share, slippage included."""

    quantity: Decimal
    price: Decimal


def match_at_open(order: Order, *, remaining: Decimal, bar: Bar, model: FillModel) -> Fill | None:
    """The fill of `order` in the opening auction of `bar`, None where there is none."""
    return _fill(_AT_OPEN[order.order_type](order, bar, model), remaining=remaining, bar=bar, model=model)


def match_in_session(order: Order, *, remaining: Decimal, bar: Bar, model: FillModel) -> Fill | None:
    """The fill of `order` between the open and the close of `bar`, None where there is none."""
    return _fill(_IN_SESSION[order.order_type](order, bar, model), remaining=remaining, bar=bar, model=model)


def _fill(price: Decimal | None, *, remaining: Decimal, bar: Bar, model: FillModel) -> Fill | None:
    if price is None:
        return None
    quantity = model.fillable(remaining, bar)
    return Fill(quantity, price) if quantity > 0 else None


def _limit(order: Order) -> Decimal:
    if order.limit_price is None:
        raise OrderError(f"order {order.order_id}: expected a limit price on a {order.order_type} order, found none")
    return order.limit_price


def _stop(order: Order) -> Decimal:
    if order.stop_price is None:
        raise OrderError(f"order {order.order_id}: expected a stop price on a {order.order_type} order, found none")
    return order.stop_price


def _market_at_open(order: Order, bar: Bar, model: FillModel) -> Decimal | None:
    return model.slipped(bar.open, order.side)


def _limit_at_open(order: Order, bar: Bar, model: FillModel) -> Decimal | None:
    limit = _limit(order)
    if not is_marketable(order.side.sign, limit, bar.open):
        return None
    return capped(order.side.sign, model.slipped(bar.open, order.side), limit)


def _stop_at_open(order: Order, bar: Bar, model: FillModel) -> Decimal | None:
    return model.slipped(bar.open, order.side) if _is_triggered_at_open(order, bar) else None


def _stop_limit_at_open(order: Order, bar: Bar, model: FillModel) -> Decimal | None:
    return None if _stop_at_open(order, bar, model) is None else _limit_at_open(order, bar, model)


def _never(_order: Order, _bar: Bar, _model: FillModel) -> Decimal | None:
    return None


def _limit_in_session(order: Order, bar: Bar, _model: FillModel) -> Decimal | None:
    best = bar.low if order.side.sign > 0 else bar.high
    return _limit(order) if trades_through(order.side.sign, _limit(order), best) else None


def _is_triggered_at_open(order: Order, bar: Bar) -> bool:
    return is_triggered(order.side.sign, _stop(order), bar.open)


def _stop_in_session(order: Order, bar: Bar, model: FillModel) -> Decimal | None:
    worst = bar.high if order.side.sign > 0 else bar.low
    if _is_triggered_at_open(order, bar) or not is_triggered(order.side.sign, _stop(order), worst):
        return None
    return model.slipped(_stop(order), order.side)


def _stop_limit_in_session(order: Order, bar: Bar, model: FillModel) -> Decimal | None:
    if _is_triggered_at_open(order, bar):
        return _limit_in_session(order, bar, model)
    price = _stop_in_session(order, bar, model)
    if price is None or is_worse(order.side.sign, _stop(order), _limit(order)):
        return None
    return capped(order.side.sign, price, _limit(order))


_AT_OPEN: Final[Mapping[OrderType, PriceRule]] = {
    OrderType.MARKET: _market_at_open,
    OrderType.LIMIT: _limit_at_open,
    OrderType.STOP: _stop_at_open,
    OrderType.STOP_LIMIT: _stop_limit_at_open,
}
_IN_SESSION: Final[Mapping[OrderType, PriceRule]] = {
    OrderType.MARKET: _never,
    OrderType.LIMIT: _limit_in_session,
    OrderType.STOP: _stop_in_session,
    OrderType.STOP_LIMIT: _stop_limit_in_session,
}
