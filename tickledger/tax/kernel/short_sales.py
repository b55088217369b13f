"""Short sales beside shares of the same security: IRC 1233(b), (d); Pub. 550, p. 85.

Shares that were not long-term when a short was opened, or were bought while it was open, start their holding period
anew when the short is closed or, where that is earlier, when they are sold; to the extent of the short, in the order
of their acquisition. The loss of a short is long-term as far as shares held long-term stood beside it.
"""

from tickledger.tax.kernel import columns as c
from tickledger.tax.kernel.arithmetic import long_term_from
from tickledger.tax.kernel.columns import Book
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
    lot = book.lots[row[c.SUBLOT_LOT]]
    position, start = book.positions[lot[c.LOT_POSITION]], row[c.SUBLOT_START]
    if position[c.POSITION_SHORT]:
        return (min(units, lot[c.LOT_LONG_TERM]) if lot[c.LOT_LONG_TERM] else units), start
    if position[c.POSITION_GROUP] == c.NONE or position[c.POSITION_IRA]:
        return units, start
    shorts = book.groups[position[c.POSITION_GROUP]][c.GROUP_OTHER]
    beside = book.groups[shorts][c.GROUP_FIRST_POSITION]
    while beside != c.NONE:
        short = book.positions[beside][c.POSITION_FIRST_LOT]
        while short != c.NONE:
            of_short = book.lots[short]
            tainted = min(of_short[c.LOT_TAINT], of_short[c.LOT_UNITS])
            if tainted and of_short[c.LOT_ACQUIRED] < long_term_from(start):
                tainted = min(tainted, units)
                of_short[c.LOT_TAINT] -= tainted
                return tainted, (day if day >= long_term_from(start) else start)
            short = of_short[c.LOT_NEXT]
        beside = book.positions[beside][c.POSITION_NEXT]
    return units, start


def apply_short_sale_rules(book: Book, piece: int) -> None:
    """What the closing of a short means for its term, and for shares held beside it."""
    row = book.pieces[piece]
    short = book.lots[book.sublots[row[c.PIECE_SUBLOT]][c.SUBLOT_LOT]]
    position = book.positions[short[c.LOT_POSITION]]
    if not position[c.POSITION_SHORT]:
        return
    row[c.PIECE_START] = book.closings[row[c.PIECE_CLOSING]][c.CLOSING_DATE]
    if short[c.LOT_LONG_TERM]:
        short[c.LOT_LONG_TERM] -= row[c.PIECE_UNITS]
        if row[c.PIECE_LOSS]:
            row[c.PIECE_START] = c.LONG_TERM_LOSS
    restarted = min(row[c.PIECE_UNITS], short[c.LOT_TAINT])
    short[c.LOT_TAINT] -= restarted
    if position[c.POSITION_GROUP] != c.NONE:
        closed = book.closings[row[c.PIECE_CLOSING]][c.CLOSING_DATE]
        others = book.groups[position[c.POSITION_GROUP]][c.GROUP_OTHER]
        restart_holding(book, others, restarted, short[c.LOT_ACQUIRED], closed)


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
