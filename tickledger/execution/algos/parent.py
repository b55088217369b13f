"""A parent order, its children, and what an algorithm sees and decides.

The one number everything rests on is what is *committed*: the shares of all children that are filled or may still
fill. A child that works, one that is to be cancelled, and one whose fate is unknown count in full; so does what is
left of a cancelled child until fills that crossed the cancellation must have been told. Never more than the parent's
quantity is committed, so the fills can never add up to more.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Protocol

from tickledger.domain.bar import Quote
from tickledger.domain.errors import OrderError
from tickledger.domain.order import Order, OrderModification, OrderStatus, OrderType, TimeInForce
from tickledger.execution.algos.terms import Terms
from tickledger.execution.order_state import TERMINAL

_NOTHING = Decimal(0)
_PRICED = {OrderType.MARKET: False, OrderType.LIMIT: True}


@dataclass(frozen=True, slots=True)
class ParentOrder:
    """The decision that is worked: `order` as risk accepted it, which itself is never sent, from start to end.

    A limit price of `order` bounds every child's; a MARKET order sets no bound. Raises OrderError for other types,
    and for a window that does not last.
    """

    order: Order
    starts_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        order = self.order
        if _PRICED.get(order.order_type) is not (order.limit_price is not None):
            raise OrderError(
                f"parent order {order.order_id}: expected a MARKET order, or a LIMIT order with its price, found "
                f"{order.order_type} with limit {order.limit_price}"
            )
        if order.quantity <= 0 or self.ends_at <= self.starts_at:
            raise OrderError(
                f"parent order {order.order_id}: expected shares to work in a window that ends after it starts, found "
                f"{order.quantity} from {self.starts_at} to {self.ends_at}"
            )

    @property
    def quantity(self) -> Decimal:
        """The shares to trade."""
        return self.order.quantity


@dataclass(frozen=True, slots=True)
class ChildOrder:
    """One slice at the broker. `limit_price` and `changed_at` follow modifications, `order` stays as it was sent.

    `told_filled` is what the broker said was filled when the order was over, None where it did not say; the fills
    themselves may come later. `ended_at` is when we learned that the order was over.
    """

    order: Order
    limit_price: Decimal
    changed_at: datetime
    status: OrderStatus = OrderStatus.PENDING
    filled_quantity: Decimal = _NOTHING
    cancel_asked_at: datetime | None = None
    ended_at: datetime | None = None
    told_filled: Decimal | None = None

    @property
    def is_working(self) -> bool:
        """Whether more of it may fill by what the broker has said; UNKNOWN means it may."""
        return self.status not in TERMINAL

    @property
    def may_fill_late(self) -> bool:
        """Whether fills may have crossed its cancellation that the broker has not told."""
        return self.status is OrderStatus.CANCELLED and self.told_filled is None

    @property
    def filled(self) -> Decimal:
        """Shares that are filled, told one by one or not yet."""
        if self.status is OrderStatus.FILLED:
            return max(self.order.quantity, self.filled_quantity)
        return max(self.filled_quantity, self.told_filled or _NOTHING)

    def committed(self, now: datetime, settling: timedelta) -> Decimal:
        """Shares that are filled or may still be: all of it until a cancellation has settled."""
        if self.is_working or self._is_settling(now, settling):
            return max(self.order.quantity, self.filled)
        return self.filled

    def _is_settling(self, now: datetime, settling: timedelta) -> bool:
        return self.may_fill_late and (self.ended_at is None or now < self.ended_at + settling)


class Children(tuple[ChildOrder, ...]):  # noqa: SLOT001  the sums are kept in its __dict__
    """The children of a parent in the order in which they were sent, with sums that are made once."""

    @cached_property
    def filled(self) -> Decimal:
        """Shares filled, of all of them."""
        return sum((child.filled for child in self), _NOTHING)

    @cached_property
    def working(self) -> tuple[ChildOrder, ...]:
        """Those that may still fill, the earliest first."""
        return tuple(child for child in self if child.is_working)

    def committed(self, now: datetime, settling: timedelta) -> Decimal:
        """Shares filled or that may still be."""
        return self._settled + sum((child.committed(now, settling) for child in self._unsettled), _NOTHING)

    @cached_property
    def _unsettled(self) -> tuple[ChildOrder, ...]:
        """Those of which more may be committed than filled, now or a moment ago."""
        return tuple(child for child in self if child.is_working or child.may_fill_late)

    @cached_property
    def _settled(self) -> Decimal:
        return self.filled - sum((child.filled for child in self._unsettled), _NOTHING)


class DoneReason(StrEnum):
    """Why an algorithm is through with its parent order."""

    FILLED = "filled"
    CANCELLED = "cancelled"
    ENDED = "ended"
    LEFT_WORKING = "left working"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class AlgoState:
    """Everything an algorithm knows of its parent order.

    `observed_volume` are the shares the market traded inside the window while it was watched, `filled_before` the
    shares that were filled when the watching began (after a restart). `is_cancelling`: the parent is to be cancelled.
    `paused_until`: the broker was out of reach, and nothing is sent before then.
    """

    parent: ParentOrder
    children: Children = field(default_factory=Children)
    observed_volume: int = 0
    filled_before: Decimal = _NOTHING
    is_cancelling: bool = False
    done: DoneReason | None = None
    paused_until: datetime | None = None

    @property
    def filled(self) -> Decimal:
        """Shares filled, of all children."""
        return self.children.filled

    @property
    def working(self) -> tuple[ChildOrder, ...]:
        """The children that may still fill, the earliest first."""
        return self.children.working

    def committed(self, now: datetime, terms: Terms) -> Decimal:
        """Shares filled or that may still be."""
        return self.children.committed(now, terms.settling)

    def uncommitted(self, now: datetime, terms: Terms) -> Decimal:
        """Shares that may be sent: what no child has or may have."""
        return max(self.parent.quantity - self.committed(now, terms), _NOTHING)


@dataclass(frozen=True, slots=True)
class MarketView:
    """The symbol's market now; `volume` counts the session's shares so far, as the feed tells them."""

    quote: Quote | None = None
    is_halted: bool = False
    volume: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Send a child at a limit."""

    quantity: Decimal
    limit_price: Decimal
    reason: str
    time_in_force: TimeInForce = TimeInForce.DAY


@dataclass(frozen=True, slots=True)
class Cancel:
    """Ask for a child's cancellation; it works on until the broker has confirmed."""

    order_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Modify:
    """Move a child's limit."""

    order_id: str
    modification: OrderModification
    reason: str


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing more will be decided."""

    reason: DoneReason


ChildAction = Place | Cancel | Modify | Done


class Algorithm(Protocol):
    """A way to work a parent order: the same state, instant and market always give the same actions."""

    @property
    def name(self) -> str: ...

    @property
    def terms(self) -> Terms: ...

    def decide(self, state: AlgoState, now: datetime, market: MarketView) -> list[ChildAction]: ...
