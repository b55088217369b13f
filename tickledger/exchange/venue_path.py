"""What happens inside a bar, made up by a seed where nobody recorded it: a day's minutes, a minute's quotes and prints.

The first minute opens at the day's open, the last closes at its close, one minute reaches the day's high, one its
low, none goes beyond, and the minutes' volumes add up to the day's, high in the morning and before the close. A
minute is told in the same way by prints: they begin at its open, touch its high and its low, end at its close and
add up to its volume.

Around every print stands a quote, one spread wide: the print is at its bid or at its ask. Bid and ask lie inside the
minute's range, save in a minute that is narrower than two spreads: there one of them may stand outside, by a spread
at most. Prices are whole numbers of 1/10,000 USD in here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import accumulate, pairwise
from math import sqrt
from random import Random
from typing import Final, NamedTuple

from tickledger.domain.bar import Print, Quote
from tickledger.exchange.venue_orders import MinuteBar

UNITS_PER_DOLLAR: Final = 10_000
_UNITS_PER_CENT: Final = 100
MINUTE: Final = timedelta(minutes=1)
_ROUND_LOT: Final = 100
_EVEN: Final = 0.5
_BASIS_POINTS: Final = 10_000
_FEWEST_TICKS: Final = 4
#: How far a minute wanders beyond its open and close, as a part of the day's range over √minutes.
_WANDER: Final = 0.35


@dataclass(frozen=True, slots=True)
class TapeStyle:
    """How bars are told: ticks a minute (4 at least), and the width of quotes in basis points (a tick at least)."""

    ticks_per_minute: int = 12
    spread_bps: float = 1.0

    def __post_init__(self) -> None:
        if self.ticks_per_minute < _FEWEST_TICKS or self.spread_bps < 0:
            raise ValueError(f"tape style: expected at least {_FEWEST_TICKS} ticks and a spread of 0 bps, found {self}")


class Span(NamedTuple):
    """The prices (1/10,000 USD) and the volume (shares) of a stretch of time."""

    open: int
    high: int
    low: int
    close: int
    volume: int


class TapeMinute(NamedTuple):
    """A minute of the tape; `is_regular` says that it lies between the session's open and close."""

    starts_at: datetime
    span: Span
    is_regular: bool

    def bar(self, symbol: str) -> MinuteBar:
        """The minute as it is told when it is over."""
        return bar_of(symbol, self.starts_at, self.span)


class Tick(NamedTuple):
    """A moment of a symbol: the quote that stands from then on, and the print in it, where there is one.

    `opens_minute` marks the first of a minute: the price may have jumped to it.
    """

    at: datetime
    quote: Quote | None
    trade: Print | None
    minute: TapeMinute
    opens_minute: bool


@lru_cache(maxsize=1 << 16)
def price_of(units: int) -> Decimal:
    """So many 1/10,000 USD as a price."""
    cents, rest = divmod(units, _UNITS_PER_CENT)
    return Decimal(units).scaleb(-4) if rest else Decimal(cents).scaleb(-2)


def bar_of(symbol: str, starts_at: datetime, span: Span) -> MinuteBar:
    """A stretch of time as a bar."""
    open_, high, low, close = (price_of(units) for units in span[:4])
    return MinuteBar(symbol, starts_at, open_, high, low, close, span.volume)


def units_of(price: float) -> int:
    """A raw price of a frame in 1/10,000 USD, to the nearest."""
    return round(price * UNITS_PER_DOLLAR)


def minutes_of_day(day: Span, opens_at: datetime, closes_at: datetime, *, seed: str) -> list[TapeMinute]:
    """The regular minutes of a day of which only the daily bar is known."""
    rng = Random(seed)  # noqa: S311 - a simulation that has to come out the same again
    count = int((closes_at - opens_at) / MINUTE)
    points = _points(day, count, rng)
    wander, grid = (day.high - day.low) / sqrt(count) * _WANDER, _increment(day.low)
    minutes = []
    for place, volume in enumerate(_volumes(day.volume, count, rng)):
        start, end = points[place], points[place + 1]
        above, below = (start, end) if start > end else (end, start)
        high = min(above + round(rng.random() * wander / grid) * grid, day.high)
        low = max(below - round(rng.random() * wander / grid) * grid, day.low)
        minutes.append(TapeMinute(opens_at + place * MINUTE, Span(start, high, low, end, volume), is_regular=True))
    return minutes


def _points(day: Span, count: int, rng: Random) -> list[int]:
    """Where the day is at the start of each of `count` minutes and at its end."""
    first, second = sorted(rng.sample(range(1, count), 2))
    extremes = (day.low, day.high) if rng.random() < _chance_of_low_first(day) else (day.high, day.low)
    stops = [(0, day.open), (first, extremes[0]), (second, extremes[1]), (count, day.close)]
    points = [day.open]
    for (start, at), (end, target) in pairwise(stops):
        points += _walk(day, at, target, end - start, step=(day.high - day.low) / sqrt(count), rng=rng)
    return points


def _walk(day: Span, start: int, end: int, steps: int, *, step: float, rng: Random) -> list[int]:
    """The `steps` prices after `start`, the last of which is `end`: a random walk that is drawn there."""
    position, grid, low, high, chance = float(start), _increment(day.low), day.low, day.high, rng.random
    points = []
    for left in range(steps, 1, -1):
        # The sum of three even chances less its middle: about normal, and a tenth of the time.
        position += (end - position) / left + (chance() + chance() + chance() - 1.5) * 2 * step
        position = low if position < low else min(position, high)
        price = round(position / grid) * grid
        points.append(low if price < low else min(price, high))
    points.append(end)
    return points


def _chance_of_low_first(day: Span) -> float:
    """A day that ends above its open has more likely been down before it was up."""
    return 0.7 if day.close >= day.open else 0.3


def _on_grid(position: float, within: Span) -> int:
    """The nearest price that may be quoted, inside the bar's range (whose ends may lie between such prices)."""
    grid = _increment(within.low)
    return min(max(round(position / grid) * grid, within.low), within.high)


def _increment(units: int) -> int:
    return _UNITS_PER_CENT if units >= UNITS_PER_DOLLAR else 1


def volume_weight(part: float) -> float:
    """How busy the market is at `part` of the session (0 its open, 1 its close), against 1 in the middle."""
    return 1 + 3 * (2 * part - 1) ** 2


@lru_cache(maxsize=8)
def _day_weights(count: int) -> tuple[float, ...]:
    return tuple(volume_weight((place + 0.5) / count) for place in range(count))


def _volumes(volume: int, count: int, rng: Random) -> list[int]:
    weights = [weight * (_EVEN + rng.random()) for weight in _day_weights(count)]
    return _shared(volume, weights)


def _shared(volume: int, weights: Sequence[float]) -> list[int]:
    """`volume` in whole shares by weight; they add up to it."""
    total = sum(weights)
    reached = [int(volume * part / total) for part in accumulate(weights)]
    reached[-1] = volume
    return [reached[0], *(after - before for before, after in pairwise(reached))]


def ticks_of_minute(symbol: str, minute: TapeMinute, *, style: TapeStyle, seed: str) -> list[Tick]:
    """The quotes and prints of a minute, in order."""
    rng = Random(seed)  # noqa: S311 - a simulation that has to come out the same again
    count, span = style.ticks_per_minute, minute.span
    first, second = sorted(rng.sample(range(1, count - 1), 2))
    prices = _ticked_prices(span, first, second, count)
    sizes = _print_sizes(span.volume, (count - 1, 0, first, second), count, rng)
    spread, lots = _spread(span, style), max(span.volume / count / _ROUND_LOT, 1.0)
    step, at, chance = MINUTE / count, minute.starts_at, rng.random
    ticks = []
    for place, (units, size) in enumerate(zip(prices, sizes, strict=True)):
        bid = _bid(units, spread, span, chance())
        bid_size, ask_size = _depth(lots, chance()), _depth(lots, chance())
        quote = Quote(symbol, at, price_of(bid), price_of(bid + spread), bid_size, ask_size)
        trade = Print(symbol, at, price_of(units), size) if size else None
        ticks.append(Tick(at, quote, trade, minute, place == 0))
        at += step
    return ticks


def _spread(span: Span, style: TapeStyle) -> int:
    grid = _increment(span.low)
    return max(grid, round(span.low * style.spread_bps / _BASIS_POINTS / grid) * grid)


def _bid(units: int, spread: int, span: Span, chance: float) -> int:
    """The bid of a quote around a print: the print is at it, or at the ask; inside the range, where that can be."""
    below = units - spread
    fits_below, fits_above = below >= span.low, units + spread <= span.high
    is_at_ask = fits_below and (not fits_above or chance < _EVEN)
    return below if is_at_ask and below > 0 else units


def _depth(lots: float, chance: float) -> int:
    """The shares of one side of a quote: about as many as a tick trades, in round lots."""
    return _ROUND_LOT * int(lots * (_EVEN + chance) + _EVEN)


def _ticked_prices(span: Span, first: int, second: int, count: int) -> list[int]:
    is_low_first = abs(span.open - span.low) <= abs(span.high - span.open)
    extremes = (span.low, span.high) if is_low_first else (span.high, span.low)
    stops = [(0, span.open), (first, extremes[0]), (second, extremes[1]), (count - 1, span.close)]
    prices = [span.open]
    for (start, at), (end, target) in pairwise(stops):
        between = ((at + (target - at) * place / (end - start)) for place in range(1, end - start))
        prices += [_on_grid(position, span) for position in between]
        prices.append(target)
    return prices


def _print_sizes(volume: int, most_telling: Sequence[int], count: int, rng: Random) -> list[int]:
    """A minute with fewer shares than ticks prints one by one: its close first of all, its open, its extremes."""
    if volume < count:
        rest = (place for place in range(count) if place not in most_telling)
        told = set([*most_telling, *rest][:volume])
        return [int(place in told) for place in range(count)]
    return [1 + size for size in _shared(volume - count, [_EVEN + rng.random() for _ in range(count)])]
