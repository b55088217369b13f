"""Each policy decides what it says, and its default is the one that is printed."""

from dataclasses import fields

import pytest

from tests.tax import account, action, computed, gain_lines, open_lines
from tickledger.tax.policies import (
    OlderShares,
    OverlappingDays,
    PartlyAdjustedLot,
    Policies,
    SameOrder,
    SplitInWindow,
    SpousePurchase,
)

SELLING_ALL = """
    B1 2025-03-01 buys 10 X @ 100
    B2 2025-03-03 buys 10 X @ 100
    S1 2025-03-10 sells 20 X @ 90
"""


def test_p1_shares_sold_before_the_loss_do_not_replace() -> None:
    result = computed("""
        B1 2012-05-20 buys 10 X @ 2
        B2 2012-05-25 buys 10 X @ 1
        S2 2012-05-29 sells 10 X @ 1.20 lots B2:10
        S1 2012-06-01 sells 10 X @ 1
    """)
    assert result.wash_sales == ()


def test_p2_one_order_that_sells_everything_washes_nothing() -> None:
    """Fairmark's "selling all"; the other reading washes the first lot into the second, with the same total."""
    assert [str(gain.disallowed_loss) for gain in computed(SELLING_ALL).gains] == ["0.00", "0.00"]
    counted = computed(SELLING_ALL, policies=Policies(same_order=SameOrder.REPLACES))
    assert gain_lines(counted) == [
        "S1 of B1: 10 sh. since 2025-03-01, 900.00 - 1000.00 + 100.00 = 0.00 S",
        "S1 of B2: 10 sh. since 2025-02-22, 900.00 - 1100.00 + 0.00 = -200.00 S",
    ]


def test_p2_holds_for_the_later_fills_of_the_order_too() -> None:
    """The shares that the second fill takes leave in the order of the first; the buyer of none stays unwashed."""
    result = computed("""
        B1 2025-03-01 buys 10 X @ 100
        B2 2025-03-03 buys 10 X @ 100
        S1 2025-03-10 sells 10 X @ 90 order O
        S2 2025-03-10 sells 10 X @ 90 order O
    """)
    assert result.wash_sales == ()


def test_p2_spares_only_the_shares_that_leave() -> None:
    """Of the 12 shares bought last, the order takes 4: the other 8 replace."""
    result = computed("""
        B1 2025-01-01 buys 10 X @ 100
        B2 2025-03-03 buys 12 X @ 100
        S1 2025-03-10 sells 10 X @ 90 order O
        S2 2025-03-10 sells 4 X @ 90 order O
    """)
    assert [str(gain.disallowed_loss) for gain in result.gains] == ["80.00", "0.00"]
    assert open_lines(result) == ["B2: 8 sh. since 2024-12-25, basis 880.00"]


@pytest.mark.parametrize(
    ("policy", "disallowed"), [(OlderShares.REPLACE, "300.00"), (OlderShares.DO_NOT_REPLACE, "0.00")]
)
def test_p3_an_older_lot_may_or_may_not_replace_a_newer_one(policy: OlderShares, disallowed: str) -> None:
    """washsales.org's case: the newer lot is sold by identification, the older one of the window is kept."""
    result = computed(
        """
        B1 2011-01-03 buys 100 X @ 10
        B2 2011-01-18 buys 100 X @ 12
        S1 2011-01-31 sells 100 X @ 9 lots B2:100
        """,
        policies=Policies(older_shares=policy),
    )
    assert [str(gain.disallowed_loss) for gain in result.gains] == [disallowed]


def test_p4_purchases_of_one_day_replace_in_the_order_of_the_trades() -> None:
    """Whatever they cost, and also where they were made before the sale."""
    after = computed("""
        B1 2025-01-02 buys 10 X @ 100
        S1 2025-03-03 sells 10 X @ 90
        R1 2025-03-10 buys 10 X @ 91
        R2 2025-03-10 buys 10 X @ 89
    """)
    assert [wash.replacement_execution_id for wash in after.wash_sales] == ["R1"]
    assert "P4" in after.gains[0].policies
    before = computed("""
        B1 2025-01-02 buys 10 X @ 100
        R1 2025-02-20 buys 10 X @ 91
        R2 2025-02-20 buys 10 X @ 89
        S1 2025-03-03 sells 10 X @ 90 lots B1:10
    """)
    assert [wash.replacement_execution_id for wash in before.wash_sales] == ["R1"]
    assert "P4" in before.gains[0].policies
    around = computed("""
        B1 2025-01-02 buys 10 X @ 100
        R1 2025-03-03 buys 10 X @ 91
        S1 2025-03-03 sells 10 X @ 90 lots B1:10
        R2 2025-03-03 buys 10 X @ 89
    """)
    assert [wash.replacement_execution_id for wash in around.wash_sales] == ["R1"]
    assert "P4" in around.gains[0].policies


@pytest.mark.parametrize(
    "purchases",
    [
        ["R1 2025-03-10 buys 10 X @ 91"],
        ["R1 2025-03-10 buys 10 X @ 91", "R2 2025-03-11 buys 10 X @ 91"],
        ["R1 2025-03-10 buys 4 X @ 91", "R2 2025-03-10 buys 4 X @ 91"],
        ["R1 2025-03-10 buys 10 X @ 91", "R2 2025-03-10 buys 10 Y @ 91"],
    ],
)
def test_p4_decides_nothing_where_one_purchase_of_the_day_replaces_or_all_of_them_do(purchases: list[str]) -> None:
    result = computed("\n".join(["B1 2025-01-02 buys 10 X @ 100", "S1 2025-03-03 sells 10 X @ 90", *purchases]))
    assert "P4" not in result.gains[0].policies


@pytest.mark.parametrize(
    ("policy", "disallowed"), [(SplitInWindow.SPLIT_ADJUSTED, "1500.00"), (SplitInWindow.SHARE_FOR_SHARE, "2000.00")]
)
def test_p5_shares_are_counted_in_split_adjusted_numbers_or_one_for_one(policy: SplitInWindow, disallowed: str) -> None:
    result = computed(
        """
        B1 2025-01-02 buys 100 X @ 100
        S1 2025-03-03 sells 100 X @ 80
        B2 2025-03-20 buys 150 X @ 40
        """,
        corporate_actions=[action("X 2025-03-10 split", ratio="2")],
        policies=Policies(split_in_window=policy),
    )
    assert [str(gain.disallowed_loss) for gain in result.gains] == [disallowed]


@pytest.mark.parametrize(
    ("policy", "since"), [(OverlappingDays.COUNT_TWICE, "2025-02-13"), (OverlappingDays.COUNT_ONCE, "2025-02-20")]
)
def test_p6_days_on_which_both_were_held_count_twice_or_once(policy: OverlappingDays, since: str) -> None:
    result = computed(
        """
        B1 2025-02-20 buys 10 X @ 20
        B2 2025-03-03 buys 10 X @ 20
        S1 2025-03-10 sells 10 X @ 15 lots B1:10
        """,
        policies=Policies(overlapping_days=policy),
    )
    assert [lot.holding_start.isoformat() for lot in result.open_lots] == [since]


@pytest.mark.parametrize(
    ("policy", "basis"), [(PartlyAdjustedLot.REPLACEMENT_FIRST, "90.00"), (PartlyAdjustedLot.REPLACEMENT_LAST, "60.00")]
)
def test_p7_a_partial_sale_takes_the_adjusted_shares_first_or_last(policy: PartlyAdjustedLot, basis: str) -> None:
    result = computed(
        """
        B1 2025-01-02 buys 3 X @ 40
        S1 2025-03-03 sells 3 X @ 30
        B2 2025-03-05 buys 6 X @ 20
        S2 2025-06-02 sells 3 X @ 50
        """,
        policies=Policies(partly_adjusted_lot=policy),
    )
    assert str(result.gains[-1].basis) == basis


@pytest.mark.parametrize(
    ("policy", "permanent", "basis"),
    [(SpousePurchase.INTO_BASIS, "0.00", "1000.00"), (SpousePurchase.PERMANENT, "200.00", "800.00")],
)
def test_p8_a_spouse_s_shares_carry_the_loss_or_it_is_lost(policy: SpousePurchase, permanent: str, basis: str) -> None:
    result = computed(
        """
        B1 2024-01-10 buys 100 X @ 10
        S1 2024-12-20 sells 100 X @ 8
        B2 2024-12-21 buys 100 X @ 8 in SPOUSE
        """,
        accounts=[account("T1"), account("SPOUSE", "spouse_taxable")],
        policies=Policies(spouse_purchase=policy),
    )
    assert [str(gain.disallowed_loss) for gain in result.gains] == ["200.00"]
    assert [str(gain.permanently_disallowed) for gain in result.gains] == [permanent]
    assert [str(lot.adjusted_basis) for lot in result.open_lots] == [basis]


def test_every_policy_is_printed_with_its_meaning() -> None:
    described = Policies().described()
    assert [name.split()[0] for name in described] == [f"P{number}" for number in range(1, 9)]
    assert len(described) == len(fields(Policies))
    assert all(": " in meaning for meaning in described.values())
    assert all(value in Policies(same_order=SameOrder.REPLACES).described()["P2 same_order"] for value in ("replaces",))
