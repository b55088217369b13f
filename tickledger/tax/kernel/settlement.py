"""From exact amounts to cents: what each piece reports, so that every sum of rows is right to the cent.

The journal is settled in order. A closing's cents are split by largest remainder over its pieces; basis comes out of
the pools of its lot and of the losses it carries; a fully replaced loss disallows exactly what the row lost, and
hands the same cents to the replacement.
"""

from tickledger.tax.kernel import columns as c
from tickledger.tax.kernel.arithmetic import mul_div, mul_rest, nearest_cent
from tickledger.tax.kernel.columns import Book
from tickledger.tax.kernel.events import new_event
from tickledger.tax.kernel.heap import merged, new_node, without_first


def settle(book: Book) -> None:
    """Give every piece of the journal its cents, then what is held."""
    piece, end = 0, book.counts[c.PIECES]
    while piece < end:
        row = book.pieces[piece]
        if row[c.PIECE_KIND] >= c.MOVED:
            if row[c.PIECE_KIND] == c.MOVED:
                move(book, piece)
            piece += 1
            continue
        after = piece + 1
        while after < end and is_of_closing(book, after, row[c.PIECE_CLOSING]):
            after += 1
        apportion(book, piece, after)
        for of_closing in range(piece, after):
            settle_piece(book, of_closing)
        piece = after
    settle_held(book)


def settle_held(book: Book) -> None:
    """Give what is still held its cents, position by position, in the order of its lots."""
    for sublot in range(book.counts[c.SUBLOTS]):
        book.sublots[sublot][c.SUBLOT_PLACE] = c.NONE
    place = 0
    for position in range(len(book.positions)):
        sign = -1 if book.positions[position][c.POSITION_SHORT] else 1
        lot = book.positions[position][c.POSITION_FIRST_LOT]
        while lot != c.NONE:
            sublot = book.lots[lot][c.LOT_FIRST]
            while sublot != c.NONE:
                row, carried = book.sublots[sublot], 0
                if row[c.SUBLOT_POOL] != c.NONE:
                    exact = row[c.SUBLOT_CARRIED]
                    carried = taken_cents(book, row[c.SUBLOT_POOL], exact, nearest_cent(exact))
                wish = nearest_cent(row[c.SUBLOT_COST] + sign * row[c.SUBLOT_CARRIED]) - sign * carried
                row[c.SUBLOT_HELD_COST] = taken_cents(book, book.lots[lot][c.LOT_POOL], row[c.SUBLOT_COST], wish)
                row[c.SUBLOT_HELD_CARRIED], row[c.SUBLOT_PLACE] = carried, place
                place += 1
                sublot = row[c.SUBLOT_NEXT]
            lot = book.lots[lot][c.LOT_NEXT]


def is_of_closing(book: Book, piece: int, closing: int) -> bool:
    """Whether a row of the journal is a piece of a closing."""
    row = book.pieces[piece]
    return row[c.PIECE_KIND] < c.MOVED and row[c.PIECE_CLOSING] == closing


def move(book: Book, piece: int) -> None:
    """Let moved basis take its cents along."""
    row = book.pieces[piece]
    amount = row[c.PIECE_COST]
    cents = taken_cents(book, row[c.PIECE_SUBLOT], amount, nearest_cent(amount))
    row[c.PIECE_BASIS] = cents
    if row[c.PIECE_CLOSING] == c.TO_POOL:
        book.pools[row[c.PIECE_CLOSED]][c.POOL_CENTS] += cents
    elif row[c.PIECE_CLOSING] == c.OFF_POOL:
        book.pools[row[c.PIECE_CLOSED]][c.POOL_CENTS] -= cents
    elif row[c.PIECE_CLOSING] == c.TO_PROCEEDS:
        book.closings[row[c.PIECE_CLOSED]][c.CLOSING_CENTS] += cents
    elif row[c.PIECE_CLOSING] == c.OFF_PROCEEDS:
        book.closings[row[c.PIECE_CLOSED]][c.CLOSING_CENTS] -= cents


def apportion(book: Book, first: int, after: int) -> None:
    """Split the cents of a closing over its pieces by largest remainder; the earlier piece wins a tie.

    The weights are shares, or the money that was paid on shares that stay. They are left in PIECE_PROCEEDS.
    """
    total = book.closings[book.pieces[first][c.PIECE_CLOSING]][c.CLOSING_CENTS]
    if after == first + 1:
        book.pieces[first][c.PIECE_PROCEEDS] = total
        return
    whole, given = 0, 0
    for piece in range(first, after):
        whole += weight(book, piece)
    if not whole:
        book.pieces[first][c.PIECE_PROCEEDS] = total
        return
    scratch, root = book.counts[c.HEAP], c.NONE
    for piece in range(first, after):
        share = mul_div(total, weight(book, piece), whole)
        book.pieces[piece][c.PIECE_PROCEEDS] = share
        given += share
        node = new_node(book, piece, mul_rest(total, weight(book, piece), whole), 1)
        book.heap[node][c.HEAP_ORDINAL] = piece
        root = merged(book, root, node, c.BY_PRICE)
    while given < total:
        book.pieces[book.heap[root][c.HEAP_ITEM]][c.PIECE_PROCEEDS] += 1
        root = without_first(book, root, c.BY_PRICE)
        given += 1
    book.counts[c.HEAP] = scratch


def weight(book: Book, piece: int) -> int:
    """What a piece's part of its closing's cents is in proportion to."""
    row = book.pieces[piece]
    return row[c.PIECE_CLOSED] if row[c.PIECE_KIND] == c.PAID else row[c.PIECE_UNITS]


def settle_piece(book: Book, piece: int) -> None:
    """Proceeds, basis and what of the loss is disallowed."""
    row = book.pieces[piece]
    row[c.PIECE_DISALLOWED], row[c.PIECE_PERMANENT] = 0, 0
    sublot = book.sublots[row[c.PIECE_SUBLOT]]
    lot, closed = book.lots[sublot[c.SUBLOT_LOT]], row[c.PIECE_PROCEEDS]
    carried = 0
    if sublot[c.SUBLOT_POOL] != c.NONE:
        carried = taken_cents(book, sublot[c.SUBLOT_POOL], row[c.PIECE_CARRIED], nearest_cent(row[c.PIECE_CARRIED]))
    if book.positions[lot[c.LOT_POSITION]][c.POSITION_SHORT]:
        wish = nearest_cent(row[c.PIECE_COST] - row[c.PIECE_CARRIED]) + carried
        row[c.PIECE_PROCEEDS] = taken_cents(book, lot[c.LOT_POOL], row[c.PIECE_COST], wish) - carried
        row[c.PIECE_BASIS] = closed
    else:
        exact, wash = row[c.PIECE_COST] + row[c.PIECE_CARRIED], row[c.PIECE_FIRST_ABSORBED]
        while wash != c.NONE:
            carried += book.washes[wash][c.WASH_CENTS]
            exact += book.washes[wash][c.WASH_AMOUNT]
            wash = book.washes[wash][c.WASH_NEXT_ABSORBED]
        wish = nearest_cent(exact) - carried
        row[c.PIECE_BASIS] = taken_cents(book, lot[c.LOT_POOL], row[c.PIECE_COST], wish) + carried
    disallow(book, piece)


def disallow(book: Book, piece: int) -> None:
    """Split the row's loss in cents over its wash sales, in order."""
    row = book.pieces[piece]
    loss = max(row[c.PIECE_BASIS] - row[c.PIECE_PROCEEDS], 0)
    matched, wash = 0, row[c.PIECE_FIRST_WASH]
    while wash != c.NONE:
        of_wash = book.washes[wash]
        matched += of_wash[c.WASH_AMOUNT]
        due = mul_div(loss, matched, row[c.PIECE_LOSS])
        of_wash[c.WASH_CENTS] = due - row[c.PIECE_DISALLOWED]
        row[c.PIECE_DISALLOWED] = due
        if of_wash[c.WASH_POOL] != c.NONE:
            pool = book.pools[of_wash[c.WASH_POOL]]
            if pool[c.POOL_TAKEN_EXACT]:
                new_event(book, c.CYCLE, piece, wash, pool[c.POOL_TAKEN_CENTS])
            pool[c.POOL_CENTS] += of_wash[c.WASH_CENTS]
        if of_wash[c.WASH_PERMANENT]:
            row[c.PIECE_PERMANENT] += of_wash[c.WASH_CENTS]
        wash = of_wash[c.WASH_NEXT]


def taken_cents(book: Book, pool: int, exact: int, wish: int) -> int:
    """The cents of the next `exact` units of a pool: what is due so far, rounded to the side nearer to `wish`.

    All cents are given once all units are taken, and at no time is more than a cent too much or too little given
    out. Earlier pieces are never changed by later ones: a filed row stays as it was filed.
    """
    row = book.pools[pool]
    row[c.POOL_TAKEN_EXACT] += exact
    if row[c.POOL_TAKEN_EXACT] == row[c.POOL_EXACT]:
        due = row[c.POOL_CENTS]
    else:
        due = mul_div(row[c.POOL_CENTS], row[c.POOL_TAKEN_EXACT], row[c.POOL_EXACT])
        rest = mul_rest(row[c.POOL_CENTS], row[c.POOL_TAKEN_EXACT], row[c.POOL_EXACT])
        if rest and due + 1 - row[c.POOL_TAKEN_CENTS] <= wish:
            due += 1
    given = due - row[c.POOL_TAKEN_CENTS]
    row[c.POOL_TAKEN_CENTS] = due
    return given
