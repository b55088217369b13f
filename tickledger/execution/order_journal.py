"""The durable journal of orders at a remote broker: what it keeps, and how an account is read back from it.

The journal is a list of entries that are only ever appended. Everything the order manager knows is the fold of them
(`tickledger.execution.order_book`), so that a process that was killed at any point starts again from exactly what
was committed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, Protocol
from zoneinfo import ZoneInfo

from tickledger.domain.broker import CommissionReport
from tickledger.domain.corporate_action import CorporateAction
from tickledger.domain.execution import Execution
from tickledger.domain.order import Order, OrderEvent, OrderModification, OrderStatus, RiskDecision
from tickledger.domain.position import Holding
from tickledger.exchange.corporate_actions import holdings_after

#: The reason of the first event of a parent order, which is never sent: its children are what the broker sees.
WORKED_BY_CHILDREN: Final = "worked by its children"
#: How the reason of an event begins that says that a cancellation was asked for.
CANCEL_ASKED: Final = "cancellation asked"
_NEW_YORK: Final = ZoneInfo("America/New_York")
_NOTHING: Final = Decimal(0)
#: What becomes of shares does not depend on what they cost.
_ANY_COST: Final = Decimal(1)


class AmendmentSource(StrEnum):
    """Who says that an order's terms are others: we asked for them, or the broker has them."""

    REQUESTED = "requested"
    BROKER = "broker"


@dataclass(frozen=True, slots=True)
class OrderAmendment:
    """Terms of an order that took the place of others (`sequence` counts from 0 within the order)."""

    order_id: str
    sequence: int
    modification: OrderModification
    source: AmendmentSource
    amended_at: datetime
    session_date: date


@dataclass(frozen=True, slots=True)
class ExecutionCorrection:
    """New figures of the execution `execution_id`, the first of them that was booked; 0 shares: it was a bust.

    `correction_id` is the id under which the broker tells them, `corrects` the one they take the place of. The two
    differ from `execution_id` where a correction was told before what it corrects. The last in sequence counts.
    """

    correction_id: str
    execution_id: str
    sequence: int
    corrects: str
    quantity: Decimal
    price: Decimal
    executed_at: datetime
    trade_date: date


@dataclass(frozen=True, slots=True)
class CommissionEntry:
    """What the execution `execution_id` cost, as `report` says; the last in sequence counts."""

    execution_id: str
    sequence: int
    report: CommissionReport


@dataclass(frozen=True, slots=True)
class ForeignExecution:
    """A fill of an order that is not ours, as it stands: later news of it are another value in its place.

    `execution.execution_id` is the first id it was told under, `reported_id` the one in force; `execution.order_id`
    is the foreign reference, which may be empty.
    """

    execution: Execution
    reported_id: str
    broker_order_id: str
    corrects: str = ""


@dataclass(frozen=True, slots=True)
class OrderPlaced:
    """An order that was written down; whether it was sent as well, only the broker can tell."""

    order: Order


@dataclass(frozen=True, slots=True)
class NewOrder:
    """An order to be written down with its first event, and with the decision that let it out.

    Without a decision, the record has to have it already.
    """

    order: Order
    event: OrderEvent
    decision: RiskDecision | None = None


#: What is appended after an order was written down. Entries of one call become durable together or not at all.
JournalEntry = OrderEvent | OrderAmendment | Execution | ExecutionCorrection | CommissionEntry | ForeignExecution
AnyEntry = OrderPlaced | JournalEntry


@dataclass(frozen=True, slots=True)
class Opening:
    """What the account held after its last recorded close, signed shares by symbol; cash in USD.

    `session_date` and `cash` are None where no close was ever recorded.
    """

    holdings: Mapping[str, Decimal] = field(default_factory=dict)
    cash: Decimal | None = None
    session_date: date | None = None


def opening_after(opening: Opening, actions: Iterable[CorporateAction]) -> Opening:
    """What the account holds of a close after the corporate actions since then, in order; cash comes by itself.

    Raises InputError for an action without its terms.
    """
    held = dict(opening.holdings)
    for action in actions:
        is_later = opening.session_date is not None and action.ex_date > opening.session_date
        if is_later and (quantity := held.pop(action.symbol, None)) is not None:
            for symbol, received in holdings_after(action, Holding(quantity, _ANY_COST)).items():
                held[symbol] = held.get(symbol, _NOTHING) + received.quantity
    return replace(opening, holdings=held)


@dataclass(frozen=True, slots=True)
class AccountRecord:
    """What the journal knows of an account: its last close, cash moved since without a fill, and the entries.

    The entries are in an order in which they can be folded. They cover every order that is not over, every one with
    a fill since the opening, and those of the last days. `settled` are the fills among them that the opening has, as it
    has them: what differs from them came later, a correction of yesterday's fill, its charge, or a fill told late.
    """

    account_id: str
    opening: Opening = Opening()
    cash_moved: Decimal = Decimal(0)
    entries: tuple[AnyEntry, ...] = ()
    settled: tuple[Execution, ...] = ()

    def with_entries(self, entries: Sequence[AnyEntry]) -> "AccountRecord":
        """The record after `entries` were appended."""
        return replace(self, entries=(*self.entries, *entries))


class DurableJournal(Protocol):
    """The append-only record of orders at a broker; what a method wrote is durable when it returns.

    `record_orders` writes orders in one transaction, and refuses with FencedError where this process may not trade
    any more: then nothing was written, and nothing may be sent. `record` appends entries in one transaction. Both raise
    LedgerError where the record refuses a row and ConfigurationError where the database fails; after the latter nobody
    knows what was kept until `load` has been asked.
    """

    def load(self, account_id: str) -> AccountRecord: ...

    def find_order(self, account_id: str, order_id: str) -> tuple[AnyEntry, ...]: ...

    def record_orders(self, account_id: str, placed: Sequence[NewOrder]) -> None: ...

    def record(self, account_id: str, entries: Sequence[JournalEntry]) -> None: ...


def new_order(order: Order, *, at: datetime, reason: str = "", decision: RiskDecision | None = None) -> NewOrder:
    """An order as it is written down at an instant: PENDING."""
    return NewOrder(order, OrderEvent(order.order_id, 0, OrderStatus.PENDING, at, new_york_date(at), reason), decision)


def new_york_date(instant: datetime) -> date:
    """The exchange's date at an instant."""
    return instant.astimezone(_NEW_YORK).date()
