"""Our side of a reconciliation: what the ledger says of one account, as plain values.

Whoever reads the database makes a `LedgerView`; nothing here asks where it came from. It may hold the whole history of
the account, and better does: a fill of the period before explains a position of this one.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Final

from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind, in_order
from tickledger.domain.errors import InputError
from tickledger.domain.execution import CashTransaction, Execution
from tickledger.domain.lot import Lot, RealizedGain, WashSale
from tickledger.domain.position import Balance, Holding, Position
from tickledger.exchange.corporate_actions import holdings_after
from tickledger.execution.portfolio import cash_effect
from tickledger.execution.tax_history import TaxHistory

ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class ScopeResult:
    """What the tax engine concludes of an account, or of all accounts of a taxpayer, by one set of rules."""

    gains: Sequence[RealizedGain] = ()
    wash_sales: Sequence[WashSale] = ()
    open_lots: Sequence[Lot] = ()
    lots: Sequence[Lot] = ()


@dataclass(frozen=True, kw_only=True)
class LedgerView:
    """What the ledger says of `account_id`, in USD.

    `executions` are those in force, with their corrections applied and those that were busted left out; `corrected` are
    figures that are no longer in force. `other_ids` maps each id under which the broker told an execution as well (that
    of a correction) to the execution's own, and `busted` are the ids of what was corrected to no shares.

    `holdings` and `cash` are what was recorded after the close of a date: signed shares by symbol, without those of
    nothing, and USD. Days between are worked out from the executions, corporate actions and cash transactions after the
    last recorded one. `lots_date` is the day whose close the open lots of both scopes are of.

    `broker_scope` is what the broker's own rules come to and `taxpayer_scope` what the law comes to, of all accounts:
    its gains of other accounts are passed over here. Without them lots and gains are not compared. `history` has the
    fills of all accounts of the taxpayer; `broker_scope.with_scopes` makes both scopes of it.

    `conids` and `cusips` are those of our symbols, as far as they are known.
    """

    account_id: str
    executions: Sequence[Execution] = ()
    corrected: Sequence[Execution] = ()
    other_ids: Mapping[str, str] = field(default_factory=dict)
    busted: frozenset[str] = frozenset()
    cash_transactions: Sequence[CashTransaction] = ()
    corporate_actions: Sequence[CorporateAction] = ()
    holdings: Mapping[date, Mapping[str, Decimal]] = field(default_factory=dict)
    cash: Mapping[date, Decimal] = field(default_factory=dict)
    lots_date: date | None = None
    broker_scope: ScopeResult | None = None
    taxpayer_scope: ScopeResult | None = None
    history: TaxHistory | None = None
    conids: Mapping[str, str] = field(default_factory=dict)
    cusips: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def names(self) -> "Names":
        """What securities are called."""
        return Names.of(self)

    @cached_property
    def executions_of(self) -> Mapping[str, Sequence[Execution]]:
        """The executions of each symbol, by trade date."""
        found: defaultdict[str, list[Execution]] = defaultdict(list)
        for row in sorted(self.executions, key=lambda row: (row.trade_date, row.executed_at)):
            found[row.symbol].append(row)
        return found

    @cached_property
    def charges(self) -> Mapping[str, Decimal]:
        """What each execution cost, commission and fees, USD."""
        return {row.execution_id: row.commission + row.fees for row in self.executions}

    @cached_property
    def taxpayer_gains(self) -> Mapping[tuple[str, str], Sequence[RealizedGain]]:
        """The gains of the taxpayer's scope by the executions that closed and opened them."""
        found: defaultdict[tuple[str, str], list[RealizedGain]] = defaultdict(list)
        for gain in self.taxpayer_scope.gains if self.taxpayer_scope is not None else ():
            found[gain.close_execution_id, gain.open_execution_id].append(gain)
        return found

    @cached_property
    def figures_before(self) -> frozenset[tuple[str, Decimal, Decimal]]:
        """The id, quantity and price of executions as they were before they were corrected."""
        ids = self.other_ids
        return frozenset(
            (ids.get(row.execution_id, row.execution_id), row.quantity, row.price) for row in self.corrected
        )

    def holdings_on(self, day: date) -> Mapping[str, Decimal] | None:
        """Signed shares by symbol after the close of `day`; None where no close before it is recorded."""
        known = max((recorded for recorded in self.holdings if recorded <= day), default=None)
        if known is None:
            return None
        held = {name: shares for name, shares in self.holdings[known].items() if shares}
        changes = [action for action in in_order(self.corporate_actions) if known < action.ex_date <= day]
        later = sorted(
            (row for row in self.executions if known < row.trade_date <= day), key=lambda row: row.trade_date
        )
        for action in changes:
            before = [row for row in later if row.trade_date < action.ex_date]
            later = later[len(before) :]
            _add(held, before)
            _happen(held, action)
        _add(held, later)
        return {name: shares for name, shares in held.items() if shares}

    def cash_on(self, day: date) -> Decimal | None:
        """USD after the close of `day`, by trade dates; None where no close before it is recorded."""
        known = max((recorded for recorded in self.cash if recorded <= day), default=None)
        if known is None:
            return None
        traded = (cash_effect(row) for row in self.executions if known < row.trade_date <= day)
        moved = (row.amount for row in self.cash_transactions if known < row.session_date <= day)
        return self.cash[known] + sum(traded, ZERO) + sum(moved, ZERO)


def closes(positions: Iterable[Position], balances: Iterable[Balance]) -> dict[date, dict[str, Decimal]]:
    """The `holdings` of a view: a day with a balance is recorded, though nothing was held on it."""
    held: dict[date, dict[str, Decimal]] = {balance.session_date: {} for balance in balances}
    for position in positions:
        held.setdefault(position.session_date, {})[position.symbol] = position.quantity
    return held


def _add(held: dict[str, Decimal], executions: Iterable[Execution]) -> None:
    for row in executions:
        held[row.symbol] = held.get(row.symbol, ZERO) + row.side.sign * row.quantity


def _happen(held: dict[str, Decimal], action: CorporateAction) -> None:
    shares = held.pop(action.symbol, ZERO)
    if not shares:
        return
    try:
        after = holdings_after(action, Holding(shares, Decimal(1)))
    except InputError:  # an action without its terms changes nothing here; the ledger itself refuses it
        after = {action.symbol: Holding(shares, Decimal(1))}
    for symbol, holding in after.items():
        held[symbol] = held.get(symbol, ZERO) + holding.quantity


@dataclass(frozen=True, slots=True)
class Names:
    """What the securities of others' rows are called here.

    By conid where both sides know it, then by CUSIP, then by the symbol as we write it: IB's ``BRK B`` is our
    ``BRK.B``. `family` gives all names that ticker changes lead to one security under one of them.
    """

    by_conid: Mapping[str, str]
    by_cusip: Mapping[str, str]
    families: Mapping[str, str]

    @classmethod
    def of(cls, view: LedgerView) -> "Names":
        """The names of a view."""
        families: dict[str, str] = {}
        for action in in_order(view.corporate_actions):
            if action.kind is CorporateActionKind.TICKER_CHANGE and action.new_symbol is not None:
                families = {name: action.new_symbol if to == action.symbol else to for name, to in families.items()}
                families[action.symbol] = action.new_symbol
        return cls(
            by_conid={conid: symbol for symbol, conid in view.conids.items() if conid},
            by_cusip={cusip: symbol for symbol, cusip in view.cusips.items() if cusip},
            families=families,
        )

    def ours(self, symbol: str, *, conid: str = "", cusip: str = "") -> str:
        """Our symbol of a security."""
        return self.by_conid.get(conid) or self.by_cusip.get(cusip) or spelled(symbol)

    def family(self, symbol: str) -> str:
        """The name that stands for a security whatever it was called when."""
        return self.families.get(symbol, symbol)


def spelled(symbol: str) -> str:
    """A symbol as we write it."""
    if " " not in symbol:
        return symbol
    return ".".join(symbol.split())
