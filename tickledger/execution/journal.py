"""Journals: where a session writes what happens, in the order in which it happens."""

from tickledger.domain.execution import CashTransaction, Execution
from tickledger.domain.order import Order, OrderEvent, RiskDecision
from tickledger.domain.position import Balance, Position
from tickledger.domain.session_record import SessionRecord


class BufferedJournal:
    """A journal in memory, for sessions whose whole record is written at once: replays and backtests.

    It survives nothing, so a session with a real broker behind it must not use it.
    """

    def __init__(self) -> None:
        self._risk_decisions: list[RiskDecision] = []
        self._orders: list[Order] = []
        self._order_events: list[OrderEvent] = []
        self._executions: list[Execution] = []
        self._cash_transactions: list[CashTransaction] = []
        self._positions: list[Position] = []
        self._balances: list[Balance] = []

    def record_risk_decision(self, decision: RiskDecision) -> None:
        self._risk_decisions.append(decision)

    def record_order(self, order: Order) -> None:
        self._orders.append(order)

    def record_order_event(self, event: OrderEvent) -> None:
        self._order_events.append(event)

    def record_execution(self, execution: Execution) -> None:
        self._executions.append(execution)

    def record_cash_transaction(self, transaction: CashTransaction) -> None:
        self._cash_transactions.append(transaction)

    def record_position(self, position: Position) -> None:
        self._positions.append(position)

    def record_balance(self, balance: Balance) -> None:
        self._balances.append(balance)

    def record(self) -> SessionRecord:
        """Everything written so far."""
        return SessionRecord(
            risk_decisions=tuple(self._risk_decisions),
            orders=tuple(self._orders),
            order_events=tuple(self._order_events),
            executions=tuple(self._executions),
            cash_transactions=tuple(self._cash_transactions),
            positions=tuple(self._positions),
            balances=tuple(self._balances),
        )
