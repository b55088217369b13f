"""The four comparisons by which a price fills an order: the one place that says what is better, worse and through.

`sign` is +1 for an order that buys and −1 for one that sells; prices are USD per share. `matching` asks these of a
bar, `venue` of every quote and print.
"""

from decimal import Decimal


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
