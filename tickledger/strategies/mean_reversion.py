"""Mean reversion: what fell for days below its band comes back within days.

    BUY        where RSI(2) ≤ oversold and the close is in the lower part of its Bollinger band
    CLOSE_LONG where RSI(2) ≥ recovered; HOLD in between

RSI(2): L. Connors, C. Alvarez, *Short Term Trading Strategies That Work* (2008), ch. 9. Bands and %b:
J. Bollinger, *Bollinger on Bollinger Bands* (2001).
"""

from dataclasses import dataclass

from tickledger.domain.signal import SignalType
from tickledger.strategies.opinion import FeatureRow, Opinion, clipped


@dataclass(frozen=True, slots=True)
class MeanReversionRule:
    """RSI levels, 0 to 100, and the highest %b (0 lower band, 1 upper) at which a fall counts as one."""

    oversold: float = 10.0
    recovered: float = 70.0
    band_position: float = 0.2


def mean_reversion(row: FeatureRow, rule: MeanReversionRule = MeanReversionRule()) -> Opinion:
    """Reads `rsi_2, bollinger_position_20`. A view begins at confidence ½ and is certain at the end of the scale."""
    rsi, position = row["rsi_2"], row["bollinger_position_20"]
    reasons = {"rsi_2": f"{rsi:.1f}", "bollinger_position_20": f"{position:.2f}"}
    if rsi <= rule.oversold and position <= rule.band_position:
        return Opinion(SignalType.BUY, clipped(1 - rsi / rule.oversold / 2), reasons)
    if rsi >= rule.recovered:
        beyond = (rsi - rule.recovered) / (100 - rule.recovered)
        return Opinion(SignalType.CLOSE_LONG, clipped((1 + beyond) / 2), reasons)
    return Opinion(SignalType.HOLD, reasons=reasons)
