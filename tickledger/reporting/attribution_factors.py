"""How much of an account's return follows a few well-known factors, and what is left.

    r_t = a + Σ β_k f_k,t + ε_t                 ordinary least squares over the sessions of the period

Factor returns are made of the record's own bars. For each session, symbols are ranked by what was known at the close
before, and a factor is the mean return of one third of them less that of the opposite third:

    market      the mean return of all symbols
    size        little traded less much traded, by the mean dollar volume of 60 sessions
    momentum    winners less losers, by the return from 252 to 21 sessions ago
    reversal    losers less winners, by the return of the last 21 sessions
    volatility  volatile less calm, by the standard deviation of 60 sessions' returns

β_k f_k,t, a and ε_t are linked over time by Cariño's coefficients (`attribution`), so that they add up to the
account's compounded return exactly. Dollar volume stands for size because the record has no numbers of shares
outstanding. A factor needs three ranked symbols; in a session that lacks one it is zero there and the regression
leaves the session out. With a handful of symbols factors are a few prices: the fit's R² and t-values say how far to
trust it.

Source: E. F. Fama, K. R. French, "Common Risk Factors in the Returns on Stocks and Bonds", Journal of Financial
Economics 33, 1993; M. M. Carhart, "On Persistence in Mutual Fund Performance", Journal of Finance 52, 1997.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import isnan
from typing import Final

import numpy as np
import pandas as pd

from tickledger.reporting.attribution import AttributionEffect, Floats, linked
from tickledger.reporting.returns import DailyReturn
from tickledger.reporting.returns_market import MarketReturns

FACTORS: Final = ("market", "size", "momentum", "reversal", "volatility")
ALPHA: Final = "(alpha)"
RESIDUAL: Final = "(residual)"
_LONG: Final = 252
_MONTH: Final = 21
_QUARTER: Final = 60
_FEWEST: Final = 3


@dataclass(frozen=True, slots=True)
class FactorReturns:
    """Sessions × factors, fractions; NaN where a factor has none."""

    session_dates: tuple[date, ...]
    names: tuple[str, ...]
    returns: Floats


@dataclass(frozen=True, slots=True)
class FactorFit:
    """A regression on factors: exposures, the session's alpha, t-values (None where the fit has none) and R².

    `observations` sessions had all factors; without enough of them, or with factors that say the same, exposures are
    those of least size that fit best, and nothing where there is no session at all.
    """

    names: tuple[str, ...]
    exposures: tuple[float, ...]
    alpha: float
    t_values: tuple[float, ...] | None
    r_squared: float | None
    observations: int


def factor_returns(market: MarketReturns) -> FactorReturns:
    """The factors of every session of `market`."""
    returns = market.returns
    growth = pd.DataFrame(np.log1p(returns))
    known = {
        "size": -pd.DataFrame(market.dollar_volumes).rolling(_QUARTER).mean(),
        "momentum": growth.shift(_MONTH).rolling(_LONG - _MONTH).sum(),
        "reversal": -growth.rolling(_MONTH).sum(),
        "volatility": pd.DataFrame(returns).rolling(_QUARTER).std(),
    }
    columns = [market.equal_weight, *(_spread(returns, known[name].shift(1).to_numpy()) for name in FACTORS[1:])]
    return FactorReturns(market.session_dates, FACTORS, np.column_stack(columns))


def _spread(returns: Floats, scores: Floats) -> Floats:
    """The mean return of the third with the highest scores less that of the lowest; NaN below three symbols."""
    scored = np.where(np.isnan(returns), np.nan, scores)
    count = (~np.isnan(scored)).sum(axis=1)
    third = np.maximum(count // _FEWEST, 1)[:, None]
    # Symbols without a score come last, and ties go by place: a stable order of the same numbers is the same
    # everywhere.
    rank = np.argsort(np.argsort(scored, axis=1, kind="stable"), axis=1, kind="stable")
    held = np.nan_to_num(returns)
    low = np.where(rank < third, held, 0.0).sum(axis=1)
    high = np.where((rank >= count[:, None] - third) & (rank < count[:, None]), held, 0.0).sum(axis=1)
    spread: Floats = np.where(count >= _FEWEST, (high - low) / third[:, 0], np.nan)
    return spread


def fit(returns: Floats, factors: Floats, names: tuple[str, ...]) -> FactorFit:
    """Regress `returns` on `factors` (sessions × `names`) with a constant, over the sessions that have all of them."""
    is_whole = ~np.isnan(factors).any(axis=1)
    design = np.column_stack((np.ones(int(is_whole.sum())), factors[is_whole]))
    observed = returns[is_whole]
    if not len(observed):
        return FactorFit(names, (0.0,) * len(names), 0.0, None, None, 0)
    coefficients, _, rank, _ = np.linalg.lstsq(design, observed, rcond=None)
    residuals = observed - design @ coefficients
    squares = float(((observed - observed.mean()) ** 2).sum())
    freedom = len(observed) - design.shape[1]
    t_values = None
    if rank == design.shape[1] and freedom > 0 and residuals.any():
        errors = np.sqrt(np.diag(np.linalg.inv(design.T @ design)) * float(residuals @ residuals) / freedom)
        t_values = tuple((coefficients[1:] / errors[1:]).tolist())
    return FactorFit(
        names=names,
        exposures=tuple(coefficients[1:].tolist()),
        alpha=float(coefficients[0]),
        t_values=t_values,
        r_squared=1 - float(residuals @ residuals) / squares if squares else None,
        observations=len(observed),
    )


def factor_attribution(
    account_id: str, returns: Sequence[DailyReturn], factors: FactorReturns
) -> tuple[list[AttributionEffect], FactorFit]:
    """The linked effects over `returns` and the fit they rest on; nothing where no session has a return."""
    rows = [row for row in returns if not isnan(row.value)]
    if not rows:
        return [], FactorFit(factors.names, (0.0,) * len(factors.names), 0.0, None, None, 0)
    places = {day: place for place, day in enumerate(factors.session_dates)}
    missing = np.full(len(factors.names), np.nan)
    known = np.array(
        [factors.returns[places[row.session_date]] if row.session_date in places else missing for row in rows]
    )
    values = np.array([row.value for row in rows])
    found = fit(values, known, factors.names)
    explained = np.nan_to_num(known) * np.array(found.exposures)
    alpha = np.where(np.isnan(known).any(axis=1), 0.0, found.alpha)
    residual = values - explained.sum(axis=1) - alpha
    effects = linked(np.column_stack((explained, alpha, residual)), values)
    first, last = rows[0].session_date, rows[-1].session_date
    names = (*((name, "exposure") for name in factors.names), (ALPHA, "residual"), (RESIDUAL, "residual"))
    return [
        AttributionEffect(account_id, "factor", "", first, last, segment, effect, float(value))
        for (segment, effect), value in zip(names, effects, strict=True)
    ], found
