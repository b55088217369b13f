"""Values of the engine's columns: tables as arrays, and ordinals, units and money units as what they stand for."""

from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tickledger.domain.column_ids import Lanes
from tickledger.tax import holding_period
from tickledger.tax.cents import CENT_UNITS

#: Whole numbers; of type object where they leave 64 bits.
Numbers = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]

#: Cents.
_DOLLAR: Final = 100
_REMEMBERED: Final = 1 << 16
_DAYS_BEFORE_YEAR_1: Final = 719163  # of 1 January 1970


def table(rows: Any, count: int) -> Numbers:  # noqa: ANN401  a list of lists or an array
    """The used rows of a table of the kernel as an array."""
    if isinstance(rows, np.ndarray):
        return rows[:count]
    try:
        return np.array(rows[:count], dtype=np.int64).reshape(count, len(rows[0]))
    except OverflowError:
        return np.array(rows[:count], dtype=object).reshape(count, len(rows[0]))


def at(rows: Numbers, places: Numbers, column: int) -> Numbers:
    """A column of some rows of a table."""
    # All rows in order need not be looked up one by one.
    is_all = len(places) == len(rows) > 0 and places[0] == 0 and bool((np.diff(places) == 1).all())
    found: Numbers = rows[:, column].copy() if is_all else rows[places, column]
    return found


def taken(lanes: Lanes, places: Numbers) -> Lanes:
    """The lanes at those places."""
    return lanes[0][places], lanes[1][places]


def times_before(keys: Numbers) -> Numbers:
    """How often each key came before."""
    times: Numbers = np.zeros(len(keys), dtype=np.int64)
    order = np.argsort(keys, kind="stable")
    ordered, places = keys[order], np.arange(len(keys))
    is_first = np.ones(len(keys), dtype=bool)
    is_first[1:] = ordered[1:] != ordered[:-1]
    times[order] = places - np.maximum.accumulate(np.where(is_first, places, 0))
    return times


def nearest_cents(units: Numbers) -> Numbers:
    """Money units in whole cents, halves away from zero, as `cents.nearest_cent`."""
    half = CENT_UNITS // 2
    return np.where(units >= 0, (units + half) // CENT_UNITS, -((half - units) // CENT_UNITS))


def nearest_dollars(cents: Numbers) -> Numbers:
    """As `whole_dollars.nearest_dollar`, of a column of cents: cents again, without a part of a dollar."""
    dollars: Numbers = np.sign(cents) * ((np.abs(cents) + _DOLLAR // 2) // _DOLLAR)
    return dollars * _DOLLAR


def long_term_from(starts: Numbers) -> Numbers:
    """As `holding_period.long_term_from`, of a column."""
    found, places = np.unique(starts, return_inverse=True)
    return np.array([holding_period.long_term_from(start) for start in found.tolist()], dtype=np.int64)[places]


@lru_cache(maxsize=_REMEMBERED)
def day(ordinal: int) -> date:
    """The date of an ordinal; dates repeat by the thousand."""
    return date.fromordinal(ordinal)


def years_of(ordinals: Numbers) -> Numbers:
    """The years of a column of dates."""
    days = (ordinals - _DAYS_BEFORE_YEAR_1).astype("datetime64[D]")
    return days.astype("datetime64[Y]").astype(np.int64) + 1970


@lru_cache(maxsize=_REMEMBERED)
def shares(units: int, share_units: int) -> Decimal:
    """Units as shares; exact unless a split by thirds leaves no decimal that is."""
    whole, rest = divmod(units, share_units)
    return (Decimal(units) / share_units).normalize() if rest else Decimal(whole)
