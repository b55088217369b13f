"""The composite: the weighted vote of the other strategies, and the one that trades.

    score = Σ weight × sign × confidence / Σ weight        sign: + BUY, − SELL or CLOSE_LONG, 0 HOLD
    BUY where score ≥ enter, CLOSE_LONG where score ≤ leave, HOLD in between

Between the two thresholds a position is kept, so that a vote that hovers does not trade every day.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from tickledger.domain.signal import SignalType
from tickledger.strategies.opinion import Opinion, clipped

#: A quarter's trend decides most, days of excess nearly as much; the model, whose edge is small, tips the balance.
WEIGHTS: Final[Mapping[str, float]] = MappingProxyType({"momentum": 0.40, "mean_reversion": 0.35, "ml": 0.25})


@dataclass(frozen=True, slots=True)
class CompositeRule:
    """Scores lie in −1 to 1; `enter` and `leave` are where a position is opened and given up."""

    weights: Mapping[str, float] = field(default_factory=lambda: WEIGHTS)
    enter: float = 0.25
    leave: float = -0.10


def composite(opinions: Mapping[str, Opinion], rule: CompositeRule = CompositeRule()) -> Opinion:
    """Takes the opinion of every strategy that has a weight; confidence is the score's distance from 0."""
    total = sum(rule.weights.values())
    score = sum(weight * opinions[name].score for name, weight in rule.weights.items()) / total
    reasons = {"score": _signed(score, 3)} | {name: _signed(opinions[name].score, 2) for name in rule.weights}
    if score >= rule.enter:
        return Opinion(SignalType.BUY, clipped(score), reasons)
    if score <= rule.leave:
        return Opinion(SignalType.CLOSE_LONG, clipped(-score), reasons)
    return Opinion(SignalType.HOLD, reasons=reasons)


def _signed(value: float, decimals: int) -> str:
    """`value` with its sign; what rounds to nothing has none of its own."""
    return f"{round(value, decimals) + 0.0:+.{decimals}f}"
