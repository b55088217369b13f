"""Short sales: IRC 1233, 1091(e), 1259; Pub. 550 (2025), p. 85–88. Deliveries of shares held are in `test_holdings`.

What stands beside shares is in `test_short_sales_beside_shares` as well, by the examples of an older Publication 550.
"""

import pytest

from tests.tax import account, computed, gain_lines, open_lines
from tickledger.tax.result import TaxResult


def terms(result: TaxResult) -> list[tuple[str, str, str]]:
    """Each gain as what closed it, its gain or loss, and its term."""
    return [(gain.close_execution_id, str(gain.gain_loss), str(gain.term)) for gain in result.gains]


def disallowed(result: TaxResult) -> list[str]:
    return [str(gain.disallowed_loss) for gain in result.gains]


def test_schedule_d_a_short_sale_is_reported_when_it_is_closed() -> None:
    """Instructions for Form 8949: ten shares sold short for 100 in one year, bought for 80 in the next."""
    result = computed("""
        SS 2024-12-16 shorts 10 XYZ for 100
        C1 2025-02-03 covers 10 XYZ for 80
    """)
    (gain,) = result.gains
    assert (str(gain.proceeds), str(gain.basis), str(gain.gain_loss), gain.tax_year) == (
        "100.00",
        "80.00",
        "20.00",
        2025,
    )
    assert (gain.acquired_date, gain.sold_date) == (gain.sold_date, gain.acquired_date)
    assert gain.is_short


def test_a_gain_is_short_term_where_shares_were_bought_while_the_short_was_open() -> None:
    """IRC 1233(b)(1), (2): and what was bought counts as held from the closing on."""
    result = computed("""
        SS 2023-06-01 shorts 10 X @ 20
        B1 2023-07-03 buys 10 X @ 15
        C1 2024-08-01 covers 10 X @ 10
        S1 2024-09-03 sells 10 X @ 18
    """)
    assert terms(result) == [("C1", "100.00", "S"), ("S1", "30.00", "S")]
    assert gain_lines(result)[1].split(",")[0] == "S1 of B1: 10 sh. since 2024-08-01"


def test_shares_sold_before_the_closing_count_from_the_day_they_are_sold() -> None:
    """IRC 1233(b)(2): the date of the closing or of the sale of the property, whichever comes first."""
    result = computed("""
        B1 2023-06-01 buys 10 X @ 10
        SS 2024-01-03 shorts 10 X @ 20
        S1 2024-08-01 sells 10 X @ 25
        C1 2024-09-03 covers 10 X @ 12
        B2 2024-09-03 buys 10 X @ 12
    """)
    assert terms(result)[0] == ("S1", "150.00", "S")
    assert open_lines(result) == ["B2: 10 sh. since 2024-09-03, basis 120.00"]


def test_no_more_shares_start_anew_than_were_sold_short() -> None:
    """IRC 1233(b)(2) with (e)(1): 6 of 10; Pub. 550, p. 85: not the excess."""
    result = computed("""
        B1 2023-06-01 buys 10 X @ 10
        SS 2024-01-03 shorts 6 X @ 20
        C1 2024-02-01 covers 6 X @ 12
    """)
    assert open_lines(result) == [
        "B1: 6 sh. since 2024-02-01, basis 60.00",
        "B1: 4 sh. since 2023-06-01, basis 40.00",
    ]


def test_long_term_shares_stay_long_term() -> None:
    """IRC 1233(b) is about property held for not more than a year on the day of the short sale."""
    result = computed("""
        B1 2022-06-01 buys 10 X @ 10
        SS 2024-01-03 shorts 10 X @ 20
        C1 2024-02-01 covers 10 X @ 12
        S1 2024-02-05 sells 10 X @ 30
    """)
    assert terms(result) == [("C1", "80.00", "S"), ("S1", "200.00", "L")]


def test_exactly_a_year_is_not_more_than_a_year() -> None:
    for shorted, term in (("2024-06-01", "S"), ("2024-06-02", "L")):
        result = computed(f"""
            B1 2023-06-01 buys 10 X @ 10
            SS {shorted} shorts 10 X @ 20
            C1 2024-07-01 covers 10 X @ 25
        """)
        assert terms(result) == [("C1", "-50.00", term)]


def test_what_the_spouse_holds_counts_and_what_an_ira_holds_does_not() -> None:
    """IRC 1233(e)(2)(C): the taxpayer is read as the taxpayer or his spouse."""
    accounts = [account("T1"), account("SPOUSE", "spouse_taxable", owner="spouse"), account("IRA", "ira")]
    for holder, term in (("SPOUSE", "L"), ("IRA", "S")):
        result = computed(
            f"""
            B1 2022-06-01 buys 10 X @ 10 in {holder}
            SS 2024-01-03 shorts 10 X @ 20
            C1 2024-02-01 covers 10 X @ 25
            """,
            accounts=accounts,
        )
        assert terms(result) == [("C1", "-50.00", term)]


def test_identical_securities_stand_beside_a_short_as_well() -> None:
    result = computed(
        """
        B1 2022-06-01 buys 10 GOOG @ 10
        SS 2024-01-03 shorts 10 GOOGL @ 20
        C1 2024-02-01 covers 10 GOOGL @ 25
        """,
        identity={"GOOG": "Alphabet", "GOOGL": "Alphabet"},
    )
    assert terms(result) == [("C1", "-50.00", "L")]


def test_publication_550_a_short_sale_beside_shares_that_gained_is_told_not_computed() -> None:
    """Pub. 550, p. 85 (Baker): a constructive sale (IRC 1259) unless it is closed in time; a person has to decide."""
    result = computed("""
        B1 2025-05-06 buys 100 BAKER for 1000
        SS 2025-09-09 shorts 100 BAKER for 1600
    """)
    (problem,) = result.problems
    assert (problem.severity, problem.column) == ("warning", "side")
    assert "constructive sale (IRC 1259)" in problem.expected
    assert problem.found == "SELL_SHORT of BAKER on 2025-09-09 with 100 shares held"
    assert result.gains == ()


@pytest.mark.parametrize(("day", "washed"), [("2025-04-02", "100.00"), ("2025-04-03", "0.00")])
def test_another_short_sale_within_thirty_days_of_the_closing_takes_its_loss(day: str, washed: str) -> None:
    """IRC 1091(e)(2): also one before the closing; on the 31st day it is over."""
    result = computed(f"""
        A1 2025-01-02 shorts 10 X @ 100
        C1 2025-03-03 covers 10 X @ 110
        A2 {day} shorts 10 X @ 110
    """)
    assert disallowed(result) == [washed]


def test_a_short_sale_before_the_closing_takes_its_loss_too() -> None:
    for day, washed in (("2025-02-01", "100.00"), ("2025-01-31", "0.00")):
        result = computed(f"""
            A1 2025-01-02 shorts 10 X @ 100
            A2 {day} shorts 10 X @ 105
            C1 2025-03-03 covers 10 X @ 110 lots A1:10
        """)
        assert disallowed(result) == [washed]


def test_a_sale_within_thirty_days_after_the_closing_takes_its_loss() -> None:
    """IRC 1091(e)(1): the loss of 20 counts when the shares are sold, in their basis."""
    for day, washed, gained in (("2025-01-19", "20.00", "10.00"), ("2025-01-20", "0.00", "30.00")):
        result = computed(f"""
            A1 2024-12-02 shorts 10 X @ 10
            C1 2024-12-20 covers 10 X @ 12
            B1 2024-12-23 buys 10 X @ 12
            S1 {day} sells 10 X @ 15
        """)
        assert str(result.gains[0].disallowed_loss) == washed
        assert str(result.gains[1].gain_loss) == gained


def test_a_purchase_alone_does_not_wash_the_loss_of_a_short() -> None:
    """1091(e) asks for a sale or another short sale, not for a purchase."""
    result = computed("""
        A1 2024-12-02 shorts 10 X @ 10
        C1 2024-12-20 covers 10 X @ 12
        B1 2024-12-23 buys 10 X @ 12
    """)
    assert disallowed(result) == ["0.00"]


def test_another_short_sale_does_not_wash_the_loss_of_a_sale() -> None:
    """1091(a) asks for an acquisition."""
    result = computed("""
        B1 2024-06-03 buys 10 X @ 12
        S1 2024-12-20 sells 10 X @ 10
        A1 2024-12-23 shorts 10 X @ 10
    """)
    assert disallowed(result) == ["0.00"]


def test_a_share_of_a_sale_takes_over_one_loss_of_a_short() -> None:
    """Reg. 1.1091-1(e) in the mirror: the sale of three takes over the losses of three of five, and no more."""
    result = computed("""
        A1 2024-12-02 shorts 5 X @ 10
        C1 2024-12-20 covers 5 X @ 12
        B1 2024-12-23 buys 3 X @ 12
        S1 2025-01-10 sells 3 X @ 15
    """)
    assert [str(gain.gain_loss) for gain in result.gains] == ["-4.00", "3.00"]
    assert disallowed(result) == ["6.00", "0.00"]


def test_a_short_is_no_sale_and_a_cover_no_purchase() -> None:
    """The side says which: shares that are bought do not close a short, nor does a short sale sell them."""
    result = computed("""
        SS 2024-12-02 shorts 10 X @ 10
        B1 2024-12-20 buys 10 X @ 12
    """)
    assert result.gains == ()
    assert open_lines(result) == [
        "B1: 10 sh. since 2024-12-20, basis 120.00",
        "SS: -10 sh. since 2024-12-02, basis 100.00",
    ]


def test_costs_reduce_what_a_short_brings_in_and_add_to_what_closing_it_costs() -> None:
    result = computed("""
        SS 2024-12-02 shorts 10 X @ 10 fee 1
        C1 2024-12-20 covers 10 X @ 8 fee 2
    """)
    assert gain_lines(result) == ["C1 of SS: 10 sh. since 2024-12-20, 99.00 - 82.00 + 0.00 = 17.00 S"]
