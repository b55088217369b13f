"""How a closing takes lots: pieces into the journal, losses to their replacements."""

from tickledger.tax.cents import TOLERANCE
from tickledger.tax.kernel import columns as c
from tickledger.tax.kernel.arithmetic import mul_div, nearest_cent
from tickledger.tax.kernel.columns import Book
from tickledger.tax.kernel.heap import merged, new_node, without_first
from tickledger.tax.kernel.lots import unlink_sublot
from tickledger.tax.kernel.methods import next_sublot
from tickledger.tax.kernel.room import must_wait
from tickledger.tax.kernel.short_sales import apply_short_sale_rules, start_at_sale
from tickledger.tax.kernel.wash_sales import drop_expired, match_loss, match_sale, reservation


def new_closing(book: Book, fill: int, position: int, order: int, date: int, units: int, net: int, kind: int) -> int:
    """What closes lots; `net` is the whole amount, money units."""
    closing = book.counts[c.CLOSINGS]
    book.counts[c.CLOSINGS] = closing + 1
    row = book.closings[closing]
    row[c.CLOSING_FILL], row[c.CLOSING_POSITION], row[c.CLOSING_ORDER] = fill, position, order
    row[c.CLOSING_DATE], row[c.CLOSING_UNITS], row[c.CLOSING_NET] = date, units, net
    row[c.CLOSING_CENTS], row[c.CLOSING_KIND] = nearest_cent(net), kind
    row[c.CLOSING_ACQUIRED], row[c.CLOSING_START], row[c.CLOSING_LOT] = c.NONE, c.NONE, c.NONE
    return closing


def close_chosen(book: Book, closing: int, first_choice: int, choices: int) -> bool:
    """Close the lots that a sale identifies, each lot's shares in their order; as `close_by_method`."""
    begin(book, closing)
    position = book.closings[closing][c.CLOSING_POSITION]
    done = book.closings[closing][c.CLOSING_UNITS] - book.counts[c.TO_CLOSE]
    for choice in range(first_choice, first_choice + choices):
        wanted = max(book.choices[choice][c.CHOICE_UNITS] - done, 0)
        done = max(done - book.choices[choice][c.CHOICE_UNITS], 0)
        lot = book.positions[position][c.POSITION_FIRST_LOT]
        while wanted and lot != c.NONE:
            following = book.lots[lot][c.LOT_NEXT]
            while (
                wanted
                and book.lots[lot][c.LOT_UNITS]
                and book.lots[lot][c.LOT_FILL] == book.choices[choice][c.CHOICE_FILL]
            ):
                if must_wait(book):
                    return False
                wanted -= close_piece(book, closing, book.lots[lot][c.LOT_FIRST], wanted)
            lot = following
    finish(book, position)
    return True


def close_by_method(book: Book, closing: int, method: int) -> bool:
    """Close what the account's method takes next, until all shares are taken.

    False where the tables have to be longer first; called again, it goes on from there.
    """
    begin(book, closing)
    position = book.closings[closing][c.CLOSING_POSITION]
    while book.counts[c.TO_CLOSE]:
        if must_wait(book):
            return False
        close_piece(book, closing, next_sublot(book, position, method), book.counts[c.TO_CLOSE])
    finish(book, position)
    return True


def begin(book: Book, closing: int) -> None:
    """Note what is to be closed, unless it has begun."""
    if not book.counts[c.TO_CLOSE]:
        book.counts[c.TO_CLOSE] = book.closings[closing][c.CLOSING_UNITS]
        book.counts[c.FIRST_PIECE] = book.counts[c.PIECES]


def close_piece(book: Book, closing: int, sublot: int, most: int) -> int:
    """Close up to `most` shares of a sublot; returns how many."""
    row, of_closing = book.sublots[sublot], book.closings[closing]
    lot, whole, net = book.lots[row[c.SUBLOT_LOT]], of_closing[c.CLOSING_UNITS], of_closing[c.CLOSING_NET]
    units = together(book, closing, min(row[c.SUBLOT_UNITS], most))
    units, start = start_at_sale(book, sublot, units, of_closing[c.CLOSING_DATE])
    marks = row[c.SUBLOT_MARKS] | (c.P7 if lot[c.LOT_FIRST] != lot[c.LOT_LAST] else 0)
    cost, carried = take(book, sublot, units)
    done = whole - book.counts[c.TO_CLOSE]
    book.counts[c.TO_CLOSE] -= units
    closed = mul_div(net, done + units, whole) - mul_div(net, done, whole)
    piece = new_piece(book, c.CLOSED, sublot, closing, units, cost, carried, closed)
    book.pieces[piece][c.PIECE_START], book.pieces[piece][c.PIECE_MARKS] = start, marks
    enter_loss(book, piece)
    apply_short_sale_rules(book, piece)
    no_longer_reserved(book, piece)
    group = book.positions[of_closing[c.CLOSING_POSITION]][c.POSITION_GROUP]
    if book.policies[c.SAME_ORDER_REPLACES] and book.pieces[piece][c.PIECE_LOSS] and group != c.NONE:
        match_loss(book, piece)
    return units


def together(book: Book, closing: int, units: int) -> int:
    """How many of `units` shares take over the same loss of a short, or none (1091(e)(1))."""
    of_closing = book.closings[closing]
    position = book.positions[of_closing[c.CLOSING_POSITION]]
    if position[c.POSITION_GROUP] == c.NONE or position[c.POSITION_SHORT] or position[c.POSITION_IRA]:
        return units
    shorts = book.groups[position[c.POSITION_GROUP]][c.GROUP_OTHER]
    if book.groups[shorts][c.GROUP_FIRST_WAITING] == c.NONE:
        return units
    drop_expired(book, shorts, of_closing[c.CLOSING_DATE])
    loss = book.groups[shorts][c.GROUP_FIRST_WAITING]
    if loss == c.NONE:
        return units
    return min(units, book.pieces[loss][c.PIECE_TO_MATCH] - book.pieces[loss][c.PIECE_MATCHED])


def take(book: Book, sublot: int, units: int) -> tuple[int, int]:
    """Take the first shares off a sublot and its lot; their cost, and what they carried."""
    row = book.sublots[sublot]
    lot = book.lots[row[c.SUBLOT_LOT]]
    whole = row[c.SUBLOT_UNITS]
    cost, carried = row[c.SUBLOT_COST], row[c.SUBLOT_CARRIED]
    if units < whole:
        cost = mul_div(cost, units, whole)
        carried = mul_div(carried, units, whole)
        row[c.SUBLOT_RETURNED] -= mul_div(row[c.SUBLOT_RETURNED], units, whole)
    else:
        row[c.SUBLOT_RETURNED] = 0
    row[c.SUBLOT_UNITS] -= units
    row[c.SUBLOT_COST] -= cost
    row[c.SUBLOT_CARRIED] -= carried
    lot[c.LOT_UNITS] -= units
    book.positions[lot[c.LOT_POSITION]][c.POSITION_HELD] -= units
    if not row[c.SUBLOT_USED]:
        lot[c.LOT_FREE] -= units
    if units == whole:
        unlink_sublot(book, sublot)
    return cost, carried


def new_piece(
    book: Book, kind: int, sublot: int, closing: int, units: int, cost: int, carried: int, closed: int
) -> int:
    """A row of the journal."""
    piece = book.counts[c.PIECES]
    book.counts[c.PIECES] = piece + 1
    row = book.pieces[piece]
    row[c.PIECE_KIND], row[c.PIECE_SUBLOT], row[c.PIECE_CLOSING], row[c.PIECE_UNITS] = kind, sublot, closing, units
    row[c.PIECE_COST], row[c.PIECE_CARRIED], row[c.PIECE_CLOSED], row[c.PIECE_LOSS] = cost, carried, closed, 0
    row[c.PIECE_TO_MATCH], row[c.PIECE_MATCHED], row[c.PIECE_NEXT_WAITING] = units, 0, c.NONE
    row[c.PIECE_FIRST_WASH], row[c.PIECE_LAST_WASH], row[c.PIECE_FIRST_ABSORBED] = c.NONE, c.NONE, c.NONE
    row[c.PIECE_START], row[c.PIECE_MARKS] = 0, 0
    row[c.PIECE_PROCEEDS] = 0
    return piece


def enter_loss(book: Book, piece: int) -> None:
    """What was lost on the adjusted basis; losses of shorts that this sale takes over come first (1091(e)(1))."""
    row = book.pieces[piece]
    position = book.positions[book.lots[book.sublots[row[c.PIECE_SUBLOT]][c.SUBLOT_LOT]][c.LOT_POSITION]]
    if position[c.POSITION_IRA]:
        return
    if position[c.POSITION_SHORT]:
        loss = row[c.PIECE_CLOSED] - (row[c.PIECE_COST] - row[c.PIECE_CARRIED])
    else:
        group = position[c.POSITION_GROUP]
        if group != c.NONE:
            shorts = book.groups[group][c.GROUP_OTHER]
            if book.groups[shorts][c.GROUP_FIRST_WAITING] != c.NONE:
                match_sale(book, piece, shorts)
        loss = row[c.PIECE_COST] + row[c.PIECE_CARRIED] - row[c.PIECE_CLOSED]
        wash = row[c.PIECE_FIRST_ABSORBED]
        while wash != c.NONE:
            loss += book.washes[wash][c.WASH_AMOUNT]
            wash = book.washes[wash][c.WASH_NEXT_ABSORBED]
    row[c.PIECE_LOSS] = loss if loss > TOLERANCE else 0


def no_longer_reserved(book: Book, piece: int) -> None:
    """Count what an order has taken of a lot off what it was still to take."""
    row = book.pieces[piece]
    lot = book.sublots[row[c.PIECE_SUBLOT]][c.SUBLOT_LOT]
    place = reservation(book, book.closings[row[c.PIECE_CLOSING]][c.CLOSING_ORDER], lot)
    if place != c.NONE:
        scale = book.lots[lot][c.LOT_SCALE + 1] * book.policies[c.RESERVED_SCALE]
        taken = mul_div(row[c.PIECE_UNITS], scale, book.lots[lot][c.LOT_SCALE])
        book.reserved[place][c.RESERVED_UNITS] -= taken


def finish(book: Book, position: int) -> None:
    """Match the losses of one sale: the shares acquired first come first (Reg. 1.1091-1(b))."""
    first = book.counts[c.FIRST_PIECE]
    group = book.positions[position][c.POSITION_GROUP]
    if group == c.NONE:
        return
    if not book.policies[c.SAME_ORDER_REPLACES]:
        match_losses(book, first)
    gone = book.groups[group][c.GROUP_LAST_GONE]
    for piece in range(first, book.counts[c.PIECES]):
        lot = book.lots[book.sublots[book.pieces[piece][c.PIECE_SUBLOT]][c.SUBLOT_LOT]]
        gone = max(gone, lot[c.LOT_ACQUIRED])
    book.groups[group][c.GROUP_LAST_GONE] = gone


def match_losses(book: Book, first: int) -> None:
    """Match the losses among the pieces from `first` on, in the order of acquisition."""
    end = book.counts[c.PIECES]
    if is_in_order(book, first):
        for piece in range(first, end):
            if book.pieces[piece][c.PIECE_LOSS]:
                match_loss(book, piece)
        return
    root = c.NONE
    for piece in range(first, end):
        if book.pieces[piece][c.PIECE_LOSS]:
            lot = book.lots[book.sublots[book.pieces[piece][c.PIECE_SUBLOT]][c.SUBLOT_LOT]]
            node = new_node(book, piece, 0, 1)
            row = book.heap[node]
            row[c.HEAP_ACQUIRED], row[c.HEAP_SEQUENCE] = lot[c.LOT_ACQUIRED], lot[c.LOT_SEQUENCE]
            row[c.HEAP_ORDINAL] = piece
            root = merged(book, root, node, c.BY_PRICE)
    while root != c.NONE:
        match_loss(book, book.heap[root][c.HEAP_ITEM])
        root = without_first(book, root, c.BY_PRICE)


def is_in_order(book: Book, first: int) -> bool:
    """Whether the pieces from `first` on are of lots in the order of their acquisition, as first in, first out is."""
    acquired, sequence = 0, 0
    for piece in range(first, book.counts[c.PIECES]):
        lot = book.lots[book.sublots[book.pieces[piece][c.PIECE_SUBLOT]][c.SUBLOT_LOT]]
        if lot[c.LOT_ACQUIRED] < acquired or (lot[c.LOT_ACQUIRED] == acquired and lot[c.LOT_SEQUENCE] < sequence):
            return False
        acquired, sequence = lot[c.LOT_ACQUIRED], lot[c.LOT_SEQUENCE]
    return True
