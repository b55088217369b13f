"""The tax engine: fills, corporate actions and what is known of the accounts in, lots, gains and wash sales out.

Nothing is kept from one run to the next: every result is a function of the whole history, so that a purchase
in January re-opens December.
"""

import gc
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from math import lcm, prod

from tickledger.domain.account import Account
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.errors import Problem
from tickledger.domain.lot import Lot
from tickledger.tax import invariants
from tickledger.tax.book import Book, Reservations
from tickledger.tax.corporate_actions import admit as admit_actions
from tickledger.tax.fills import Fill, admit, in_order
from tickledger.tax.gains import Rows, rows_of
from tickledger.tax.households import households
from tickledger.tax.methods import MethodSchedule
from tickledger.tax.opening_lots import enter_opening_lots
from tickledger.tax.policies import Policies, SameOrder
from tickledger.tax.result import TaxResult
from tickledger.tax.settlement import remaining, settle
from tickledger.tax.sweep import History, same_order_sales, work_through


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What every household's computation shares."""

    history: History
    opening_lots: Sequence[Lot]
    policies: Policies
    identity: Mapping[str, str]
    left_out: Collection[str]
    until: date


def compute(
    fills: Iterable[Fill],
    *,
    accounts: Iterable[Account] = (),
    corporate_actions: Iterable[CorporateAction] = (),
    methods: MethodSchedule | None = None,
    policies: Policies | None = None,
    identity: Mapping[str, str] | None = None,
    opening_lots: Iterable[Lot] = (),
    left_out: Collection[str] = (),
    until: date | None = None,
    where: str = "fills",
) -> TaxResult:
    """Lots, gains and wash sales of every account.

    Accounts that are not listed are live, taxable and of the one owner there is. `identity` maps a symbol to
    the name of the group of substantially identical securities it belongs to. `left_out` names symbols whose
    history is known to be incomplete: they, and what is identical to them, are not computed. `until` is the
    last day the data cover (default: the last fill's). `where` names the source of the fills in messages.

    Raises LedgerError with the offending rows where the result would contradict itself.
    """
    admission = admit(fills, where=where)
    ordered, opening = in_order(admission.fills), list(opening_lots)
    actions, told_twice, unclear = admit_actions(corporate_actions)
    history = History(ordered, actions, methods or MethodSchedule(), where)
    inputs = _Inputs(
        history=history,
        opening_lots=opening,
        policies=policies or Policies(),
        identity=_identity(identity or {}, actions),
        left_out=admission.left_out | unclear | set(left_out),
        until=until or (ordered[-1].trade_date if ordered else date.min),
    )
    account_ids = [*(fill.account_id for fill in ordered), *(lot.account_id for lot in opening)]
    groups, problems = households(list(accounts), account_ids)
    with _collector_at_rest():
        results = [_computed(group, inputs) for group in groups]
    return _joined(results, [*admission.problems, *told_twice, *problems], inputs)


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """No searches for unreachable cycles meanwhile: nothing becomes one, and they took a third of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _computed(accounts: Mapping[str, Account], inputs: _Inputs) -> Rows:
    """One household's rows and problems."""
    history = inputs.history
    fills = [fill for fill in history.fills if fill.account_id in accounts]
    opening = [lot for lot in inputs.opening_lots if lot.account_id in accounts]
    if not fills and not opening:
        return Rows()
    symbols = _symbols(fills, opening, history.actions)
    actions = [action for action in history.actions if action.symbol in symbols]
    own = replace(history, fills=fills, actions=actions)
    new_book = partial(_book, accounts=accounts, inputs=inputs, history=own, opening=opening)
    reserved = {}
    if inputs.policies.same_order is SameOrder.NEVER_REPLACES:
        reserved = same_order_sales(lambda: new_book(reserved={}, has_wash_sales=False), own)
    book = new_book(reserved=reserved, has_wash_sales=True)
    work_through(book, own)
    _spread(book)
    settled = list(settle(book.journal))
    held = [remaining(sublot) for position in book.positions.values() for sublot in position.open_sublots()]
    invariants.check(book, settled, held)
    rows = rows_of(book, settled, held, until=inputs.until)
    rows.left_out = {symbol for symbol in symbols if book.is_left_out(symbol)}
    return rows


def _book(
    *,
    accounts: Mapping[str, Account],
    inputs: _Inputs,
    history: History,
    opening: Sequence[Lot],
    reserved: Reservations,
    has_wash_sales: bool,
) -> Book:
    """A book with the opening lots in it and nothing else yet."""
    book = Book(
        accounts=accounts,
        policies=inputs.policies,
        identity=inputs.identity,
        share_units=_share_units(history, opening),
        has_wash_sales=has_wash_sales,
        reserved=reserved,
        asset_classes={fill.symbol: fill.asset_class for fill in history.fills},
    )
    for lot in opening:
        book.asset_classes.setdefault(lot.symbol, lot.asset_class)
    book.left_out |= {book.security(symbol) for symbol in inputs.left_out}
    _refuse_lots_bought_again(book, history, opening)
    enter_opening_lots(book, opening)
    return book


def _refuse_lots_bought_again(book: Book, history: History, opening: Sequence[Lot]) -> None:
    bought = {fill.execution_id for fill in history.fills}
    for lot in opening:
        if lot.open_execution_id in bought and not book.is_left_out(lot.symbol):
            expected = "opening lots whose fills are not among the fills as well"
            book.leave_out(
                lot.symbol, Problem("opening lots", expected, lot.open_execution_id, column="open_execution_id")
            )


def _spread(book: Book) -> None:
    """Leave out whatever shares lots with a security that is left out."""
    size = -1
    while size != len(book.left_out):
        size = len(book.left_out)
        for pair in book.links:
            if not book.left_out.isdisjoint(pair):
                book.left_out.update(pair)


def _joined(results: Sequence[Rows], problems: Sequence[Problem], inputs: _Inputs) -> TaxResult:
    return TaxResult(
        gains=tuple(sorted((gain for rows in results for gain in rows.gains), key=lambda gain: gain.sold_date)),
        wash_sales=tuple(wash for rows in results for wash in rows.wash_sales),
        open_lots=tuple(lot for rows in results for lot in rows.open_lots),
        lots=tuple(lot for rows in results for lot in rows.lots.values()),
        problems=(*problems, *(problem for rows in results for problem in rows.problems)),
        policies=inputs.policies,
        left_out=tuple(sorted(set(inputs.left_out).union(*(rows.left_out for rows in results)))),
    )


def _symbols(fills: Iterable[Fill], opening: Iterable[Lot], actions: Iterable[CorporateAction]) -> set[str]:
    """Everything traded or held, and what corporate actions may have made of it."""
    symbols = {fill.symbol for fill in fills} | {lot.symbol for lot in opening}
    for action in sorted(actions, key=lambda action: action.ex_date):
        if action.symbol in symbols and action.new_symbol is not None:
            symbols.add(action.new_symbol)
    return symbols


def _share_units(history: History, opening: Iterable[Lot]) -> int:
    """Units in a share, so that every quantity is whole and every split divides evenly.

    The product of the ratios' denominators lasts for all splits, whatever was cut up between them.
    """
    quantities = [fill.quantity for fill in history.fills]
    quantities += [choice.quantity for fill in history.fills for choice in fill.lots]
    quantities += [lot.quantity for lot in opening]
    ratios = [action.ratio for action in history.actions if action.ratio is not None]
    return lcm(*{quantity.as_integer_ratio()[1] for quantity in quantities}) * prod(
        ratio.denominator for ratio in ratios
    )


def _identity(declared: Mapping[str, str], actions: Iterable[CorporateAction]) -> dict[str, str]:
    """What each symbol is identical to, ticker changes included: a changed name is the same security."""
    identity = dict(declared)
    for action in actions:
        if action.kind is CorporateActionKind.TICKER_CHANGE and action.new_symbol is not None:
            old, new = (identity.get(symbol, symbol) for symbol in (action.symbol, action.new_symbol))
            names = {symbol for symbol, group in identity.items() if group == old}
            identity |= dict.fromkeys({*names, action.symbol, old, action.new_symbol}, new)
    return identity
