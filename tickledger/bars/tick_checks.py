"""Which quotes and prints can be right. A tick that cannot is refused with its reason, and the stream goes on.

A price that is far from the last good one is not wrong by itself: prices jump. It is taken where the standing quote
vouches for it, or once several ticks in a row agree on it; a slip of a digit is alone. Quotes and prints of a symbol
count alike for that, so that neither can be locked out by the other for longer than that.
"""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

from tickledger.bars.quality import HIGHEST_PRICE, LARGEST_VOLUME, LOWEST_PRICE
from tickledger.domain.bar import Print, Quote
from tickledger.domain.errors import Problem

_NOTHING: Final = Decimal(0)
_NONE_TOLD: Final = (Decimal("NaN"), Decimal("NaN"))


class TickFault(StrEnum):
    """What is wrong with a tick."""

    NOT_A_PRICE = "not_a_price"
    NOT_A_SIZE = "not_a_size"
    CROSSED = "crossed"
    PRICE_JUMP = "price_jump"
    TIME_BACKWARDS = "time_backwards"
    IN_THE_FUTURE = "in_the_future"
    TOO_OLD = "too_old"


@dataclass(frozen=True, slots=True)
class TickRefusal:
    """A tick that was refused, and why, in words."""

    symbol: str
    fault: TickFault
    problem: Problem


@dataclass(frozen=True, slots=True)
class TickLimits:
    """How far a tick may be from what is known. Fractions are parts of a price.

    `crossed` is how far a bid may lie above its ask (a consolidated feed crosses for moments; locked is usual).
    `jump` is the distance from the last good price that asks for support, `confirmations` the ticks in a row that
    give it, `reference_lasts` how long a good price is one to compare with. A stamp may lie `backwards` before the
    last of its kind, `ahead` of the clock and `age` behind it.
    """

    crossed: float = 0.005
    jump: float = 0.10
    confirmations: int = 3
    reference_lasts: timedelta = timedelta(minutes=30)
    backwards: timedelta = timedelta(seconds=5)
    ahead: timedelta = timedelta(seconds=1)
    age: timedelta = timedelta(minutes=1)


@dataclass(slots=True, eq=False)
class _Known:
    """What is known of a symbol: the standing quote (0 for an empty side), the last good price, and a doubtful one.

    `told` are the prices of the standing quote as they were told, where both sides have an order.
    """

    bid: float = 0.0
    ask: float = 0.0
    told: tuple[Decimal, Decimal] = _NONE_TOLD
    price: float = 0.0
    priced_at: datetime | None = None
    quoted_at: datetime | None = None
    traded_at: datetime | None = None
    doubtful: float = 0.0
    agreeing: int = 0


class TickCheck:
    """Checks the ticks of all symbols, one after the other. `refused` counts the refusals by fault."""

    def __init__(self, limits: TickLimits | None = None) -> None:
        self._limits = limits or TickLimits()
        self._youngest = -self._limits.ahead
        self._known: dict[str, _Known] = {}
        self.refused: Counter[TickFault] = Counter()
        self.accepted = 0

    def print(self, trade: Print, now: datetime) -> Print | TickRefusal:
        """`trade` where it can be right at `now`, or its refusal."""
        known = self._known.get(trade.symbol) or self._meet(trade.symbol)
        at = trade.traded_at
        price = _price(trade.price)
        if price is None or price == 0:
            return self._refuse(trade, TickFault.NOT_A_PRICE, _PRICE_EXPECTED, str(trade.price))
        if not 0 <= trade.size <= LARGEST_VOLUME:
            return self._refuse(trade, TickFault.NOT_A_SIZE, _SIZE_EXPECTED, str(trade.size))
        if (untimely := self._untimely(at, known.traded_at, now)) is not None:
            return self._refuse_time(trade, untimely, known.traded_at, now)
        if self._is_far(known, price, at) and not self._vouches(known, price) and not self._confirmed(known, price):
            return self._refuse_jump(trade, known, f"{price:g}")
        known.traded_at = at if known.traded_at is None or at > known.traded_at else known.traded_at
        known.price, known.priced_at, known.agreeing = price, at, 0
        self.accepted += 1
        return trade

    def quote(self, quote: Quote, now: datetime) -> Quote | TickRefusal:
        """`quote` where it can be right at `now`, or its refusal.

        A side without an order is 0 with size 0; a side whose size is 0 has no order, and its price is set to 0.
        """
        known = self._known.get(quote.symbol) or self._meet(quote.symbol)
        at, told = quote.quoted_at, known.told
        has_sides = 0 < quote.bid_size <= LARGEST_VOLUME and 0 < quote.ask_size <= LARGEST_VOLUME
        if has_sides and quote.bid is told[0] and quote.ask is told[1]:
            # As in most quotes, sizes alone have changed.
            bid, ask = known.bid, known.ask
        else:
            checked = self._sides(quote)
            if isinstance(checked, TickRefusal):
                return checked
            quote, bid, ask = checked
        if (untimely := self._untimely(at, known.quoted_at, now)) is not None:
            return self._refuse_time(quote, untimely, known.quoted_at, now)
        if self._is_beside(known, bid, ask, at) and not self._confirmed(known, _middle(bid, ask)):
            return self._refuse_jump(quote, known, _spelled(quote))
        known.quoted_at = at if known.quoted_at is None or at > known.quoted_at else known.quoted_at
        known.bid, known.ask, known.agreeing = bid, ask, 0
        known.told = (quote.bid, quote.ask) if has_sides else _NONE_TOLD
        if 0 < ask <= bid * (1 + self._limits.jump):
            known.price, known.priced_at = (bid + ask) / 2, at
        self.accepted += 1
        return quote

    def _sides(self, quote: Quote) -> tuple[Quote, float, float] | TickRefusal:
        """The quote without the prices of empty sides, and its prices as floats; its refusal where they are none."""
        bid, ask = _price(quote.bid), _price(quote.ask)
        if bid is None or ask is None or (bid == 0 and quote.bid_size) or (ask == 0 and quote.ask_size):
            return self._refuse(quote, TickFault.NOT_A_PRICE, _QUOTE_EXPECTED, _spelled(quote))
        if not (0 <= quote.bid_size <= LARGEST_VOLUME and 0 <= quote.ask_size <= LARGEST_VOLUME):
            return self._refuse(quote, TickFault.NOT_A_SIZE, _SIZE_EXPECTED, f"{quote.bid_size} and {quote.ask_size}")
        if not (quote.bid_size and quote.ask_size):
            quote, bid, ask = _without_empty_sides(quote, bid, ask)
        if bid > ask > 0 and bid > ask * (1 + self._limits.crossed):
            return self._refuse(quote, TickFault.CROSSED, f"a bid of at most {quote.ask}, the ask", str(quote.bid))
        return quote, bid, ask

    def forget(self, symbol: str) -> None:
        """Compare with nothing that was known of `symbol`: after a halt, or a corporate action overnight."""
        self._known.pop(symbol, None)

    def _meet(self, symbol: str) -> _Known:
        known = self._known[symbol] = _Known()
        return known

    def _untimely(self, at: datetime, last: datetime | None, now: datetime) -> TickFault | None:
        limits, age = self._limits, now - at
        if age < self._youngest:
            return TickFault.IN_THE_FUTURE
        if age > limits.age:
            return TickFault.TOO_OLD
        if last is None or at >= last:
            return None
        return TickFault.TIME_BACKWARDS if last - at > limits.backwards else None

    def _is_far(self, known: _Known, price: float, at: datetime) -> bool:
        return abs(price - known.price) > self._limits.jump * known.price and self._has_reference(known, at)

    def _is_beside(self, known: _Known, bid: float, ask: float, at: datetime) -> bool:
        """Whether the last good price lies outside of a quote, by more than may be."""
        jump, price = self._limits.jump, known.price
        is_outside = price < bid * (1 - jump) or (ask > 0 and price > ask * (1 + jump))
        return is_outside and self._has_reference(known, at)

    def _has_reference(self, known: _Known, at: datetime) -> bool:
        return known.priced_at is not None and at - known.priced_at <= self._limits.reference_lasts

    def _vouches(self, known: _Known, price: float) -> bool:
        """Whether the standing quote has two sides, is narrow enough to say something, and stands around `price`."""
        jump, bid, ask = self._limits.jump, known.bid, known.ask
        return 0 < ask <= bid * (1 + jump) and bid * (1 - jump) <= price <= ask * (1 + jump)

    def _confirmed(self, known: _Known, price: float) -> bool:
        """Whether enough ticks in a row, this one included, agree on the doubtful `price`."""
        agrees = known.agreeing and abs(price - known.doubtful) <= self._limits.jump * known.doubtful
        known.agreeing = known.agreeing + 1 if agrees else 1
        known.doubtful = price
        return known.agreeing >= self._limits.confirmations

    def _refuse(self, tick: Quote | Print, fault: TickFault, expected: str, found: str) -> TickRefusal:
        self.refused[fault] += 1
        kind = "quote" if isinstance(tick, Quote) else "print"
        where = f"{kind} of {tick.symbol} at {_stamp(tick).isoformat()}"
        problem = Problem(where, expected, found, severity="warning")
        return TickRefusal(tick.symbol, fault, problem)

    def _refuse_time(self, tick: Quote | Print, fault: TickFault, last: datetime | None, now: datetime) -> TickRefusal:
        limits = self._limits
        earliest = now - limits.age
        if fault is TickFault.TIME_BACKWARDS and last is not None:
            earliest = last - limits.backwards
        expected = f"a time from {earliest.isoformat()} to {(now + limits.ahead).isoformat()}"
        return self._refuse(tick, fault, expected, _stamp(tick).isoformat())

    def _refuse_jump(self, tick: Quote | Print, known: _Known, found: str) -> TickRefusal:
        expected = f"a price within {self._limits.jump:.0%} of the last good one, {known.price:g}, or others that agree"
        return self._refuse(tick, TickFault.PRICE_JUMP, expected, found)


_PRICE_EXPECTED: Final = "a price above 0, from 0.0001 to 1,000,000,000 USD"
_SIZE_EXPECTED: Final = "a whole number of shares, 0 or more"
_QUOTE_EXPECTED: Final = f"on each side {_PRICE_EXPECTED}, or 0 with size 0"


def _price(price: Decimal) -> float | None:
    """As a float: 0 for no price, None for what is none."""
    if not price.is_finite():
        return None
    value = float(price)
    return value if LOWEST_PRICE <= value <= HIGHEST_PRICE or value == 0 else None


def _stamp(tick: Quote | Print) -> datetime:
    return tick.quoted_at if isinstance(tick, Quote) else tick.traded_at


def _middle(bid: float, ask: float) -> float:
    return (bid + ask) / 2 if bid and ask else bid or ask


def _without_empty_sides(quote: Quote, bid: float, ask: float) -> tuple[Quote, float, float]:
    if not quote.bid_size and bid:
        quote, bid = replace(quote, bid=_NOTHING), 0.0
    if not quote.ask_size and ask:
        quote, ask = replace(quote, ask=_NOTHING), 0.0
    return quote, bid, ask


def _spelled(quote: Quote) -> str:
    return f"{quote.bid_size} at {quote.bid} to {quote.ask_size} at {quote.ask}"
