"""A trading session at the venue of `remote_venue`: events are told by hand, and what is sent arrives when a test says.

Prices are what bars say; the venue fills what a test fills. So every race between a fill, a cancellation and a
decision can be played in the order in which it is wanted.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from tests.trading import ACCOUNT, limits
from tests.unit.execution.remote_venue import OPENING, START, Line, MemoryJournal, Venue, VenueOrder
from tickledger.bars.calendars import session_close
from tickledger.domain.bar import Bar, BarKey, Quote
from tickledger.domain.broker import BrokerSnapshot
from tickledger.domain.corporate_action import CorporateAction
from tickledger.domain.errors import ConfigurationError, Problem
from tickledger.domain.execution import CashTransaction, Execution
from tickledger.domain.market import (
    BarsClosed,
    Beat,
    ControlsChanged,
    MarketEvent,
    QuotesChanged,
    SessionClosed,
    SessionOpening,
)
from tickledger.domain.order import Order, OrderSide, OrderType, RiskDecision
from tickledger.domain.ports import Predictor
from tickledger.domain.position import Balance, Holding, Mark, PortfolioState, Position
from tickledger.domain.signal import Signal, SignalType
from tickledger.exchange.fees import schedule
from tickledger.exchange.fill_models import FillModel
from tickledger.execution.account_book import AccountBook
from tickledger.execution.algos.twap import Twap
from tickledger.execution.clock import ReplayClock
from tickledger.execution.order_manager import OrderManager
from tickledger.execution.order_state import OrderState
from tickledger.execution.replay import cost_estimate
from tickledger.execution.session import TradingSession, TurnNews
from tickledger.execution.session_desk import SessionDesk
from tickledger.execution.session_policy import SessionPolicy
from tickledger.execution.working_desk import WorkingDesk
from tickledger.risk.pre_trade import PreTradeRisk
from tickledger.strategies.sizing import SizingPolicy

DAY: Final = START.date()
YESTERDAY: Final = date(2012, 1, 3)
CLOSES_AT: Final = session_close(DAY)
#: 50 X at 10.00, of which yesterday's close was 10.00 too.
HELD: Final = Holding(Decimal(50), Decimal(10))
GUARDED: Final = SessionPolicy(stop_loss=Decimal("0.05"))
FLAT_BY_NIGHT: Final = SessionPolicy(stop_loss=Decimal("0.05"), flatten_before=timedelta(minutes=10))


class SessionMemory(MemoryJournal):
    """Both journals of a session, in memory; they outlive every process."""

    def __init__(self) -> None:
        super().__init__()
        self.decisions: list[RiskDecision] = []
        self.positions: list[Position] = []
        self.balances: list[Balance] = []
        self.is_away = False

    async def flushed(self) -> None:
        """What is in memory is there, unless a test has taken the database away."""
        if self.is_away:
            raise ConfigurationError("the database does not answer")

    def record_risk_decision(self, decision: RiskDecision) -> None:
        self.decisions.append(decision)

    def record_cash_transaction(self, transaction: CashTransaction) -> None:
        raise AssertionError(transaction)

    def record_position(self, position: Position) -> None:
        self.positions.append(position)

    def record_balance(self, balance: Balance) -> None:
        self.balances.append(balance)


class Said:
    """The Predictor port: what a test has said, at the next event."""

    def __init__(self) -> None:
        self.next: list[Signal] = []

    def signals(self, event: MarketEvent) -> Sequence[Signal]:
        if isinstance(event, Beat):
            return []
        told, self.next = self.next, []
        return told


class SessionFloor:
    """One session and its venue; `restart` puts another process in the place of the one that is."""

    def __init__(
        self,
        policy: SessionPolicy | None = None,
        *,
        origins: Mapping[str, str] | None = None,
        at: datetime = START,
        is_opened: bool = True,
        weight: str = "0.01",
        actions: tuple[CorporateAction, ...] = (),
        predictor: Predictor | None = None,
        **risk_limits: str,
    ) -> None:
        self.policy = policy or SessionPolicy()
        self.origins = {"X": "sig_before"} if origins is None else origins
        self.clock = ReplayClock(at)
        self.venue = Venue(self.clock)
        self.journal = SessionMemory()
        self.sizing = SizingPolicy(target_weight=Decimal(weight), minimum_notional=Decimal(0))
        self.risk_limits = limits(**risk_limits)
        self.actions = actions
        self.predictor = predictor
        self.news: list[TurnNews] = []
        self.line = OrderedLine(self.venue, [])
        self.restart(is_opened=is_opened)

    def restart(self, *, is_opened: bool = True) -> None:
        """A new process: it knows what the journal and the venue know, and what the day before has left."""
        self.venue.outbound.clear()
        self.line = OrderedLine(self.venue, self.line.sent)
        mark = Mark(Decimal(10), bar("X", self.clock.now(), "10").bar_id)
        self.opening = opening = PortfolioState(
            cash=OPENING.cash or Decimal(0),
            holdings={"X": HELD},
            opened_dates={"X": YESTERDAY},
            marks={"X": mark},
            previous_equity=Decimal(100_500),
        )
        self.account = AccountBook(ACCOUNT.account_id, opening)
        self.orders = OrderManager(self.line, self.journal, self.clock, ACCOUNT.account_id)
        self.risk = PreTradeRisk(self.risk_limits, cost_estimate(schedule("none"), FillModel(Decimal(0))))
        self.said = Said()
        working_desk = None
        if self.policy.working_time is not None:
            working_desk = WorkingDesk(
                self.orders, self.clock, algorithm_of=lambda _: Twap(slices=5), window=self.policy.working_time
            )
        self.desk = SessionDesk(
            account=self.account,
            orders=self.orders,
            risk=self.risk,
            journal=self.journal,
            policy=self.policy,
            origins=self.origins,
            working_desk=working_desk,
        )
        self.session = TradingSession(
            market_data=Nothing(),
            account=self.account,
            orders=self.orders,
            desk=self.desk,
            predictor=self.predictor or self.said,
            journal=self.journal,
            sizing=self.sizing,
            policy=self.policy,
            working_desk=working_desk,
            previous_close=session_close(YESTERDAY),
            onlookers=(self.news.append,),
        )
        asyncio.run(self.session.start())
        if is_opened:
            self.open()

    def step(self, event: MarketEvent) -> TurnNews:
        asyncio.run(self.session.step(event))
        return self.news[-1]

    def open(self) -> TurnNews:
        return self.step(SessionOpening(DAY, self.clock.now(), self.actions))

    def beat(self, after: float = 1) -> TurnNews:
        """Time passes."""
        self.clock.advance(self.clock.now() + timedelta(seconds=after))
        return self.step(Beat(DAY, self.clock.now()))

    def beat_at(self, instant: datetime) -> TurnNews:
        self.clock.advance(instant)
        return self.step(Beat(DAY, instant))

    def bars(self, *said: str, after: float = 60, **closes: str) -> TurnNews:
        """A minute is over: its closes, and what the strategy says of them, as ``"SELL X"``."""
        self.clock.advance(self.clock.now() + timedelta(seconds=after))
        now = self.clock.now()
        self.said.next = [opinion(text, now) for text in said]
        told = tuple(bar(symbol, now, close) for symbol, close in (closes or {"X": "10"}).items())
        return self.step(BarsClosed(DAY, now, "1min", told))

    def quote(self, symbol: str, price: str, *, age: float = 0) -> TurnNews:
        now = self.clock.now()
        told = Quote(symbol, now - timedelta(seconds=age), Decimal(price), Decimal(price) + Decimal("0.01"), 100, 100)
        return self.step(QuotesChanged(DAY, now, (told,)))

    def pause(self, *, is_paused: bool = True, is_stopping: bool = False) -> TurnNews:
        return self.step(ControlsChanged(DAY, self.clock.now(), is_paused, "the operator's wish", is_stopping))

    def close(self) -> TurnNews:
        self.clock.advance(max(CLOSES_AT, self.clock.now()))
        return self.step(SessionClosed(DAY, CLOSES_AT))

    def deliver(self) -> None:
        """Everything that was sent arrives, and is answered."""
        while self.venue.inbound:
            self.venue.deliver()

    def settle(self) -> None:
        """Beats until nothing is on its way any more."""
        for _ in range(6):
            self.deliver()
            self.beat()

    def at_venue(self, text: str) -> VenueOrder:
        """The working order at the venue that reads like this, such as ``"SELL 50 X STOP"``."""
        found = [order for order in self.venue.orders if order.status == "working" and spelled(order.terms) == text]
        assert len(found) == 1, (text, self.at_work())
        return found[0]

    def at_work(self) -> list[str]:
        """What works at the venue."""
        return sorted(spelled(order.terms) for order in self.venue.orders if order.status == "working")

    def ours(self) -> list[OrderState]:
        return self.orders.working()

    def held(self, symbol: str = "X") -> Decimal:
        return self.account.portfolio.quantity(symbol)

    def problems(self) -> list[Problem]:
        return [problem for news in self.news for problem in news.problems]

    def decisions(self) -> list[RiskDecision]:
        return [decision for news in self.news for decision in news.decisions]

    def fills(self) -> list[Execution]:
        return [fill for news in self.news for fill in news.fills]

    def most_on_sale(self, symbol: str = "X") -> Decimal:
        """The shares that everything at the venue, or on its way there, may sell yet."""
        at_venue = [order for order in self.venue.orders if order.status == "working"]
        left = {order.reference: order.terms.quantity - order.filled for order in at_venue}
        selling = {order.reference for order in at_venue if _sells(order.terms, symbol)}
        for kind, order, modification in self.venue.inbound:
            if kind == "place" and _sells(order, symbol):
                left[order.order_id] = order.quantity
                selling.add(order.order_id)
            if kind == "modify" and order.order_id in left and modification is not None and modification.quantity:
                filled = next(one.filled for one in at_venue if one.reference == order.order_id)
                left[order.order_id] = max(left[order.order_id], modification.quantity - filled)
        return sum((left[reference] for reference in selling), Decimal(0))


class OrderedLine(Line):
    """A line on which nothing overtakes: before the broker tells all it has, it has heard what was sent before."""

    async def snapshot(self) -> BrokerSnapshot:
        while self._venue.inbound and self._venue.is_connected:
            self._venue.deliver()
        return await super().snapshot()


class Nothing:
    """A market without events of its own: they are told by hand."""

    async def events(self) -> AsyncIterator[MarketEvent]:
        """Nothing happens."""
        told: tuple[MarketEvent, ...] = ()
        for event in told:
            yield event


def _sells(order: Order, symbol: str) -> bool:
    return order.symbol == symbol and order.side is OrderSide.SELL


def spelled(order: Order) -> str:
    kind = "" if order.order_type is OrderType.MARKET else f" {order.order_type}"
    return f"{order.side} {order.quantity.normalize():f} {order.symbol}{kind}"


def bar(symbol: str, ends_at: datetime, close: str) -> Bar:
    """The minute before an instant, at one price."""
    price = Decimal(close)
    bar_id = str(BarKey(symbol, "1min", ends_at.replace(second=0, microsecond=0) - timedelta(minutes=1)))
    return Bar(bar_id, symbol, DAY, price, price, price, price, 1000)


def opinion(text: str, at: datetime) -> Signal:
    kind, symbol = text.split()
    signal_id = f"sig_{symbol}_{at:%H%M%S}"
    return Signal(signal_id, symbol, DAY, at, SignalType(kind), 0.9, "mean_reversion", f"feat_{symbol}_{at:%H%M%S}")
