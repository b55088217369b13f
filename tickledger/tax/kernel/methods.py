"""Which shares a sale takes next."""

from tickledger.tax.kernel import columns as c
from tickledger.tax.kernel.columns import Book
from tickledger.tax.kernel.heap import without_first
from tickledger.tax.kernel.lots import unlink_lot


def next_sublot(book: Book, position: int, method: int) -> int:
    """The sublot that `method` closes next; the position holds shares."""
    if method == c.FIRST_IN:
        return first_in(book, position)
    if method == c.LAST_IN:
        return last_in(book, position)
    if method == c.HIGHEST_COST:
        return highest_cost(book, position)
    return by_adjusted_basis(book, position, c.SMALLEST_GAIN if method == c.MINIMUM_GAIN else c.LARGEST_GAIN)


def first_in(book: Book, position: int) -> int:
    """The earliest acquisition."""
    lot = book.positions[position][c.POSITION_FIRST_LOT]
    while not book.lots[lot][c.LOT_UNITS]:
        unlink_lot(book, lot)
        lot = book.positions[position][c.POSITION_FIRST_LOT]
    return book.lots[lot][c.LOT_FIRST]


def last_in(book: Book, position: int) -> int:
    """The latest acquisition, its first shares first."""
    lot = book.positions[position][c.POSITION_LAST_LOT]
    while not book.lots[lot][c.LOT_UNITS]:
        unlink_lot(book, lot)
        lot = book.positions[position][c.POSITION_LAST_LOT]
    return book.lots[lot][c.LOT_FIRST]


def highest_cost(book: Book, position: int) -> int:
    """The lot that was the dearest to buy."""
    row = book.positions[position]
    lot = book.heap[row[c.POSITION_ROOT]][c.HEAP_ITEM]
    while not book.lots[lot][c.LOT_UNITS]:
        row[c.POSITION_ROOT] = without_first(book, row[c.POSITION_ROOT], c.BY_PRICE)
        lot = book.heap[row[c.POSITION_ROOT]][c.HEAP_ITEM]
    return book.lots[lot][c.LOT_FIRST]


def by_adjusted_basis(book: Book, position: int, kind: int) -> int:
    """The sublot of the smallest or the largest gain, by its basis as adjusted."""
    row = book.positions[position]
    place = c.POSITION_ROOT + kind
    sublot = book.heap[row[place]][c.HEAP_ITEM]
    while not book.sublots[sublot][c.SUBLOT_UNITS]:
        row[place] = without_first(book, row[place], kind)
        sublot = book.heap[row[place]][c.HEAP_ITEM]
    return sublot
