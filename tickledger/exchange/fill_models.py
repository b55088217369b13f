"""How much of an order a bar can fill, and how far from the printed price: slippage and participation."""

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Final

from tickledger.domain.bar import Bar
from tickledger.domain.money import PRICE_INCREMENT
from tickledger.domain.order import OrderSide

_BASIS_POINTS: Final = Decimal(10_000)
_WHOLE_SHARE: Final = Decimal(1)


@dataclass(frozen=True, slots=True)
class FillModel:
    """Fills from the next bar on: `slippage_bps` of the price against the trader on prices that are not limits.

    `max_participation` caps an order's fill in one bar at that part of the bar's volume, in whole shares; None
    fills it whole.
    """

    slippage_bps: Decimal = Decimal(5)
    max_participation: Decimal | None = None

    def slipped(self, price: Decimal, side: OrderSide) -> Decimal:
        """`price` moved against `side` by the slippage, to a hundredth of a cent."""
        moved = price * (1 + side.sign * self.slippage_bps / _BASIS_POINTS)
        return moved.quantize(PRICE_INCREMENT, rounding=ROUND_HALF_UP)

    def fillable(self, remaining: Decimal, bar: Bar) -> Decimal:
        """How many of the `remaining` shares this bar can fill."""
        if self.max_participation is None:
            return remaining
        share = (self.max_participation * bar.volume).quantize(_WHOLE_SHARE, rounding=ROUND_DOWN)
        return min(remaining, share)
