"""Shares that close a short: their basis is what the closing costs, their term is its term, but see IRC 1233(b)."""

from collections.abc import Sequence
from dataclasses import replace

from tickledger.tax.book import HouseholdBook
from tickledger.tax.kernel import columns as c
from tickledger.tax.kernel.arithmetic import long_term_from
from tickledger.tax.kernel.closing import new_closing
from tickledger.tax.leaving import Taken, close_lots, pools_of
from tickledger.tax.succession import move_basis


def deliver(book: HouseholdBook, fill: int, short: int, pieces: Sequence[Taken]) -> None:
    """Close a short with shares that were taken from their lots for it (Reg. 1.1233-1(a))."""
    shorted = int(book.book.lots[book.lots_of(short)[0]][c.LOT_ACQUIRED])
    beside = _units_beside(book, short - 1, shorted)
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
