"""Whatever the history, every gain has its paragraph and every sum in it is right to the cent."""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.golden.tax.test_explanation import assert_foots
from tests.unit.tax.histories import as_fill, trades
from tests.unit.tax.share_by_share import Trade
from tests.unit.tax.test_any_history import ACCOUNTS, actions, fills
from tickledger.domain.corporate_action import CorporateAction
from tickledger.tax.engine import compute
from tickledger.tax.explanation import explanations
from tickledger.tax.fills import Fill


def assert_all_foot(history: Sequence[Fill], events: Sequence[CorporateAction] = ()) -> None:
    result = compute(history, accounts=ACCOUNTS, corporate_actions=events)
    told = explanations(result, fills=history, accounts=ACCOUNTS, corporate_actions=events)
    assert told.keys() == {gain.gain_id for gain in result.gains}
    for gain in result.gains:
        assert_foots(told[gain.gain_id], gain)


@settings(max_examples=examples(100))
@given(history=fills(), events=st.lists(actions(), max_size=4))
def test_gains_of_several_securities_with_shorts_and_corporate_actions_are_explained_in_sums_that_add_up(
    history: list[Fill], events: list[CorporateAction]
) -> None:
    assert_all_foot(history, events)


@settings(max_examples=examples(100))
@given(trades(accounts=("T1", "T2", "IRA", "SPOUSE")))
def test_chains_of_losses_over_several_accounts_are_explained_in_sums_that_add_up(history: list[Trade]) -> None:
    assert_all_foot([as_fill(trade) for trade in history])
