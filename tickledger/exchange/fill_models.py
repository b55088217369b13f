"""How much of the market orders get, and how far from its price: slippage and participation."""

from dataclasses import dataclass
from decimal import Decimal

from tickledger.domain.order import OrderSide
from tickledger.exchange.price_rules import slipped


@dataclass(frozen=True, slots=True)
class FillModel:
    """`slippage_bps` of the price against the trader on prices that are not limits.

    `max_participation` caps what orders get of a minute at that part of its volume, in whole shares; None fills them
    whole.
    """

    slippage_bps: Decimal = Decimal(5)
    max_participation: Decimal | None = None

    def slipped(self, price: Decimal, side: OrderSide) -> Decimal:
        """`price` moved against `side` by the slippage, to a hundredth of a cent."""
        return slipped(side.sign, price, self.slippage_bps)
