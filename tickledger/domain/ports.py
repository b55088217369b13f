"""The outside world as the trading loop sees it: what differs between a backtest, paper and live.

Strategy, risk, sizing and execution code takes these protocols and never asks which of the three it is in.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Protocol

from tickledger.domain.broker import BrokerFill, BrokerSnapshot, CommissionReport, ConnectivityChange
from tickledger.domain.execution import CashTransaction
from tickledger.domain.market import MarketEvent
from tickledger.domain.order import Order, OrderModification, OrderReport, RiskDecision
from tickledger.domain.position import Balance, Position
from tickledger.domain.signal import Signal


class Clock(Protocol):
    """The time as the session knows it, an aware UTC instant."""

    def now(self) -> datetime: ...


class MarketData(Protocol):
    """The market's events in order; waiting for the next one is where the session spends its time."""

    def events(self) -> AsyncIterator[MarketEvent]: ...


class Predictor(Protocol):
    """What the strategies say of an event; nothing for those that they do not decide by."""

    def signals(self, event: MarketEvent) -> Sequence[Signal]: ...


#: What a broker that is another program tells: besides orders, fills as they come, charges, cash that no fill moved,
#: and the link itself.
RemoteReport = OrderReport | BrokerFill | CommissionReport | CashTransaction | ConnectivityChange


class RemoteBroker(Protocol):
    """A broker: as a rule in another program, which may lose messages, repeat them, and go away.

    No call raises for what the broker refuses or for a link that is down: that is told by the reports, and an order
    whose fate is not known is told as UNKNOWN. `place` is called only once the order is in the durable journal.
    `snapshot` raises BrokerUnavailableError where any part of it could not be had: a failed query is not "flat".
    `cancel_all` goes past everything that waits to be sent.
    """

    async def place(self, order: Order) -> None: ...

    async def modify(self, order: Order, modification: OrderModification) -> None: ...

    async def cancel(self, order_id: str) -> None: ...

    async def cancel_all(self) -> None: ...

    async def reports(self) -> Sequence[RemoteReport]: ...

    async def snapshot(self) -> BrokerSnapshot: ...


class Journal(Protocol):
    """The append-only record of what a session does beside its orders, which `DurableJournal` keeps.

    What was recorded is durable once `flushed` has returned; nothing is sent to a broker before that. Every method
    may raise ConfigurationError where the record fails, and LedgerError where it refuses a row.
    """

    def record_risk_decision(self, decision: RiskDecision) -> None: ...

    def record_cash_transaction(self, transaction: CashTransaction) -> None: ...

    def record_position(self, position: Position) -> None: ...

    def record_balance(self, balance: Balance) -> None: ...

    async def flushed(self) -> None: ...
