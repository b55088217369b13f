"""Bars, quotes and prints as the trading loop sees them; frames of bars are described in `tickledger.bars.schemas`."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Final

_STAMP: Final = "%Y%m%dT%H%MZ"
#: The stamp of a bar that does not start on a whole minute.
_STAMP_WITH_SECONDS: Final = "%Y%m%dT%H%M%SZ"
_LENGTH_WITH_SECONDS: Final = len("20120103T143005Z")
#: More than the minutes of a week, and about the pieces of five seconds of a day.
_STAMPS_KEPT: Final = 5_000


@dataclass(frozen=True, slots=True, order=True)
class BarKey:
    """What identifies a bar in the record; as text ``bar_AAPL_1day_20120103T0000Z_1``.

    `bar_at` is the bar's start (a daily bar: its session date at 00:00Z), a whole second; seconds are spelled only
    where they are not 0. `version` counts restatements from 1.
    """

    symbol: str
    interval: str
    bar_at: datetime
    version: int = 1

    def __str__(self) -> str:
        bar_at = self.bar_at.astimezone(UTC)
        stamp = f"{bar_at:{_STAMP_WITH_SECONDS if bar_at.second else _STAMP}}"
        return f"bar_{self.symbol}_{self.interval}_{stamp}_{self.version}"

    @classmethod
    def parse(cls, bar_id: str) -> "BarKey":
        """The key that `bar_id` spells; raises ValueError where it is not one."""
        try:
            prefix, rest = bar_id.split("_", 1)
            symbol, interval, stamp, version = rest.rsplit("_", 3)
            key = cls(symbol=symbol, interval=interval, bar_at=_instant(stamp), version=int(version))
        except ValueError as error:
            raise ValueError(f"expected a bar id such as bar_AAPL_1day_20120103T0000Z_1, found {bar_id!r}") from error
        if prefix != "bar" or not symbol:
            raise ValueError(f"expected a bar id such as bar_AAPL_1day_20120103T0000Z_1, found {bar_id!r}")
        return key


@lru_cache(maxsize=_STAMPS_KEPT)
def _instant(stamp: str) -> datetime:
    """The instant that the stamp of a bar spells: the same for all symbols, and slow to read."""
    spelling = _STAMP_WITH_SECONDS if len(stamp) == _LENGTH_WITH_SECONDS else _STAMP
    return datetime.strptime(stamp, spelling).replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Bar:
    """An OHLCV bar, complete when published. Prices are raw (unadjusted) USD per share.

    `bar_id` is the row of the record it came from; `session_date` is the exchange-local trade date.
    """

    bar_id: str
    symbol: str
    session_date: date
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int


@dataclass(frozen=True, slots=True)
class TimeBar:
    """A stretch of a symbol's trades as a feed tells it, complete when told and not in the record.

    `starts_at` is its start, `volume` shares; how long it lasts, the feed's contract says.
    """

    symbol: str
    starts_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int


@dataclass(frozen=True, slots=True)
class Quote:
    """The best bid and offer, USD per share, sizes in shares."""

    symbol: str
    quoted_at: datetime
    bid: Decimal
    ask: Decimal
    bid_size: int
    ask_size: int


@dataclass(frozen=True, slots=True)
class Print:
    """A trade of somebody's: the market's last price."""

    symbol: str
    traded_at: datetime
    price: Decimal
    size: int
