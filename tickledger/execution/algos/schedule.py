"""When how much of a parent order is due: slices of a window, each with its weight.

A slice's shares are due at its beginning and have until its end. The shares of all slices are exactly the parent's:
the cumulative number at the end of each slice is rounded down to whole lots, that of the last is the whole.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from tickledger.execution.algos.parent import AlgoState
from tickledger.execution.algos.sizing import whole_lots
from tickledger.execution.algos.terms import Terms

_NOTHING: Final = Decimal(0)


class CatchUp(StrEnum):
    """What becomes of shares that should have been sent and were not (a halt, a passive child that did not fill).

    SPREAD adds them to all slices to come, by their weights; AT_ONCE to the next child.
    """

    SPREAD = "spread"
    AT_ONCE = "at once"


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the window with its share of the quantity, any positive number relative to the others'."""

    starts_at: datetime
    ends_at: datetime
    weight: Decimal

    def elapsed(self, now: datetime) -> Decimal:
        """The part of the slice that has passed, from 0 to 1."""
        length = (self.ends_at - self.starts_at).total_seconds()
        passed = (now - self.starts_at).total_seconds() / length if length else 1.0
        return Decimal(repr(min(max(passed, 0.0), 1.0)))


def current_slice(slices: Sequence[Slice], now: datetime) -> int | None:
    """The number of the last slice that has begun, None before the first."""
    number = bisect_right(slices, now, key=lambda each: each.starts_at) - 1
    return number if number >= 0 else None


def cumulative(slices: Sequence[Slice], number: int, quantity: Decimal, terms: Terms) -> Decimal:
    """The shares due by the end of slice `number`, when nothing was missed."""
    if number == len(slices) - 1:
        return quantity
    return whole_lots(quantity * _weight(slices[: number + 1]) / _weight(slices), terms)


def planned(slices: Sequence[Slice], quantity: Decimal, now: datetime) -> Decimal:
    """The shares that should be filled at `now`, evenly within each slice; not rounded."""
    number = current_slice(slices, now)
    if number is None:
        return _NOTHING
    part = slices[number]
    return quantity * (_weight(slices[:number]) + part.weight * part.elapsed(now)) / _weight(slices)


def due(
    slices: Sequence[Slice], number: int, state: AlgoState, now: datetime, *, terms: Terms, catch_up: CatchUp
) -> Decimal:
    """The shares that should be filled or working in slice `number`, missed ones as `catch_up` says."""
    quantity = state.parent.quantity
    if catch_up is CatchUp.AT_ONCE or number == len(slices) - 1:
        return cumulative(slices, number, quantity, terms)
    before = _committed_before(slices[number], state, now, terms)
    to_come = _weight(slices[number:])
    if not to_come:
        return quantity
    left = max(quantity - before, _NOTHING)
    return before + whole_lots(left * slices[number].weight / to_come, terms)


def _weight(slices: Sequence[Slice]) -> Decimal:
    return sum((each.weight for each in slices), _NOTHING)


def _committed_before(part: Slice, state: AlgoState, now: datetime, terms: Terms) -> Decimal:
    """What the children of earlier slices have filled, or may still fill."""
    earlier = (child for child in state.children if child.order.submitted_at < part.starts_at)
    return sum((child.committed(now, terms.settling) for child in earlier), _NOTHING)
