"""Fills that are no trade: shares given away, moved between accounts or delivered against a short, options exercised.

Shares leave their lots as in a sale, by identification or the account's method, but nothing is realized on them:
their basis goes where they go.
"""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Final

from tickledger.domain.errors import Problem
from tickledger.tax.book import HouseholdBook
from tickledger.tax.deliveries import deliver
from tickledger.tax.events import shares, tell_events
from tickledger.tax.fill_columns import SIDES
from tickledger.tax.fills import FillSide, place
from tickledger.tax.kernel import columns as c
from tickledger.tax.kernel.lots import insert_sublot, new_pool, new_sublot, opened
from tickledger.tax.kernel.nodes import list_beside
from tickledger.tax.leaving import Taken, can_take, pools_of, take_from, taken
from tickledger.tax.options import exercise
from tickledger.tax.succession import move_basis, refill, sibling

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
    """Shares on their way are a position of their own: what happens to the security happens to them as well."""
    if fill in book.sent_early or not can_take(book, fill, position):
        return
    parcel = book.position(book.account_ids[position], book.symbols[position], is_short=False, parcel=fill)
    sent: dict[int, int] = {}
    for piece in taken(book, fill, position):
        lot = int(book.book.sublots[piece.sublot][c.SUBLOT_LOT])
        if lot not in sent:
            sent[lot] = sibling(book, lot, parcel, _ONE, pool=new_pool(book.book, 0, 0))
            book.book.lots[sent[lot]][c.LOT_UNITS] = book.book.lots[sent[lot]][c.LOT_WHOLE_UNITS] = 0
        _send(book, piece, sent[lot])
    for lot, made in sent.items():
        _list_beside(book, lot, made)
    refill(book, parcel, sent.values())


def _send(book: HouseholdBook, piece: Taken, lot: int) -> None:
    """Move taken shares into a lot, with their dates and basis."""
    book.ensure(4)
    pools = pools_of(book, piece)
    old, of_lot = book.book.sublots[piece.sublot], book.book.lots[lot]
    sublot = new_sublot(book.book, lot, piece.units, piece.cost, int(old[c.SUBLOT_START]))
    new = book.book.sublots[sublot]
    new[c.SUBLOT_USED], new[c.SUBLOT_MARKS] = old[c.SUBLOT_USED], old[c.SUBLOT_MARKS]
    insert_sublot(book.book, sublot, c.NONE)
    of_lot[c.LOT_UNITS] += piece.units
    of_lot[c.LOT_WHOLE_UNITS] += piece.units
    of_lot[c.LOT_FREE] += 0 if old[c.SUBLOT_USED] else piece.units
    (source, cost), *carried = pools
    book.book.pools[of_lot[c.LOT_POOL]][c.POOL_EXACT] += cost
    move_basis(book, source, cost, where=c.TO_POOL, target=int(of_lot[c.LOT_POOL]))
    for pool, amount in carried:
        new[c.SUBLOT_CARRIED], new[c.SUBLOT_WHOLE_CARRIED] = amount, amount
        new[c.SUBLOT_POOL] = new_pool(book.book, amount, 0)
        move_basis(book, pool, amount, where=c.TO_POOL, target=int(new[c.SUBLOT_POOL]))


def _list_beside(book: HouseholdBook, lot: int, made: int) -> None:
    """Shares that were sent may replace a loss as long as those that stay."""
    book.ensure(2)
    for place_of_node in (c.LOT_NODE, c.LOT_CALL_NODE):
        node = int(book.book.lots[lot][place_of_node])
        if node != c.NONE and book.book.nodes[node][c.NODE_LISTED] and book.book.lots[made][c.LOT_FREE]:
            book.book.lots[made][place_of_node] = list_beside(book.book, made, node)


def _transfer_in(book: HouseholdBook, fill: int, position: int) -> None:
    """Lots keep their opening execution, dates and basis; what was never sent is taken at its stated amount."""
    units = int(book.book.fills[fill][c.FILL_UNITS])
    parcel = _parcel_for(book, position, units)
    if parcel is None and _send_early(book, fill, position, units):
        parcel = _parcel_for(book, position, units)
    if parcel is None:
        _open_unsent(book, fill, position)
        return
    lots = book.lots_of(parcel)
    for lot in lots:
        book.book.lots[lot][c.LOT_POSITION] = position
    refill(book, position, [*book.lots_of(position), *lots])
    refill(book, parcel, [])


def _parcel_for(book: HouseholdBook, position: int, units: int) -> int | None:
    """What is on its way and arrives now; between an IRA and a taxable account nothing goes on as it was."""
    for parcel in _on_their_way(book):
        is_same = book.symbols[parcel] == book.symbols[position] and book.held(parcel) == units
        if is_same and _is_ira(book, parcel) == _is_ira(book, position):
            return parcel
    return None


def _is_ira(book: HouseholdBook, position: int) -> bool:
    return bool(book.book.positions[position][c.POSITION_IRA])


def _on_their_way(book: HouseholdBook) -> list[int]:
    """The positions of what has left an account and not arrived in another, earliest first."""
    return sorted(
        (number for number in range(len(book.parcels)) if book.parcels[number] != c.NONE and book.held(number)),
        key=lambda number: book.parcels[number],
    )


def _send_early(book: HouseholdBook, fill: int, position: int, units: int) -> bool:
    """Where the file tells an arrival before the sending of the same day, the sending comes first nevertheless."""
    columns, day = book.columns, int(book.book.fills[fill][c.FILL_DATE])
    for later in range(fill + 1, len(columns)):
        row = book.book.fills[later]
        source = int(row[c.FILL_POSITION])
        if int(row[c.FILL_DATE]) != day:
            return False
        is_sent = (
            SIDES[int(columns.side[later])] is FillSide.TRANSFER_OUT and book.symbols[source] == book.symbols[position]
        )
        if is_sent and later not in book.sent_early and int(row[c.FILL_UNITS]) == units <= book.held(source):
            _transfer_out(book, later, source)
            book.sent_early.add(later)
            return True
    return False


def _open_unsent(book: HouseholdBook, fill: int, position: int) -> None:
    book.ensure(2)
    row = book.book.fills[fill]
    order, day, units = int(row[c.FILL_ORDER]), int(row[c.FILL_DATE]), int(row[c.FILL_UNITS])
    opened(book.book, position, fill, order, day, units, row[c.FILL_NET])
    source = book.columns.fills[fill]
    expected = f"a TRANSFER_OUT of {source.quantity} {source.symbol} from another account before it"
    found = f"none; the shares are taken as acquired on {source.trade_date} for {source.gross_amount}"
    book.problems.append(
        Problem(place(source, "fills"), expected, found, row=source.row, column="side", severity="warning")
    )


def forget_transfers(book: HouseholdBook) -> None:
    """Say which shares never arrived; they and their basis are off the books."""
    for parcel in _on_their_way(book):
        source, quantity = book.columns.fills[book.parcels[parcel]], shares(book, book.held(parcel))
        for lot in book.lots_of(parcel):
            for sublot in book.sublots_of(lot):
                piece = take_from(book, sublot, book.held(parcel))
                for pool, amount in pools_of(book, piece):
                    move_basis(book, pool, amount)
        expected = f"a TRANSFER_IN of {quantity} {book.symbols[parcel]} in another account after it"
        found = "none; the shares are off the books"
        book.problems.append(
            Problem(place(source, "fills"), expected, found, row=source.row, column="side", severity="warning")
        )


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
    deliver(book, fill, short, list(taken(book, fill, position, is_disposal=True)))


_ENTER: Final[Mapping[str, Callable[[HouseholdBook, int, int], None]]] = {
    FillSide.GIFT_OUT: _give,
    FillSide.TRANSFER_OUT: _transfer_out,
    FillSide.TRANSFER_IN: _transfer_in,
    FillSide.DELIVER: _deliver,
    FillSide.EXERCISE: exercise,
    FillSide.ASSIGN: exercise,
}
