"""Amounts become money units exactly, and cents once."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickledger.tax.cents import CENT_UNITS, DIGITS, TOLERANCE, as_decimal, to_units
from tickledger.tax.kernel.arithmetic import nearest_cent


def test_money_units_hold_a_billionth_of_a_dollar() -> None:
    """A price of four decimals times a quantity of five is exact."""
    assert DIGITS == 9
    assert to_units(Decimal("1067.332642078")) == 1_067_332_642_078
    assert to_units(Decimal("-0.000000001")) == -1


@pytest.mark.parametrize(
    ("amount", "units"), [("0.0000000004", 0), ("0.0000000005", 0), ("0.0000000015", 2), ("0.0000000006", 1)]
)
def test_finer_amounts_are_rounded_to_the_nearest_unit_and_halves_to_the_even_one(amount: str, units: int) -> None:
    assert to_units(Decimal(amount)) == units


@given(st.decimals(min_value=-(10**20), max_value=10**20, places=9))
def test_no_amount_is_too_large(amount: Decimal) -> None:
    assert to_units(amount) == Fraction(amount) * 10**DIGITS


@pytest.mark.parametrize(
    ("amount", "cents"),
    [("0.005", 1), ("-0.005", -1), ("0.0049999", 0), ("-0.0049999", 0), ("-1.006", -101), ("0.015", 2), ("0", 0)],
)
def test_half_a_cent_is_rounded_away_from_zero(amount: str, cents: int) -> None:
    """As the forms round: less than half is dropped, a half and more is one (Instructions for Form 8949)."""
    assert nearest_cent(to_units(Decimal(amount))) == cents


@given(st.integers(-(10**18), 10**18))
def test_the_nearest_cent_is_half_a_cent_away_at_most(units: int) -> None:
    assert abs(nearest_cent(units) * CENT_UNITS - units) * 2 <= CENT_UNITS
    assert nearest_cent(-units) == -nearest_cent(units)


def test_cents_are_dollars_with_two_decimals() -> None:
    assert [str(as_decimal(cents)) for cents in (0, 5, -101, 123_456)] == ["0.00", "0.05", "-1.01", "1234.56"]


def test_what_is_no_loss_is_far_below_a_cent() -> None:
    assert 0 < TOLERANCE < CENT_UNITS // 1000
