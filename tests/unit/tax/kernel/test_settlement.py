"""Cents that always sum: largest remainder for one closing, pools for pieces over time."""

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tax.kernel.books import blank
from tickledger.tax.cents import CENT_UNITS
from tickledger.tax.kernel import columns as c
from tickledger.tax.kernel.arithmetic import nearest_cent
from tickledger.tax.kernel.closing import new_closing, new_piece
from tickledger.tax.kernel.columns import Book
from tickledger.tax.kernel.lots import new_pool
from tickledger.tax.kernel.settlement import apportion, taken_cents

amounts = st.integers(0, 10**15)


def split(total: int, weights: list[int], *, kind: int = c.CLOSED) -> list[int]:
    """The cents of a closing on its pieces, in proportion to their shares or, where paid on them, their money."""
    book = blank()
    closing = new_closing(book, 0, 0, 0, 0, sum(weights), total * CENT_UNITS, c.BY_TRADE)
    for weight in weights:
        units, money = (weight, 0) if kind == c.CLOSED else (1, weight)
        new_piece(book, kind, 0, closing, units, 0, 0, money)
    apportion(book, 0, len(weights))
    return [piece[c.PIECE_PROCEEDS] for piece in book.pieces[: len(weights)]]


@given(total=st.integers(-(10**9), 10**9), weights=st.lists(st.integers(1, 10**9), min_size=1, max_size=30))
def test_pieces_of_one_amount_sum_to_it_and_are_a_cent_off_at_most(total: int, weights: list[int]) -> None:
    pieces = split(total, weights)
    assert sum(pieces) == total
    assert all(
        abs(piece * sum(weights) - total * weight) < sum(weights) for piece, weight in zip(pieces, weights, strict=True)
    )


def test_the_largest_remainders_get_the_cents_that_are_left_and_the_earlier_of_two() -> None:
    assert split(200, [1, 1, 1]) == [67, 67, 66]
    assert split(100, [1, 2, 3]) == [17, 33, 50]
    assert split(-100, [1, 1, 1]) == [-33, -33, -34]


def test_cash_on_shares_that_stay_is_split_by_what_was_paid_on_them() -> None:
    assert split(100, [50, 50, 200], kind=c.PAID) == [17, 17, 66]


def test_an_amount_without_weights_is_the_first_pieces() -> None:
    assert split(7, [0, 0], kind=c.PAID) == [7, 0]


def test_the_scratch_room_of_the_heap_is_given_back() -> None:
    book = blank()
    closing = new_closing(book, 0, 0, 0, 0, 3, 2 * CENT_UNITS, c.BY_TRADE)
    for _ in range(3):
        new_piece(book, c.CLOSED, 0, closing, 1, 0, 0, 0)
    apportion(book, 0, 3)
    assert book.counts[c.HEAP] == 0


def pool_of(exact: int) -> tuple[Book, int]:
    book = blank()
    return book, new_pool(book, exact, nearest_cent(exact))


@given(parts=st.lists(amounts, min_size=1, max_size=30), wishes=st.lists(st.integers(-5, 5), min_size=30, max_size=30))
def test_a_pool_gives_out_exactly_its_cents_whatever_is_wished_for(parts: list[int], wishes: list[int]) -> None:
    book, pool = pool_of(sum(parts))
    row, given_out = book.pools[pool], 0
    for part, wish in zip(parts, wishes, strict=False):
        given_out += taken_cents(book, pool, part, nearest_cent(part) + wish)
        assert abs(given_out * CENT_UNITS - row[c.POOL_TAKEN_EXACT]) <= 2 * CENT_UNITS
        assert row[c.POOL_TAKEN_CENTS] == given_out
    assert given_out == row[c.POOL_CENTS]


@given(first=amounts, second=amounts, third=amounts)
def test_what_a_later_sale_takes_never_changes_an_earlier_piece(first: int, second: int, third: int) -> None:
    whole = first + second + third
    (early, one), (late, other) = pool_of(whole), pool_of(whole)
    assert taken_cents(early, one, first, nearest_cent(first)) == taken_cents(late, other, first, nearest_cent(first))
    rest = sum(taken_cents(late, other, part, 0) for part in (second, third))
    assert taken_cents(early, one, second + third, 0) == rest


def test_a_pool_rounds_to_the_side_that_is_wished_for() -> None:
    """Of ten cents for three equal parts the first gets three or four, as wished."""
    for wish, cents in ((3, 3), (4, 4), (9, 4), (-9, 3)):
        book, pool = pool_of(10 * CENT_UNITS)
        assert taken_cents(book, pool, 10 * CENT_UNITS // 3, wish) == cents


@given(parts=st.lists(amounts, min_size=2, max_size=10))
def test_a_negative_pool_gives_out_its_cents_too(parts: list[int]) -> None:
    """A rebate above the price makes a purchase that brings money in."""
    book, pool = pool_of(-sum(parts))
    assert sum(taken_cents(book, pool, -part, nearest_cent(-part)) for part in parts) == nearest_cent(-sum(parts))
