"""What can be chosen about a venue: accounts, margin, fees, latency, liquidity, and what may be sold short."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from tickledger.domain.position import Holding
from tickledger.exchange.fees import FeeSchedule, schedule


@dataclass(frozen=True, slots=True)
class VenueSettings:
    """The terms of a venue and its broker.

    `accounts` are the opening cash of each account, USD, `holdings` what it opens with besides, by symbol, as it is
    when the venue starts. The venue starts at `starts_at`, or at the first open of
    its tape. `latency` passes between a message and its effect. `max_participation` caps the fills of all orders of
    a symbol in a minute at that part of the minute's volume, and each fill at the size of the quote or print it
    trades with; None fills every order whole. `slippage_bps` moves the price of a fill that takes liquidity against
    the trader, never beyond the order's limit. Margins are parts of the market value (Regulation T: 50 % initially;
    FINRA 4210: 25 % of what is long and 30 % of what is short thereafter); an `initial_margin` of 1 lends nothing:
    no fill brings cash below zero or sells what is not held.
    `shortable` tells the shares that can be borrowed by symbol, none of any other; None lends all. Quantities are
    multiples of `lot_size`, or, where it `takes_fractions` (IB's API does not), any number of shares; prices of
    `price_increment` from a dollar on and of 0.0001 below. On-close orders are taken until `closing_cutoff` before the
    close. Where time `stands`, no latency passes and orders match at once
    with the quote that stands, whose size does not run out. `watches_all` tells quotes, prints and minutes of every
    symbol; otherwise of those that are watched. IB itself cancels orders on a split;
    with `cancels_on_split` every order that a corporate action changes is cancelled, of a change of ticker and of a
    spin-off too; otherwise size, prices and symbol are adjusted.
    """

    accounts: Mapping[str, Decimal]
    holdings: Mapping[str, Mapping[str, Holding]] = field(default_factory=dict)
    seed: int = 0
    starts_at: datetime | None = None
    latency: timedelta = timedelta(0)
    max_participation: Decimal | None = None
    slippage_bps: Decimal = Decimal(0)
    fees: FeeSchedule = field(default_factory=lambda: schedule("ib_fixed"))
    initial_margin: Decimal = Decimal("0.50")
    maintenance_margin: Decimal = Decimal("0.25")
    short_maintenance_margin: Decimal = Decimal("0.30")
    shortable: Mapping[str, int] | None = None
    lot_size: int = 1
    takes_fractions: bool = False
    price_increment: Decimal = Decimal("0.01")
    closing_cutoff: timedelta = timedelta(minutes=10)
    stands: bool = False
    watches_all: bool = True
    cancels_on_split: bool = False
    exchange: str = "NASDAQ"

    @property
    def is_lending(self) -> bool:
        """Whether accounts may owe cash or shares."""
        return self.initial_margin < 1

    @property
    def effective_latency(self) -> timedelta:
        """The time between a message and its effect; none where time stands."""
        return timedelta(0) if self.stands else self.latency

    @property
    def is_capped(self) -> bool:
        """Whether sizes and volumes limit fills."""
        return self.max_participation is not None and not self.stands
