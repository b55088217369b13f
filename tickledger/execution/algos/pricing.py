"""What a child costs: a limit at the near touch, the middle, or through the far touch, within the parent's limit.

| urgency | a purchase is limited at              | a sale is limited at                  |
|---------|---------------------------------------|---------------------------------------|
| PASSIVE | the bid                               | the ask                               |
| MID     | the middle, rounded down to a tick    | the middle, rounded up to a tick      |
| CROSS   | the ask and the collar, rounded down  | the bid less the collar, rounded up   |

and never beyond the parent's limit: a purchase's limit is the lower of the two. Rounding never costs the trader more
than the rule says. Ticks are those of Rule 612 of Regulation NMS (17 CFR 242.612): a cent from a dollar on, a
hundredth of a cent below.
"""

from datetime import datetime
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from tickledger.domain.bar import Quote
from tickledger.domain.order import OrderSide
from tickledger.execution.algos.parent import MarketView
from tickledger.execution.algos.terms import Terms, Urgency

_DOLLAR: Final = Decimal(1)
_CENT: Final = Decimal("0.01")
_SUB_PENNY: Final = Decimal("0.0001")
_BASIS_POINTS: Final = Decimal(10_000)


def usable_quote(market: MarketView, now: datetime, terms: Terms) -> Quote | None:
    """The quote, where it can be traded on: not halted, fresh, and with a bid at or below the ask."""
    quote = market.quote
    if market.is_halted or quote is None or now - quote.quoted_at > terms.max_quote_age:
        return None
    return quote if 0 < quote.bid <= quote.ask else None


def child_price(
    urgency: Urgency, quote: Quote, side: OrderSide, *, limit: Decimal | None, collar_bps: Decimal
) -> Decimal:
    """The limit of a child, USD per share."""
    wanted = _wanted(urgency, quote, side, collar_bps)
    bounded = wanted if limit is None or not is_beyond(wanted, limit, side) else limit
    return rounded(bounded, side)


def is_marketable(price: Decimal, quote: Quote, side: OrderSide) -> bool:
    """Whether a limit at `price` reaches the far touch."""
    return price >= quote.ask if side.sign > 0 else price <= quote.bid


def is_beyond(price: Decimal, limit: Decimal, side: OrderSide) -> bool:
    """Whether `price` costs the trader more (a purchase) or yields less (a sale) than `limit`."""
    return side.sign * (price - limit) > 0


def rounded(price: Decimal, side: OrderSide) -> Decimal:
    """`price` on a tick, to the side on which the trader does not pay more."""
    rounding = ROUND_FLOOR if side.sign > 0 else ROUND_CEILING
    return price.quantize(_CENT if price >= _DOLLAR else _SUB_PENNY, rounding=rounding)


def middle(quote: Quote) -> Decimal:
    """The middle of the spread, exactly."""
    return (quote.bid + quote.ask) / 2


def spread_bps(quote: Quote) -> Decimal:
    """The spread in basis points of the middle."""
    return (quote.ask - quote.bid) / middle(quote) * _BASIS_POINTS


def _wanted(urgency: Urgency, quote: Quote, side: OrderSide, collar_bps: Decimal) -> Decimal:
    near, far = (quote.bid, quote.ask) if side.sign > 0 else (quote.ask, quote.bid)
    match urgency:
        case Urgency.PASSIVE:
            return near
        case Urgency.MID:
            return middle(quote)
        case Urgency.CROSS:
            reach = far * (1 + side.sign * collar_bps / _BASIS_POINTS)
            # A collar narrower than a tick must still reach the far touch, which itself lies on a tick.
            return far if is_beyond(far, rounded(reach, side), side) else reach
