"""Orders, the states they pass through, and the decision that let them out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class OrderSide(StrEnum):
    """What an order does to a position, with short sales told apart as tax law needs them."""

    BUY = "BUY"
    SELL = "SELL"
    SELL_SHORT = "SELL_SHORT"
    BUY_TO_COVER = "BUY_TO_COVER"

    @property
    def sign(self) -> int:
        """+1 where the order adds shares, −1 where it takes them away."""
        return 1 if self is OrderSide.BUY or self is OrderSide.BUY_TO_COVER else -1


class OrderType(StrEnum):
    """How an order is priced."""

    MARKET = "MARKET"
    LIMIT = "LIMIT"
    STOP = "STOP"
    STOP_LIMIT = "STOP_LIMIT"


class TimeInForce(StrEnum):
    """How long an order works; OPG takes part in the opening auction only."""

    DAY = "DAY"
    GTC = "GTC"
    IOC = "IOC"
    OPG = "OPG"


class OrderStatus(StrEnum):
    """Where an order is. UNKNOWN is not a failure: the broker has to be asked again."""

    PENDING = "PENDING"
    SUBMITTED = "SUBMITTED"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Order:
    """An order that risk has accepted; immutable, its progress is in `OrderEvent`s.

    `order_id` is our own idempotency key (the broker's `orderRef`). `session_date` is the trade date on
    which it was decided. `parent_order_id` is set on the slices of an execution algorithm, and on the order that
    takes another's place because a split or a change of ticker made the other meaningless.
    """

    order_id: str
    account_id: str
    symbol: str
    side: OrderSide
    order_type: OrderType
    quantity: Decimal
    time_in_force: TimeInForce
    signal_id: str
    risk_decision_id: str
    submitted_at: datetime
    session_date: date
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    parent_order_id: str | None = None


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """One step of an order's life, in the order in which we learned of it (`sequence` counts from 0)."""

    order_id: str
    sequence: int
    status: OrderStatus
    occurred_at: datetime
    session_date: date
    reason: str = ""


@dataclass(frozen=True, slots=True)
class OrderReport:
    """One step of an order's life as the broker tells it, before we have numbered it as an `OrderEvent`.

    `filled_quantity` are the shares that the broker counts as filled at an end; None where it does not say.
    """

    order_id: str
    status: OrderStatus
    occurred_at: datetime
    reason: str = ""
    filled_quantity: Decimal | None = None


@dataclass(frozen=True, slots=True)
class RiskCheck:
    """One limit asked about one intent; `limit` and `value` are in the unit the limit's name states."""

    name: str
    is_passed: bool
    limit: Decimal
    value: Decimal


@dataclass(frozen=True, slots=True)
class RiskDecision:
    """What risk said to an intent, with every check it made; refused intents are kept as well."""

    risk_decision_id: str
    account_id: str
    signal_id: str
    symbol: str
    side: OrderSide
    requested_quantity: Decimal
    approved_quantity: Decimal
    is_approved: bool
    reason: str
    decided_at: datetime
    session_date: date
    checks: tuple[RiskCheck, ...]


@dataclass(frozen=True, slots=True)
class OrderModification:
    """The parts of a working order that may change; None leaves a part as it is."""

    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None


#: How `orders.csv` and the broker name the limits of an account, with the unit of each value.
RISK_LIMIT_UNITS: Mapping[str, str] = {
    "max_position_size": "shares of one symbol",
    "max_portfolio_exposure": "gross notional / equity",
    "max_sector_exposure": "gross notional of one sector / equity",
    "max_single_loss": "USD lost on one position, open plus expected",
    "max_daily_loss": "USD of equity lost since the previous close",
}


#: The limits that are asked besides where orders go to a broker, with the unit of each value.
CONTROL_LIMIT_UNITS: Mapping[str, str] = {
    "max_single_name_exposure": "notional of one symbol / equity",
    "max_order_quantity": "shares of one order",
    "max_order_notional": "USD of one order",
    "max_price_deviation": "USD per share that a limit price is worse than the reference",
    "max_price_deviation_bps": "bps of the reference that a limit price is worse than it",
    "max_volume_participation": "shares of one order / average daily volume",
    "max_orders_per_second": "orders",
    "max_orders_per_minute": "orders",
    "max_orders_per_day": "orders",
}


@dataclass(frozen=True, slots=True)
class RiskLimit:
    """One limit of one account, in force from a date; `name` is a key of one of the two tables above."""

    account_id: str
    name: str
    value: Decimal
    effective_from: date
