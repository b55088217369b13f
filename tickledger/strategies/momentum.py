"""Momentum: what has risen for a quarter, for its own volatility, goes on rising.

    strength = log return of 63 sessions / (annual volatility of 63 sessions × √(63/252))
    BUY  where strength ≥ +enter and the close is above its 50-session average
    SELL where strength ≤ −enter and the close is below it; HOLD in between

Time-series momentum: T. Moskowitz, Y. H. Ooi, L. H. Pedersen, J. Financial Economics 104 (2012) 228.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Final

from tickledger.domain.signal import SignalType
from tickledger.strategies.opinion import FeatureRow, Opinion, clipped

_QUARTER_OF_A_YEAR: Final = 63 / 252


@dataclass(frozen=True, slots=True)
class MomentumRule:
    """`enter` and `full` are strengths in standard deviations: where a view begins and where it is certain."""

    enter: float = 0.5
    full: float = 2.0


def momentum(row: FeatureRow, rule: MomentumRule = MomentumRule()) -> Opinion:
    """Reads `log_return_63, volatility_63, sma_50_gap`."""
    deviation = row["volatility_63"] * sqrt(_QUARTER_OF_A_YEAR)
    strength = row["log_return_63"] / deviation if deviation > 0 else 0.0
    reasons = {"strength": f"{strength:+.2f} deviations", "sma_50_gap": f"{row['sma_50_gap']:+.2%}"}
    if strength >= rule.enter and row["sma_50_gap"] > 0:
        return Opinion(SignalType.BUY, clipped(strength / rule.full), reasons)
    if strength <= -rule.enter and row["sma_50_gap"] < 0:
        return Opinion(SignalType.SELL, clipped(-strength / rule.full), reasons)
    return Opinion(SignalType.HOLD, reasons=reasons)
