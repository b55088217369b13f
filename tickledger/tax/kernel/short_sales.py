"""Short sales beside shares of the same security: IRC 1233(b), (d); Pub. 550, p. 85.

Shares that were not long-term when a short was opened, or were bought while it was open, start their holding period
anew when the short is closed or, where that is earlier, when they are sold; to the extent of the short, in the order
of their acquisition. The loss of a short is long-term as far as shares held long-term stood beside it.
"""

from tickledger.tax.kernel import columns as c
from tickledger.tax.kernel.arithmetic import long_term_from
from tickledger.tax.kernel.columns import Book, Row
from tickledger.tax.kernel.lots import cut_off, order_sublot


def short_opened(book: Book, short: int) -> None:
    """Note how much of a short stands beside shares held long-term, and how many it may restart."""
    row = book.lots[short]
    group = book.positions[row[c.LOT_POSITION]][c.POSITION_GROUP]
    row[c.LOT_TAINT] = row[c.LOT_UNITS]
    if group == c.NONE:
        return
    taken, position = 0, book.groups[group][c.GROUP_FIRST_POSITION]
    while position != c.NONE:
        lot = book.positions[position][c.POSITION_FIRST_LOT]
        while lot != c.NONE:
            taken += book.lots[lot][c.LOT_LONG_TERM]
            lot = book.lots[lot][c.LOT_NEXT]
        position = book.positions[position][c.POSITION_NEXT]
    long_term = long_term_units(book, book.groups[group][c.GROUP_OTHER], row[c.LOT_ACQUIRED])
    row[c.LOT_LONG_TERM] = min(max(long_term - taken, 0), row[c.LOT_UNITS])


def long_term_units(book: Book, group: int, day: int) -> int:
    """Shares of a group that have been held for more than a year on a day, outside IRAs."""
    units, position = 0, book.groups[group][c.GROUP_FIRST_POSITION]
    while position != c.NONE:
        row = book.positions[position]
        lot = row[c.POSITION_FIRST_LOT] if row[c.POSITION_HELD] and not row[c.POSITION_IRA] else c.NONE
        while lot != c.NONE:
            sublot = book.lots[lot][c.LOT_FIRST]
            while sublot != c.NONE:
                if day >= long_term_from(book.sublots[sublot][c.SUBLOT_START]):
                    units += book.sublots[sublot][c.SUBLOT_UNITS]
                sublot = book.sublots[sublot][c.SUBLOT_NEXT]
            lot = book.lots[lot][c.LOT_NEXT]
        position = row[c.POSITION_NEXT]
    return units


def start_at_sale(book: Book, sublot: int, units: int, day: int) -> tuple[int, int]:
    """How many shares of a sublot share one term when sold on `day`, and since when they count as held."""
    row = book.sublots[sublot]
    lot, start = book.lots[row[c.SUBLOT_LOT]], row[c.SUBLOT_START]
    if book.positions[lot[c.LOT_POSITION]][c.POSITION_SHORT]:
        return (min(units, lot[c.LOT_LONG_TERM]) if lot[c.LOT_LONG_TERM] else units), start
    restarted = restarted_by_leaving(book, sublot, units)
    if not restarted or day < long_term_from(start):
        return units, start
    return restarted, day


def restarted_by_leaving(book: Book, sublot: int, units: int) -> int:
    """How many of `units` shares that leave a sublot start their holding period anew by it; the shorts have done so.

    A short that is open reaches as many shares as were sold short, those bought first before the others.
    """
    row = book.sublots[sublot]
    lot, start = book.lots[row[c.SUBLOT_LOT]], row[c.SUBLOT_START]
    position = book.positions[lot[c.LOT_POSITION]]
    if position[c.POSITION_GROUP] == c.NONE or position[c.POSITION_SHORT] or position[c.POSITION_IRA]:
        return 0
    shorts = book.groups[position[c.POSITION_GROUP]][c.GROUP_OTHER]
    within_reach = use_shorts(book, shorts, start, 0)
    if not within_reach:
        return 0
    restarted = min(within_reach - units_bought_before(book, row[c.SUBLOT_LOT], within_reach), units)
    if restarted <= 0:
        return 0
    use_shorts(book, shorts, start, restarted)
    return restarted


def use_shorts(book: Book, shorts: int, start: int, used: int) -> int:
    """How many shares held since `start` the open shorts of a group reach, of which `used` are now behind them."""
    reached, position = 0, book.groups[shorts][c.GROUP_FIRST_POSITION]
    while position != c.NONE:
        short = book.positions[position][c.POSITION_FIRST_LOT]
        while short != c.NONE:
            of_short = book.lots[short]
            if of_short[c.LOT_ACQUIRED] < long_term_from(start):
                within = min(of_short[c.LOT_TAINT], of_short[c.LOT_UNITS])
                reached += within
                of_short[c.LOT_TAINT] -= min(within, used)
                used -= min(within, used)
            short = of_short[c.LOT_NEXT]
        position = book.positions[position][c.POSITION_NEXT]
    return reached


def units_bought_before(book: Book, lot: int, most: int) -> int:
    """How many shares of a lot's group outside IRAs were bought before it and are not long-term; `most` are enough."""
    row, units = book.lots[lot], 0
    group = book.positions[row[c.LOT_POSITION]][c.POSITION_GROUP]
    first_short = first_opened(book, book.groups[group][c.GROUP_OTHER])
    position = book.groups[group][c.GROUP_FIRST_POSITION]
    while position != c.NONE and units < most:
        of_position = book.positions[position]
        is_out = of_position[c.POSITION_IRA] or not of_position[c.POSITION_HELD]
        other = c.NONE if is_out else of_position[c.POSITION_FIRST_LOT]
        while other != c.NONE and units < most and is_before(book.lots[other], row):
            sublot = book.lots[other][c.LOT_FIRST]
            while sublot != c.NONE:
                if first_short < long_term_from(book.sublots[sublot][c.SUBLOT_START]):
                    units += book.sublots[sublot][c.SUBLOT_UNITS]
                sublot = book.sublots[sublot][c.SUBLOT_NEXT]
            other = book.lots[other][c.LOT_NEXT]
        position = of_position[c.POSITION_NEXT]
    return units


def is_before(one: Row, other: Row) -> bool:
    """Whether one lot was acquired before another."""
    if one[c.LOT_ACQUIRED] != other[c.LOT_ACQUIRED]:
        return one[c.LOT_ACQUIRED] < other[c.LOT_ACQUIRED]
    return one[c.LOT_SEQUENCE] < other[c.LOT_SEQUENCE]


def first_opened(book: Book, shorts: int) -> int:
    """The day on which the first of a group's open shorts was opened."""
    first, position = c.NONE, book.groups[shorts][c.GROUP_FIRST_POSITION]
    while position != c.NONE:
        short = book.positions[position][c.POSITION_FIRST_LOT]
        while short != c.NONE:
            of_short = book.lots[short]
            if of_short[c.LOT_UNITS] and (first == c.NONE or of_short[c.LOT_ACQUIRED] < first):
                first = of_short[c.LOT_ACQUIRED]
            short = of_short[c.LOT_NEXT]
        position = book.positions[position][c.POSITION_NEXT]
    return first


def apply_short_sale_rules(book: Book, piece: int) -> None:
    """What the closing of a short means for its term, and for shares held beside it."""
    row = book.pieces[piece]
    short = book.lots[book.sublots[row[c.PIECE_SUBLOT]][c.SUBLOT_LOT]]
    position = book.positions[short[c.LOT_POSITION]]
    if not position[c.POSITION_SHORT]:
        return
    closing = book.closings[row[c.PIECE_CLOSING]]
    row[c.PIECE_START] = closing[c.CLOSING_DATE]
    is_delivered = closing[c.CLOSING_LOT] != c.NONE
    # The term is that of the shares delivered, but a gain is short-term where they were at the short sale.
    if is_delivered and (row[c.PIECE_LOSS] or short[c.LOT_ACQUIRED] >= long_term_from(closing[c.CLOSING_START])):
        row[c.PIECE_START] = closing[c.CLOSING_START]
    if short[c.LOT_LONG_TERM]:
        short[c.LOT_LONG_TERM] -= row[c.PIECE_UNITS]
        if row[c.PIECE_LOSS]:
            row[c.PIECE_START] = c.LONG_TERM_LOSS
    if is_delivered and closing[c.CLOSING_START] == closing[c.CLOSING_DATE]:
        return  # the shares that start anew are those that were delivered
    restarted = min(row[c.PIECE_UNITS], short[c.LOT_TAINT])
    short[c.LOT_TAINT] -= restarted
    if position[c.POSITION_GROUP] != c.NONE:
        others = book.groups[position[c.POSITION_GROUP]][c.GROUP_OTHER]
        restart_holding(book, others, restarted, short[c.LOT_ACQUIRED], closing[c.CLOSING_DATE])


def restart_holding(book: Book, group: int, units: int, shorted: int, closed: int) -> None:
    """Start the holding period anew for shares that were not long-term on the day of the short sale."""
    position = book.groups[group][c.GROUP_FIRST_POSITION]
    while position != c.NONE:
        row = book.positions[position]
        is_out = row[c.POSITION_IRA] or not row[c.POSITION_HELD]
        row[c.POSITION_CURSOR] = c.NONE if is_out else row[c.POSITION_FIRST_LOT]
        position = row[c.POSITION_NEXT]
    lot = next_acquired(book, group)
    while units and lot != c.NONE:
        sublot = book.lots[lot][c.LOT_FIRST]
        while units and sublot != c.NONE:
            row = book.sublots[sublot]
            following = row[c.SUBLOT_NEXT]
            if shorted < long_term_from(row[c.SUBLOT_START]) and row[c.SUBLOT_START] < closed:
                restarted = cut_off(book, sublot, min(units, row[c.SUBLOT_UNITS]))
                book.sublots[restarted][c.SUBLOT_START] = closed
                order_sublot(book, restarted)
                units -= book.sublots[restarted][c.SUBLOT_UNITS]
            sublot = following
        lot = next_acquired(book, group)


def next_acquired(book: Book, group: int) -> int:
    """The earliest lot that no cursor of the group's positions has passed; moves its cursor on."""
    found, position = c.NONE, book.groups[group][c.GROUP_FIRST_POSITION]
    while position != c.NONE:
        lot = book.positions[position][c.POSITION_CURSOR]
        if lot != c.NONE and (found == c.NONE or book.lots[lot][c.LOT_SEQUENCE] < book.lots[found][c.LOT_SEQUENCE]):
            found = lot
        position = book.positions[position][c.POSITION_NEXT]
    if found != c.NONE:
        of_found = book.lots[found]
        book.positions[of_found[c.LOT_POSITION]][c.POSITION_CURSOR] = of_found[c.LOT_NEXT]
    return found
