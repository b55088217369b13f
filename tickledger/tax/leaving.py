"""Shares that leave their lots outside the run of fills: which, and with what basis."""

from collections.abc import Iterator
from dataclasses import dataclass

from tickledger.tax.book import HouseholdBook
from tickledger.tax.kernel import columns as c
from tickledger.tax.kernel.closing import close_by_method, new_piece, take
from tickledger.tax.kernel.methods import next_sublot
from tickledger.tax.kernel.short_sales import restarted_by_leaving
from tickledger.tax.kernel.sweep import is_possible


@dataclass(frozen=True, slots=True)
class Taken:
    """Shares that left a sublot, with their part of its basis, money units.

    `is_restarted` where an open short starts their holding period anew as they are disposed of (IRC 1233(b)(2)).
    """

    sublot: int
    units: int
    cost: int
    carried: int
    is_restarted: bool = False


def taken(book: HouseholdBook, fill: int, position: int, *, is_disposal: bool = False) -> Iterator[Taken]:
    """The shares that a fill takes from a position, in the order of the lots it names or of the account's method."""
    row = book.book.fills[fill]
    first, choices = int(row[c.FILL_FIRST_CHOICE]), int(row[c.FILL_CHOICES])
    for choice in range(first, first + choices):
        opening, wanted = (int(part) for part in book.book.choices[choice][: c.CHOICE_WIDTH])
        for lot in [lot for lot in book.lots_of(position) if book.book.lots[lot][c.LOT_FILL] == opening]:
            while wanted and book.book.lots[lot][c.LOT_UNITS]:
                piece = take_from(book, int(book.book.lots[lot][c.LOT_FIRST]), wanted, is_disposal=is_disposal)
                wanted -= piece.units
                yield piece
    left = 0 if choices else int(row[c.FILL_UNITS])
    while left:
        sublot = int(next_sublot(book.book, position, int(row[c.FILL_METHOD])))
        piece = take_from(book, sublot, left, is_disposal=is_disposal)
        left -= piece.units
        yield piece


def take_from(book: HouseholdBook, sublot: int, most: int, *, is_disposal: bool = False) -> Taken:
    """Take up to `most` shares off a sublot; the journal says that they left."""
    book.ensure(4)
    units = min(int(book.book.sublots[sublot][c.SUBLOT_UNITS]), most)
    restarted = int(restarted_by_leaving(book.book, sublot, units)) if is_disposal else 0
    units = restarted or units
    cost, carried = take(book.book, sublot, units)
    new_piece(book.book, c.LEFT, sublot, c.NONE, units, int(cost), int(carried), 0)
    return Taken(sublot, units, int(cost), int(carried), is_restarted=restarted > 0)


def close_lots(book: HouseholdBook, closing: int, method: int) -> None:
    """Close the lots that `method` takes, as a sale among the fills does."""
    book.ensure(0)
    while not close_by_method(book.book, closing, method):
        book.ensure(0)


def can_take(book: HouseholdBook, fill: int, position: int) -> bool:
    """Whether the position holds what a fill takes; otherwise the security is left out and an event says why."""
    book.ensure(1)
    if is_possible(book.book, fill, position):
        return True
    book.book.left_out[book.book.positions[position][c.POSITION_SECURITY]] = 1
    return False


def pools_of(book: HouseholdBook, piece: Taken) -> list[tuple[int, int]]:
    """The pools that the basis of taken shares is in, each with its amount."""
    row = book.book.sublots[piece.sublot]
    pools = [(int(book.book.lots[row[c.SUBLOT_LOT]][c.LOT_POOL]), piece.cost)]
    return [*pools, (int(row[c.SUBLOT_POOL]), piece.carried)] if row[c.SUBLOT_POOL] != c.NONE else pools
