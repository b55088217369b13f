"""Exact money: the one way from float to Decimal, and rounding whose pieces sum to the whole."""

from collections.abc import Sequence
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
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


def apportion(total: Decimal, weights: Sequence[Decimal], *, increment: Decimal = CENT) -> list[Decimal]:
    """Split `total` in proportion to `weights` so that the pieces, in whole increments, sum to it exactly.

    The largest-remainder rule: every piece is rounded toward zero, then the increments left over go to the
    largest remainders (the earlier piece first among equals). `total` must itself be in whole increments.
    """
    whole = sum(weights, Decimal(0))
    if not weights or whole == 0:
        raise ValueError(f"cannot split {total} over weights that sum to {whole}")
    shares = [total * weight / whole for weight in weights]
    pieces = [share.quantize(increment, rounding=ROUND_DOWN) for share in shares]
    missing = int((total - sum(pieces, Decimal(0))) / increment)
    step = increment if missing >= 0 else -increment
    order = sorted(range(len(pieces)), key=lambda i: (-abs(shares[i] - pieces[i]), i))
    for i in order[: abs(missing)]:
        pieces[i] += step
    return pieces
