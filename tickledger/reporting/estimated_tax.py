"""Estimated tax of a year (Form 1040-ES) and the payments that keep clear of the addition to tax (IRC 6654).

    adjusted gross income  other income + qualified dividends + net capital gain or the deductible loss - adjustments
    tax                    brackets on ordinary income, 0/15/20 % on net capital gain and qualified dividends
                           (Qualified Dividends and Capital Gain Tax Worksheet), 3.8 % on net investment income
                           (Form 8960), plus other taxes, less credits
    required payment       the lesser of 90 % of this year's tax and 100 % of last year's, 110 % where last year's
                           adjusted gross income was above 150,000 USD (75,000 for the married who file separately)

Everything but the gains is what the taxpayer states. Not computed: the alternative minimum tax, collectibles and
section 1250 gain, credits, self-employment tax, the additional Medicare tax, the deduction for seniors, state tax.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Final

from tickledger.domain.money import round_cents
from tickledger.reporting.estimated_tax_dates import due_dates
from tickledger.reporting.estimated_tax_tables import (
    GAIN_RATES,
    INVESTMENT_RATE,
    INVESTMENT_THRESHOLDS,
    RATES,
    TABLES,
    ReturnStatus,
    StatusTable,
    YearTable,
)
from tickledger.reporting.harvest_netting import YearSoFar

_ZERO: Final = Decimal("0.00")
_QUARTER: Final = Decimal("0.25")
_THIS_YEAR: Final = Decimal("0.90")
_LAST_YEAR: Final = Decimal("1.00")
_LAST_YEAR_ABOVE: Final = Decimal("1.10")
#: Adjusted gross income of last year above which 110 % is asked (IRC 6654(d)(1)(C)).
HIGH_INCOME: Final = Decimal(150_000)
HIGH_INCOME_SEPARATELY: Final = Decimal(75_000)
#: No addition to tax where what is left after withholding is less (IRC 6654(e)(1)).
SMALL_AMOUNT: Final = Decimal(1_000)


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment of estimated tax, USD."""

    paid_on: date
    amount: Decimal


@dataclass(frozen=True, slots=True)
class TaxProfile:
    """What the taxpayer states of a year, USD.

    `other_income` is everything in gross income but capital gains and qualified dividends; `investment_income` the part
    of it that is interest, dividends and the like. `deductions` None means the standard deduction, with `aged_or_blind`
    boxes checked. `last_year_tax` is the tax of IRC 6654(f) and None where there was no return of twelve months,
    `last_year_agi` its adjusted gross income. `further_*` are gains expected until the year's end.
    """

    tax_year: int
    status: ReturnStatus
    other_income: Decimal = _ZERO
    qualified_dividends: Decimal = _ZERO
    investment_income: Decimal = _ZERO
    adjustments: Decimal = _ZERO
    deductions: Decimal | None = None
    aged_or_blind: int = 0
    other_taxes: Decimal = _ZERO
    credits: Decimal = _ZERO
    withholding: Decimal = _ZERO
    payments: tuple[Payment, ...] = ()
    last_year_tax: Decimal | None = None
    last_year_agi: Decimal | None = None
    further_short_term: Decimal = _ZERO
    further_long_term: Decimal = _ZERO


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the computation."""

    what: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Installment:
    """One of the four payments. Amounts add up from the first on, USD; `shortfall` is what is missing by the date.

    `paid` counts a quarter of the year's withholding for each date (IRC 6654(g)) and the payments made until it.
    """

    due_date: date
    required: Decimal
    paid: Decimal

    @property
    def shortfall(self) -> Decimal:
        return max(self.required - self.paid, _ZERO)


@dataclass(frozen=True, slots=True)
class EstimatedTax:
    """The estimate. `tax` is None where the year's tables are not known, `required` where neither way is.

    `steps` are how it came about; `by_this_year` and `by_last_year` the two safe harbours, None where there is none.
    """

    profile: TaxProfile
    source: str | None
    steps: tuple[Step, ...]
    tax: Decimal | None
    by_this_year: Decimal | None
    by_last_year: Decimal | None
    required: Decimal | None
    installments: tuple[Installment, ...]
    exceptions: tuple[str, ...]


def ordinary_tax(taxable: Decimal, table: StatusTable) -> Decimal:
    """The tax by the brackets on an amount of taxable income, exact."""
    return _banded(taxable, (Decimal(0), *table.tops), RATES)


def _banded(amount: Decimal, starts: Sequence[Decimal], rates: Sequence[Decimal]) -> Decimal:
    ends = [*starts[1:], None]
    parts = (
        rate * max((amount if end is None else min(amount, end)) - start, Decimal(0))
        for start, end, rate in zip(starts, ends, rates, strict=True)
    )
    return sum(parts, Decimal(0))


def income_tax(taxable: Decimal, preferential: Decimal, table: StatusTable) -> Decimal:
    """The tax on taxable income of which `preferential` is net capital gain and qualified dividends.

    The worksheet of Form 1040, line 16: the preferential part lies on top, in the bands of IRC 1(h), and the whole is
    never more than the brackets alone would make it.
    """
    on_top = min(max(preferential, Decimal(0)), taxable)
    ordinary = taxable - on_top
    edges = (Decimal(0), *table.gain_tops)
    bands = [*pairwise(edges), (edges[-1], None)]
    of_gain = sum(
        (
            rate * max((taxable if end is None else min(taxable, end)) - max(ordinary, start), Decimal(0))
            for (start, end), rate in zip(bands, GAIN_RATES, strict=True)
        ),
        Decimal(0),
    )
    return min(ordinary_tax(ordinary, table) + of_gain, ordinary_tax(taxable, table))


def estimated_tax(profile: TaxProfile, year: YearSoFar) -> EstimatedTax:
    """The estimate for `profile.tax_year`, with the gains of the year so far and those that are expected.

    Without the year's tables only the safe harbour of last year's tax is known.
    """
    table = TABLES.get(profile.tax_year)
    steps: tuple[Step, ...] = ()
    tax: Decimal | None = None
    if table is not None:
        steps = tuple(_computation(profile, year, table))
        tax = steps[-1].amount
    by_this_year = None if tax is None else round_cents(tax * _THIS_YEAR)
    by_last_year = _by_last_year(profile)
    known = [amount for amount in (by_this_year, by_last_year) if amount is not None]
    required = min(known, default=None)
    return EstimatedTax(
        profile=profile,
        source=None if table is None else table.source,
        steps=steps,
        tax=tax,
        by_this_year=by_this_year,
        by_last_year=by_last_year,
        required=required,
        installments=() if required is None else tuple(_installments(profile, required)),
        exceptions=tuple(_exceptions(profile, tax)),
    )


def _by_last_year(profile: TaxProfile) -> Decimal | None:
    """100 or 110 % of last year's tax; None without it, and without the income that says which."""
    if profile.last_year_tax is None or profile.last_year_agi is None:
        return None
    separately = profile.status is ReturnStatus.MARRIED_SEPARATELY
    limit = HIGH_INCOME_SEPARATELY if separately else HIGH_INCOME
    part = _LAST_YEAR_ABOVE if profile.last_year_agi > limit else _LAST_YEAR
    return round_cents(profile.last_year_tax * part)


def _computation(profile: TaxProfile, year: YearSoFar, table: YearTable) -> list[Step]:
    """The lines from income to tax, the last of them the tax."""
    net = year.netted(short_term=profile.further_short_term, long_term=profile.further_long_term)
    capital = net.ordinary_gain + net.preferential_gain - net.deduction
    agi = profile.other_income + profile.qualified_dividends + capital - profile.adjustments
    standard = table.standard_deduction(profile.status, aged_or_blind=profile.aged_or_blind)
    deductions = standard if profile.deductions is None else profile.deductions
    taxable = max(agi - deductions, _ZERO)
    preferential = profile.qualified_dividends + net.preferential_gain
    income = round_cents(income_tax(taxable, preferential, table.statuses[profile.status]))
    investment = max(profile.investment_income + profile.qualified_dividends + capital, _ZERO)
    above = max(agi - INVESTMENT_THRESHOLDS[profile.status], _ZERO)
    surtax = round_cents(min(investment, above) * INVESTMENT_RATE)
    # Credits take away the income tax, not the tax on net investment income.
    after_credits = max(income - profile.credits, _ZERO)
    return [
        Step("Other income, as stated", profile.other_income),
        Step("Qualified dividends, as stated", profile.qualified_dividends),
        Step("Net short-term gain, after netting", net.ordinary_gain),
        Step("Net long-term gain, after netting", net.preferential_gain),
        Step("Capital loss deducted", _ZERO - net.deduction),
        Step("Adjustments, as stated", _ZERO - profile.adjustments),
        Step("Adjusted gross income", agi),
        Step("Standard deduction" if profile.deductions is None else "Deductions, as stated", _ZERO - deductions),
        Step("Taxable income", taxable),
        Step("Of this taxed as long-term gain", min(preferential, taxable)),
        Step("Income tax", income),
        Step("Credits, as stated", after_credits - income),
        Step("Tax on net investment income (3.8 %)", surtax),
        Step("Other taxes, as stated", profile.other_taxes),
        Step("Estimated tax of the year", after_credits + surtax + profile.other_taxes),
    ]


def _installments(profile: TaxProfile, required: Decimal) -> list[Installment]:
    """Four equal parts by their dates, what is paid until each counted."""
    made = []
    for number, due in enumerate(due_dates(profile.tax_year), start=1):
        part = _QUARTER * number
        withheld = round_cents(profile.withholding * part)
        paid = sum((payment.amount for payment in profile.payments if payment.paid_on <= due), _ZERO)
        made.append(Installment(due, round_cents(required * part), withheld + paid))
    return made


def _exceptions(profile: TaxProfile, tax: Decimal | None) -> list[str]:
    """Why nothing may be asked for, as far as the numbers tell."""
    told = []
    if tax is not None and tax - profile.withholding < SMALL_AMOUNT:
        told.append(
            "Less than 1,000 USD of tax is left after withholding: no addition to tax is made (IRC 6654(e)(1))."
        )
    if profile.last_year_tax == 0:
        told.append(
            "There was no tax last year: no addition to tax is made for a citizen or resident of the whole of that "
            "year (IRC 6654(e)(2))."
        )
    return told
