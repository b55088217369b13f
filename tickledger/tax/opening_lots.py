"""Lots carried in from the year before: the `lots.csv` that a run for that year wrote."""

from collections.abc import Iterable
from datetime import date
from itertools import groupby

from tickledger.domain.lot import Lot
from tickledger.tax.book import Book
from tickledger.tax.cents import Pool, nearest_cent, to_units
from tickledger.tax.lots import OpenLot, Position
from tickledger.tax.methods import price_key


def enter_opening_lots(book: Book, lots: Iterable[Lot]) -> None:
    """Put the lots into the book as they were left: rows of one opening execution become one lot again.

    Shares whose basis or holding period a washed loss has changed have replaced a loss and never do again.
    """
    for (_, account_id, symbol, _), rows in groupby(sorted(lots, key=_lot_key), key=_lot_key):
        _enter(book, account_id, symbol, list(rows))


def _lot_key(lot: Lot) -> tuple[date, str, str, str]:
    return (lot.acquired_date, lot.account_id, lot.symbol, lot.open_execution_id)


def _enter(book: Book, account_id: str, symbol: str, rows: list[Lot]) -> None:
    for is_short in (False, True):
        of_side = [row for row in rows if (row.quantity < 0) is is_short]
        if of_side and not book.is_left_out(symbol):
            position = book.position(account_id, symbol, is_short=is_short)
            lot = _lot(book, position, of_side)
            position.put(lot)
            book.lots.append(lot)
            group = book.wash_group(symbol, is_short=is_short)
            if group is not None and lot.free:
                group.list_lot(lot)


def _lot(book: Book, position: Position, rows: list[Lot]) -> OpenLot:
    book.sequence += 1
    costs = [_parts(row, is_short=position.is_short) for row in rows]
    lot = OpenLot(
        position=position,
        execution_id=rows[0].open_execution_id,
        order=(position.account_id, rows[0].open_execution_id),
        acquired=rows[0].acquired_date.toordinal(),
        sequence=book.sequence,
        units=sum(book.units_of(abs(row.quantity)) for row in rows),
        cost_pool=_pool(sum(cost for cost, _, _ in costs)),
    )
    for row, (cost, carried, returned) in zip(rows, costs, strict=True):
        sublot = lot.add(
            units=book.units_of(abs(row.quantity)),
            cost=cost,
            holding_start=row.holding_start.toordinal(),
            carried=carried,
            carried_pool=_pool(carried) if carried else None,
            is_used=bool(carried) or row.holding_start < row.acquired_date,
            returned=returned,
        )
        lot.sublots.append(sublot)
        paid = cost - carried if position.is_short else cost + carried
        book.paid_cents += -nearest_cent(paid) if position.is_short else nearest_cent(paid)
    lot.free = sum(sublot.units for sublot in lot.sublots if not sublot.is_used)
    lot.price_key = price_key(lot.cost_pool.exact, lot.units)
    return lot


def _parts(row: Lot, *, is_short: bool) -> tuple[int, int, int]:
    """What was paid, what washed losses added, and what capital was returned, of one row, money units."""
    original, adjusted = to_units(row.original_basis), to_units(row.adjusted_basis)
    change = original - adjusted if is_short else adjusted - original
    return (original, change, 0) if change >= 0 else (adjusted, 0, original - adjusted)


def _pool(exact: int) -> Pool:
    return Pool(exact=exact, cents=nearest_cent(exact))
