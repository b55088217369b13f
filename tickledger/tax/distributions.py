"""What holders receive without giving up shares: capital returned, shares spun off, cash beside stock in a merger.

Each moves basis: out of the lot (a return of capital), to another lot (a spin-off), or makes part of the gain
be recognized at once (boot).
"""

from decimal import Decimal
from fractions import Fraction
from typing import Final

from tickledger.domain.corporate_action import CorporateAction
from tickledger.domain.errors import Problem
from tickledger.tax.book import Book, scaled
from tickledger.tax.cents import Pool, to_units
from tickledger.tax.lots import Closing, OpenLot, Piece, Position, Sublot, Transfer
from tickledger.tax.methods import price_key

_NOTHING: Final = Decimal(0)


def cash(book: Book, action: CorporateAction, units: int) -> int:
    """The cash that `amount` per share pays on `units`, money units."""
    return to_units(action.amount or _NOTHING) * units // book.share_units


def closing_by(action: CorporateAction, position: Position, *, units: int, net: int) -> Closing:
    """The closing that a corporate action is: its id is ``CA:symbol:ex_date``."""
    close_id = f"CA:{action.symbol}:{action.ex_date}"
    return Closing(
        close_id=close_id,
        account_id=position.account_id,
        order=(position.account_id, close_id),
        closed=action.ex_date.toordinal(),
        units=units,
        net=net,
        corporate_action_id=action.corporate_action_id,
    )


def return_capital(book: Book, action: CorporateAction) -> None:
    """A nondividend distribution reduces the basis share by share; what exceeds it is gain (IRC 301(c))."""
    for position in book.positions_in(action.symbol):
        if position.is_short:
            book.problems.append(_short_problem(action, position))
            continue
        lots = [lot for lot in position.lots if lot.units]
        successors = [book.succeed(lot, position, Fraction(1)) for lot in lots]
        excesses: list[tuple[Sublot, int]] = []
        for sublot in (sublot for lot in successors for sublot in lot.sublots):
            amount = cash(book, action, sublot.units)
            returned = _reduce(book, sublot, amount)
            if amount > returned:
                excesses.append((sublot, amount - returned))
        _record_gains(book, action, position, excesses)
        position.refill(successors)


def _short_problem(action: CorporateAction, position: Position) -> Problem:
    return Problem(
        where=f"corporate action {action.kind} of {action.symbol} on {action.ex_date}",
        expected="a payment in lieu by the short seller, which is not entered into the lots",
        found=f"an open short in {position.account_id}",
        severity="warning",
    )


def _reduce(book: Book, sublot: Sublot, amount: int) -> int:
    """Take up to `amount` off the basis of a sublot that has just been made."""
    of_cost, of_carried = _take_basis(sublot, amount)
    sublot.whole_cost, sublot.whole_carried, sublot.whole_returned = sublot.cost, sublot.carried, sublot.returned
    _transfer(book, sublot.lot.cost_pool, of_cost)
    if sublot.carried_pool is not None:
        _transfer(book, sublot.carried_pool, of_carried)
    return of_cost + of_carried


def _take_basis(sublot: Sublot, amount: int) -> tuple[int, int]:
    """Take up to `amount` off the basis: first of what was paid, then of what washed losses added."""
    of_cost = min(amount, sublot.cost)
    of_carried = min(amount - of_cost, sublot.carried)
    sublot.cost -= of_cost
    sublot.carried -= of_carried
    sublot.returned += of_cost + of_carried
    return of_cost, of_carried


def _transfer(book: Book, source: Pool, exact: int, target: Pool | None = None) -> None:
    if exact:
        book.journal.append(Transfer(source, exact, target))


def _record_gains(book: Book, action: CorporateAction, position: Position, gains: list[tuple[Sublot, int]]) -> None:
    """Enter cash that is gain as a whole: the shares stay, nothing of their basis is used."""
    closing = closing_by(
        action,
        position,
        units=sum(sublot.units for sublot, _ in gains),
        net=sum(amount for _, amount in gains),
    )
    for sublot, amount in gains:
        book.record(Piece(sublot, sublot.units, 0, 0), closing, amount, is_distribution=True)


def spin_off(book: Book, lot: OpenLot, target: Position, *, ratio: Fraction, part: Fraction) -> OpenLot:
    """The lot of new shares that a lot receives, with `part` of its basis, its dates and its term.

    The caller puts it into `target` and replaces the old lot by its successor.
    """
    made = OpenLot(
        position=target,
        execution_id=lot.execution_id,
        order=lot.order,
        acquired=lot.acquired,
        sequence=lot.sequence,
        units=scaled(lot.units, ratio),
        cost_pool=Pool(exact=0, cents=0),
        scale=lot.scale * ratio,
    )
    made.sublots.extend(_spun_off(book, sublot, made, ratio=ratio, part=part) for sublot in lot.sublots)
    made.price_key = price_key(sum(sublot.cost for sublot in made.sublots), made.units)
    book.lots.append(made)
    return made


def _spun_off(book: Book, sublot: Sublot, lot: OpenLot, *, ratio: Fraction, part: Fraction) -> Sublot:
    cost, carried, returned = (scaled(amount, part) for amount in (sublot.cost, sublot.carried, sublot.returned))
    sublot.cost -= cost
    sublot.carried -= carried
    sublot.returned -= returned
    lot.cost_pool.exact += cost
    _transfer(book, sublot.lot.cost_pool, cost, lot.cost_pool)
    carried_pool = None
    if sublot.carried_pool is not None:
        carried_pool = Pool(exact=carried, cents=0)
        _transfer(book, sublot.carried_pool, carried, carried_pool)
    return lot.add(
        units=scaled(sublot.units, ratio),
        cost=cost,
        holding_start=sublot.holding_start,
        carried=carried,
        carried_pool=carried_pool,
        is_used=True,
        returned=returned,
    )


def pay_boot(book: Book, position: Position, action: CorporateAction) -> None:
    """Cash beside stock: gain is recognized up to the cash, a loss never (IRC 356); the rest reduces the basis."""
    stock_value = scaled(to_units(action.fmv_new or _NOTHING), action.ratio or Fraction(0))
    closing = closing_by(action, position, units=position.held, net=cash(book, action, position.held))
    for sublot in list(position.open_sublots()):
        received = cash(book, action, sublot.units)
        gain = stock_value * sublot.units // book.share_units + received - sublot.cost - sublot.carried
        of_cost, of_carried = _take_basis(sublot, received - min(max(gain, 0), received))
        book.record(Piece(sublot, sublot.units, of_cost, of_carried), closing, received, is_distribution=True)
