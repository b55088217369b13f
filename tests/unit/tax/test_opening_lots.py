"""Lots carried in from the year before: what the file says of them, and what follows from it."""

import re
from datetime import date
from decimal import Decimal

import pytest

from tests.tax import account, action, computed, gain_lines, open_lines
from tickledger.domain.lot import Lot

_LOT = re.compile(r"(?P<id>\S+) (?P<quantity>\S+) (?P<symbol>\S+) of (?P<day>\S+) for (?P<amount>\S+)")
_MORE = re.compile(r" (in|since|now) (\S+)")


def lots(text: str) -> list[Lot]:
    """One lot a line: ``B1 10 X of 2024-06-03 for 100``, and ``in T2``, ``since 2024-05-01``, ``now 120`` adjusted."""
    return [_lot(line.strip()) for line in text.strip().splitlines()]


def _lot(line: str) -> Lot:
    match = _LOT.match(line)
    assert match, line
    more: dict[str, str] = dict(_MORE.findall(line[match.end() :]))
    return Lot(
        lot_id=line,
        open_execution_id=match["id"],
        account_id=more.get("in", "T1"),
        symbol=match["symbol"],
        quantity=Decimal(match["quantity"]),
        acquired_date=date.fromisoformat(match["day"]),
        holding_start=date.fromisoformat(more.get("since", match["day"])),
        original_basis=Decimal(match["amount"]),
        adjusted_basis=Decimal(more.get("now", match["amount"])),
    )


def test_rows_of_one_purchase_are_one_lot_and_do_not_replace_each_other() -> None:
    """Rev. Rul. 56-602; four of its ten shares had replaced a loss the year before."""
    result = computed(
        "S1 2025-01-10 sells 5 X @ 5",
        opening_lots=lots("""
            B1 4 X of 2024-12-20 for 40 since 2024-11-01 now 60
            B1 6 X of 2024-12-20 for 60
        """),
    )
    assert gain_lines(result) == [
        "S1 of B1: 4 sh. since 2024-11-01, 20.00 - 60.00 + 0.00 = -40.00 S",
        "S1 of B1: 1 sh. since 2024-12-20, 5.00 - 10.00 + 0.00 = -5.00 S",
    ]


def test_shares_bought_in_december_replace_a_loss_of_january_unless_they_have_replaced_one() -> None:
    """Reg. 1.1091-1(e): of ten shares of the window four carry a loss already."""
    result = computed(
        "S1 2025-01-10 sells 10 X @ 5",
        opening_lots=lots("""
            B1 10 X of 2024-06-03 for 100
            B2 4 X of 2024-12-20 for 40 since 2024-11-01 now 60
            B2 6 X of 2024-12-20 for 60
        """),
    )
    assert [str(gain.disallowed_loss) for gain in result.gains] == ["30.00"]
    assert open_lines(result) == [
        "B2: 4 sh. since 2024-11-01, basis 60.00",
        "B2: 6 sh. since 2024-05-13, basis 90.00",
    ]


def test_capital_that_was_returned_stays_off_the_basis() -> None:
    result = computed("S1 2025-03-10 sells 4 X @ 9", opening_lots=lots("B1 10 X of 2023-06-01 for 100 now 70"))
    assert gain_lines(result) == ["S1 of B1: 4 sh. since 2023-06-01, 36.00 - 28.00 + 0.00 = 8.00 L"]
    assert [str(lot.original_basis) for lot in result.open_lots] == ["60.00"]


def test_a_lot_that_is_in_two_accounts_is_identified_in_either() -> None:
    """Part of it was moved by a transfer; lots keep their opening execution."""
    result = computed(
        """
        S1 2025-03-10 sells 10 X @ 9 in T2 lots B1:10
        S2 2025-03-10 sells 3 X @ 9 lots B1:3
        """,
        opening_lots=lots("""
            B1 10 X of 2023-06-01 for 100
            B1 10 X of 2023-06-01 for 90 in T2
        """),
    )
    assert [str(gain.gain_loss) for gain in result.gains] == ["0.00", "-3.00"]
    assert result.problems == ()


def test_a_short_carried_in_restarts_the_shares_beside_it_when_it_is_closed() -> None:
    """IRC 1233(b)(2): they were not long-term when it was opened."""
    result = computed(
        """
        C1 2025-03-10 covers 10 X @ 5
        S1 2025-07-01 sells 10 X @ 12
        """,
        opening_lots=lots("""
            B1 10 X of 2024-06-03 for 100
            SS -10 X of 2024-12-20 for 80
        """),
    )
    assert gain_lines(result) == [
        "C1 of SS: 10 sh. since 2025-03-10, 80.00 - 50.00 + 0.00 = 30.00 S",
        "S1 of B1: 10 sh. since 2025-03-10, 120.00 - 100.00 + 0.00 = 20.00 S",
    ]


def test_the_loss_of_a_short_carried_in_is_long_term_beside_long_term_shares() -> None:
    """IRC 1233(d)."""
    result = computed(
        "C1 2025-03-10 covers 10 X @ 9",
        opening_lots=lots("""
            B1 10 X of 2023-06-01 for 100
            SS -10 X of 2024-12-20 for 80
        """),
    )
    assert [(str(gain.gain_loss), str(gain.term)) for gain in result.gains] == [("-10.00", "L")]


def test_a_short_carried_in_keeps_the_loss_that_it_took_over() -> None:
    """Its proceeds of 80 count as 60 (IRC 1091(e)(2))."""
    result = computed("C1 2025-03-10 covers 10 X @ 5", opening_lots=lots("SS -10 X of 2024-12-20 for 80 now 60"))
    assert gain_lines(result) == ["C1 of SS: 10 sh. since 2025-03-10, 60.00 - 50.00 + 0.00 = 10.00 S"]


def test_corporate_actions_happen_to_lots_carried_in() -> None:
    result = computed(
        "S1 2025-07-01 sells 30 X @ 4",
        opening_lots=lots("B1 10 X of 2023-06-01 for 100"),
        corporate_actions=[action("X 2025-03-03 split", ratio="3")],
    )
    assert gain_lines(result) == ["S1 of B1: 30 sh. since 2023-06-01, 120.00 - 100.00 + 0.00 = 20.00 L"]


def test_lots_whose_fills_are_given_as_well_are_not_counted_twice() -> None:
    result = computed("B1 2024-06-03 buys 10 X @ 10", opening_lots=lots("B1 10 X of 2024-06-03 for 100"))
    assert [(problem.column, problem.found) for problem in result.problems] == [("open_execution_id", "B1")]
    assert result.open_lots == ()


@pytest.mark.parametrize("text", ["B1 10 X of 2024-06-03 for 100", "SS -10 X of 2024-06-03 for 100 now 90"])
def test_what_nothing_happens_to_stays_as_it_is(text: str) -> None:
    (given,) = lots(text)
    (held,) = computed("", opening_lots=[given]).open_lots
    assert (held.quantity, held.original_basis, held.adjusted_basis) == (
        given.quantity,
        given.original_basis,
        given.adjusted_basis,
    )


def test_an_ira_s_lots_carried_in_make_a_loss_permanent() -> None:
    """Rev. Rul. 2008-5 across the turn of the year."""
    result = computed(
        "S1 2025-01-10 sells 10 X @ 5",
        accounts=[account("T1"), account("IRA", "ira")],
        opening_lots=lots("""
            B1 10 X of 2024-06-03 for 100
            B2 10 X of 2024-12-20 for 60 in IRA
        """),
    )
    assert [str(gain.permanently_disallowed) for gain in result.gains] == ["50.00"]
