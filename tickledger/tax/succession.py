"""What becomes of lots without a sale: successors under a ratio or in another position, and basis that moves."""

from collections.abc import Iterable
from fractions import Fraction

from tickledger.tax.book import HouseholdBook
from tickledger.tax.kernel import columns as c
from tickledger.tax.kernel.closing import new_piece
from tickledger.tax.kernel.lots import append_lot, insert_sublot, new_lot, new_sublot, order_lot
from tickledger.tax.kernel.nodes import unlist


def scaled(units: int, ratio: Fraction) -> int:
    """Units after a split; `FillColumns.share_units` makes this exact."""
    return int(units) * ratio.numerator // ratio.denominator


def succeed(book: HouseholdBook, lot: int, position: int, ratio: Fraction, *, may_replace: bool = True) -> int:
    """What an event makes of a lot: `ratio` new shares for each old one, the basis unchanged.

    The caller puts it into `position` by `refill`. It keeps the lot's place among those that may replace a loss,
    unless the shares were received otherwise than by purchase.
    """
    made = sibling(book, lot, position, ratio, pool=int(book.book.lots[lot][c.LOT_POOL]))
    old, new = book.book.lots[lot], book.book.lots[made]
    for sublot in book.sublots_of(lot):
        succeed_sublot(book, sublot, made, ratio)
        book.book.counts[c.LIVE] -= 1
    new[c.LOT_FREE] = scaled(old[c.LOT_FREE], ratio)
    for kept in (c.LOT_LONG_TERM, c.LOT_TAINT):
        new[kept] = scaled(old[kept], ratio)
    for place in (c.LOT_NODE, c.LOT_CALL_NODE):
        if old[place] != c.NONE:
            new[place] = old[place]
            if may_replace:
                book.book.nodes[old[place]][c.NODE_LOT] = made
            else:
                unlist(book.book, int(old[place]))
    return made


def sibling(book: HouseholdBook, lot: int, position: int, ratio: Fraction, *, pool: int) -> int:
    """A lot without sublots yet, with the dates and the opening of another."""
    book.ensure(2 * len(book.sublots_of(lot)) + 2)
    old = book.book.lots[lot]
    units = scaled(old[c.LOT_UNITS], ratio)
    fill, order, acquired = int(old[c.LOT_FILL]), int(old[c.LOT_ORDER]), int(old[c.LOT_ACQUIRED])
    made = new_lot(book.book, position, fill, order, acquired, units, pool)
    new = book.book.lots[made]
    new[c.LOT_SEQUENCE], new[c.LOT_MADE], new[c.LOT_FREE] = old[c.LOT_SEQUENCE], old[c.LOT_MADE], 0
    scale = Fraction(int(old[c.LOT_SCALE]), int(old[c.LOT_SCALE + 1])) * ratio
    new[c.LOT_SCALE], new[c.LOT_SCALE + 1] = scale.numerator, scale.denominator
    return made


def succeed_sublot(book: HouseholdBook, sublot: int, lot: int, ratio: Fraction) -> int:
    """The same shares in the lot that takes their lot's place."""
    old = book.book.sublots[sublot]
    made = new_sublot(book.book, lot, scaled(old[c.SUBLOT_UNITS], ratio), old[c.SUBLOT_COST], old[c.SUBLOT_START])
    new = book.book.sublots[made]
    for kept in (c.SUBLOT_CARRIED, c.SUBLOT_USED, c.SUBLOT_POOL, c.SUBLOT_RETURNED, c.SUBLOT_MARKS):
        new[kept] = old[kept]
    new[c.SUBLOT_WHOLE_CARRIED], new[c.SUBLOT_WHOLE_RETURNED] = old[c.SUBLOT_CARRIED], old[c.SUBLOT_RETURNED]
    insert_sublot(book.book, made, c.NONE)
    return made


def refill(book: HouseholdBook, position: int, lots: Iterable[int]) -> None:
    """Let a position hold exactly `lots`, which an event has made of those that were here or came from elsewhere."""
    row = book.book.positions[position]
    row[c.POSITION_FIRST_LOT], row[c.POSITION_LAST_LOT], row[c.POSITION_HELD] = c.NONE, c.NONE, 0
    for kind in range(3):
        row[c.POSITION_ROOT + kind] = c.NONE
    of_lot = book.book.lots
    for lot in sorted(lots, key=lambda lot: (of_lot[lot][c.LOT_ACQUIRED], of_lot[lot][c.LOT_SEQUENCE])):
        book.ensure(2 * len(book.sublots_of(lot)) + 2)
        append_lot(book.book, position, lot)
        order_lot(book.book, lot)


def move_basis(book: HouseholdBook, source: int, exact: int, *, where: int = c.TO_HOLDER, target: int = c.NONE) -> None:
    """Let money units leave a pool, for another pool, the proceeds of a closing, or the holder.

    The caller has made room for a piece.
    """
    if exact:
        new_piece(book.book, c.MOVED, source, where, 0, exact, 0, target)
