"""Dates and exact quotients of the kernel, against Python's own."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from tickledger.tax import holding_period
from tickledger.tax.kernel import arithmetic

numbers = st.integers(-(2**80), 2**80)
counts = st.integers(0, 2**80)


@given(amount=numbers, part=counts, whole=st.integers(1, 2**80))
def test_a_part_of_an_amount_is_rounded_down_and_the_rest_is_what_is_left(amount: int, part: int, whole: int) -> None:
    quotient, rest = arithmetic.mul_div(amount, part, whole), arithmetic.mul_rest(amount, part, whole)
    assert quotient * whole + rest == amount * part
    assert 0 <= rest < whole


@given(a=numbers, b=counts, c=numbers, d=counts)
def test_products_are_compared_exactly(a: int, b: int, c: int, d: int) -> None:
    assert arithmetic.is_product_greater(a, b, c, d) is (a * b > c * d)


def test_the_first_long_term_day_is_the_same_on_every_day_of_seventy_years() -> None:
    for start in range(date(1990, 1, 1).toordinal(), date(2061, 1, 1).toordinal()):
        assert arithmetic.long_term_from(start) == holding_period.long_term_from(start), date.fromordinal(start)


def test_years_begin_when_they_do() -> None:
    for year in range(1, 3001):
        first = date(year, 1, 1).toordinal()
        assert arithmetic.days_before_year(year) == first - 1
        assert arithmetic.year_of(first) == year
        assert arithmetic.year_of(first - 1) == year - 1
        assert arithmetic.is_leap(year) is ((date(year, 3, 1) - date(year, 2, 1)).days == 29)
