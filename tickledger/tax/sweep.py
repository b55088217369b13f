"""The pass over a household's history, in the order in which it happened.

Corporate actions take effect before the first fill of their date. What cannot be computed (a sale of shares that are
not there, a lot that does not exist) gives the security up and is told as a Problem; every other security stays
right. The kernel enters fills in runs; between them stands what happens rarely.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from tickledger.domain.corporate_action import CorporateAction
from tickledger.tax import corporate_actions
from tickledger.tax.book import HouseholdBook
from tickledger.tax.events import tell_events
from tickledger.tax.fill_columns import FillColumns, orders_closed_in_parts, special_fills
from tickledger.tax.holdings import enter_special
from tickledger.tax.kernel import columns as c
from tickledger.tax.policies import SplitInWindow

#: What orders with several fills take of each lot, named by LOT_FILL and symbol, in shares as that lot bought them.
Reservations = Mapping[int, Mapping[tuple[int, str], Fraction]]
#: How far fills are entered before, from which fill on after, and what happens in between.
_Step = tuple[int, int, Callable[[], None]]


@dataclass(frozen=True, slots=True)
class History:
    """What happened: fills as columns and corporate actions. `where` names the source of the fills in messages."""

    columns: FillColumns
    actions: Sequence[CorporateAction]
    split_in_window: SplitInWindow
    where: str = "fills"


def work_through(book: HouseholdBook, history: History) -> None:
    """Enter the whole history into the book."""
    entered = 0
    for before, after, happen in _steps(book, history):
        _enter(book, entered, before, where=history.where)
        happen()
        entered = after
    _enter(book, entered, len(history.columns), where=history.where)


def _steps(book: HouseholdBook, history: History) -> list[_Step]:
    """What interrupts the run of fills, in order: actions before the fills of their date, and special fills."""
    steps: list[_Step] = []
    for action in sorted(history.actions, key=lambda action: action.ex_date):
        before = bisect_left(history.columns.date, action.ex_date.toordinal())
        happen = partial(corporate_actions.apply, book, action, split_in_window=history.split_in_window)
        steps.append((before, before, happen))
    steps += [
        (fill, fill + 1, partial(enter_special, book, fill, where=history.where))
        for fill in special_fills(history.columns)
    ]
    return sorted(steps, key=lambda step: step[:2])


def _enter(book: HouseholdBook, first: int, end: int, *, where: str) -> None:
    while first < end:
        book.ensure(0)
        first = int(book.kernel.work_through(book.book, first, end))
    tell_events(book, where=where)


def same_order_sales(new_book: Callable[[], HouseholdBook], history: History) -> Reservations:
    """For each order with several closing fills, what it takes of each lot.

    Found by working a fresh book through the history without wash sales: which lots a sale takes does not depend
    on them, except by adjusted basis (minimum and maximum gain), where this is the nearest that can be known ahead.
    """
    several = orders_closed_in_parts(history.columns)
    if not several:
        return {}
    book = new_book()
    work_through(book, history)
    taken: dict[int, defaultdict[tuple[int, str], Fraction]] = {order: defaultdict(Fraction) for order in several}
    tables = book.book
    for piece in range(int(tables.counts[c.PIECES])):
        row = tables.pieces[piece]
        if row[c.PIECE_KIND] != c.CLOSED:
            continue
        order = int(tables.closings[row[c.PIECE_CLOSING]][c.CLOSING_ORDER])
        if order in several:
            lot = tables.lots[tables.sublots[row[c.PIECE_SUBLOT]][c.SUBLOT_LOT]]
            symbol = book.symbols[lot[c.LOT_POSITION]]
            scale = Fraction(int(lot[c.LOT_SCALE]), int(lot[c.LOT_SCALE + 1]))
            taken[order][int(lot[c.LOT_FILL]), symbol] += int(row[c.PIECE_UNITS]) / scale
    return taken


def reserve(book: HouseholdBook, reservations: Reservations) -> None:
    """Tell the kernel what orders with several fills take of each lot."""
    rows: list[list[int]] = []
    scale = int(book.book.policies[c.RESERVED_SCALE])
    for order, lots in sorted(reservations.items()):
        if lots:
            book.book.orders[order] = len(rows)
        for (fill, symbol), units in lots.items():
            rows.append([order, fill, book.symbol_number(symbol), int(units * scale)])
    book.set_table("reserved", rows)
