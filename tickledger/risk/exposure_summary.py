"""What an account has at stake as a few sums, for people to look at."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from tickledger.domain.live_view import ExposureSummary
from tickledger.risk.exposure import Exposure, sector_of


def exposure_summary(exposure: Exposure, *, sectors: Mapping[str, str], measured_at: datetime) -> ExposureSummary:
    """The sums of what risk judges by; `sectors` are those of the symbols, unknown ones count together."""
    notionals = {symbol: quantity * exposure.price(symbol) for symbol, quantity in exposure.quantities.items()}
    by_sector: dict[str, Decimal] = {}
    for symbol, notional in notionals.items():
        sector = sector_of(symbol, sectors)
        by_sector[sector] = by_sector.get(sector, Decimal(0)) + abs(notional)
    gross, net = sum(by_sector.values(), Decimal(0)), sum(notionals.values(), Decimal(0))
    return ExposureSummary(gross, net, by_sector, measured_at)
