"""The broker's own algorithms: IB's Adaptive, Twap and Vwap, as the strategy name and tag/value list IB takes.

Nothing of ours works these orders: one order with these parameters goes to the broker, which slices it. Parameters and
their values are those of IB's page on IBAlgos; what IB would refuse is refused here, with ConfigurationError.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from tickledger.domain.errors import ConfigurationError, OrderError
from tickledger.domain.order import Order, OrderType
from tickledger.execution.algos.terms import expect

_LEAST_PART: Final = Decimal("0.01")
_LARGEST_PART: Final = Decimal("0.50")


class AdaptivePriority(StrEnum):
    """How hard IB's Adaptive tries for a fast fill against a better price."""

    URGENT = "Urgent"
    NORMAL = "Normal"
    PATIENT = "Patient"


class TwapStrategyType(StrEnum):
    """What IB's Twap does with each of its slices."""

    MARKETABLE = "Marketable"
    MATCHING_MIDPOINT = "Matching Midpoint"
    MATCHING_SAME_SIDE = "Matching Same Side"
    MATCHING_LAST = "Matching Last"


@dataclass(frozen=True, slots=True)
class IbAdaptive:
    """IB's Adaptive, on a market or limit order."""

    priority: AdaptivePriority = AdaptivePriority.NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class IbTwap:
    """IB's Twap, on a limit order; without times it works from now to the close."""

    strategy_type: TwapStrategyType = TwapStrategyType.MARKETABLE
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    is_allowed_past_end: bool = False

    def __post_init__(self) -> None:
        _check_window(self.starts_at, self.ends_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class IbVwap:
    """IB's Vwap, on a limit order. `max_volume_part` is of the day's volume, 0.01 to 0.50."""

    max_volume_part: Decimal
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    is_allowed_past_end: bool = False
    is_never_taking: bool = False
    is_sped_up: bool = False

    def __post_init__(self) -> None:
        part = self.max_volume_part
        expect(_LEAST_PART <= part <= _LARGEST_PART, "Vwap maxPctVol", "0.01 to 0.50", part)
        _check_window(self.starts_at, self.ends_at)


BrokerAlgo = IbAdaptive | IbTwap | IbVwap
TagValues = tuple[tuple[str, str], ...]

_BASE_TYPES: Final[Mapping[type[BrokerAlgo], frozenset[OrderType]]] = {
    IbAdaptive: frozenset({OrderType.MARKET, OrderType.LIMIT}),
    IbTwap: frozenset({OrderType.LIMIT}),
    IbVwap: frozenset({OrderType.LIMIT}),
}


def algo_parameters(algo: BrokerAlgo) -> tuple[str, TagValues]:
    """IB's `algoStrategy` and `algoParams` for `algo`, tags in the order of IB's page."""
    match algo:
        case IbAdaptive():
            return "Adaptive", (("adaptivePriority", str(algo.priority)),)
        case IbTwap():
            return "Twap", (("strategyType", str(algo.strategy_type)), *_window(algo))
        case IbVwap():
            flags = (("noTakeLiq", _flag(algo.is_never_taking)), ("speedUp", _flag(algo.is_sped_up)))
            return "Vwap", (("maxPctVol", format(algo.max_volume_part, "f")), *_window(algo), *flags)


def check_base_order(order: Order, algo: BrokerAlgo) -> None:
    """Raise OrderError where IB does not take `algo` on an order of this type."""
    allowed = _BASE_TYPES[type(algo)]
    if order.order_type not in allowed:
        name, _ = algo_parameters(algo)
        expected = " or ".join(sorted(allowed))
        raise OrderError(f"order {order.order_id}: IB's {name} needs a {expected} order, found {order.order_type}")


def read_algo(strategy: str, parameters: Mapping[str, str]) -> BrokerAlgo:
    """The algorithm that IB's names spell; raises ConfigurationError for a name, tag or value that IB does not have.

    Times are read as `algo_parameters` writes them, in UTC.
    """
    reader = _READERS.get(strategy)
    if reader is None:
        raise ConfigurationError(f"algoStrategy: expected one of {', '.join(_READERS)}, found {strategy!r}")
    known, read = reader
    unknown = [tag for tag in parameters if tag not in known]
    if unknown:
        raise ConfigurationError(f"algoParams of {strategy}: expected {', '.join(known)}, found {', '.join(unknown)}")
    try:
        return read(parameters)
    except (KeyError, ValueError, ArithmeticError) as error:
        raise ConfigurationError(f"algoParams of {strategy}: expected IB's values, found {dict(parameters)}") from error


def _read_adaptive(tags: Mapping[str, str]) -> BrokerAlgo:
    return IbAdaptive(AdaptivePriority(tags["adaptivePriority"]))


def _read_twap(tags: Mapping[str, str]) -> BrokerAlgo:
    return IbTwap(
        strategy_type=TwapStrategyType(tags["strategyType"]),
        starts_at=_instant(tags.get("startTime")),
        ends_at=_instant(tags.get("endTime")),
        is_allowed_past_end=_is_set(tags.get("allowPastEndTime")),
    )


def _read_vwap(tags: Mapping[str, str]) -> BrokerAlgo:
    return IbVwap(
        max_volume_part=Decimal(tags["maxPctVol"]),
        starts_at=_instant(tags.get("startTime")),
        ends_at=_instant(tags.get("endTime")),
        is_allowed_past_end=_is_set(tags.get("allowPastEndTime")),
        is_never_taking=_is_set(tags.get("noTakeLiq")),
        is_sped_up=_is_set(tags.get("speedUp")),
    )


_WINDOW_TAGS: Final = ("startTime", "endTime", "allowPastEndTime")
_READERS: Final = {
    "Adaptive": (("adaptivePriority",), _read_adaptive),
    "Twap": (("strategyType", *_WINDOW_TAGS), _read_twap),
    "Vwap": (("maxPctVol", *_WINDOW_TAGS, "noTakeLiq", "speedUp"), _read_vwap),
}
_STAMP: Final = "%Y%m%d-%H:%M:%S"


def _window(algo: IbTwap | IbVwap) -> TagValues:
    """A time that is not set is left out: IB then takes the moment of the order, or the close."""
    times = (("startTime", algo.starts_at), ("endTime", algo.ends_at))
    told = tuple((tag, f"{at.astimezone(UTC):{_STAMP}}") for tag, at in times if at is not None)
    return (*told, ("allowPastEndTime", _flag(algo.is_allowed_past_end)))


def _check_window(starts_at: datetime | None, ends_at: datetime | None) -> None:
    for name, instant in (("startTime", starts_at), ("endTime", ends_at)):
        is_aware = instant is None or instant.tzinfo is not None
        expect(is_aware, name, "an instant with its time zone", instant)
    if starts_at is not None and ends_at is not None:
        expect(starts_at < ends_at, "endTime", f"an instant after {starts_at}", ends_at)


def _flag(is_set: bool) -> str:  # noqa: FBT001  the one thing it writes
    return "1" if is_set else "0"


def _is_set(text: str | None) -> bool:
    return {None: False, "0": False, "1": True}[text]


def _instant(text: str | None) -> datetime | None:
    return None if not text else datetime.strptime(text, _STAMP).replace(tzinfo=UTC)
