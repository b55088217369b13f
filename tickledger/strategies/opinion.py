"""What a strategy thinks of one feature row: the form that all of them answer in."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tickledger.domain.signal import SignalType

#: One row of a feature frame by column name; every strategy states the columns it reads.
FeatureRow = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Opinion:
    """What to do and how strongly, 0 to 1. HOLD is the absence of a view, so its confidence is 0.

    `reasons` are the numbers that decided, as a person reads them.
    """

    signal_type: SignalType
    confidence: float = 0.0
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def score(self) -> float:
        """The confidence with the sign of the position it asks for: + to hold the symbol, − to be without it."""
        return _SIGNS[self.signal_type] * self.confidence


def clipped(strength: float) -> float:
    """`strength` as a confidence: at least 0, at most 1."""
    return min(max(strength, 0.0), 1.0)


_SIGNS: Mapping[SignalType, int] = {
    SignalType.BUY: 1,
    SignalType.CLOSE_SHORT: 1,
    SignalType.HOLD: 0,
    SignalType.CLOSE_LONG: -1,
    SignalType.SELL: -1,
}
