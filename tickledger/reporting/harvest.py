"""Harvest candidates: holdings with a loss, what selling one saves this year, and what could disallow the loss.

    backward   shares bought in the 30 days before the sale, in any account of the household or an IRA, replace it
    forward    whatever is bought until 30 days after it does: pending orders, reinvested dividends, plans that are told

What to hold instead is the reader's choice: no security is suggested, and whether another is substantially identical is
not judged here. A dollar saved this year is often a dollar of gain later: a lower basis is not a gift.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from tickledger.domain.errors import LedgerError
from tickledger.domain.lot import Term
from tickledger.execution.what_if import Rates
from tickledger.reporting.harvest_netting import Effect, YearSoFar
from tickledger.reporting.open_lots import Holding, long_holdings
from tickledger.reporting.open_lots_sold import PendingPurchase, Sales, Sold
from tickledger.reporting.tax_reports_basis import ReportBasis
from tickledger.tax.fills import Fill
from tickledger.tax.wash_sales import WINDOW_DAYS

_NOTHING: Final = Decimal("0.00")
_WINDOW: Final = timedelta(days=WINDOW_DAYS)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A holding whose market value is below its basis, sold whole on the day at the last close.

    `sold` is without the pending purchases, `sold_with_pending` with them: the same where there are none. `recent` are
    the purchases of the 30 days before the day, of what is linked to the symbol, but for the holding's own order.
    """

    holding: Holding
    price: Decimal
    sold: Sold
    recent: tuple[Fill, ...]
    pending: tuple[PendingPurchase, ...]
    sold_with_pending: Sold
    effect: Effect

    @property
    def loss(self) -> Decimal:
        """The loss before wash sales, USD, positive."""
        return sum((gain.basis - gain.proceeds for gain in self.sold.gains), _NOTHING)

    @property
    def recent_shares(self) -> Decimal:
        return sum((fill.quantity for fill in self.recent), Decimal(0))

    @property
    def pending_shares(self) -> Decimal:
        return sum((one.quantity for one in self.pending), Decimal(0))

    @property
    def clear_from(self) -> date:
        """The first day of a sale that no purchase made so far could replace: the day itself where there is none."""
        return max([self.sold.on, *(fill.trade_date + _WINDOW + timedelta(days=1) for fill in self.recent)])

    @property
    def buy_again_from(self) -> date:
        """The first day on which a purchase does not disallow the loss of a sale on the day."""
        return self.sold.window_end + timedelta(days=1)

    @property
    def disallowed_by_pending(self) -> Decimal:
        """How much more of the loss the pending purchases would disallow."""
        return self.sold_with_pending.disallowed_loss - self.sold.disallowed_loss


@dataclass(frozen=True, slots=True)
class Harvest:
    """All candidates, each measured alone, and all of them sold on one day.

    `unknown` names the symbols that could not be judged, with the reason; `unpriced` those without a close.
    """

    year: YearSoFar
    rates: Rates | None
    candidates: tuple[Candidate, ...]
    together: Effect | None
    unknown: tuple[str, ...]
    unpriced: tuple[str, ...]


def year_so_far(basis: ReportBasis, *, tax_year: int | None = None) -> YearSoFar:
    """The whole taxpayer's gains of a year, the day's unless told otherwise, and the loss carried into it."""
    year = tax_year or basis.on.year
    sums = dict.fromkeys(Term, _NOTHING)
    for gain in basis.gains_of(year, whole_taxpayer=True):
        sums[gain.term] += gain.gain_loss
    carryover = basis.of_year(year).carryover
    return YearSoFar(year, sums[Term.SHORT], sums[Term.LONG], carryover, basis.filing_status)


def harvest(
    basis: ReportBasis,
    *,
    rates: Rates | None = None,
    pending: Sequence[PendingPurchase] = (),
) -> Harvest:
    """The candidates of the accounts that are asked for, the largest deductible loss first.

    `pending` purchases count where they are within the 30 days after the day.
    """
    sales, year = Sales(basis.history), year_so_far(basis)
    held = [one for one in long_holdings(basis.open_lots) if basis.scope.is_taxed(one.account_id)]
    unpriced = sorted({one.symbol for one in held if one.symbol not in basis.closes})
    losing = [one for one in held if one.symbol in basis.closes and _has_loss(one, basis)]
    candidates, unknown = [], []
    for holding in losing:
        try:
            candidates.append(_candidate(holding, basis, sales, year=year, rates=rates, pending=pending))
        except LedgerError as error:
            unknown.append(f"{holding.symbol}: {error}")
    ordered = sorted(candidates, key=lambda one: (one.sold.disallowed_loss - one.loss, one.holding.symbol))
    together = _together(ordered, basis, sales, year=year, rates=rates)
    return Harvest(year, rates, tuple(ordered), together, tuple(dict.fromkeys(unknown)), tuple(unpriced))


def _has_loss(holding: Holding, basis: ReportBasis) -> bool:
    return holding.quantity * basis.closes[holding.symbol].price < holding.basis


def _candidate(
    holding: Holding,
    basis: ReportBasis,
    sales: Sales,
    *,
    year: YearSoFar,
    rates: Rates | None,
    pending: Sequence[PendingPurchase],
) -> Candidate:
    linked, price = sales.linked(holding.symbol), basis.closes[holding.symbol].price
    to_come = tuple(one for one in pending if one.symbol in linked and basis.on <= one.on <= basis.on + _WINDOW)
    sold = sales.sold(holding, price=price, on=basis.on)
    short, long = sold.changes(basis.on.year)
    return Candidate(
        holding=holding,
        price=price,
        sold=sold,
        recent=tuple(_recent(holding, basis, sales)),
        pending=to_come,
        sold_with_pending=sales.sold(holding, price=price, on=basis.on, pending=to_come) if to_come else sold,
        effect=year.effect(short_term=short, long_term=long, rates=rates),
    )


def _recent(holding: Holding, basis: ReportBasis, sales: Sales) -> Iterable[Fill]:
    """Purchases that may replace; those of the holding's own order do not (Rev. Rul. 56-602)."""
    own = sales.order_of(holding)
    found = sales.purchases(holding.symbol, start=basis.on - _WINDOW, end=basis.on, accounts=basis.scope.household)
    return (fill for fill in found if fill.order_id != own)


def _together(
    candidates: Sequence[Candidate], basis: ReportBasis, sales: Sales, *, year: YearSoFar, rates: Rates | None
) -> Effect | None:
    """All candidates sold on the day; those of linked securities in one run, as they may replace each other."""
    if not candidates:
        return None
    groups: defaultdict[frozenset[str], list[Candidate]] = defaultdict(list)
    for one in candidates:
        groups[sales.linked(one.holding.symbol)].append(one)
    short = long = _NOTHING
    for of_one in groups.values():
        prices = {one.holding.symbol: one.price for one in of_one}
        sold = sales.sold_together([one.holding for one in of_one], prices=prices, on=basis.on)
        of_short, of_long = sold.changes(basis.on.year)
        short, long = short + of_short, long + of_long
    return year.effect(short_term=short, long_term=long, rates=rates)
