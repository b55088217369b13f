"""The venue's own orders in one symbol, in priority of price and time, and what a quote or a print fills of them.

| order                                            | with a quote                     | with a print              |
|--------------------------------------------------|----------------------------------|---------------------------|
| without a limit, or new and inside its limit     | at the touch (the ask, the bid)  | never                     |
| resting at a limit that the quote then crosses   | at its limit; at the touch where | at its limit, once the    |
|                                                  | the price jumped: a minute's     | print is better than the  |
|                                                  | first quote, or after a halt     | limit (not at it)         |

The venue's orders trade with the market, never with each other. A size that one of them takes is gone for the others.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import ROUND_DOWN, Decimal
from enum import Enum, auto
from typing import Final

from tickledger.domain.bar import Print, Quote
from tickledger.exchange.fees import OrderProgress
from tickledger.exchange.price_rules import is_marketable, is_worse, trades_through
from tickledger.exchange.venue_orders import OrderUpdate, VenueOrder, VenueStatus, VenueTerm
from tickledger.exchange.venue_path import TapeMinute, Tick, price_of

_NOTHING: Final = Decimal(0)
_WHOLE_SHARE: Final = Decimal(1)
_PRICE_INCREMENT: Final = Decimal("0.0001")
_IMMEDIATE: Final = frozenset({VenueTerm.IOC, VenueTerm.FOK})


#: A place in time, the smaller the earlier: when an order came, its tie-break, and how many had come before it.
Priority = tuple[datetime, str, int]
_NO_PRIORITY: Final[Priority] = (datetime.min.replace(tzinfo=UTC), "", 0)


class Place(Enum):
    """Where an order is kept: on its way, waiting for something, on the book, or done."""

    TRANSIT = auto()
    UNSENT = auto()
    PARENT = auto()
    LATER = auto()
    LOCATE = auto()
    SESSION = auto()
    AUCTION = auto()
    TRIGGER = auto()
    BOOK = auto()
    DONE = auto()


@dataclass(slots=True, eq=False)
class Working:
    """An order and its progress.

    `limit` is the price it now trades at or better (None: any), `stop` its trigger as a trail has moved it.
    `released` is how much of it an algorithm has let out, None where none works it. `told` is the last update.
    """

    order: VenueOrder
    accepted_at: datetime
    priority: Priority = _NO_PRIORITY
    place: Place = Place.TRANSIT
    limit: Decimal | None = None
    stop: Decimal | None = None
    is_triggered: bool = False
    released: Decimal | None = None
    entered: int = 0
    key: tuple[int, Decimal, Priority] = (0, _NOTHING, _NO_PRIORITY)
    ends_on: date | None = None
    progress: OrderProgress = field(default_factory=OrderProgress)
    fills: int = 0
    told: OrderUpdate | None = None

    @property
    def sign(self) -> int:
        """+1 for a purchase, −1 for a sale."""
        return 1 if self.order.is_buy else -1

    @property
    def remaining(self) -> Decimal:
        """The shares that are not filled."""
        return self.order.quantity - self.progress.quantity

    @property
    def open_quantity(self) -> Decimal:
        """The shares that may trade now."""
        if self.released is None:
            return self.remaining
        return min(self.released, self.order.quantity) - self.progress.quantity

    @property
    def average_price(self) -> Decimal:
        """The average of the fills so far, to a hundredth of a cent; 0 before the first."""
        filled = self.progress.quantity
        return (self.progress.notional / filled).quantize(_PRICE_INCREMENT) if filled else _NOTHING

    @property
    def is_active(self) -> bool:
        """Whether it can still trade."""
        return self.place is not Place.DONE

    @property
    def is_immediate(self) -> bool:
        """Whether what does not fill at once is cancelled."""
        return self.order.term in _IMMEDIATE

    @property
    def status(self) -> VenueStatus:
        """The status last told; HELD before that."""
        return VenueStatus.HELD if self.told is None else self.told.status

    def update(self, status: VenueStatus, at: datetime, *, why_held: str = "") -> OrderUpdate:
        """Where it is now."""
        return OrderUpdate(
            order_key=self.order.order_key,
            status=status,
            filled=self.progress.quantity,
            remaining=self.remaining,
            average_price=self.average_price,
            occurred_at=at,
            why_held=why_held,
        )


#: What the book calls for every fill: the order, shares, USD per share, and whether it was resting; whether it
#: happened, or its account could not carry it.
Execute = Callable[[Working, Decimal, Decimal, bool], bool]


@dataclass(slots=True, eq=False)
class Market:
    """A symbol: what stands in the market, and the venue's orders in it.

    `is_live` says that the quote stands in this session and may be traded with. `bid_left` and `ask_left` are what
    earlier fills left of its sizes, `budget` what they left of the minute's volume; None caps nothing.
    `opening_price` is that of an opening auction which is being held now. A market whose ticks come by themselves
    but have not begun is as it was `unseen_since`, and has not been looked at.
    """

    symbol: str
    max_participation: Decimal | None
    quote: Quote | None = None
    last: Print | None = None
    minute: TapeMinute | None = None
    is_live: bool = False
    is_halted: bool = False
    opened_on: date | None = None
    budget: Decimal | None = None
    quotes_seen: int = 0
    has_jumped: bool = False
    previous: Quote | None = None
    bid_left: Decimal = _NOTHING
    ask_left: Decimal = _NOTHING
    buys: list[Working] = field(default_factory=list)
    sales: list[Working] = field(default_factory=list)
    triggers: list[Working] = field(default_factory=list)
    seen_at: datetime | None = None
    unseen_since: datetime | None = None
    opening_price: Decimal | None = None
    closing_price: Decimal | None = None
    closing_budget: Decimal | None = None

    @property
    def is_tradable(self) -> bool:
        """Whether its quote may be traded with now."""
        return self.is_live and not self.is_halted and self.quote is not None

    @property
    def has_orders(self) -> bool:
        """Whether any order is on the book or waits for a trigger."""
        return bool(self.buys or self.sales or self.triggers)

    def enter_minute(self, minute: TapeMinute) -> None:
        """A minute begins, and with it a new allowance of its volume."""
        self.minute = minute
        if self.max_participation is not None:
            self.budget = (self.max_participation * minute.span.volume).quantize(_WHOLE_SHARE, rounding=ROUND_DOWN)

    def leave_minute(self) -> None:
        """A minute is over: what its volume still allowed goes to the closing auction, if there is one now."""
        if self.budget is not None:
            self.closing_budget, self.budget = self.budget, _NOTHING

    def see(self, tick: Tick) -> None:
        """Take the quote of a tick as the one that stands."""
        if tick.quote is None:
            return
        self.previous = self.quote if self.is_live else None
        self.quote = tick.quote
        self.has_jumped = tick.opens_minute or not self.is_live
        self.is_live = True
        self.quotes_seen += 1
        if self.max_participation is not None:
            self.bid_left, self.ask_left = Decimal(tick.quote.bid_size), Decimal(tick.quote.ask_size)

    def catch_up(self, tick: Tick, *, is_over: bool) -> None:
        """Take the state of a moment of the tape; what was taken from a minute or a quote that still stands is gone."""
        if self.minute != tick.minute:
            self.enter_minute(tick.minute)
            if tick.minute.is_regular:
                self.closing_price = price_of(tick.minute.span.close)
            if is_over:
                self.leave_minute()
        if self.quote != tick.quote:
            self.is_live = False
            self.see(tick)

    def touch(self, sign: int) -> Decimal:
        """The price at which an order trades at once: the ask for a purchase, the bid for a sale."""
        if self.quote is None:
            raise ValueError(f"{self.symbol}: expected a quote, found none")
        return self.quote.ask if sign > 0 else self.quote.bid

    def is_reached(self, working: Working) -> bool:
        """Whether the quote is inside the order's limit."""
        return is_marketable(working.sign, working.limit, self.touch(working.sign))

    def available(self, sign: int) -> Decimal | None:
        """The shares an order could take from the quote now; None where nothing caps it."""
        if self.budget is None:
            return None
        return max(min(self.ask_left if sign > 0 else self.bid_left, self.budget), _NOTHING)

    def add(self, working: Working) -> None:
        """Put an order on the book, behind those at its price that came before it."""
        limit = _NOTHING if working.limit is None else working.limit
        working.key = (0 if working.limit is None else 1, -working.sign * limit, working.priority)
        working.entered = self.quotes_seen
        insort(self._side(working.sign), working, key=_key)

    def remove(self, working: Working) -> None:
        """Take an order off the book."""
        side = self._side(working.sign)
        place = bisect_left(side, working.key, key=_key)
        if place < len(side) and side[place] is working:
            del side[place]

    def _side(self, sign: int) -> list[Working]:
        return self.buys if sign > 0 else self.sales

    def match_quote(self, sign: int, execute: Execute) -> None:
        """Fill the orders of one side that can trade with the quote, in priority."""
        if not self.is_tradable:
            return
        touch = self.touch(sign)
        for working in self._marketable(sign, touch):
            if working.place is not Place.BOOK or not is_marketable(sign, working.limit, touch):
                continue
            quantity = working.open_quantity
            available = self.available(sign)
            if available is not None:
                quantity = min(quantity, available)
            if quantity > 0:
                price, rested = self._price(working, touch)
                self.take(sign, quantity)
                if not execute(working, quantity, price, rested):
                    self.take(sign, -quantity)

    def _marketable(self, sign: int, touch: Decimal) -> Sequence[Working]:
        side = self._side(sign)
        for place, working in enumerate(side):
            if not is_marketable(sign, working.limit, touch):
                return side[:place]
        return side[:]

    def _price(self, working: Working, touch: Decimal) -> tuple[Decimal, bool]:
        """At what price the quote fills an order, and whether it was resting."""
        if working.limit is None or self.previous is None or working.entered == self.quotes_seen:
            return touch, False
        earlier = self.previous.ask if working.sign > 0 else self.previous.bid
        if is_marketable(working.sign, working.limit, earlier):
            return touch, False
        return (touch, True) if self.has_jumped else (working.limit, True)

    def take(self, sign: int, quantity: Decimal) -> None:
        """Count `quantity` shares as gone from the quote and from the minute's allowance."""
        if self.budget is None:
            return
        self.budget -= quantity
        if sign > 0:
            self.ask_left -= quantity
        else:
            self.bid_left -= quantity

    def match_print(self, trade: Print, execute: Execute) -> None:
        """Fill the resting orders that the market traded through."""
        left = None if self.budget is None else Decimal(trade.size)
        for working in [*self.buys, *self.sales]:
            limit, sign = working.limit, working.sign
            if limit is None or not trades_through(sign, limit, trade.price) or not self._rests(working, limit):
                continue
            quantity = working.open_quantity
            if left is not None and self.budget is not None:
                quantity = min(quantity, left, self.budget)
            if quantity > 0 and working.place is Place.BOOK:
                self._allow(-quantity)
                if not execute(working, quantity, limit, True):
                    self._allow(quantity)
                elif left is not None:
                    left -= quantity

    def _allow(self, quantity: Decimal) -> None:
        if self.budget is not None:
            self.budget += quantity

    def _rests(self, working: Working, limit: Decimal) -> bool:
        """Whether the quote does not reach it: what it reaches has taken from it all it gives."""
        return self.is_tradable and is_worse(working.sign, self.touch(working.sign), limit)


def _key(working: Working) -> tuple[int, Decimal, Priority]:
    return working.key
