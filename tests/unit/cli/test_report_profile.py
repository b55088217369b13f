"""What a taxpayer states, read from TOML and from a table: every key, and every key that cannot be used."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tickledger.cli.report_profile import Profile, read_profile
from tickledger.domain.errors import InputError
from tickledger.execution.what_if import Rates
from tickledger.reporting.estimated_tax import Payment
from tickledger.reporting.estimated_tax_tables import ReturnStatus
from tickledger.tax.schedule_d import Carryover, FilingStatus

TOML = """
tax_year = 2025
filing_status = "married_separately"
other_income = 120000.50
qualified_dividends = 800
deductions = 20000
aged_or_blind = 1
withholding = 18000
last_year_tax = 21000
last_year_agi = 130000
further_long_term = -500
carryover_short_term = 1200
rate_short = 0.32
rate_long = 0.15

[[payments]]
on = 2025-04-15
amount = 1000

[[purchases]]
account = "U1"
symbol = "XYZ"
quantity = 1.5
on = 2025-12-20
why = "savings plan"

[[reinvest]]
account = "U1"
symbol = "XYZ"
"""


def read(folder: Path, text: str, name: str = "me.toml") -> Profile:
    path = folder / name
    path.write_text(text)
    return read_profile(path)


def problems(folder: Path, text: str, name: str = "me.toml") -> list[str]:
    with pytest.raises(InputError) as caught:
        read(folder, text, name)
    return [str(problem) for problem in caught.value.problems]


def test_everything_that_can_be_stated(tmp_path: Path) -> None:
    profile = read(tmp_path, TOML)
    assert profile.tax is not None
    assert (profile.tax.status, profile.filing_status) == (
        ReturnStatus.MARRIED_SEPARATELY,
        FilingStatus.MARRIED_SEPARATELY,
    )
    assert (profile.tax.other_income, profile.tax.deductions, profile.tax.aged_or_blind) == (
        Decimal("120000.50"),
        Decimal(20_000),
        1,
    )
    assert profile.tax.further_long_term == -500
    assert profile.tax.payments == (Payment(date(2025, 4, 15), Decimal(1000)),)
    assert profile.rates == Rates(Decimal("0.32"), Decimal("0.15"))
    assert profile.carryover == {2025: Carryover(Decimal(1200), Decimal(0))}
    assert [(one.symbol, one.quantity, one.why) for one in profile.purchases] == [
        ("XYZ", Decimal("1.5"), "savings plan")
    ]
    assert [one.account_id for one in profile.reinvestments] == ["U1"]
    assert len(profile.sha256) == 64


def test_the_same_in_a_table(tmp_path: Path) -> None:
    rows = (
        "name,value\ntax_year,2025\nfiling_status,single\nother_income,90000\npayment 2025-04-15,1000\n"
        "rate_short,0.24\nrate_long,0.15\n"
    )
    profile = read(tmp_path, rows, "me.csv")
    assert profile.tax is not None
    assert (profile.tax.status, profile.tax.other_income) == (ReturnStatus.SINGLE, Decimal(90_000))
    assert profile.tax.payments == (Payment(date(2025, 4, 15), Decimal(1000)),)


def test_rates_alone_are_enough_for_harvest_and_year_end(tmp_path: Path) -> None:
    profile = read(tmp_path, "rate_short = 0.37\nrate_long = 0.2\n")
    assert (profile.tax, profile.rates) == (None, Rates(Decimal("0.37"), Decimal("0.2")))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("income = 5", "column income: expected one of tax_year"),
        ("rate_short = 0.37", "column rate_long: expected rate_long, together with the other rate, found none"),
        ("rate_short = 37\nrate_long = 20", "from 0 to less than 1, found 37"),
        ('tax_year = 2025\nfiling_status = "divorced"', "column filing_status: expected one of single"),
        ("tax_year = 2025\nwithholding = 5", "column filing_status: expected filing_status, which amounts"),
        (
            'tax_year = 2025\nfiling_status = "single"\nwithholding = -5',
            "expected an amount in USD, 0 or more, found -5",
        ),
        ('tax_year = 2025\nfiling_status = "single"\nwithholding = "a lot"', "column withholding: expected an amount"),
        ('tax_year = 2025\nfiling_status = "single"\nwithholding = nan', "column withholding: expected an amount"),
        ('tax_year = 2025\nfiling_status = "single"\nwithholding = true', "column withholding: expected an amount"),
        ('tax_year = "soon"', "column tax_year: expected a year such as 2025"),
        ('tax_year = 2025\nfiling_status = "single"\naged_or_blind = 5', "expected a number of boxes, 0 to 4, found 5"),
        ("carryover_short_term = 5", "column tax_year: expected the year into which the carryover goes, found none"),
        ("payments = 5", "column payments: expected a list of tables with on, amount, found 5"),
        ("[[payments]]\nwhen = 2025-01-01", "column payments: expected a table with on, amount"),
        (
            '[[purchases]]\naccount = "A"\nsymbol = "X"\nquantity = 0\non = "2025-13-01"',
            "expected a date such as 2025-12-20",
        ),
        ("tax_year = ", "expected a TOML file, or a .csv table of names and values"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path: Path, text: str, told: str) -> None:
    assert any(told in problem for problem in problems(tmp_path, text)), problems(tmp_path, text)


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    assert len(problems(tmp_path, "income = 5\nrate_short = 37\nrate_long = 20\ntax_year = 1.5")) == 4


def test_a_file_of_another_encoding_is_told(tmp_path: Path) -> None:
    path = tmp_path / "me.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="expected a TOML file"):
        read_profile(path)


def test_the_profile_that_the_documentation_shows_can_be_used(tmp_path: Path) -> None:
    page = Path(__file__).parents[3].joinpath("docs/reports.md").read_text()
    profile = read(tmp_path, page.split("```toml\n")[1].split("```")[0])
    assert profile.tax is not None
    assert (profile.tax.status, profile.rates) == (ReturnStatus.SINGLE, Rates(Decimal("0.35"), Decimal("0.15")))
    assert [one.why for one in profile.purchases] == ["savings plan"]
