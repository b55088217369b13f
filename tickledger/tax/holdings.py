"""Fills that are no trade: shares given away, moved between accounts or delivered against a short, options exercised.

Shares leave their lots as in a sale, by identification or the account's method, but nothing is realized on them:
their basis goes where they go.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Final

from tickledger.domain.errors import Problem
from tickledger.tax.book import HouseholdBook, InTransit
from tickledger.tax.events import shares, tell_events
from tickledger.tax.fill_columns import SIDES
from tickledger.tax.fills import FillSide, place
from tickledger.tax.kernel import columns as c
from tickledger.tax.kernel.arithmetic import long_term_from
from tickledger.tax.kernel.closing import new_closing
from tickledger.tax.kernel.lots import append_lot, insert_sublot, new_pool, new_sublot, opened, order_lot
from tickledger.tax.leaving import Taken, can_take, close_lots, pools_of, take_from, taken
from tickledger.tax.options import exercise
from tickledger.tax.succession import move_basis, sibling

_ONE: Final = Fraction(1)


def enter_special(book: HouseholdBook, fill: int, *, where: str) -> None:
    """Let a fill happen that is more than a purchase, a sale or an expiry."""
    row = book.book.fills[fill]
    symbol = book.columns.symbols[int(book.columns.symbol[fill])]
    if not book.is_left_out(symbol):
        _ENTER[SIDES[int(book.columns.side[fill])]](book, fill, int(row[c.FILL_POSITION]))
    tell_events(book, where=where)


def _give(book: HouseholdBook, fill: int, position: int) -> None:
    """A gift takes the shares and their basis off the books (IRC 1015: they go on with the donee)."""
    if not can_take(book, fill, position):
        return
    for piece in taken(book, fill, position, is_disposal=True):
        for pool, amount in pools_of(book, piece):
            move_basis(book, pool, amount)


def _transfer_out(book: HouseholdBook, fill: int, position: int) -> None:
    if not can_take(book, fill, position):
        return
    lots = [_lot_in_transit(book, piece) for piece in taken(book, fill, position)]
    units = int(book.book.fills[fill][c.FILL_UNITS])
    book.in_transit.append(InTransit(fill, book.symbols[position], units, tuple(lots)))


def _lot_in_transit(book: HouseholdBook, piece: Taken) -> int:
    """A lot of the taken shares, with their dates and basis, in no position yet."""
    book.ensure(8)
    pools = pools_of(book, piece)
    old = book.book.sublots[piece.sublot]
    of_lot = int(old[c.SUBLOT_LOT])
    lot = sibling(
        book, of_lot, int(book.book.lots[of_lot][c.LOT_POSITION]), _ONE, pool=new_pool(book.book, piece.cost, 0)
    )
    old, row = book.book.sublots[piece.sublot], book.book.lots[lot]
    row[c.LOT_UNITS], row[c.LOT_WHOLE_UNITS] = piece.units, piece.units
    sublot = new_sublot(book.book, lot, piece.units, piece.cost, int(old[c.SUBLOT_START]))
    new = book.book.sublots[sublot]
    new[c.SUBLOT_USED], new[c.SUBLOT_MARKS] = 1, old[c.SUBLOT_MARKS]
    insert_sublot(book.book, sublot, c.NONE)
    (source, cost), *carried = pools
    move_basis(book, source, cost, where=c.TO_POOL, target=int(row[c.LOT_POOL]))
    for pool, amount in carried:
        new[c.SUBLOT_CARRIED], new[c.SUBLOT_WHOLE_CARRIED] = amount, amount
        new[c.SUBLOT_POOL] = new_pool(book.book, amount, 0)
        move_basis(book, pool, amount, where=c.TO_POOL, target=int(new[c.SUBLOT_POOL]))
    return lot


def _transfer_in(book: HouseholdBook, fill: int, position: int) -> None:
    """Lots keep their opening execution, dates and basis; what was never sent is taken at its stated amount."""
    symbol, units = book.symbols[position], int(book.book.fills[fill][c.FILL_UNITS])
    sent = next((sent for sent in book.in_transit if (sent.symbol, sent.units) == (symbol, units)), None)
    if sent is None:
        _open_unsent(book, fill, position)
        return
    book.in_transit.remove(sent)
    for lot in sent.lots:
        book.ensure(4)
        book.book.lots[lot][c.LOT_POSITION] = position
        append_lot(book.book, position, lot)
        order_lot(book.book, lot)


def _open_unsent(book: HouseholdBook, fill: int, position: int) -> None:
    book.ensure(2)
    row = book.book.fills[fill]
    opened(
        book.book,
        position,
        fill,
        int(row[c.FILL_ORDER]),
        int(row[c.FILL_DATE]),
        int(row[c.FILL_UNITS]),
        row[c.FILL_NET],
    )
    source = book.columns.fills[fill]
    expected = f"a TRANSFER_OUT of {source.quantity} {source.symbol} from another account before it"
    found = f"none; the shares are taken as acquired on {source.trade_date} for {source.gross_amount}"
    book.problems.append(
        Problem(place(source, "fills"), expected, found, row=source.row, column="side", severity="warning")
    )


def forget_transfers(book: HouseholdBook) -> None:
    """Say which shares never arrived; they and their basis are off the books."""
    for sent in book.in_transit:
        for lot in sent.lots:
            for sublot in book.sublots_of(lot):
                piece = _take_in_transit(book, sublot)
                for pool, amount in pools_of(book, piece):
                    move_basis(book, pool, amount)
        source = book.columns.fills[sent.fill]
        expected = f"a TRANSFER_IN of {source.quantity} {source.symbol} in another account after it"
        found = "none; the shares are off the books"
        book.problems.append(
            Problem(place(source, "fills"), expected, found, row=source.row, column="side", severity="warning")
        )
    book.in_transit.clear()


def _take_in_transit(book: HouseholdBook, sublot: int) -> Taken:
    row = book.book.sublots[sublot]
    position = book.book.positions[book.book.lots[row[c.SUBLOT_LOT]][c.LOT_POSITION]]
    position[c.POSITION_HELD] += row[c.SUBLOT_UNITS]  # taking them takes them off again
    return take_from(book, sublot, int(row[c.SUBLOT_UNITS]))


def _deliver(book: HouseholdBook, fill: int, position: int) -> None:
    """Close a short with shares held: their basis is what the closing costs (Reg. 1.1233-1(a))."""
    short = position + 1
    if not can_take(book, fill, position) or book.held(short) < int(book.book.fills[fill][c.FILL_UNITS]):
        if not book.is_left_out(book.symbols[position]):
            source = book.columns.fills[fill]
            expected = f"at most the {shares(book, book.held(short))} shares of {source.symbol} short"
            found = f"DELIVER {source.quantity}"
            problem = Problem(place(source, "fills"), expected, found, row=source.row, column="quantity")
            book.leave_out(source.symbol, problem)
        return
    shorted = int(book.book.lots[book.lots_of(short)[0]][c.LOT_ACQUIRED])
    pieces = list(taken(book, fill, position, is_disposal=True))
    beside = _units_beside(book, position, shorted)
    for piece in pieces:
        of_short_term = min(beside, piece.units) if _is_long_term(book, piece, shorted) else 0
        beside -= of_short_term
        for part, is_beside in _parts(piece, of_short_term):
            _deliver_piece(book, fill, short, part, is_beside=is_beside)


def _is_long_term(book: HouseholdBook, piece: Taken, shorted: int) -> bool:
    return shorted >= long_term_from(int(book.book.sublots[piece.sublot][c.SUBLOT_START]))


def _units_beside(book: HouseholdBook, position: int, shorted: int) -> int:
    """Shares held that were not long-term at the short sale, or bought since: they make its gain short-term."""
    group = book.book.positions[position][c.POSITION_GROUP]
    return sum(
        int(book.book.sublots[sublot][c.SUBLOT_UNITS])
        for beside in range(len(book.symbols))
        if book.book.positions[beside][c.POSITION_GROUP] == group != c.NONE
        and not book.book.positions[beside][c.POSITION_IRA]
        for sublot in book.open_sublots(beside)
        if shorted < long_term_from(int(book.book.sublots[sublot][c.SUBLOT_START]))
    )


def _parts(piece: Taken, first: int) -> list[tuple[Taken, bool]]:
    """The first shares of a piece, which are beside others, and the rest."""
    if first in {0, piece.units}:
        return [(piece, first > 0)]
    cost, carried = piece.cost * first // piece.units, piece.carried * first // piece.units
    return [
        (replace(piece, units=first, cost=cost, carried=carried), True),
        (replace(piece, units=piece.units - first, cost=piece.cost - cost, carried=piece.carried - carried), False),
    ]


def _deliver_piece(book: HouseholdBook, fill: int, short: int, piece: Taken, *, is_beside: bool) -> None:
    """Close a short with some of the shares; the term is theirs, but see IRC 1233(b)."""
    book.ensure(4)
    row = book.book.fills[fill]
    order, day = int(row[c.FILL_ORDER]), int(row[c.FILL_DATE])
    net, sublot = piece.cost + piece.carried, book.book.sublots[piece.sublot]
    closing = new_closing(book.book, fill, short, order, day, piece.units, net, c.BY_TRADE)
    of_closing, lot = book.book.closings[closing], int(sublot[c.SUBLOT_LOT])
    of_closing[c.CLOSING_CENTS] = 0  # the basis brings its cents along
    of_closing[c.CLOSING_ACQUIRED], of_closing[c.CLOSING_LOT] = book.book.lots[lot][c.LOT_ACQUIRED], lot
    of_closing[c.CLOSING_START] = day if piece.is_restarted else sublot[c.SUBLOT_START]
    for pool, amount in pools_of(book, piece):
        move_basis(book, pool, amount, where=c.TO_PROCEEDS, target=closing)
    first = int(book.book.counts[c.PIECES])
    close_lots(book, closing, c.FIRST_IN)
    for number in range(first, int(book.book.counts[c.PIECES])):
        if is_beside and not book.book.pieces[number][c.PIECE_LOSS]:
            book.book.pieces[number][c.PIECE_START] = day


_ENTER: Final[Mapping[str, Callable[[HouseholdBook, int, int], None]]] = {
    FillSide.GIFT_OUT: _give,
    FillSide.TRANSFER_OUT: _transfer_out,
    FillSide.TRANSFER_IN: _transfer_in,
    FillSide.DELIVER: _deliver,
    FillSide.EXERCISE: exercise,
    FillSide.ASSIGN: exercise,
}
