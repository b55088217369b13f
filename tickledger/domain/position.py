"""What an account holds and what it is worth."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from tickledger.domain.execution import Execution
from tickledger.domain.order import Order


@dataclass(frozen=True, slots=True)
class Holding:
    """Signed shares of one symbol and their average cost, USD per share (commissions not included)."""

    quantity: Decimal
    average_cost: Decimal


@dataclass(frozen=True, slots=True)
class Position:
    """A holding at the close of one session, marked at that session's raw close."""

    position_id: str
    account_id: str
    symbol: str
    session_date: date
    quantity: Decimal
    average_cost: Decimal
    close: Decimal
    unrealized_pnl: Decimal
    opened_date: date
    bar_id: str


@dataclass(frozen=True, slots=True)
class Balance:
    """An account's cash and equity at the close of one session, USD."""

    account_id: str
    session_date: date
    cash: Decimal
    equity: Decimal


@dataclass(frozen=True, slots=True)
class Mark:
    """The price a holding was last valued at, USD per share, and the bar it came from."""

    close: Decimal
    bar_id: str


@dataclass(frozen=True, slots=True)
class PortfolioState:
    """Where a session starts: what earlier sessions left behind.

    `previous_equity` is the equity at the last close before the start; None says that there is no such close:
    the account is new and `cash` is what it opens with. `opened_dates` says since when each holding has been on
    the same side of zero, `marks` at what price it was last valued. `working_orders` are those not yet in a
    terminal state, `working_executions` their fills so far, `order_sequences` the sequence number that the next
    event of each will have.
    """

    cash: Decimal
    holdings: Mapping[str, Holding] = field(default_factory=dict)
    opened_dates: Mapping[str, date] = field(default_factory=dict)
    marks: Mapping[str, Mark] = field(default_factory=dict)
    working_orders: tuple[Order, ...] = ()
    working_executions: tuple[Execution, ...] = ()
    order_sequences: Mapping[str, int] = field(default_factory=dict)
    previous_equity: Decimal | None = None
