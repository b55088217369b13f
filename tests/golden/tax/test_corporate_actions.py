"""Corporate actions on lots: Publication 550's examples, and each kind's rule."""

from decimal import Decimal

import pytest

from tests.tax import action, computed, gain_lines, open_lines
from tickledger.domain.errors import Problem
from tickledger.tax.result import TaxResult


def messages(result: TaxResult) -> list[str]:
    return [f"{problem.severity}: {problem.expected}" for problem in result.problems]


def test_publication_550_two_new_shares_for_each_spread_the_basis() -> None:
    """Pub. 550, stock dividends, Example 1: one share for 45 becomes three of 15 each."""
    result = computed("B1 2024-01-02 buys 1 C @ 45", corporate_actions=[action("C 2024-06-03 split", ratio="3")])
    assert open_lines(result) == ["B1: 3 sh. since 2024-01-02, basis 45.00"]


def test_publication_550_two_lots_keep_their_own_bases() -> None:
    """Pub. 550, stock dividends, Example 2: three shares of 10 and three of 15."""
    result = computed(
        """
        B1 2024-01-02 buys 1 D @ 30
        B2 2024-02-02 buys 1 D @ 45
        """,
        corporate_actions=[action("D 2024-06-03 split", ratio="3")],
    )
    assert open_lines(result) == [
        "B1: 3 sh. since 2024-01-02, basis 30.00",
        "B2: 3 sh. since 2024-02-02, basis 45.00",
    ]


def test_a_split_by_thirds_leaves_no_share_behind() -> None:
    result = computed(
        """
        B1 2024-01-02 buys 10 X @ 30
        S1 2024-07-01 sells 2 X @ 100
        """,
        corporate_actions=[action("X 2024-06-03 split", ratio="1/3")],
    )
    assert gain_lines(result) == ["S1 of B1: 2 sh. since 2024-01-02, 200.00 - 180.00 + 0.00 = 20.00 S"]
    (left,) = result.open_lots
    assert abs(left.quantity - Decimal(4) / 3) < Decimal("1e-20")
    assert left.adjusted_basis == Decimal("120.00")


def test_cash_in_lieu_is_a_sale_of_the_fraction() -> None:
    """1 for 10 of 105 shares: ten are left, and half a share was sold for 45."""
    result = computed(
        "B1 2024-01-02 buys 105 X @ 10",
        corporate_actions=[action("X 2025-03-10 split", ratio="1/10", cash_in_lieu="45")],
    )
    assert gain_lines(result) == [
        "CA:X:2025-03-10 of B1: 0.5 sh. since 2024-01-02, 45.00 - 50.00 + 0.00 = -5.00 L",
    ]
    assert open_lines(result) == ["B1: 10 sh. since 2024-01-02, basis 1000.00"]


def test_a_loss_before_a_split_is_replaced_in_split_adjusted_shares() -> None:
    """Policy P5: 150 new shares are worth 75 of the 100 old ones that were sold at a loss of 20 each."""
    text = """
        B1 2025-01-02 buys 100 X @ 100
        S1 2025-03-03 sells 100 X @ 80
        B2 2025-03-20 buys 150 X @ 40
    """
    result = computed(text, corporate_actions=[action("X 2025-03-10 split", ratio="2")])
    assert gain_lines(result) == ["S1 of B1: 100 sh. since 2025-01-02, 8000.00 - 10000.00 + 1500.00 = -500.00 S"]
    assert open_lines(result) == ["B2: 150 sh. since 2025-01-19, basis 7500.00"]


def test_a_replacement_keeps_its_basis_and_period_through_a_split() -> None:
    result = computed(
        """
        B1 2024-01-02 buys 10 X @ 100
        S1 2024-03-01 sells 10 X @ 80
        B2 2024-03-10 buys 10 X @ 80
        S2 2025-02-15 sells 20 X @ 60
        """,
        corporate_actions=[action("X 2024-06-03 split", ratio="2")],
    )
    # Held 59 days before and 342 after: more than a year together.
    assert gain_lines(result)[1] == "S2 of B2: 20 sh. since 2024-01-11, 1200.00 - 1000.00 + 0.00 = 200.00 L"


def test_capital_returned_above_the_basis_is_gain() -> None:
    """IRC 301(c): the basis of 5 a share is used up, 2 a share are gain."""
    result = computed(
        """
        B1 2024-01-02 buys 100 X @ 5
        B2 2024-01-03 buys 100 X @ 9
        """,
        corporate_actions=[action("X 2024-06-03 return_of_capital", amount="7")],
    )
    assert gain_lines(result) == [
        "CA:X:2024-06-03 of B1: 100 sh. since 2024-01-02, 200.00 - 0.00 + 0.00 = 200.00 S",
    ]
    assert open_lines(result) == [
        "B1: 100 sh. since 2024-01-02, basis 0.00",
        "B2: 100 sh. since 2024-01-03, basis 200.00",
    ]
    assert [str(lot.original_basis) for lot in result.open_lots] == ["500.00", "900.00"]


def test_a_spin_off_spreads_the_basis_by_value() -> None:
    """One new share for four old ones, worth 30 and 20 a share after it: 30 : 4 × 20 of the basis."""
    result = computed(
        """
        B1 2024-01-02 buys 100 OLD @ 22
        S1 2025-02-03 sells 25 NEW @ 35
        """,
        corporate_actions=[action("OLD 2024-06-03 spinoff", ratio="1/4", new_symbol="NEW", fmv_old="20", fmv_new="30")],
    )
    assert gain_lines(result) == ["S1 of B1: 25 sh. since 2024-01-02, 875.00 - 600.00 + 0.00 = 275.00 L"]
    assert open_lines(result) == ["B1: 100 sh. since 2024-01-02, basis 1600.00"]


def test_shares_spun_off_replace_no_loss() -> None:
    """They were not purchased: IRC 1091(a) wants a purchase or a fully taxable exchange."""
    result = computed(
        """
        N1 2024-01-02 buys 100 NEW @ 50
        B1 2024-05-28 buys 100 OLD @ 20
        S1 2024-06-10 sells 100 NEW @ 30 lots N1:100
        """,
        corporate_actions=[action("OLD 2024-06-03 spinoff", ratio="1", new_symbol="NEW", fmv_old="10", fmv_new="10")],
    )
    assert result.wash_sales == ()


def test_a_ticker_change_keeps_lots_and_identity() -> None:
    """A loss under the old name is washed by a purchase under the new one."""
    result = computed(
        """
        B1 2022-01-03 buys 10 FB @ 300
        S1 2022-06-01 sells 5 FB @ 200
        B2 2022-06-20 buys 5 META @ 160
        S2 2023-02-01 sells 5 META @ 400
        """,
        corporate_actions=[action("FB 2022-06-09 ticker_change", new_symbol="META")],
    )
    assert gain_lines(result) == [
        "S1 of B1: 5 sh. since 2022-01-03, 1000.00 - 1500.00 + 500.00 = 0.00 S",
        "S2 of B1: 5 sh. since 2022-01-03, 2000.00 - 1500.00 + 0.00 = 500.00 L",
    ]
    assert {lot.symbol for lot in result.open_lots} == {"META"}


def test_a_merger_for_cash_is_a_sale() -> None:
    result = computed(
        "B1 2024-01-02 buys 10 X @ 30",
        corporate_actions=[action("X 2025-06-03 merger", amount="42.50")],
    )
    assert gain_lines(result) == ["CA:X:2025-06-03 of B1: 10 sh. since 2024-01-02, 425.00 - 300.00 + 0.00 = 125.00 L"]


def test_a_merger_for_stock_carries_basis_and_period_over() -> None:
    result = computed(
        "B1 2024-01-02 buys 10 X @ 30",
        corporate_actions=[action("X 2025-06-03 merger", ratio="1/2", new_symbol="Y")],
    )
    assert result.gains == ()
    assert [lot.symbol for lot in result.open_lots] == ["Y"]
    assert open_lines(result) == ["B1: 5 sh. since 2024-01-02, basis 300.00"]


@pytest.mark.parametrize(
    ("price", "gain", "basis"),
    [
        ("10", "50.00", "100.00"),  # worth 100 more than paid, half of it paid in cash: all cash is gain
        ("18", "20.00", "150.00"),  # a gain of 20 only
        ("30", "0.00", "250.00"),  # no loss is recognized: the cash reduces the basis
    ],
)
def test_cash_beside_stock_is_taxed_up_to_the_gain(price: str, gain: str, basis: str) -> None:
    """IRC 356(a), (c): ten shares for five of 30 and 5 of cash a share, 200 in all."""
    result = computed(
        f"B1 2024-01-02 buys 10 X @ {price}",
        corporate_actions=[action("X 2025-06-03 merger", ratio="1/2", new_symbol="Y", amount="5", fmv_new="30")],
    )
    assert [str(row.gain_loss) for row in result.gains] == [gain]
    assert [str(lot.adjusted_basis) for lot in result.open_lots] == [basis]


def test_a_delisting_alone_decides_nothing() -> None:
    result = computed("B1 2024-01-02 buys 10 X @ 30", corporate_actions=[action("X 2025-06-03 delisting")])
    assert open_lines(result) == ["B1: 10 sh. since 2024-01-02, basis 300.00"]
    assert messages(result) == [
        "warning: a decision on worthlessness (IRC 165(g)), which the delisting alone does not make"
    ]


def test_shorts_follow_splits_and_keep_their_proceeds() -> None:
    result = computed(
        """
        A 2024-01-02 shorts 10 X @ 90
        C 2024-07-01 covers 30 X @ 25
        """,
        corporate_actions=[action("X 2024-06-03 split", ratio="3")],
    )
    assert gain_lines(result) == ["C of A: 30 sh. since 2024-07-01, 900.00 - 750.00 + 0.00 = 150.00 S"]


def test_a_split_of_what_nobody_holds_is_told_and_harms_nothing() -> None:
    result = computed(
        """
        B1 2024-01-02 buys 10 X @ 30
        S1 2024-02-02 sells 10 X @ 31
        """,
        corporate_actions=[action("X 2024-06-03 split", ratio="3")],
    )
    assert messages(result) == ["warning: shares that it applies to"]
    assert len(result.gains) == 1


def test_an_action_that_lacks_its_terms_leaves_the_security_out() -> None:
    """Nothing is guessed, and nothing else is lost."""
    result = computed(
        """
        B1 2024-01-02 buys 10 X @ 30
        B2 2024-01-02 buys 10 Y @ 30
        """,
        corporate_actions=[action("X 2024-06-03 spinoff", ratio="1/4", new_symbol="Z")],
    )
    assert result.problems == (
        Problem("corporate action spinoff of X on 2024-06-03", "a spinoff with fmv_old and fmv_new", "none"),
    )
    assert [lot.symbol for lot in result.open_lots] == ["Y"]


@pytest.mark.parametrize("name", ["A", "C"])
def test_a_name_handed_on_within_a_day_leaves_both_securities_out(name: str) -> None:
    """A becomes B and B becomes A, or C: which lots of B were meant nobody says. Nothing is guessed."""
    result = computed(
        """
        B1 2024-01-02 buys 10 A @ 10
        B2 2024-01-02 buys 7 B @ 30
        B3 2024-01-02 buys 5 D @ 30
        """,
        corporate_actions=[
            action("A 2024-06-03 ticker_change", new_symbol="B"),
            action("B 2024-06-03 ticker_change", new_symbol=name),
        ],
    )
    assert "a name that nothing else gives up on that day: date the change of B before it" in {
        problem.expected for problem in result.problems
    }
    assert open_lines(result) == ["B3: 5 sh. since 2024-01-02, basis 150.00"]


def test_a_name_may_be_taken_the_day_after_it_was_given_up() -> None:
    result = computed(
        """
        B1 2024-01-02 buys 10 A @ 10
        B2 2024-01-02 buys 7 B @ 30
        """,
        corporate_actions=[
            action("A 2024-06-03 ticker_change", new_symbol="B"),
            action("B 2024-06-02 ticker_change", new_symbol="C"),
        ],
    )
    assert [(lot.symbol, lot.open_execution_id) for lot in result.open_lots] == [("B", "B1"), ("C", "B2")]
