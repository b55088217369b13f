"""The simulated broker: an account and its working orders in process, over the rules of `exchange`.

How long an order works: DAY from when it is placed to the next close (one placed after the close of t takes part
in the open of t + 1 and ends with that session); OPG and IOC only in the next opening auction; GTC until it is
filled or cancelled. In a session without a bar of its symbol nothing of it trades: a DAY order ends unfilled with
that session, a GTC order waits.

Sales fill before purchases. Nothing is lent: what the cash does not cover, charges included, is rejected, and so
is a sale of more than is held, or any short sale. Cash is never below zero.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from tickledger.domain.bar import Bar
from tickledger.domain.corporate_action import CorporateAction, in_order
from tickledger.domain.execution import CashKind, CashTransaction, Execution
from tickledger.domain.ids import identified
from tickledger.domain.order import Order, OrderReport, OrderSide, OrderStatus, TimeInForce
from tickledger.domain.ports import BrokerReport, Clock
from tickledger.domain.position import PortfolioState
from tickledger.exchange.corporate_actions import cash_paid
from tickledger.exchange.fees import FeeSchedule, OrderProgress, charges
from tickledger.exchange.fill_models import FillModel
from tickledger.exchange.matching import Fill, match_at_open, match_in_session
from tickledger.execution.portfolio import Portfolio, cash_effect

EXCHANGE: Final = "SIMULATED"
_AUCTION_ONLY: Final = frozenset({TimeInForce.OPG, TimeInForce.IOC})
_EXPIRES_AT_CLOSE: Final = frozenset({TimeInForce.DAY})
_LONG_ONLY: Final = frozenset({OrderSide.BUY, OrderSide.SELL})


@dataclass(frozen=True, slots=True)
class _Working:
    """An order with what it has traded and paid, and in how many fills."""

    order: Order
    progress: OrderProgress = field(default_factory=OrderProgress)
    fills: int = 0

    @property
    def remaining(self) -> Decimal:
        return self.order.quantity - self.progress.quantity

    def after(self, execution: Execution) -> "_Working":
        done = self.progress
        progress = OrderProgress(
            quantity=done.quantity + execution.quantity,
            notional=done.notional + execution.quantity * execution.price,
            commission=done.commission + execution.commission,
        )
        return replace(self, progress=progress, fills=self.fills + 1)


def _priority(working: _Working) -> tuple[int, datetime, str, str]:
    order = working.order
    return order.side.sign, order.submitted_at, order.symbol, order.order_id


def _restored(opening: PortfolioState) -> dict[str, _Working]:
    working = {order.order_id: _Working(order) for order in opening.working_orders}
    for execution in opening.working_executions:
        working[execution.order_id] = working[execution.order_id].after(execution)
    return working


class SimulatedBroker:
    """A cash account at a broker that fills from bars. `place`, `cancel` and `reports` are the Broker port.

    `begin_session`, `open_session` and `close_session` are the exchange's side: whoever replays the market calls
    them, each at its time by the clock.
    """

    def __init__(
        self, *, account_id: str, clock: Clock, opening: PortfolioState, fees: FeeSchedule, fill_model: FillModel
    ) -> None:
        self._account_id = account_id
        self._clock = clock
        self._fees = fees
        self._fill_model = fill_model
        self._book = Portfolio.opened(account_id, opening)
        self._deposit = opening.cash if opening.previous_equity is None else Decimal(0)
        self._working = _restored(opening)
        self._reports: list[BrokerReport] = []

    @property
    def cash(self) -> Decimal:
        """What the account can spend, USD."""
        return self._book.cash

    async def place(self, order: Order) -> None:
        """Take an order on, or refuse it; one that is working already is not taken twice."""
        if order.order_id in self._working:
            return
        if order.side not in _LONG_ONLY:
            self._tell(order, OrderStatus.REJECTED, f"{order.side}: short sales are not simulated")
            return
        self._working[order.order_id] = _Working(order)
        self._tell(order, OrderStatus.SUBMITTED)

    async def cancel(self, order_id: str) -> None:
        """End an order that is working; any other is left as it is."""
        if order_id in self._working:
            self._end(order_id, OrderStatus.CANCELLED, "cancelled on request")

    async def reports(self) -> Sequence[BrokerReport]:
        """What has happened since the last call."""
        told, self._reports = self._reports, []
        return told

    def begin_session(self, session_date: date, actions: Sequence[CorporateAction]) -> None:
        """Before the open: book the first deposit and the corporate actions. Raises InputError for missing terms."""
        if self._deposit:
            self._receive(_deposit(self._account_id, self._deposit, session_date))
            self._deposit = Decimal(0)
        for action in in_order(actions):
            holding = self._book.holdings.get(action.symbol)
            self._book.apply_corporate_action(action)
            if holding is not None:
                for paid in cash_paid(action, holding, account_id=self._account_id, session_date=session_date):
                    self._receive(paid)

    def open_session(self, session_date: date, bars: Mapping[str, Bar]) -> None:
        """The opening auction."""
        self._match(session_date, bars, match_at_open)
        self._expire(_AUCTION_ONLY, "missed the opening auction")

    def close_session(self, session_date: date, bars: Mapping[str, Bar]) -> None:
        """Everything between the open and the close, and the close."""
        self._match(session_date, bars, match_in_session)
        self._expire(_EXPIRES_AT_CLOSE, "expired at the close")

    def _match(self, session_date: date, bars: Mapping[str, Bar], match: Callable[..., Fill | None]) -> None:
        for working in self._in_priority():
            bar = bars.get(working.order.symbol)
            if bar is not None:
                fill = match(working.order, remaining=working.remaining, bar=bar, model=self._fill_model)
                if fill is not None:
                    self._execute(working, fill, bar, session_date)

    def _execute(self, working: _Working, fill: Fill, bar: Bar, session_date: date) -> None:
        execution = self._execution(working, fill, bar, session_date)
        refusal = self._refusal(execution)
        if refusal is not None:
            # A part of it has traded: the rest is cancelled, since an order with fills cannot be rejected.
            status = OrderStatus.CANCELLED if working.fills else OrderStatus.REJECTED
            self._end(working.order.order_id, status, refusal)
            return
        self._book.apply_execution(execution)
        self._reports.append(execution)
        after = working.after(execution)
        self._working[working.order.order_id] = after
        if after.remaining:
            self._tell(working.order, OrderStatus.PARTIALLY_FILLED)
        else:
            self._end(working.order.order_id, OrderStatus.FILLED)

    def _execution(self, working: _Working, fill: Fill, bar: Bar, session_date: date) -> Execution:
        order = working.order
        cost = charges(
            self._fees,
            side=order.side,
            quantity=fill.quantity,
            price=fill.price,
            trade_date=session_date,
            before=working.progress,
        )
        execution = Execution(
            execution_id="",
            order_id=order.order_id,
            account_id=self._account_id,
            symbol=order.symbol,
            side=order.side,
            quantity=fill.quantity,
            price=fill.price,
            commission=cost.commission,
            fees=cost.fees,
            executed_at=self._clock.now(),
            trade_date=session_date,
            bar_id=bar.bar_id,
            exchange=EXCHANGE,
            commission_is_estimated=cost.is_estimated,
        )
        return identified("exec", execution)

    def _refusal(self, execution: Execution) -> str | None:
        """Why the account cannot settle the fill, None where it can."""
        held = self._book.quantity(execution.symbol)
        if execution.side is OrderSide.SELL and execution.quantity > held:
            return f"sells {execution.quantity} shares of {execution.symbol}, {held} are held"
        left = self._book.cash + cash_effect(execution)
        return f"cash of {self._book.cash} falls short by {-left}" if left < 0 else None

    def _expire(self, terms: frozenset[TimeInForce], reason: str) -> None:
        for working in self._in_priority():
            if working.order.time_in_force in terms:
                self._end(working.order.order_id, OrderStatus.CANCELLED, reason)

    def _in_priority(self) -> list[_Working]:
        """Sales before purchases, the earlier first, then by symbol: the same after a restart as without one."""
        return sorted(self._working.values(), key=_priority)

    def _receive(self, transaction: CashTransaction) -> None:
        self._book.cash += transaction.amount
        self._reports.append(transaction)

    def _end(self, order_id: str, status: OrderStatus, reason: str = "") -> None:
        self._tell(self._working.pop(order_id).order, status, reason)

    def _tell(self, order: Order, status: OrderStatus, reason: str = "") -> None:
        self._reports.append(OrderReport(order.order_id, status, self._clock.now(), reason))


def _deposit(account_id: str, amount: Decimal, session_date: date) -> CashTransaction:
    deposit = CashTransaction(
        cash_transaction_id="",
        account_id=account_id,
        kind=CashKind.DEPOSIT,
        amount=amount,
        session_date=session_date,
        description="opening deposit",
    )
    return identified("cash", deposit)
