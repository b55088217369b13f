"""Products of 128 bits in compiled code, against Python's integers."""

from collections.abc import Callable
from types import FunctionType
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tickledger.tax.kernel import running, wide

pytestmark = pytest.mark.xdist_group("compiled kernel")  # one worker compiles

Rows = np.ndarray[tuple[int, int], np.dtype[np.int64]]
_OF: dict[str, Any] = {}


def _each_mul_div(rows: Rows, found: Rows) -> None:
    for row in range(len(rows)):
        found[row, 0] = mul_div(rows[row, 0], rows[row, 1], rows[row, 2])
        found[row, 1] = mul_rest(rows[row, 0], rows[row, 1], rows[row, 2])


def _each_comparison(rows: Rows, found: Rows) -> None:
    for row in range(len(rows)):
        found[row, 0] = is_product_greater(rows[row, 0], rows[row, 1], rows[row, 2], rows[row, 3])


def mul_div(amount: int, part: int, whole: int) -> int:
    """Stands for the compiled function of that name."""
    raise NotImplementedError


mul_rest = mul_div


def is_product_greater(a: int, b: int, c: int, d: int) -> bool:
    """Stands for the compiled function of that name."""
    raise NotImplementedError


@pytest.fixture(scope="module")
def compiled() -> Callable[[str, list[tuple[int, ...]]], list[list[int]]]:
    """Whatever `_each_…` finds for rows of numbers, as machine code; compiled once."""
    seen: dict[str, Any] = {}
    njit: Any = numba.njit
    for module, function in running._functions():
        if module is wide:
            names = {**vars(wide), **seen}
            seen[function.__name__] = njit(error_model="numpy")(FunctionType(function.__code__, names))
    each = {
        name: njit(error_model="numpy")(FunctionType(function.__code__, {**globals(), **seen}))
        for name, function in (("mul_div", _each_mul_div), ("comparison", _each_comparison))
    }

    def found(name: str, rows: list[tuple[int, ...]]) -> list[list[int]]:
        out = np.zeros((len(rows), 2), dtype=np.int64)
        each[name](np.array(rows, dtype=np.int64), out)
        return out.tolist()

    return found


#: The kernel is compiled where nothing can leave 2⁶⁰ (`book_building.fits`); here everything may be a little wider.
BORDER = 2**62
SPECIAL = [0, 1, 2, 3, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**53, 2**53 + 1, BORDER - 1, BORDER]
sizes = st.sampled_from(SPECIAL) | st.integers(0, 2**20) | st.integers(0, BORDER)
signed = st.builds(lambda size, is_negative: -size if is_negative else size, sizes, st.booleans())
positive = sizes.map(lambda size: max(size, 1))
fractions = st.tuples(signed, sizes, positive).filter(lambda row: row[1] <= row[2])
anything_that_fits = st.tuples(signed, sizes, positive).filter(lambda row: abs(row[0] * row[1]) // row[2] < BORDER)


@given(rows=st.lists(fractions | anything_that_fits, min_size=1, max_size=200))
@settings(max_examples=examples(200))
def test_a_part_of_an_amount(
    compiled: Callable[[str, list[tuple[int, ...]]], list[list[int]]], rows: list[tuple[int, int, int]]
) -> None:
    expected = [[amount * part // whole, amount * part % whole] for amount, part, whole in rows]
    assert compiled("mul_div", list(rows)) == expected


@given(rows=st.lists(st.tuples(signed, sizes, signed, sizes), min_size=1, max_size=200))
@settings(max_examples=examples(200))
def test_which_product_is_greater(
    compiled: Callable[[str, list[tuple[int, ...]]], list[list[int]]], rows: list[tuple[int, int, int, int]]
) -> None:
    alike = [(a, b, a, b) for a, b, _, _ in rows] + [(a, b, b, abs(a)) for a, b, _, _ in rows]
    all_rows = [*rows, *alike]
    assert [row[0] for row in compiled("comparison", list(all_rows))] == [a * b > c * d for a, b, c, d in all_rows]


def test_every_pair_of_special_numbers(compiled: Callable[[str, list[tuple[int, ...]]], list[list[int]]]) -> None:
    rows = [
        (sign * amount, part, whole)
        for sign in (1, -1)
        for amount in SPECIAL
        for whole in SPECIAL[1:]
        for part in SPECIAL
        if part <= whole
    ]
    expected = [[amount * part // whole, amount * part % whole] for amount, part, whole in rows]
    assert compiled("mul_div", list(rows)) == expected
