"""Bars and quotes as the trading loop sees them; frames of bars are described in `tickledger.bars.schemas`."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


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
class Quote:
    """The best bid and offer, USD per share, sizes in shares."""

    symbol: str
    quoted_at: datetime
    bid: Decimal
    ask: Decimal
    bid_size: int
    ask_size: int
