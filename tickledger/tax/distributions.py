"""What holders receive without giving up shares: capital returned, shares spun off, cash beside stock in a merger.

Each moves basis: out of the lot (a return of capital), to another lot (a spin-off), or makes part of the gain
be recognized at once (boot).
"""

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Final

from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.errors import Problem
from tickledger.tax.book import HouseholdBook
from tickledger.tax.cents import to_units
from tickledger.tax.kernel import columns as c
from tickledger.tax.kernel.closing import new_closing, new_piece
from tickledger.tax.kernel.lots import insert_sublot, new_pool, new_sublot
from tickledger.tax.succession import move_basis, refill, scaled, sibling, succeed

_NOTHING: Final = Decimal(0)
#: Sublots whose cash is gain, and how much.
_Gains = list[tuple[int, int]]


def place_of(action: CorporateAction) -> str:
    """What messages call the event; whoever read it from a file knows the row."""
    return f"corporate action {action.kind} of {action.symbol} on {action.ex_date}"


def cash(book: HouseholdBook, action: CorporateAction, units: int) -> int:
    """The cash that `amount` per share pays on `units`, money units."""
    return to_units(action.amount or _NOTHING) * int(units) // book.share_units


def close_id(action: CorporateAction) -> str:
    """The id of the closing that a corporate action is."""
    return f"CA:{action.symbol}:{action.ex_date}"


def unreported_closings(actions: Iterable[CorporateAction]) -> frozenset[str]:
    """The closings by nondividend distributions above basis, which no broker's form tells of."""
    return frozenset(close_id(action) for action in actions if action.kind is CorporateActionKind.RETURN_OF_CAPITAL)


def closing_by(book: HouseholdBook, action: CorporateAction, position: int, *, units: int, net: int) -> int:
    """The closing that a corporate action is."""
    book.ensure(1)
    book.action_ids.append((close_id(action), action.corporate_action_id))
    order = len(book.book.orders) - 1
    day = action.ex_date.toordinal()
    return new_closing(book.book, -1 - len(book.action_ids), position, order, day, units, net, c.BY_ACTION)


def return_capital(book: HouseholdBook, action: CorporateAction) -> None:
    """A nondividend distribution reduces the basis share by share; what exceeds it is gain (IRC 301(c))."""
    for position in book.positions_in(action.symbol):
        if book.is_short(position):
            book.problems.append(_short_problem(book, action, position))
            continue
        successors = [succeed(book, lot, position, Fraction(1)) for lot in book.lots_of(position)]
        excesses: _Gains = []
        for sublot in [sublot for lot in successors for sublot in book.sublots_of(lot)]:
            book.ensure(2)
            amount = cash(book, action, book.book.sublots[sublot][c.SUBLOT_UNITS])
            returned = _reduce(book, sublot, amount)
            if amount > returned:
                excesses.append((sublot, amount - returned))
        _record_gains(book, action, position, excesses)
        refill(book, position, successors)


def _short_problem(book: HouseholdBook, action: CorporateAction, position: int) -> Problem:
    return Problem(
        where=place_of(action),
        expected="a payment in lieu by the short seller, which is not entered into the lots",
        found=f"an open short in {book.account_ids[position]}",
        severity="warning",
    )


def _reduce(book: HouseholdBook, sublot: int, amount: int) -> int:
    """Take up to `amount` off the basis of a sublot that has just been made."""
    of_cost, of_carried = _take_basis(book, sublot, amount)
    row = book.book.sublots[sublot]
    row[c.SUBLOT_WHOLE_COST], row[c.SUBLOT_WHOLE_CARRIED] = row[c.SUBLOT_COST], row[c.SUBLOT_CARRIED]
    row[c.SUBLOT_WHOLE_RETURNED] = row[c.SUBLOT_RETURNED]
    pool, carried_pool = int(book.book.lots[row[c.SUBLOT_LOT]][c.LOT_POOL]), int(row[c.SUBLOT_POOL])
    move_basis(book, pool, of_cost)
    if carried_pool != c.NONE:
        move_basis(book, carried_pool, of_carried)
    return of_cost + of_carried


def _take_basis(book: HouseholdBook, sublot: int, amount: int) -> tuple[int, int]:
    """Take up to `amount` off the basis: first of what was paid, then of what washed losses added."""
    row = book.book.sublots[sublot]
    of_cost = min(amount, int(row[c.SUBLOT_COST]))
    of_carried = min(amount - of_cost, int(row[c.SUBLOT_CARRIED]))
    row[c.SUBLOT_COST] -= of_cost
    row[c.SUBLOT_CARRIED] -= of_carried
    row[c.SUBLOT_RETURNED] += of_cost + of_carried
    return of_cost, of_carried


def _record_gains(book: HouseholdBook, action: CorporateAction, position: int, gains: _Gains) -> None:
    """Enter cash that is gain as a whole: the shares stay, nothing of their basis is used."""
    units = sum(int(book.book.sublots[sublot][c.SUBLOT_UNITS]) for sublot, _ in gains)
    closing = closing_by(book, action, position, units=units, net=sum(amount for _, amount in gains))
    for sublot, amount in gains:
        _pay(book, closing, sublot, of_cost=0, of_carried=0, amount=amount)


def _pay(book: HouseholdBook, closing: int, sublot: int, *, of_cost: int, of_carried: int, amount: int) -> None:
    """Enter cash paid on shares that stay; a loss is never recognized by it."""
    book.ensure(1)
    row = book.book.sublots[sublot]
    piece = new_piece(book.book, c.PAID, sublot, closing, int(row[c.SUBLOT_UNITS]), of_cost, of_carried, amount)
    book.book.pieces[piece][c.PIECE_START] = row[c.SUBLOT_START]


def spin_off(book: HouseholdBook, lot: int, target: int, *, ratio: Fraction, part: Fraction) -> int:
    """The lot of new shares that a lot receives, with `part` of its basis, its dates and its term.

    The caller puts it into `target` and replaces the old lot by its successor.
    """
    book.ensure(1)
    made = sibling(book, lot, target, ratio, pool=new_pool(book.book, 0, 0))
    for sublot in book.sublots_of(lot):
        _spin_off_sublot(book, sublot, made, ratio=ratio, part=part)
    return made


def _spin_off_sublot(book: HouseholdBook, sublot: int, lot: int, *, ratio: Fraction, part: Fraction) -> None:
    book.ensure(4)
    old = book.book.sublots[sublot]
    cost, carried = scaled(old[c.SUBLOT_COST], part), scaled(old[c.SUBLOT_CARRIED], part)
    returned, old_pool = scaled(old[c.SUBLOT_RETURNED], part), int(old[c.SUBLOT_POOL])
    old[c.SUBLOT_COST] -= cost
    old[c.SUBLOT_CARRIED] -= carried
    old[c.SUBLOT_RETURNED] -= returned
    source, pool = int(book.book.lots[old[c.SUBLOT_LOT]][c.LOT_POOL]), int(book.book.lots[lot][c.LOT_POOL])
    book.book.pools[pool][c.POOL_EXACT] += cost
    move_basis(book, source, cost, where=c.TO_POOL, target=pool)
    made = new_sublot(book.book, lot, scaled(old[c.SUBLOT_UNITS], ratio), cost, int(old[c.SUBLOT_START]))
    new = book.book.sublots[made]
    new[c.SUBLOT_CARRIED], new[c.SUBLOT_WHOLE_CARRIED], new[c.SUBLOT_USED] = carried, carried, 1
    new[c.SUBLOT_RETURNED], new[c.SUBLOT_WHOLE_RETURNED] = returned, returned
    new[c.SUBLOT_MARKS] = old[c.SUBLOT_MARKS]
    if old_pool != c.NONE:
        new[c.SUBLOT_POOL] = new_pool(book.book, carried, 0)
        move_basis(book, old_pool, carried, where=c.TO_POOL, target=int(new[c.SUBLOT_POOL]))
    insert_sublot(book.book, made, c.NONE)


def pay_boot(book: HouseholdBook, position: int, action: CorporateAction) -> None:
    """Cash beside stock: gain is recognized up to the cash, a loss never (IRC 356); the rest reduces the basis."""
    stock_value = scaled(to_units(action.fmv_new or _NOTHING), action.ratio or Fraction(0))
    held = book.held(position)
    closing = closing_by(book, action, position, units=held, net=cash(book, action, held))
    for sublot in list(book.open_sublots(position)):
        row = book.book.sublots[sublot]
        units, basis = int(row[c.SUBLOT_UNITS]), int(row[c.SUBLOT_COST] + row[c.SUBLOT_CARRIED])
        received = cash(book, action, units)
        gain = stock_value * units // book.share_units + received - basis
        of_cost, of_carried = _take_basis(book, sublot, received - min(max(gain, 0), received))
        _pay(book, closing, sublot, of_cost=of_cost, of_carried=of_carried, amount=received)
