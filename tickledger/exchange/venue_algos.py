"""IB's own algorithms as the venue works them: how much of an order is let out by now, and where it stands.

| algo     | let out                                             | stands                                          |
|----------|-----------------------------------------------------|-------------------------------------------------|
| Adaptive | all at once                                         | Patient: our side of the quote for a minute, at |
|          |                                                     | the midpoint until the third, then the touch;   |
|          |                                                     | Normal: 10 s, 30 s; Urgent: midpoint for 5 s    |
| Twap     | in proportion to the time gone by                   | by strategyType: the touch (Marketable), the    |
|          |                                                     | midpoint, our side, or the last price           |
| Vwap     | in proportion to the volume expected by the clock,  | the touch; with noTakeLiq our side of the quote |
|          | at most maxPctVol of the volume since the start     |                                                 |

An order's own limit always holds. Twap and Vwap work from startTime to endTime (else from now to the close) in steps
of a minute; what was let out and not filled is tried again. At endTime the rest is cancelled, or, with
allowPastEndTime, let out at the touch until the close. IB's algorithms are not published: these are stand-ins that
keep the parameters' promises. `speedUp` asks for nothing that is not done anyway. Where time stands no window passes:
an algorithm that has begun lets everything out at once, and its patience is over.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_CEILING, ROUND_DOWN, ROUND_FLOOR, Decimal, InvalidOperation
from enum import Enum, auto
from typing import Final, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tickledger.exchange.price_rules import capped
from tickledger.exchange.venue_book import Market
from tickledger.exchange.venue_checks import Refusal, price_increment
from tickledger.exchange.venue_orders import VenueOrder, VenueOrderType, VenueTerm
from tickledger.exchange.venue_path import volume_weight
from tickledger.exchange.venue_settings import VenueSettings

STEP: Final = timedelta(minutes=1)
ADAPTIVE_STEP: Final = timedelta(seconds=5)
_BASE_TYPES: Final = frozenset({VenueOrderType.MKT, VenueOrderType.LMT})
_BASE_TERMS: Final = frozenset({VenueTerm.DAY, VenueTerm.GTC})
_ALGOS: Final = frozenset({"Adaptive", "Twap", "Vwap"})
_LEAST_PART: Final = Decimal("0.01")
_LARGEST_PART: Final = Decimal("0.50")
_EASTERN: Final = ZoneInfo("America/New_York")
_GRID: Final = 60


Choice = TypeVar("Choice")


class Stand(Enum):
    """Where an order stands in the quote."""

    TOUCH = auto()
    MIDPOINT = auto()
    OUR_SIDE = auto()
    LAST = auto()


#: Until so long after its start an Adaptive order stands there; then it takes the touch.
_PATIENCE: Final[Mapping[str, tuple[tuple[timedelta, Stand], ...]]] = {
    "Urgent": ((timedelta(seconds=5), Stand.MIDPOINT),),
    "Normal": ((timedelta(seconds=10), Stand.OUR_SIDE), (timedelta(seconds=30), Stand.MIDPOINT)),
    "Patient": ((timedelta(minutes=1), Stand.OUR_SIDE), (timedelta(minutes=3), Stand.MIDPOINT)),
}
_TWAP_STANDS: Final[Mapping[str, Stand]] = {
    "Marketable": Stand.TOUCH,
    "Matching Midpoint": Stand.MIDPOINT,
    "Matching Same Side": Stand.OUR_SIDE,
    "Matching Last": Stand.LAST,
}


@dataclass(frozen=True, slots=True)
class AlgoPlan:
    """An algorithm at work: its window, what its parameters ask for, and the shares `done` before it began."""

    name: str
    starts_at: datetime
    ends_at: datetime
    opens_at: datetime
    closes_at: datetime
    patience: tuple[tuple[timedelta, Stand], ...] = ()
    stand: Stand = Stand.TOUCH
    largest_part: Decimal | None = None
    goes_on_after_end: bool = True
    done: Decimal = Decimal(0)

    @property
    def step(self) -> timedelta:
        """How often it looks again."""
        return ADAPTIVE_STEP if self.patience else STEP

    def is_over(self, now: datetime) -> bool:
        """Whether its window has ended and the rest is to be cancelled."""
        return now >= self.ends_at and not self.goes_on_after_end

    @property
    def last_stand(self) -> Stand:
        """Where the order stands while its window lasts, once its patience is over."""
        return Stand.TOUCH if self.patience else self.stand

    def stand_at(self, now: datetime) -> Stand:
        """Where the order stands now."""
        if not self.patience:
            return Stand.TOUCH if now >= self.ends_at else self.stand
        elapsed = now - self.starts_at
        return next((stand for until, stand in self.patience if elapsed < until), Stand.TOUCH)

    def released(self, quantity: Decimal, now: datetime, *, volume: int, lot: int) -> Decimal | None:
        """How many shares are let out by now, when `volume` shares have traded since the start; None for all."""
        if self.patience:
            return None
        part = _part(self, min(now + STEP, self.ends_at)) if now >= self.starts_at else Decimal(0)
        left = quantity - self.done
        shares = (left * part / lot).quantize(Decimal(1), rounding=ROUND_DOWN) * lot if part < 1 else left
        if self.largest_part is not None and now < self.ends_at:
            shares = min(shares, (self.largest_part * volume).quantize(Decimal(1), rounding=ROUND_DOWN))
        return self.done + shares


def _part(plan: AlgoPlan, at: datetime) -> Decimal:
    """The part of the order that is due at an instant of its window."""
    if at >= plan.ends_at:
        return Decimal(1)
    gone = (at - plan.starts_at) / (plan.ends_at - plan.starts_at)
    if plan.name == "Twap":
        return Decimal(repr(gone))
    return Decimal(repr(_expected(plan, gone) / _expected(plan, 1.0)))


def _expected(plan: AlgoPlan, gone: float) -> float:
    """The volume expected in the first `gone` of the window, in proportion."""
    session = (plan.closes_at - plan.opens_at).total_seconds()
    start = (plan.starts_at - plan.opens_at).total_seconds() / session
    width = (plan.ends_at - plan.starts_at).total_seconds() / session * gone
    return sum(volume_weight(start + width * (place + 0.5) / _GRID) for place in range(_GRID)) * width / _GRID


def standing_limit(order: VenueOrder, stand: Stand, market: Market, settings: VenueSettings) -> Decimal | None:
    """The limit an order has where it stands, its own limit at most; None where it has none."""
    price = _standing_price(stand, market, is_buy=order.is_buy)
    if price is None:
        return order.limit_price
    increment = price_increment(price, settings)
    rounding = ROUND_FLOOR if order.is_buy else ROUND_CEILING
    rounded = (price / increment).to_integral_value(rounding=rounding) * increment
    return rounded if order.limit_price is None else capped(1 if order.is_buy else -1, rounded, order.limit_price)


def _standing_price(stand: Stand, market: Market, *, is_buy: bool) -> Decimal | None:
    quote, last = market.quote, market.last
    if stand is Stand.TOUCH or quote is None:
        return None
    if stand is Stand.MIDPOINT:
        return (quote.bid + quote.ask) / 2
    if stand is Stand.LAST and last is not None:
        return last.price
    return quote.bid if is_buy else quote.ask


def algo_refusal(order: VenueOrder) -> Refusal | None:
    """Why the venue cannot work an order's algorithm, None where it can, or there is none."""
    if not order.algo:
        return None
    if order.algo not in _ALGOS or order.order_type not in _BASE_TYPES or order.term not in _BASE_TERMS:
        return Refusal(442, f"Specified algorithm is not allowed for this order: {order.algo} on {order.order_type}")
    try:
        plan = plan_of(order, datetime.min.replace(tzinfo=UTC), opens_at=_FIRST, closes_at=_LAST)
    except ValueError as error:
        return Refusal(441, f"Algo attributes validation failed: {error}")
    if not plan.patience and plan.starts_at >= plan.ends_at:
        return Refusal(441, "Algo attributes validation failed: startTime is not before endTime")
    return None


_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)


def plan_of(order: VenueOrder, now: datetime, *, opens_at: datetime, closes_at: datetime) -> AlgoPlan:
    """The algorithm of an order that begins to work now, in a session; raises ValueError for its parameters."""
    params = order.algo_params
    if order.algo == "Adaptive":
        patience = _choice(params, "adaptivePriority", _PATIENCE, default="Normal")
        return AlgoPlan("Adaptive", now, closes_at, opens_at, closes_at, patience=patience)
    starts_at = max(_instant(params, "startTime", now) or now, now)
    ends_at = min(_instant(params, "endTime", starts_at) or closes_at, closes_at)
    window = (starts_at, ends_at, opens_at, closes_at)
    goes_on = _flag(params, "allowPastEndTime") or ends_at == closes_at
    if order.algo == "Twap":
        stand = _choice(params, "strategyType", _TWAP_STANDS, default="Marketable")
        return AlgoPlan("Twap", *window, stand=stand, goes_on_after_end=goes_on)
    stand = Stand.OUR_SIDE if _flag(params, "noTakeLiq") else Stand.TOUCH
    return AlgoPlan("Vwap", *window, stand=stand, largest_part=_largest_part(params), goes_on_after_end=goes_on)


def _choice(params: Mapping[str, str], name: str, choices: Mapping[str, Choice], *, default: str) -> Choice:
    found = params.get(name) or default
    if found not in choices:
        raise ValueError(f"{name}: expected one of {', '.join(choices)}, found {found!r}")
    return choices[found]


def _flag(params: Mapping[str, str], name: str) -> bool:
    found = params.get(name) or "0"
    if found not in {"0", "1"}:
        raise ValueError(f"{name}: expected 0 or 1, found {found!r}")
    return found == "1"


def _largest_part(params: Mapping[str, str]) -> Decimal | None:
    found = params.get("maxPctVol")
    if not found:
        return None
    try:
        part = Decimal(found)
    except InvalidOperation:
        part = Decimal(0)
    if part.is_nan() or not _LEAST_PART <= part <= _LARGEST_PART:
        raise ValueError(f"maxPctVol: expected 0.01 to 0.50, found {found!r}")
    return part


def _instant(params: Mapping[str, str], name: str, day_of: datetime) -> datetime | None:
    """The instant that a parameter spells: `yyyymmdd-hh:mm:ss` in UTC, `[yyyymmdd ]hh:mm:ss ZONE`; None if absent."""
    found = params.get(name)
    if not found:
        return None
    try:
        return _spelled(found, day_of)
    except (ValueError, OverflowError, OSError, ZoneInfoNotFoundError) as error:
        # A zone that is a folder of the zones' files fails as a file would; a date at the calendar's end overflows.
        raise ValueError(f"{name}: expected yyyymmdd-hh:mm:ss or hh:mm:ss US/Eastern, found {found!r}") from error


def _spelled(text: str, day_of: datetime) -> datetime:
    if "-" in text and " " not in text:
        return datetime.strptime(text, "%Y%m%d-%H:%M:%S").replace(tzinfo=UTC)
    *day, clock, zone = text.split() if len(text.split()) > 1 else [text, "US/Eastern"]
    local = ZoneInfo(zone)
    date_text = day[0] if day else f"{max(day_of, _EARLIEST).astimezone(_EASTERN):%Y%m%d}"
    return datetime.strptime(f"{date_text} {clock}", "%Y%m%d %H:%M:%S").replace(tzinfo=local).astimezone(UTC)


_EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
