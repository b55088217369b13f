"""What an account has at stake at one moment, working orders counted as if they were filled."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final, Protocol

from tickledger.domain.signal import OrderIntent

_NOTHING: Final = Decimal(0)


class Measure(Protocol):
    """What one position counts for in a sum over all: (symbol, signed shares, USD per share) → USD.

    Measures that are equal give the same sums; a price that is not known is told as 0.
    """

    def __call__(self, symbol: str, quantity: Decimal, price: Decimal, /) -> Decimal: ...

    def __hash__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Exposure:
    """Signed shares, prices and money of one account; `prices` and `average_costs` are USD per share.

    `cash` is what is free to spend: working purchases are taken off at their estimated cost, the proceeds of
    sales that are not yet filled are not counted. `day_loss` is the equity lost since the previous close,
    deposits apart; negative where it was gained.

    The mappings must not change once they are given: a sum over all positions is made once and kept, and `moved`
    carries on those that were made, so that a check costs the same however many positions there are.
    """

    equity: Decimal
    cash: Decimal
    day_loss: Decimal = _NOTHING
    quantities: Mapping[str, Decimal] = field(default_factory=dict)
    prices: Mapping[str, Decimal] = field(default_factory=dict)
    average_costs: Mapping[str, Decimal] = field(default_factory=dict)
    _sums: dict[Measure, Decimal] = field(default_factory=dict, init=False, repr=False, compare=False)

    def quantity(self, symbol: str) -> Decimal:
        """Signed shares of `symbol`, zero where there are none."""
        return self.quantities.get(symbol, _NOTHING)

    def price(self, symbol: str) -> Decimal:
        """The price of `symbol`, USD per share, zero where none is known."""
        return self.prices.get(symbol, _NOTHING)

    def notional(self, symbol: str) -> Decimal:
        """What the shares of `symbol` are worth, whichever their sign, USD; nothing where no price is known."""
        return notional_of(symbol, self.quantity(symbol), self.price(symbol))

    def unvalued(self) -> list[str]:
        """The symbols with shares, held or ordered, whose price is not known."""
        return [symbol for symbol, quantity in self.quantities.items() if quantity and symbol not in self.prices]

    def total(self, measure: Measure) -> Decimal:
        """The sum of `measure` over all positions."""
        if (known := self._sums.get(measure)) is not None:
            return known
        prices = self.prices
        parts = (measure(name, shares, prices.get(name, _NOTHING)) for name, shares in self.quantities.items())
        self._sums[measure] = summed = sum(parts, _NOTHING)
        return summed

    def gross_notional(self) -> Decimal:
        """The sum of every symbol's notional, USD."""
        return self.total(notional_of)

    def sector_notional(self, sector: str, sectors: Mapping[str, str]) -> Decimal:
        """The notional of every symbol in `sector`, USD."""
        return self.total(SectorNotional(sector, sectors))

    def moved(self, symbol: str, *, quantity: Decimal, price: Decimal) -> "Exposure":
        """The exposure with `quantity` signed shares of `symbol` at `price`, its sums brought up to date."""
        after = replace(self, quantities={**self.quantities, symbol: quantity}, prices={**self.prices, symbol: price})
        shares, at = self.quantity(symbol), self.price(symbol)
        for measure, total in self._sums.items():
            change = measure(symbol, quantity, price) - measure(symbol, shares, at)
            after._sums[measure] = total + change  # noqa: SLF001  another of the same class
        return after

    def after(self, intent: OrderIntent) -> "Exposure":
        """The exposure that a fill of `intent` at its reference price would leave; cash is left as it is."""
        quantity = self.quantity(intent.symbol) + intent.side.sign * intent.quantity
        return self.moved(intent.symbol, quantity=quantity, price=intent.reference_price)


def notional_of(_symbol: str, quantity: Decimal, price: Decimal, /) -> Decimal:
    """The measure of gross exposure: what a position is worth, whichever its sign, USD."""
    return abs(quantity) * price


#: Symbols that nobody has classified count together, so that they cannot escape the limit one by one.
UNCLASSIFIED: Final = "unclassified"


def sector_of(symbol: str, sectors: Mapping[str, str]) -> str:
    """The sector of `symbol`, `UNCLASSIFIED` where it is not known."""
    return sectors.get(symbol) or UNCLASSIFIED


@dataclass(frozen=True, slots=True, eq=False)
class SectorNotional:
    """The measure of one sector; two of the same sector and the same table of sectors are equal."""

    sector: str
    sectors: Mapping[str, str]

    def __call__(self, symbol: str, quantity: Decimal, price: Decimal, /) -> Decimal:
        """The notional of the symbol where it is in the sector, USD."""
        return abs(quantity) * price if sector_of(symbol, self.sectors) == self.sector else _NOTHING

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SectorNotional) and (self.sector == other.sector and self.sectors is other.sectors)

    def __hash__(self) -> int:
        # The table is held here, so that no other can come to have its identity.
        return hash((self.sector, id(self.sectors)))
