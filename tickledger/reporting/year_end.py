"""The year-end what-if: each holding sold now, on the last session of the year, or once it is long-term.

All three at the last close, as nobody knows another price. The year's netting (`harvest_netting`) says what a gain
costs or a loss saves; a sale after New Year is netted in that year, of which only the carryover is known.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from tickledger.bars.calendars import sessions
from tickledger.domain.errors import ConfigurationError, LedgerError
from tickledger.domain.lot import Term
from tickledger.execution.what_if import Rates
from tickledger.reporting import tax_reports as r
from tickledger.reporting.harvest import year_so_far
from tickledger.reporting.harvest_netting import Effect, Netted, YearSoFar
from tickledger.reporting.open_lots import Holding, long_holdings
from tickledger.reporting.open_lots_sold import Sales, Sold
from tickledger.reporting.tax_reports import NOT_ADVICE, Cell, ColumnKind, Report, ReportKind, Section
from tickledger.reporting.tax_reports_basis import ReportBasis

_CENT: Final = Decimal("0.01")
_DECEMBER: Final = 12
_MONTH_END: Final = 31


@dataclass(frozen=True, slots=True)
class Scenario:
    """One holding sold on one day at the last close, and what that does to the day's tax year."""

    holding: Holding
    when: str
    price: Decimal
    sold: Sold
    effect: Effect

    @property
    def cost(self) -> Decimal | None:
        """The tax of the sale, USD, below zero where it saves; None without rates."""
        # Subtracting from zero leaves no sign on a zero.
        return None if self.effect.saves is None else Decimal("0.00") - self.effect.saves

    @property
    def after_tax(self) -> Decimal | None:
        """The proceeds less the tax of the sale's own year, USD."""
        return None if self.cost is None else self.sold.proceeds.quantize(_CENT) - self.cost


@dataclass(frozen=True, slots=True)
class YearEnd:
    """Every scenario of every holding; `unknown` says what could not be judged, and why."""

    year: YearSoFar
    rates: Rates | None
    scenarios: tuple[Scenario, ...]
    unknown: tuple[str, ...]


def last_sale_date(tax_year: int) -> date:
    """The last day on which a sale is still of the year: the trade date counts, not settlement (Pub. 550, p. 81)."""
    days = sessions(date(tax_year, _DECEMBER, 1), date(tax_year, _DECEMBER, _MONTH_END))
    return days[-1] if days else date(tax_year, _DECEMBER, _MONTH_END)


def year_end(
    basis: ReportBasis,
    *,
    rates: Rates | None = None,
    lot: str | None = None,
    by: date | None = None,
) -> YearEnd:
    """The scenarios of the holdings of the accounts that are asked for, or of the one that `lot` names.

    `by` is a further day to sell on. Raises ConfigurationError where no holding is named so, or `by` is past.
    """
    if by is not None and by < basis.on:
        raise ConfigurationError(f"--by: expected a date not before {basis.on}, found {by}")
    sales, year = Sales(basis.history), year_so_far(basis)
    scenarios: list[Scenario] = []
    unknown: list[str] = []
    for holding in _chosen(basis, lot):
        close = basis.closes.get(holding.symbol)
        if close is None:
            unknown.append(f"{holding.symbol}: no close is known")
            continue
        try:
            for when, on in _days(holding, basis.on, by):
                sold = sales.sold(holding, price=close.price, on=on)
                effect = _effect(sold, year, rates)
                scenarios.append(Scenario(holding, when, close.price, sold, effect))
        except LedgerError as error:
            unknown.append(f"{holding.symbol}: {error}")
    return YearEnd(year, rates, tuple(scenarios), tuple(dict.fromkeys(unknown)))


def _chosen(basis: ReportBasis, lot: str | None) -> list[Holding]:
    held = [one for one in long_holdings(basis.open_lots) if basis.scope.is_taxed(one.account_id)]
    if lot is None:
        return held
    named = [one for one in held if lot in {one.open_execution_id, *(part.lot_id for part in one.lots)}]
    if not named:
        raise ConfigurationError(
            f"--lot: expected an open lot of a taxed account, or the purchase that opened it, found {lot}"
        )
    return named


def _days(holding: Holding, on: date, by: date | None) -> list[tuple[str, date]]:
    """The days to compare, each with what it is called; a day that is another one's is not said twice."""
    days = [("now", on)]
    last = last_sale_date(on.year)
    if last > on:
        days.append(("year end", last))
    if holding.long_term_from > on:
        days.append(("long-term", _session_from(holding.long_term_from)))
    if by is not None and by > on:
        days.append(("by the date", by))
    return days


def _session_from(day: date) -> date:
    """The first session on or after a day; the day itself beyond the calendar."""
    days = sessions(day, day + timedelta(days=10))
    return days[0] if days else day


def _effect(sold: Sold, year: YearSoFar, rates: Rates | None) -> Effect:
    of_sale = year
    while of_sale.tax_year < sold.on.year:
        of_sale = of_sale.next()
    short, long = sold.changes(sold.on.year)
    return of_sale.effect(short_term=short, long_term=long, rates=rates)


def year_end_report(found: YearEnd, *, on: date) -> Report:
    """The report: a row for each holding and day."""
    return Report(
        ReportKind.YEAR_END,
        f"Year-end what-if {on.year}",
        (_scenarios(found.scenarios, on),),
        notes=tuple(_notes(found)),
    )


def _scenarios(rows: Sequence[Scenario], on: date) -> Section:
    return r.table(
        "year_end",
        "Year end",
        rows,
        [
            (r.text("symbol", "Symbol"), lambda row: row.holding.symbol),
            (r.text("account", "Account"), lambda row: row.holding.account_id),
            (r.number("quantity", "Shares"), lambda row: row.holding.quantity),
            (r.day("acquired_date", "Acquired"), lambda row: row.holding.acquired_date),
            (r.text("when", "Sold"), lambda row: row.when),
            (r.day("on", "On"), lambda row: row.sold.on),
            (r.number("days", "Days", ColumnKind.INTEGER), lambda row: (row.sold.on - on).days),
            (r.number("price", "Price", ColumnKind.PRICE), lambda row: row.price),
            (r.money("basis", "Basis", is_summed=False), lambda row: row.holding.basis),
            (r.text("term", "Term"), lambda row: row.sold.terms),
            (r.money("short_term", "Short-term", is_summed=False), lambda row: row.sold.of_term(Term.SHORT)),
            (r.money("long_term", "Long-term", is_summed=False), lambda row: row.sold.of_term(Term.LONG)),
            (r.money("disallowed_loss", "Disallowed", is_summed=False), lambda row: row.sold.disallowed_loss),
            (r.day("window_end", "Window until"), _window_end),
            (r.money("net_before", "Year's net before", is_summed=False), lambda row: _net(row.effect.before)),
            (r.money("net_after", "Year's net after", is_summed=False), lambda row: _net(row.effect.after)),
            (r.money("carries", "Carries on", is_summed=False), lambda row: row.effect.carries),
            (r.money("tax", "Tax", is_summed=False), lambda row: row.cost),
            (r.money("after_tax", "Cash after tax", is_summed=False), lambda row: row.after_tax),
            (r.detail("open_execution_id", "Opened by"), lambda row: row.holding.open_execution_id),
        ],
        notes=(
            "Every row is that holding sold alone, at the last close. 'Year's net' has both terms and the carryover.",
        ),
    )


def _window_end(row: Scenario) -> Cell:
    """Until when purchases would disallow what is left of a loss."""
    return row.sold.window_end if row.sold.open_loss else None


def _net(netted: Netted) -> Decimal:
    return netted.net_short_term + netted.net_long_term


def _notes(found: YearEnd) -> Iterable[str]:
    if found.rates is None:
        yield "No marginal rates were stated (rate_short and rate_long): nothing is said of tax."
    else:
        yield (
            f"Marginal rates as stated: {found.rates.short_term} short-term, {found.rates.long_term} long-term, netted "
            "in the year of the sale."
        )
    yield "A sale after New Year is netted in that year, of which nothing is known but the carryover."
    for reason in found.unknown:
        yield f"Not judged: {reason}"
    yield NOT_ADVICE
