"""Orderings of lots that change all the time: pairing heaps whose nodes are rows of a table.

Fredman, Sedgewick, Sleator, Tarjan, The pairing heap (1986). Merging is one comparison, taking the first off
costs the logarithm of the size on average; nothing is ever moved in memory.
"""

from tickledger.tax.kernel import columns as c
from tickledger.tax.kernel.arithmetic import is_product_greater
from tickledger.tax.kernel.columns import Book


def comes_before(book: Book, first: int, second: int, kind: int) -> bool:
    """Whether a node precedes another: by basis per share, then the earlier acquisition."""
    a, b = book.heap[first], book.heap[second]
    if is_product_greater(a[c.HEAP_BASIS], b[c.HEAP_UNITS], b[c.HEAP_BASIS], a[c.HEAP_UNITS]):
        return kind != c.LARGEST_GAIN
    if is_product_greater(b[c.HEAP_BASIS], a[c.HEAP_UNITS], a[c.HEAP_BASIS], b[c.HEAP_UNITS]):
        return kind == c.LARGEST_GAIN
    if a[c.HEAP_ACQUIRED] != b[c.HEAP_ACQUIRED]:
        return a[c.HEAP_ACQUIRED] < b[c.HEAP_ACQUIRED]
    if a[c.HEAP_SEQUENCE] != b[c.HEAP_SEQUENCE]:
        return a[c.HEAP_SEQUENCE] < b[c.HEAP_SEQUENCE]
    return a[c.HEAP_ORDINAL] < b[c.HEAP_ORDINAL]


def merged(book: Book, first: int, second: int, kind: int) -> int:
    """The root of two heaps made one; either may be none."""
    if first == c.NONE:
        return second
    if second == c.NONE:
        return first
    if not comes_before(book, first, second, kind):
        first, second = second, first
    book.heap[second][c.HEAP_SIBLING] = book.heap[first][c.HEAP_CHILD]
    book.heap[first][c.HEAP_CHILD] = second
    return first


def new_node(book: Book, item: int, basis: int, units: int) -> int:
    """A node that is not in any heap yet; the caller adds what ties are decided by."""
    node = book.counts[c.HEAP]
    book.counts[c.HEAP] = node + 1
    row = book.heap[node]
    row[c.HEAP_ITEM], row[c.HEAP_BASIS], row[c.HEAP_UNITS] = item, basis, units
    row[c.HEAP_ACQUIRED], row[c.HEAP_SEQUENCE], row[c.HEAP_ORDINAL] = 0, 0, 0
    row[c.HEAP_CHILD], row[c.HEAP_SIBLING] = c.NONE, c.NONE
    return node


def without_first(book: Book, root: int, kind: int) -> int:
    """The root once the first is taken off: its children merged in pairs, then the pairs from the last."""
    pairs, child = c.NONE, book.heap[root][c.HEAP_CHILD]
    while child != c.NONE:
        partner = book.heap[child][c.HEAP_SIBLING]
        following = c.NONE
        if partner != c.NONE:
            following = book.heap[partner][c.HEAP_SIBLING]
            book.heap[partner][c.HEAP_SIBLING] = c.NONE
        book.heap[child][c.HEAP_SIBLING] = c.NONE
        pair = merged(book, child, partner, kind)
        book.heap[pair][c.HEAP_SIBLING] = pairs
        pairs, child = pair, following
    rest = c.NONE
    while pairs != c.NONE:
        following = book.heap[pairs][c.HEAP_SIBLING]
        book.heap[pairs][c.HEAP_SIBLING] = c.NONE
        rest = merged(book, rest, pairs, kind)
        pairs = following
    return rest
