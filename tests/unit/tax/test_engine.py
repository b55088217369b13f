"""What the engine makes of whole histories: accounts, years, identity, what is missing, and the same every time."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.tax import account, action, computed, fills, gain_lines, open_lines
from tests.unit.tax.histories import as_fill, trades
from tests.unit.tax.share_by_share import Trade
from tickledger.domain.account import Account
from tickledger.domain.errors import Problem
from tickledger.domain.execution import Execution
from tickledger.domain.lot import RealizedGain
from tickledger.domain.order import OrderSide
from tickledger.tax.engine import compute
from tickledger.tax.fills import from_executions
from tickledger.tax.result import TaxResult


def told(result: TaxResult) -> list[str]:
    return [str(problem) for problem in result.problems]


def test_a_january_purchase_reopens_december() -> None:
    sold = """
        B1 2023-01-10 buys 10 X @ 50
        S1 2024-12-20 sells 10 X @ 40
    """
    (gain,) = computed(sold).gains
    assert (str(gain.gain_loss), gain.is_provisional, gain.open_until_date) == ("-100.00", True, date(2025, 1, 19))
    (reopened,) = computed(sold + "B2 2025-01-19 buys 10 X @ 41").gains
    assert (str(reopened.gain_loss), reopened.is_provisional, reopened.tax_year) == ("0.00", False, 2024)
    assert reopened.gain_id != gain.gain_id
    assert reopened.lot_id == gain.lot_id


def test_the_thirtieth_day_counts_and_the_thirty_first_does_not() -> None:
    for day, disallowed in (("2025-04-02", "100.00"), ("2025-04-03", "0.00")):
        result = computed(f"""
            B1 2025-01-02 buys 10 X @ 100
            S1 2025-03-03 sells 10 X @ 90
            B2 {day} buys 10 X @ 90
        """)
        assert [str(gain.disallowed_loss) for gain in result.gains] == [disallowed]


def test_a_purchase_on_the_day_of_the_sale_replaces() -> None:
    """The project's first specification skipped that day; Reg. 1.1091-1(a) does not."""
    result = computed("""
        B1 2025-01-02 buys 10 X @ 100
        S1 2025-03-03 sells 10 X @ 90
        B2 2025-03-03 buys 10 X @ 90
    """)
    assert [str(gain.disallowed_loss) for gain in result.gains] == ["100.00"]


def test_a_gain_is_never_adjusted_and_a_loss_flipped_by_its_basis_is() -> None:
    """The replacement is sold above its cost but below its adjusted basis: a loss, and tested again."""
    result = computed("""
        B1 2025-01-02 buys 10 X @ 100
        S1 2025-03-03 sells 10 X @ 80
        B2 2025-03-10 buys 10 X @ 80
        S2 2025-05-05 sells 10 X @ 90
        B3 2025-05-20 buys 10 X @ 90
    """)
    assert gain_lines(result)[1] == "S2 of B2: 10 sh. since 2025-01-09, 900.00 - 1000.00 + 100.00 = 0.00 S"
    assert open_lines(result) == ["B3: 10 sh. since 2025-01-24, basis 1000.00"]


def test_identity_groups_are_the_user_s_declaration() -> None:
    history = """
        B1 2025-01-02 buys 10 GOOG @ 100
        S1 2025-03-03 sells 10 GOOG @ 90
        B2 2025-03-10 buys 10 GOOGL @ 90
    """
    assert computed(history).wash_sales == ()
    result = computed(history, identity={"GOOG": "Alphabet", "GOOGL": "Alphabet"})
    assert [wash.replacement_execution_id for wash in result.wash_sales] == ["B2"]


def test_digital_assets_have_no_wash_sales() -> None:
    result = computed("""
        B1 2025-01-02 buys 10 ETH @ 2000 class crypto
        S1 2025-03-03 sells 10 ETH @ 1500 class crypto
        B2 2025-03-04 buys 10 ETH @ 1500 class crypto
    """)
    assert gain_lines(result) == ["S1 of B1: 10 sh. since 2025-01-02, 15000.00 - 20000.00 + 0.00 = -5000.00 S"]
    assert not result.gains[0].is_provisional


def test_what_happens_in_an_ira_is_nobody_s_gain() -> None:
    result = computed(
        """
        B1 2025-01-02 buys 10 X @ 100 in IRA
        S1 2025-03-03 sells 10 X @ 90 in IRA
        B2 2025-03-04 buys 10 X @ 90
        """,
        accounts=[account("IRA", "roth_ira"), account("T1")],
    )
    assert result.gains == ()
    assert open_lines(result) == ["B2: 10 sh. since 2025-03-04, basis 900.00"]


@pytest.mark.parametrize(
    "other",
    [account("T2", mode="simulated"), account("T2", owner="somebody else")],
    ids=["simulated money", "another taxpayer"],
)
def test_other_people_and_simulated_money_replace_nothing(other: Account) -> None:
    result = computed(
        """
        B1 2025-01-02 buys 10 X @ 100
        S1 2025-03-03 sells 10 X @ 90
        B2 2025-03-04 buys 10 X @ 90 in T2
        """,
        accounts=[account("T1"), other],
    )
    assert result.wash_sales == ()
    assert len(result.gains) == 1


def test_a_sale_of_more_than_is_held_gives_the_security_up_and_nothing_else() -> None:
    result = computed("""
        B1 2025-01-02 buys 10 X @ 100
        S1 2025-03-03 sells 11 X @ 90
        C1 2025-01-02 buys 10 Y @ 100
        D1 2025-03-03 sells 10 Y @ 120
    """)
    place, expected = "fills, execution S1", "at most the 10 shares of X held in T1 on 2025-03-03"
    assert result.problems == (Problem(place, expected, "SELL 11", column="quantity"),)
    assert [gain.symbol for gain in result.gains] == ["Y"]
    assert result.open_lots == ()


def test_a_sale_is_not_a_short_sale() -> None:
    """The side says which: selling what is not there is an error, SELL_SHORT opens a short."""
    assert "column quantity" in told(computed("S1 2025-03-03 sells 1 X @ 90"))[0]
    assert open_lines(computed("S1 2025-03-03 shorts 1 X @ 90")) == ["S1: -1 sh. since 2025-03-03, basis 90.00"]


@pytest.mark.parametrize(
    ("lots", "expected"),
    [
        ("B9:5", "at most the 0 shares that are left of lot B9 in T1"),
        ("B1:7", "lots that add up to the 5 shares sold"),
        ("B1:4;B1:1", None),
        ("B2:5", "at most the 2 shares that are left of lot B2 in T1"),
    ],
)
def test_a_selection_of_lots_that_are_not_there_is_told(lots: str, expected: str | None) -> None:
    result = computed(f"""
        B1 2025-01-02 buys 10 X @ 100
        B2 2025-01-03 buys 2 X @ 100
        S1 2025-03-03 sells 5 X @ 120 lots {lots}
    """)
    assert [problem.expected for problem in result.problems] == ([] if expected is None else [expected])


def test_an_id_that_comes_twice_is_told_and_counted_once() -> None:
    history = fills("B1 2025-01-02 buys 10 X @ 100") * 2
    result = compute(history)
    assert [problem.column for problem in result.problems] == ["execution_id"]
    assert open_lines(result) == ["B1: 10 sh. since 2025-01-02, basis 1000.00"]


def test_two_fills_under_one_id_give_their_securities_up() -> None:
    result = computed("""
        B1 2025-01-02 buys 10 X @ 100
        B1 2025-01-02 buys 20 Y @ 100
        B2 2025-01-02 buys 20 Z @ 100
    """)
    assert [lot.symbol for lot in result.open_lots] == ["Z"]


def test_a_section_1256_contract_is_routed_to_its_own_form() -> None:
    result = computed("""
        B1 2025-01-02 buys 1 SPX @ 100 class index_option
        B2 2025-01-02 buys 20 Z @ 100
        S1 2025-02-03 sells 1 SPX @ 90 class index_option
    """)
    assert result.problems == (
        Problem(
            "fills, execution B1",
            "stocks, ETFs, options on them or digital assets; section 1256 contracts belong on Form 6781",
            "index_option SPX, left out",
            column="asset_class",
            severity="warning",
        ),
    )
    assert [lot.symbol for lot in result.open_lots] == ["Z"]
    assert result.left_out == ("SPX",)


def test_what_is_left_out_takes_its_offspring_along() -> None:
    """A security that lots of an incomplete one turned into is incomplete as well."""
    result = computed(
        """
        B1 2025-01-02 buys 10 OLD @ 100
        S1 2025-01-03 sells 11 OLD @ 100
        S2 2025-06-02 sells 5 NEW @ 100
        C1 2025-01-02 buys 10 Y @ 100
        """,
        corporate_actions=[action("OLD 2025-03-03 ticker_change", new_symbol="NEW")],
    )
    assert len(result.problems) == 1
    assert [lot.symbol for lot in result.open_lots] == ["Y"]


def test_a_short_beside_shares_is_warned_of_once() -> None:
    result = computed("""
        B1 2025-01-02 buys 10 X @ 100
        A1 2025-03-03 shorts 5 X @ 90
        A2 2025-03-04 shorts 5 X @ 90
    """)
    assert [(problem.severity, problem.column) for problem in result.problems] == [("warning", "side")]


@given(history=trades(accounts=("T1", "T2")))
@settings(max_examples=examples(60))
def test_the_same_history_gives_the_same_rows_and_ids(history: list[Trade]) -> None:
    first, second = (compute([as_fill(trade) for trade in history]) for _ in range(2))
    assert first == second
    for rows in (
        [gain.gain_id for gain in first.gains],
        [wash.wash_sale_id for wash in first.wash_sales],
        [lot.lot_id for lot in first.lots],
        [lot.lot_id for lot in first.open_lots],
    ):
        assert len(rows) == len(set(rows))
    lot_ids = {lot.lot_id for lot in first.lots}
    assert {gain.lot_id for gain in first.gains} | {lot.lot_id for lot in first.open_lots} == lot_ids
    assert {wash.gain_id for wash in first.wash_sales} <= {gain.gain_id for gain in first.gains}


@given(history=trades(), data=st.data())
@settings(max_examples=examples(60))
def test_rows_in_any_order_give_the_same_result_where_instants_differ(
    history: list[Trade], data: st.DataObject
) -> None:

    start = datetime(2025, 1, 2, 15, tzinfo=UTC)
    timed = [
        replace(as_fill(trade), executed_at=datetime.combine(trade.day, start.timetz()) + timedelta(seconds=number))
        for number, trade in enumerate(history)
    ]
    shuffled = data.draw(st.permutations(timed))
    assert compute(shuffled) == compute(timed)


@given(history=trades(), cut=st.integers(1, 23))
@settings(max_examples=examples(60))
def test_a_split_changes_the_counts_and_nothing_else(history: list[Trade], cut: int) -> None:
    """A history with a 3-for-1 split in it, and the same told in shares of after the split throughout."""

    if cut >= len(history) or history[cut].day == history[cut - 1].day:
        return
    afterwards = [replace(as_fill(t), quantity=Decimal(3 * t.shares)) for t in history]
    split = [*(as_fill(t) for t in history[:cut]), *afterwards[cut:]]
    told_throughout = compute(afterwards)
    told_with_split = compute(split, corporate_actions=[action(f"X {history[cut].day} split", ratio="3")])
    assert [
        (g.close_execution_id, g.open_execution_id, g.gain_loss, g.disallowed_loss, g.term)
        for g in told_with_split.gains
    ] == [
        (g.close_execution_id, g.open_execution_id, g.gain_loss, g.disallowed_loss, g.term)
        for g in told_throughout.gains
    ]
    assert open_lines(told_with_split) == open_lines(told_throughout)


def _without_counts(gain: RealizedGain) -> tuple[object, ...]:
    return (gain.close_execution_id, gain.open_execution_id, gain.gain_loss, gain.disallowed_loss, gain.term)


@given(history=trades())
@settings(max_examples=examples(60))
def test_a_short_history_mirrors_a_long_one(history: list[Trade]) -> None:
    """1091(e) is 1091(a) in the mirror: short at 21 − p what was bought at p, and the same is disallowed."""
    longs = [as_fill(trade) for trade in history]
    sides: dict[str, OrderSide] = {OrderSide.BUY: OrderSide.SELL_SHORT, OrderSide.SELL: OrderSide.BUY_TO_COVER}
    shorts = [replace(f, side=sides[f.side], gross_amount=21 * f.quantity - f.gross_amount) for f in longs]
    for long, short in zip(compute(longs).gains, compute(shorts).gains, strict=True):
        assert (long.close_execution_id, long.open_execution_id, long.quantity) == (
            short.close_execution_id,
            short.open_execution_id,
            short.quantity,
        )
        assert abs(long.disallowed_loss - short.disallowed_loss) <= Decimal("0.03")
        assert abs(long.gain_loss - short.gain_loss) <= Decimal("0.03")


@given(history=trades(), cut=st.integers(1, 23))
@settings(max_examples=examples(60))
def test_next_year_starts_from_last_year_s_lots(history: list[Trade], cut: int) -> None:
    """lots.csv carried in gives the gains that the whole history gives, where no window reaches across."""

    # Half a year apart, each order on its own: nothing but the lots connects the two parts.
    told_in_two = [
        replace(
            as_fill(trade),
            order_id=f"{trade.name}",
            trade_date=trade.day + timedelta(days=200 * (number >= cut)),
        )
        for number, trade in enumerate(history)
    ]
    whole = compute(told_in_two)
    first, second = told_in_two[:cut], told_in_two[cut:]
    carried = compute(second, opening_lots=compute(first).open_lots)
    closing = {fill.execution_id for fill in second}
    for one, other in zip(
        [gain for gain in whole.gains if gain.close_execution_id in closing], carried.gains, strict=True
    ):
        assert (one.open_execution_id, one.holding_start, one.quantity) == (
            other.open_execution_id,
            other.holding_start,
            other.quantity,
        )
        assert abs(one.gain_loss - other.gain_loss) <= Decimal("0.02")
    assert [line.split(",")[0] for line in open_lines(whole)] == [line.split(",")[0] for line in open_lines(carried)]


def test_fills_whose_order_is_not_known_are_no_parts_of_one_order() -> None:
    """A purchase by hand, a loss sale by hand and a purchase by hand: the last one replaces what was sold."""

    def by_hand(key: str, side: OrderSide, price: int, day: date) -> Execution:
        at = datetime(day.year, day.month, day.day, 15, tzinfo=UTC)
        shares = Decimal(100)
        return Execution(key, "", "A1", "XYZ", side, shares, Decimal(price), Decimal(0), Decimal(0), at, day)

    bought = by_hand("1", OrderSide.BUY, 50, date(2012, 11, 1))
    sold = by_hand("2", OrderSide.SELL, 40, date(2012, 12, 20))
    again = by_hand("3", OrderSide.BUY, 41, date(2013, 1, 4))
    (gain,) = compute(from_executions([bought, sold, again])).gains
    assert (gain.disallowed_loss, gain.gain_loss) == (Decimal(1000), Decimal(0))
