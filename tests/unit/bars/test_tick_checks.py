"""Ticks that cannot be right are refused with a reason; everything else passes, and prices may jump for good."""

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.bars.ticks import at, quote, trade
from tickledger.bars.tick_checks import TickCheck, TickFault, TickLimits, TickRefusal
from tickledger.domain.bar import Print, Quote

NOON = at("12:00:00")


def fault(checked: Quote | Print | TickRefusal) -> TickFault | None:
    return checked.fault if isinstance(checked, TickRefusal) else None


@pytest.mark.parametrize("price", ["0", "-10", "NaN", "sNaN", "Infinity", "-Infinity", "1e400", "0.00001", "1e-400"])
def test_a_price_that_is_none_is_refused(price: str) -> None:
    check = TickCheck()
    refusal = check.print(trade("12:00:00", price), NOON)
    assert isinstance(refusal, TickRefusal)
    assert refusal.fault is TickFault.NOT_A_PRICE
    assert refusal.problem.found == str(Decimal(price))
    assert refusal.problem.where == "print of AAPL at 2012-03-01T17:00:00+00:00"
    one_side = quote("12:00:00", f"100 {price} 10.01 100") if price != "0" else quote("12:00:00", "100 0 10.01 100")
    assert fault(check.quote(one_side, NOON)) is TickFault.NOT_A_PRICE
    assert check.refused == {TickFault.NOT_A_PRICE: 2}
    assert check.accepted == 0


def test_a_negative_size_is_refused() -> None:
    check = TickCheck()
    assert fault(check.print(trade("12:00:00", "10", -1), NOON)) is TickFault.NOT_A_SIZE
    assert fault(check.quote(quote("12:00:00", "-1 9.99 10.01 1"), NOON)) is TickFault.NOT_A_SIZE


def test_a_print_of_size_zero_tells_a_price() -> None:
    told = trade("12:00:00", "10", 0)
    assert TickCheck().print(told, NOON) is told


@pytest.mark.parametrize(
    ("sides", "expected"),
    [
        ("0 0 10.01 100", "0 0 10.01 100"),
        ("100 9.99 0 0", "100 9.99 0 0"),
        ("0 0 0 0", "0 0 0 0"),
        ("0 9.99 10.01 100", "0 0 10.01 100"),
        ("100 9.99 10.01 0", "100 9.99 0 0"),
        ("0 9.99 10.01 0", "0 0 0 0"),
        ("100 10.00 10.00 100", "100 10.00 10.00 100"),
        ("100 10.04 10.00 100", "100 10.04 10.00 100"),
    ],
)
def test_empty_sides_are_zero_and_locked_and_slightly_crossed_quotes_pass(sides: str, expected: str) -> None:
    assert TickCheck().quote(quote("12:00:00", sides), NOON) == quote("12:00:00", expected)


def test_a_quote_that_is_crossed_beyond_reason_is_refused() -> None:
    check = TickCheck()
    assert fault(check.quote(quote("12:00:00", "100 10.06 10.00 100"), NOON)) is TickFault.CROSSED


def test_time_may_not_run_ahead_of_the_clock_nor_far_behind_it_nor_back() -> None:
    check = TickCheck()
    assert fault(check.print(trade("12:00:01.5", "10"), NOON)) is TickFault.IN_THE_FUTURE
    assert fault(check.print(trade("11:58:59", "10"), NOON)) is TickFault.TOO_OLD
    assert fault(check.print(trade("12:00:00.9", "10"), NOON)) is None
    assert fault(check.print(trade("11:59:56", "10"), NOON)) is None
    refusal = check.print(trade("11:59:55", "10"), NOON)
    assert fault(refusal) is TickFault.TIME_BACKWARDS
    assert isinstance(refusal, TickRefusal)
    assert "from 2012-03-01T16:59:55.900000+00:00" in refusal.problem.expected
    # Quotes and prints come on lines of their own, and symbols too.
    assert fault(check.quote(quote("11:59:55", "1 9.99 10.01 1"), NOON)) is None
    assert fault(check.print(trade("11:59:55", "10", symbol="IBM"), NOON)) is None


def test_a_clock_that_is_set_back_makes_ticks_refused_until_it_is_right_again() -> None:
    check = TickCheck()
    assert fault(check.print(trade("12:00:00", "10"), NOON)) is None
    assert fault(check.print(trade("12:00:01", "10"), NOON - timedelta(minutes=10))) is TickFault.IN_THE_FUTURE
    assert fault(check.print(trade("12:00:02", "10"), NOON + timedelta(seconds=2))) is None


def test_a_slip_of_a_digit_is_alone_and_refused() -> None:
    check = TickCheck()
    prices = ["10.00", "100.0", "10.01", "1.001", "10.02", "100.2", "10.00"]
    found = [
        fault(check.print(trade(f"12:00:0{i}", price), NOON + timedelta(seconds=i))) for i, price in enumerate(prices)
    ]
    assert found == [None, TickFault.PRICE_JUMP] * 3 + [None]


def test_a_quote_that_stands_around_it_vouches_for_a_jump() -> None:
    check = TickCheck(TickLimits(confirmations=99))
    assert fault(check.print(trade("12:00:00", "10"), NOON)) is None
    assert fault(check.print(trade("12:00:00", "13"), NOON)) is TickFault.PRICE_JUMP
    moved = TickCheck(TickLimits(confirmations=99))
    assert fault(moved.quote(quote("12:00:00", "1 12.99 13.01 1"), NOON)) is None
    assert fault(moved.print(trade("12:00:00", "13"), NOON)) is None
    # One with a side missing, or one that is wide, says nothing.
    for sides in ("1 12.99 0 0", "1 5 199999 1"):
        silent = TickCheck(TickLimits(confirmations=99))
        silent.print(trade("12:00:00", "10"), NOON)
        silent.quote(quote("12:00:00", sides), NOON)
        assert fault(silent.print(trade("12:00:00", "13"), NOON)) is TickFault.PRICE_JUMP


def test_a_price_that_has_really_jumped_is_taken_at_the_third_tick_that_says_so() -> None:
    check = TickCheck()
    check.quote(quote("12:00:00", "1 9.99 10.01 1"), NOON)
    check.print(trade("12:00:00", "10"), NOON)
    assert fault(check.print(trade("12:00:00", "14.00"), NOON)) is TickFault.PRICE_JUMP
    assert fault(check.quote(quote("12:00:00", "1 13.99 14.05 1"), NOON)) is TickFault.PRICE_JUMP
    assert fault(check.print(trade("12:00:00", "14.10"), NOON)) is None
    assert fault(check.quote(quote("12:00:00", "1 13.99 14.05 1"), NOON)) is None
    assert fault(check.print(trade("12:00:00", "10.00"), NOON)) is TickFault.PRICE_JUMP


def test_wild_prices_that_do_not_agree_are_never_taken() -> None:
    check = TickCheck()
    check.print(trade("12:00:00", "10"), NOON)
    for price in ("14", "20", "14", "20", "5", "14"):
        assert fault(check.print(trade("12:00:00", price), NOON)) is TickFault.PRICE_JUMP


def test_a_quote_that_has_left_the_last_price_behind_is_refused_and_a_wide_one_around_it_is_not() -> None:
    check = TickCheck()
    check.print(trade("12:00:00", "10"), NOON)
    assert fault(check.quote(quote("12:00:00", "1 0.01 199999 1"), NOON)) is None
    assert fault(check.quote(quote("12:00:00", "1 12.00 12.10 1"), NOON)) is TickFault.PRICE_JUMP
    assert fault(check.quote(quote("12:00:00", "1 8.00 8.10 1"), NOON)) is TickFault.PRICE_JUMP
    assert fault(check.quote(quote("12:00:00", "0 0 8.10 1"), NOON)) is TickFault.PRICE_JUMP


def test_an_old_price_is_nothing_to_compare_with() -> None:
    check = TickCheck()
    check.print(trade("12:00:00", "100"), NOON)
    assert fault(check.print(trade("12:31:00", "25"), at("12:31:00"))) is None


def test_what_is_forgotten_is_not_compared_with() -> None:
    check = TickCheck()
    check.print(trade("12:00:00", "100"), NOON)
    check.forget("AAPL")
    assert fault(check.print(trade("12:00:00", "25"), NOON)) is None


DECIMALS = st.one_of(st.decimals(), st.decimals(min_value=1, max_value=200, places=2))
SIZES = st.integers(-5, 2**70)


@settings(max_examples=examples(300), deadline=None)
@given(
    ticks=st.lists(
        st.tuples(st.booleans(), DECIMALS, DECIMALS, SIZES, SIZES, st.integers(-100, 10)), min_size=1, max_size=30
    )
)
def test_whatever_comes_is_taken_or_refused_and_counted(
    ticks: list[tuple[bool, Decimal, Decimal, int, int, int]],
) -> None:
    check = TickCheck()
    for is_quote, one, other, size, other_size, seconds in ticks:
        stamp = NOON + timedelta(seconds=seconds)
        if is_quote:
            checked = check.quote(Quote("X", stamp, one, other, size, other_size), NOON)
            if isinstance(checked, Quote):
                assert all((price > 0) == (side > 0) for price, side in sides(checked))
        else:
            taken = check.print(Print("X", stamp, one, size), NOON)
            assert isinstance(taken, TickRefusal) or taken.price > 0
    assert check.accepted + check.refused.total() == len(ticks)


def sides(quote: Quote) -> list[tuple[Decimal, int]]:
    return [(quote.bid, quote.bid_size), (quote.ask, quote.ask_size)]
