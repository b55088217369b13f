"""The trading session: the one loop that replay, paper and live share.

    opening   corporate actions change holdings and working orders
    ...       the broker fills what is working
    close     fills and cash are booked, holdings marked at the raw close, positions and balance recorded;
              signals → sizing → risk → journal → broker, sales first

Orders decided at the close of t work from then on, so that a bar never fills an order made from it. What the
session knows of its account comes from the broker's reports and the market's events; which broker and which
market, it cannot tell.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Final

from tickledger.domain.corporate_action import CorporateAction, in_order
from tickledger.domain.execution import CashKind, CashTransaction, Execution
from tickledger.domain.ids import identified
from tickledger.domain.market import SessionClosed, SessionOpening
from tickledger.domain.order import Order, OrderReport, OrderStatus, RiskDecision
from tickledger.domain.ports import Broker, Clock, Journal, MarketData, Predictor
from tickledger.domain.position import PortfolioState
from tickledger.domain.signal import OrderIntent
from tickledger.exchange.corporate_actions import leaves_alone, order_after
from tickledger.execution.open_orders import OpenOrders
from tickledger.execution.order_state import OrderState
from tickledger.execution.portfolio import Portfolio
from tickledger.risk.exposure import Exposure
from tickledger.risk.pre_trade import PreTradeRisk
from tickledger.strategies.sizing import Book, SizingPolicy, intents_of

_NOTHING: Final = Decimal(0)
_EXTERNAL: Final = frozenset({CashKind.DEPOSIT, CashKind.WITHDRAWAL})


class TradingSession:
    """One account traded by one predictor, over as many sessions as the market data has.

    `opening` is what earlier sessions left behind. `run` ends with the market data; it raises InputError for a
    corporate action it cannot apply to a holding, LedgerError and OrderError where the broker's reports
    contradict the record.
    """

    def __init__(
        self,
        *,
        account_id: str,
        clock: Clock,
        market_data: MarketData,
        broker: Broker,
        predictor: Predictor,
        risk: PreTradeRisk,
        journal: Journal,
        opening: PortfolioState,
        sizing: SizingPolicy,
    ) -> None:
        self._account_id = account_id
        self._clock = clock
        self._market_data = market_data
        self._broker = broker
        self._predictor = predictor
        self._risk = risk
        self._journal = journal
        self._sizing = sizing
        self._portfolio = Portfolio.opened(account_id, opening)
        self._orders = OpenOrders(broker=broker, journal=journal, opening=opening)
        self._previous_equity = opening.previous_equity or _NOTHING
        self._deposited = _NOTHING

    @property
    def portfolio(self) -> Portfolio:
        """The account as the session knows it."""
        return self._portfolio

    async def run(self) -> None:
        """Work through the market's events until there are no more."""
        async for event in self._market_data.events():
            await self._take_reports(event.session_date)
            match event:
                case SessionOpening():
                    await self._open(event)
                case SessionClosed():
                    await self._close(event)
            await self._take_reports(event.session_date)

    async def _take_reports(self, session_date: date) -> None:
        for report in await self._broker.reports():
            match report:
                case OrderReport():
                    self._orders.take_report(report, session_date=session_date)
                case Execution():
                    self._orders.take_execution(report)
                    self._portfolio.apply_execution(report)
                case CashTransaction():
                    self._take_cash(report)

    def _take_cash(self, transaction: CashTransaction) -> None:
        self._journal.record_cash_transaction(transaction)
        self._portfolio.cash += transaction.amount
        if transaction.kind in _EXTERNAL:
            self._deposited += transaction.amount

    async def _open(self, event: SessionOpening) -> None:
        for action in in_order(event.corporate_actions):
            self._portfolio.apply_corporate_action(action)
            await self._adjust_orders(action, event.session_date)

    async def _adjust_orders(self, action: CorporateAction, session_date: date) -> None:
        """Cancel the orders that the action made meaningless; put others in the place of those that are over."""
        on_symbol = [state.order for state in self._orders.working() if state.order.symbol == action.symbol]
        affected = [order.order_id for order in on_symbol if not leaves_alone(action, order)]
        for order_id in affected:
            await self._orders.cancel(order_id)
        await self._take_reports(session_date)
        for state in map(self._orders.state, affected):
            if state.status is OrderStatus.CANCELLED:
                await self._replace(state, action, session_date)

    async def _replace(self, state: OrderState, action: CorporateAction, session_date: date) -> None:
        remaining, now = state.remaining_quantity, self._clock.now()
        replacement = order_after(
            state.order, remaining=remaining, action=action, submitted_at=now, session_date=session_date
        )
        if replacement is not None:
            await self._orders.submit(replacement)

    async def _close(self, event: SessionClosed) -> None:
        self._orders.forget_finished()
        self._portfolio.mark(event.bars)
        equity = self._record_close(event.session_date)
        await self._decide(event, equity)
        self._previous_equity, self._deposited = equity, _NOTHING

    def _record_close(self, session_date: date) -> Decimal:
        for position in self._portfolio.positions(session_date):
            self._journal.record_position(position)
        balance = self._portfolio.balance(session_date)
        self._journal.record_balance(balance)
        return balance.equity

    async def _decide(self, event: SessionClosed, equity: Decimal) -> None:
        day, closes = event.session_date, {bar.symbol: bar.close for bar in event.bars}
        book = Book(self._account_id, equity, self._projected_quantities(), closes)
        signals = self._predictor.signals(day)
        for intent in intents_of(signals, book, policy=self._sizing, intended_at=self._clock.now(), session_date=day):
            # Asked anew each time: an order just sent counts for the next one.
            decision = self._risk.check(intent, self._exposure(equity, closes, day))
            self._journal.record_risk_decision(decision)
            if decision.is_approved:
                await self._orders.submit(order_of(intent, decision))

    def _projected_quantities(self) -> dict[str, Decimal]:
        """Signed shares by symbol as if every working order were filled."""
        quantities = {symbol: holding.quantity for symbol, holding in self._portfolio.holdings.items()}
        for state in self._orders.working():
            change = state.order.side.sign * state.remaining_quantity
            quantities[state.order.symbol] = quantities.get(state.order.symbol, _NOTHING) + change
        return quantities

    def _exposure(self, equity: Decimal, closes: Mapping[str, Decimal], session_date: date) -> Exposure:
        """What is at stake; a working order whose symbol neither traded today nor is held has no known price."""
        quantities = self._projected_quantities()
        prices = {symbol: mark.close for symbol, mark in self._portfolio.marks.items()} | dict(closes)
        costs = (self._estimated_cost(state, prices, session_date) for state in self._orders.working())
        return Exposure(
            equity=equity,
            cash=self._portfolio.cash - sum(costs, _NOTHING),
            day_loss=self._previous_equity + self._deposited - equity,
            quantities=quantities,
            prices=prices,
            average_costs={symbol: held.average_cost for symbol, held in self._portfolio.holdings.items()},
        )

    def _estimated_cost(self, state: OrderState, prices: Mapping[str, Decimal], session_date: date) -> Decimal:
        """What a working purchase will cost; nothing is known of one without a price, which risk looks out for."""
        order = state.order
        price = order.limit_price or prices.get(order.symbol)
        if order.side.sign < 0 or price is None:
            return _NOTHING
        return self._risk.estimate_cost(order.side, state.remaining_quantity, price, session_date)


def order_of(intent: OrderIntent, decision: RiskDecision) -> Order:
    """The order that `decision` lets out: the intent in the approved quantity, under an id of its own."""
    order = Order(
        order_id="",
        account_id=intent.account_id,
        symbol=intent.symbol,
        side=intent.side,
        order_type=intent.order_type,
        quantity=decision.approved_quantity,
        time_in_force=intent.time_in_force,
        signal_id=intent.signal_id,
        risk_decision_id=decision.risk_decision_id,
        submitted_at=intent.intended_at,
        session_date=intent.session_date,
        limit_price=intent.limit_price,
        stop_price=intent.stop_price,
    )
    return identified("ord", order)
