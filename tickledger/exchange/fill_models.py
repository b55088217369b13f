"""How much of an order a bar can fill, and how far from the printed price: slippage and participation."""

from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Final

from tickledger.domain.bar import Bar
from tickledger.domain.order import OrderSide
from tickledger.exchange.price_rules import slipped

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
        return slipped(side.sign, price, self.slippage_bps)

    def fillable(self, remaining: Decimal, bar: Bar) -> Decimal:
        """How many of the `remaining` shares this bar can fill."""
        if self.max_participation is None:
            return remaining
        share = (self.max_participation * bar.volume).quantize(_WHOLE_SHARE, rounding=ROUND_DOWN)
        return min(remaining, share)
