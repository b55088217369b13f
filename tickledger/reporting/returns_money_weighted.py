"""The money-weighted return: the rate at which all flows of money, the last value among them, are worth nothing today.

    Σ cash flow × (1 + r)^(−days / 365) = 0            flows into the account are negative, what it is worth at the
    end positive

An equation of this kind has as many roots as the flows change sign, or fewer by an even number (Descartes). All of
them are looked for: the growth over the whole span, u = (span / 365) ln(1 + r), is scanned from e^−40 to e^40 and
each change of sign is closed in on by bisection, which neither leaves its bracket nor divides by a slope. Where there
are several the rate is not defined and all are named; one of them would be a choice that the flows do not make.

Sources: GIPS 2020, 2.A.28 (annualized internal rate of return from daily flows); Excel's XIRR (actual days over 365).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from math import expm1
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_YEAR: Final = 365.0
_WIDEST: Final = 40.0
_STEPS: Final = 4_001
_HALVINGS: Final = 200


@dataclass(frozen=True, slots=True)
class CashFlow:
    """Money that the owner paid in (negative) or got out (positive) on a date, USD."""

    flow_date: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class MoneyWeightedReturn:
    """The annual rate as a fraction, None where it is not defined, and `note` then says why.

    `roots` are all rates that were found, infinite where no float holds one. `sign_changes` counts those of the flows
    in time: 1 makes the rate unique. `log_rate` is ln(1 + rate): what lost half in two days lost so nearly all in a
    year that the rate itself does not tell it from −1 any more.
    """

    rate: float | None
    roots: tuple[float, ...]
    sign_changes: int
    note: str = ""
    log_rate: float | None = None

    def over(self, days: int) -> float | None:
        """The return over a number of days at this rate."""
        return None if self.log_rate is None else expm1(self.log_rate * days / _YEAR)


def money_weighted_return(flows: Sequence[CashFlow]) -> MoneyWeightedReturn:
    """The internal rate of return of dated flows, in any order; those of one date count together."""
    by_date: dict[date, Decimal] = {}
    for flow in flows:
        by_date[flow.flow_date] = by_date.get(flow.flow_date, Decimal(0)) + flow.amount
    dated = sorted((day, float(amount)) for day, amount in by_date.items() if amount)
    changes = sum(1 for (_, one), (_, other) in pairwise(dated) if (one < 0) != (other < 0))
    if not changes:
        note = "money went one way only" if dated else "no money was in it from one day to another"
        return MoneyWeightedReturn(None, (), 0, note)
    first, span = dated[0][0], (dated[-1][0] - dated[0][0]).days
    times = np.array([(day - first).days / span for day, _ in dated])
    amounts = np.array([amount for _, amount in dated])
    growths = _roots(lambda growth: float(amounts @ np.exp(-growth * times)), times, amounts)
    logs = [growth * _YEAR / span for growth in growths]
    roots = tuple(expm1(log) if log < _LOG_MAX else float("inf") for log in logs)
    if len(roots) == 1:
        if logs[0] < _LOG_MAX:
            return MoneyWeightedReturn(roots[0], roots, changes, log_rate=logs[0])
        return MoneyWeightedReturn(None, roots, changes, "no number holds the yearly rate")
    if not roots:
        return MoneyWeightedReturn(None, (), changes, "no rate makes the flows worth nothing")
    named = ", ".join(f"{root:.6g}" for root in roots)
    return MoneyWeightedReturn(None, roots, changes, f"the flows change sign {changes} times, and {named} all fit")


_LOG_MAX: Final = 700.0


def _roots(
    worth: Callable[[float], float],
    times: Floats,
    amounts: Floats,
) -> list[float]:
    grid = np.linspace(-_WIDEST, _WIDEST, _STEPS)
    values = np.exp(-np.outer(grid, times)) @ amounts
    exact = [float(grid[place]) for place in np.flatnonzero(values == 0)]
    signs = np.sign(values)
    brackets = np.flatnonzero(signs[:-1] * signs[1:] < 0)
    return sorted([*exact, *(_bisected(worth, float(grid[place]), float(grid[place + 1])) for place in brackets)])


def _bisected(worth: Callable[[float], float], low: float, high: float) -> float:
    is_positive = worth(low) > 0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if (worth(middle) > 0) is is_positive:
            low = middle
        else:
            high = middle
    return (low + high) / 2
