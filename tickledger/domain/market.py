"""What a session learns from the market and from those who watch over it, in the order in which it happens.

Each event bears the instant it is about, by the market's clock: what is decided of it is stamped with that, so that
the same events lead to the same rows wherever they are played.
"""

from dataclasses import dataclass
from datetime import date, datetime

from tickledger.domain.bar import Bar, Quote
from tickledger.domain.corporate_action import CorporateAction

#: The interval of a session's own bars, as the record names it.
DAILY = "1day"


@dataclass(frozen=True, slots=True)
class SessionOpening:
    """The last moment before a session opens, with the corporate actions that take effect at its open.

    `bars` are the last daily bars before it, in terms of today's shares, where anything is decided from them.
    """

    session_date: date
    occurred_at: datetime
    corporate_actions: tuple[CorporateAction, ...] = ()
    bars: tuple[Bar, ...] = ()


@dataclass(frozen=True, slots=True)
class BarsClosed:
    """An instant at which bars of one interval (such as ``1min``) are complete; a symbol without a trade has none."""

    session_date: date
    occurred_at: datetime
    interval: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class QuotesChanged:
    """The quotes that are others than before: one a symbol, the latest."""

    session_date: date
    occurred_at: datetime
    quotes: tuple[Quote, ...]


@dataclass(frozen=True, slots=True)
class Beat:
    """Time has passed, or the broker has something to tell: a moment to look after orders."""

    session_date: date
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class ControlsChanged:
    """What the session may do is otherwise: nothing that opens a position while it is paused.

    `is_stopping`: it is to end in good order, whatever the hour. `is_killed`: the kill switch is engaged, and whoever
    obeys it has the account to himself; the session sends nothing at all.
    """

    session_date: date
    occurred_at: datetime
    is_paused: bool
    reason: str = ""
    is_stopping: bool = False
    is_killed: bool = False


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """The close of a session, with the daily bars it completed; a symbol that did not trade has none.

    Where no daily bars are known yet (during the day nobody has them), what is held keeps its last price.
    """

    session_date: date
    occurred_at: datetime
    bars: tuple[Bar, ...] = ()


MarketEvent = SessionOpening | BarsClosed | QuotesChanged | Beat | ControlsChanged | SessionClosed
