"""Short sales beside shares of the same security: IRC 1233(b), (d); the examples of Publication 550 (1995)."""

from dataclasses import replace
from datetime import date

from tests.tax import fills, gain_lines, open_lines
from tickledger.tax.engine import compute
from tickledger.tax.fills import FillSide
from tickledger.tax.result import TaxResult


def _result(text: str, *, delivered: str = "") -> TaxResult:
    """The result of a history in which the fill of that id delivers shares that are held."""
    return compute(
        [replace(fill, side=FillSide.DELIVER) if fill.execution_id == delivered else fill for fill in fills(text)]
    )


def test_the_gain_of_a_short_is_short_term_where_the_shares_delivered_had_been_held_for_less_than_a_year() -> None:
    """Short Sales, Example 1: held for a year when they are delivered, but not when they were sold short."""
    result = _result(
        """
        B1 1995-05-01 buys 100 ABLE for 1000
        SS 1995-10-02 shorts 100 ABLE for 1600
        D1 1996-05-02 covers 100 ABLE for 0 lots B1:100
        """,
        delivered="D1",
    )
    (gain,) = result.gains
    assert (str(gain.gain_loss), str(gain.term), gain.acquired_date) == ("600.00", "S", date(1995, 5, 1))
    assert result.open_lots == ()


def test_the_holding_period_of_the_shares_begins_when_the_short_is_closed() -> None:
    """Short Sales, Example 2: 800 gained on shares of a year and a month, but counted from November 2."""
    result = _result("""
        B1 1995-05-04 buys 100 ABLE for 1000
        SS 1995-10-02 shorts 100 ABLE for 1600
        C1 1995-11-02 covers 100 ABLE for 1800
        S1 1996-06-03 sells 100 ABLE for 1800
    """)
    assert gain_lines(result) == [
        "C1 of SS: 100 sh. since 1995-11-02, 1600.00 - 1800.00 + 0.00 = -200.00 S",
        "S1 of B1: 100 sh. since 1995-11-02, 1800.00 - 1000.00 + 0.00 = 800.00 S",
    ]


def test_the_shares_bought_first_are_the_ones_whose_holding_period_begins_anew() -> None:
    """1233(b): in the order of acquisition, and no more shares than were sold short."""
    result = _result("""
        B1 2024-01-02 buys 100 X @ 10
        B2 2024-03-01 buys 100 X @ 10
        SS 2024-04-01 shorts 100 X @ 12
        C1 2024-08-01 covers 100 X @ 11
    """)
    assert open_lines(result) == [
        "B1: 100 sh. since 2024-08-01, basis 1000.00",
        "B2: 100 sh. since 2024-03-01, basis 1000.00",
    ]


def test_the_order_of_acquisition_counts_also_where_later_shares_are_sold_first() -> None:
    """1233(b): B1 alone is touched, though it is B2 that is sold while the short is open."""
    result = _result("""
        B1 2024-01-02 buys 100 X @ 10
        B2 2024-03-01 buys 100 X @ 10
        SS 2024-04-01 shorts 100 X @ 12
        S1 2025-06-02 sells 100 X @ 15 lots B2:100
        C1 2025-07-01 covers 100 X @ 11
    """)
    assert gain_lines(result)[0] == "S1 of B2: 100 sh. since 2024-03-01, 1500.00 - 1000.00 + 0.00 = 500.00 L"
    assert open_lines(result) == ["B1: 100 sh. since 2025-07-01, basis 1000.00"]


def test_a_loss_is_long_term_beside_shares_held_for_more_than_a_year() -> None:
    """1233(d), as far as there are such shares (1233(e)(1)): 100 of the 150 sold short."""
    result = _result("""
        B1 2023-01-03 buys 100 X @ 10
        SS 2024-04-01 shorts 150 X @ 12
        C1 2024-08-01 covers 150 X @ 13
    """)
    assert sorted((str(gain.quantity), str(gain.gain_loss), str(gain.term)) for gain in result.gains) == [
        ("100", "-100.00", "L"),
        ("50", "-50.00", "S"),
    ]
    assert open_lines(result) == ["B1: 100 sh. since 2023-01-03, basis 1000.00"]
