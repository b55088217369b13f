"""Why a portfolio earned other than its benchmark: the effects of Brinson and Fachler, linked over time by Cariño.

For a segment with weight w and return r in the portfolio (p) and the benchmark (b), whose return is R_b:

    allocation  = (w_p − w_b) (r_b − R_b)
    selection   = w_b (r_p − r_b)
    interaction = (w_p − w_b) (r_p − r_b)

Over all segments they add up to R_p − R_b, where the weights of both add up to 1. A segment is told by its weight and
its contribution c = w_p r_p, what it added to the portfolio's return: one that earned something on no weight has no
return, and its contribution is selection.

Effects of single periods do not add up over time, because returns compound. Each is multiplied by k_t / k,

    k_t = (ln(1 + R_p,t) − ln(1 + R_b,t)) / (R_p,t − R_b,t)         1 / (1 + R_p,t) where both are equal
    k   = the same of the compounded returns

and then all of them add up to the compounded excess return exactly.

Sources: G. P. Brinson, N. Fachler, "Measuring Non-US Equity Portfolio Performance", Journal of Portfolio Management 11,
1985; D. R. Cariño, "Combining Attribution Effects Over Time", Journal of Performance Measurement 3, 1999.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tickledger.reporting.table import Table

Floats = NDArray[np.float64]
EFFECTS: Final = ("allocation", "selection", "interaction")
#: Below this part of the portfolio a segment has no return of its own.
_NO_WEIGHT: Final = 1e-9


@dataclass(frozen=True, slots=True)
class AttributionEffect:
    """A part of what is attributed over the sessions from `start_date` to `session_date`, as a fraction.

    `kind` is sector or factor; the effects of one kind and period add up to the excess return over `benchmark`, or to
    the return. `segment` is the sector or factor, `effect` one of `EFFECTS`, `exposure` or `residual`.
    """

    account_id: str
    kind: str
    benchmark: str
    start_date: date
    session_date: date
    segment: str
    effect: str
    value: float


@dataclass(frozen=True, slots=True)
class SegmentDays:
    """Weights and returns by session (rows) and segment (columns), as fractions.

    `contributions` are w_p r_p of the portfolio. Weights of a session add up to 1, those of the benchmark too.
    """

    session_dates: tuple[date, ...]
    segments: tuple[str, ...]
    weights: Floats
    contributions: Floats
    benchmark_weights: Floats
    benchmark_returns: Floats

    @property
    def returns(self) -> Floats:
        """The portfolio's return of each session."""
        total: Floats = self.contributions.sum(axis=1)
        return total

    @property
    def returns_of_benchmark(self) -> Floats:
        """The benchmark's return of each session."""
        total: Floats = (self.benchmark_weights * self.benchmark_returns).sum(axis=1)
        return total

    def within(self, start: date, end: date) -> "SegmentDays":
        """The sessions from `start` to `end`."""
        rows = [place for place, day in enumerate(self.session_dates) if start <= day <= end]
        columns = (self.weights, self.contributions, self.benchmark_weights, self.benchmark_returns)
        return SegmentDays(
            tuple(self.session_dates[row] for row in rows), self.segments, *(column[rows] for column in columns)
        )


def brinson_fachler(days: SegmentDays) -> Floats:
    """The effects of each session: an array of sessions × segments × `EFFECTS`."""
    has_weight = np.abs(days.weights) > _NO_WEIGHT
    own = np.divide(days.contributions, days.weights, out=days.benchmark_returns.copy(), where=has_weight)
    over = days.weights - days.benchmark_weights
    better = own - days.benchmark_returns
    allocation = over * (days.benchmark_returns - days.returns_of_benchmark[:, None])
    on_nothing = np.where(has_weight, 0.0, days.contributions - days.weights * days.benchmark_returns)
    return np.stack((allocation, days.benchmark_weights * better + on_nothing, over * better), axis=2)


def linked(effects: Floats, returns: Floats, benchmark: Floats | None = None) -> Floats:
    """Effects of sessions (their first axis) over all of them; they add up to the compounded excess return.

    Without a benchmark they add up to the compounded return. Raises ValueError where all was lost in a session,
    because the logarithm of nothing is none.
    """
    against = np.zeros_like(returns) if benchmark is None else benchmark
    if np.any(returns <= -1) or np.any(against <= -1):
        raise ValueError("expected returns above −1, found a session in which all was lost")
    whole = [float(np.expm1(np.log1p(each).sum())) for each in (returns, against)]
    scale = _coefficients(returns, against) / _coefficients(*(np.array([each]) for each in whole))
    result: Floats = np.tensordot(scale, effects, axes=1)
    return result


def _coefficients(returns: Floats, benchmark: Floats) -> Floats:
    """Cariño's k of each pair of returns."""
    difference = returns - benchmark
    is_apart = np.abs(difference) > 1e-12 * (1 + np.abs(returns))
    logs = np.log1p(difference / (1 + benchmark))
    return np.divide(logs, difference, out=1 / (1 + returns), where=is_apart)


def sector_attribution(account_id: str, days: SegmentDays, *, benchmark: str) -> list[AttributionEffect]:
    """The linked effects of `days`, one session at least, for each segment that has any."""
    effects = linked(brinson_fachler(days), days.returns, days.returns_of_benchmark)
    first, last = days.session_dates[0], days.session_dates[-1]
    return [
        AttributionEffect(account_id, "sector", benchmark, first, last, segment, effect, float(value))
        for segment, row in zip(days.segments, effects, strict=True)
        for effect, value in zip(EFFECTS, row, strict=True)
        if np.any(row != 0)
    ]


def attribution_table(rows: Iterable[AttributionEffect]) -> Table:
    """attribution.csv: the fields of `AttributionEffect`, values to twelve places."""
    cells = [{**asdict(row), "value": f"{row.value:.12f}"} for row in rows]
    return Table(columns=[field.name for field in fields(AttributionEffect)], rows=cells)


def total(effects: Sequence[AttributionEffect]) -> float:
    """What all effects add up to."""
    return float(sum(effect.value for effect in effects))
