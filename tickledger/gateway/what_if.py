"""What an order would do to the account's margin: IB's answer to an order that is a question (whatIf)."""

from decimal import Decimal
from typing import Final

from tickledger.domain.order import OrderSide
from tickledger.exchange.fees import charges
from tickledger.exchange.venue import Venue
from tickledger.exchange.venue_orders import VenueOrder
from tickledger.exchange.venue_settings import VenueSettings
from tickledger.gateway.listings import CURRENCY
from tickledger.gateway.order_answers import OrderStateTold

_CENT: Final = Decimal("0.01")
_NOTHING: Final = Decimal(0)


def margins(venue: Venue, order: VenueOrder, *, settings: VenueSettings) -> OrderStateTold:
    """Margins before, the change, and after the order was filled at its limit or at the last price.

    Equity is told without the commission.
    """
    state = venue.account(order.account_id)
    last = venue.last(order.symbol)
    price = order.limit_price or (last.price if last is not None else _NOTHING)
    held = next((one.quantity for one in state.holdings if one.symbol == order.symbol), _NOTHING)
    after = held + (order.quantity if order.is_buy else -order.quantity)
    growth = (abs(after) - abs(held)) * price
    before = (state.initial_margin, state.maintenance_margin, state.equity)
    change = (growth * settings.initial_margin, growth * settings.maintenance_margin, _NOTHING)
    ends = tuple(old + step for old, step in zip(before, change, strict=True))
    told = [f"{amount.quantize(_CENT):f}" for amount in (*before, *change, *ends)]
    side = OrderSide.BUY if order.is_buy else OrderSide.SELL
    cost = charges(
        settings.fees,
        side=side,
        quantity=order.quantity,
        price=price,
        trade_date=venue.session_date,
    )
    return OrderStateTold("PreSubmitted", margins=told, commission=cost.commission, commission_currency=CURRENCY)
