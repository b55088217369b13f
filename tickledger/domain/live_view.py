"""How a session stands at a moment, as other processes and people watch it; nothing that trades reads any of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from tickledger.domain.bar import Bar, Print, Quote
from tickledger.domain.signal import Signal
from tickledger.domain.trading_session import SessionState


@dataclass(frozen=True, slots=True)
class MarketSnapshot:
    """A symbol's best bid and offer, its last print and the shares of all prints that were seen.

    `volume` counts from when the publisher began to listen, unless the market itself told it. Each part is None
    where it is not known or older than a quote may be.
    """

    symbol: str
    quote: Quote | None = None
    last: Print | None = None
    volume: int | None = None


@dataclass(frozen=True, slots=True)
class IntervalBar:
    """A bar of `interval`, such as ``1min``."""

    interval: str
    bar: Bar


@dataclass(frozen=True, slots=True)
class LivePosition:
    """Signed shares of a symbol now; money in USD, prices in USD per share. Zero shares: it was closed."""

    symbol: str
    quantity: Decimal
    average_cost: Decimal
    price: Decimal
    unrealized_pnl: Decimal
    valued_at: datetime


@dataclass(frozen=True, slots=True)
class PortfolioSummary:
    """An account now, USD; `pnl` is what was gained since the previous close."""

    total_value: Decimal
    cash: Decimal
    positions_value: Decimal
    pnl: Decimal
    valued_at: datetime


@dataclass(frozen=True, slots=True)
class LimitsInForce:
    """The value of each risk limit of an account, by the limit's name, as the session that enforces them read them."""

    limits: Mapping[str, Decimal]
    loaded_at: datetime


@dataclass(frozen=True, slots=True)
class ExposureSummary:
    """What an account has at stake, USD; working orders count as if they were filled."""

    total_exposure: Decimal
    net_exposure: Decimal
    sector_exposure: Mapping[str, Decimal]
    measured_at: datetime


@dataclass(frozen=True, slots=True)
class SessionBeat:
    """A session's own word that it lives, and how it is; `market_at` is the market's time, in a replay another."""

    session_id: str
    session_date: date
    state: SessionState
    beat_at: datetime
    market_at: datetime | None = None
    epoch: int | None = None
    reason: str = ""
    detail: Mapping[str, str] = field(default_factory=dict)


#: Whatever a session tells of itself and its market.
LiveValue = (
    MarketSnapshot
    | IntervalBar
    | LivePosition
    | PortfolioSummary
    | Signal
    | LimitsInForce
    | ExposureSummary
    | SessionBeat
)
