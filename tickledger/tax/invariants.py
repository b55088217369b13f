"""What must hold whatever the history, checked on every run: a result that breaks one is never reported.

* shares: what a lot bought = what was closed of it + what is held
* dollars: reported gains − losses deferred in open lots − losses disallowed for good = the economic result
* a loss is never disallowed beyond its amount, and a gain never at all
* a replacement share takes over one loss
* no cycles: what replaces a loss is closed after it

The kernel looks at the rows (`kernel.checks`); the sums and the words are here.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import numpy as np

from tickledger.domain.errors import LedgerError
from tickledger.tax.book import HouseholdBook
from tickledger.tax.cents import as_decimal
from tickledger.tax.column_values import Numbers, at
from tickledger.tax.kernel import columns as c
from tickledger.tax.result_columns import HouseholdColumns

_MOST_TOLD: Final = 20


def check(book: HouseholdBook, columns: HouseholdColumns) -> None:
    """Raise LedgerError with the offending rows unless every invariant holds; the journal is settled."""
    first = int(book.book.counts[c.EVENTS])
    rows = sum(int(book.book.counts[number]) for number in (c.LOTS, c.PIECES, c.PIECES, c.WASHES, c.POOLS))
    book.kernel.check(book.book)
    violations = [*_told(book, book.events_told, first), *_told(book, first, int(book.book.counts[c.EVENTS]))]
    violations += _dollars(book, columns)
    if violations:
        more = [f"and {len(violations) - _MOST_TOLD} more of {rows} rows"] if len(violations) > _MOST_TOLD else []
        raise LedgerError("the tax result contradicts itself:\n" + "\n".join([*violations[:_MOST_TOLD], *more]))


def _told(book: HouseholdBook, first: int, end: int) -> Iterator[str]:
    for number in range(first, end):
        kind, subject, value, other = (int(part) for part in book.book.events[number])
        yield _TELL[kind](book, subject, value, other)


def _lot(book: HouseholdBook, lot: int) -> str:
    row = book.book.lots[lot]
    return f"{book.opening_id(int(row[c.LOT_FILL]))} ({book.symbols[int(row[c.LOT_POSITION])]})"


def _piece(book: HouseholdBook, piece: int) -> str:
    row = book.book.pieces[piece]
    fill = int(book.book.closings[row[c.PIECE_CLOSING]][c.CLOSING_FILL])
    name = book.columns.execution_ids[fill] if fill >= 0 else book.action_ids[-2 - fill][0]
    return f"{name} closing {_lot(book, int(book.book.sublots[row[c.PIECE_SUBLOT]][c.SUBLOT_LOT]))}"


def _shares_lost(book: HouseholdBook, lot: int, held: int, closed: int) -> str:
    return f"lot {_lot(book, lot)}: {book.book.lots[lot][c.LOT_WHOLE_UNITS]} units in, {closed} closed, {held} held"


def _too_much(book: HouseholdBook, piece: int, disallowed: int, loss: int) -> str:
    return f"{_piece(book, piece)}: {as_decimal(disallowed)} disallowed, of a loss of {as_decimal(loss)}"


def _cycle(book: HouseholdBook, piece: int, wash: int, cents: int) -> str:
    replacement = _lot(book, int(book.book.washes[wash][c.WASH_LOT]))
    return f"{_piece(book, piece)}: its replacement {replacement} was closed before it, with {as_decimal(cents)}"


def _replaced_twice(book: HouseholdBook, piece: int, wash: int, units: int) -> str:
    replacement = _lot(book, int(book.book.washes[wash][c.WASH_LOT]))
    return f"{_piece(book, piece)}: {units} units of {replacement} replaced more than one loss each"


def _not_given_out(book: HouseholdBook, pool: int, cents: int, taken: int) -> str:
    lots = [lot for lot in range(int(book.book.counts[c.LOTS])) if book.book.lots[lot][c.LOT_POOL] == pool]
    whose = f"lot {_lot(book, lots[0])}" if lots else "what replaced a loss"
    return f"{whose}: of {as_decimal(cents)} of basis {as_decimal(taken)} was given out"


_TELL: Final[Mapping[int, Callable[[HouseholdBook, int, int, int], str]]] = {
    c.SHARES_LOST: _shares_lost,
    c.TOO_MUCH_DISALLOWED: _too_much,
    c.CYCLE: _cycle,
    c.REPLACED_TWICE: _replaced_twice,
    c.NOT_GIVEN_OUT: _not_given_out,
}


def _dollars(book: HouseholdBook, columns: HouseholdColumns) -> Iterator[str]:
    """All accounts, IRAs included, and all securities."""
    pieces = columns.pieces
    realized = np.flatnonzero((pieces[:, c.PIECE_KIND] <= c.PAID).astype(bool))
    held = np.flatnonzero((columns.sublots[:, c.SUBLOT_PLACE] != c.NONE).astype(bool))
    permanent = _sum(at(pieces, realized, c.PIECE_PERMANENT))
    reported = _sum(at(pieces, realized, c.PIECE_PROCEEDS)) - _sum(at(pieces, realized, c.PIECE_BASIS))
    reported += _sum(at(pieces, realized, c.PIECE_DISALLOWED))
    deferred = _sum(columns.sublots[held, c.SUBLOT_HELD_CARRIED])
    economic = _received(columns, realized) + _held(columns, held) + _moved(columns) - int(book.book.counts[c.SPENT])
    if reported - deferred - permanent != economic:
        yield (
            f"reported {as_decimal(reported)} − deferred {as_decimal(deferred)} − permanent {as_decimal(permanent)}"
            f" ≠ economic result {as_decimal(economic)}"
        )


def _sum(numbers: Numbers) -> int:
    return int(numbers.sum()) if len(numbers) else 0


def _received(columns: HouseholdColumns, realized: Numbers) -> int:
    """What closings brought in, less what closing shorts cost."""
    has_pieces = np.zeros(len(columns.closings), dtype=bool)
    has_pieces[columns.pieces[realized, c.PIECE_CLOSING].astype(np.int64, copy=False)] = True
    is_short = columns.closings[:, c.CLOSING_POSITION].astype(np.int64, copy=False) % 2 == 1
    cents = columns.closings[:, c.CLOSING_CENTS]
    return _sum(cents[has_pieces & ~is_short]) - _sum(cents[has_pieces & is_short])


def _held(columns: HouseholdColumns, held: Numbers) -> int:
    """The basis of what is held, at cost; of shorts, what they brought in, negative."""
    is_short = columns.sublot_position[held] % 2 == 1
    cost = columns.sublots[held, c.SUBLOT_HELD_COST]
    return _sum(cost[~is_short]) - _sum(cost[is_short])


def _moved(columns: HouseholdColumns) -> int:
    """Basis that was returned or left; and what moved into a closing, which `_received` counts once more."""
    pieces = columns.pieces
    moved = pieces[(pieces[:, c.PIECE_KIND] == c.MOVED).astype(bool)]
    where, cents = moved[:, c.PIECE_CLOSING], moved[:, c.PIECE_BASIS]
    total = 0
    for place, target, amount in zip(where.tolist(), moved[:, c.PIECE_CLOSED].tolist(), cents.tolist(), strict=True):
        if place in {c.TO_PROCEEDS, c.OFF_PROCEEDS}:
            is_short = int(columns.closings[target, c.CLOSING_POSITION]) % 2 == 1
            total += amount if (place == c.OFF_PROCEEDS) is not is_short else -amount
        elif place == c.TO_HOLDER:
            total += amount
    return total
