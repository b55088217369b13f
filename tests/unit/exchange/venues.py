"""Builders for the tests of the venue: minutes and days in words, orders in words, and what came of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

import pandas as pd

from tickledger.domain.corporate_action import CorporateAction
from tickledger.exchange.fees import schedule
from tickledger.exchange.venue import Venue
from tickledger.exchange.venue_orders import OrderUpdate, VenueEvent, VenueFill, VenueOrder, VenueOrderType, VenueTerm
from tickledger.exchange.venue_path import TapeStyle
from tickledger.exchange.venue_settings import VenueSettings
from tickledger.exchange.venue_tape import MarketTape

ACCOUNT: Final = "DU100"
NEW_YORK: Final = ZoneInfo("America/New_York")
#: Four ticks a minute are exactly its open, its nearer extreme, its farther one and its close, 15 seconds apart.
FOUR_TICKS: Final = TapeStyle(ticks_per_minute=4)
_COLUMNS: Final = ["symbol", "timestamp", "open", "high", "low", "close", "volume"]


def at(text: str) -> datetime:
    """A New York time such as ``"2024-07-03 12:59:30"``."""
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(UTC)


def minutes(start: str, bars: Sequence[str | None], *, symbol: str = "X", volume: int = 4_000) -> pd.DataFrame:
    """Minute bars from `start` (New York) on, each ``"open high low close [volume]"``; None is a minute without one."""
    rows = []
    for place, text in enumerate(bars):
        if text is None:
            continue
        open_, high, low, close, *given = text.split()
        stamp = pd.Timestamp(at(start) + timedelta(minutes=place))
        size = int(given[0]) if given else volume
        rows.append((symbol, stamp, float(open_), float(high), float(low), float(close), size))
    return pd.DataFrame(rows, columns=_COLUMNS)


def days(bars: Mapping[str, str], *, symbol: str = "X", volume: int = 1_000_000) -> pd.DataFrame:
    """Daily bars by date, each ``"open high low close"``."""
    rows = [(symbol, pd.Timestamp(day, tz="UTC"), *map(float, text.split()), volume) for day, text in bars.items()]
    return pd.DataFrame(rows, columns=_COLUMNS)


def tape(
    *frames: pd.DataFrame,
    seed: int = 1,
    style: TapeStyle = FOUR_TICKS,
    actions: Iterable[CorporateAction] = (),
    quotes: pd.DataFrame | None = None,
) -> MarketTape:
    return MarketTape.from_bars(pd.concat(frames), quotes, actions, seed, style)


def settings(**changed: Any) -> VenueSettings:
    """A roomy account without fees, at a venue without latency."""
    terms: dict[str, Any] = {"accounts": {ACCOUNT: Decimal(1_000_000)}, "seed": 1, "fees": schedule("none")}
    return VenueSettings(**{**terms, **changed})


def venue(*frames: pd.DataFrame, start: str | None = None, **changed: Any) -> Venue:
    """A venue over the frames, from `start` (New York) on."""
    starts_at = None if start is None else at(start)
    return Venue(tape(*frames), settings(starts_at=starts_at, **changed))


def order(text: str, key: int = 1, **changed: Any) -> VenueOrder:
    """An order such as ``"BUY 100 X MKT"``, ``"SELL 5 X LMT 10.50 GTC"``, ``"SELL 5 X STP_LMT 9.50 9.40"`` (stop,
    limit), ``"SELL 5 X TRAIL 0.20"`` or ``"SELL 5 X TRAIL 2%"``.
    """
    side, quantity, symbol, kind, *rest = text.split()
    order_type = VenueOrderType(kind.replace("_", " "))
    term = VenueTerm(rest.pop()) if rest and rest[-1] in VenueTerm.__members__ else VenueTerm.DAY
    placed = VenueOrder(key, ACCOUNT, symbol, side == "BUY", Decimal(quantity), order_type, term)
    return replace(placed, **{**_prices(order_type, rest), **changed})


def _prices(order_type: VenueOrderType, words: Sequence[str]) -> dict[str, Decimal]:
    if order_type in {VenueOrderType.TRAIL, VenueOrderType.TRAIL_LIMIT}:
        trail, *offset = words
        told = {"trail_percent" if trail.endswith("%") else "trail_amount": Decimal(trail.rstrip("%"))}
        return {**told, **({"limit_offset": Decimal(offset[0])} if offset else {})}
    names = {
        VenueOrderType.LMT: ["limit_price"],
        VenueOrderType.LOC: ["limit_price"],
        VenueOrderType.STP: ["stop_price"],
        VenueOrderType.STP_LMT: ["stop_price", "limit_price"],
    }.get(order_type, [])
    return dict(zip(names, map(Decimal, words), strict=True))


def fills(events: Iterable[VenueEvent], key: int | None = None) -> list[str]:
    """The fills among events, each as ``"HH:MM:SS quantity @ price"`` in New York."""
    return [
        f"{fill.executed_at.astimezone(NEW_YORK):%H:%M:%S} {fill.quantity} @ {fill.price}"
        for fill in events
        if isinstance(fill, VenueFill) and key in {None, fill.order_key}
    ]


def steps(events: Iterable[VenueEvent], key: int = 1) -> list[str]:
    """The statuses an order went through, with their codes and what held it."""
    return [
        " ".join(filter(None, [update.status, str(update.code or ""), update.why_held]))
        for update in events
        if isinstance(update, OrderUpdate) and update.order_key == key
    ]
