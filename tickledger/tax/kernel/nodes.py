"""The lots that may still replace a loss, as one list for each group, in the order of their acquisition."""

from tickledger.tax.kernel import columns as c
from tickledger.tax.kernel.columns import Book


def list_lot(book: Book, lot: int, group: int, factor: int) -> int:
    """Add a lot that was just acquired; returns its node."""
    node = book.counts[c.NODES]
    book.counts[c.NODES] = node + 1
    row, of_group = book.nodes[node], book.groups[group]
    newest = of_group[c.GROUP_NEWEST]
    row[c.NODE_LOT], row[c.NODE_GROUP], row[c.NODE_LISTED], row[c.NODE_FACTOR] = lot, group, 1, factor
    row[c.NODE_OLDER], row[c.NODE_NEWER] = newest, c.NONE
    if newest == c.NONE:
        of_group[c.GROUP_OLDEST] = node
    else:
        book.nodes[newest][c.NODE_NEWER] = node
    of_group[c.GROUP_NEWEST] = node
    return node


def list_beside(book: Book, lot: int, node: int) -> int:
    """Add a lot that another one has become in part, next to it; returns its node."""
    made = book.counts[c.NODES]
    book.counts[c.NODES] = made + 1
    row, of_node = book.nodes[made], book.nodes[node]
    row[c.NODE_LOT], row[c.NODE_GROUP], row[c.NODE_LISTED] = lot, of_node[c.NODE_GROUP], 1
    row[c.NODE_FACTOR] = of_node[c.NODE_FACTOR]
    row[c.NODE_OLDER], row[c.NODE_NEWER] = node, of_node[c.NODE_NEWER]
    if of_node[c.NODE_NEWER] == c.NONE:
        book.groups[of_node[c.NODE_GROUP]][c.GROUP_NEWEST] = made
    else:
        book.nodes[of_node[c.NODE_NEWER]][c.NODE_OLDER] = made
    of_node[c.NODE_NEWER] = made
    return made


def unlist(book: Book, node: int) -> None:
    """Take a lot off the list: all its shares are used or gone, or its window is over."""
    row = book.nodes[node]
    if not row[c.NODE_LISTED]:
        return
    row[c.NODE_LISTED] = 0
    group = book.groups[row[c.NODE_GROUP]]
    older, newer = row[c.NODE_OLDER], row[c.NODE_NEWER]
    if older == c.NONE:
        group[c.GROUP_OLDEST] = newer
    else:
        book.nodes[older][c.NODE_NEWER] = newer
    if newer == c.NONE:
        group[c.GROUP_NEWEST] = older
    else:
        book.nodes[newer][c.NODE_OLDER] = older


def wait(book: Book, group: int, loss: int) -> None:
    """Let a loss wait for purchases to come."""
    of_group = book.groups[group]
    last = of_group[c.GROUP_LAST_WAITING]
    book.pieces[loss][c.PIECE_NEXT_WAITING] = c.NONE
    if last == c.NONE:
        of_group[c.GROUP_FIRST_WAITING] = loss
    else:
        book.pieces[last][c.PIECE_NEXT_WAITING] = loss
    of_group[c.GROUP_LAST_WAITING] = loss
    book.counts[c.WAITING] += 1


def stop_waiting(book: Book, group: int, loss: int, before: int) -> None:
    """Take a loss off those that wait; `before` is the one ahead of it, or none."""
    of_group = book.groups[group]
    following = book.pieces[loss][c.PIECE_NEXT_WAITING]
    if before == c.NONE:
        of_group[c.GROUP_FIRST_WAITING] = following
    else:
        book.pieces[before][c.PIECE_NEXT_WAITING] = following
    if following == c.NONE:
        of_group[c.GROUP_LAST_WAITING] = before
    book.counts[c.WAITING] -= 1
