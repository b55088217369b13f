"""Exact money inside, cents at the edge.

Inside the engine money is an integer number of 10⁻⁹ USD, and every split of an amount gives what is left to
the other part, so nothing is ever lost. At the edge each amount becomes cents once, in a way that keeps every sum;
how is in `tickledger.tax.kernel.settlement`.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from typing import Final

DIGITS: Final = 9
#: Money units in a cent.
CENT_UNITS: Final = 10 ** (DIGITS - 2)
#: A loss below a ten-thousandth of a cent is the rounding of money units, not a loss.
TOLERANCE: Final = CENT_UNITS // 10_000

_CONTEXT: Final = Context(prec=60, rounding=ROUND_HALF_EVEN)
_ONE: Final = Decimal(1)


def to_units(amount: Decimal) -> int:
    """`amount` USD in money units."""
    return int(_CONTEXT.quantize(_CONTEXT.scaleb(amount, DIGITS), _ONE))


@lru_cache(maxsize=1 << 18)
def as_decimal(cents: int) -> Decimal:
    """Cents as USD with two decimals; amounts repeat, and making a Decimal is slow."""
    return Decimal(cents).scaleb(-2)
