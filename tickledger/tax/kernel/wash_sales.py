"""Wash sales: how a loss meets its replacements (the law is told in `tickledger.tax.wash_sales`)."""

from typing import Final

from tickledger.tax.kernel import columns as c
from tickledger.tax.kernel.arithmetic import mul_div
from tickledger.tax.kernel.columns import Book
from tickledger.tax.kernel.lots import cut_off, new_pool, order_sublot
from tickledger.tax.kernel.nodes import list_lot, stop_waiting, unlist, wait
from tickledger.tax.kernel.short_sales import first_opened

#: Days on either side of the sale.
WINDOW_DAYS: Final = 30


def is_from_box(book: Book, loss: int) -> bool:
    """Whether a short was closed with shares that were owned when it was opened, which then counts as their sale."""
    row = book.pieces[loss]
    delivered = book.closings[row[c.PIECE_CLOSING]][c.CLOSING_LOT]
    if delivered == c.NONE:
        return False
    short = book.lots[book.sublots[row[c.PIECE_SUBLOT]][c.SUBLOT_LOT]]
    return book.lots[delivered][c.LOT_ACQUIRED] <= short[c.LOT_ACQUIRED]


def lot_of(book: Book, loss: int) -> int:
    """The lot whose shares a loss was made on: of a short closed from the box, the shares delivered."""
    row = book.pieces[loss]
    if is_from_box(book, loss):
        return book.closings[row[c.PIECE_CLOSING]][c.CLOSING_LOT]
    return book.sublots[row[c.PIECE_SUBLOT]][c.SUBLOT_LOT]


def day_of(book: Book, loss: int) -> int:
    """The day that the 30 days are counted from."""
    row = book.pieces[loss]
    if is_from_box(book, loss):
        return book.lots[book.sublots[row[c.PIECE_SUBLOT]][c.SUBLOT_LOT]][c.LOT_ACQUIRED]
    return book.closings[row[c.PIECE_CLOSING]][c.CLOSING_DATE]


def match_loss(book: Book, loss: int) -> None:
    """Look for replacements among the shares held; what is not found waits for purchases to come."""
    row = book.pieces[loss]
    sold = day_of(book, loss)
    group = book.positions[book.lots[lot_of(book, loss)][c.LOT_POSITION]][c.POSITION_GROUP]
    first_day, last = sold - WINDOW_DAYS, sold + WINDOW_DAYS
    has_shorts = first_opened(book, book.groups[group][c.GROUP_OTHER]) != c.NONE
    node, last_day = book.groups[group][c.GROUP_OLDEST], 0
    while node != c.NONE:
        newer = book.nodes[node][c.NODE_NEWER]
        lot = book.lots[book.nodes[node][c.NODE_LOT]]
        if row[c.PIECE_MATCHED] >= row[c.PIECE_TO_MATCH]:
            if lot[c.LOT_FREE] and lot[c.LOT_ACQUIRED] == last_day:
                row[c.PIECE_MARKS] |= c.P4
            break
        if not lot[c.LOT_FREE] or (lot[c.LOT_ACQUIRED] < first_day and not has_shorts):
            # Later losses come later, but for shorts: a lot that is too old for this one is too old for all.
            unlist(book, node)
        elif first_day <= lot[c.LOT_ACQUIRED] <= last:
            before = row[c.PIECE_MATCHED]
            replace(book, loss, node)
            if row[c.PIECE_MATCHED] > before:
                last_day = lot[c.LOT_ACQUIRED]
        node = newer
    if row[c.PIECE_MATCHED] < row[c.PIECE_TO_MATCH]:
        if book.groups[group][c.GROUP_LAST_GONE] >= first_day:
            row[c.PIECE_MARKS] |= c.P1
        wait(book, group, loss)
    elif last_day == sold:
        remember_tied(book, group, loss, sold)


def match_acquisition(book: Book, lot: int, group: int, factor: int) -> int:
    """Offer a new lot to the losses of the last 30 days that wait, earliest first; returns its node."""
    drop_expired(book, group, book.lots[lot][c.LOT_ACQUIRED])
    mark_tied(book, group, book.lots[lot][c.LOT_ACQUIRED])
    node = list_lot(book, lot, group, factor)
    before, loss = c.NONE, book.groups[group][c.GROUP_FIRST_WAITING]
    while loss != c.NONE and book.lots[lot][c.LOT_FREE]:
        row = book.pieces[loss]
        following = row[c.PIECE_NEXT_WAITING]
        if day_of(book, loss) >= book.lots[lot][c.LOT_ACQUIRED] - WINDOW_DAYS:
            replace(book, loss, node)
        if row[c.PIECE_MATCHED] >= row[c.PIECE_TO_MATCH]:
            stop_waiting(book, group, loss, before)
            remember_tied(book, group, loss, book.lots[lot][c.LOT_ACQUIRED])
        else:
            # A loss that may not take these shares (those of its own order) lets the ones behind it have them.
            before = loss
        loss = following
    if not book.lots[lot][c.LOT_FREE]:
        unlist(book, node)
    return node


def remember_tied(book: Book, group: int, loss: int, day: int) -> None:
    """Note a loss that is wholly replaced, in the end by a purchase of a day that may bring more of them."""
    row = book.groups[group]
    if row[c.GROUP_TIED_DAY] != day:
        row[c.GROUP_TIED_DAY], row[c.GROUP_FIRST_TIED] = day, c.NONE
    book.pieces[loss][c.PIECE_NEXT_WAITING] = row[c.GROUP_FIRST_TIED]
    row[c.GROUP_FIRST_TIED] = loss


def mark_tied(book: Book, group: int, today: int) -> None:
    """Mark the losses that an earlier purchase of the day has replaced: one more could have done it (policy P4)."""
    row = book.groups[group]
    if row[c.GROUP_TIED_DAY] != today:
        return
    loss = row[c.GROUP_FIRST_TIED]
    while loss != c.NONE:
        book.pieces[loss][c.PIECE_MARKS] |= c.P4
        loss = book.pieces[loss][c.PIECE_NEXT_WAITING]
    row[c.GROUP_FIRST_TIED] = c.NONE


def match_sale(book: Book, sale: int, group: int) -> None:
    """Let a sale of shares take over losses of short sales closed in the 30 days before it (1091(e)(1)).

    A sale before the closing takes over nothing: like a replacement sold before the loss (policy P1), it has no
    basis left that could carry one.
    """
    row = book.pieces[sale]
    closing = book.closings[row[c.PIECE_CLOSING]]
    drop_expired(book, group, closing[c.CLOSING_DATE])
    free = row[c.PIECE_UNITS]
    loss = book.groups[group][c.GROUP_FIRST_WAITING]
    while loss != c.NONE and free:
        of_loss = book.pieces[loss]
        units = min(free, of_loss[c.PIECE_TO_MATCH] - of_loss[c.PIECE_MATCHED])
        lot = book.sublots[row[c.PIECE_SUBLOT]][c.SUBLOT_LOT]
        wash = new_wash(book, loss, lot, closing[c.CLOSING_FILL], units, units, c.SHORT_SALE)
        book.washes[wash][c.WASH_NEXT_ABSORBED] = row[c.PIECE_FIRST_ABSORBED]
        row[c.PIECE_FIRST_ABSORBED] = wash
        free -= units
        if of_loss[c.PIECE_MATCHED] >= of_loss[c.PIECE_TO_MATCH]:
            stop_waiting(book, group, loss, c.NONE)
        loss = book.groups[group][c.GROUP_FIRST_WAITING]


def drop_expired(book: Book, group: int, today: int) -> None:
    """Let go of losses whose 30 days are over."""
    loss = book.groups[group][c.GROUP_FIRST_WAITING]
    while loss != c.NONE:
        if day_of(book, loss) >= today - WINDOW_DAYS:
            return
        stop_waiting(book, group, loss, c.NONE)
        loss = book.groups[group][c.GROUP_FIRST_WAITING]


def replace(book: Book, loss: int, node: int) -> None:
    """Let free shares of a lot replace what is left of a loss, in their order within the lot."""
    row, factor = book.pieces[loss], book.nodes[node][c.NODE_FACTOR]
    lot = book.nodes[node][c.NODE_LOT]
    if is_excluded(book, loss, lot):
        return
    leaving = leaving_later(book, loss, lot)
    if leaving:
        row[c.PIECE_MARKS] |= c.P2
    is_last = book.policies[c.REPLACEMENT_LAST]
    while row[c.PIECE_MATCHED] < row[c.PIECE_TO_MATCH] and book.lots[lot][c.LOT_FREE]:
        sublot, first = free_shares(book, lot, leaving, is_last)
        if sublot == c.NONE:
            return
        available = book.sublots[sublot][c.SUBLOT_UNITS]
        units = min(available - first, (row[c.PIECE_TO_MATCH] - row[c.PIECE_MATCHED]) // factor)
        if not units:
            return
        start = available - units if is_last else first
        carry(book, loss, lot, cut_out(book, sublot, start, units), factor)


def is_excluded(book: Book, loss: int, lot: int) -> bool:
    """Whether a lot may not replace a loss: bought in one order (Rev. Rul. 56-602), or before it (policy P3)."""
    row = book.pieces[loss]
    sold, bought = book.lots[lot_of(book, loss)], book.lots[lot]
    if sold[c.LOT_ORDER] == bought[c.LOT_ORDER]:
        # One order may buy an option beside its stock, which is another lot.
        seller, buyer = book.positions[sold[c.LOT_POSITION]], book.positions[bought[c.LOT_POSITION]]
        if seller[c.POSITION_SECURITY] == buyer[c.POSITION_SECURITY]:
            return True
    if bought[c.LOT_ACQUIRED] < sold[c.LOT_ACQUIRED]:
        row[c.PIECE_MARKS] |= c.P3
        return book.policies[c.OLDER_DO_NOT_REPLACE] != 0
    return False


def leaving_later(book: Book, loss: int, lot: int) -> int:
    """How many shares of the lot leave in later fills of the order that made the loss."""
    order = book.closings[book.pieces[loss][c.PIECE_CLOSING]][c.CLOSING_ORDER]
    place = reservation(book, order, lot)
    if place == c.NONE:
        return 0
    row = book.lots[lot]
    scale = row[c.LOT_SCALE + 1] * book.policies[c.RESERVED_SCALE]
    return mul_div(book.reserved[place][c.RESERVED_UNITS], row[c.LOT_SCALE], scale)


def reservation(book: Book, order: int, lot: int) -> int:
    """Where it stands what an order takes of a lot; none where the order has one fill, or takes none of it."""
    place = book.orders[order]
    if place == c.NONE:
        return c.NONE
    row = book.lots[lot]
    symbol = book.positions[row[c.LOT_POSITION]][c.POSITION_SYMBOL]
    while place < len(book.reserved) and book.reserved[place][c.RESERVED_ORDER] == order:
        entry = book.reserved[place]
        if entry[c.RESERVED_FILL] == row[c.LOT_FILL] and entry[c.RESERVED_SYMBOL] == symbol:
            return place
        place += 1
    return c.NONE


def free_shares(book: Book, lot: int, leaving: int, is_last: int) -> tuple[int, int]:
    """Which sublot has shares that may replace, and from which of its shares on; none where none has.

    The first `leaving` shares of the lot are out of the question.
    """
    last = book.lots[lot][c.LOT_LAST]
    if not leaving and not is_last:
        of_last = book.sublots[last]
        if of_last[c.SUBLOT_UNITS] == book.lots[lot][c.LOT_FREE] and not of_last[c.SUBLOT_USED]:
            return last, 0
    found, start, offset = c.NONE, 0, 0
    sublot = book.lots[lot][c.LOT_FIRST]
    while sublot != c.NONE:
        row = book.sublots[sublot]
        first = max(leaving - offset, 0)
        if not row[c.SUBLOT_USED] and first < row[c.SUBLOT_UNITS]:
            found, start = sublot, first
            if not is_last:
                return found, start
        offset += row[c.SUBLOT_UNITS]
        sublot = row[c.SUBLOT_NEXT]
    return found, start


def cut_out(book: Book, sublot: int, start: int, units: int) -> int:
    """Make `units` shares from `start` of a sublot a sublot of their own; the others stay around it."""
    if start:
        order_sublot(book, cut_off(book, sublot, start))
    return cut_off(book, sublot, units)


def carry(book: Book, loss: int, lot: int, shares: int, factor: int) -> None:
    """Let a sublot replace part of a loss, and carry it where the law lets it."""
    row, of_lot = book.sublots[shares], book.lots[lot]
    wash = new_wash(book, loss, lot, of_lot[c.LOT_FILL], row[c.SUBLOT_UNITS], row[c.SUBLOT_UNITS] * factor, c.PURCHASE)
    of_wash = book.washes[wash]
    of_wash[c.WASH_SUBLOT] = shares
    set_authority(book, loss, lot, wash, factor)
    row[c.SUBLOT_USED] = 1
    of_lot[c.LOT_FREE] -= row[c.SUBLOT_UNITS]
    if not of_wash[c.WASH_PERMANENT]:
        amount = of_wash[c.WASH_AMOUNT]
        of_wash[c.WASH_POOL] = new_pool(book, amount, 0)
        row[c.SUBLOT_CARRIED], row[c.SUBLOT_WHOLE_CARRIED] = amount, amount
        row[c.SUBLOT_POOL] = of_wash[c.WASH_POOL]
        if not book.positions[of_lot[c.LOT_POSITION]][c.POSITION_SHORT]:
            # The term of a short sale follows from the shares delivered; its own dates carry nothing.
            tack(book, loss, lot, shares)
    order_sublot(book, shares)


def tack(book: Book, loss: int, lot: int, shares: int) -> None:
    """Add the days that the sold shares were held before the replacement's (IRC 1223(3))."""
    row = book.pieces[loss]
    sold, bought, held_from = day_of(book, loss), book.lots[lot][c.LOT_ACQUIRED], row[c.PIECE_START]
    if is_from_box(book, loss):
        held_from = book.closings[row[c.PIECE_CLOSING]][c.CLOSING_START]
    held_until = min(sold, bought) if book.policies[c.COUNT_ONCE] else sold
    book.sublots[shares][c.SUBLOT_START] = bought - max(held_until - held_from, 0)
    if bought < sold and held_from < sold:
        book.sublots[shares][c.SUBLOT_MARKS] |= c.P6


def set_authority(book: Book, loss: int, lot: int, wash: int, factor: int) -> None:
    """Say under which rule a lot replaces, and whether the loss is lost for good."""
    row = book.pieces[loss]
    seller = book.positions[book.lots[lot_of(book, loss)][c.LOT_POSITION]]
    buyer, of_wash = book.positions[book.lots[lot][c.LOT_POSITION]], book.washes[wash]
    if buyer[c.POSITION_SHORT]:
        of_wash[c.WASH_RULE] = c.SHORT
    elif buyer[c.POSITION_IRA]:
        of_wash[c.WASH_RULE], of_wash[c.WASH_PERMANENT] = c.IRA, 1
    elif seller[c.POSITION_SPOUSE] != buyer[c.POSITION_SPOUSE]:
        row[c.PIECE_MARKS] |= c.P8
        is_permanent = book.policies[c.SPOUSE_IS_PERMANENT]
        of_wash[c.WASH_RULE] = c.SPOUSE_PERMANENT if is_permanent else c.SPOUSE
        of_wash[c.WASH_PERMANENT] = is_permanent
    elif factor != 1 or seller[c.POSITION_SYMBOL] != buyer[c.POSITION_SYMBOL]:
        of_wash[c.WASH_RULE] = c.CALL if buyer[c.POSITION_CALL_GROUP] == seller[c.POSITION_GROUP] else c.PURCHASE
    elif is_from_box(book, loss):
        of_wash[c.WASH_RULE] = c.BOX


def new_wash(book: Book, loss: int, lot: int, fill: int, units: int, matched: int, rule: int) -> int:
    """Enter that `units` of a lot take over the next `matched` shares of a loss."""
    wash = book.counts[c.WASHES]
    book.counts[c.WASHES] = wash + 1
    row, of_loss = book.washes[wash], book.pieces[loss]
    row[c.WASH_PIECE], row[c.WASH_LOT], row[c.WASH_FILL], row[c.WASH_UNITS] = loss, lot, fill, units
    row[c.WASH_AMOUNT], row[c.WASH_RULE] = taken_over(book, loss, matched), rule
    row[c.WASH_PERMANENT], row[c.WASH_POOL], row[c.WASH_SUBLOT] = 0, c.NONE, c.NONE
    row[c.WASH_NEXT], row[c.WASH_NEXT_ABSORBED], row[c.WASH_CENTS] = c.NONE, c.NONE, 0
    last = of_loss[c.PIECE_LAST_WASH]
    if last == c.NONE:
        of_loss[c.PIECE_FIRST_WASH] = wash
    else:
        book.washes[last][c.WASH_NEXT] = wash
    of_loss[c.PIECE_LAST_WASH] = wash
    return wash


def taken_over(book: Book, loss: int, units: int) -> int:
    """The part of a loss that the next `units` shares take over, money units."""
    row = book.pieces[loss]
    before = mul_div(row[c.PIECE_LOSS], row[c.PIECE_MATCHED], row[c.PIECE_TO_MATCH])
    row[c.PIECE_MATCHED] += units
    return mul_div(row[c.PIECE_LOSS], row[c.PIECE_MATCHED], row[c.PIECE_TO_MATCH]) - before
