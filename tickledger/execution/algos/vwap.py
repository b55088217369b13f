"""VWAP: the window in equal intervals, each with the part of the quantity that the volume curve expects to trade in it.

Progress is held within a band around the schedule: up to half the band behind it children are passive, up to the band
at the middle, beyond it they cross; and no more works than the schedule and the band allow.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise
from typing import Final

from tickledger.execution.algos.parent import AlgoState, ChildAction, MarketView, ParentOrder
from tickledger.execution.algos.schedule import CatchUp, Slice, current_slice, due, planned
from tickledger.execution.algos.terms import Terms, Urgency, expect
from tickledger.execution.algos.volume_curve import VolumeCurve
from tickledger.execution.algos.working import Wanted, worked

_ONE: Final = Decimal(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vwap:
    """The schedule of a volume curve; raises ConfigurationError for settings that make none.

    `tolerance` is the band on either side of the schedule as a part of the parent's quantity; it is never narrower
    than a round lot. Outside the curve's session nothing is expected to trade: the schedule waits.
    """

    curve: VolumeCurve
    terms: Terms = field(default_factory=Terms)
    interval: timedelta = timedelta(minutes=5)
    tolerance: Decimal = Decimal("0.05")
    catch_up: CatchUp = CatchUp.AT_ONCE

    def __post_init__(self) -> None:
        expect(self.interval >= timedelta(seconds=1), "interval", "a second or more", self.interval)
        expect(0 <= self.tolerance <= 1, "tolerance", "0 to 1", self.tolerance)

    @property
    def name(self) -> str:
        """How the algorithm is recorded."""
        return "VWAP"

    def decide(self, state: AlgoState, now: datetime, market: MarketView) -> list[ChildAction]:
        """What to send, take back and move now."""
        return worked(state, now, market, terms=self.terms, wanted=lambda _: self._wanted(state, now))

    def schedule(self, parent: ParentOrder) -> tuple[Slice, ...]:
        """The intervals of `parent`'s window; the last may be shorter."""
        return _intervals(self, parent)

    def band(self, parent: ParentOrder) -> Decimal:
        """How far from the schedule progress may be, shares."""
        return max(parent.quantity * self.tolerance, self.terms.round_lot)

    def _wanted(self, state: AlgoState, now: datetime) -> Wanted:
        parent, slices = state.parent, self.schedule(state.parent)
        number = current_slice(slices, now) or 0
        band = self.band(parent)
        shares = due(slices, number, state, now, terms=self.terms, catch_up=self.catch_up)
        behind = planned(slices, parent.quantity, now) - state.filled
        urgency = _urgency(behind, band)
        return Wanted(shares, shares + band, urgency, f"interval {number + 1} of {len(slices)}")


def _urgency(behind: Decimal, band: Decimal) -> Urgency:
    if behind * 2 <= band:
        return Urgency.PASSIVE
    return Urgency.MID if behind <= band else Urgency.CROSS


@lru_cache(maxsize=256)
def _intervals(vwap: Vwap, parent: ParentOrder) -> tuple[Slice, ...]:
    count = -((parent.starts_at - parent.ends_at) // vwap.interval)
    edges = [parent.starts_at + vwap.interval * number for number in range(count)] + [parent.ends_at]
    traded = [vwap.curve.traded_by(edge) for edge in edges]
    weights = [later - earlier for earlier, later in pairwise(traded)]
    # A window that lies wholly outside the session has no expectations to follow.
    weights = weights if any(weights) else [_ONE] * count
    return tuple(Slice(*bounds, weight) for bounds, weight in zip(pairwise(edges), weights, strict=True))
