"""From exact amounts to cents: what each disposition reports, so that every sum of rows is right to the cent.

The journal is settled in order. A sale's proceeds are split by largest remainder over its pieces; basis comes
out of the pools of its lot and of the losses it carries; a fully replaced loss disallows exactly what the row
lost, and hands the same cents to the replacement.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from tickledger.tax.cents import apportion_cents, nearest_cent
from tickledger.tax.lots import Closing, Disposition, JournalEntry, Sublot, Transfer


@dataclass(slots=True, eq=False)
class Settled:
    """A disposition in cents. `permanent` is the part of `disallowed` that no lot will carry."""

    disposition: Disposition
    proceeds: int
    basis: int
    disallowed: int
    permanent: int

    @property
    def gain(self) -> int:
        """What is reported: proceeds − basis + disallowed."""
        return self.proceeds - self.basis + self.disallowed


@dataclass(slots=True, eq=False)
class Remaining:
    """What is left of a sublot, in cents."""

    sublot: Sublot
    cost: int
    carried: int
    returned: int


def settle(journal: Iterable[JournalEntry]) -> Iterator[Settled]:
    """The dispositions of the journal in cents, in order; basis transfers in between move cents along."""
    for closing, entries in groupby(journal, key=_closing_of):
        if closing is None:
            for entry in entries:
                if isinstance(entry, Transfer):
                    _transfer(entry)
            continue
        pieces = [entry for entry in entries if isinstance(entry, Disposition)]
        weights = [piece.closed if piece.is_distribution else piece.units for piece in pieces]
        closed = apportion_cents(nearest_cent(closing.net), weights)
        yield from map(_settled, pieces, closed)


def _closing_of(entry: JournalEntry) -> Closing | None:
    return entry.closing if isinstance(entry, Disposition) else None


def _transfer(entry: Transfer) -> None:
    entry.cents = entry.source.take(entry.exact, wish=nearest_cent(entry.exact))
    if entry.target is not None:
        entry.target.cents += entry.cents


def _settled(piece: Disposition, closed: int) -> Settled:
    sublot = piece.sublot
    carried = 0
    if sublot.carried_pool is not None:
        carried = sublot.carried_pool.take(piece.carried, wish=nearest_cent(piece.carried))
    if sublot.lot.position.is_short:
        wish = nearest_cent(piece.cost - piece.carried) + carried
        proceeds, basis = sublot.lot.cost_pool.take(piece.cost, wish=wish) - carried, closed
    else:
        exact = piece.cost + piece.carried
        for wash in piece.absorbed:
            carried += wash.cents
            exact += wash.amount
        proceeds, basis = closed, sublot.lot.cost_pool.take(piece.cost, wish=nearest_cent(exact) - carried) + carried
    disallowed, permanent = _disallow(piece, max(basis - proceeds, 0))
    return Settled(piece, proceeds, basis, disallowed, permanent)


def _disallow(piece: Disposition, loss: int) -> tuple[int, int]:
    """Split the row's loss over its wash sales, in order; returns what they disallow, and for good."""
    matched = disallowed = permanent = 0
    for wash in piece.washes:
        matched += wash.amount
        due = loss * matched // piece.loss
        wash.cents, disallowed = due - disallowed, due
        if wash.pool is not None:
            wash.pool.cents = wash.cents
        if wash.is_permanent:
            permanent += wash.cents
    return disallowed, permanent


def remaining(sublot: Sublot) -> Remaining:
    """What is left of an open sublot once the journal is settled; asked of each sublot once, in order."""
    carried = 0
    if sublot.carried_pool is not None:
        carried = sublot.carried_pool.take(sublot.carried, wish=nearest_cent(sublot.carried))
    basis = sublot.cost - sublot.carried if sublot.lot.position.is_short else sublot.cost + sublot.carried
    sign = -1 if sublot.lot.position.is_short else 1
    cost = sublot.lot.cost_pool.take(sublot.cost, wish=nearest_cent(basis) - sign * carried)
    return Remaining(sublot, cost, carried, nearest_cent(sublot.returned))
