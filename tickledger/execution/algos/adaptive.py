"""Adaptive: a part of the volume that the market trades, between a least and a most, at prices that urgency sets.

The parent keeps to `rate` of the shares traded while it is watched, its own included (as exchanges count them). The
rate rises towards `max_rate` where at the present pace the window would end before the order is filled, and falls to
`min_rate` while the spread is wider than `wide_spread_bps`. Falling behind `min_rate` it becomes urgent, whatever the
setting. Only FINISH, at the very end of the window, sends more than `max_rate` allows.

| patience | within its rates                  | behind `min_rate` |
|----------|-----------------------------------|-------------------|
| PATIENT  | at the near touch                 | at the middle     |
| NORMAL   | at the middle                     | crosses           |
| URGENT   | crosses                           | crosses           |

With a wide spread nothing crosses: what would is priced at the middle.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from tickledger.domain.bar import Quote
from tickledger.execution.algos.parent import AlgoState, ChildAction, MarketView
from tickledger.execution.algos.pricing import spread_bps
from tickledger.execution.algos.terms import Terms, Urgency, expect
from tickledger.execution.algos.working import Wanted, worked


class Patience(StrEnum):
    """How much price is given up for certainty."""

    PATIENT = "patient"
    NORMAL = "normal"
    URGENT = "urgent"


_WITHIN: Final[Mapping[Patience, Urgency]] = {
    Patience.PATIENT: Urgency.PASSIVE,
    Patience.NORMAL: Urgency.MID,
    Patience.URGENT: Urgency.CROSS,
}
_BEHIND: Final[Mapping[Patience, Urgency]] = {
    Patience.PATIENT: Urgency.MID,
    Patience.NORMAL: Urgency.CROSS,
    Patience.URGENT: Urgency.CROSS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Adaptive:
    """Participation in the observed volume; raises ConfigurationError unless 0 ≤ min_rate ≤ rate ≤ max_rate ≤ 1."""

    rate: Decimal = Decimal("0.10")
    min_rate: Decimal = Decimal("0.05")
    max_rate: Decimal = Decimal("0.20")
    patience: Patience = Patience.NORMAL
    wide_spread_bps: Decimal = Decimal(20)
    terms: Terms = field(default_factory=Terms)

    def __post_init__(self) -> None:
        rates = (self.min_rate, self.rate, self.max_rate)
        is_rising = 0 <= self.min_rate <= self.rate <= self.max_rate <= 1 and self.max_rate > 0
        expect(is_rising, "rates", "0 ≤ min_rate ≤ rate ≤ max_rate ≤ 1, max_rate above 0", ", ".join(map(str, rates)))
        expect(self.wide_spread_bps > 0, "wide_spread_bps", "basis points above 0", self.wide_spread_bps)

    @property
    def name(self) -> str:
        """How the algorithm is recorded."""
        return "ADAPTIVE"

    def decide(self, state: AlgoState, now: datetime, market: MarketView) -> list[ChildAction]:
        """What to send, take back and move now."""
        return worked(state, now, market, terms=self.terms, wanted=lambda quote: self._wanted(state, now, quote))

    def _wanted(self, state: AlgoState, now: datetime, quote: Quote) -> Wanted:
        is_wide = spread_bps(quote) > self.wide_spread_bps
        volume, quantity, before = Decimal(state.observed_volume), state.parent.quantity, state.filled_before
        rate = self.min_rate if is_wide else self._rate(state, now)
        least = min(before + self.min_rate * volume, quantity)
        most = min(before + self.max_rate * volume, quantity)
        is_behind = least - state.filled > self.terms.round_lot
        urgency = (_BEHIND if is_behind else _WITHIN)[self.patience]
        if is_wide and urgency is Urgency.CROSS:
            urgency = Urgency.MID
        return Wanted(min(before + rate * volume, quantity), most, urgency, f"{rate:.4f} of {volume} shares traded")

    def _rate(self, state: AlgoState, now: datetime) -> Decimal:
        """The rate that fills the order by the window's end if the market goes on as it did, within the limits.

        In the time that is left, volume × left / passed shares will trade beside those that have.
        """
        parent = state.parent
        passed, left = now - parent.starts_at, parent.ends_at - now
        if not passed or not state.observed_volume:
            return self.rate
        expected = state.observed_volume * (1 + Decimal(repr(left / passed)))
        needed = (parent.quantity - state.filled_before) / expected
        return min(max(needed, self.rate), self.max_rate)
