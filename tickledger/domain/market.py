"""What a session learns from the market, in the order in which it happens."""

from dataclasses import dataclass
from datetime import date, datetime

from tickledger.domain.bar import Bar
from tickledger.domain.corporate_action import CorporateAction


@dataclass(frozen=True, slots=True)
class SessionOpening:
    """The last moment before a session opens, with the corporate actions that take effect at its open."""

    session_date: date
    occurred_at: datetime
    corporate_actions: tuple[CorporateAction, ...] = ()


@dataclass(frozen=True, slots=True)
class SessionClosed:
    """The close of a session, with the bars it completed; a symbol that did not trade has none."""

    session_date: date
    occurred_at: datetime
    bars: tuple[Bar, ...] = ()


MarketEvent = SessionOpening | SessionClosed
