"""Federal income tax of individuals as dated data: brackets, standard deductions, thresholds of long-term gains.

Each year has the revenue procedure it is from. A year that is not here is not known, and nothing is made up for it.
Beside inflation: tax on net investment income (IRC 1411, thresholds fixed by law since 2013).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final

from tickledger.tax.schedule_d import FilingStatus


class ReturnStatus(StrEnum):
    """The filing statuses of Form 1040."""

    SINGLE = "single"
    MARRIED_JOINTLY = "married_jointly"
    MARRIED_SEPARATELY = "married_separately"
    HEAD_OF_HOUSEHOLD = "head_of_household"
    SURVIVING_SPOUSE = "surviving_spouse"

    @property
    def loss_limit(self) -> FilingStatus:
        """What of it Schedule D asks for."""
        separately = self is ReturnStatus.MARRIED_SEPARATELY
        return FilingStatus.MARRIED_SEPARATELY if separately else FilingStatus.OTHER

    @property
    def is_married(self) -> bool:
        """Whether the additional standard deduction is that of married people and surviving spouses (IRC 63(f))."""
        return self not in {ReturnStatus.SINGLE, ReturnStatus.HEAD_OF_HOUSEHOLD}


#: Of each bracket, lowest first (IRC 1(j)).
RATES: Final = tuple(Decimal(rate).scaleb(-2) for rate in (10, 12, 22, 24, 32, 35, 37))
#: On long-term gain and qualified dividends (IRC 1(h)).
GAIN_RATES: Final = tuple(Decimal(rate).scaleb(-2) for rate in (0, 15, 20))
#: IRC 1411(a).
INVESTMENT_RATE: Final = Decimal("0.038")
#: Modified adjusted gross income above which IRC 1411 applies (IRC 1411(b)).
INVESTMENT_THRESHOLDS: Final[Mapping[ReturnStatus, Decimal]] = {
    ReturnStatus.SINGLE: Decimal(200_000),
    ReturnStatus.MARRIED_JOINTLY: Decimal(250_000),
    ReturnStatus.MARRIED_SEPARATELY: Decimal(125_000),
    ReturnStatus.HEAD_OF_HOUSEHOLD: Decimal(200_000),
    ReturnStatus.SURVIVING_SPOUSE: Decimal(250_000),
}


@dataclass(frozen=True, slots=True)
class StatusTable:
    """One filing status in one year, USD of taxable income.

    `tops` end the first six brackets; `gain_tops` the maximum zero and 15-percent amounts.
    """

    tops: tuple[Decimal, ...]
    gain_tops: tuple[Decimal, Decimal]
    standard_deduction: Decimal


@dataclass(frozen=True, slots=True)
class YearTable:
    """One tax year. `additional` is the further standard deduction for each of age 65 and blindness: married, not."""

    tax_year: int
    statuses: Mapping[ReturnStatus, StatusTable]
    additional: tuple[Decimal, Decimal]
    source: str

    def standard_deduction(self, status: ReturnStatus, *, aged_or_blind: int = 0) -> Decimal:
        """The standard deduction; `aged_or_blind` counts the boxes checked on Form 1040 (IRC 63(c), (f))."""
        return self.statuses[status].standard_deduction + aged_or_blind * self.additional[0 if status.is_married else 1]


def _table(tops: str, gain_tops: str, standard_deduction: str) -> StatusTable:
    zero, fifteen = _amounts(gain_tops)
    return StatusTable(_amounts(tops), (zero, fifteen), Decimal(standard_deduction))


def _amounts(text: str) -> tuple[Decimal, ...]:
    return tuple(map(Decimal, text.split()))


def _year(
    tax_year: int, single: str, jointly: str, separately: str, head: str, *, additional: str, source: str
) -> YearTable:
    """A year of four tables, each "tops / gain tops / standard deduction"; surviving spouses have the joint one."""
    married, unmarried = _amounts(additional)
    tables = [_table(*(part.strip() for part in text.split("/"))) for text in (single, jointly, separately, head)]
    statuses = dict(zip(list(ReturnStatus)[:4], tables, strict=True)) | {ReturnStatus.SURVIVING_SPOUSE: tables[1]}
    return YearTable(tax_year, statuses, (married, unmarried), source)


TABLES: Final[Mapping[int, YearTable]] = {
    table.tax_year: table
    for table in (
        _year(
            2024,
            "11600 47150 100525 191950 243725 609350 / 47025 518900 / 14600",
            "23200 94300 201050 383900 487450 731200 / 94050 583750 / 29200",
            "11600 47150 100525 191950 243725 365600 / 47025 291850 / 14600",
            "16550 63100 100500 191950 243700 609350 / 63000 551350 / 21900",
            additional="1550 1950",
            source="Rev. Proc. 2023-34, sections 3.01, 3.03 and 3.15",
        ),
        _year(
            2025,
            "11925 48475 103350 197300 250525 626350 / 48350 533400 / 15750",
            "23850 96950 206700 394600 501050 751600 / 96700 600050 / 31500",
            "11925 48475 103350 197300 250525 375800 / 48350 300000 / 15750",
            "17000 64850 103350 197300 250500 626350 / 64750 566700 / 23625",
            additional="1600 2000",
            source="Rev. Proc. 2024-40, sections 2.01, 2.03 and 2.15; standard deduction of Rev. Proc. 2025-32, "
            "section 3.01 (Pub. L. 119-21, section 70102)",
        ),
        _year(
            2026,
            "12400 50400 105700 201775 256225 640600 / 49450 545500 / 16100",
            "24800 100800 211400 403550 512450 768700 / 98900 613700 / 32200",
            "12400 50400 105700 201775 256225 384350 / 49450 306850 / 16100",
            "17700 67450 105700 201750 256200 640600 / 66200 579600 / 24150",
            additional="1650 2050",
            source="Rev. Proc. 2025-32, sections 4.01, 4.03 and 4.14",
        ),
    )
}
