"""The algorithms at the simulated venue, on an hour of the bundled sample: its quotes, its matching, its latency."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

import pytest

from tests.trading import order
from tickledger.bars.calendars import session_open, sessions
from tickledger.bars.sample import SAMPLE_BARS
from tickledger.bars.sources import read_bars_file
from tickledger.domain.bar import Print, Quote
from tickledger.domain.execution import Execution
from tickledger.domain.order import Order, OrderModification, OrderReport, OrderSide, OrderStatus
from tickledger.exchange.fees import schedule
from tickledger.exchange.venue import Venue
from tickledger.exchange.venue_orders import (
    Halt,
    MinuteBar,
    OrderUpdate,
    VenueEvent,
    VenueFill,
    VenueOrder,
    VenueOrderType,
    VenueStatus,
)
from tickledger.exchange.venue_settings import VenueSettings
from tickledger.exchange.venue_tape import MarketTape
from tickledger.execution.algos.adaptive import Adaptive, Patience
from tickledger.execution.algos.parent import Algorithm, DoneReason, MarketView, ParentOrder
from tickledger.execution.algos.schedule import planned
from tickledger.execution.algos.terms import AtEnd, Terms
from tickledger.execution.algos.twap import Twap
from tickledger.execution.algos.volume_curve import volume_curve
from tickledger.execution.algos.vwap import Vwap
from tickledger.execution.clock import ReplayClock
from tickledger.execution.parent_orders import ParentOrders
from tickledger.execution.tca import MarketTrade, Observations, OrderCost, order_cost

DAY = date(2012, 1, 4)
SYMBOL = "AAPL"
ACCOUNT = "DU100"
FROM = session_open(DAY) + timedelta(minutes=30)
CASH = Decimal(20_000_000)
_STATUSES = {
    VenueStatus.HELD: OrderStatus.SUBMITTED,
    VenueStatus.WORKING: OrderStatus.SUBMITTED,
    VenueStatus.FILLED: OrderStatus.FILLED,
    VenueStatus.CANCELLED: OrderStatus.CANCELLED,
    VenueStatus.REJECTED: OrderStatus.REJECTED,
}


@lru_cache(maxsize=1)
def tape() -> MarketTape:
    bars, _ = read_bars_file(SAMPLE_BARS)
    days = bars["timestamp"].dt.date
    return MarketTape.from_bars(bars[(bars["symbol"] == SYMBOL) & (days >= date(2011, 11, 1)) & (days <= DAY)])


class Session:
    """An algorithm, the venue, and the messages between them."""

    def __init__(self, worked: ParentOrder, algorithm: Algorithm, *, latency: timedelta = timedelta(0)) -> None:
        self.parent, self.algorithm = worked, algorithm
        self.venue = Venue(
            tape(),
            VenueSettings(
                accounts={ACCOUNT: CASH},
                starts_at=worked.starts_at,
                latency=latency,
                max_participation=Decimal("0.1"),
                fees=schedule("ib_fixed"),
            ),
        )
        self.clock = ReplayClock(worked.starts_at)
        self.parents = ParentOrders(desk=self, clock=self.clock)
        self.keys: dict[str, int] = {}
        self.orders: dict[int, Order] = {}
        self.inbox: list[VenueEvent] = []
        self.view = MarketView(self.venue.quote(SYMBOL))
        self.trades: list[MarketTrade] = []
        self.fills: list[Execution] = []
        self.quotes: dict[str, Quote] = {}
        self.seen: list[Quote] = []
        self.arrived_at: datetime | None = None
        self.progress: list[tuple[datetime, Decimal]] = []

    async def place(self, placed: Order) -> None:
        key = len(self.keys) + 1
        self.keys[placed.order_id], self.orders[key] = key, placed
        self.inbox += self.venue.submit(self._sent(placed, key))

    async def cancel(self, order_id: str) -> None:
        self.inbox += self.venue.cancel(self.keys[order_id])

    async def modify(self, order_id: str, modification: OrderModification) -> None:
        key = self.keys[order_id]
        self.orders[key] = replace(self.orders[key], limit_price=modification.limit_price)
        self.inbox += self.venue.modify(self._sent(self.orders[key], key))

    @staticmethod
    def _sent(placed: Order, key: int) -> VenueOrder:
        return VenueOrder(
            order_key=key,
            account_id=ACCOUNT,
            symbol=placed.symbol,
            is_buy=placed.side.sign > 0,
            quantity=placed.quantity,
            order_type=VenueOrderType.LMT,
            limit_price=placed.limit_price,
        )

    async def run(self, *, halted: tuple[int, int] = (0, 0)) -> "Session":
        """To five minutes after the window, second by second; halted between two minutes of it."""
        decision = self.venue.quote(SYMBOL)
        assert decision is not None
        self.decision = decision
        self.seen.append(decision)
        await self.parents.start(self.parent, self.algorithm)
        while self.clock.now() < self.parent.ends_at + timedelta(minutes=5):
            now = self.clock.now() + timedelta(seconds=1)
            minute = (now - self.parent.starts_at) / timedelta(minutes=1)
            if halted[0] <= minute < halted[1] and not self.venue.is_halted(SYMBOL):
                self.inbox += self.venue.halt(SYMBOL)
            elif minute >= halted[1] and self.venue.is_halted(SYMBOL):
                self.inbox += self.venue.resume(SYMBOL)
            self.clock.advance(now)
            self.inbox += self.venue.advance(now)
            await self._hear()
            await self.parents.take_timer()
            await self._hear()
            self.progress.append((now, self.parents.state(self.parent.order.order_id).filled))
        return self

    async def _hear(self) -> None:
        while self.inbox:
            event = self.inbox.pop(0)
            if isinstance(event, Quote):
                self.seen.append(event)
            match event:
                case OrderUpdate():
                    await self._update(event)
                case VenueFill():
                    await self._fill(event)
                case Quote():
                    await self._look(quote=event)
                case Print():
                    self.trades.append(MarketTrade(event.traded_at, event.price, event.size))
                    await self._look(volume=self.view.volume + event.size)
                case Halt():
                    await self._look(is_halted=event.is_halted)

    async def _look(self, **changes: object) -> None:
        self.view = replace(self.view, **changes)  # type: ignore[arg-type]
        await self.parents.take_market(SYMBOL, self.view)

    async def _update(self, event: OrderUpdate) -> None:
        self.arrived_at = self.arrived_at or event.occurred_at
        status = _STATUSES[event.status]
        if status is OrderStatus.SUBMITTED and event.filled:
            status = OrderStatus.PARTIALLY_FILLED
        told = OrderReport(self.orders[event.order_key].order_id, status, event.occurred_at, event.text)
        await self.parents.take_report(told, filled_quantity=event.filled)

    async def _fill(self, event: VenueFill) -> None:
        placed = self.orders[event.order_key]
        # The quote that comes with a fill is already what the trade left behind.
        before = [quote for quote in self.seen if quote.quoted_at < event.executed_at]
        self.quotes[event.execution_id] = before[-1]
        execution = Execution(
            execution_id=event.execution_id,
            order_id=placed.order_id,
            account_id=placed.account_id,
            symbol=placed.symbol,
            side=placed.side,
            quantity=event.quantity,
            price=event.price,
            commission=event.commission,
            fees=event.fees,
            executed_at=event.executed_at,
            trade_date=DAY,
        )
        self.fills.append(execution)
        await self.parents.take_execution(execution)

    def cost(self) -> OrderCost:
        """What it cost."""
        end = self.venue.quote(SYMBOL)
        assert end is not None
        seen = Observations(
            at_decision=self.decision,
            at_end=end,
            finished_at=self.parent.ends_at,
            arrived_at=self.arrived_at,
            trades=self.trades,
            at_fills=self.quotes,
        )
        return order_cost(self.parent, self.fills, seen, algorithm=self.algorithm.name)


def parent(text: str) -> ParentOrder:
    decided = replace(order(text), account_id=ACCOUNT, submitted_at=FROM, session_date=DAY)
    return ParentOrder(decided, FROM, FROM + timedelta(hours=1))


def run(session: Session, *, halted: tuple[int, int] = (0, 0)) -> Session:
    """Nothing here waits for anybody, so no event loop is needed."""
    act = session.run(halted=halted)
    with pytest.raises(StopIteration):
        act.send(None)
    return session


def check(session: Session) -> OrderCost:
    """What holds of every run: the algorithm's shares are the venue's, and so is the money."""
    state = session.parents.state(session.parent.order.order_id)
    assert state.done is not None
    assert state.working == ()
    cost = session.cost()
    assert cost.filled_quantity == state.filled == sum((fill.quantity for fill in session.fills), Decimal(0))
    assert cost.average_price is not None
    spent = sum((fill.quantity * fill.price for fill in session.fills), Decimal(0))
    account = session.venue.account(ACCOUNT)
    assert account.cash == CASH - session.parent.order.side.sign * spent - cost.fees
    (holding,) = account.holdings
    assert holding.quantity == session.parent.order.side.sign * state.filled
    return cost


@pytest.mark.parametrize("latency", [timedelta(0), timedelta(milliseconds=80)])
def test_a_twap_of_ten_thousand_shares_follows_its_schedule_for_an_hour_and_ends_with_it(latency: timedelta) -> None:
    twap = Twap(slices=20, size_variation=Decimal("0.2"), time_variation=Decimal("0.2"), seed=11)
    session = run(Session(parent(f"BUY 10000 {SYMBOL}"), twap, latency=latency))
    cost = check(session)
    assert cost.filled_quantity == 10_000
    assert session.parents.state(session.parent.order.order_id).done is DoneReason.FILLED
    assert all(fill.executed_at < session.parent.ends_at for fill in session.fills)
    slices = twap.schedule(session.parent)
    strays = [abs(filled - planned(slices, Decimal(10_000), now)) for now, filled in session.progress]
    assert max(strays) <= 1_200  # two slices of 500, with their variation
    assert cost.vwap_slippage_bps is not None
    assert abs(cost.vwap_slippage_bps) < 10


def test_a_sale_short_by_vwap_follows_the_curve_of_the_sessions_before() -> None:
    bars: Iterable[MinuteBar] = (
        minute.bar(SYMBOL)
        for day in sessions(date(2011, 12, 1), date(2012, 1, 3))
        for minute in tape().minutes_of(SYMBOL, day)
    )
    vwap = Vwap(curve=volume_curve(bars, session_date=DAY))
    assert vwap.curve.session_count == 20
    session = run(Session(parent(f"SELL_SHORT 10000 {SYMBOL}"), vwap))
    cost = check(session)
    assert (cost.filled_quantity, cost.side) == (Decimal(10_000), OrderSide.SELL_SHORT)
    slices = vwap.schedule(session.parent)
    strays = [abs(filled - planned(slices, Decimal(10_000), now)) for now, filled in session.progress]
    assert max(strays) <= vwap.band(session.parent) + 10_000 // len(slices) * 2


def test_an_adaptive_order_keeps_to_its_rate_of_the_venues_volume() -> None:
    adaptive = Adaptive(
        rate=Decimal("0.02"),
        min_rate=Decimal("0.01"),
        max_rate=Decimal("0.03"),
        patience=Patience.URGENT,
        terms=Terms(at_end=AtEnd.CANCEL),
    )
    session = run(Session(parent(f"BUY 1000000 {SYMBOL} LIMIT 500"), adaptive))
    cost = check(session)
    state = session.parents.state(session.parent.order.order_id)
    assert state.done is DoneReason.ENDED
    assert Decimal("0.02") <= cost.filled_quantity / state.observed_volume <= Decimal("0.03")


def test_a_halt_of_twenty_minutes_is_made_up_for() -> None:
    twap = Twap(slices=20)
    session = run(Session(parent(f"BUY 10000 {SYMBOL}"), twap), halted=(10, 30))
    assert check(session).filled_quantity == 10_000
    quiet = [fill for fill in session.fills if 10 <= (fill.executed_at - FROM) / timedelta(minutes=1) < 30]
    assert quiet == []


def test_a_limit_that_the_market_hardly_reaches_is_kept_and_the_rest_is_an_opportunity_missed() -> None:
    """A purchase limited two cents above the hour's lowest price; what ends the window is not marketable either."""
    probe = run(Session(parent(f"BUY 10000 {SYMBOL}"), Twap(slices=20)))
    hour = [trade.price for trade in probe.trades if trade.traded_at < probe.parent.ends_at]
    limit = (min(hour) + Decimal("0.02")).quantize(Decimal("0.01"))
    session = run(Session(parent(f"BUY 10000 {SYMBOL} LIMIT {limit}"), Twap(slices=20)))
    assert all(placed.limit_price is not None and placed.limit_price <= limit for placed in session.orders.values())
    assert all(fill.price <= limit for fill in session.fills)
    cost = check(session)
    assert 0 < cost.filled_quantity < 10_000
    assert session.parents.state(session.parent.order.order_id).done is DoneReason.ENDED
    missed = 10_000 - cost.filled_quantity
    assert cost.opportunity_cost == missed * (cost.end_price - cost.arrival_price)
