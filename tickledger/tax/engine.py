"""The tax engine: fills, corporate actions and what is known of the accounts in, lots, gains and wash sales out.

Nothing is kept from one run to the next: every result is a function of the whole history, so that a purchase
in January re-opens December.
"""

import gc
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial

from tickledger.domain.account import Account
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.errors import Problem
from tickledger.domain.instrument import AssetClass
from tickledger.domain.lot import Lot
from tickledger.tax import invariants
from tickledger.tax.book import HouseholdBook
from tickledger.tax.book_building import Setting, new_book
from tickledger.tax.corporate_actions import admit as admit_actions
from tickledger.tax.fill_columns import share_units_for
from tickledger.tax.fill_list import FillList
from tickledger.tax.fill_table import FillTable
from tickledger.tax.fills import Admission, Fill, admit, in_order
from tickledger.tax.holdings import forget_transfers
from tickledger.tax.households import households
from tickledger.tax.methods import MethodSchedule
from tickledger.tax.policies import Policies, SameOrder
from tickledger.tax.ratios import Ratios, ratios_of
from tickledger.tax.result import TaxResult
from tickledger.tax.result_columns import HouseholdColumns
from tickledger.tax.sweep import History, Reservations, same_order_sales, work_through


@dataclass(frozen=True, slots=True)
class _Inputs:
    """What every household's computation shares; `fills` are in order."""

    fills: FillList | FillTable
    actions: Sequence[CorporateAction]
    methods: MethodSchedule
    opening_lots: Sequence[Lot]
    policies: Policies
    identity: Mapping[str, str]
    left_out: Collection[str]
    until: date
    where: str

    def setting(
        self,
        accounts: Mapping[str, Account],
        *,
        opening_lots: Sequence[Lot],
        ratios: Ratios,
        asset_classes: Mapping[str, AssetClass],
    ) -> Setting:
        """What the books of one household are made for."""
        return Setting(
            accounts=accounts,
            policies=self.policies,
            methods=self.methods,
            identity=self.identity,
            left_out=sorted(self.left_out),
            opening_lots=opening_lots,
            ratios=ratios,
            asset_classes=asset_classes,
        )


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
    admission = Admission([], [], set())
    if isinstance(fills, FillTable):
        ordered: FillList | FillTable = fills.in_order()
    else:
        admission = admit(fills, where=where)
        ordered = FillList(in_order(admission.fills))
    opening = list(opening_lots)
    actions, told_twice, unclear = admit_actions(corporate_actions)
    inputs = _Inputs(
        fills=ordered,
        actions=actions,
        methods=methods or MethodSchedule(),
        opening_lots=opening,
        policies=policies or Policies(),
        identity=_identity(identity or {}, actions),
        left_out=admission.left_out | unclear | set(left_out),
        until=until or ordered.last_date or date.min,
        where=where,
    )
    account_ids = [*ordered.account_ids, *(lot.account_id for lot in opening)]
    groups, problems = households(list(accounts), account_ids)
    with collector_at_rest():
        results = [result for group in groups if (result := _computed(group, inputs)) is not None]
    return TaxResult(
        households=tuple(columns for columns, _, _ in results),
        problems=(*admission.problems, *told_twice, *problems, *(found for _, told, _ in results for found in told)),
        policies=inputs.policies,
        left_out=tuple(sorted(set(inputs.left_out).union(*(left_out for _, _, left_out in results)))),
    )


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """No searches for unreachable cycles meanwhile: nothing becomes one."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            _count_as_old()
            gc.enable()


def _count_as_old() -> None:
    """Put all objects into the oldest generation, as if they had been searched; else the next search takes them all."""
    if not gc.get_freeze_count():
        gc.freeze()
        gc.unfreeze()


def _computed(
    accounts: Mapping[str, Account], inputs: _Inputs
) -> tuple[HouseholdColumns, list[Problem], set[str]] | None:
    """One household's result, problems, and what was left out of it."""
    fills = inputs.fills.of_accounts(accounts)
    opening = [lot for lot in inputs.opening_lots if lot.account_id in accounts]
    if not len(fills) and not opening:
        return None
    asset_classes = {lot.symbol: lot.asset_class for lot in opening} | dict(fills.asset_classes)
    underlyings = {symbol: contract.underlying for symbol, contract in fills.contracts.items()}
    symbols = _symbols({*asset_classes, *underlyings.values()}, inputs.actions)
    actions = [action for action in inputs.actions if action.symbol in symbols]
    ratios = ratios_of(actions, identity=inputs.identity, underlyings=underlyings)
    quantities = fills.quantities | {lot.quantity for lot in opening}
    columns = fills.columns(share_units=share_units_for(quantities, fills.contracts.values(), ratios))
    setting = inputs.setting(accounts, opening_lots=opening, ratios=ratios, asset_classes=asset_classes)
    history = History(columns, actions, inputs.policies.split_in_window, inputs.where)
    book, result = worked_through(history, setting, until=inputs.until)
    return result, book.problems, {symbol for symbol in symbols if book.is_left_out(symbol)}


def worked_through(
    history: History, setting: Setting, *, until: date | None = None
) -> tuple[HouseholdBook, HouseholdColumns]:
    """One household's book with everything settled and checked, and its columns.

    Raises LedgerError with the offending rows where the result would contradict itself.
    """
    reserved: Reservations = {}
    if setting.has_wash_sales and setting.policies.same_order is SameOrder.NEVER_REPLACES:
        first_look = partial(new_book, history.columns, setting, reservations={}, has_wash_sales=False)
        reserved = same_order_sales(first_look, history)
    book = new_book(history.columns, setting, reservations=reserved, has_wash_sales=setting.has_wash_sales)
    work_through(book, history)
    forget_transfers(book)
    _spread(book)
    book.settle()
    last = int(history.columns.date[-1]) if len(history.columns) else 1
    columns = HouseholdColumns(book, until.toordinal() if until else last)
    invariants.check(book, columns)
    return book, columns


def _spread(book: HouseholdBook) -> None:
    """Leave out whatever shares lots with a security that is left out."""
    is_changing = True
    while is_changing:
        is_changing = False
        for pair in book.links:
            left_out = [book.is_left_out(symbol) for symbol in pair]
            if any(left_out) and not all(left_out):
                is_changing = True
                for symbol in pair:
                    book.leave_out(symbol)


def _symbols(told: Iterable[str], actions: Iterable[CorporateAction]) -> set[str]:
    """Everything traded or held, what options are on, and what corporate actions may have made of it."""
    symbols = set(told)
    for action in sorted(actions, key=lambda action: action.ex_date):
        if action.symbol in symbols and action.new_symbol is not None:
            symbols.add(action.new_symbol)
    return symbols


def _identity(declared: Mapping[str, str], actions: Iterable[CorporateAction]) -> dict[str, str]:
    """What each symbol is identical to, ticker changes included: a changed name is the same security."""
    identity = dict(declared)
    for action in actions:
        if action.kind is CorporateActionKind.TICKER_CHANGE and action.new_symbol is not None:
            old, new = (identity.get(symbol, symbol) for symbol in (action.symbol, action.new_symbol))
            names = {symbol for symbol, group in identity.items() if group == old}
            identity |= dict.fromkeys({*names, action.symbol, old, action.new_symbol}, new)
    return identity
