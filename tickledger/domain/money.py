"""Exact money: the one way from float to Decimal, and whole cents."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Final

CENT: Final = Decimal("0.01")
#: Prices are kept to a hundredth of a cent, the finest increment US equities trade in (Reg. NMS rule 612).
PRICE_INCREMENT: Final = Decimal("0.0001")


def exact(value: float, *, increment: Decimal = PRICE_INCREMENT) -> Decimal:
    """The decimal nearest to the float `value`, to `increment`; the single place where floats become money."""
    return Decimal(repr(float(value))).quantize(increment, rounding=ROUND_HALF_UP)


def round_cents(amount: Decimal) -> Decimal:
    """`amount` in whole cents, halves away from zero."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)
