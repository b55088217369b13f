"""Lots and the sublots they are cut into, and their places in a position."""

from tickledger.tax.kernel import columns as c
from tickledger.tax.kernel.arithmetic import mul_div, nearest_cent
from tickledger.tax.kernel.columns import Book
from tickledger.tax.kernel.heap import merged, new_node


def new_pool(book: Book, exact: int, cents: int) -> int:
    """A pool of that many money units, and the cents that stand for them."""
    pool = book.counts[c.POOLS]
    book.counts[c.POOLS] = pool + 1
    row = book.pools[pool]
    row[c.POOL_EXACT], row[c.POOL_CENTS] = exact, cents
    row[c.POOL_TAKEN_EXACT], row[c.POOL_TAKEN_CENTS] = 0, 0
    return pool


def new_lot(book: Book, position: int, fill: int, order: int, acquired: int, units: int, pool: int) -> int:
    """A lot without sublots; the caller puts it into its position."""
    lot = book.counts[c.LOTS]
    book.counts[c.LOTS] = lot + 1
    row = book.lots[lot]
    row[c.LOT_POSITION], row[c.LOT_FILL], row[c.LOT_ORDER] = position, fill, order
    row[c.LOT_ACQUIRED], row[c.LOT_SEQUENCE] = acquired, book.counts[c.SEQUENCE]
    book.counts[c.SEQUENCE] += 1
    row[c.LOT_UNITS], row[c.LOT_FREE], row[c.LOT_WHOLE_UNITS] = units, units, units
    row[c.LOT_POOL], row[c.LOT_MADE] = pool, 0
    row[c.LOT_FIRST], row[c.LOT_LAST] = c.NONE, c.NONE
    row[c.LOT_PREVIOUS], row[c.LOT_NEXT] = c.NONE, c.NONE
    row[c.LOT_SCALE], row[c.LOT_SCALE + 1] = 1, 1
    row[c.LOT_NODE], row[c.LOT_CALL_NODE] = c.NONE, c.NONE
    row[c.LOT_LONG_TERM], row[c.LOT_TAINT] = 0, 0
    return lot


def append_lot(book: Book, position: int, lot: int) -> None:
    """Put a lot last in its position: the latest acquisition so far."""
    row = book.positions[position]
    last = row[c.POSITION_LAST_LOT]
    book.lots[lot][c.LOT_PREVIOUS], book.lots[lot][c.LOT_NEXT] = last, c.NONE
    if last == c.NONE:
        row[c.POSITION_FIRST_LOT] = lot
    else:
        book.lots[last][c.LOT_NEXT] = lot
    row[c.POSITION_LAST_LOT] = lot
    row[c.POSITION_HELD] += book.lots[lot][c.LOT_UNITS]


def unlink_lot(book: Book, lot: int) -> None:
    """Take a lot without shares out of its position."""
    row = book.lots[lot]
    position = book.positions[row[c.LOT_POSITION]]
    before, after = row[c.LOT_PREVIOUS], row[c.LOT_NEXT]
    if before == c.NONE:
        position[c.POSITION_FIRST_LOT] = after
    else:
        book.lots[before][c.LOT_NEXT] = after
    if after == c.NONE:
        position[c.POSITION_LAST_LOT] = before
    else:
        book.lots[after][c.LOT_PREVIOUS] = before


def new_sublot(book: Book, lot: int, units: int, cost: int, start: int) -> int:
    """A sublot that carries nothing; the caller puts it in its place."""
    sublot = book.counts[c.SUBLOTS]
    book.counts[c.SUBLOTS] = sublot + 1
    book.counts[c.LIVE] += 1
    of_lot = book.lots[lot]
    of_lot[c.LOT_MADE] += 1
    row = book.sublots[sublot]
    row[c.SUBLOT_LOT], row[c.SUBLOT_ORDINAL] = lot, of_lot[c.LOT_MADE]
    row[c.SUBLOT_UNITS], row[c.SUBLOT_COST], row[c.SUBLOT_CARRIED] = units, cost, 0
    row[c.SUBLOT_START], row[c.SUBLOT_USED], row[c.SUBLOT_POOL], row[c.SUBLOT_RETURNED] = start, 0, c.NONE, 0
    row[c.SUBLOT_WHOLE_UNITS], row[c.SUBLOT_WHOLE_COST] = units, cost
    row[c.SUBLOT_WHOLE_CARRIED], row[c.SUBLOT_WHOLE_RETURNED] = 0, 0
    row[c.SUBLOT_PREVIOUS], row[c.SUBLOT_NEXT], row[c.SUBLOT_MARKS] = c.NONE, c.NONE, 0
    return sublot


def insert_sublot(book: Book, sublot: int, following: int) -> None:
    """Put a sublot before another of its lot, or last where `following` is none."""
    row = book.sublots[sublot]
    lot = book.lots[row[c.SUBLOT_LOT]]
    before = lot[c.LOT_LAST] if following == c.NONE else book.sublots[following][c.SUBLOT_PREVIOUS]
    row[c.SUBLOT_PREVIOUS], row[c.SUBLOT_NEXT] = before, following
    if before == c.NONE:
        lot[c.LOT_FIRST] = sublot
    else:
        book.sublots[before][c.SUBLOT_NEXT] = sublot
    if following == c.NONE:
        lot[c.LOT_LAST] = sublot
    else:
        book.sublots[following][c.SUBLOT_PREVIOUS] = sublot


def unlink_sublot(book: Book, sublot: int) -> None:
    """Take a sublot without shares out of its lot."""
    row = book.sublots[sublot]
    lot = book.lots[row[c.SUBLOT_LOT]]
    before, after = row[c.SUBLOT_PREVIOUS], row[c.SUBLOT_NEXT]
    if before == c.NONE:
        lot[c.LOT_FIRST] = after
    else:
        book.sublots[before][c.SUBLOT_NEXT] = after
    if after == c.NONE:
        lot[c.LOT_LAST] = before
    else:
        book.sublots[after][c.SUBLOT_PREVIOUS] = before
    book.counts[c.LIVE] -= 1


def cut_off(book: Book, sublot: int, units: int) -> int:
    """Make the first `units` shares of a sublot one of their own, before the rest; all of them: a new one."""
    whole = book.sublots[sublot]
    of_whole = whole[c.SUBLOT_UNITS]
    cost = mul_div(whole[c.SUBLOT_COST], units, of_whole)
    made = new_sublot(book, whole[c.SUBLOT_LOT], units, cost, whole[c.SUBLOT_START])
    row = book.sublots[made]
    row[c.SUBLOT_USED], row[c.SUBLOT_POOL] = whole[c.SUBLOT_USED], whole[c.SUBLOT_POOL]
    row[c.SUBLOT_CARRIED] = mul_div(whole[c.SUBLOT_CARRIED], units, of_whole)
    row[c.SUBLOT_RETURNED] = mul_div(whole[c.SUBLOT_RETURNED], units, of_whole)
    row[c.SUBLOT_WHOLE_CARRIED], row[c.SUBLOT_WHOLE_RETURNED] = row[c.SUBLOT_CARRIED], row[c.SUBLOT_RETURNED]
    row[c.SUBLOT_MARKS] = whole[c.SUBLOT_MARKS]
    insert_sublot(book, made, sublot)
    whole[c.SUBLOT_UNITS] = of_whole - units
    whole[c.SUBLOT_COST] -= cost
    whole[c.SUBLOT_CARRIED] -= row[c.SUBLOT_CARRIED]
    whole[c.SUBLOT_RETURNED] -= row[c.SUBLOT_RETURNED]
    if not whole[c.SUBLOT_UNITS]:
        unlink_sublot(book, sublot)
    return made


def order_lot(book: Book, lot: int) -> None:
    """Give a new lot its place in the orderings that its position keeps."""
    row = book.lots[lot]
    position = book.positions[row[c.LOT_POSITION]]
    if position[c.POSITION_HEAPS] & (1 << c.BY_PRICE):
        cost, units, sublot = 0, 0, row[c.LOT_FIRST]
        while sublot != c.NONE:
            cost += book.sublots[sublot][c.SUBLOT_COST]
            units += book.sublots[sublot][c.SUBLOT_UNITS]
            sublot = book.sublots[sublot][c.SUBLOT_NEXT]
        node = new_node(book, lot, cost, units)
        book.heap[node][c.HEAP_ACQUIRED], book.heap[node][c.HEAP_SEQUENCE] = row[c.LOT_ACQUIRED], row[c.LOT_SEQUENCE]
        position[c.POSITION_ROOT] = merged(book, position[c.POSITION_ROOT], node, c.BY_PRICE)
    sublot = row[c.LOT_FIRST]
    while sublot != c.NONE:
        order_sublot(book, sublot)
        sublot = book.sublots[sublot][c.SUBLOT_NEXT]


def order_sublot(book: Book, sublot: int) -> None:
    """Give a sublot its place among those by adjusted basis; a short's basis is its proceeds, dearest first too."""
    row = book.sublots[sublot]
    lot = book.lots[row[c.SUBLOT_LOT]]
    position = book.positions[lot[c.LOT_POSITION]]
    for kind in (c.SMALLEST_GAIN, c.LARGEST_GAIN):
        if position[c.POSITION_HEAPS] & (1 << kind):
            carried = -row[c.SUBLOT_CARRIED] if position[c.POSITION_SHORT] else row[c.SUBLOT_CARRIED]
            node = new_node(book, sublot, row[c.SUBLOT_COST] + carried, row[c.SUBLOT_UNITS])
            of_node = book.heap[node]
            of_node[c.HEAP_ACQUIRED], of_node[c.HEAP_SEQUENCE] = lot[c.LOT_ACQUIRED], lot[c.LOT_SEQUENCE]
            of_node[c.HEAP_ORDINAL] = row[c.SUBLOT_ORDINAL]
            position[c.POSITION_ROOT + kind] = merged(book, position[c.POSITION_ROOT + kind], node, kind)


def opened(book: Book, position: int, fill: int, order: int, acquired: int, units: int, cost: int) -> int:
    """A new lot of one sublot, at the end of its position."""
    cents = nearest_cent(cost)
    pool = new_pool(book, cost, cents)
    book.counts[c.SPENT] += -cents if book.positions[position][c.POSITION_SHORT] else cents
    lot = new_lot(book, position, fill, order, acquired, units, pool)
    insert_sublot(book, new_sublot(book, lot, units, cost, acquired), c.NONE)
    append_lot(book, position, lot)
    order_lot(book, lot)
    return lot
