"""The model's opinion: its probability that the symbol rises over the coming sessions.

BUY where p ≥ ½ + band, SELL where p ≤ ½ − band, HOLD in between
confidence = |p − ½| / full_edge: certain where the edge is as large as such models are ever right about
"""

from dataclasses import dataclass
from typing import Final

from tickledger.domain.signal import SignalType
from tickledger.strategies.opinion import Opinion, clipped

_EVEN: Final = 0.5


@dataclass(frozen=True, slots=True)
class MlRule:
    """Both are differences of probability; `full_edge` is the one at which confidence is 1."""

    band: float = 0.03
    full_edge: float = 0.10


def ml(probability_up: float, rule: MlRule = MlRule()) -> Opinion:
    """Takes a probability, 0 to 1, that the adjusted close rises over the model's horizon."""
    edge = probability_up - _EVEN
    reasons = {"probability_up": f"{probability_up:.3f}"}
    if abs(edge) < rule.band:
        return Opinion(SignalType.HOLD, reasons=reasons)
    signal_type = SignalType.BUY if edge > 0 else SignalType.SELL
    return Opinion(signal_type, clipped(abs(edge) / rule.full_edge), reasons)
