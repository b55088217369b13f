"""What a year's gains and losses come to after netting, and what a further loss therefore saves.

    net short-term = short-term gains - losses - short-term carryover     (IRC 1222(5)-(6), 1212(b))
    net long-term  = long-term gains - losses - long-term carryover       (IRC 1222(7)-(8), 1212(b))

A net loss of one term is set off against the net gain of the other (IRC 1222(9)-(11)). What is left of a loss is
deducted from other income up to 3,000 USD, 1,500 for the married who file separately (IRC 1211(b)), and the rest is
carried to the next year with its character, short-term used first (IRC 1212(b); Pub. 550, Worksheet 4-1).

A dollar of loss thus saves the short-term rate, the long-term rate, or nothing this year: it depends on what else there
was. The rates are the taxpayer's own marginal rates, stated and the same for every dollar.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from tickledger.domain.money import round_cents
from tickledger.execution.what_if import Rates
from tickledger.tax.schedule_d import LOSS_LIMIT, Carryover, FilingStatus, carryover_worksheet

_ZERO: Final = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Netted:
    """A year after netting, USD. At most one of the two gains and the deduction is there beside the other gain.

    `ordinary_gain` is taxed as other income is, `preferential_gain` as long-term gain; `deduction` comes off other
    income; `carryover` goes to the next year.
    """

    net_short_term: Decimal
    net_long_term: Decimal
    ordinary_gain: Decimal
    preferential_gain: Decimal
    deduction: Decimal
    carryover: Carryover

    def tax(self, rates: Rates) -> Decimal:
        """The tax on the gains less what the deduction saves, USD: below zero where that is more."""
        ordinary = self.ordinary_gain - self.deduction
        return round_cents(rates.short_term * ordinary + rates.long_term * self.preferential_gain)


def netted(
    short_term: Decimal,
    long_term: Decimal,
    *,
    carryover: Carryover,
    filing_status: FilingStatus = FilingStatus.OTHER,
) -> Netted:
    """The year's gains of each term, losses set off, netted with what was carried into it.

    Taxable income is taken not to be below zero without the deduction, so that all of it is used.
    """
    short, long = short_term - carryover.short_term, long_term - carryover.long_term
    net = short + long
    deduction = min(-net, LOSS_LIMIT[filing_status]) if net < 0 else _ZERO
    lines = {"7": short, "15": long, "21": deduction}
    return Netted(
        net_short_term=short,
        net_long_term=long,
        ordinary_gain=_left(short, long),
        preferential_gain=_left(long, short),
        deduction=deduction,
        carryover=carryover_worksheet(lines, taxable_income=_ZERO),
    )


def _left(gain: Decimal, other: Decimal) -> Decimal:
    """What is left of a net gain after the net loss of the other term."""
    return max(gain + min(other, _ZERO), _ZERO) if gain > 0 else _ZERO


@dataclass(frozen=True, slots=True)
class Effect:
    """What gains or losses change in a year, USD; `saves` is None without rates, below zero where it costs.

    `carries` is by how much more is carried to the next year.
    """

    before: Netted
    after: Netted
    saves: Decimal | None

    @property
    def carries(self) -> Decimal:
        """The change of the carryover, both terms together."""
        of_after, of_before = self.after.carryover, self.before.carryover
        return of_after.short_term + of_after.long_term - of_before.short_term - of_before.long_term


@dataclass(frozen=True, slots=True)
class YearSoFar:
    """The gains of a taxpayer's year so far by term, USD, and what the year and the return start from."""

    tax_year: int
    short_term: Decimal = _ZERO
    long_term: Decimal = _ZERO
    carryover: Carryover = Carryover()  # noqa: RUF009  a frozen value
    filing_status: FilingStatus = FilingStatus.OTHER

    def netted(self, *, short_term: Decimal = _ZERO, long_term: Decimal = _ZERO) -> Netted:
        """The year with further gains or losses."""
        return netted(
            self.short_term + short_term,
            self.long_term + long_term,
            carryover=self.carryover,
            filing_status=self.filing_status,
        )

    def effect(self, *, short_term: Decimal, long_term: Decimal, rates: Rates | None) -> Effect:
        """What further gains or losses change."""
        before, after = self.netted(), self.netted(short_term=short_term, long_term=long_term)
        saves = None if rates is None else before.tax(rates) - after.tax(rates)
        return Effect(before, after, saves)

    def next(self) -> "YearSoFar":
        """The year after, of which nothing is known but what this one carries into it."""
        return YearSoFar(self.tax_year + 1, carryover=self.netted().carryover, filing_status=self.filing_status)
