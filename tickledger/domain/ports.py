"""The outside world as the trading loop sees it: what differs between a backtest, paper and live.

Strategy, risk, sizing and execution code takes these protocols and never asks which of the three it is in.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from typing import Protocol

from tickledger.domain.bar import Bar
from tickledger.domain.corporate_action import CorporateAction
from tickledger.domain.execution import CashTransaction, Execution
from tickledger.domain.order import Order, OrderEvent, RiskDecision
from tickledger.domain.position import Balance, Position
from tickledger.domain.signal import Signal


class Clock(Protocol):
    """The time as the session knows it, an aware UTC instant."""

    def now(self) -> datetime: ...


class MarketData(Protocol):
    """Sessions in order, each with the bars that complete in it and the actions that take effect before it."""

    def sessions(self) -> AsyncIterator[date]: ...

    def bars(self, session_date: date) -> Sequence[Bar]: ...

    def corporate_actions(self, session_date: date) -> Sequence[CorporateAction]: ...


class Predictor(Protocol):
    """What the strategies say once the session's bars are complete."""

    def signals(self, session_date: date) -> Sequence[Signal]: ...


class Broker(Protocol):
    """A broker: takes orders, reports events and executions. It never raises for a refused order."""

    async def place(self, order: Order) -> Sequence[OrderEvent]: ...

    async def cancel(self, order_id: str) -> Sequence[OrderEvent]: ...


class Journal(Protocol):
    """The append-only record of a session; a row is durable when its method returns."""

    def record_risk_decision(self, decision: RiskDecision) -> None: ...

    def record_order(self, order: Order) -> None: ...

    def record_order_event(self, event: OrderEvent) -> None: ...

    def record_execution(self, execution: Execution) -> None: ...

    def record_cash_transaction(self, transaction: CashTransaction) -> None: ...

    def record_position(self, position: Position) -> None: ...

    def record_balance(self, balance: Balance) -> None: ...
