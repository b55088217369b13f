"""A small market for tests of the gateway: two stocks, a few sessions of March 2013, made from daily bars."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pandas as pd

from tickledger.bars.calendars import sessions
from tickledger.exchange.venue_settings import VenueSettings
from tickledger.exchange.venue_tape import MarketTape
from tickledger.gateway.gateway_settings import GatewaySettings
from tickledger.gateway.listings import SecurityName
from tickledger.gateway.server import Gateway

ACCOUNT = "DU1234567"
#: Thursday, 11:30 in New York.
NOON = datetime(2013, 3, 14, 15, 30, tzinfo=UTC)
NAMES: Mapping[str, SecurityName] = {
    "AAPL": SecurityName("APPLE INC.", "NASDAQ", "Technology", "Computers"),
    "IBM": SecurityName("INTERNATIONAL BUSINESS MACHINES", "NYSE", "Technology", "Services"),
}


def small_tape(seed: int = 1) -> MarketTape:
    """AAPL around 432 and IBM around 215, 1 to 22 March 2013."""
    days = sessions(datetime(2013, 3, 1, tzinfo=UTC).date(), datetime(2013, 3, 22, tzinfo=UTC).date())
    rows = [
        (symbol, pd.Timestamp(day, tz="UTC"), price, price + 3, price - 3, price + 1, 5_000_000)
        for symbol, start in (("AAPL", 430.0), ("IBM", 213.0))
        for price, day in zip((start + number % 3 for number in range(len(days))), days, strict=True)
    ]
    columns = ["symbol", "timestamp", "open", "high", "low", "close", "volume"]
    return MarketTape.from_bars(pd.DataFrame(rows, columns=columns), seed=seed)


def gateway(tape: MarketTape | None = None, *, venue: Mapping[str, Any] | None = None, **settings: Any) -> Gateway:
    """A gateway over the small tape on a free port, whose time stands until it is moved."""
    terms: dict[str, Any] = {"accounts": {ACCOUNT: Decimal(1_000_000)}, "starts_at": NOON, "stands": True}
    return Gateway(
        tape or small_tape(),
        VenueSettings(**(terms | dict(venue or {}))),
        GatewaySettings(**({"port": 0, "has_history_pacing": False} | settings)),
        names=NAMES,
    )
