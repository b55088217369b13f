"""A result that contradicts itself is never reported: each invariant stops the run and names the rows."""

from collections.abc import Callable

import pytest

from tests.tax import account, fills
from tickledger.domain.errors import LedgerError
from tickledger.tax import invariants
from tickledger.tax.book import Book
from tickledger.tax.methods import MethodSchedule
from tickledger.tax.policies import Policies
from tickledger.tax.settlement import Remaining, Settled, remaining, settle
from tickledger.tax.sweep import History, work_through

HISTORY = """
    B1 2025-01-02 buys 10 X @ 100
    S1 2025-03-03 sells 10 X @ 80
    B2 2025-03-10 buys 10 X @ 80
    S2 2025-05-05 sells 4 X @ 70
"""

Parts = tuple[Book, list[Settled], list[Remaining]]


def worked_through() -> Parts:
    book = Book(accounts={"T1": account("T1")}, policies=Policies(), identity={}, share_units=1)
    work_through(book, History(fills(HISTORY), [], MethodSchedule()))
    settled = list(settle(book.journal))
    held = [remaining(sublot) for position in book.positions.values() for sublot in position.open_sublots()]
    return book, settled, held


def test_an_honest_result_passes() -> None:
    invariants.check(*worked_through())


def _lose_a_share(parts: Parts) -> None:
    parts[0].lots[1].units -= 1


def _disallow_too_much(parts: Parts) -> None:
    parts[1][0].disallowed += 1


def _use_a_share_twice(parts: Parts) -> None:
    parts[1][1].disposition.washes.append(parts[1][0].disposition.washes[0])


def _sell_before_the_loss(parts: Parts) -> None:
    parts[1].reverse()


def _keep_a_dollar(parts: Parts) -> None:
    parts[1][1].proceeds -= 100


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_lose_a_share, r"lot B2: 10 units in, 4 closed, 5 held"),
        (_disallow_too_much, r"S1 closing B1 \(X\): 200.01 disallowed"),
        (_use_a_share_twice, r"shares of B2 replaced more than one loss each"),
        (_sell_before_the_loss, r"S2 closing B2 \(X\): closed before the loss that it replaces"),
        (_keep_a_dollar, r"≠ economic result"),
    ],
)
def test_each_violation_is_named(damage: Callable[[Parts], None], message: str) -> None:
    parts = worked_through()
    damage(parts)
    with pytest.raises(LedgerError, match=message):
        invariants.check(*parts)
