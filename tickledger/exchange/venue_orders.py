"""What a venue takes and tells: orders as a broker sends them on, their progress, fills, quotes and prints.

What belongs here: the vocabulary between `venue`, which simulates the market and the broker's books, and whoever
talks to it (the gateway, a simulated broker). Names of order types and terms are IB's. All instants are aware and
in UTC, prices USD per share, quantities shares.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from tickledger.domain.bar import Print, Quote
from tickledger.domain.execution import CashTransaction


class VenueOrderType(StrEnum):
    """How an order is priced; market- and limit-on-open are MKT and LMT with the term OPG."""

    MKT = "MKT"
    LMT = "LMT"
    STP = "STP"
    STP_LMT = "STP LMT"
    TRAIL = "TRAIL"
    TRAIL_LIMIT = "TRAIL LIMIT"
    MOC = "MOC"
    LOC = "LOC"


class VenueTerm(StrEnum):
    """How long an order works (IB's time in force)."""

    DAY = "DAY"
    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTD = "GTD"
    OPG = "OPG"


class VenueStatus(StrEnum):
    """Where an order is. HELD waits for the session, its trigger or its parent (IB: PreSubmitted)."""

    HELD = "HELD"
    WORKING = "WORKING"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """An order of an account; immutable, a modification is another value under the same `order_key`.

    `order_key` is permanent and the venue's (IB: permId). `stop_price` is the trigger of STP and STP LMT, and where
    a trail starts, if it is told. A trail is an amount or a percentage. `parent_key` holds the order until its
    parent is filled. An order that is not transmitted waits for the one of its bracket that is. `algo` is the
    broker's own algorithm, with its parameters as they were sent. `tie_break` decides which of the orders that arrive
    at the same instant is the earlier; without it, that is the one that was sent first.
    """

    order_key: int
    account_id: str
    symbol: str
    is_buy: bool
    quantity: Decimal
    order_type: VenueOrderType
    term: VenueTerm = VenueTerm.DAY
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    trail_amount: Decimal | None = None
    trail_percent: Decimal | None = None
    limit_offset: Decimal | None = None
    good_after: datetime | None = None
    good_till: datetime | None = None
    outside_hours: bool = False
    oca_group: str = ""
    oca_type: int = 0
    parent_key: int | None = None
    is_transmitted: bool = True
    algo: str = ""
    algo_params: Mapping[str, str] = field(default_factory=dict)
    tie_break: str = ""


@dataclass(frozen=True, slots=True)
class OrderUpdate:
    """Where an order is after a step. `code` and `text` are the broker's reason (IB's error), where there is one."""

    order_key: int
    status: VenueStatus
    filled: Decimal
    remaining: Decimal
    average_price: Decimal
    occurred_at: datetime
    code: int | None = None
    text: str = ""
    why_held: str = ""


@dataclass(frozen=True, slots=True)
class VenueFill:
    """One fill. `execution_id` is unique for good; `cumulative` and `average_price` are the order's after it.

    `commission` and `fees` are this fill's share of what the order pays; `realized_pnl` what the account gained.
    `number` counts the fills of the order from 1. No certain rate is on file for charges that `are_charges_estimated`.
    """

    order_key: int
    execution_id: str
    account_id: str
    symbol: str
    is_buy: bool
    quantity: Decimal
    price: Decimal
    executed_at: datetime
    cumulative: Decimal
    average_price: Decimal
    commission: Decimal
    fees: Decimal
    realized_pnl: Decimal
    exchange: str
    adds_liquidity: bool = False
    number: int = 1
    are_charges_estimated: bool = False


@dataclass(frozen=True, slots=True)
class MinuteBar:
    """A minute of a symbol, complete when told; `starts_at` is its start."""

    symbol: str
    starts_at: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: int


@dataclass(frozen=True, slots=True)
class Halt:
    """Trading of a symbol stopped, or went on again."""

    symbol: str
    occurred_at: datetime
    is_halted: bool


@dataclass(frozen=True, slots=True)
class SessionChange:
    """The regular session opened or closed."""

    occurred_at: datetime
    is_open: bool


#: What a venue tells, in the order in which it happens; a cash transaction is what a corporate action pays.
VenueEvent = OrderUpdate | VenueFill | Quote | Print | MinuteBar | Halt | SessionChange | CashTransaction


@dataclass(frozen=True, slots=True)
class AccountHolding:
    """Signed shares of a symbol with their average cost, what was realized on it today, and the day's whole gain.

    `daily_pnl` is the change in value since the last close, what was traded and paid out since included.
    """

    symbol: str
    quantity: Decimal
    average_cost: Decimal
    market_price: Decimal
    realized_pnl: Decimal
    daily_pnl: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class AccountState:
    """The broker's view of an account, USD."""

    account_id: str
    cash: Decimal
    settled_cash: Decimal
    equity: Decimal
    gross_position_value: Decimal
    buying_power: Decimal
    available_funds: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal
    realized_pnl: Decimal
    unrealized_pnl: Decimal
    daily_pnl: Decimal
    holdings: tuple[AccountHolding, ...]
