"""From what a session wants to what it sends: risk first, then the record, then the broker; and what guards it.

    an intent ──► risk ──► refused: the decision is recorded, and that is all
                      └──► let out: all it rests on is durable ──► order, or parent of an execution algorithm

What is decided together is sent together, see `order_release`.

Positions are guarded by stop orders at the broker, which sell what is held where its price falls too far: one of each
symbol, as large as the holding. A sale waits until the stop of its symbol is over, so that the two never sell the same
shares; it takes back purchases of the symbol, and is never for more than is held and not on sale already. What no
signal of ours opened is somebody else's and left alone. What the broker cannot take now is not queued: the wish will
be there again when it can.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from tickledger.domain.corporate_action import ENDINGS, CorporateAction
from tickledger.domain.errors import BrokerUnavailableError, LedgerError, OrderError, Problem, TickledgerError
from tickledger.domain.execution import Execution
from tickledger.domain.money import CENT
from tickledger.domain.order import (
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
from tickledger.execution.intent_orders import order_of
from tickledger.execution.order_manager import ASK_AGAIN_AFTER, OrderManager
from tickledger.execution.order_release import OrderRelease
from tickledger.execution.order_state import OrderState
from tickledger.execution.session_policy import SessionPolicy
from tickledger.execution.working_desk import WorkingDesk
from tickledger.execution.working_orders import closes, of_symbol, opening
from tickledger.risk.pre_trade import PreTradeRisk
from tickledger.risk.question import Moment

_NOTHING: Final = Decimal(0)
_UNSETTLED: Final = frozenset({OrderStatus.PENDING, OrderStatus.UNKNOWN})
#: How long the desk waits before it tries again, by itself, what was refused, and tells again what it has told.
_TRY_AGAIN_AFTER: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Turn:
    """The moment at which something is decided: the event's instant and session, and the limits of the moment."""

    at: datetime
    session_date: date
    moment: tuple[Moment, ...] = ()


@dataclass(frozen=True, slots=True)
class _Exit:
    """A sale that waits for the stop of its symbol; whether it may be worked then, or is sent as it is."""

    intent: OrderIntent
    is_worked: bool


@dataclass(slots=True)
class Outcome:
    """What the desk did since it was last asked: decisions made, and what could not be sent, and why."""

    decisions: list[RiskDecision] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


class SessionDesk:
    """The orders of one session.

    `origins` are the signals that opened what is held already, by symbol; without them, all of it counts as ours.
    `ended` are the symbols that are traded no more: nothing of them is ordered, and what is held of them stays. A
    cancellation that has led to nothing is asked for again after `ask_again_after`.

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
        ended: Collection[str] = (),
        ask_again_after: timedelta = ASK_AGAIN_AFTER,
    ) -> None:
        self._account = account
        self._orders = orders
        self._release = OrderRelease(account=account, orders=orders, risk=risk, journal=journal)
        self._journal = journal
        self._policy = policy
        self._working_desk = working_desk
        self._tells_others_apart = origins is not None
        held = account.portfolio.holdings
        self._origins = {symbol: signal_id for symbol, signal_id in (origins or {}).items() if symbol in held}
        self._ended = set(ended)
        self._ask_again_after = ask_again_after
        self._exits: dict[str, _Exit] = {}
        self._asked: dict[str, datetime] = {}
        self._refused: dict[str, datetime] = {}
        self._told: dict[tuple[str, str], datetime] = {}
        self._outcome = Outcome()

    def take_outcome(self) -> Outcome:
        """What was done since the last call."""
        told, self._outcome = self._outcome, Outcome()
        return told

    def note_fills(self, fills: Iterable[Execution]) -> None:
        """Remember which signal opened what is held, once the account has booked the fills."""
        for fill in fills:
            if fill.side is OrderSide.BUY and (signal_id := self._signal_behind(fill)) is not None:
                self._origins[fill.symbol] = signal_id
            if not self._account.portfolio.quantity(fill.symbol):
                self._origins.pop(fill.symbol, None)

    def note_action(self, action: CorporateAction) -> None:
        """What has ended is left alone; what it has become is ours as well, on the signal that opened it."""
        symbol, new_symbol = action.symbol, action.new_symbol
        if new_symbol and symbol in self._origins and self._account.portfolio.quantity(new_symbol):
            self._origins.setdefault(new_symbol, self._origins[symbol])
        if action.kind in ENDINGS:
            self._ended.add(symbol)
            self._exits.pop(symbol, None)
            if held := self._account.portfolio.quantity(symbol):
                found = f"{action.kind} on {action.ex_date}: {held:f} shares stay at their last price, no order is sent"
                self._outcome.problems.append(Problem(symbol, expected="a symbol that is traded", found=found))

    def _signal_behind(self, fill: Execution) -> str | None:
        """The signal of the order that a fill is of; None where the order is not ours."""
        try:
            return self._orders.status(fill.order_id).order.signal_id if fill.order_id else None
        except LedgerError:
            return None

    async def consider(self, intents: Iterable[tuple[OrderIntent, Turn]]) -> None:
        """Have risk decide on the intents of a turn, and send together what it lets out.

        A sale waits for the stop of its symbol.
        """
        async with self._together():
            for intent, turn in intents:
                await self._consider(intent, turn)

    @asynccontextmanager
    async def _together(self) -> AsyncIterator[None]:
        """Send at the end what risk lets out meanwhile; nothing of it where something fails before that."""
        try:
            yield
            await self._send_waiting()
        finally:
            self._release.drop()

    async def _consider(self, intent: OrderIntent, turn: Turn) -> None:
        symbol = intent.symbol
        if self._release.has(symbol):
            # What follows looks at the orders of the symbol as the record has them.
            await self._send_waiting()
        if symbol in self._ended:
            self._tell(turn, symbol, f"a symbol that is traded, to {intent.side} it", "one that has ended")
        elif intent.side is not OrderSide.SELL:
            await self._buy(intent, turn)
        elif self._is_foreign(symbol):
            self._tell(turn, symbol, "a position that a signal of ours opened", "one of somebody else: left alone")
        else:
            await self._sell(intent, turn)

    async def _buy(self, intent: OrderIntent, turn: Turn) -> None:
        """Add to a position, but not while it is on its way out, nor to one that the record does not explain."""
        symbol, unexplained = intent.symbol, self._orders.doubts.unexplained.get(intent.symbol)
        if unexplained:
            found = f"{abs(unexplained):f} {'more' if unexplained > 0 else 'fewer'} at the broker: nothing is bought"
            self._tell(turn, symbol, "the shares of the record", found)
        elif symbol not in self._exits:
            await self._send(intent, turn)

    def _is_foreign(self, symbol: str) -> bool:
        is_held = self._account.portfolio.quantity(symbol) > 0
        return self._tells_others_apart and is_held and symbol not in self._origins

    async def _sell(self, intent: OrderIntent, turn: Turn) -> None:
        """Take back what would buy, which the intent counts as bought, then sell what is held."""
        purchases = of_symbol(opening(self._orders.working()), intent.symbol)
        for state in purchases:
            await self._take_back(state, "the position is to be sold", turn)
        quantity = intent.quantity - sum((state.remaining_quantity for state in purchases), _NOTHING)
        if quantity > 0:
            await self._exit(replace(intent, quantity=quantity), turn)

    async def _exit(self, intent: OrderIntent, turn: Turn, *, is_worked: bool = True) -> None:
        stops = self._stops(intent.symbol)
        if not stops:
            await self._sell_held(intent, turn, is_worked=is_worked)
        elif intent.symbol not in self._exits:
            # Without a record there would be no sale after the stop's end, and nothing to guard the position.
            await self._journal.flushed()
            self._exits[intent.symbol] = _Exit(intent, is_worked)
            for stop in stops:
                await self.withdraw(stop.order.order_id, "the position is to be sold", turn)

    async def _sell_held(self, intent: OrderIntent, turn: Turn, *, is_worked: bool = True) -> None:
        states = (*self._orders.working(), *self._orders.doubts.may_sell_yet)
        sellable = self._account.sellable(intent.symbol, states) - self._missing(intent.symbol)
        quantity = min(intent.quantity, sellable)
        if quantity > 0:
            await self._send(replace(intent, quantity=quantity), turn, is_worked=is_worked)

    def _missing(self, symbol: str) -> Decimal:
        """The shares that the record has and the broker has not: whatever became of them, they cannot be sold."""
        return max(-self._orders.doubts.unexplained.get(symbol, _NOTHING), _NOTHING)

    async def look_after(self, turn: Turn) -> None:
        """Go on with what waits for the broker: sales whose stop is over, stops that follow what is held."""
        if not self._orders.is_ready:
            for symbol in self._exits:
                self._tell(turn, symbol, "to sell once the stop is over", "the broker is out of reach: not queued")
            self._exits.clear()
            return
        async with self._together():
            await self._go_on_with_exits(turn)
        if self._policy.stop_loss is not None:
            async with self._together():
                await self._guard(turn)

    async def _go_on_with_exits(self, turn: Turn) -> None:
        for symbol, leaving in list(self._exits.items()):
            for stop in self._stops(symbol):
                await self.withdraw(stop.order.order_id, "the position is to be sold", turn)
            if not self._stops(symbol) and not of_symbol(self._orders.doubts.may_sell_yet, symbol):
                del self._exits[symbol]
                intent = replace(leaving.intent, intended_at=turn.at, session_date=turn.session_date)
                await self._sell_held(intent, turn, is_worked=leaving.is_worked)

    async def withdraw(self, order_id: str, reason: str, turn: Turn) -> None:
        """Ask the broker to end an order; once, and again where the end is overdue."""
        asked_at = self._asked.get(order_id)
        if asked_at is None or turn.at - asked_at >= self._ask_again_after:
            self._asked[order_id] = turn.at
            await self._orders.cancel(order_id, reason)

    async def cancel_opening_orders(self, reason: str, turn: Turn) -> None:
        """Take back what would open positions."""
        for state in opening(self._orders.working()):
            await self._take_back(state, reason, turn)

    async def stand_aside(self, reason: str, turn: Turn) -> None:
        """Let nothing more out by itself: whoever obeys the kill switch cancels what works, and closes positions.

        What an algorithm works is known to nobody else, so it is ended here.
        """
        self._exits.clear()
        for state in self._orders.working():
            if state.is_parent:
                await self._take_back(state, reason, turn)

    async def _take_back(self, state: OrderState, reason: str, turn: Turn) -> None:
        if state.is_parent and self._working_desk is not None:
            await self._working_desk.cancel(state.order.order_id)
        await self.withdraw(state.order.order_id, reason, turn)

    async def close_all(self, turn: Turn) -> None:
        """Sell every position that a signal of ours opened and no order closes yet."""
        selling = [state for state in self._orders.working() if closes(state)]
        for state in selling:
            if state.is_parent:
                # The end of the day does not wait for an algorithm.
                await self._take_back(state, "the session closes soon", turn)
        self._exits = {symbol: replace(leaving, is_worked=False) for symbol, leaving in self._exits.items()}
        async with self._together():
            await self._close_others(turn, than={state.order.symbol for state in selling})

    async def _close_others(self, turn: Turn, *, than: Collection[str]) -> None:
        for symbol, holding in sorted(self._account.portfolio.holdings.items()):
            if holding.quantity <= 0 or symbol in than or symbol in self._exits:
                continue
            if symbol not in self._origins:
                self._tell(turn, symbol, "a position that a signal of ours opened", "one of somebody else: left alone")
            elif self._may_try(symbol, turn):
                await self._exit(self._closing(symbol, holding.quantity, turn), turn, is_worked=False)

    def _may_try(self, symbol: str, turn: Turn) -> bool:
        """Whether the desk may send something by itself: what was refused a moment ago would be so again."""
        refused_at = self._refused.get(symbol)
        is_late = refused_at is None or turn.at - refused_at >= _TRY_AGAIN_AFTER
        return is_late and self._orders.is_ready and symbol not in self._ended

    def _closing(self, symbol: str, quantity: Decimal, turn: Turn) -> OrderIntent:
        return OrderIntent(
            account_id=self._account.account_id,
            symbol=symbol,
            side=OrderSide.SELL,
            quantity=quantity,
            order_type=OrderType.MARKET,
            reference_price=self._account.price(symbol),
            signal_id=self._origins[symbol],
            intended_at=turn.at,
            session_date=turn.session_date,
        )

    async def _guard(self, turn: Turn) -> None:
        """Have one stop for each holding, as large as it; none where nothing is held any more."""
        busy = {state.order.symbol for state in self._orders.working() if closes(state)} | set(self._exits)
        busy |= {state.order.symbol for state in self._orders.doubts.may_sell_yet}
        for symbol, holding in sorted(self._account.portfolio.holdings.items()):
            quantity = holding.quantity - self._missing(symbol)
            if quantity > 0 and symbol in self._origins and symbol not in busy and self._may_try(symbol, turn):
                await self._guard_holding(symbol, quantity, holding.average_cost, turn)
        for state in filter(guards, self._orders.working()):
            if self._account.portfolio.quantity(state.order.symbol) <= self._missing(state.order.symbol):
                await self.withdraw(state.order.order_id, "nothing is held any more", turn)

    async def _guard_holding(self, symbol: str, quantity: Decimal, cost: Decimal, turn: Turn) -> None:
        stops = self._stops(symbol)
        if not stops and symbol in self._orders.doubts.unexplained:
            # What happened to the position may have happened to its price, and the stop would sell at once.
            self._tell(turn, symbol, "the shares of the record at the broker", "others: no new stop is set")
        elif not stops:
            loss = self._policy.stop_loss or _NOTHING
            stop_price = (cost * (1 - loss)).quantize(CENT, rounding=ROUND_HALF_UP)
            closing = self._closing(symbol, quantity, turn)
            await self._send(
                replace(
                    closing, order_type=OrderType.STOP, stop_price=stop_price, time_in_force=self._stop_time_in_force
                ),
                turn,
            )
        elif len(stops) == 1 and stops[0].remaining_quantity != quantity and self._can_change(stops[0]):
            await self._resize(stops[0], stops[0].filled_quantity + quantity, turn)

    def _can_change(self, stop: OrderState) -> bool:
        return stop.status not in _UNSETTLED and stop.order.order_id not in self._asked

    async def _resize(self, stop: OrderState, quantity: Decimal, turn: Turn) -> None:
        symbol = stop.order.symbol
        try:
            await self._orders.modify(stop.order.order_id, OrderModification(quantity=quantity))
        except (BrokerUnavailableError, OrderError) as error:
            self._refused[symbol] = turn.at
            self._tell(turn, symbol, f"a stop for {quantity} shares", str(error))

    @property
    def _stop_time_in_force(self) -> TimeInForce:
        return TimeInForce.GTC if self._policy.flatten_before is None else TimeInForce.DAY

    def _stops(self, symbol: str) -> list[OrderState]:
        return of_symbol(filter(guards, self._orders.working()), symbol)

    async def _send(self, intent: OrderIntent, turn: Turn, *, is_worked: bool = True) -> None:
        if not self._orders.is_ready:
            # Risk would count an order that cannot leave.
            expected = f"to send {intent.side} {intent.quantity}"
            self._tell(turn, intent.symbol, expected, "the broker is out of reach: not queued")
            return
        decision = self._release.decide(intent, turn.moment)
        self._outcome.decisions.append(decision)
        if not decision.is_approved:
            self._refused[intent.symbol] = turn.at
            return
        order = order_of(intent, decision)
        if self._working_desk is None or not is_worked or not self._working_desk.takes(order):
            self._release.add(order, intent, decision)
            return
        self._journal.record_risk_decision(decision)
        await self._journal.flushed()
        try:
            await self._working_desk.start(order)
        except (BrokerUnavailableError, OrderError) as error:
            self._note_unsent(intent, error)

    async def _send_waiting(self) -> None:
        for unsent in await self._release.send():
            self._note_unsent(unsent.intent, unsent.error)

    def _note_unsent(self, intent: OrderIntent, error: TickledgerError) -> None:
        self._refused[intent.symbol] = intent.intended_at
        turn = Turn(intent.intended_at, intent.session_date)
        self._tell(turn, intent.symbol, f"to send {intent.side} {intent.quantity}", str(error))

    def _tell(self, turn: Turn, symbol: str, expected: str, found: str) -> None:
        """Tell a problem; what stays as it is, once a minute."""
        told_at = self._told.get((symbol, found))
        if told_at is None or turn.at - told_at >= _TRY_AGAIN_AFTER:
            self._told[symbol, found] = turn.at
            where = f"{self._account.account_id} {symbol}"
            self._outcome.problems.append(Problem(where=where, expected=expected, found=found))
