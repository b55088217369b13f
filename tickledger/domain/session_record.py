"""Everything one run of the trading session left behind, in the order in which it happened."""

from dataclasses import dataclass

from tickledger.domain.execution import CashTransaction, Execution
from tickledger.domain.order import Order, OrderEvent, RiskDecision
from tickledger.domain.position import Balance, Position


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """The rows of a session over one or more trade dates; each is complete and refers to its parents by id."""

    risk_decisions: tuple[RiskDecision, ...]
    orders: tuple[Order, ...]
    order_events: tuple[OrderEvent, ...]
    executions: tuple[Execution, ...]
    cash_transactions: tuple[CashTransaction, ...]
    positions: tuple[Position, ...]
    balances: tuple[Balance, ...]
