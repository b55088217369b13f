"""The loop over fills."""

from typing import Final

from tickledger.tax.kernel import columns as c
from tickledger.tax.kernel.closing import close_by_method, close_chosen, new_closing
from tickledger.tax.kernel.columns import Book
from tickledger.tax.kernel.events import new_event
from tickledger.tax.kernel.lots import opened
from tickledger.tax.kernel.short_sales import short_opened
from tickledger.tax.kernel.wash_sales import match_acquisition

#: Rows of any table that one fill may need for each sublot that holds shares and each loss that waits, and more.
ROWS_PER_SUBLOT: Final = 6
ROWS: Final = 32


def work_through(book: Book, first: int, end: int) -> int:
    """Enter the fills from `first` to before `end`; returns the first that was not entered for want of room.

    Fills of securities that are left out are skipped; what is wrong with a fill leaves its security out and becomes
    an event.
    """
    for fill in range(first, end):
        if not has_room(book):
            return fill
        enter(book, fill)
    return end


def has_room(book: Book) -> bool:
    """Whether every table has the rows that one more fill may need."""
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


def enter(book: Book, fill: int) -> None:
    """Let one fill happen."""
    row = book.fills[fill]
    position = row[c.FILL_POSITION]
    if book.left_out[book.positions[position][c.POSITION_SECURITY]]:
        return
    if row[c.FILL_SIDE] == c.OPEN:
        open_lot(book, fill)
        return
    if row[c.FILL_SIDE] == c.EXPIRE and not book.positions[position][c.POSITION_HELD]:
        position += 1  # the short of the same security
    if not is_possible(book, fill, position):
        book.left_out[book.positions[position][c.POSITION_SECURITY]] = 1
        return
    kind = c.BY_EXPIRY if row[c.FILL_SIDE] == c.EXPIRE else c.BY_TRADE
    closing = new_closing(
        book, fill, position, row[c.FILL_ORDER], row[c.FILL_DATE], row[c.FILL_UNITS], row[c.FILL_NET], kind
    )
    if row[c.FILL_CHOICES]:
        close_chosen(book, closing, row[c.FILL_FIRST_CHOICE], row[c.FILL_CHOICES])
    else:
        close_by_method(book, closing, row[c.FILL_METHOD])


def open_lot(book: Book, fill: int) -> int:
    """Open a lot, and let it replace losses that wait."""
    row = book.fills[fill]
    position = row[c.FILL_POSITION]
    lot = opened(book, position, fill, row[c.FILL_ORDER], row[c.FILL_DATE], row[c.FILL_UNITS], row[c.FILL_NET])
    acquired(book, lot)
    if book.positions[position][c.POSITION_SHORT]:
        warn_of_box(book, fill)
        short_opened(book, lot)
    return lot


def acquired(book: Book, lot: int) -> None:
    """Let a lot that was just acquired replace losses, of its own security and of what it is a right to acquire."""
    row = book.lots[lot]
    position = book.positions[row[c.LOT_POSITION]]
    if position[c.POSITION_GROUP] != c.NONE:
        row[c.LOT_NODE] = match_acquisition(book, lot, position[c.POSITION_GROUP], 1)
    if position[c.POSITION_CALL_GROUP] != c.NONE:
        row[c.LOT_CALL_NODE] = match_acquisition(
            book, lot, position[c.POSITION_CALL_GROUP], position[c.POSITION_FACTOR]
        )


def is_possible(book: Book, fill: int, position: int) -> bool:
    """Whether the position holds what a fill closes; an event says why not."""
    row, held = book.fills[fill], book.positions[position][c.POSITION_HELD]
    if row[c.FILL_UNITS] > held:
        new_event(book, c.NOT_HELD, fill, held, position)
        return False
    chosen = 0
    for choice in range(row[c.FILL_FIRST_CHOICE], row[c.FILL_FIRST_CHOICE] + row[c.FILL_CHOICES]):
        chosen += book.choices[choice][c.CHOICE_UNITS]
    if row[c.FILL_CHOICES] and chosen != row[c.FILL_UNITS]:
        new_event(book, c.CHOICES_DO_NOT_ADD_UP, fill, chosen, c.NONE)
        return False
    for choice in range(row[c.FILL_FIRST_CHOICE], row[c.FILL_FIRST_CHOICE] + row[c.FILL_CHOICES]):
        if not has_chosen(book, fill, position, choice):
            return False
    return True


def has_chosen(book: Book, fill: int, position: int, choice: int) -> bool:
    """Whether the lot that a choice names has the shares that all choices of the sale take of it."""
    row, opening = book.fills[fill], book.choices[choice][c.CHOICE_FILL]
    wanted, left = 0, 0
    for other in range(row[c.FILL_FIRST_CHOICE], row[c.FILL_FIRST_CHOICE] + row[c.FILL_CHOICES]):
        if book.choices[other][c.CHOICE_FILL] == opening:
            wanted += book.choices[other][c.CHOICE_UNITS]
    lot = book.positions[position][c.POSITION_FIRST_LOT]
    while lot != c.NONE:
        if book.lots[lot][c.LOT_FILL] == opening:
            left += book.lots[lot][c.LOT_UNITS]
        lot = book.lots[lot][c.LOT_NEXT]
    if wanted > left:
        new_event(book, c.LOT_USED_UP, fill, left, choice)
    return wanted <= left


def warn_of_box(book: Book, fill: int) -> None:
    """Say that shares are held beside a short that is being opened, which may be a constructive sale (IRC 1259)."""
    group = book.positions[book.fills[fill][c.FILL_POSITION]][c.POSITION_GROUP]
    if group == c.NONE:
        return
    position = book.groups[book.groups[group][c.GROUP_OTHER]][c.GROUP_FIRST_POSITION]
    while position != c.NONE:
        row = book.positions[position]
        if row[c.POSITION_HELD] and not row[c.POSITION_IRA]:
            new_event(book, c.BOXED, fill, row[c.POSITION_HELD], position)
            return
        position = row[c.POSITION_NEXT]
