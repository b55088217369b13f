"""What past orders cost, in the form the backtest's fill model reads: slippage by symbol and participation.

Orders are put into buckets by their part of the market's volume. A bucket's slippage is the mean of its orders',
weighted by the money they traded. Where a symbol has too few orders in a bucket, the same bucket of all symbols
speaks; where that has too few, all orders of the symbol, then all orders; and without enough of those the default.

A mean below zero (the orders gained on their arrival prices) is taken as zero: a backtest must not earn by trading.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Final

from tickledger.domain.errors import ConfigurationError
from tickledger.exchange.fill_models import FillModel
from tickledger.execution.tca import OrderCost

#: Where the buckets of participation begin: below 1 %, to 5 %, to 10 %, to 20 %, and beyond.
BUCKETS: Final = (Decimal(0), Decimal("0.01"), Decimal("0.05"), Decimal("0.10"), Decimal("0.20"))
ENOUGH_ORDERS: Final = 20
_GRAIN: Final = Decimal("0.01")
_Key = tuple[str | None, int | None]


@dataclass(frozen=True, slots=True)
class SlippageEstimate:
    """An estimate in basis points and how many orders it rests on; 0 orders: it is the default."""

    slippage_bps: Decimal
    orders: int


@dataclass(frozen=True, slots=True)
class SlippageModel:
    """Estimates by symbol (None: all) and bucket (None: all), for those with enough orders."""

    default: FillModel
    buckets: tuple[Decimal, ...]
    estimates: Mapping[_Key, SlippageEstimate] = field(default_factory=dict)

    def estimate(self, symbol: str, participation: Decimal) -> SlippageEstimate:
        """The most particular estimate there is for an order of that part of the volume; raises ValueError below 0."""
        if participation < 0:
            raise ValueError(f"expected a participation of 0 or more, found {participation}")
        bucket = bisect_right(self.buckets, participation) - 1
        keys: tuple[_Key, ...] = ((symbol, bucket), (None, bucket), (symbol, None), (None, None))
        known = (self.estimates[key] for key in keys if key in self.estimates)
        return next(known, SlippageEstimate(self.default.slippage_bps, 0))

    def fill_model(self, symbol: str, participation: Decimal) -> FillModel:
        """The default fill model with the slippage of such an order."""
        return replace(self.default, slippage_bps=self.estimate(symbol, participation).slippage_bps)


def slippage_model(
    costs: Iterable[OrderCost],
    *,
    default: FillModel | None = None,
    buckets: tuple[Decimal, ...] = BUCKETS,
    enough: int = ENOUGH_ORDERS,
) -> SlippageModel:
    """The slippage of `costs`; an order without fills, or of unknown participation, has none to speak of.

    Raises ConfigurationError where `buckets` do not rise from 0, or `enough` is not 1 or more.
    """
    if not buckets or buckets[0] != 0 or any(one >= other for one, other in pairwise(buckets)) or enough < 1:
        raise ConfigurationError(
            f"slippage model: expected buckets that rise from 0 and 1 order or more, found {buckets} and {enough}"
        )
    samples: dict[_Key, list[tuple[Decimal, Decimal]]] = {}
    for cost in costs:
        if cost.slippage_bps is None or cost.participation is None:
            continue
        bucket = bisect_right(buckets, cost.participation) - 1
        sample = (cost.slippage_bps, cost.filled_quantity * cost.arrival_price)
        for key in ((cost.symbol, bucket), (None, bucket), (cost.symbol, None), (None, None)):
            samples.setdefault(key, []).append(sample)
    estimates = {key: _mean(sample) for key, sample in samples.items() if len(sample) >= enough}
    return SlippageModel(default or FillModel(), buckets, estimates)


def _mean(samples: list[tuple[Decimal, Decimal]]) -> SlippageEstimate:
    money = sum((notional for _, notional in samples), Decimal(0))
    mean = sum((slippage * notional for slippage, notional in samples), Decimal(0)) / money
    return SlippageEstimate(max(mean, Decimal(0)).quantize(_GRAIN, rounding=ROUND_HALF_UP), len(samples))
