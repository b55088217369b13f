"""The estimated-tax report: the computation, the safe harbours, the four dates, and the gains of each period."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from tickledger.domain.lot import RealizedGain, Term
from tickledger.reporting import tax_reports as r
from tickledger.reporting.estimated_tax import EstimatedTax, Installment, Step
from tickledger.reporting.estimated_tax_dates import period_ends
from tickledger.reporting.estimated_tax_tables import TABLES
from tickledger.reporting.tax_reports import NOT_ADVICE, ColumnKind, Report, ReportKind, Section

_NOTHING: Final = Decimal("0.00")
#: What income of a period is multiplied by to make a year of it, and the part of that year's tax that is then due.
_FACTORS: Final = (Decimal(4), Decimal("2.4"), Decimal("1.5"), Decimal(1))
_PARTS: Final = (Decimal("22.5"), Decimal(45), Decimal("67.5"), Decimal(90))


def estimated_tax_report(
    found: EstimatedTax, gains: Sequence[RealizedGain], *, on: date, dividends: Decimal = _NOTHING
) -> Report:
    """The report; `gains` are the taxpayer's of the year, whose dates the periods need.

    `dividends` are those of the record in the year, USD: a reminder of what is to be stated.
    """
    year = found.profile.tax_year
    sections = (
        _computation(found.steps),
        _harbours(found),
        _installments(found.installments, on),
        _periods(gains, year),
    )
    return Report(
        ReportKind.ESTIMATED_TAX,
        f"Estimated tax {year}",
        tuple(section for section in sections if section.rows),
        notes=tuple(_notes(found, dividends)),
    )


def no_estimate(tax_year: int, reason: str) -> Report:
    """What stands in the place of the report where it cannot be made."""
    return Report(ReportKind.ESTIMATED_TAX, f"Estimated tax {tax_year}", (), notes=(reason, NOT_ADVICE))


def _computation(steps: Sequence[Step]) -> Section:
    return r.table(
        "estimated_tax",
        "Estimated tax",
        steps,
        [
            (r.text("what", "Line"), lambda step: step.what),
            (r.money("amount", "Amount", is_summed=False), lambda step: step.amount),
        ],
    )


def _harbours(found: EstimatedTax) -> Section:
    profile = found.profile
    rows: list[tuple[str, Decimal | None]] = [
        ("90 % of this year's tax", found.by_this_year),
        ("100 % or 110 % of last year's tax", found.by_last_year),
        ("Required payments of the year: the lesser", found.required),
        ("Withholding, as stated", profile.withholding),
        ("Payments made, as stated", sum((payment.amount for payment in profile.payments), _NOTHING)),
    ]
    return r.table(
        "safe_harbour",
        "Safe harbour",
        [row for row in rows if row[1] is not None],
        [
            (r.text("what", "What"), lambda row: row[0]),
            (r.money("amount", "Amount", is_summed=False), lambda row: row[1]),
        ],
    )


def _installments(rows: Sequence[Installment], on: date) -> Section:
    return r.table(
        "installments",
        "Installments",
        rows,
        [
            (r.day("due_date", "Due"), lambda row: row.due_date),
            (r.money("required", "Required until then", is_summed=False), lambda row: row.required),
            (r.money("paid", "Withheld and paid", is_summed=False), lambda row: row.paid),
            (r.money("shortfall", "Missing", is_summed=False), lambda row: row.shortfall),
            (r.text("state", "State"), lambda row: _state(row, on)),
        ],
        notes=(
            "Amounts add up from the first date on. A quarter of the year's withholding counts for each date.",
            (
                "Dates on a weekend or a legal holiday are moved to the next business day (IRC 7503). The fourth need "
                "not be paid where the return is filed and the tax paid by 31 January."
            ),
        ),
    )


def _state(row: Installment, on: date) -> str:
    if not row.shortfall:
        return "met"
    return "missed" if row.due_date < on else "to pay"


@dataclass(frozen=True, slots=True)
class _Period:
    until: date
    sums: Mapping[Term, Decimal]
    factor: Decimal
    part: Decimal


def _periods(gains: Sequence[RealizedGain], tax_year: int) -> Section:
    rows = []
    for until, factor, part in zip(period_ends(tax_year), _FACTORS, _PARTS, strict=True):
        sums = {
            term: sum((gain.gain_loss for gain in gains if gain.term is term and gain.sold_date <= until), _NOTHING)
            for term in Term
        }
        rows.append(_Period(until, sums, factor, part))
    return r.table(
        "annualized_periods",
        "Annualized periods",
        rows,
        [
            (r.day("until", "1 January until"), lambda row: row.until),
            (r.money("short_term", "Short-term", is_summed=False), lambda row: row.sums[Term.SHORT]),
            (r.money("long_term", "Long-term", is_summed=False), lambda row: row.sums[Term.LONG]),
            (r.number("factor", "Annualized by", ColumnKind.QUANTITY), lambda row: row.factor),
            (r.number("part", "Of the tax %", ColumnKind.PERCENT), lambda row: row.part),
        ],
        notes=(
            (
                "Where gains came late in the year, the annualized income method (Form 2210, Schedule AI) may ask for "
                "less at the earlier dates: these are the gains it starts from. It is not computed, as it needs "
                "all other income by period."
            ),
        ),
    )


def _notes(found: EstimatedTax, dividends: Decimal) -> Iterable[str]:
    profile = found.profile
    if dividends:
        yield (
            f"The record has {dividends:,.2f} USD of dividends in taxed accounts this year. They count as far as they "
            "are stated: whether they are qualified is not known here."
        )
    if found.source is None:
        years = ", ".join(map(str, TABLES))
        yield f"No tables of tax year {profile.tax_year} are known (known: {years}): the year's tax is not estimated."
    else:
        yield f"Brackets, deductions and thresholds: {found.source}. Filing status: {profile.status}."
    if profile.last_year_tax is None or profile.last_year_agi is None:
        yield "Without last year's tax and adjusted gross income nothing is said of last year's safe harbour."
    if found.required is None:
        yield "Neither safe harbour is known, so no payments are named."
    yield from found.exceptions
    yield (
        "Not computed: alternative minimum tax, collectibles and section 1250 gain, self-employment tax, additional "
        "Medicare tax, the deduction for seniors, state tax, farmers' and fishermen's dates. Tax on less than 100,000 "
        "USD is by the rate schedules, not by the tax table, and differs by a few dollars."
    )
    yield "Gains are those realized so far and those stated as expected."
    yield NOT_ADVICE
