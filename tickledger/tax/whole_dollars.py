"""Whole dollars, for those who round their forms: every amount or none.

Instructions for Form 8949 (2025), p. 3: cents under 50 are dropped, 50 and more go to the next dollar. Columns
(d), (e) and (g) are rounded and (h) is worked out from them, so that every row foots; what is added up is added
up from the rounded rows, as it stands on the page.
"""

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from tickledger.tax.form_8949 import FormLine

_DOLLAR: Final = Decimal(1)


def nearest_dollar(amount: Decimal) -> Decimal:
    """`amount` in whole dollars, 50 cents away from zero."""
    # Adding zero turns a negative zero into zero.
    return amount.quantize(_DOLLAR, rounding=ROUND_HALF_UP) + 0


def line_in_dollars(line: FormLine) -> FormLine:
    """The row as it is printed in whole dollars; it stays the same row of the record."""
    proceeds, basis, adjustment = (nearest_dollar(amount) for amount in (line.proceeds, line.basis, line.adjustment))
    return replace(line, proceeds=proceeds, basis=basis, adjustment=adjustment, gain_loss=proceeds - basis + adjustment)
