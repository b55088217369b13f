"""Shares that move without a sale: gifts, transfers between accounts, delivery against a short.

IRC 1015 (a gift keeps its basis), Reg. 1.1012-1(c) (the lots of an account, earliest first), Reg. 1.1233-1(a)(3),
(4) (the term of a short sale is that of the shares delivered), Reg. 1.1091-1(g) (sold when the short was opened).
"""

import pytest

from tests.tax import account, action, computed, gain_lines, open_lines
from tickledger.tax.result import TaxResult


def warnings(result: TaxResult) -> list[str]:
    return [f"{problem.expected}; {problem.found}" for problem in result.problems if problem.severity == "warning"]


def test_a_gift_realizes_nothing_and_takes_its_basis_along() -> None:
    result = computed("""
        B1 2023-01-03 buys 10 X @ 50
        B2 2023-02-03 buys 10 X @ 60
        G1 2024-03-04 gives 12 X
        S1 2024-06-03 sells 8 X @ 70
    """)
    assert gain_lines(result) == ["S1 of B2: 8 sh. since 2023-02-03, 560.00 - 480.00 + 0.00 = 80.00 L"]
    assert result.open_lots == ()
    assert result.problems == ()


def test_a_gift_may_name_the_lots_that_are_given() -> None:
    result = computed("""
        B1 2023-01-03 buys 10 X @ 50
        B2 2023-02-03 buys 10 X @ 60
        G1 2024-03-04 gives 10 X lots B2:10
    """)
    assert open_lines(result) == ["B1: 10 sh. since 2023-01-03, basis 500.00"]


def test_shares_given_away_before_a_loss_replace_nothing() -> None:
    """Policy P1: they are no longer held when the loss is made."""
    result = computed("""
        B1 2023-01-03 buys 10 X @ 50
        B2 2024-03-01 buys 10 X @ 30
        G1 2024-03-04 gives 10 X lots B2:10
        S1 2024-03-05 sells 10 X @ 30
    """)
    assert [str(gain.disallowed_loss) for gain in result.gains] == ["0.00"]


def test_a_loss_carried_by_shares_that_are_given_away_goes_with_them() -> None:
    """IRC 1091(d) put it into their basis, which is the donee's now; no loss of the donor is left."""
    result = computed("""
        B1 2023-01-03 buys 10 X @ 50
        S1 2024-03-04 sells 10 X @ 40
        B2 2024-03-05 buys 10 X @ 40
        G1 2024-06-03 gives 4 X
        S2 2024-07-01 sells 6 X @ 60
    """)
    assert [str(gain.gain_loss) for gain in result.gains] == ["0.00", "60.00"]
    assert result.gains[1].basis == 6 * 50


MOVED = """
    B1 2023-01-03 buys 10 X @ 50
    S1 2024-03-04 sells 10 X @ 40
    B2 2024-03-05 buys 10 X @ 40
    O1 2024-05-01 sends 6 X
    I1 2024-05-06 receives 6 X in T2
    S2 2024-06-03 sells 6 X @ 60 in T2
"""


def test_shares_moved_to_another_account_keep_their_opening_dates_basis_and_carried_loss() -> None:
    result = computed(MOVED)
    assert gain_lines(result)[1:] == ["S2 of B2: 6 sh. since 2023-01-04, 360.00 - 300.00 + 0.00 = 60.00 L"]
    assert result.gains[1].acquired_date.isoformat() == "2024-03-05"
    assert open_lines(result) == ["B2: 4 sh. since 2023-01-04, basis 200.00"]
    assert {lot.account_id for lot in result.open_lots} == {"T1"}
    assert result.problems == ()


def test_the_result_is_the_one_of_shares_that_never_moved() -> None:
    stayed = (
        MOVED.replace(" in T2", "").replace("O1 2024-05-01 sends 6 X", "").replace("I1 2024-05-06 receives 6 X", "")
    )
    assert gain_lines(computed(MOVED)) == gain_lines(computed(stayed))


def test_what_arrives_takes_its_place_by_the_date_it_was_bought_on() -> None:
    """Reg. 1.1012-1(c)(1): the earliest acquisition of the account is sold first, however late it arrived."""
    result = computed("""
        B1 2024-01-02 buys 4 X @ 50
        B2 2024-02-01 buys 10 X @ 60 in T2
        O1 2024-03-01 sends 4 X
        I1 2024-03-05 receives 4 X in T2
        S1 2025-01-15 sells 5 X @ 70 in T2
    """)
    assert gain_lines(result) == [
        "S1 of B1: 4 sh. since 2024-01-02, 280.00 - 200.00 + 0.00 = 80.00 L",
        "S1 of B2: 1 sh. since 2024-02-01, 70.00 - 60.00 + 0.00 = 10.00 S",
    ]


def test_shares_replace_a_loss_before_on_and_after_their_way_to_another_account() -> None:
    """They were bought in the 30 days and are held all the time (Reg. 1.1091-1(a))."""
    result = computed("""
        B1 2023-01-03 buys 10 X @ 50
        B2 2024-03-01 buys 10 X @ 40
        S1 2024-03-04 sells 2 X @ 40
        O1 2024-03-05 sends 10 X lots B2:10
        S2 2024-03-06 sells 3 X @ 40
        I1 2024-03-07 receives 10 X in T2
        S3 2024-03-08 sells 5 X @ 40
    """)
    assert [str(gain.disallowed_loss) for gain in result.gains] == ["20.00", "30.00", "50.00"]
    assert sum(lot.adjusted_basis for lot in result.open_lots) == 10 * 40 + 100


def test_the_arrival_may_stand_before_the_sending_of_the_same_day() -> None:
    """Files are often sorted by account; nothing arrives that was not sent."""
    result = computed("""
        B1 2024-01-02 buys 10 X @ 50 in B
        I1 2024-03-01 receives 10 X in A
        O1 2024-03-01 sends 10 X in B
    """)
    assert open_lines(result) == ["B1: 10 sh. since 2024-01-02, basis 500.00"]
    assert (result.open_lots[0].account_id, result.problems) == ("A", ())


def test_what_happens_to_the_security_happens_to_shares_on_their_way() -> None:
    result = computed(
        """
        B1 2024-01-02 buys 10 X @ 50
        O1 2024-04-08 sends 10 X
        I1 2024-04-12 receives 30 NEW in T2
        """,
        corporate_actions=[
            action("X 2024-04-10 split", ratio="3"),
            action("X 2024-04-11 ticker_change", new_symbol="NEW"),
        ],
    )
    assert open_lines(result) == ["B1: 30 sh. since 2024-01-02, basis 500.00"]
    assert (result.open_lots[0].symbol, result.problems) == ("NEW", ())


def test_transfers_without_another_end_are_told_and_the_dollars_still_balance() -> None:
    result = computed("""
        B1 2023-01-03 buys 10 X @ 50
        O1 2024-03-04 sends 10 X
        I1 2024-03-05 receives 9 X for 450 in T2
        S1 2024-06-03 sells 9 X @ 60 in T2
    """)
    assert gain_lines(result) == ["S1 of I1: 9 sh. since 2024-03-05, 540.00 - 450.00 + 0.00 = 90.00 S"]
    assert warnings(result) == [
        (
            "a TRANSFER_OUT of 9 X from another account before it; "
            "none; the shares are taken as acquired on 2024-03-05 for 450"
        ),
        "a TRANSFER_IN of 10 X in another account after it; none; the shares are off the books",
    ]


def test_between_a_taxable_account_and_an_ira_nothing_goes_on_as_it_was() -> None:
    """Pub. 590-B: what an IRA distributes has the value of that day as its basis, not the IRA's."""
    result = computed(
        """
        B1 2023-01-03 buys 10 X @ 50 in IRA
        O1 2024-03-04 sends 10 X in IRA
        I1 2024-03-05 receives 10 X for 800
        """,
        accounts=[account("T1"), account("IRA", "ira")],
    )
    assert open_lines(result) == ["I1: 10 sh. since 2024-03-05, basis 800.00"]
    assert len(warnings(result)) == 2


@pytest.mark.parametrize("word", ["gives", "sends", "delivers"])
def test_more_than_is_held_cannot_leave(word: str) -> None:
    result = computed(f"""
        B1 2023-01-03 buys 10 X @ 50
        G1 2024-03-04 {word} 11 X
        C1 2023-01-03 buys 10 Y @ 50
    """)
    assert [problem.column for problem in result.problems] == ["quantity"]
    assert result.problems[0].expected == "at most the 10 shares of X held in T1 on 2024-03-04"
    assert [lot.symbol for lot in result.open_lots] == ["Y"]


def test_no_more_can_be_delivered_than_is_short() -> None:
    result = computed("""
        B1 2024-01-02 buys 10 X @ 50
        SS 2024-02-01 shorts 5 X @ 55
        D1 2024-03-04 delivers 6 X
    """)
    assert result.left_out == ("X",)
    assert [problem.expected for problem in result.problems if problem.severity == "error"] == [
        "at most the 5 shares of X short"
    ]


def test_publication_550_a_loss_on_delivery_is_washed_by_a_purchase_around_the_short_sale() -> None:
    """W17. Pub. 550 (2025), p. 88: bought June 4, short October 15, bought October 16, delivered November 19."""
    result = computed("""
        B1 2024-06-04 buys 100 X for 1000
        SS 2024-10-15 shorts 100 X for 750
        B2 2024-10-16 buys 100 X for 750
        D1 2024-11-19 delivers 100 X lots B1:100
    """)
    (gain,) = result.gains
    assert (str(gain.proceeds), str(gain.basis), str(gain.disallowed_loss)) == ("750.00", "1000.00", "250.00")
    assert (gain.acquired_date.isoformat(), gain.sold_date.isoformat()) == ("2024-06-04", "2024-11-19")
    assert open_lines(result) == ["B2: 100 sh. since 2024-10-16, basis 1000.00"]
    assert [wash.rule[:17] for wash in result.wash_sales] == ["Reg. 1.1091-1(g):"]


def test_thirty_days_are_counted_from_the_short_sale_not_from_the_delivery() -> None:
    """W17. Reg. 1.1091-1(g); the purchases of November are 31 days and more after October 15."""
    result = computed("""
        B1 2024-06-04 buys 100 X for 1000
        SS 2024-10-15 shorts 100 X for 750
        B2 2024-11-15 buys 100 X for 750
        D1 2024-11-19 delivers 100 X lots B1:100
        B3 2024-11-20 buys 100 X for 750
    """)
    assert [str(gain.disallowed_loss) for gain in result.gains] == ["0.00"]


def test_a_purchase_after_an_early_delivery_still_counts_until_thirty_days_after_the_short_sale() -> None:
    for day, disallowed in (("2024-11-14", "250.00"), ("2024-11-15", "0.00")):
        result = computed(f"""
            B1 2024-06-04 buys 100 X for 1000
            SS 2024-10-15 shorts 100 X for 750
            D1 2024-10-20 delivers 100 X
            B2 {day} buys 100 X for 750
        """)
        assert [str(gain.disallowed_loss) for gain in result.gains] == [disallowed]


def test_a_loss_on_delivery_may_change_until_thirty_days_after_the_short_sale() -> None:
    text = """
        B1 2024-06-04 buys 100 X for 1000
        SS 2024-10-15 shorts 100 X for 750
        D1 2024-10-20 delivers 100 X
        C1 {} buys 1 Y for 1
    """
    (open_gain,) = computed(text.format("2024-11-13")).gains
    assert (open_gain.is_provisional, str(open_gain.open_until_date)) == (True, "2024-11-14")
    (closed_gain,) = computed(text.format("2024-11-14")).gains
    assert not closed_gain.is_provisional


def test_shares_bought_after_the_short_sale_close_it_on_the_day_of_delivery() -> None:
    """Reg. 1.1091-1(g) is for shares owned when the short was opened; the term is that of the delivered shares."""
    result = computed("""
        SS 2024-10-15 shorts 100 X for 750
        B1 2024-11-01 buys 100 X for 1000
        D1 2024-11-19 delivers 100 X
        B2 2024-11-20 buys 100 X for 1000
    """)
    (gain,) = result.gains
    assert (str(gain.gain_loss), str(gain.term), gain.acquired_date.isoformat()) == ("-250.00", "S", "2024-11-01")
    assert result.wash_sales == ()


def test_shares_held_for_more_than_a_year_at_the_short_sale_make_a_long_term_gain_or_loss() -> None:
    """Reg. 1.1233-1(a)(3); IRC 1233(b)(1) and (d) look at the day of the short sale."""
    for price, gain_loss in (("1600", "600.00"), ("700", "-300.00")):
        result = computed(f"""
            B1 2023-05-01 buys 100 X for 1000
            SS 2024-10-02 shorts 100 X for {price}
            D1 2024-11-01 delivers 100 X
        """)
        assert [(str(gain.gain_loss), str(gain.term)) for gain in result.gains] == [(gain_loss, "L")]


def test_a_gain_is_short_term_as_far_as_other_shares_were_not_long_term_at_the_short_sale() -> None:
    """IRC 1233(b)(1): notwithstanding how long the property used to close the short sale was held."""
    result = computed("""
        B1 2023-05-01 buys 100 X for 1000
        B2 2024-09-02 buys 40 X for 400
        SS 2024-10-02 shorts 100 X for 1600
        D1 2024-11-01 delivers 100 X lots B1:100
    """)
    assert sorted((str(gain.quantity), str(gain.gain_loss), str(gain.term)) for gain in result.gains) == [
        ("40", "240.00", "S"),
        ("60", "360.00", "L"),
    ]


def test_a_loss_is_long_term_beside_long_term_shares_whichever_are_delivered() -> None:
    """IRC 1233(d): notwithstanding how long the property used to close the short sale was held."""
    result = computed("""
        B1 2023-05-01 buys 100 X for 500
        SS 2024-10-02 shorts 100 X for 1000
        B2 2024-10-20 buys 100 X for 1300
        D1 2025-01-15 delivers 100 X lots B2:100
    """)
    assert [(str(gain.gain_loss), str(gain.term)) for gain in result.gains] == [("-300.00", "L")]
