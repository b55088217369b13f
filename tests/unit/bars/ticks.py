"""Builders of ticks: instants by the clock on the exchange's wall, prices as they are printed."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from tickledger.bars.building import BarBuilder
from tickledger.domain.bar import Bar, BarKey, Print, Quote
from tickledger.domain.market import BarsClosed

NEW_YORK = ZoneInfo("America/New_York")
DAY = "2012-03-01"


def at(clock: str, day: str = DAY) -> datetime:
    """``"09:30:00.25"`` in New York on `day`, in UTC."""
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=NEW_YORK).astimezone(UTC)


def trade(clock: str, price: str, size: int = 100, *, symbol: str = "AAPL", day: str = DAY) -> Print:
    return Print(symbol, at(clock, day), Decimal(price), size)


def quote(clock: str, sides: str, *, symbol: str = "AAPL", day: str = DAY) -> Quote:
    """A quote such as ``"500 9.99 10.01 300"``: bid size, bid, ask, ask size."""
    bid_size, bid, ask, ask_size = sides.split()
    return Quote(symbol, at(clock, day), Decimal(bid), Decimal(ask), int(bid_size), int(ask_size))


def told(clock: str, prices: str, volume: int, *, interval: str, symbol: str = "AAPL", day: str = DAY) -> Bar:
    """A complete bar from outside; prices as ``"open high low close"``."""
    open_, high, low, close = map(Decimal, prices.split())
    bar_id = str(BarKey(symbol, interval, at(clock, day)))
    return Bar(bar_id, symbol, datetime.fromisoformat(day).date(), open_, high, low, close, volume)


def book_all(builder: BarBuilder, *trades: Print) -> None:
    for one in trades:
        builder.book(one)


def spelled(events: list[BarsClosed]) -> list[str]:
    """Each bar as ``"1min 09:31:00 AAPL 10.00 10.02 9.99 10.01 300"``: interval, end in New York, what it says."""
    return [
        f"{event.interval} {event.occurred_at.astimezone(NEW_YORK):%H:%M:%S} {bar.symbol} "
        f"{bar.open} {bar.high} {bar.low} {bar.close} {bar.volume}"
        for event in events
        for bar in event.bars
    ]
