"""The comparisons by which a price fills an order, and slippage: the one place that says what is better and worse.

`sign` is +1 for an order that buys and −1 for one that sells; prices are USD per share.
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from tickledger.domain.money import PRICE_INCREMENT

_BASIS_POINTS: Final = Decimal(10_000)


def slipped(sign: int, price: Decimal, bps: Decimal) -> Decimal:
    """`price` moved against the trader by `bps` basis points, to a hundredth of a cent."""
    moved = price * (1 + sign * bps / _BASIS_POINTS)
    return moved.quantize(PRICE_INCREMENT, rounding=ROUND_HALF_UP)


def is_worse(sign: int, price: Decimal, than: Decimal) -> bool:
    """Whether `price` costs the trader more (a buy) or yields less (a sale) than the other one."""
    return price > than if sign > 0 else price < than


def capped(sign: int, price: Decimal, limit: Decimal) -> Decimal:
    """`price`, or the limit where the price is worse than it."""
    return limit if is_worse(sign, price, limit) else price


def is_marketable(sign: int, limit: Decimal | None, price: Decimal) -> bool:
    """Whether an order can trade at `price` at once; one without a limit always can."""
    return limit is None or not is_worse(sign, price, limit)


def is_triggered(sign: int, stop: Decimal, price: Decimal) -> bool:
    """Whether a trade at `price` sets off a stop: it touches the stop or lies beyond it."""
    return not is_worse(sign, stop, price)


def trades_through(sign: int, limit: Decimal, price: Decimal) -> bool:
    """Whether a trade at `price` must have filled a limit that was resting: it is better than the limit, not at it."""
    return is_worse(sign, limit, price)
