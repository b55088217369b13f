"""Which lot a sale closes, by each method and by what the sale itself names."""

from datetime import date

import pytest

from tests.tax import computed, fills, gain_lines
from tickledger.tax.engine import compute
from tickledger.tax.methods import Method, MethodSchedule

THREE_LOTS = """
    B1 2015-10-01 buys 4 HOOL @ 100
    B2 2015-10-02 buys 5 HOOL @ 111.11
    B3 2015-10-03 buys 6 HOOL @ 122.22
    S1 2015-12-01 sells 12 HOOL @ 200
"""


def closed(text: str, method: str) -> list[tuple[str, str]]:
    return [(gain.open_execution_id, f"{gain.quantity:f}") for gain in computed(text, method=method).gains]


@pytest.mark.parametrize(
    ("method", "taken"),
    [
        ("fifo", [("B1", "4"), ("B2", "5"), ("B3", "3")]),
        ("specific", [("B1", "4"), ("B2", "5"), ("B3", "3")]),
        ("lifo", [("B3", "6"), ("B2", "5"), ("B1", "1")]),
        ("hifo", [("B3", "6"), ("B2", "5"), ("B1", "1")]),
        ("mingain", [("B3", "6"), ("B2", "5"), ("B1", "1")]),
        ("maxgain", [("B1", "4"), ("B2", "5"), ("B3", "3")]),
    ],
)
def test_twelve_of_three_lots(method: str, taken: list[tuple[str, str]]) -> None:
    """beancount's booking examples: 4 at 100, 5 at 111.11, 6 at 122.22."""
    assert closed(THREE_LOTS, method) == taken


def test_highest_cost_looks_at_the_price_paid_and_minimum_gain_at_the_adjusted_basis() -> None:
    """A washed loss makes the cheaper lot the one with the higher basis."""
    history = """
        B0 2024-01-02 buys 10 X @ 90
        S0 2024-03-01 sells 10 X @ 60
        B1 2024-03-05 buys 10 X @ 60
        B2 2024-06-03 buys 10 X @ 70
        S1 2024-09-02 sells 5 X @ 100
    """
    assert closed(history, "hifo")[-1] == ("B2", "5")
    assert closed(history, "mingain")[-1] == ("B1", "5")
    assert closed(history, "maxgain")[-1] == ("B2", "5")


def test_lots_named_by_the_sale_win_under_any_method() -> None:
    assert closed(THREE_LOTS.rstrip() + " lots B2:5;B3:6;B1:1", "lifo") == [("B2", "5"), ("B3", "6"), ("B1", "1")]


def test_the_method_in_force_on_the_trade_date_decides() -> None:
    """A change applies from its date on, in its account only."""
    result = compute(
        fills("""
            B1 2024-01-02 buys 10 X @ 10
            B2 2024-01-03 buys 10 X @ 20
            S1 2024-06-03 sells 1 X @ 30
            S2 2024-07-01 sells 1 X @ 30
            S3 2024-07-02 sells 1 X @ 30
            C1 2024-01-02 buys 10 X @ 10 in T2
            C2 2024-01-03 buys 10 X @ 20 in T2
            S4 2024-07-02 sells 1 X @ 30 in T2
        """),
        methods=MethodSchedule(Method.FIFO, {"T1": [(date(2024, 7, 1), Method.LIFO)]}),
    )
    taken = {gain.close_execution_id: gain.open_execution_id for gain in result.gains}
    assert taken == {"S1": "B1", "S2": "B2", "S3": "B2", "S4": "C1"}


def test_each_account_has_its_own_basis() -> None:
    """Reg. 1.1012-1: account by account since 2012."""
    result = computed("""
        B1 2024-01-02 buys 10 X @ 10
        B2 2024-02-02 buys 10 X @ 20 in T2
        S1 2024-06-03 sells 10 X @ 30 in T2
    """)
    assert gain_lines(result) == ["S1 of B2: 10 sh. since 2024-02-02, 300.00 - 200.00 + 0.00 = 100.00 S"]


def test_fractions_of_shares_keep_an_exact_basis() -> None:
    result = computed("""
        B1 2024-01-02 buys 0.333333 X for 100
        B2 2024-01-03 buys 1.666667 X for 500
        S1 2024-06-03 sells 0.666666 X for 400
        S2 2024-06-04 sells 1.333334 X for 800
    """)
    assert sum(gain.basis for gain in result.gains) == 600
    assert sum(gain.proceeds for gain in result.gains) == 1200
    assert result.open_lots == ()


def test_a_price_tie_goes_to_the_earlier_lot() -> None:
    history = """
        B1 2024-01-02 buys 3 X @ 10
        B2 2024-01-03 buys 7 X @ 10
        S1 2024-06-03 sells 4 X @ 12
    """
    for method in ("hifo", "mingain", "maxgain"):
        assert closed(history, method) == [("B1", "3"), ("B2", "1")]
