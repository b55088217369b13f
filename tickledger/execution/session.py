"""The trading session: the one loop that replay, paper and live share.

    opening    corporate actions change holdings and working orders
    bars       complete at an instant: what is held is marked, strategies are asked, and what they want goes to the desk
    beats      the broker is heard, algorithms and stops are looked after, the end of the day comes nearer
    close      holdings are marked, positions and balance recorded; strategies that decide by the day are asked

Before each event is dealt with and after it, what the broker has told is booked. What is decided bears the event's
instant, and rests on what was booked by then, so the same events and reports lead to the same rows wherever they are
played. What the session knows of its account comes from the order manager and the market's events; which broker and
which market, it cannot tell.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from tickledger.bars.calendars import session_close
from tickledger.domain.bar import Bar, Quote
from tickledger.domain.corporate_action import CorporateAction, in_order
from tickledger.domain.errors import BrokerUnavailableError, ConfigurationError, OrderError, Problem
from tickledger.domain.execution import CashTransaction, Execution
from tickledger.domain.market import (
    BarsClosed,
    ControlsChanged,
    MarketEvent,
    QuotesChanged,
    SessionClosed,
    SessionOpening,
)
from tickledger.domain.order import OrderStatus, RiskDecision
from tickledger.domain.ports import Journal, MarketData, Predictor
from tickledger.domain.position import Balance
from tickledger.domain.signal import OrderIntent, Signal
from tickledger.exchange.corporate_actions import leaves_alone, order_after
from tickledger.execution.account_book import AccountBook, guards
from tickledger.execution.order_manager import OrderManager
from tickledger.execution.order_state import OrderState
from tickledger.execution.portfolio import Portfolio
from tickledger.execution.session_desk import SessionDesk, Turn
from tickledger.execution.session_policy import SessionPolicy
from tickledger.execution.working_desk import WorkingDesk
from tickledger.risk.question import Moment
from tickledger.strategies.sizing import SizingPolicy, intents_of

_NOTHING: Final = Decimal(0)
#: The age of a quote that is older still, or that there never was.
OLDEST_QUOTE: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class TurnNews:
    """What one event led to, for those who look on: the record has it all, or will have in a moment."""

    event: MarketEvent
    signals: tuple[Signal, ...] = ()
    decisions: tuple[RiskDecision, ...] = ()
    orders: tuple[OrderState, ...] = ()
    fills: tuple[Execution, ...] = ()
    problems: tuple[Problem, ...] = ()
    balance: Balance | None = None


#: Somebody who looks on; must not block and must not raise.
Onlooker = Callable[[TurnNews], None]


@dataclass(slots=True)
class _News:
    """What the event at hand has led to so far."""

    signals: list[Signal] = field(default_factory=list)
    fills: list[Execution] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    balance: Balance | None = None


@dataclass(slots=True)
class _Controls:
    """What the session may do."""

    is_paused: bool = False
    reason: str = ""
    is_stopping: bool = False
    is_killed: bool = False


class TradingSession:
    """One account traded by one predictor, over as many sessions as the market data has.

    `orders` need not be started; `previous_close` is when the last session that is in the record closed. `run` ends
    with the market data, or in good order when it is told to stop. It raises InputError for a corporate action it
    cannot apply to a holding, FencedError where another process trades the account, LedgerError where the record
    refuses a row, and ConfigurationError where it fails for longer than `patience`, or at the opening or the close.
    """

    def __init__(
        self,
        *,
        market_data: MarketData,
        account: AccountBook,
        orders: OrderManager,
        desk: SessionDesk,
        predictor: Predictor,
        journal: Journal,
        sizing: SizingPolicy,
        policy: SessionPolicy | None = None,
        working_desk: WorkingDesk | None = None,
        previous_close: datetime | None = None,
        patience: timedelta = timedelta(0),
        onlookers: Sequence[Onlooker] = (),
    ) -> None:
        self._market_data = market_data
        self._account = account
        self._orders = orders
        self._desk = desk
        self._predictor = predictor
        self._journal = journal
        self._sizing = sizing
        self._policy = policy or SessionPolicy()
        self._working_desk = working_desk
        self._closed_at = previous_close
        self._patience = patience
        self._failed_at: datetime | None = None
        self._onlookers = onlookers
        self._controls = _Controls()
        self._quotes: dict[str, Quote] = {}
        self._earlier_fills: list[Execution] | None = []
        self._news = _News()

    @property
    def portfolio(self) -> Portfolio:
        """The account as the session knows it."""
        return self._account.portfolio

    async def run(self) -> None:
        """Reconcile with the broker, then work through the market's events until there are no more."""
        await self.start()
        async for event in self._market_data.events():
            await self._try(event)
            if self._controls.is_stopping:
                return

    async def _try(self, event: MarketEvent) -> None:
        """Deal with an event; where the record is away for a moment, the next one starts from what it has.

        What was to be decided of the event is lost: nothing is queued for later.
        """
        try:
            await self.step(event)
        except ConfigurationError as error:
            if self._working_desk is not None:
                self._working_desk.start_over()
            self._failed_at = self._failed_at or event.occurred_at
            is_whole = isinstance(event, SessionOpening | SessionClosed)
            if is_whole or event.occurred_at - self._failed_at >= self._patience:
                raise
            self._news.problems.append(Problem("the record", expected="an answer", found=str(error)))
        else:
            self._failed_at = None

    async def step(self, event: MarketEvent) -> None:
        """Deal with one event."""
        if isinstance(event, ControlsChanged):
            # Nothing more is let out after it, by what was at work before it either.
            self._controls = _Controls(event.is_paused, event.reason, event.is_stopping, event.is_killed)
        turn = self._turn(event)
        await self._take_reports(turn)
        match event:
            case SessionOpening():
                await self._open(event, turn)
            case BarsClosed():
                self._account.mark(event.bars)
                if self._working_desk is not None:
                    self._working_desk.see(event.bars)
                await self._decide(event, event.bars, turn)
            case QuotesChanged():
                self._quotes.update((quote.symbol, quote) for quote in event.quotes)
                await self._decide(event, (), turn)
            case ControlsChanged():
                await self._obey(event, turn)
            case SessionClosed():
                await self._close(event, turn)
            case _:
                await self._approach_close(turn)
        await self._take_reports(turn)
        self._tell(event)

    async def start(self) -> None:
        """What the broker and the record have is brought together before anything is decided.

        Fills are booked with the opening, once today's corporate actions have changed what was held before them.
        """
        try:
            found = await self._orders.start()
        except BrokerUnavailableError as error:
            # Every order that may work is UNKNOWN then, nothing is placed, and the broker is asked again and again.
            self._news.problems.append(Problem(where="start", expected="all the broker has", found=str(error)))
        else:
            self._news.fills += found.missing_fills
        self._account.settle(self._orders.take_settled())
        self._earlier_fills = self._orders.take_fills()
        # What an earlier process has left is no news.
        self._orders.take_changes()

    def _turn(self, event: MarketEvent) -> Turn:
        return Turn(event.occurred_at, event.session_date, tuple(self._moment(event)))

    def _moment(self, event: MarketEvent) -> list[Moment]:
        """What keeps the session from opening anything now."""
        moments = []
        if self._controls.is_paused or self._controls.is_stopping:
            moments.append(
                Moment("session_paused", _NOTHING, Decimal(1), f"the session is paused: {self._controls.reason}")
            )
        if self._policy.last_opening > timedelta(0):
            left = session_close(event.session_date) - event.occurred_at
            limit = _minutes(self._policy.last_opening)
            if _minutes(left) <= limit:
                refusal = f"the session closes in {_minutes(left)} minutes"
                moments.append(Moment("closing_soon", _NOTHING, Decimal(1), refusal))
        return moments

    async def _take_reports(self, turn: Turn) -> None:
        for report in await self._orders.take_reports():
            if isinstance(report, CashTransaction):
                self._journal.record_cash_transaction(report)
                self._account.take_cash(report)
        self._hear_orders()
        is_open = self._earlier_fills is None and turn.at < session_close(turn.session_date)
        if is_open and not self._controls.is_killed:
            await self._desk.look_after(turn)
        if self._controls.is_killed:
            await self._desk.stand_aside(self._controls.reason, turn)
        if self._working_desk is not None:
            self._news.problems += await self._working_desk.take_turn(self._quotes)

    def _hear_orders(self) -> None:
        """Book what the order manager has heard, but before the day has begun."""
        if self._earlier_fills is None:
            self._news.fills += self._book(self._orders.take_fills())
        problems, self._orders.problems = self._orders.problems, []
        self._news.problems += problems

    def _book(self, fills: Sequence[Execution]) -> list[Execution]:
        self._account.settle(self._orders.take_settled())
        taken = self._account.take_fills(fills)
        self._desk.note_fills(taken)
        return taken

    async def _open(self, event: SessionOpening, turn: Turn) -> None:
        self._account.begin_day()
        actions = in_order(event.corporate_actions)
        for action in actions:
            self._book_earlier(until=action.ex_date)
            self._account.apply_corporate_action(action)
            self._desk.note_action(action)
        self._book_earlier()
        self._earlier_fills = None
        for action in actions:
            await self._adjust_orders(action, turn)
        self._account.remember(event.bars)
        await self._decide(event, event.bars, turn)

    def _book_earlier(self, *, until: date | None = None) -> None:
        """Book what was known at the start: of the days before `until` in the terms that shares had then."""
        waiting = self._earlier_fills or []
        self._earlier_fills = [fill for fill in waiting if until is not None and fill.trade_date >= until]
        self._book([fill for fill in waiting if until is None or fill.trade_date < until])

    async def _adjust_orders(self, action: CorporateAction, turn: Turn) -> None:
        """Cancel the orders that the action made meaningless; put others in the place of those that are over.

        Those are the orders of earlier days. A broker may have cancelled them by itself in the night. Where stops
        guard positions, the desk sets them anew.
        """
        lapsed = self._orders.lapsed(action.symbol, self._closed_at) if self._closed_at is not None else []
        working = [state for state in self._orders.working() if state.order.symbol == action.symbol]
        earlier = [state for state in (*lapsed, *working) if state.order.session_date < turn.session_date]
        meaningless = [state.order.order_id for state in earlier if not leaves_alone(action, state.order)]
        for state in working:
            if state.order.order_id in meaningless:
                await self._desk.withdraw(state.order.order_id, f"{action.kind} of {action.symbol}", turn)
        await self._orders.take_reports()
        self._hear_orders()
        for state in map(self._orders.status, meaningless):
            if state.status is OrderStatus.CANCELLED and not self._is_replaced(state):
                await self._replace(state, action, turn)

    def _is_replaced(self, state: OrderState) -> bool:
        """Whether another order has its place: of an earlier process's, or a stop, which the desk sets."""
        is_guard = self._policy.stop_loss is not None and guards(state)
        return is_guard or bool(self._orders.children(state.order.order_id))

    async def _replace(self, state: OrderState, action: CorporateAction, turn: Turn) -> None:
        remaining = state.remaining_quantity
        replacement = order_after(
            state.order, remaining=remaining, action=action, submitted_at=turn.at, session_date=turn.session_date
        )
        if replacement is None:
            return
        try:
            await self._orders.place(replacement)
        except (BrokerUnavailableError, OrderError) as error:
            where, expected = f"order {state.order.order_id}", f"another in its place after the {action.kind}"
            self._news.problems.append(Problem(where, expected=expected, found=str(error)))

    async def _obey(self, event: ControlsChanged, turn: Turn) -> None:
        if event.is_stopping:
            await self._desk.cancel_opening_orders(event.reason, turn)

    async def _approach_close(self, turn: Turn) -> None:
        """Close what was opened where the day ends flat and its end is near."""
        flatten_before, closes_at = self._policy.flatten_before, session_close(turn.session_date)
        if flatten_before is None or self._earlier_fills is not None or self._controls.is_killed:
            return
        if closes_at - flatten_before <= turn.at < closes_at:
            await self._desk.cancel_opening_orders("the session closes soon", turn)
            await self._desk.close_all(turn)

    async def _close(self, event: SessionClosed, turn: Turn) -> None:
        self._account.mark(event.bars)
        self._record_close(event)
        # Whatever is heard from here on comes after the close, in the record too.
        await self._journal.flushed()
        self._orders.forget_finished()
        await self._decide(event, event.bars, turn)
        self._account.end_day(self._account.equity())
        self._closed_at = event.occurred_at

    def _record_close(self, event: SessionClosed) -> None:
        """Record the close. Raises LedgerError where the day's bars are known and have no price of a holding.

        During the day nobody has all of them: then the close is left out, and the next session goes on from the last.
        It is left out too where the broker could not be heard: what it has filled would be in no record's day.
        """
        session_date = event.session_date
        if not self._orders.is_ready:
            found = "the broker has not told everything: the close is not recorded"
            self._news.problems.append(Problem("the close", expected="all fills of the day", found=found))
            return
        unvalued = self._account.unvalued()
        if unvalued and not event.bars:
            found = f"no bar of {', '.join(unvalued)}: bring its bars into the record; the close is not recorded"
            self._news.problems.append(Problem("the close", expected="a price of everything held", found=found))
            return
        for position in self.portfolio.positions(session_date):
            self._journal.record_position(position)
        self._news.balance = self.portfolio.balance(session_date)
        self._journal.record_balance(self._news.balance)

    async def _decide(self, event: MarketEvent, bars: Sequence[Bar], turn: Turn) -> None:
        """Ask the strategies, and take what they want to the desk."""
        signals = self._predictor.signals(event)
        if not signals:
            return
        self._news.signals += signals
        if self._controls.is_killed:
            return
        prices = {bar.symbol: bar.close for bar in bars} or self._account.reference_prices()
        if isinstance(event, QuotesChanged):
            prices |= {quote.symbol: (quote.bid + quote.ask) / 2 for quote in event.quotes if quote.bid and quote.ask}
        book = self._account.sizing_book(self._orders.working(), prices)
        day = event.session_date
        intents = intents_of(signals, book, policy=self._sizing, intended_at=event.occurred_at, session_date=day)
        await self._desk.consider((intent, self._with_quote(turn, intent)) for intent in intents)

    def _with_quote(self, turn: Turn, intent: OrderIntent) -> Turn:
        """The turn with the age of the quote that an order would trade with, where that counts."""
        if self._policy.quote_limit is None:
            return turn
        limit, quote = _seconds(self._policy.quote_limit), self._quotes.get(intent.symbol)
        age = _seconds(OLDEST_QUOTE if quote is None else min(turn.at - quote.quoted_at, OLDEST_QUOTE))
        told = "there is no quote" if quote is None else f"the last quote is {age} s old"
        moment = Moment("quote_age_seconds", limit, age, f"{intent.symbol}: {told}")
        return Turn(turn.at, turn.session_date, (*turn.moment, moment))

    def _tell(self, event: MarketEvent) -> None:
        outcome, changes = self._desk.take_outcome(), tuple(self._orders.take_changes())
        told, self._news = self._news, _News()
        signals, problems = tuple(told.signals), (*told.problems, *outcome.problems)
        news = TurnNews(event, signals, tuple(outcome.decisions), changes, tuple(told.fills), problems, told.balance)
        for onlooker in self._onlookers:
            onlooker(news)


def _minutes(span: timedelta) -> Decimal:
    return (Decimal(span // timedelta(seconds=1)) / 60).quantize(Decimal("0.1"))


def _seconds(span: timedelta) -> Decimal:
    return max(Decimal(span // timedelta(milliseconds=1)) / 1000, _NOTHING)
