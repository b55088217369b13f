"""TXF as the specification's own examples have it (version 042, section VIII, example 2)."""

from datetime import date

from tests.tax_forms import a_gain, rows_of
from tickledger.domain.account import Mode
from tickledger.domain.instrument import AssetClass
from tickledger.tax.form_8949 import BasisReporting
from tickledger.tax.txf import txf

EXPORTED = date(2011, 10, 27)


def records(text: str) -> list[list[str]]:
    """The records of a file, each a list of its lines."""
    assert text.endswith("^\r\n")
    assert "\n" not in text.replace("\r\n", "")
    return [record.strip().split("\r\n") for record in text.split("^\r\n")[:-1]]


def told(*sales: str, reporting: BasisReporting = BasisReporting.BASIS_REPORTED) -> list[list[str]]:
    rows = rows_of(*map(a_gain, sales), tax_year=2011, reporting=reporting)
    return records(txf(rows, exported=EXPORTED, program="My Software").text)


def test_the_header_names_version_program_and_day() -> None:
    assert told() == [["V042", "AMy Software", "D10/27/2011"]]


def test_examples_2d_and_2f_to_2h() -> None:
    """Cost comes before sales; a disallowed loss is the last amount, which stays empty where there is none."""
    (_, short_wash) = told("50 QCOM 2011-01-02 to 2011-01-15: 1300 - 1500 + 200 S")
    assert short_wash == [
        *("TD", "N321", "C1", "L1", "P50 sh. QCOM", "D01/02/2011", "D01/15/2011"),
        *("$1500", "$1300", "$200"),
    ]
    not_reported, none = BasisReporting.BASIS_NOT_REPORTED, BasisReporting.NO_FORM
    (_, long) = told("100 QCOM 2010-01-02 to 2011-01-15: 2000 - 1700 L", reporting=not_reported)
    assert (long[1], long[-3:]) == ("N713", ["$1700", "$2000", "$"])
    (_, long_wash) = told("50 QCOM 2010-01-02 to 2011-01-15: 1300 - 1500 + 200 L", reporting=not_reported)
    assert (long_wash[1], long_wash[-3:]) == ("N713", ["$1500", "$1300", "$200"])
    (_, without_form) = told("50 QCOM 2010-01-02 to 2011-01-15: 1300 - 1500 + 200 L", reporting=none)
    assert (without_form[1], without_form[-3:]) == ("N714", ["$1500", "$1300", "$200"])


def test_every_copy_of_the_form_has_its_reference() -> None:
    sales = ("1 X 2011-01-02 to 2011-01-15: 2 - 1 S", "1 X 2010-01-02 to 2011-01-15: 2 - 1 L")
    found = [[record[1] for record in told(*sales, reporting=reporting)[1:]] for reporting in BasisReporting]
    assert found == [["N321", "N323"], ["N711", "N713"], ["N712", "N714"]]


def test_what_the_format_does_not_know_is_left_out_and_handed_back() -> None:
    bitcoin = a_gain("1 BTC 2025-01-02 to 2025-02-15: 2 - 1 S", asset_class=AssetClass.CRYPTO)
    corrected = a_gain("1 Y 2025-01-02 to 2025-02-15: 2 - 1 S", adjustment_code="B")
    made = txf(rows_of(bitcoin, corrected), exported=EXPORTED, program="P")
    assert len(records(made.text)) == 1
    assert {row.description for row in made.left_out} == {"1 BTC", "1 sh. Y"}


def test_money_that_is_not_real_says_so_in_every_record() -> None:
    rows = rows_of(a_gain("1 X 2025-01-02 to 2025-02-15: 2 - 1 S"), mode=Mode.SIMULATED)
    (_, record) = records(txf(rows, exported=EXPORTED, program="P").text)
    assert record[4] == "P1 sh. X SIMULATED - NOT FOR FILING"
