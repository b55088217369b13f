"""Histories with options, shorts, gifts, transfers and events: what holds of their rows, whatever happened."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.tax import computed, gain_lines, open_lines
from tests.unit.tax.histories import History, as_action, as_fill, histories
from tests.unit.tax.kernel.anything import Told, anything, result_of
from tests.unit.tax.share_by_share import OPENING
from tickledger.tax.engine import compute
from tickledger.tax.fills import Fill, FillSide
from tickledger.tax.methods import Method, MethodSchedule


@given(told=anything())
@settings(max_examples=examples(100))
def test_an_id_names_one_row_and_each_reference_a_row_that_is_there(told: Told) -> None:
    result = result_of(told)
    for ids in (
        [gain.gain_id for gain in result.gains],
        [wash.wash_sale_id for wash in result.wash_sales],
        [lot.lot_id for lot in result.lots],
    ):
        assert len(ids) == len(set(ids))
    lots, gains = {lot.lot_id for lot in result.lots}, {gain.gain_id for gain in result.gains}
    assert {gain.lot_id for gain in result.gains} | {lot.lot_id for lot in result.open_lots} <= lots
    assert {wash.gain_id for wash in result.wash_sales} <= gains
    assert {wash.replacement_lot_id for wash in result.wash_sales} - {None} <= lots


@given(told=anything())
@settings(max_examples=examples(100))
def test_the_parts_of_every_row_fit_together(told: Told) -> None:
    result = result_of(told)
    for gain in result.gains:
        assert gain.gain_loss == gain.proceeds - gain.basis + gain.disallowed_loss
        assert 0 <= gain.permanently_disallowed <= gain.disallowed_loss
        assert gain.disallowed_loss <= max(gain.basis - gain.proceeds, Decimal(0))
        assert gain.quantity > 0
        assert gain.account_id != "IRA"
        washes = [wash for wash in result.wash_sales if wash.gain_id == gain.gain_id]
        assert sum(wash.disallowed_loss for wash in washes) == gain.disallowed_loss


@given(told=anything(most=25))
@settings(max_examples=examples(50))
def test_the_same_history_has_the_same_rows(told: Told) -> None:
    assert result_of(told) == result_of(told)


def test_two_rows_that_say_the_same_are_two_rows() -> None:
    """One share of the short stands beside a long-term one (1233(d)), the other does not; both gained the same."""
    result = computed("""
        B1 2023-01-03 buys 1 X @ 50
        SS 2024-03-01 shorts 2 X @ 60
        C1 2024-04-05 covers 2 X @ 50
    """)
    first, second = result.gains
    assert (first.gain_loss, first.quantity, first.lot_id) == (second.gain_loss, second.quantity, second.lot_id)
    assert first.gain_id != second.gain_id


def _moved(fills: list[Fill], cut: int, held: Decimal) -> list[Fill]:
    """From the fill `cut` on everything happens in another account, to which all shares have moved."""
    day = fills[cut].trade_date
    nothing, order = Decimal(0), "move"
    out = Fill("OUT", order, "T1", "X", FillSide.TRANSFER_OUT, held, nothing, nothing, day)
    into = replace(out, execution_id="IN", account_id="T2", side=FillSide.TRANSFER_IN)
    moved = [replace(fill, account_id="T2") for fill in fills[cut:]]
    return [*fills[:cut], *([out, into] if held else []), *moved]


@given(history=histories(), cut=st.integers(0, 23), method=st.sampled_from(Method))
@settings(max_examples=examples(100))
def test_moving_to_another_broker_changes_nothing(history: History, cut: int, method: Method) -> None:
    """Gains, wash sales, lots: all is as if everything had been in one account from the start."""
    assume(cut < len(history.trades))
    fills = [replace(as_fill(trade), order_id=trade.name) for trade in history.trades]
    held = sum(trade.shares if trade.side in OPENING else -trade.shares for trade in history.trades[:cut])
    events = [as_action(split) for split in history.splits]
    methods = MethodSchedule(method)
    stayed = compute(fills, corporate_actions=events, methods=methods)
    moved = compute(_moved(fills, cut, Decimal(held)), corporate_actions=events, methods=methods)
    assert moved.problems == ()
    assert gain_lines(moved) == gain_lines(stayed)
    assert sorted(open_lines(moved)) == sorted(open_lines(stayed))
    assert [(wash.replacement_execution_id, wash.quantity, wash.disallowed_loss) for wash in moved.wash_sales] == [
        (wash.replacement_execution_id, wash.quantity, wash.disallowed_loss) for wash in stayed.wash_sales
    ]
