"""Whether the tables have the rows that come next; outside, they are made longer where they have not."""

from typing import Final

from tickledger.tax.kernel import columns as c
from tickledger.tax.kernel.columns import Book

#: Rows of any table that one fill may need for each sublot that holds shares and each loss that waits, and more.
ROWS_PER_SUBLOT: Final = 6
ROWS: Final = 32


def has_room(book: Book) -> bool:
    """Whether every table has the rows that one more fill may need.

    A closing whose shares may replace each other (policy P2) cuts up what it has still to close, and may need more:
    it asks again before each piece.
    """
    counts = book.counts
    need = ROWS_PER_SUBLOT * (counts[c.LIVE] + counts[c.WAITING]) + ROWS
    return (
        counts[c.NODES] + need <= len(book.nodes)
        and counts[c.LOTS] + need <= len(book.lots)
        and counts[c.SUBLOTS] + need <= len(book.sublots)
        and counts[c.POOLS] + need <= len(book.pools)
        and counts[c.CLOSINGS] + need <= len(book.closings)
        and counts[c.PIECES] + need <= len(book.pieces)
        and counts[c.WASHES] + need <= len(book.washes)
        and counts[c.HEAP] + need <= len(book.heap)
        and counts[c.EVENTS] + need <= len(book.events)
    )


def must_wait(book: Book) -> bool:
    """Whether a closing under way has to wait until the tables are longer."""
    return book.policies[c.SAME_ORDER_REPLACES] != 0 and not has_room(book)
