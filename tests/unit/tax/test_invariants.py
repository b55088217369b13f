"""A result that contradicts itself is never reported: each invariant stops the run and names the rows."""

from collections.abc import Callable

import pytest

from tests.tax import account, fills
from tickledger.domain.errors import LedgerError
from tickledger.tax import invariants
from tickledger.tax.book import HouseholdBook
from tickledger.tax.book_building import Setting
from tickledger.tax.engine import worked_through
from tickledger.tax.fill_columns import columns_of
from tickledger.tax.kernel import columns as c
from tickledger.tax.methods import MethodSchedule
from tickledger.tax.policies import Policies, SplitInWindow
from tickledger.tax.ratios import Ratios
from tickledger.tax.result_columns import HouseholdColumns
from tickledger.tax.sweep import History

HISTORY = """
    B1 2025-01-02 buys 10 X @ 100
    S1 2025-03-03 sells 10 X @ 80
    B2 2025-03-10 buys 10 X @ 80
    S2 2025-05-05 sells 4 X @ 70
    A1 2025-06-02 shorts 5 Y @ 20
"""


def settled() -> HouseholdBook:
    """The book of the history, with everything in cents; checked once, as every run does."""
    setting = Setting(
        accounts={"T1": account("T1")},
        policies=Policies(),
        methods=MethodSchedule(),
        identity={},
        left_out=(),
        opening_lots=(),
        ratios=Ratios(),
        asset_classes={},
    )
    columns = columns_of(fills(HISTORY), share_units=1)
    book, _ = worked_through(History(columns, [], SplitInWindow.SPLIT_ADJUSTED), setting)
    # Their rows were counted when the result was checked, and are again.
    for sublot in book.book.sublots:
        sublot[c.SUBLOT_USED] %= c.CHECKED
    return book


def check(book: HouseholdBook) -> None:
    book.ensure(16)
    invariants.check(book, HouseholdColumns(book, until=int(book.columns.date[-1])))


def rows_of(book: HouseholdBook, name: str) -> int:
    number = c.GROWING.index(name)
    return int(book.book.counts[number])


def test_an_honest_result_passes() -> None:
    check(settled())


def _lose_a_share(book: HouseholdBook) -> None:
    (sublot,) = book.sublots_of(1)
    book.book.sublots[sublot][c.SUBLOT_UNITS] -= 1


def _count_a_share_twice(book: HouseholdBook) -> None:
    book.book.lots[0][c.LOT_WHOLE_UNITS] -= 1


def _disallow_too_much(book: HouseholdBook) -> None:
    book.book.pieces[0][c.PIECE_DISALLOWED] += 1


def _disallow_a_gain(book: HouseholdBook) -> None:
    book.book.pieces[1][c.PIECE_PROCEEDS] += 20_000
    book.book.pieces[1][c.PIECE_DISALLOWED] = 1


def _lose_more_for_good_than_is_disallowed(book: HouseholdBook) -> None:
    book.book.pieces[0][c.PIECE_PERMANENT] = book.book.pieces[0][c.PIECE_DISALLOWED] + 1


def _match_more_shares_than_were_lost_on(book: HouseholdBook) -> None:
    book.book.pieces[0][c.PIECE_MATCHED] = 11


def _use_a_share_twice(book: HouseholdBook) -> None:
    washes = rows_of(book, "washes")
    book.book.washes[washes][:] = book.book.washes[0]
    book.book.counts[c.WASHES] += 1


def _replace_with_more_shares_than_there_are(book: HouseholdBook) -> None:
    book.book.washes[0][c.WASH_UNITS] = 11


def _keep_basis_back(book: HouseholdBook) -> None:
    book.book.pools[book.book.lots[1][c.LOT_POOL]][c.POOL_TAKEN_CENTS] -= 1


def _keep_a_carried_loss_back(book: HouseholdBook) -> None:
    book.book.pools[book.book.washes[0][c.WASH_POOL]][c.POOL_TAKEN_EXACT] -= 1


def _keep_a_dollar(book: HouseholdBook) -> None:
    book.book.pieces[1][c.PIECE_PROCEEDS] -= 100


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_lose_a_share, r"lot B2 \(X\): 10 units in, 4 closed, 5 held"),
        (_count_a_share_twice, r"lot B1 \(X\): 9 units in, 10 closed, 0 held"),
        (_disallow_too_much, r"S1 closing B1 \(X\): 200.01 disallowed, of a loss of 200.00"),
        (_disallow_a_gain, r"S2 closing B2 \(X\): 0.01 disallowed, of a loss of 0.00"),
        (_lose_more_for_good_than_is_disallowed, r"S1 closing B1 \(X\): 200.00 disallowed"),
        (_match_more_shares_than_were_lost_on, r"S1 closing B1 \(X\)"),
        (_use_a_share_twice, r"S1 closing B1 \(X\): 10 units of B2 \(X\) replaced more than one loss each"),
        (_replace_with_more_shares_than_there_are, r"S1 closing B1 \(X\): 10 units of B2 \(X\) replaced more than"),
        (_keep_basis_back, r"lot B2 \(X\): of 800.00 of basis 799.99 was given out"),
        (_keep_a_carried_loss_back, r"what replaced a loss: of 200.00 of basis 200.00 was given out"),
        (_keep_a_dollar, r"reported -121.00 − deferred 120.00 − permanent 0.00 ≠ economic result -240.00"),
    ],
)
def test_each_violation_is_named(damage: Callable[[HouseholdBook], None], message: str) -> None:
    book = settled()
    damage(book)
    with pytest.raises(LedgerError, match=message):
        check(book)


def test_a_replacement_closed_before_the_loss_is_a_cycle() -> None:
    """Told while the journal is settled: the replacement's basis was given out before the loss went into it."""
    book = settled()
    for name, number in (("pieces", 2), ("washes", 1)):
        assert rows_of(book, name) == number
    first, second = book.book.pieces[0], book.book.pieces[1]
    book.book.pieces[0], book.book.pieces[1] = second, first
    book.book.washes[0][c.WASH_PIECE] = 1
    _forget_cents(book)
    book.settle()
    with pytest.raises(LedgerError, match=r"S1 closing B1 \(X\): its replacement B2 \(X\) was closed before it"):
        check(book)


def _forget_cents(book: HouseholdBook) -> None:
    """As before everything was settled."""
    for pool in book.book.pools:
        pool[c.POOL_TAKEN_EXACT] = pool[c.POOL_TAKEN_CENTS] = 0
    book.book.pools[book.book.washes[0][c.WASH_POOL]][c.POOL_CENTS] = 0
    for piece in book.book.pieces:
        piece[c.PIECE_DISALLOWED] = 0


def test_no_more_rows_are_told_than_a_person_reads() -> None:
    book = settled()
    for number in range(30):
        book.ensure(64)
        made = rows_of(book, "lots")
        book.book.lots[made][:] = book.book.lots[1]
        book.book.lots[made][c.LOT_FIRST] = c.NONE
        book.book.lots[made][c.LOT_UNITS] = number
        book.book.counts[c.LOTS] += 1
    with pytest.raises(LedgerError) as raised:
        check(book)
    lines = str(raised.value).splitlines()
    assert lines[0] == "the tax result contradicts itself:"
    assert len(lines) == 22
    assert lines[-1].startswith("and 10 more of ")
