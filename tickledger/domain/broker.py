"""What a broker tells of an account beside the steps of our own orders: the whole of it, charges, corrections.

What belongs here: values that the execution layer reconciles with, whichever broker they came from.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from tickledger.domain.execution import Execution
from tickledger.domain.order import OrderSide, OrderStatus, OrderType, TimeInForce


class Connectivity(StrEnum):
    """How far the broker can be relied on. DEGRADED: the socket is there, but the broker's own link or data is not."""

    CONNECTED = "connected"
    DEGRADED = "degraded"
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True)
class ConnectivityChange:
    """The link to the broker changed. `needs_snapshot`: orders and fills may have happened unseen; ask for all."""

    connectivity: Connectivity
    occurred_at: datetime
    reason: str
    needs_snapshot: bool = False


@dataclass(frozen=True, slots=True)
class BrokerOrder:
    """An order as the broker has it. `order_id` is ours (the broker's orderRef), None where the order is not ours.

    `broker_order_id` is the broker's permanent id (IB: permId), `client_id` who entered it, `side` BUY or SELL:
    a broker does not tell short sales apart. An order type that we do not have is None, with its name in `raw_type`.
    """

    order_id: str | None
    broker_order_id: str
    account_id: str
    symbol: str
    side: OrderSide
    quantity: Decimal
    filled_quantity: Decimal
    status: OrderStatus
    order_type: OrderType | None
    raw_type: str
    time_in_force: TimeInForce | None
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    client_id: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class BrokerFill:
    """A fill as the broker tells it; where `execution.commission` is an estimate, a `CommissionReport` will say it.

    `corrects` is the id of the execution whose place it takes (IB: the same id but for its last part). `order_id` of
    the execution is empty where the order is not ours; `broker_order_id` is the broker's.
    """

    execution: Execution
    broker_order_id: str
    corrects: str | None = None


@dataclass(frozen=True, slots=True)
class CommissionReport:
    """What a fill cost, USD, fees included: told apart from the fill, sometimes much later."""

    execution_id: str
    commission: Decimal
    currency: str
    reported_at: datetime
    realized_pnl: Decimal | None = None


@dataclass(frozen=True, slots=True)
class BrokerPosition:
    """Signed shares of a symbol at the broker, and their average cost, USD per share."""

    account_id: str
    symbol: str
    quantity: Decimal
    average_cost: Decimal


@dataclass(frozen=True, slots=True)
class BrokerSnapshot:
    """The broker's whole view of an account at one moment: what the record is reconciled with.

    `taken_at` is when it was asked for: what happened later may be in it or not. `unsent` are orders of ours that had
    not left us then, or a modification of which had not: that the broker does not show them proves nothing.
    `fills` are those the broker still tells of (IB Gateway: the current day's). `completed_orders` are the day's
    orders that are over; None where the broker would not tell, which is not the same as none.
    """

    account_id: str
    taken_at: datetime
    open_orders: tuple[BrokerOrder, ...]
    completed_orders: tuple[BrokerOrder, ...] | None
    fills: tuple[BrokerFill, ...]
    commissions: tuple[CommissionReport, ...]
    positions: tuple[BrokerPosition, ...]
    cash: Decimal
    unsent: frozenset[str] = frozenset()
