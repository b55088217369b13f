"""TWAP: equal slices of the window, optionally varied in size and time by a seed.

Each slice's child starts at the first price of `steps` and is moved to the next as the slice goes by: passive at
first, through the spread before it ends. There are never more slices than the quantity has children of the smallest
size. The same seed and parent order give the same slices, after a restart as before it.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from random import Random
from typing import Final

from tickledger.execution.algos.parent import AlgoState, ChildAction, MarketView, ParentOrder
from tickledger.execution.algos.schedule import CatchUp, Slice, current_slice, due
from tickledger.execution.algos.terms import Terms, Urgency, expect
from tickledger.execution.algos.working import Wanted, worked

#: From which part of a slice on which price; the first applies from its beginning.
Steps = tuple[tuple[Decimal, Urgency], ...]
PASSIVE_THEN_CROSS: Final[Steps] = (
    (Decimal(0), Urgency.PASSIVE),
    (Decimal("0.5"), Urgency.MID),
    (Decimal("0.8"), Urgency.CROSS),
)
_GRAIN: Final = 1_000_000
_HALF: Final = Decimal("0.5")


@dataclass(frozen=True, slots=True, kw_only=True)
class Twap:
    """Equal slices over the window; raises ConfigurationError for settings that make none.

    `size_variation` (0 up to, not including, 1) is how far a slice's size strays from the others', as a part of it;
    `time_variation` (0 up to, not including, 0.5) how far its beginning strays, as a part of a slice's length.
    """

    slices: int
    terms: Terms = field(default_factory=Terms)
    steps: Steps = PASSIVE_THEN_CROSS
    catch_up: CatchUp = CatchUp.SPREAD
    size_variation: Decimal = Decimal(0)
    time_variation: Decimal = Decimal(0)
    seed: int = 0

    def __post_init__(self) -> None:
        expect(self.slices >= 1, "slices", "1 or more", self.slices)
        expect(0 <= self.size_variation < 1, "size_variation", "at least 0 and below 1", self.size_variation)
        expect(0 <= self.time_variation < _HALF, "time_variation", "at least 0 and below 0.5", self.time_variation)
        parts = [part for part, _ in self.steps]
        is_rising = bool(parts) and parts[0] == 0 and parts == sorted(parts)
        expect(is_rising, "steps", "parts of a slice that rise from 0", parts)

    @property
    def name(self) -> str:
        """How the algorithm is recorded."""
        return "TWAP"

    def decide(self, state: AlgoState, now: datetime, market: MarketView) -> list[ChildAction]:
        """What to send, take back and move now."""
        return worked(state, now, market, terms=self.terms, wanted=lambda _: self._wanted(state, now))

    def schedule(self, parent: ParentOrder) -> tuple[Slice, ...]:
        """The slices of `parent`."""
        return _slices(self, parent)

    def _wanted(self, state: AlgoState, now: datetime) -> Wanted:
        slices = self.schedule(state.parent)
        number = current_slice(slices, now)
        if number is None:
            return Wanted(Decimal(0), state.parent.quantity, Urgency.PASSIVE, "the first slice has not begun")
        urgency = urgency_after(self.steps, slices[number].elapsed(now))
        shares = due(slices, number, state, now, terms=self.terms, catch_up=self.catch_up)
        # What works of earlier slices stays: a slice that is late is not taken back.
        ceiling = state.parent.quantity
        return Wanted(shares, ceiling, urgency, f"slice {number + 1} of {len(slices)}")


def urgency_after(steps: Steps, elapsed: Decimal) -> Urgency:
    """The price that applies once `elapsed` (0 to 1) of a slice has passed."""
    return next(urgency for part, urgency in reversed(steps) if elapsed >= part)


@lru_cache(maxsize=256)
def _slices(twap: Twap, parent: ParentOrder) -> tuple[Slice, ...]:
    least = max(twap.terms.round_lot, twap.terms.minimum_child)
    count = max(1, min(twap.slices, int(parent.quantity // least)))
    # Not for secrets: the same seed has to give the same slices.
    chance = Random(f"{twap.seed} {parent.order.order_id}")  # noqa: S311
    length = (parent.ends_at - parent.starts_at) / count
    starts = [_varied_start(parent.starts_at, length, number, twap, chance) for number in range(count)]
    weights = [1 + twap.size_variation * _stray(chance) for _ in range(count)]
    ends = [*starts[1:], parent.ends_at]
    return tuple(Slice(*each) for each in zip(starts, ends, weights, strict=True))


def _varied_start(first: datetime, length: timedelta, number: int, twap: Twap, chance: Random) -> datetime:
    """The beginning of a slice; that of the first strays forwards only, so that none lies before the window."""
    stray = _stray(chance)
    moved = twap.time_variation * (abs(stray) if number == 0 else stray)
    return first + length * number + length * float(moved)


def _stray(chance: Random) -> Decimal:
    """A number from −1 to 1, evenly distributed."""
    return Decimal(chance.randint(-_GRAIN, _GRAIN)) / _GRAIN
