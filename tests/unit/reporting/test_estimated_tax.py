"""Estimated tax: the published tables, the worksheet line by line, the safe harbours, and the dates as published."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.reporting.books import column, standing
from tickledger.reporting.estimated_tax import (
    EstimatedTax,
    Payment,
    TaxProfile,
    estimated_tax,
    income_tax,
    ordinary_tax,
)
from tickledger.reporting.estimated_tax_dates import due_dates, is_legal_holiday
from tickledger.reporting.estimated_tax_report import estimated_tax_report, no_estimate
from tickledger.reporting.estimated_tax_tables import TABLES, ReturnStatus
from tickledger.reporting.harvest_netting import YearSoFar
from tickledger.tax.schedule_d import Carryover

#: The tax at the start of each bracket as the revenue procedures print it ("$1,160 plus 12% of the excess over …").
PRINTED = {
    (2024, "single"): "1160 5426 17168.50 39110.50 55678.50 183647.25",
    (2024, "married_jointly"): "2320 10852 34337 78221 111357 196669.50",
    (2024, "married_separately"): "1160 5426 17168.50 39110.50 55678.50 98334.75",
    (2024, "head_of_household"): "1655 7241 15469 37417 53977 181954.50",
    (2025, "single"): "1192.50 5578.50 17651 40199 57231 188769.75",
    (2025, "married_jointly"): "2385 11157 35302 80398 114462 202154.50",
    (2025, "married_separately"): "1192.50 5578.50 17651 40199 57231 101077.25",
    (2025, "head_of_household"): "1700 7442 15912 38460 55484 187031.50",
    (2026, "single"): "1240 5800 17966 41024 58448 192979.25",
    (2026, "married_jointly"): "2480 11600 35932 82048 116896 206583.50",
    (2026, "married_separately"): "1240 5800 17966 41024 58448 103291.75",
    (2026, "head_of_household"): "1770 7740 16155 39207 56631 191171",
}


@pytest.mark.parametrize(("year", "status"), PRINTED)
def test_the_brackets_add_up_to_the_amounts_that_are_printed(year: int, status: str) -> None:
    table = TABLES[year].statuses[ReturnStatus(status)]
    assert [ordinary_tax(top, table) for top in table.tops] == [Decimal(x) for x in PRINTED[year, status].split()]


@pytest.mark.parametrize("year", TABLES)
def test_tables_are_complete_and_say_where_they_are_from(year: int) -> None:
    table = TABLES[year]
    assert table.statuses.keys() == set(ReturnStatus)
    assert table.statuses[ReturnStatus.SURVIVING_SPOUSE] == table.statuses[ReturnStatus.MARRIED_JOINTLY]
    assert "Rev. Proc." in table.source
    for of_status in table.statuses.values():
        assert list(of_status.tops) == sorted(of_status.tops)
        assert of_status.gain_tops[0] < of_status.gain_tops[1]


def test_the_standard_deduction_of_the_aged_and_the_blind() -> None:
    """Form 1040 (2025), chart for people born before 2 January 1961 or blind: 17,750 and 34,700."""
    assert TABLES[2025].standard_deduction(ReturnStatus.SINGLE, aged_or_blind=1) == 17_750
    assert TABLES[2025].standard_deduction(ReturnStatus.MARRIED_JOINTLY, aged_or_blind=2) == 34_700
    assert TABLES[2024].standard_deduction(ReturnStatus.HEAD_OF_HOUSEHOLD, aged_or_blind=2) == 25_800


def worksheet(taxable: Decimal, dividends: Decimal, gain: Decimal, year: int, status: ReturnStatus) -> Decimal:
    """The Qualified Dividends and Capital Gain Tax Worksheet of Form 1040, line by line as it is printed."""
    table = TABLES[year].statuses[status]
    line_4 = dividends + gain
    line_5 = max(taxable - line_4, Decimal(0))
    line_7 = min(taxable, table.gain_tops[0])
    line_8 = min(line_5, line_7)
    line_9 = line_7 - line_8
    line_10 = min(taxable, line_4)
    line_12 = line_10 - line_9
    line_14 = min(taxable, table.gain_tops[1])
    line_15 = line_5 + line_9
    line_16 = max(line_14 - line_15, Decimal(0))
    line_17 = min(line_12, line_16)
    line_18 = line_17 * Decimal("0.15")
    line_19 = line_9 + line_17
    line_21 = (line_10 - line_19) * Decimal("0.20")
    line_23 = line_18 + line_21 + ordinary_tax(line_5, table)
    return min(line_23, ordinary_tax(taxable, table))


AMOUNTS = st.integers(0, 120_000_000).map(lambda cents: Decimal(cents) / 100)
YEARS, STATUSES = st.sampled_from(list(TABLES)), st.sampled_from(ReturnStatus)


@given(AMOUNTS, AMOUNTS, AMOUNTS, YEARS, STATUSES)
def test_the_tax_is_that_of_the_worksheet(
    taxable: Decimal, dividends: Decimal, gain: Decimal, year: int, status: ReturnStatus
) -> None:
    table = TABLES[year].statuses[status]
    assert income_tax(taxable, dividends + gain, table) == worksheet(taxable, dividends, gain, year, status)


@given(AMOUNTS, AMOUNTS, AMOUNTS, YEARS, STATUSES)
def test_more_income_is_never_less_tax_and_gain_never_more_than_ordinary_income(
    taxable: Decimal, more: Decimal, gain: Decimal, year: int, status: ReturnStatus
) -> None:
    table = TABLES[year].statuses[status]
    assert income_tax(taxable, gain, table) <= income_tax(taxable + more, gain, table)
    assert income_tax(taxable, gain, table) <= ordinary_tax(taxable, table)


def estimate(year: YearSoFar | None = None, **told: object) -> EstimatedTax:
    profile: dict[str, object] = {"tax_year": 2025, "status": ReturnStatus.SINGLE}
    return estimated_tax(TaxProfile(**{**profile, **told}), year or YearSoFar(2025))  # type: ignore[arg-type]


def amounts(found: EstimatedTax) -> dict[str, Decimal]:
    return {step.what: step.amount for step in found.steps}


def test_an_estimate_by_hand() -> None:
    """Wages 100,000, dividends 2,000, gains 5,000 short and 10,000 long, single, 2025.

    AGI 117,000; taxable 101,250, of which 12,000 at 15 %; 89,250 by the brackets: 5,578.50 + 22 % of 40,775.
    """
    year = YearSoFar(2025, Decimal(5000), Decimal(10_000))
    found = estimate(year, other_income=Decimal(100_000), qualified_dividends=Decimal(2000))
    lines = amounts(found)
    assert (lines["Adjusted gross income"], lines["Taxable income"]) == (Decimal(117_000), Decimal(101_250))
    assert lines["Income tax"] == Decimal("5578.50") + Decimal("8970.50") + 1800
    assert found.tax == Decimal("16349.00")
    assert (found.by_this_year, found.by_last_year) == (Decimal("14714.10"), None)
    assert [row.required for row in found.installments] == [
        Decimal("3678.53"),
        Decimal("7357.05"),
        Decimal("11035.58"),
        Decimal("14714.10"),
    ]


def test_a_capital_loss_comes_off_other_income_up_to_the_limit() -> None:
    year = YearSoFar(2025, Decimal(-9000), Decimal(1000), Carryover(Decimal(500), Decimal(0)))
    assert amounts(estimate(year, other_income=Decimal(50_000)))["Adjusted gross income"] == 47_000


@pytest.mark.parametrize(
    ("status", "income", "investment", "surtax"),
    [
        ("single", 200_000, 50_000, "0.00"),
        ("single", 210_000, 50_000, "380.00"),  # 3.8 % of what is above 200,000
        ("single", 300_000, 50_000, "1900.00"),  # 3.8 % of the investment income
        ("married_jointly", 260_000, 50_000, "380.00"),
        ("married_separately", 130_000, 50_000, "190.00"),
    ],
)
def test_net_investment_income_is_taxed_above_its_threshold(
    status: str, income: int, investment: int, surtax: str
) -> None:
    found = estimate(status=ReturnStatus(status), other_income=Decimal(income), investment_income=Decimal(investment))
    assert amounts(found)["Tax on net investment income (3.8 %)"] == Decimal(surtax)


@pytest.mark.parametrize(
    ("status", "agi", "safe"),
    [
        ("single", "150000", "10000.00"),
        ("single", "150000.01", "11000.00"),
        ("married_separately", "75000", "10000.00"),
        ("married_separately", "75000.01", "11000.00"),
        ("married_jointly", "150000.01", "11000.00"),
    ],
)
def test_irc_6654_last_year_s_tax_or_110_percent_of_it(status: str, agi: str, safe: str) -> None:
    found = estimate(status=ReturnStatus(status), last_year_tax=Decimal(10_000), last_year_agi=Decimal(agi),
                     other_income=Decimal(900_000))  # fmt: skip
    assert (found.by_last_year, found.required) == (Decimal(safe), Decimal(safe))


def test_the_lesser_of_both_is_required() -> None:
    found = estimate(other_income=Decimal(60_000), last_year_tax=Decimal(90_000), last_year_agi=Decimal(90_000))
    assert found.required == found.by_this_year


def test_withholding_counts_evenly_and_payments_by_their_dates() -> None:
    payments = (Payment(date(2025, 4, 15), Decimal(1000)), Payment(date(2025, 6, 17), Decimal(1000)))
    found = estimate(
        last_year_tax=Decimal(8000), last_year_agi=Decimal(1), withholding=Decimal(2000), payments=payments,
        other_income=Decimal(100_000),
    )  # fmt: skip
    assert [(row.due_date, row.required, row.paid, row.shortfall) for row in found.installments] == [
        (date(2025, 4, 15), Decimal(2000), Decimal(1500), Decimal(500)),
        (date(2025, 6, 16), Decimal(4000), Decimal(2000), Decimal(2000)),  # the second payment came a day late
        (date(2025, 9, 15), Decimal(6000), Decimal(3500), Decimal(2500)),
        (date(2026, 1, 15), Decimal(8000), Decimal(4000), Decimal(4000)),
    ]


def test_a_year_without_tables_is_not_guessed() -> None:
    found = estimate(tax_year=2019, last_year_tax=Decimal(8000), last_year_agi=Decimal(1))
    assert (found.tax, found.by_this_year, found.required) == (None, None, Decimal(8000))
    told = estimated_tax_report(found, [], on=date(2019, 6, 1))
    assert "No tables of tax year 2019 are known (known: 2024, 2025, 2026)" in told.notes[0]
    assert [section.name for section in told.sections] == ["safe_harbour", "installments", "annualized_periods"]
    nothing = estimate(tax_year=2019)
    assert (nothing.required, nothing.installments) == (None, ())


def test_small_amounts_and_a_year_without_tax_are_exceptions() -> None:
    assert "1,000 USD" in estimate(other_income=Decimal(25_000)).exceptions[0]
    assert estimate(other_income=Decimal(26_000)).exceptions == ()
    assert "no tax last year" in estimate(other_income=Decimal(90_000), last_year_tax=Decimal(0)).exceptions[0]


@pytest.mark.parametrize(
    ("year", "dates"),
    [  # as Form 1040-ES of each year prints them
        (2016, "04-18 06-15 09-15 01-17"),
        (2022, "04-18 06-15 09-15 01-17"),
        (2023, "04-18 06-15 09-15 01-16"),
        (2024, "04-15 06-17 09-16 01-15"),
        (2025, "04-15 06-16 09-15 01-15"),
        (2026, "04-15 06-15 09-15 01-15"),
    ],
)
def test_due_dates_as_they_were_published(year: int, dates: str) -> None:
    expected = [date.fromisoformat(f"{year + (number == 3)}-{text}") for number, text in enumerate(dates.split())]
    assert list(due_dates(year)) == expected


def test_martin_luther_king_s_birthday_and_emancipation_day_move_dates() -> None:
    """15 January 2029 is the third Monday of the month; 16 April 2033 is a Saturday, observed on Friday the 15th."""
    assert due_dates(2028)[3] == date(2029, 1, 16)
    assert due_dates(2033)[0] == date(2033, 4, 18)
    assert is_legal_holiday(date(2024, 4, 16))


@given(st.integers(1990, 2400))
def test_a_due_date_is_a_business_day_at_or_after_the_fifteenth(year: int) -> None:
    for due in due_dates(year):
        assert due.weekday() < 5
        assert 15 <= due.day <= 19
        assert not is_legal_holiday(due)


def test_the_periods_of_the_annualized_method_have_the_gains_until_their_ends() -> None:
    history = """
B1 2025-01-02 buys 30 X @ 10
S1 2025-03-31 sells 10 X @ 20
S2 2025-04-01 sells 10 X @ 30
S3 2025-12-31 sells 10 X @ 40
"""
    basis = standing(history, "2025-12-31")
    report = estimated_tax_report(estimate(), basis.gains, on=basis.on)
    periods = report.sections[-1]
    assert column(periods, "short_term") == [100, 300, 300, 600]
    assert column(periods, "factor") == [4, Decimal("2.4"), Decimal("1.5"), 1]
    states = column(
        estimated_tax_report(estimate(other_income=Decimal(99_999)), [], on=date(2025, 7, 1)).sections[2], "state"
    )
    assert states == ["missed", "missed", "to pay", "to pay"]


def test_an_estimate_that_cannot_be_made_says_why() -> None:
    assert no_estimate(2025, "Nothing was stated.").notes[0] == "Nothing was stated."
