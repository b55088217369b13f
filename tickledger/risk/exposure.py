"""What an account has at stake at one moment, working orders counted as if they were filled."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from tickledger.domain.signal import OrderIntent

_NOTHING: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Exposure:
    """Signed shares, prices and money of one account; `prices` and `average_costs` are USD per share.

    `cash` is what is free to spend: working purchases are taken off at their estimated cost, the proceeds of
    sales that are not yet filled are not counted. `day_loss` is the equity lost since the previous close,
    deposits apart; negative where it was gained.
    """

    equity: Decimal
    cash: Decimal
    day_loss: Decimal = _NOTHING
    quantities: Mapping[str, Decimal] = field(default_factory=dict)
    prices: Mapping[str, Decimal] = field(default_factory=dict)
    average_costs: Mapping[str, Decimal] = field(default_factory=dict)

    def quantity(self, symbol: str) -> Decimal:
        """Signed shares of `symbol`, zero where there are none."""
        return self.quantities.get(symbol, _NOTHING)

    def notional(self, symbol: str) -> Decimal:
        """What the shares of `symbol` are worth, whichever their sign, USD; nothing where no price is known."""
        return abs(self.quantity(symbol)) * self.prices.get(symbol, _NOTHING)

    def unvalued(self) -> list[str]:
        """The symbols with shares, held or ordered, whose price is not known."""
        return [symbol for symbol, quantity in self.quantities.items() if quantity and symbol not in self.prices]

    def gross_notional(self) -> Decimal:
        """The sum of every symbol's notional, USD."""
        return sum((self.notional(symbol) for symbol in self.quantities), _NOTHING)

    def sector_notional(self, sector: str, sectors: Mapping[str, str]) -> Decimal:
        """The notional of every symbol in `sector`, USD."""
        members = (symbol for symbol in self.quantities if sector_of(symbol, sectors) == sector)
        return sum((self.notional(symbol) for symbol in members), _NOTHING)

    def after(self, intent: OrderIntent) -> "Exposure":
        """The exposure that a fill of `intent` at its reference price would leave; cash is left as it is."""
        symbol = intent.symbol
        quantity = self.quantity(symbol) + intent.side.sign * intent.quantity
        return replace(
            self,
            quantities={**self.quantities, symbol: quantity},
            prices={**self.prices, symbol: intent.reference_price},
        )


#: Symbols that nobody has classified count together, so that they cannot escape the limit one by one.
UNCLASSIFIED: Final = "unclassified"


def sector_of(symbol: str, sectors: Mapping[str, str]) -> str:
    """The sector of `symbol`, `UNCLASSIFIED` where it is not known."""
    return sectors.get(symbol) or UNCLASSIFIED
