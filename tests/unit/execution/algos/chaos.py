"""A random market and a broker that is late, forgetful and sometimes wrong, both by a seed.

The broker knows the truth: what is filled, and what may still fill. It tells it late, cancels late or not at all when
asked once, lets fills cross a cancellation (told after it), tells fills twice, rejects orders, and now and then says
UNKNOWN of an order that works.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from tests.unit.execution.algos.desk import Desk
from tickledger.domain.bar import Quote
from tickledger.domain.order import Order, OrderModification, OrderStatus
from tickledger.execution.algos.parent import Algorithm, MarketView, ParentOrder
from tickledger.execution.algos.pricing import is_marketable

TICK = Decimal("0.01")


@dataclass(slots=True)
class AtBroker:
    """An order as it really is."""

    order: Order
    limit: Decimal
    filled: int = 0
    is_live: bool = True


@dataclass(slots=True)
class Message:
    """Something the broker will say, once `at` has come."""

    at: datetime
    order_id: str
    status: OrderStatus | None = None
    shares: int = 0
    execution_id: str = ""
    told_filled: int | None = None


@dataclass(frozen=True, slots=True)
class Weather:
    """How bad it is: probabilities for each step, and delays in seconds."""

    fill: float = 0.5
    passive_fill: float = 0.2
    reject: float = 0.05
    lose_cancel: float = 0.2
    halt: float = 0.02
    blind: float = 0.02
    doubt: float = 0.02
    tell_twice: float = 0.2
    delay: float = 1.5
    tells_filled: bool = True


CALM = Weather(fill=1, passive_fill=0, reject=0, lose_cancel=0, halt=0, blind=0, doubt=0, tell_twice=0, delay=0)


@dataclass(slots=True)
class Step:
    """What was true after a step."""

    now: datetime
    filled: int
    exposed: Decimal
    observed_volume: int
    sent: int


class Chaos(Desk):
    """A desk at that broker, in that market."""

    def __init__(
        self, worked: ParentOrder, algorithm: Algorithm, *, seed: int, weather: Weather, volume_a_second: int = 100
    ) -> None:
        super().__init__(worked, algorithm)
        self.chance = Random(seed)  # noqa: S311  repeatable, not secret
        self.weather = weather
        self.volume_a_second = volume_a_second
        self.book: dict[str, AtBroker] = {}
        self.messages: list[Message] = []
        self.steps: list[Step] = []
        self.before: dict[str, Decimal] = {}
        self.counter = 0
        self.cancel_at: datetime | None = None

    async def place(self, placed: Order) -> None:
        await super().place(placed)
        earlier = sum(c.committed(self.clock.now(), self.algorithm.terms.settling) for c in self.children[:-1])
        self.before[placed.order_id] = self.parent.quantity - earlier
        assert placed.limit_price is not None
        if self.chance.random() < self.weather.reject:
            self._say(placed.order_id, status=OrderStatus.REJECTED)
            return
        self.book[placed.order_id] = AtBroker(placed, placed.limit_price)
        self._say(placed.order_id, status=OrderStatus.SUBMITTED)

    async def cancel(self, order_id: str) -> None:
        await super().cancel(order_id)
        working = self.book.get(order_id)
        if working is None or not working.is_live or self.chance.random() < self.weather.lose_cancel:
            return
        if self.chance.random() < self.weather.fill / 2:
            self._trade(working, late=True)
        if working.is_live:
            working.is_live = False
            told = working.filled if self.weather.tells_filled else None
            self._say(order_id, status=OrderStatus.CANCELLED, told_filled=told)

    async def modify(self, order_id: str, modification: OrderModification) -> None:
        await super().modify(order_id, modification)
        working = self.book[order_id]
        if working.is_live and modification.limit_price is not None:
            working.limit = modification.limit_price

    @property
    def filled(self) -> int:
        """Shares that really traded."""
        return sum(working.filled for working in self.book.values())

    @property
    def exposed(self) -> Decimal:
        """Shares that traded or may still trade."""
        return sum((w.order.quantity if w.is_live else Decimal(w.filled) for w in self.book.values()), Decimal(0))

    def live(self) -> list[AtBroker]:
        return [working for working in self.book.values() if working.is_live]

    def run(self, *, after: timedelta = timedelta(minutes=3), step: float = 1) -> "Chaos":
        """From the start of the window to a while after its end."""
        self.begin()
        end = self.parent.ends_at + after
        while self.clock.now() < end:
            self.clock.advance(self.clock.now() + timedelta(seconds=step))
            self._deliver()
            if self.cancel_at is not None and self.clock.now() >= self.cancel_at and not self.state.is_cancelling:
                self.cancel_parent()
            self._move(step)
            for working in self.live():
                self._maybe_trade(working)
            self._deliver()
            observed = self.state.observed_volume
            self.steps.append(Step(self.clock.now(), self.filled, self.exposed, observed, len(self.sent)))
        # What traded in the last second is told after it.
        self.clock.advance(end + timedelta(minutes=1))
        self._deliver()
        return self

    def _move(self, step: float) -> None:
        known, chance = self.market.quote, self.chance
        assert known is not None
        now = self.clock.now()
        if chance.random() < 0.3:
            drift = TICK * chance.randint(-2, 2)
            bid = max(known.bid + drift, Decimal(1))
            known = Quote("X", now, bid, bid + TICK * chance.randint(1, 5), 500, 500)
        is_blind = chance.random() < self.weather.blind
        quote = known if is_blind else replace(known, quoted_at=now)
        halted = self.market.is_halted
        flips = chance.random() < (self.weather.halt if not halted else 0.1)
        volume = self.market.volume + int(self.volume_a_second * step * 2 * chance.random())
        self.market = MarketView(quote, is_halted=halted != flips, volume=volume)
        self._do(self.parents.take_market("X", self.market))

    def _maybe_trade(self, working: AtBroker) -> None:
        quote = self.market.quote
        if quote is None or self.market.is_halted:
            return
        crosses = is_marketable(working.limit, quote, working.order.side)
        if self.chance.random() < (self.weather.fill if crosses else self.weather.passive_fill):
            self._trade(working)
        elif self.chance.random() < self.weather.doubt:
            self._say(working.order.order_id, status=OrderStatus.UNKNOWN)
            self._say(working.order.order_id, status=OrderStatus.SUBMITTED)

    def _trade(self, working: AtBroker, *, late: bool = False) -> None:
        left = int(working.order.quantity) - working.filled
        whole = self.weather.fill >= 1
        shares = left if whole else self.chance.randint(1, left)
        working.filled += shares
        self.counter += 1
        execution_id = f"exec_{self.counter}"
        self._say(working.order.order_id, shares=shares, execution_id=execution_id, late=late)
        if self.chance.random() < self.weather.tell_twice:
            self._say(working.order.order_id, shares=shares, execution_id=execution_id)
        if working.filled == working.order.quantity:
            working.is_live = False
            self._say(working.order.order_id, status=OrderStatus.FILLED, told_filled=working.filled)
        elif not late:
            self._say(working.order.order_id, status=OrderStatus.PARTIALLY_FILLED)

    def _say(
        self,
        order_id: str,
        *,
        status: OrderStatus | None = None,
        shares: int = 0,
        execution_id: str = "",
        told_filled: int | None = None,
        late: bool = False,
    ) -> None:
        """Statuses of an order keep their order; a late fill is told after everything else, but not for ever."""
        delay = self.weather.delay * (1.0 if late else self.chance.random())
        if late and self.weather.tells_filled:
            delay *= 10
        at = self.clock.now() + timedelta(seconds=delay)
        if not late:
            earlier = [m.at for m in self.messages if m.order_id == order_id and m.status is not None]
            at = max([at, *earlier])
        self.messages.append(Message(at, order_id, status, shares, execution_id, told_filled))

    def _deliver(self) -> None:
        """Say everything whose time has come; saying it may lead to more."""
        while True:
            ready = sorted((m for m in self.messages if m.at <= self.clock.now()), key=lambda message: message.at)
            if not ready:
                return
            message = ready[0]
            self.messages.remove(message)
            if message.shares:
                self.fill(message.order_id, message.shares, execution_id=message.execution_id)
            elif message.status is not None:
                self.report(message.order_id, message.status, message.told_filled)
