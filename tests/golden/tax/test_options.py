"""Options on stock: every cell of Table 4-3 of Publication 550 (2025), p. 88–90, and what wash sales do to options."""

import pytest

from tests.tax import action, computed, gain_lines, open_lines
from tickledger.domain.lot import ClosedBy
from tickledger.tax.result import TaxResult

JJJ = """
    C is a call on JJJ at 50 until 2025-12-19
    P is a put on JJJ at 50 until 2025-12-19
"""


def outcome(text: str) -> list[tuple[str, str, str]]:
    """Each gain as its gain or loss, its term and what closed it."""
    return [(str(gain.gain_loss), str(gain.term), str(gain.closed_by)) for gain in computed(JJJ + text).gains]


def disallowed(result: TaxResult) -> list[str]:
    return [str(gain.disallowed_loss) for gain in result.gains]


@pytest.mark.parametrize("option", ["C", "P"])
def test_table_4_3_an_option_expires(option: str) -> None:
    """Examples, 1: ten options of 4,000 run out: the holder's loss, by how long it was held; the writer's gain."""
    held = f"B1 2025-04-08 buys 10 {option} for 4000\nX1 2025-12-19 expires 10 {option}"
    assert outcome(held) == [("-4000.00", "S", ClosedBy.EXPIRY)]
    assert outcome(held.replace("2025-04-08", "2024-12-18")) == [("-4000.00", "L", ClosedBy.EXPIRY)]
    written = held.replace("B1 2025-04-08 buys", "W1 2024-04-08 shorts")
    assert outcome(written) == [("4000.00", "S", ClosedBy.EXPIRY)]


@pytest.mark.parametrize("option", ["C", "P"])
def test_table_4_3_an_option_is_sold_by_its_holder_or_bought_back_by_its_writer(option: str) -> None:
    """Examples, 2: for 6,000; a writer's loss is short-term however long the option was open."""
    held = f"B1 2025-04-08 buys 10 {option} for 4000\nS1 2025-05-06 sells 10 {option} for 6000"
    assert outcome(held) == [("2000.00", "S", ClosedBy.TRADE)]
    assert outcome(held.replace("2025-04-08", "2024-04-08")) == [("2000.00", "L", ClosedBy.TRADE)]
    written = f"W1 2024-04-08 shorts 10 {option} for 4000\nC1 2025-05-06 covers 10 {option} for 6000"
    assert outcome(written) == [("-2000.00", "S", ClosedBy.TRADE)]


def test_table_4_3_a_call_is_exercised_by_its_holder() -> None:
    """Examples, 3: its cost adds to the basis of the shares, whose holding period starts with the exercise."""
    result = computed(
        JJJ
        + """
        B1 2024-04-08 buys 10 C for 4000
        E1 2025-05-20 exercises 10 C fee 5
        S1 2026-05-20 sells 400 JJJ @ 60
    """
    )
    assert gain_lines(result) == ["S1 of E1: 400 sh. since 2025-05-20, 24000.00 - 21602.00 + 0.00 = 2398.00 S"]
    assert open_lines(result) == ["E1: 600 sh. since 2025-05-20, basis 32403.00"]


def test_table_4_3_a_put_is_exercised_by_its_holder() -> None:
    """Its cost comes off the amount realized; the term is that of the shares sold."""
    result = computed(
        JJJ
        + """
        B1 2023-01-03 buys 1000 JJJ @ 40
        B2 2024-04-08 buys 10 P for 4000
        E1 2025-05-20 exercises 10 P fee 5
    """
    )
    assert gain_lines(result) == ["E1 of B1: 1000 sh. since 2023-01-03, 45995.00 - 40000.00 + 0.00 = 5995.00 L"]
    assert result.open_lots == ()


def test_table_4_3_a_call_is_exercised_against_its_writer() -> None:
    """Examples, 3: what was received for it adds to the amount realized; the term is that of the shares."""
    result = computed(
        JJJ
        + """
        B1 2023-01-03 buys 1000 JJJ @ 40
        W1 2025-04-08 shorts 10 C for 4000
        A1 2025-05-20 assigns 10 C
    """
    )
    assert gain_lines(result) == ["A1 of B1: 1000 sh. since 2023-01-03, 54000.00 - 40000.00 + 0.00 = 14000.00 L"]


def test_table_4_3_a_put_is_exercised_against_its_writer() -> None:
    """What was received for it comes off the basis; the holding period starts when the stock is bought."""
    result = computed(
        JJJ
        + """
        W1 2024-04-08 shorts 10 P for 4000
        A1 2025-05-20 assigns 10 P
    """
    )
    assert open_lines(result) == ["A1: 1000 sh. since 2025-05-20, basis 46000.00"]
    assert result.gains == ()


def test_an_exercise_without_shares_opens_a_short() -> None:
    """The put's cost comes off what the short brought in, the written call's premium adds to it."""
    assert open_lines(computed(JJJ + "B1 2025-04-08 buys 1 P for 400\nE1 2025-05-20 exercises 1 P")) == [
        "E1: -100 sh. since 2025-05-20, basis 4600.00"
    ]
    assert open_lines(computed(JJJ + "W1 2025-04-08 shorts 1 C for 400\nA1 2025-05-20 assigns 1 C")) == [
        "A1: -100 sh. since 2025-05-20, basis 5400.00"
    ]


def test_part_of_the_shares_cannot_be_sold_and_the_rest_sold_short() -> None:
    result = computed(
        JJJ + "B1 2025-01-08 buys 50 JJJ @ 40\nW1 2025-04-08 shorts 1 C for 400\nA1 2025-05-20 assigns 1 C"
    )
    assert [(problem.expected, problem.found) for problem in result.problems] == [
        ("all or none of the 100 shares of JJJ held that are sold", "50")
    ]
    assert result.open_lots == ()


def test_an_exercise_that_is_told_twice_is_one_purchase() -> None:
    """Statements list the end of the option and the trade at the strike, with a fee on either."""
    result = computed(
        JJJ
        + """
        B1 2025-04-08 buys 2 C for 400 fee 2
        E1 2025-12-19 exercises 2 C
        T1 2025-12-19 buys 200 JJJ for 10000 fee 1
    """
    )
    assert open_lines(result) == ["T1: 200 sh. since 2025-12-19, basis 10403.00"]


def test_an_assignment_that_is_told_twice_is_one_sale_whichever_row_comes_first() -> None:
    result = computed(
        JJJ
        + """
        B1 2025-03-10 buys 200 JJJ @ 40
        W1 2025-03-10 shorts 2 C for 400 fee 2
        T1 2025-12-19 sells 200 JJJ for 10000 fee 1
        A1 2025-12-19 assigns 2 C
    """
    )
    assert gain_lines(result) == ["T1 of B1: 200 sh. since 2025-03-10, 10397.00 - 8000.00 + 0.00 = 2397.00 S"]


@pytest.mark.parametrize(
    "rows",
    [
        "E1 2025-12-19 exercises 1 C\nE2 2025-12-19 exercises 1 C\nT1 2025-12-19 buys 200 JJJ for 10000 fee 1",
        "T1 2025-12-19 buys 100 JJJ for 5000 fee 1\nT2 2025-12-19 buys 100 JJJ for 5000\nE1 2025-12-19 exercises 2 C",
        "E1 2025-12-19 exercises 2 C\nT1 2025-12-19 buys 150 JJJ for 7500\nT2 2025-12-19 buys 50 JJJ for 2500 fee 1",
    ],
)
def test_an_exercise_that_is_told_twice_may_be_told_in_different_parts(rows: str) -> None:
    result = computed(JJJ + "B1 2025-04-08 buys 2 C for 400\n" + rows)
    assert sum(lot.quantity for lot in result.open_lots) == 200
    assert sum(lot.adjusted_basis for lot in result.open_lots) == 10401


def test_an_exercise_closes_a_short_that_the_account_has_in_place_of_shares() -> None:
    """The statement says so in the leg, a BUY_TO_COVER, or nowhere; 4,000 brought in, 5,000 and the premium paid."""
    history = """
        SS 2025-01-02 shorts 100 JJJ @ 40
        B1 2025-03-10 buys 1 C for 400
        E1 2025-12-19 exercises 1 C
    """
    for leg, closing in (("", "E1"), ("T1 2025-12-19 covers 100 JJJ for 5000", "T1")):
        result = computed(JJJ + history + leg)
        assert gain_lines(result) == [
            f"{closing} of SS: 100 sh. since 2025-12-19, 4000.00 - 5400.00 + 0.00 = -1400.00 S"
        ]
        assert result.open_lots == ()


def test_an_assigned_put_closes_as_much_as_is_short_and_the_rest_is_bought() -> None:
    result = computed(
        JJJ
        + """
        SS 2025-01-02 shorts 60 JJJ @ 55
        W1 2025-03-10 shorts 1 P for 200
        A1 2025-06-20 assigns 1 P
    """
    )
    assert gain_lines(result) == ["A1 of SS: 60 sh. since 2025-06-20, 3300.00 - 2880.00 + 0.00 = 420.00 S"]
    assert open_lines(result) == ["A1: 40 sh. since 2025-06-20, basis 1920.00"]


def test_a_trade_at_another_price_is_another_trade() -> None:
    result = computed(
        JJJ
        + """
        B1 2025-04-08 buys 2 C for 400
        E1 2025-12-19 exercises 2 C
        T1 2025-12-19 buys 200 JJJ for 10001
    """
    )
    assert open_lines(result) == [
        "E1: 200 sh. since 2025-12-19, basis 10400.00",
        "T1: 200 sh. since 2025-12-19, basis 10001.00",
    ]


def test_a_contract_may_be_on_other_than_a_hundred_shares() -> None:
    """Also after it was cut up: three contracts on ten shares each, of which one and a half are exercised."""
    result = computed("""
        M is a call on JJJ at 50 until 2025-12-19 of 10
        B1 2025-04-08 buys 3 M for 30
        E1 2025-05-20 exercises 1.5 M
        S1 2025-05-21 sells 1.5 M for 20
    """)
    assert open_lines(result) == ["E1: 15 sh. since 2025-05-20, basis 765.00"]
    assert [str(gain.gain_loss) for gain in result.gains] == ["5.00"]


def test_a_loss_on_an_option_is_washed_by_the_same_contract_alone() -> None:
    """IRC 1091(a): options are securities; another strike is another security unless it is declared the same."""
    text = """
        C is a call on JJJ at 50 until 2025-12-19
        D is a call on JJJ at 55 until 2025-12-19
        B1 2025-03-03 buys 1 C for 500
        S1 2025-04-03 sells 1 C for 300
        B2 2025-04-20 buys 1 {option} for 250
    """
    assert open_lines(computed(text.format(option="C"))) == ["B2: 1 sh. since 2025-03-20, basis 450.00"]
    assert disallowed(computed(text.format(option="D"))) == ["0.00"]


def test_an_expired_option_is_a_loss_that_a_new_one_may_wash() -> None:
    """Pub. 550, p. 88: an option that was not exercised counts as sold on the day on which it expired."""
    result = computed("""
        C is a call on JJJ at 50 until 2025-06-20
        B1 2025-03-03 buys 1 C for 500
        B2 2025-06-02 buys 1 C for 100
        X1 2025-06-20 expires 2 C
        B3 2025-06-23 buys 1 C for 1
    """)
    assert disallowed(result) == ["500.00", "0.00"]


def test_a_call_bought_washes_a_loss_on_as_many_shares_as_it_is_a_right_to() -> None:
    """IRC 1091(a), (b): a contract or option to acquire; 100 of 150 shares, in the proportion of the loss."""
    result = computed(
        JJJ
        + """
        B1 2023-01-03 buys 150 JJJ @ 60
        S1 2025-03-03 sells 150 JJJ @ 50
        B2 2025-03-10 buys 1 C for 200
    """
    )
    assert gain_lines(result) == ["S1 of B1: 150 sh. since 2023-01-03, 7500.00 - 9000.00 + 1000.00 = -500.00 L"]
    assert open_lines(result) == ["B2: 1 sh. since 2023-01-10, basis 1200.00"]
    assert [wash.rule for wash in result.wash_sales] == ["IRC 1091(a): an option to acquire"]


def test_a_call_bought_before_the_sale_washes_too_also_where_one_order_bought_both() -> None:
    """IRC 1091(a): within 30 days before; Rev. Rul. 56-602 is about parts of one lot, not about an option beside it."""
    for order in ("O1", "O2"):
        result = computed(
            JJJ
            + f"""
            B1 2025-02-20 buys 150 JJJ @ 60 order O1
            B2 2025-02-20 buys 1 C for 200 order {order}
            S1 2025-03-03 sells 150 JJJ @ 50
        """
        )
        assert disallowed(result) == ["1000.00"]


def test_a_put_bought_is_no_right_to_acquire() -> None:
    result = computed(
        JJJ
        + """
        B1 2023-01-03 buys 100 JJJ @ 60
        S1 2025-03-03 sells 100 JJJ @ 50
        B2 2025-03-10 buys 1 P for 200
    """
    )
    assert result.wash_sales == ()


def test_the_shares_of_a_call_are_used_once_and_its_carried_loss_goes_into_them() -> None:
    """IRC 1091(d), 1223(3): the basis and the days of the 150 shares lost on go through the call into its shares.

    Reg. 1.1091-1(e): their acquisition counts once, so the later loss finds only the 50 shares that are left: the
    calls had cost 2 a share.
    """
    result = computed(
        JJJ
        + """
        B1 2023-01-03 buys 210 JJJ @ 60
        S1 2025-03-03 sells 150 JJJ @ 50
        B2 2025-03-10 buys 2 C for 400
        E1 2025-03-20 exercises 2 C
        S2 2025-03-25 sells 60 JJJ @ 40
    """
    )
    assert gain_lines(result) == [
        "S1 of B1: 150 sh. since 2023-01-03, 7500.00 - 9000.00 + 1500.00 = 0.00 L",
        "S2 of B1: 60 sh. since 2023-01-03, 2400.00 - 3600.00 + 1000.00 = -200.00 L",
    ]
    assert open_lines(result) == [
        "E1: 150 sh. since 2023-01-20, basis 9300.00",  # 50 + 2 + 10 a share; 790 days before March 20
        "E1: 50 sh. since 2022-12-29, basis 3600.00",  # 50 + 2 + 20 a share; 812 days before March 20
    ]


def test_a_loss_carried_by_a_put_that_is_exercised_comes_off_the_amount_realized() -> None:
    result = computed(
        JJJ
        + """
        B1 2023-01-03 buys 100 JJJ @ 40
        B2 2025-03-10 buys 1 P for 200
        S2 2025-03-11 sells 1 P for 100
        B3 2025-03-12 buys 1 P for 150
        E1 2025-03-20 exercises 1 P
    """
    )
    assert gain_lines(result)[1] == "E1 of B1: 100 sh. since 2023-01-03, 4750.00 - 4000.00 + 0.00 = 750.00 L"


def test_a_loss_carried_by_a_written_put_goes_into_the_basis_of_the_shares() -> None:
    """IRC 1091(e)(2): 300 lost on closing; the next put's 500 count as 200, which come off the strike."""
    result = computed(
        JJJ
        + """
        W1 2025-03-10 shorts 2 P for 400
        C1 2025-03-11 covers 2 P for 700
        W2 2025-03-12 shorts 2 P for 500
        A1 2025-03-20 assigns 2 P
    """
    )
    assert disallowed(result) == ["300.00"]
    assert open_lines(result) == ["A1: 200 sh. since 2025-03-20, basis 9800.00"]


def test_shares_bought_by_a_put_that_is_assigned_wash_a_loss() -> None:
    """They are acquired by purchase (Reg. 1.1091-1(a)), at the strike less the premium."""
    result = computed(
        JJJ
        + """
        B1 2023-01-03 buys 100 JJJ @ 60
        W1 2025-02-10 shorts 1 P for 200
        S1 2025-03-03 sells 100 JJJ @ 45
        A1 2025-03-20 assigns 1 P
    """
    )
    assert disallowed(result) == ["1500.00"]
    assert open_lines(result) == ["A1: 100 sh. since 2023-01-20, basis 6300.00"]


def test_an_option_that_was_never_bought_cannot_be_exercised() -> None:
    """The shares it would have bought are left out with it; nothing is guessed."""
    result = computed(JJJ + "B1 2025-01-03 buys 100 JJJ @ 60\nE1 2025-05-20 exercises 1 C")
    assert result.left_out == ("C", "JJJ")
    assert [problem.found for problem in result.problems] == ["EXERCISE 1"]


@pytest.mark.parametrize("multiplier", ["0", "-100", "66.67"])
def test_a_contract_on_no_whole_number_of_shares_is_not_computed(multiplier: str) -> None:
    result = computed(f"""
        C is a call on JJJ at 50 until 2025-12-19 of {multiplier}
        B1 2025-04-08 buys 3 C for 30
        B2 2025-04-08 buys 3 JJJ for 150
    """)
    assert [(problem.column, problem.found) for problem in result.problems] == [("multiplier", multiplier)]
    assert open_lines(result) == ["B2: 3 sh. since 2025-04-08, basis 150.00"]


def test_shares_that_came_of_an_exercise_alone_split_too() -> None:
    result = computed(
        JJJ + "B1 2025-04-08 buys 1 C for 400\nE1 2025-05-20 exercises 1 C",
        corporate_actions=[action("JJJ 2025-06-02 split", ratio="2")],
    )
    assert open_lines(result) == ["E1: 200 sh. since 2025-05-20, basis 5400.00"]
