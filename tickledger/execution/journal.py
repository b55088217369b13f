"""A journal in memory, for sessions whose whole record is written at once: replays and backtests."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from tickledger.domain.bar import Bar
from tickledger.domain.corporate_action import CorporateAction, in_order
from tickledger.domain.errors import LedgerError
from tickledger.domain.execution import CashTransaction, Execution
from tickledger.domain.order import Order, OrderEvent, OrderStatus, RiskDecision
from tickledger.domain.position import Balance, Holding, PortfolioState, Position
from tickledger.domain.session_record import SessionRecord
from tickledger.domain.signal import Signal
from tickledger.exchange.corporate_actions import holdings_after
from tickledger.execution.order_fills import fills_of
from tickledger.execution.order_journal import (
    AccountRecord,
    AnyEntry,
    CommissionEntry,
    ExecutionCorrection,
    ForeignExecution,
    JournalEntry,
    NewOrder,
    Opening,
    OrderAmendment,
    OrderPlaced,
)
from tickledger.execution.order_state import TERMINAL
from tickledger.features.snapshot import FeatureSnapshot

_NOTHING: Final = Decimal(0)


@dataclass(slots=True)
class _Rows:
    """What was recorded, in order."""

    risk_decisions: list[RiskDecision] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    order_events: list[OrderEvent] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)
    cash_transactions: list[CashTransaction] = field(default_factory=list)
    positions: list[Position] = field(default_factory=list)
    balances: list[Balance] = field(default_factory=list)


class BufferedJournal:
    """Both journals of a session, the `Journal` of its decisions and the `DurableJournal` of its orders, in memory.

    It survives nothing, so a session with a broker in another program behind it must not use it. `opened_on` is the
    session that `opening` is the close of. Raises LedgerError for an opening whose working orders have no events.
    """

    def __init__(self, account_id: str, opening: PortfolioState, *, opened_on: date | None = None) -> None:
        self._account_id = account_id
        self._rows = _Rows()
        self._holdings: Mapping[str, Holding] = opening.holdings
        self._cash = _NOTHING if opening.previous_equity is None else opening.cash
        self._opened_on = opened_on
        self._cash_moved = _NOTHING
        self._closing: dict[str, Holding] = {}
        self._entries = _entries_of(opening)
        self._closed_entries = len(self._entries)
        self._settled = opening.working_executions

    async def flushed(self) -> None:
        """What is in memory is there."""

    def record_bars(self, bars: Sequence[Bar], interval: str) -> None:
        """What signals rest on is in the record already, or made again by whoever replays."""

    def record_features(self, rows: Sequence[FeatureSnapshot]) -> None:
        """The same."""

    def record_signals(self, signals: Sequence[Signal]) -> None:
        """The same."""

    def record_risk_decision(self, decision: RiskDecision) -> None:
        """Keep what risk said; the same decision once."""
        if not (self._rows.risk_decisions and self._rows.risk_decisions[-1] == decision):
            self._rows.risk_decisions.append(decision)

    def record_cash_transaction(self, transaction: CashTransaction) -> None:
        """Keep cash that no fill moved."""
        self._rows.cash_transactions.append(transaction)
        self._cash_moved += transaction.amount

    def record_position(self, position: Position) -> None:
        """Keep a holding at a close; its balance follows."""
        self._rows.positions.append(position)
        self._closing[position.symbol] = Holding(position.quantity, position.average_cost)

    def record_balance(self, balance: Balance) -> None:
        """Keep an account's close: what comes later counts from it."""
        self._rows.balances.append(balance)
        self._holdings, self._closing = self._closing, {}
        self._cash, self._cash_moved, self._opened_on = balance.cash, _NOTHING, balance.session_date
        self._entries = _still_needed(self._entries, since=self._closed_entries)
        self._closed_entries = len(self._entries)
        self._settled = fills_of(self._entries)

    def take_corporate_actions(self, actions: Iterable[CorporateAction]) -> None:
        """These change what the account holds at its broker."""
        self._holdings = _after(self._holdings, in_order(actions))

    def take_orders(self, record: AccountRecord) -> None:
        """Begin with the orders that another journal has, and all that came of them."""
        self._entries = list(record.entries)
        self._closed_entries = len(self._entries)
        self._settled = record.settled

    def load(self, account_id: str) -> AccountRecord:  # noqa: ARG002  of one account
        """The account since its last close, with every order that worked then or later."""
        holdings = {symbol: holding.quantity for symbol, holding in self._holdings.items()}
        opening = Opening(holdings, self._cash, self._opened_on)
        return AccountRecord(self._account_id, opening, self._cash_moved, tuple(self._entries), self._settled)

    def find_order(self, account_id: str, order_id: str) -> tuple[AnyEntry, ...]:  # noqa: ARG002  the same
        """The entries of one order that may still matter."""
        of_fill = {entry.execution_id: entry.order_id for entry in self._entries if isinstance(entry, Execution)}
        return tuple(entry for entry in self._entries if _order_of(entry, of_fill) == order_id)

    def record_orders(self, account_id: str, placed: Sequence[NewOrder]) -> None:  # noqa: ARG002  the same
        """Keep orders, their first events and the decisions that let them out."""
        for new in placed:
            if new.decision is not None:
                self.record_risk_decision(new.decision)
            self._rows.orders.append(new.order)
            self._rows.order_events.append(new.event)
            self._entries += [OrderPlaced(new.order), new.event]

    def record(self, account_id: str, entries: Sequence[JournalEntry]) -> None:  # noqa: ARG002  the same
        """Keep what became of orders.

        Corrections and later charges, which no broker in process tells, change what `load` gives, not the rows.
        """
        for entry in entries:
            match entry:
                case OrderEvent():
                    self._rows.order_events.append(entry)
                case Execution():
                    self._rows.executions.append(entry)
        self._entries += entries

    def session_record(self) -> SessionRecord:
        """Everything written so far."""
        rows = self._rows
        return SessionRecord(
            risk_decisions=tuple(rows.risk_decisions),
            orders=tuple(rows.orders),
            order_events=tuple(rows.order_events),
            executions=tuple(rows.executions),
            cash_transactions=tuple(rows.cash_transactions),
            positions=tuple(rows.positions),
            balances=tuple(rows.balances),
        )


def _after(holdings: Mapping[str, Holding], actions: Iterable[CorporateAction]) -> dict[str, Holding]:
    held = dict(holdings)
    for action in actions:
        if (holding := held.pop(action.symbol, None)) is not None:
            for symbol, received in holdings_after(action, holding).items():
                before = held.get(symbol)
                quantity = received.quantity + (before.quantity if before is not None else _NOTHING)
                held[symbol] = Holding(quantity, received.average_cost)
    return held


def _entries_of(opening: PortfolioState) -> list[AnyEntry]:
    """The orders that earlier sessions left working, as a journal would have them."""
    filled = {execution.order_id for execution in opening.working_executions}
    entries: list[AnyEntry] = []
    for order in opening.working_orders:
        sequence = opening.order_sequences.get(order.order_id, 0) - 1
        if sequence < 0:
            raise LedgerError(f"order {order.order_id} is working but has no events")
        status = OrderStatus.PARTIALLY_FILLED if order.order_id in filled else OrderStatus.SUBMITTED
        step = OrderEvent(order.order_id, sequence, status, order.submitted_at, order.session_date)
        entries += [OrderPlaced(order), step]
    return [*entries, *opening.working_executions]


def _still_needed(entries: Sequence[AnyEntry], *, since: int) -> list[AnyEntry]:
    """The entries of the orders that are not over, or of which something was entered since the close before."""
    last = {entry.order_id: entry.status for entry in entries if isinstance(entry, OrderEvent)}
    alive = {order_id for order_id, status in last.items() if status not in TERMINAL}
    of_fill = {entry.execution_id: entry.order_id for entry in entries if isinstance(entry, Execution)}
    alive |= {_order_of(entry, of_fill) for entry in entries[since:]}
    return [entry for entry in entries if _order_of(entry, of_fill) in alive]


def _order_of(entry: AnyEntry, of_fill: Mapping[str, str]) -> str:
    """The order that an entry is about; of a foreign fill its own id, which no order has."""
    match entry:
        case OrderPlaced(order):
            return order.order_id
        case OrderEvent() | Execution() | OrderAmendment():
            return entry.order_id
        case ExecutionCorrection() | CommissionEntry():
            return of_fill[entry.execution_id]
        case ForeignExecution():
            return entry.execution.execution_id
