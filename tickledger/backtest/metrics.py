"""Performance metrics of a series of periodic returns, by the formulas of the specification (convention `spec`).

    excess          returns − risk_free_rate / periods
    Sharpe          √periods × mean(excess) / std(excess)
    Sortino         √periods × mean(excess) / std(excess where excess < 0)
    max drawdown    min(wealth / highest wealth so far − 1), wealth = 1, then Π(1 + returns)
    annual return   (1 + mean(returns))^periods − 1
    Calmar          annual return / |max drawdown|

Standard deviations are of a sample (ddof 1), and Sortino's is about the mean of the negative excess returns, as
`pandas.Series.std` takes them in the specification. The starting capital counts in the drawdown: a loss on the
first day is one. A missing return (NaN) is a missing day. What is not defined (no returns, no variance, no
drawdown, no losing day) is None, never NaN or an infinity. Returns are fractions; wealth that is lost stays lost.
"""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

PERIODS_PER_YEAR: Final = 252
RISK_FREE_RATE: Final = 0.02
#: A deviation below this part of the largest return is the rounding of a constant series.
_NO_VARIANCE: Final = 1e-12

Returns = pd.Series | NDArray[np.float64]


def returns_of(equity: "pd.Series[float]") -> "pd.Series[float]":
    """The returns between the values of an equity curve, in its order; one fewer than there are values."""
    return equity.pct_change().iloc[1:]


def sharpe_ratio(
    returns: Returns, risk_free_rate: float = RISK_FREE_RATE, *, periods: int = PERIODS_PER_YEAR
) -> float | None:
    """The annualized Sharpe ratio; `risk_free_rate` is a year's."""
    excess = _present(returns) - risk_free_rate / periods
    return _ratio(excess, _deviation(excess), periods)


def sortino_ratio(
    returns: Returns, risk_free_rate: float = RISK_FREE_RATE, *, periods: int = PERIODS_PER_YEAR
) -> float | None:
    """The annualized Sortino ratio; `risk_free_rate` is a year's."""
    excess = _present(returns) - risk_free_rate / periods
    return _ratio(excess, _deviation(excess[excess < 0]), periods)


def max_drawdown(returns: Returns) -> float | None:
    """The deepest fall from a peak of wealth, as a fraction ≤ 0; None without returns."""
    present = _present(returns)
    if not present.size:
        return None
    wealth = np.concatenate(([1.0], np.cumprod(1.0 + present)))
    return float((wealth / np.maximum.accumulate(wealth) - 1.0).min())


def annual_return(returns: Returns, *, periods: int = PERIODS_PER_YEAR) -> float | None:
    """The arithmetic mean return, compounded over a year; None without returns."""
    present = _present(returns)
    return float((1.0 + present.mean()) ** periods - 1.0) if present.size else None


def annual_volatility(returns: Returns, *, periods: int = PERIODS_PER_YEAR) -> float | None:
    """The annualized standard deviation of returns; None for fewer than two, 0 where they are all equal."""
    present = _present(returns)
    return float(present.std(ddof=1) * np.sqrt(periods)) if present.size > 1 else None


def calmar_ratio(returns: Returns, *, periods: int = PERIODS_PER_YEAR) -> float | None:
    """The annual return over the depth of the deepest drawdown."""
    drawdown = max_drawdown(returns)
    yearly = annual_return(returns, periods=periods)
    return yearly / abs(drawdown) if drawdown and yearly is not None else None


def total_return(returns: Returns) -> float | None:
    """The compounded return of the whole series; None without returns."""
    present = _present(returns)
    return float(np.prod(1.0 + present) - 1.0) if present.size else None


def _present(returns: Returns) -> NDArray[np.float64]:
    values = np.asarray(returns, dtype=np.float64)
    return values[~np.isnan(values)]


def _deviation(values: NDArray[np.float64]) -> float | None:
    """The sample deviation, None where there is none to speak of."""
    if values.size < 2:  # noqa: PLR2004 - a deviation needs two values
        return None
    deviation = float(values.std(ddof=1))
    return deviation if deviation > _NO_VARIANCE * float(np.abs(values).max()) else None


def _ratio(excess: NDArray[np.float64], deviation: float | None, periods: int) -> float | None:
    return None if deviation is None else float(np.sqrt(periods) * excess.mean() / deviation)
