"""The simulated broker: a `RemoteBroker` in this process over a `Venue`, for replays by the day and inside it.

Whoever moves the venue passes on what it told (`take`); what the venue answers to an order is taken at once. Nothing is
lost or late, so that reports and snapshots always agree.

    the venue tells           becomes
    a step of an order        an OrderReport with the venue's text as its reason; none where the status is as it was
    a fill                    a BrokerFill whose charges are final: no CommissionReport follows
    cash of an action         the CashTransaction itself; the first deposit is told before everything else

An execution's id is a hash of its content and of its number within its order, so that it is the same whether a period
is replayed at once or in parts, with the working orders restored from `opening` in between.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Final

from tickledger.domain.broker import BrokerFill, BrokerOrder, BrokerPosition, BrokerSnapshot
from tickledger.domain.execution import CashKind, CashTransaction, Execution
from tickledger.domain.ids import identified
from tickledger.domain.order import (
    Order,
    OrderModification,
    OrderReport,
    OrderSide,
    OrderStatus,
    OrderType,
    TimeInForce,
)
from tickledger.domain.ports import RemoteReport
from tickledger.domain.position import PortfolioState
from tickledger.exchange.fees import OrderProgress
from tickledger.exchange.venue import Venue
from tickledger.exchange.venue_orders import (
    OrderUpdate,
    VenueEvent,
    VenueFill,
    VenueOrder,
    VenueOrderType,
    VenueStatus,
    VenueTerm,
)
from tickledger.execution.order_journal import new_york_date

#: How IB begins what it says of an order that is cancelled; what follows is the reason.
_CANCELLED: Final = "Order Canceled - reason:"
EXCHANGE: Final = "SIMULATED"
_LONG_ONLY: Final = frozenset({OrderSide.BUY, OrderSide.SELL})
_KEY_DIGITS: Final = 15
_TYPES: Final = {
    OrderType.MARKET: VenueOrderType.MKT,
    OrderType.LIMIT: VenueOrderType.LMT,
    OrderType.STOP: VenueOrderType.STP,
    OrderType.STOP_LIMIT: VenueOrderType.STP_LMT,
}
_OUR_TYPES: Final = {theirs: ours for ours, theirs in _TYPES.items()}
_ENDINGS: Final = {
    VenueStatus.FILLED: OrderStatus.FILLED,
    VenueStatus.CANCELLED: OrderStatus.CANCELLED,
    VenueStatus.REJECTED: OrderStatus.REJECTED,
}


@dataclass(frozen=True, slots=True)
class _NumberedFill:
    """An execution as its id counts it: the only difference of two fills of an order may be their number."""

    execution_id: str
    number: int
    execution: Execution


def _no_bar(_symbol: str, _trade_date: date) -> str | None:
    return None


class VenueBroker:
    """One account at a venue in this process.

    The venue's account has the cash and holdings of `opening`, whose working orders are restored; a new one, without
    a `previous_equity`, has no cash yet: it is deposited with the first report. `bar_id_of` tells which row of the
    record the fills of a symbol on a date are from.
    """

    def __init__(
        self,
        venue: Venue,
        *,
        account_id: str,
        bar_id_of: Callable[[str, date], str | None] = _no_bar,
        exchange: str = EXCHANGE,
        opening: PortfolioState | None = None,
    ) -> None:
        self._venue = venue
        self._account_id = account_id
        self._bar_id_of = bar_id_of
        self._exchange = exchange
        self._orders: dict[int, Order] = {}
        self._told: dict[int, OrderStatus] = {}
        self._fills: list[BrokerFill] = []
        self._ended: list[int] = []
        self._today = new_york_date(venue.now)
        self._reports: list[RemoteReport] = []
        self._deposit = Decimal(0)
        if opening is not None:
            self._deposit = opening.cash if opening.previous_equity is None else Decimal(0)
            self._restore(opening)

    async def place(self, order: Order) -> None:
        """Take an order to the venue; one that it has had before is not sent again."""
        self._open_account()
        key = order_key(order.order_id)
        if key in self._orders:
            return
        self._orders[key] = order
        refusal = self._refusal(order)
        if refusal is not None:
            self._report(key, OrderStatus.REJECTED, refusal, filled=Decimal(0))
            return
        self.take(self._venue.submit(venue_order(order, key)))

    async def modify(self, order: Order, modification: OrderModification) -> None:
        """Ask for other terms of an order; one that is unknown or over is left as it is."""
        key = order_key(order.order_id)
        if not self._is_working(key):
            return
        known = self._venue.order(key)
        changed = replace(
            known,
            quantity=known.quantity if modification.quantity is None else modification.quantity,
            limit_price=known.limit_price if modification.limit_price is None else modification.limit_price,
            stop_price=known.stop_price if modification.stop_price is None else modification.stop_price,
        )
        self.take(self._venue.modify(changed))

    async def cancel(self, order_id: str) -> None:
        """Ask that an order end; one that is unknown or over is left as it is."""
        key = order_key(order_id)
        if self._is_working(key):
            self.take(self._venue.cancel(key))

    async def cancel_all(self) -> None:
        """Ask that all orders of the account end, those of others included."""
        for order in self._venue.working():
            if order.account_id == self._account_id:
                self.take(self._venue.cancel(order.order_key))

    async def reports(self) -> Sequence[RemoteReport]:
        """What has happened since the last call."""
        return self.take_reports()

    def take_reports(self) -> list[RemoteReport]:
        """What has happened since the last call."""
        self._open_account()
        told, self._reports = self._reports, []
        return told

    async def snapshot(self) -> BrokerSnapshot:
        """The whole account as it stands at the venue; orders and fills that are over are those of the day."""
        self._begin_day()
        state = self._venue.account(self._account_id)
        working = [order for order in self._venue.working() if order.account_id == self._account_id]
        return BrokerSnapshot(
            account_id=self._account_id,
            taken_at=self._venue.now,
            open_orders=tuple(self._broker_order(order) for order in working),
            completed_orders=tuple(self._broker_order(self._venue.order(key)) for key in self._ended),
            fills=tuple(self._fills),
            commissions=(),
            positions=tuple(
                BrokerPosition(self._account_id, held.symbol, held.quantity, held.average_cost)
                for held in state.holdings
                if held.quantity
            ),
            cash=state.cash,
        )

    def take(self, events: Iterable[VenueEvent]) -> None:
        """Take what the venue told, of which the steps, fills and cash of this account count."""
        self._open_account()
        self._begin_day()
        for event in events:
            match event:
                case OrderUpdate() if event.order_key in self._orders:
                    self._take_update(event)
                case VenueFill() if event.order_key in self._orders:
                    self._take_fill(event)
                case CashTransaction(account_id=self._account_id):
                    self._reports.append(event)

    def _open_account(self) -> None:
        if self._deposit:
            deposit = CashTransaction(
                cash_transaction_id="",
                account_id=self._account_id,
                kind=CashKind.DEPOSIT,
                amount=self._deposit,
                session_date=self._venue.session_date,
                description="opening deposit",
            )
            self._deposit = Decimal(0)
            self._venue.deposit(self._account_id, deposit.amount)
            self._reports.append(identified("cash", deposit))

    def _begin_day(self) -> None:
        """Forget what is over since the day before."""
        today = new_york_date(self._venue.now)
        if today == self._today:
            return
        self._today = today
        self._fills = [fill for fill in self._fills if fill.execution.trade_date == today]
        self._ended = [key for key in self._ended if new_york_date(self._venue.update(key).occurred_at) == today]

    def _refusal(self, order: Order) -> str | None:
        if order.account_id != self._account_id:
            return f"expected an order of account {self._account_id}, found {order.account_id}"
        if order.side not in _LONG_ONLY and not self._venue.is_lending:
            return f"{order.side}: nothing is lent, so nothing is sold short"
        return None

    def _is_working(self, key: int) -> bool:
        return key in self._orders and self._told.get(key) not in _ENDINGS.values()

    def _take_update(self, update: OrderUpdate) -> None:
        working = OrderStatus.PARTIALLY_FILLED if update.filled else OrderStatus.SUBMITTED
        status = _ENDINGS.get(update.status, working)
        is_news = self._told.get(update.order_key) is not status
        if is_news and update.status in _ENDINGS:
            self._ended.append(update.order_key)
        if is_news or update.code is not None:
            self._report(update.order_key, status, update.text, filled=update.filled)

    def _report(self, key: int, status: OrderStatus, reason: str, *, filled: Decimal) -> None:
        self._told[key] = status
        told = reason.removeprefix(_CANCELLED).strip()
        self._reports.append(OrderReport(self._orders[key].order_id, status, self._venue.now, told, filled))

    def _take_fill(self, fill: VenueFill) -> None:
        told = BrokerFill(self._execution(fill), str(fill.order_key))
        self._fills.append(told)
        self._reports.append(told)

    def _execution(self, fill: VenueFill) -> Execution:
        order, trade_date = self._orders[fill.order_key], new_york_date(fill.executed_at)
        execution = Execution(
            execution_id="",
            order_id=order.order_id,
            account_id=fill.account_id,
            symbol=fill.symbol,
            side=order.side,
            quantity=fill.quantity,
            price=fill.price,
            commission=fill.commission,
            fees=fill.fees,
            executed_at=fill.executed_at,
            trade_date=trade_date,
            bar_id=self._bar_id_of(fill.symbol, trade_date),
            exchange=self._exchange,
            commission_is_estimated=fill.are_charges_estimated,
        )
        numbered = identified("exec", _NumberedFill("", fill.number, execution))
        return replace(execution, execution_id=numbered.execution_id)

    def _broker_order(self, order: VenueOrder) -> BrokerOrder:
        update = self._venue.update(order.order_key)
        working = OrderStatus.PARTIALLY_FILLED if update.filled else OrderStatus.SUBMITTED
        known = self._orders.get(order.order_key)
        return BrokerOrder(
            order_id=None if known is None else known.order_id,
            broker_order_id=str(order.order_key),
            account_id=order.account_id,
            symbol=order.symbol,
            side=OrderSide.BUY if order.is_buy else OrderSide.SELL,
            quantity=order.quantity,
            filled_quantity=update.filled,
            status=_ENDINGS.get(update.status, working),
            order_type=_OUR_TYPES.get(order.order_type),
            raw_type=order.order_type.value,
            time_in_force=TimeInForce(order.term.value) if order.term.value in set(TimeInForce) else None,
            limit_price=order.limit_price,
            stop_price=order.stop_price,
            reason=update.text,
        )

    def _restore(self, opening: PortfolioState) -> None:
        """Have the orders of earlier sessions go on; which of them is told first makes no difference."""
        progress: dict[str, tuple[OrderProgress, int]] = {}
        for execution in opening.working_executions:
            done, fills = progress.get(execution.order_id, (OrderProgress(), 0))
            progress[execution.order_id] = _after(done, execution), fills + 1
        for order in opening.working_orders:
            key = order_key(order.order_id)
            done, fills = progress.get(order.order_id, (OrderProgress(), 0))
            self._orders[key] = order
            self._told[key] = OrderStatus.PARTIALLY_FILLED if fills else OrderStatus.SUBMITTED
            self.take(self._venue.restore(venue_order(order, key), done, fills, since=order.submitted_at))


def _after(done: OrderProgress, execution: Execution) -> OrderProgress:
    return OrderProgress(
        quantity=done.quantity + execution.quantity,
        notional=done.notional + execution.quantity * execution.price,
        commission=done.commission + execution.commission,
    )


def order_key(order_id: str) -> int:
    """The venue's key of an order of ours: the same in every run, and no other order's."""
    return int(sha256(order_id.encode()).hexdigest()[:_KEY_DIGITS], 16)


def venue_order(order: Order, key: int) -> VenueOrder:
    """An order in the venue's words; of those that come at the same instant, the smaller id is the earlier."""
    return VenueOrder(
        order_key=key,
        account_id=order.account_id,
        symbol=order.symbol,
        is_buy=order.side.sign > 0,
        quantity=order.quantity,
        order_type=_TYPES[order.order_type],
        term=VenueTerm(order.time_in_force.value),
        limit_price=order.limit_price,
        stop_price=order.stop_price,
        tie_break=order.order_id,
    )
