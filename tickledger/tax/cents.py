"""Exact money inside, cents at the edge.

Inside the engine money is an integer number of 10⁻⁹ USD, and every split of an amount gives what is left to
the other part, so nothing is ever lost. At the edge each amount becomes cents once, in a way that keeps
every sum: the pieces of one sale by largest remainder, the pieces taken from a lot over the years from a
`Pool`, whose earlier pieces a later sale never changes (a filed row stays as it was filed).
"""

from collections.abc import Sequence
from dataclasses import dataclass
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


def nearest_cent(units: int) -> int:
    """Money units in whole cents, halves away from zero."""
    half = CENT_UNITS // 2
    return (units + half) // CENT_UNITS if units >= 0 else -((half - units) // CENT_UNITS)


@lru_cache(maxsize=1 << 18)
def as_decimal(cents: int) -> Decimal:
    """Cents as USD with two decimals; amounts repeat, and making a Decimal is slow."""
    return Decimal(cents).scaleb(-2)


def apportion_cents(total: int, weights: Sequence[int]) -> list[int]:
    """Split `total` cents in proportion to `weights` by largest remainder; the earlier piece wins a tie."""
    whole = sum(weights)
    if len(weights) == 1 or whole == 0:
        return [total] + [0] * (len(weights) - 1)
    pieces, remainders = zip(*(divmod(total * weight, whole) for weight in weights), strict=True)
    given = list(pieces)
    for index in sorted(range(len(given)), key=lambda i: (-remainders[i], i))[: total - sum(pieces)]:
        given[index] += 1
    return given


@dataclass(slots=True, eq=False)
class Pool:
    """An amount that is taken in pieces over time: exact money units beside the cents that stand for them."""

    exact: int
    cents: int
    taken_exact: int = 0
    taken_cents: int = 0

    def take(self, exact: int, *, wish: int) -> int:
        """The cents of the next `exact` units: what is due so far, rounded to the side nearer to `wish`.

        All cents are given once all units are taken, and at no time is more than a cent too much or too
        little given out.
        """
        self.taken_exact += exact
        if self.taken_exact == self.exact:
            due = self.cents
        else:
            due, rest = divmod(self.cents * self.taken_exact, self.exact)
            if rest and due + 1 - self.taken_cents <= wish:
                due += 1
        given = due - self.taken_cents
        self.taken_cents = due
        return given
