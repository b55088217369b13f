"""The record as the tax engine reads it, with fills put on top that have not happened.

A trade of one security can change only what is linked to it: what was declared identical, what a corporate action
made of it, options on it. `related` leaves out the rest, so that a question about one symbol costs what its own
history costs; the answer is the same.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Final

from tickledger.domain.account import Account
from tickledger.domain.corporate_action import CorporateAction
from tickledger.domain.lot import Lot
from tickledger.domain.order import OrderSide
from tickledger.tax.engine import compute
from tickledger.tax.fills import Fill, LotChoice, in_order
from tickledger.tax.methods import MethodSchedule
from tickledger.tax.policies import Policies
from tickledger.tax.result import TaxResult

#: The execution and the order of a fill that has not happened.
HYPOTHETICAL: Final = "HYPOTHETICAL"


@dataclass(frozen=True, slots=True)
class TaxHistory:
    """Everything a result is a function of; see `tickledger.tax.engine.compute` for each part."""

    fills: Sequence[Fill]
    accounts: Sequence[Account] = ()
    corporate_actions: Sequence[CorporateAction] = ()
    methods: MethodSchedule = field(default_factory=MethodSchedule)
    policies: Policies = field(default_factory=Policies)
    identity: Mapping[str, str] = field(default_factory=dict)
    opening_lots: Sequence[Lot] = ()
    left_out: Collection[str] = ()
    where: str = "fills"

    @property
    def last_date(self) -> date:
        """The date of the last fill; the first day there is where there is none."""
        return max((fill.trade_date for fill in self.fills), default=date.min)

    def ordered(self) -> "TaxHistory":
        """The same with its fills in the order in which they happened, which no further fill can change."""
        return replace(self, fills=[replace(fill, executed_at=None) for fill in in_order(self.fills)])

    def related(self, symbol: str) -> "TaxHistory":
        """What a trade of `symbol` can change, and what can change it; `ordered` first, so that dates stay in order."""
        linked = self.linked(symbol)
        return replace(
            self,
            fills=[fill for fill in self.fills if fill.symbol in linked],
            corporate_actions=[action for action in self.corporate_actions if action.symbol in linked],
            opening_lots=[lot for lot in self.opening_lots if lot.symbol in linked],
        )

    def linked(self, symbol: str) -> frozenset[str]:
        """`symbol` and every symbol whose lots or losses may touch its own."""
        return _component(symbol, self._links())

    def groups(self) -> Mapping[str, frozenset[str]]:
        """Every symbol there is with what `linked` says of it, for all of them at once."""
        neighbours = _neighbours(self._links())
        names = {fill.symbol for fill in self.fills} | {lot.symbol for lot in self.opening_lots}
        found: dict[str, frozenset[str]] = {}
        for name in names | {action.symbol for action in self.corporate_actions}:
            if name not in found:
                group = _reached(name, neighbours)
                found |= dict.fromkeys(group, group)
        return found

    def result(self, *more: Fill, until: date | None = None) -> TaxResult:
        """What the engine concludes with `more` fills after all others; raises LedgerError as `compute` does."""
        return compute(
            [*self.fills, *more],
            accounts=self.accounts,
            corporate_actions=self.corporate_actions,
            methods=self.methods,
            policies=self.policies,
            identity=self.identity,
            opening_lots=self.opening_lots,
            left_out=self.left_out,
            until=until,
            where=self.where,
        )

    def _links(self) -> Iterable[tuple[str, str]]:
        """Pairs of names that belong together; a group of identical securities is a name of its own."""
        yield from ((symbol, f"\0{group}") for symbol, group in self.identity.items())
        # The engine takes a group's name for the symbol of that name as well.
        yield from ((group, f"\0{group}") for group in self.identity.values())
        yield from ((act.symbol, act.new_symbol) for act in self.corporate_actions if act.new_symbol is not None)
        contracts = {fill.symbol: fill.contract.underlying for fill in self.fills if fill.contract is not None}
        yield from contracts.items()
        by_id: dict[str, str] = {}
        for fill in self.fills:
            # Two fills under one id make both their securities unusable.
            first = by_id.setdefault(fill.execution_id, fill.symbol)
            if first != fill.symbol:
                yield (first, fill.symbol)


def hypothetical_fill(
    *,
    account_id: str,
    symbol: str,
    side: OrderSide,
    quantity: Decimal,
    price: Decimal,
    trade_date: date,
    charges: Decimal = Decimal(0),
    lots: tuple[LotChoice, ...] = (),
) -> Fill:
    """A fill under the id `HYPOTHETICAL`; `price` is USD per share, `charges` USD in all."""
    return Fill(
        execution_id=HYPOTHETICAL,
        order_id=HYPOTHETICAL,
        account_id=account_id,
        symbol=symbol,
        side=side,
        quantity=quantity,
        gross_amount=quantity * price,
        commission=charges,
        trade_date=trade_date,
        lots=lots,
    )


def _component(start: str, pairs: Iterable[tuple[str, str]]) -> frozenset[str]:
    return _reached(start, _neighbours(pairs))


def _neighbours(pairs: Iterable[tuple[str, str]]) -> Mapping[str, set[str]]:
    neighbours: dict[str, set[str]] = {}
    for one, other in pairs:
        neighbours.setdefault(one, set()).add(other)
        neighbours.setdefault(other, set()).add(one)
    return neighbours


def _reached(start: str, neighbours: Mapping[str, set[str]]) -> frozenset[str]:
    """The names that lead to each other from `start`, but for those that stand for groups."""
    reached, waiting = {start}, [start]
    while waiting:
        for name in neighbours.get(waiting.pop(), set()) - reached:
            reached.add(name)
            waiting.append(name)
    return frozenset(name for name in reached if not name.startswith("\0"))
