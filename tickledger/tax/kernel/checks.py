"""What must hold whatever the history; each row that breaks it becomes an event.

* shares: what a lot bought = what was closed of it + what is held
* a loss is never disallowed beyond its amount, and a gain never at all
* a replacement share takes over one loss
* what left a pool is what it held, in money units and in cents
"""

from tickledger.tax.kernel import columns as c
from tickledger.tax.kernel.columns import Book
from tickledger.tax.kernel.events import new_event


def check(book: Book) -> None:
    """Check the settled journal; `events` has room for an event of each lot, piece and wash sale."""
    check_shares(book)
    check_losses(book)
    check_pools(book)


def check_shares(book: Book) -> None:
    """Compare each lot with what was closed of it; the closed shares are counted in LOT_TAINT, which is over."""
    for lot in range(book.counts[c.LOTS]):
        book.lots[lot][c.LOT_TAINT] = 0
    for piece in range(book.counts[c.PIECES]):
        row = book.pieces[piece]
        if row[c.PIECE_KIND] == c.CLOSED or row[c.PIECE_KIND] == c.LEFT:
            book.lots[book.sublots[row[c.PIECE_SUBLOT]][c.SUBLOT_LOT]][c.LOT_TAINT] += row[c.PIECE_UNITS]
    for lot in range(book.counts[c.LOTS]):
        of_lot, held = book.lots[lot], 0
        sublot = of_lot[c.LOT_FIRST]
        while sublot != c.NONE:
            held += book.sublots[sublot][c.SUBLOT_UNITS]
            sublot = book.sublots[sublot][c.SUBLOT_NEXT]
        if held != of_lot[c.LOT_UNITS] or of_lot[c.LOT_WHOLE_UNITS] != of_lot[c.LOT_TAINT] + held:
            new_event(book, c.SHARES_LOST, lot, held, of_lot[c.LOT_TAINT])


def check_losses(book: Book) -> None:
    """Compare what is disallowed with what was lost, and the shares that replace with those that were replaced."""
    for piece in range(book.counts[c.PIECES]):
        row = book.pieces[piece]
        if row[c.PIECE_KIND] >= c.MOVED:
            continue
        loss = max(row[c.PIECE_BASIS] - row[c.PIECE_PROCEEDS], 0)
        if not 0 <= row[c.PIECE_PERMANENT] <= row[c.PIECE_DISALLOWED] <= loss:
            new_event(book, c.TOO_MUCH_DISALLOWED, piece, row[c.PIECE_DISALLOWED], loss)
        if row[c.PIECE_MATCHED] > row[c.PIECE_TO_MATCH]:
            new_event(book, c.TOO_MUCH_DISALLOWED, piece, row[c.PIECE_MATCHED], row[c.PIECE_TO_MATCH])
    for wash in range(book.counts[c.WASHES]):
        of_wash = book.washes[wash]
        if of_wash[c.WASH_SUBLOT] != c.NONE:
            row = book.sublots[of_wash[c.WASH_SUBLOT]]
            row[c.SUBLOT_USED] += c.CHECKED
            if row[c.SUBLOT_USED] >= 2 * c.CHECKED or row[c.SUBLOT_WHOLE_UNITS] != of_wash[c.WASH_UNITS]:
                new_event(book, c.REPLACED_TWICE, of_wash[c.WASH_PIECE], wash, row[c.SUBLOT_WHOLE_UNITS])


def check_pools(book: Book) -> None:
    """Every pool has given out what it held."""
    for pool in range(book.counts[c.POOLS]):
        row = book.pools[pool]
        if row[c.POOL_TAKEN_EXACT] != row[c.POOL_EXACT] or row[c.POOL_TAKEN_CENTS] != row[c.POOL_CENTS]:
            new_event(book, c.NOT_GIVEN_OUT, pool, row[c.POOL_CENTS], row[c.POOL_TAKEN_CENTS])
