"""The loop over fills."""

from tickledger.tax.kernel import columns as c
from tickledger.tax.kernel.closing import close_by_method, close_chosen, new_closing
from tickledger.tax.kernel.columns import Book
from tickledger.tax.kernel.events import new_event
from tickledger.tax.kernel.lots import opened
from tickledger.tax.kernel.room import has_room
from tickledger.tax.kernel.short_sales import short_opened
from tickledger.tax.kernel.wash_sales import match_acquisition


def work_through(book: Book, first: int, end: int) -> int:
    """Enter the fills from `first` to before `end`; returns the first that has not quite happened for want of room.

    Fills of securities that are left out are skipped; what is wrong with a fill leaves its security out and becomes
    an event.
    """
    for fill in range(first, end):
        if not has_room(book) or not enter(book, fill):
            return fill
    return end


def enter(book: Book, fill: int) -> bool:
    """Let one fill happen; False where the rest of it has to wait for longer tables."""
    row = book.fills[fill]
    if book.counts[c.TO_CLOSE]:
        return close(book, fill, book.counts[c.CLOSINGS] - 1)
    position = row[c.FILL_POSITION]
    if book.left_out[book.positions[position][c.POSITION_SECURITY]]:
        return True
    if row[c.FILL_SIDE] == c.OPEN:
        open_lot(book, fill)
        return True
    if row[c.FILL_SIDE] == c.EXPIRE and not book.positions[position][c.POSITION_HELD]:
        position += 1  # the short of the same security
    if not is_possible(book, fill, position):
        book.left_out[book.positions[position][c.POSITION_SECURITY]] = 1
        return True
    kind = c.BY_EXPIRY if row[c.FILL_SIDE] == c.EXPIRE else c.BY_TRADE
    closing = new_closing(
        book, fill, position, row[c.FILL_ORDER], row[c.FILL_DATE], row[c.FILL_UNITS], row[c.FILL_NET], kind
    )
    return close(book, fill, closing)


def close(book: Book, fill: int, closing: int) -> bool:
    """Close the lots that a fill identifies, or else those that the account's method takes."""
    row = book.fills[fill]
    if row[c.FILL_CHOICES]:
        return close_chosen(book, closing, row[c.FILL_FIRST_CHOICE], row[c.FILL_CHOICES])
    return close_by_method(book, closing, row[c.FILL_METHOD])


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
