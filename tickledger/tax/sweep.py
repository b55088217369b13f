"""The pass over a taxpayer's history, in the order in which it happened.

Corporate actions take effect before the first fill of their date. What cannot be computed (a sale of shares
that are not there, a lot that does not exist) gives the security up and is told as a Problem; every other
security stays right.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from tickledger.domain.corporate_action import CorporateAction
from tickledger.domain.errors import Problem
from tickledger.domain.order import OrderSide
from tickledger.tax import corporate_actions
from tickledger.tax.book import Book, Reservations
from tickledger.tax.cents import to_units
from tickledger.tax.fills import Fill
from tickledger.tax.lots import Closing, Disposition, OrderKey, Position, Sublot
from tickledger.tax.methods import NEXT_SUBLOT, MethodSchedule


@dataclass(frozen=True, slots=True)
class History:
    """What happened: fills in order, corporate actions, and how each account chooses its lots.

    `where` names the source of the fills in messages.
    """

    fills: Sequence[Fill]
    actions: Sequence[CorporateAction]
    methods: MethodSchedule
    where: str = "fills"


def work_through(book: Book, history: History) -> None:
    """Enter the whole history into the book."""
    actions = iter(sorted(history.actions, key=lambda action: action.ex_date))
    pending = next(actions, None)
    for fill in history.fills:
        while pending is not None and pending.ex_date <= fill.trade_date:
            corporate_actions.apply(book, pending)
            pending = next(actions, None)
        if not book.is_left_out(fill.symbol):
            _APPLY[fill.side](book, fill, history)
    while pending is not None:
        corporate_actions.apply(book, pending)
        pending = next(actions, None)


def same_order_sales(new_book: Callable[[], Book], history: History) -> Reservations:
    """For each order with several closing fills, what it takes of each lot, in shares as that lot bought them.

    Found by working a fresh book through the history without wash sales: which lots a sale takes does not
    depend on them, except by adjusted basis (minimum and maximum gain), where this is the nearest that can be
    known ahead.
    """
    fills_of: defaultdict[OrderKey, int] = defaultdict(int)
    for fill in history.fills:
        if fill.side in _CLOSING:
            fills_of[fill.account_id, fill.order_id] += 1
    several = {order for order, count in fills_of.items() if count > 1}
    if not several:
        return {}
    book = new_book()
    work_through(book, history)
    taken: Reservations = {order: defaultdict(Fraction) for order in several}
    for entry in book.journal:
        if isinstance(entry, Disposition) and entry.closing.order in several:
            lot = entry.sublot.lot
            taken[entry.closing.order][lot.execution_id, lot.position.symbol] += entry.units / lot.scale
    return taken


def _open(book: Book, fill: Fill, history: History) -> None:
    is_short = fill.side is OrderSide.SELL_SHORT
    _warn_of_box(book, fill, history, is_short=is_short)
    position = book.position(fill.account_id, fill.symbol, is_short=is_short)
    lot = book.open_lot(
        position,
        execution_id=fill.execution_id,
        order=(fill.account_id, fill.order_id),
        acquired=fill.trade_date.toordinal(),
        units=book.units_of(fill.quantity),
        cost=to_units(fill.net_amount),
    )
    group = book.wash_group(fill.symbol, is_short=is_short)
    if group is not None:
        group.match_acquisition(lot)


def _close(book: Book, fill: Fill, history: History) -> None:
    is_short = fill.side is OrderSide.BUY_TO_COVER
    position = book.position(fill.account_id, fill.symbol, is_short=is_short)
    closing = Closing(
        close_id=fill.execution_id,
        account_id=fill.account_id,
        order=(fill.account_id, fill.order_id),
        closed=fill.trade_date.toordinal(),
        units=book.units_of(fill.quantity),
        net=to_units(fill.net_amount),
    )
    problem = _closing_problem(book, position, fill, history)
    if problem is not None:
        book.leave_out(fill.symbol, problem)
        return
    book.close(position, closing, _chosen_sublots(book, position, fill, history))


def _chosen_sublots(book: Book, position: Position, fill: Fill, history: History) -> Iterator[tuple[Sublot, int]]:
    if fill.lots:
        return _identified(book, position, fill)
    method = history.methods.on(fill.account_id, fill.trade_date)
    return ((sublot, sublot.units) for sublot in NEXT_SUBLOT[method](position))


def _identified(book: Book, position: Position, fill: Fill) -> Iterator[tuple[Sublot, int]]:
    """The sublots of the lots that the sale names, each lot's in order."""
    for choice in fill.lots:
        left = book.units_of(choice.quantity)
        for lot in position.by_execution[choice.open_execution_id]:
            while left and lot.units:
                sublot = lot.sublots[0]
                units = min(left, sublot.units)
                left -= units
                yield sublot, units


def _closing_problem(book: Book, position: Position, fill: Fill, history: History) -> Problem | None:
    units = book.units_of(fill.quantity)
    if units > position.held:
        held = _shares(book, position.held)
        side = "short" if position.is_short else "held"
        expected = f"at most the {held} shares of {fill.symbol} {side} in {fill.account_id} on {fill.trade_date}"
        return _problem(fill, history, column="quantity", expected=expected, found=f"{fill.side} {fill.quantity}")
    if not fill.lots:
        return None
    if sum(book.units_of(choice.quantity) for choice in fill.lots) != units:
        expected = f"lots that add up to the {fill.quantity} shares sold"
        found = str(sum(choice.quantity for choice in fill.lots))
        return _problem(fill, history, column="lots", expected=expected, found=found)
    for open_id in dict.fromkeys(choice.open_execution_id for choice in fill.lots):
        wanted = sum(book.units_of(choice.quantity) for choice in fill.lots if choice.open_execution_id == open_id)
        left = sum(lot.units for lot in position.by_execution.get(open_id, ()))
        if wanted > left:
            expected = f"at most the {_shares(book, left)} shares that are left of lot {open_id} in {fill.account_id}"
            found = f"{open_id}:{_shares(book, wanted)}"
            return _problem(fill, history, column="lots", expected=expected, found=found)
    return None


def _warn_of_box(book: Book, fill: Fill, history: History, *, is_short: bool) -> None:
    """Say once for each security that rules on shorts beside identical shares are not applied."""
    security = book.security(fill.symbol)
    others = book.by_security[security, not is_short]
    if security in book.boxed or not any(position.held for position in others):
        return
    book.boxed.add(security)
    expected = "no short sale open beside identical shares (IRC 1233(b), (d) and 1259 are not applied: check the terms)"
    found = f"{fill.side} of {fill.symbol} on {fill.trade_date} with the other side open"
    book.problems.append(_problem(fill, history, column="side", expected=expected, found=found, is_warning=True))


def _problem(
    fill: Fill, history: History, *, column: str, expected: str, found: str, is_warning: bool = False
) -> Problem:
    return Problem(
        where=history.where if fill.row is not None else f"{history.where}, execution {fill.execution_id}",
        row=fill.row,
        column=column,
        expected=expected,
        found=found,
        severity="warning" if is_warning else "error",
    )


def _shares(book: Book, units: int) -> str:
    shares = Fraction(units, book.share_units)
    return str(shares.numerator) if shares.denominator == 1 else f"{float(shares):.10g}"


_CLOSING: Final = frozenset({OrderSide.SELL, OrderSide.BUY_TO_COVER})
_APPLY: Final[Mapping[OrderSide, Callable[[Book, Fill, History], None]]] = {
    OrderSide.BUY: _open,
    OrderSide.SELL_SHORT: _open,
    OrderSide.SELL: _close,
    OrderSide.BUY_TO_COVER: _close,
}
