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
from itertools import accumulate
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
    number = bisect_right([each.starts_at for each in slices], now) - 1
    return number if number >= 0 else None


def cumulative(slices: Sequence[Slice], quantity: Decimal, terms: Terms) -> list[Decimal]:
    """The shares due by the end of each slice, when nothing was missed."""
    weights = list(accumulate(each.weight for each in slices))
    return [*(whole_lots(quantity * weight / weights[-1], terms) for weight in weights[:-1]), quantity]


def planned(slices: Sequence[Slice], quantity: Decimal, now: datetime) -> Decimal:
    """The shares that should be filled at `now`, evenly within each slice; not rounded."""
    total = sum((each.weight for each in slices), _NOTHING)
    done = sum((each.weight * each.elapsed(now) for each in slices), _NOTHING)
    return quantity * done / total


def due(
    slices: Sequence[Slice], number: int, state: AlgoState, now: datetime, *, terms: Terms, catch_up: CatchUp
) -> Decimal:
    """The shares that should be filled or working in slice `number`, missed ones as `catch_up` says."""
    quantity = state.parent.quantity
    if catch_up is CatchUp.AT_ONCE or number == len(slices) - 1:
        return cumulative(slices, quantity, terms)[number]
    before = _committed_before(slices[number], state, now, terms)
    to_come = sum((each.weight for each in slices[number:]), _NOTHING)
    if not to_come:
        return quantity
    left = max(quantity - before, _NOTHING)
    return before + whole_lots(left * slices[number].weight / to_come, terms)


def _committed_before(part: Slice, state: AlgoState, now: datetime, terms: Terms) -> Decimal:
    """What the children of earlier slices have filled, or may still fill."""
    earlier = (child for child in state.children if child.order.submitted_at < part.starts_at)
    return sum((child.committed(now, terms.settling) for child in earlier), _NOTHING)
