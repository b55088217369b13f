"""Lots carried in from the year before: the `lots.csv` that a run for that year wrote."""

from collections.abc import Iterable
from datetime import date
from itertools import groupby

from tickledger.domain.lot import Lot
from tickledger.tax.book import HouseholdBook
from tickledger.tax.cents import to_units
from tickledger.tax.kernel import columns as c
from tickledger.tax.kernel.arithmetic import nearest_cent
from tickledger.tax.kernel.lots import append_lot, insert_sublot, new_lot, new_pool, new_sublot, order_lot
from tickledger.tax.kernel.nodes import list_lot
from tickledger.tax.kernel.short_sales import short_opened


def enter_opening_lots(book: HouseholdBook, lots: Iterable[Lot]) -> None:
    """Put the lots into the book as they were left: rows of one opening execution become one lot again.

    Shares whose basis or holding period a washed loss has changed have replaced a loss and never do again. Shorts
    meet the shares that are left of those that stood beside them (IRC 1233).
    """
    shorts, openings = list[int](), dict[str, int]()
    for (_, account_id, symbol, opening_id), group in groupby(sorted(lots, key=_lot_key), key=_lot_key):
        rows, opening = list(group), openings.setdefault(opening_id, -2 - len(openings))
        for is_short in (False, True):
            of_side = [row for row in rows if (row.quantity < 0) is is_short]
            if of_side and not book.is_left_out(symbol):
                lot = _enter(book, book.position(account_id, symbol, is_short=is_short), of_side, opening=opening)
                shorts += [lot] if is_short else []
    book.opening_ids.extend(openings)
    for lot in shorts:
        short_opened(book.book, lot)


def _lot_key(lot: Lot) -> tuple[date, str, str, str]:
    return (lot.acquired_date, lot.account_id, lot.symbol, lot.open_execution_id)


def _enter(book: HouseholdBook, position: int, rows: list[Lot], *, opening: int) -> int:
    book.ensure(2 * len(rows) + 4)
    units = sum(book.units_of(abs(row.quantity)) for row in rows)
    cost = sum(_parts(row, is_short=book.is_short(position))[0] for row in rows)
    acquired = rows[0].acquired_date.toordinal()
    lot = new_lot(book.book, position, opening, opening, acquired, units, _pool(book, cost))
    for row in rows:
        _enter_sublot(book, lot, row, is_short=book.is_short(position))
    append_lot(book.book, position, lot)
    order_lot(book.book, lot)
    of_lot = book.book.lots[lot]
    group = int(book.book.positions[position][c.POSITION_GROUP])
    if group != c.NONE and of_lot[c.LOT_FREE]:
        of_lot[c.LOT_NODE] = list_lot(book.book, lot, group, 1)
    return lot


def _enter_sublot(book: HouseholdBook, lot: int, row: Lot, *, is_short: bool) -> None:
    cost, carried, returned = _parts(row, is_short=is_short)
    units, start = book.units_of(abs(row.quantity)), row.holding_start.toordinal()
    sublot = new_sublot(book.book, lot, units, cost, start)
    of_sublot = book.book.sublots[sublot]
    of_sublot[c.SUBLOT_CARRIED], of_sublot[c.SUBLOT_WHOLE_CARRIED] = carried, carried
    of_sublot[c.SUBLOT_RETURNED], of_sublot[c.SUBLOT_WHOLE_RETURNED] = returned, returned
    if carried:
        of_sublot[c.SUBLOT_POOL] = _pool(book, carried)
    if carried or row.holding_start < row.acquired_date:
        of_sublot[c.SUBLOT_USED] = 1
        book.book.lots[lot][c.LOT_FREE] -= units
    insert_sublot(book.book, sublot, c.NONE)
    paid = nearest_cent(cost - carried if is_short else cost + carried)
    book.book.counts[c.SPENT] += -paid if is_short else paid


def _parts(row: Lot, *, is_short: bool) -> tuple[int, int, int]:
    """What was paid, what washed losses added, and what capital was returned, of one row, money units."""
    original, adjusted = to_units(row.original_basis), to_units(row.adjusted_basis)
    change = original - adjusted if is_short else adjusted - original
    return (original, change, 0) if change >= 0 else (adjusted, 0, original - adjusted)


def _pool(book: HouseholdBook, exact: int) -> int:
    return new_pool(book.book, exact, nearest_cent(exact))
