"""Numbers and times as they are read."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickledger.api.dashboard.formats import moment, number, pct, price, shares, usd

amounts = st.decimals(min_value=-(10**12), max_value=10**12, allow_nan=False, allow_infinity=False, places=6)


@pytest.mark.parametrize(
    ("amount", "plain", "signed"),
    [
        ("1234.5", "1,234.50", "+1,234.50"),
        ("-1234567.891", "−1,234,567.89", "−1,234,567.89"),
        ("0", "0.00", "0.00"),
        ("-0.004", "0.00", "0.00"),
        ("0.005", "0.01", "+0.01"),
    ],
)
def test_money_has_separators_and_a_sign_where_it_counts(amount: str, plain: str, signed: str) -> None:
    assert usd(Decimal(amount)) == plain
    assert usd(Decimal(amount), signed=True) == signed


@given(amounts)
def test_what_is_shown_is_the_amount_to_the_cent(amount: Decimal) -> None:
    shown = Decimal(usd(amount).replace(",", "").replace("−", "-"))
    assert abs(shown - amount) <= Decimal("0.005")
    assert ("−" in usd(amount)) == (shown < 0)


def test_prices_and_shares_keep_the_digits_they_have() -> None:
    assert price(Decimal("26.7834")) == "26.7834"
    assert price(Decimal("707.3800")) == "707.38"
    assert shares(Decimal(1000)) == "1,000"
    assert shares(Decimal("-0.3333")) == "−0.3333"


def test_what_is_not_known_is_no_zero() -> None:
    assert {usd(None), price(None), shares(None), pct(None), number(None), moment(None)} == {"–"}


def test_parts_are_per_cent() -> None:
    assert pct(Decimal("0.1234")) == "12.3 %"
    assert pct(-0.05, signed=True, places=2) == "−5.00 %"


@pytest.mark.parametrize(
    ("instant", "shown"),
    [
        (datetime(2012, 1, 3, 14, 30, tzinfo=UTC), "2012-01-03 09:30:00"),
        (datetime(2012, 7, 3, 13, 30, tzinfo=UTC), "2012-07-03 09:30:00"),
    ],
)
def test_times_are_new_yorks_in_winter_and_summer(instant: datetime, shown: str) -> None:
    assert moment(instant) == shown
