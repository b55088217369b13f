"""The orderings of lots, against sorting."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.tax.kernel.books import blank
from tickledger.tax.kernel import columns as c
from tickledger.tax.kernel.columns import Book
from tickledger.tax.kernel.heap import merged, new_node, without_first

#: Basis, units, date of acquisition: few different ones, so that there are ties.
nodes = st.tuples(st.integers(-20, 20), st.integers(1, 4), st.integers(1, 3))


def entered(book: Book, node: tuple[int, int, int], number: int) -> int:
    basis, units, acquired = node
    made = new_node(book, number, basis, units)
    book.heap[made][c.HEAP_ACQUIRED], book.heap[made][c.HEAP_SEQUENCE] = acquired, number // 2
    book.heap[made][c.HEAP_ORDINAL] = number
    return made


def place(node: tuple[int, int, int], number: int, kind: int) -> tuple[Fraction, int, int, int]:
    """Basis per share, dearest first or, for the largest gain, last; then the earlier acquisition."""
    basis, units, acquired = node
    sign = 1 if kind == c.LARGEST_GAIN else -1
    return sign * Fraction(basis, units), acquired, number // 2, number


@pytest.mark.parametrize("kind", [c.BY_PRICE, c.SMALLEST_GAIN, c.LARGEST_GAIN])
@given(told=st.lists(nodes, min_size=1, max_size=60))
def test_nodes_come_out_in_order(kind: int, told: list[tuple[int, int, int]]) -> None:
    book, root = blank(), c.NONE
    for number, node in enumerate(told):
        root = merged(book, root, entered(book, node, number), kind)
    found = []
    while root != c.NONE:
        found.append(book.heap[root][c.HEAP_ITEM])
        root = without_first(book, root, kind)
    assert found == sorted(range(len(told)), key=lambda number: place(told[number], number, kind))


@given(steps=st.lists(nodes | st.none(), min_size=1, max_size=60))
def test_nodes_may_come_and_go_in_turns(steps: list[tuple[int, int, int] | None]) -> None:
    """None takes the first off."""
    book, root, held = blank(), c.NONE, dict[int, tuple[int, int, int]]()
    for number, node in enumerate(steps):
        if node is not None:
            held[number] = node
            root = merged(book, root, entered(book, node, number), c.BY_PRICE)
        elif held:
            first = min(held, key=lambda other: place(held[other], other, c.BY_PRICE))
            assert book.heap[root][c.HEAP_ITEM] == first
            held.pop(first)
            root = without_first(book, root, c.BY_PRICE)
    assert (root == c.NONE) is (not held)


@given(one=st.lists(nodes, max_size=20), other=st.lists(nodes, max_size=20))
def test_two_heaps_become_one(one: list[tuple[int, int, int]], other: list[tuple[int, int, int]]) -> None:
    book, roots = blank(), [c.NONE, c.NONE]
    told = [*one, *other]
    for number, node in enumerate(told):
        side = int(number >= len(one))
        roots[side] = merged(book, roots[side], entered(book, node, number), c.LARGEST_GAIN)
    root, count = merged(book, roots[0], roots[1], c.LARGEST_GAIN), 0
    while root != c.NONE:
        root, count = without_first(book, root, c.LARGEST_GAIN), count + 1
    assert count == len(told)
