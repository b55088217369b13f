"""From an opinion to a wanted holding: Signal → TargetPosition → OrderIntent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from tickledger.domain.order import OrderSide, OrderType, TimeInForce


class SignalType(StrEnum):
    """What a strategy would do with a symbol."""

    BUY = "BUY"
    SELL = "SELL"
    HOLD = "HOLD"
    CLOSE_LONG = "CLOSE_LONG"
    CLOSE_SHORT = "CLOSE_SHORT"


@dataclass(frozen=True, slots=True)
class Signal:
    """A strategy's opinion on one symbol after the session of `session_date` has closed.

    `confidence` lies in 0–1. `model_version_id` names the model asked, None where none was.
    `component_ids` are the signals a composite was made of.
    """

    signal_id: str
    symbol: str
    session_date: date
    signalled_at: datetime
    signal_type: SignalType
    confidence: float
    strategy: str
    feature_row_id: str
    model_version_id: str | None = None
    component_ids: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TargetPosition:
    """The holding a signal asks for, in signed shares, before any limit has been applied."""

    symbol: str
    quantity: Decimal
    signal_id: str


@dataclass(frozen=True, slots=True)
class OrderIntent:
    """An order that has not yet been allowed: what risk decides on. `reference_price` is USD per share."""

    account_id: str
    symbol: str
    side: OrderSide
    quantity: Decimal
    order_type: OrderType
    reference_price: Decimal
    signal_id: str
    intended_at: datetime
    session_date: date
    time_in_force: TimeInForce = TimeInForce.DAY
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
