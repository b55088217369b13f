"""Cents that always sum: largest remainder for one event, pools for pieces over time."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tickledger.tax.cents import CENT_UNITS, Pool, apportion_cents, as_decimal, nearest_cent, to_units

amounts = st.integers(0, 10**15)


@given(total=st.integers(-(10**9), 10**9), weights=st.lists(st.integers(1, 10**9), min_size=1, max_size=30))
def test_pieces_of_one_amount_sum_to_it_and_are_a_cent_off_at_most(total: int, weights: list[int]) -> None:
    pieces = apportion_cents(total, weights)
    assert sum(pieces) == total
    assert all(
        abs(piece * sum(weights) - total * weight) < sum(weights) for piece, weight in zip(pieces, weights, strict=True)
    )


def test_the_largest_remainders_get_the_cents_that_are_left() -> None:
    assert apportion_cents(200, [1, 1, 1]) == [67, 67, 66]
    assert apportion_cents(100, [1, 2, 3]) == [17, 33, 50]


@given(parts=st.lists(amounts, min_size=1, max_size=30), wishes=st.lists(st.integers(-5, 5), min_size=30, max_size=30))
def test_a_pool_gives_out_exactly_its_cents_whatever_is_wished_for(parts: list[int], wishes: list[int]) -> None:
    pool = Pool(exact=sum(parts), cents=nearest_cent(sum(parts)))
    given_out = 0
    for part, wish in zip(parts, wishes, strict=False):
        given_out += pool.take(part, wish=nearest_cent(part) + wish)
        assert abs(given_out * CENT_UNITS - pool.taken_exact) <= 2 * CENT_UNITS
    assert given_out == pool.cents


@given(first=amounts, second=amounts, third=amounts)
def test_what_a_later_sale_takes_never_changes_an_earlier_piece(first: int, second: int, third: int) -> None:
    whole = first + second + third
    early, late = (Pool(whole, nearest_cent(whole)) for _ in range(2))
    assert early.take(first, wish=nearest_cent(first)) == late.take(first, wish=nearest_cent(first))
    assert early.take(second + third, wish=0) == sum(late.take(part, wish=0) for part in (second, third))


def test_money_units_hold_a_ten_billionth_of_a_dollar() -> None:
    assert to_units(Decimal("1067.3326420780")) == 10_673_326_420_780
    assert [nearest_cent(to_units(Decimal(text))) for text in ("0.005", "-0.005", "0.0049999", "-1.006")] == [
        1,
        -1,
        0,
        -101,
    ]
    assert as_decimal(-101) == Decimal("-1.01")
