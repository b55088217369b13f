"""Whole cents that add up: the largest-remainder rule, for the pieces of many totals at once.

    cents of a piece = its value rounded down, and one more for those with the largest remainders, until the pieces of
    a total add up to it

A piece of nothing stays nothing as long as its total has any other piece. Where the total is further from the sum of
the pieces than their number of cents, because it was itself rounded otherwise, all pieces bear the difference alike.
"""

from collections.abc import Sequence
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from tickledger.reporting.pnl_columns import CENT_UNITS, Integers, of_cents, to_cents, to_units


def cents_of(values: Integers, group: Integers, totals: Integers) -> Integers:
    """The cents of pieces: `values` in millionths of a USD, `group` the place of each in `totals`, which are cents.

    The cents of the pieces of a group add up to its total. Raises ValueError where a group with a total has no piece.
    """
    count = len(totals)
    floors, remainders = np.divmod(values, CENT_UNITS)
    cents: Integers = floors
    # Those of nothing are out of it, but for groups that have nothing else.
    taking = np.flatnonzero(_takes_part(values, group, count))
    missing = totals - _sums(floors, group, count)
    pieces = _sums(np.ones(len(taking), dtype=np.int64), group[taking], count)
    if np.any((pieces == 0) & (missing != 0)):
        raise ValueError("expected a piece for every total, found a total without any")
    for_all, for_some = np.divmod(missing, np.maximum(pieces, 1))
    place = group[taking] * CENT_UNITS + (CENT_UNITS - 1 - remainders[taking])
    order = taking[np.argsort(place, kind="stable")]
    of = group[order]
    cents[order] += for_all[of] + (np.arange(len(order)) - _starts(of) < for_some[of])
    return cents


def decimals_of(pieces: Sequence[Decimal], total: Decimal) -> list[Decimal]:
    """`pieces` USD in whole cents that add up to `total`, which is in cents."""
    values = np.array([to_units(piece) for piece in pieces], dtype=np.int64)
    cents = cents_of(values, np.zeros(len(pieces), dtype=np.int64), np.array([to_cents(total)], dtype=np.int64))
    return [of_cents(int(cell)) for cell in cents]


def _takes_part(values: Integers, group: Integers, count: int) -> NDArray[np.bool_]:
    is_something: NDArray[np.bool_] = values != 0
    has_something = np.zeros(count, dtype=bool)
    has_something[group[is_something]] = True
    return is_something | ~has_something[group]


def _sums(values: Integers, group: Integers, count: int) -> Integers:
    sums = np.zeros(count, dtype=np.int64)
    np.add.at(sums, group, values)
    return sums


def _starts(ordered: Integers) -> Integers:
    """For each place of a sorted array the place at which its run begins."""
    is_first = np.concatenate(([True], ordered[1:] != ordered[:-1])) if len(ordered) else np.zeros(0, dtype=bool)
    return np.maximum.accumulate(np.where(is_first, np.arange(len(ordered)), 0))
