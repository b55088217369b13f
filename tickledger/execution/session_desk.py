"""From what a session wants to what it sends: risk first, then the record, then the broker; and what guards it.

    an intent ──► risk ──► refused: the decision is recorded, and that is all
                      └──► let out: all it rests on is durable ──► order, or parent of an execution algorithm

Positions are guarded by stop orders at the broker, which sell what is held where its price falls too far: one of each
symbol, as large as the holding. A sale waits until the stop of its symbol is over, so that the two never sell the same
shares. What the broker cannot take now is not queued: the wish will be there again when it can.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from tickledger.domain.errors import BrokerUnavailableError, OrderError, Problem
from tickledger.domain.execution import Execution
from tickledger.domain.ids import identified
from tickledger.domain.money import CENT
from tickledger.domain.order import (
    Order,
    OrderModification,
    OrderSide,
    OrderStatus,
    OrderType,
    RiskDecision,
    TimeInForce,
)
from tickledger.domain.ports import Journal
from tickledger.domain.signal import OrderIntent
from tickledger.execution.account_book import AccountBook, guards
from tickledger.execution.order_manager import OrderManager
from tickledger.execution.order_state import OrderState
from tickledger.execution.session_policy import SessionPolicy
from tickledger.execution.working_desk import WorkingDesk
from tickledger.risk.pre_trade import PreTradeRisk
from tickledger.risk.question import Moment

_NOTHING: Final = Decimal(0)
_UNSETTLED: Final = frozenset({OrderStatus.PENDING, OrderStatus.UNKNOWN})


@dataclass(frozen=True, slots=True)
class Turn:
    """The moment at which something is decided: the event's instant and session, and the limits of the moment."""

    at: datetime
    session_date: date
    moment: tuple[Moment, ...] = ()


@dataclass(slots=True)
class Outcome:
    """What the desk did since it was last asked: decisions made, and what could not be sent, and why."""

    decisions: list[RiskDecision] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


class SessionDesk:
    """The orders of one session. `origins` are the signals that opened what is held already, by symbol.

    Every method raises FencedError where another process trades the account, ConfigurationError and LedgerError
    where the record fails.
    """

    def __init__(
        self,
        *,
        account: AccountBook,
        orders: OrderManager,
        risk: PreTradeRisk,
        journal: Journal,
        policy: SessionPolicy,
        working_desk: WorkingDesk | None = None,
        origins: Mapping[str, str] | None = None,
    ) -> None:
        self._account = account
        self._orders = orders
        self._risk = risk
        self._journal = journal
        self._policy = policy
        self._working_desk = working_desk
        self._origins = dict(origins or {})
        self._exits: dict[str, OrderIntent] = {}
        self._outcome = Outcome()

    def take_outcome(self) -> Outcome:
        """What was done since the last call."""
        told, self._outcome = self._outcome, Outcome()
        return told

    def note_fills(self, fills: Iterable[Execution]) -> None:
        """Remember which signal opened what is held."""
        for fill in fills:
            if fill.side is OrderSide.BUY and fill.order_id:
                self._origins[fill.symbol] = self._orders.status(fill.order_id).order.signal_id

    async def consider(self, intent: OrderIntent, turn: Turn) -> None:
        """Have risk decide on an intent, and send what it lets out; a sale waits for the stop of its symbol."""
        stops = self._stops(intent.symbol)
        if intent.side is OrderSide.SELL and stops:
            if intent.symbol not in self._exits:
                self._exits[intent.symbol] = intent
                for stop in stops:
                    await self._orders.cancel(stop.order.order_id, "the position is to be sold")
            return
        await self._send(intent, turn)

    async def look_after(self, turn: Turn) -> None:
        """Go on with what waits for the broker: sales whose stop is over, stops that follow what is held."""
        for symbol, intent in list(self._exits.items()):
            if not self._stops(symbol):
                del self._exits[symbol]
                held = self._account.portfolio.quantity(symbol)
                if held > 0:
                    quantity = min(intent.quantity, held)
                    waited = replace(intent, quantity=quantity, intended_at=turn.at, session_date=turn.session_date)
                    await self._send(waited, turn)
        if self._policy.stop_loss is not None:
            await self._guard(turn)

    async def cancel_opening_orders(self, reason: str) -> None:
        """Take back what would open positions."""
        working = self._orders.working()
        parents = {state.order.order_id for state in working if state.is_parent}
        for state in working:
            if state.order.side.sign < 0 or state.order.parent_order_id in parents:
                continue
            if state.is_parent and self._working_desk is not None:
                await self._working_desk.cancel(state.order.order_id)
            await self._orders.cancel(state.order.order_id, reason)

    async def close_all(self, turn: Turn) -> None:
        """Sell every position that a signal of ours opened and no order closes yet."""
        closing = {state.order.symbol for state in self._orders.working() if _closes(state)}
        for symbol, holding in sorted(self._account.portfolio.holdings.items()):
            if holding.quantity <= 0 or symbol in closing or symbol in self._exits:
                continue
            if symbol not in self._origins:
                self._tell(symbol, "a position that a signal of ours opened", "one of somebody else: it is left alone")
                continue
            await self.consider(self._closing(symbol, holding.quantity, turn), turn)

    def _closing(self, symbol: str, quantity: Decimal, turn: Turn) -> OrderIntent:
        return OrderIntent(
            account_id=self._account.account_id,
            symbol=symbol,
            side=OrderSide.SELL,
            quantity=quantity,
            order_type=OrderType.MARKET,
            reference_price=self._account.portfolio.last(symbol).close,
            signal_id=self._origins[symbol],
            intended_at=turn.at,
            session_date=turn.session_date,
        )

    async def _guard(self, turn: Turn) -> None:
        """Have one stop for each holding, as large as it; none where nothing is held any more."""
        busy = {state.order.symbol for state in self._orders.working() if _closes(state)} | set(self._exits)
        for symbol, holding in sorted(self._account.portfolio.holdings.items()):
            if holding.quantity > 0 and symbol in self._origins and symbol not in busy:
                await self._guard_holding(symbol, holding.quantity, holding.average_cost, turn)
        for state in filter(guards, self._orders.working()):
            if self._account.portfolio.quantity(state.order.symbol) <= 0 and state.status not in _UNSETTLED:
                await self._orders.cancel(state.order.order_id, "nothing is held any more")

    async def _guard_holding(self, symbol: str, quantity: Decimal, cost: Decimal, turn: Turn) -> None:
        stops = self._stops(symbol)
        if not stops:
            loss = self._policy.stop_loss or _NOTHING
            stop_price = (cost * (1 - loss)).quantize(CENT, rounding=ROUND_HALF_UP)
            closing = self._closing(symbol, quantity, turn)
            await self._send(
                replace(
                    closing, order_type=OrderType.STOP, stop_price=stop_price, time_in_force=self._stop_time_in_force
                ),
                turn,
            )
        elif len(stops) == 1 and stops[0].remaining_quantity != quantity and stops[0].status not in _UNSETTLED:
            await self._resize(stops[0], stops[0].filled_quantity + quantity)

    async def _resize(self, stop: OrderState, quantity: Decimal) -> None:
        try:
            await self._orders.modify(stop.order.order_id, OrderModification(quantity=quantity))
        except (BrokerUnavailableError, OrderError) as error:
            self._tell(stop.order.symbol, f"a stop for {quantity} shares", str(error))

    @property
    def _stop_time_in_force(self) -> TimeInForce:
        return TimeInForce.GTC if self._policy.flatten_before is None else TimeInForce.DAY

    def _stops(self, symbol: str) -> list[OrderState]:
        return [state for state in self._orders.working() if guards(state) and state.order.symbol == symbol]

    async def _send(self, intent: OrderIntent, turn: Turn) -> None:
        exposure = self._account.exposure(self._orders.working(), turn.session_date, self._risk.estimate_cost)
        # Asked anew each time: an order just sent counts for the next one.
        decision = self._risk.check(intent, exposure, moment=turn.moment)
        self._outcome.decisions.append(decision)
        if not decision.is_approved:
            self._journal.record_risk_decision(decision)
            return
        await self._journal.flushed()
        try:
            await self._place(order_of(intent, decision), decision)
        except (BrokerUnavailableError, OrderError) as error:
            self._journal.record_risk_decision(decision)
            self._tell(intent.symbol, f"to send {intent.side} {intent.quantity}", str(error))

    async def _place(self, order: Order, decision: RiskDecision) -> None:
        if self._working_desk is None or order.order_type is not OrderType.MARKET:
            await self._orders.place(order, decision)
            return
        self._journal.record_risk_decision(decision)
        await self._journal.flushed()
        await self._working_desk.start(order)

    def _tell(self, symbol: str, expected: str, found: str) -> None:
        self._outcome.problems.append(
            Problem(where=f"{self._account.account_id} {symbol}", expected=expected, found=found)
        )


def _closes(state: OrderState) -> bool:
    return state.order.side.sign < 0 and not guards(state)


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
