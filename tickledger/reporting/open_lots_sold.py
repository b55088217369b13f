"""What selling a holding would realize: the engine run with the sale, and with purchases that are still to come.

Only what a trade of the symbol can touch is run again, and each symbol's history is looked up once.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Final

from tickledger.domain.errors import LedgerError
from tickledger.domain.lot import RealizedGain, Term
from tickledger.domain.order import OrderSide
from tickledger.execution.tax_history import HYPOTHETICAL, TaxHistory, hypothetical_fill
from tickledger.reporting.open_lots import Holding
from tickledger.tax.fills import Fill, LotChoice
from tickledger.tax.result import TaxResult
from tickledger.tax.wash_sales import WINDOW_DAYS

_NOTHING: Final = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class PendingPurchase:
    """Shares that will be bought unless somebody prevents it: a working order, a dividend reinvested, a plan.

    `on` is the day on which they are expected; `why` says it in words.
    """

    account_id: str
    symbol: str
    quantity: Decimal
    on: date
    why: str


@dataclass(frozen=True, slots=True)
class Sold:
    """What the sale of a holding on a day realizes, USD.

    `change` is what it changes in the gains of each year and term. `open_loss` is what is left of its loss, which
    purchases until `window_end` would disallow.
    """

    on: date
    proceeds: Decimal
    gains: tuple[RealizedGain, ...]
    change: Mapping[tuple[int, Term], Decimal]

    def of_term(self, term: Term) -> Decimal:
        """The gain of one term, disallowed losses added back."""
        return sum((gain.gain_loss for gain in self.gains if gain.term is term), _NOTHING)

    @property
    def disallowed_loss(self) -> Decimal:
        return sum((gain.disallowed_loss for gain in self.gains), _NOTHING)

    @property
    def permanently_disallowed(self) -> Decimal:
        return sum((gain.permanently_disallowed for gain in self.gains), _NOTHING)

    @property
    def open_loss(self) -> Decimal:
        return sum((max(-gain.gain_loss, _NOTHING) for gain in self.gains), _NOTHING)

    @property
    def window_end(self) -> date:
        return self.on + timedelta(days=WINDOW_DAYS)

    @property
    def terms(self) -> str:
        """The terms of the gains as the reports print them."""
        return "+".join(sorted({str(gain.term) for gain in self.gains}, reverse=True))

    def changes(self, tax_year: int) -> tuple[Decimal, Decimal]:
        """What the sale changes in a year's short-term and long-term gains."""
        return (
            self.change.get((tax_year, Term.SHORT), _NOTHING),
            self.change.get((tax_year, Term.LONG), _NOTHING),
        )


@dataclass
class Sales:
    """Sales that have not happened, asked of one history whose fills are in order."""

    history: TaxHistory
    _related: dict[frozenset[str], tuple[TaxHistory, TaxResult]] = field(default_factory=dict, init=False)

    def sold(self, holding: Holding, *, price: Decimal, on: date, pending: Sequence[PendingPurchase] = ()) -> Sold:
        """What selling all of `holding` on a day does, `pending` purchases of that day and later happening as well.

        Raises LedgerError where the engine cannot compute the security.
        """
        return self.sold_together([holding], prices={holding.symbol: price}, on=on, pending=pending)

    def sold_together(
        self,
        holdings: Sequence[Holding],
        *,
        prices: Mapping[str, Decimal],
        on: date,
        pending: Sequence[PendingPurchase] = (),
    ) -> Sold:
        """As `sold`, of several holdings of linked securities at once, in one order each."""
        related, before = self._history_of(holdings[0].symbol)
        sales = [_sale(holding, prices[holding.symbol], on, number) for number, holding in enumerate(holdings)]
        bought = [_purchase(one, prices, number) for number, one in enumerate(pending)]
        after = related.result(*sales, *bought, until=max([on, *(one.on for one in pending)]))
        _refuse_unknown(after)
        ids = {sale.execution_id for sale in sales}
        return Sold(
            on=on,
            proceeds=sum((sale.net_amount for sale in sales), _NOTHING),
            gains=tuple(gain for gain in after.gains if gain.close_execution_id in ids),
            change=_change(before, after),
        )

    def linked(self, symbol: str) -> frozenset[str]:
        """The symbols that a trade of `symbol` can touch."""
        return self._groups.get(symbol, frozenset((symbol,)))

    @cached_property
    def _groups(self) -> Mapping[str, frozenset[str]]:
        return self.history.groups()

    @cached_property
    def _fills(self) -> Mapping[frozenset[str], Sequence[Fill]]:
        """The fills of each group of linked symbols, in order."""
        fills: defaultdict[frozenset[str], list[Fill]] = defaultdict(list)
        for fill in self.history.fills:
            fills[self.linked(fill.symbol)].append(fill)
        return fills

    def purchases(self, symbol: str, *, start: date, end: date, accounts: Iterable[str]) -> list[Fill]:
        """The purchases of what is linked to `symbol` from `start` to `end`, both included, in any of `accounts`."""
        watched = frozenset(accounts)
        return [
            fill
            for fill in self._fills.get(self.linked(symbol), ())
            if start <= fill.trade_date <= end and fill.side == OrderSide.BUY and fill.account_id in watched
        ]

    def order_of(self, holding: Holding) -> str | None:
        """The order that bought a holding, None where none is known."""
        fills = self._fills.get(self.linked(holding.symbol), ())
        return next((fill.order_id for fill in fills if fill.execution_id == holding.open_execution_id), None)

    def _history_of(self, symbol: str) -> tuple[TaxHistory, TaxResult]:
        linked = self.linked(symbol)
        known = self._related.get(linked)
        if known is None:
            related = replace(
                self.history,
                fills=self._fills.get(linked, ()),
                corporate_actions=[action for action in self.history.corporate_actions if action.symbol in linked],
                opening_lots=[lot for lot in self.history.opening_lots if lot.symbol in linked],
            )
            known = related, related.result()
            _refuse_unknown(known[1])
            self._related[linked] = known
        return known


def _sale(holding: Holding, price: Decimal, on: date, number: int) -> Fill:
    fill = hypothetical_fill(
        account_id=holding.account_id,
        symbol=holding.symbol,
        side=OrderSide.SELL,
        quantity=holding.quantity,
        price=price,
        trade_date=on,
        lots=(LotChoice(holding.open_execution_id, holding.quantity),),
    )
    return _named(fill, f"{HYPOTHETICAL}-S{number}", holding)


def _named(fill: Fill, name: str, holding: Holding) -> Fill:
    """The fill under its own id, with the asset class of what is held."""
    return replace(fill, execution_id=name, order_id=name, asset_class=holding.lots[0].asset_class)


def _purchase(one: PendingPurchase, prices: Mapping[str, Decimal], number: int) -> Fill:
    fill = hypothetical_fill(
        account_id=one.account_id,
        symbol=one.symbol,
        side=OrderSide.BUY,
        quantity=one.quantity,
        # What it will cost decides nothing but its own basis.
        price=prices.get(one.symbol, Decimal(1)),
        trade_date=one.on,
    )
    name = f"{HYPOTHETICAL}-B{number}"
    return replace(fill, execution_id=name, order_id=name)


def _refuse_unknown(result: TaxResult) -> None:
    if result.left_out:
        problems = [str(problem) for problem in result.problems if problem.severity == "error"]
        reason = problems[0] if problems else "its history is not complete"
        raise LedgerError(f"{', '.join(result.left_out)} cannot be computed: {reason}")


def _change(before: TaxResult, after: TaxResult) -> Mapping[tuple[int, Term], Decimal]:
    sums: defaultdict[tuple[int, Term], Decimal] = defaultdict(lambda: _NOTHING)
    for sign, gains in ((-1, before.gains), (1, after.gains)):
        for gain in gains:
            sums[gain.tax_year, gain.term] += sign * gain.gain_loss
    return {key: amount for key, amount in sums.items() if amount}
