"""Which lot a sale closes: first in, first out unless identified (Reg. 1.1012-1(c)).

LIFO, HIFO, minimum and maximum gain are standing instructions to the broker, so the method in force on the
trade date decides and is never chosen again. Each method is a function from a position to the sublots to close,
the next one after the last was taken.
"""

import heapq
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from tickledger.tax.lots import OpenLot, Position, Sublot


class Method(StrEnum):
    """How lots are chosen where the sale does not name them."""

    FIFO = "fifo"
    LIFO = "lifo"
    HIFO = "hifo"
    MINGAIN = "mingain"
    MAXGAIN = "maxgain"
    SPECIFIC = "specific"


@dataclass(frozen=True, slots=True)
class MethodSchedule:
    """The method of each account by date; `default` where an account says nothing for a date.

    `changes` maps an account to ``(from_date, method)`` pairs.
    """

    default: Method = Method.FIFO
    changes: Mapping[str, Sequence[tuple[date, Method]]] = field(default_factory=dict)

    def on(self, account_id: str, trade_date: date) -> Method:
        """The method in force in `account_id` on `trade_date`."""
        changes = self.changes.get(account_id)
        if not changes:
            return self.default
        ordered = sorted(changes, key=lambda change: change[0])
        index = bisect_right(ordered, trade_date, key=lambda change: change[0])
        return ordered[index - 1][1] if index else self.default


#: Basis per share is compared to this many binary digits beyond a money unit.
_PRICE_BITS: Final = 40
_HIGHEST: Final = -1
_LOWEST: Final = 1


def price_key(amount: int, units: int) -> int:
    """An amount per share as an integer that orders as the exact quotient does."""
    return (amount << _PRICE_BITS) // units


def first_in(position: Position) -> Iterator[Sublot]:
    """The sublots of a position, earliest acquisition first."""
    lots = position.lots
    while lots:
        if lots[0].units:
            yield lots[0].sublots[0]
        else:
            lots.popleft()


def _last_in(position: Position) -> Iterator[Sublot]:
    lots = position.lots
    while lots:
        if lots[-1].units:
            yield lots[-1].sublots[0]
        else:
            lots.pop()


def _highest_cost(position: Position) -> Iterator[Sublot]:
    """Lots by the price paid for them, dearest first; inside a lot in order."""
    if position.by_price is None:
        position.by_price = [_by_price(lot) for lot in position.lots if lot.units]
        heapq.heapify(position.by_price)
    heap = position.by_price
    while heap:
        lot = heap[0][3]
        if lot.units:
            yield lot.sublots[0]
        else:
            heapq.heappop(heap)


def _smallest_gain(position: Position) -> Iterator[Sublot]:
    return _by_adjusted_basis(position, _HIGHEST)


def _largest_gain(position: Position) -> Iterator[Sublot]:
    return _by_adjusted_basis(position, _LOWEST)


def _by_adjusted_basis(position: Position, direction: int) -> Iterator[Sublot]:
    """Sublots by adjusted basis per share.

    A short's basis is its proceeds; it follows the same order, dearest first for the smallest gain, as the
    matching of real fills in csingley/capgains does.
    """
    if direction not in position.by_basis:
        position.by_basis[direction] = [_by_basis(sublot, direction) for sublot in position.open_sublots()]
        heapq.heapify(position.by_basis[direction])
    heap = position.by_basis[direction]
    while heap:
        sublot = heap[0][4]
        if sublot.units:
            yield sublot
        else:
            heapq.heappop(heap)


def _by_price(lot: OpenLot) -> tuple[int, int, int, OpenLot]:
    return (-lot.price_key, lot.acquired, lot.sequence, lot)


def _by_basis(sublot: Sublot, direction: int) -> tuple[int, int, int, int, Sublot]:
    lot = sublot.lot
    basis = sublot.cost - sublot.carried if lot.position.is_short else sublot.cost + sublot.carried
    return (direction * price_key(basis, sublot.units), lot.acquired, lot.sequence, sublot.ordinal, sublot)


NEXT_SUBLOT: Final[Mapping[Method, Callable[[Position], Iterator[Sublot]]]] = {
    Method.FIFO: first_in,
    Method.LIFO: _last_in,
    Method.HIFO: _highest_cost,
    Method.MINGAIN: _smallest_gain,
    Method.MAXGAIN: _largest_gain,
    # A sale that names no lots under specific identification is first in, first out.
    Method.SPECIFIC: first_in,
}


def lot_opened(position: Position, lot: OpenLot) -> None:
    """Give a new lot its place in the orderings that are kept."""
    if position.by_price is not None:
        heapq.heappush(position.by_price, _by_price(lot))
    for sublot in lot.sublots:
        basis_changed(position, sublot)


def basis_changed(position: Position, sublot: Sublot) -> None:
    """Give a sublot that a wash sale made its place in the orderings that are kept."""
    for direction, heap in position.by_basis.items():
        heapq.heappush(heap, _by_basis(sublot, direction))
