from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickledger.reconciliation.statements.numbers import a_number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("1,234,567.89", "1234567.89"),
        ("-1,234", "-1234"),
        ("(255.25)", "-255.25"),
        ("($1,255.25)", "-1255.25"),
        ("$1,000.5", "1000.5"),
        ("-$925.1", "-925.1"),
        ("$-5", "-5"),
        ("1,379.23 ", "1379.23"),
        ("200.", "200"),
        (".5", "0.5"),
        ("+7", "7"),
        ("-2.637591265E-4", "-0.0002637591265"),
    ],
)
def test_numbers_are_read_as_brokers_write_them(text: str, value: str) -> None:
    assert a_number(text) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-",
        "--",
        ".",
        "1,20",
        "12,34,567",
        "1.234,5",
        "1 2 x",
        "NaN",
        "-Infinity",
        "1e500",
        "0x10",
        "1_000",
        "١٢",
        "5%",
    ],
)
def test_what_is_no_number_or_two_is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        a_number(text)


@given(st.decimals(-(10**15), 10**15, places=6, allow_nan=False, allow_infinity=False))
def test_every_way_to_write_a_number_gives_it_back(value: Decimal) -> None:
    for text in (f"{value:f}", f"{value:,f}", f" {value:,f} ", f"{value:e}"):
        assert a_number(text) == value


@given(st.text(max_size=12))
def test_no_text_raises_anything_else(text: str) -> None:
    try:
        assert a_number(text).is_finite()
    except ValueError:
        return
