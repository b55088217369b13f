"""What holds of every replay: nothing is lost, nothing is invented, and parts make up the whole."""

from collections import defaultdict
from dataclasses import fields, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.strategies import Scenario, scenarios
from tests.trading import NEW_ACCOUNT, market, trade
from tickledger.bars.corporate_actions import domain_actions
from tickledger.domain.corporate_action import CorporateActionKind
from tickledger.domain.order import OrderStatus
from tickledger.domain.session_record import SessionRecord
from tickledger.execution.order_journal import CANCEL_ASKED
from tickledger.execution.order_state import NEXT_STATES, TERMINAL
from tickledger.execution.replay import state_after

PRICES = ["open", "high", "low", "close"]
ENDING_OR_GIVING = {
    CorporateActionKind.SPINOFF,
    CorporateActionKind.TICKER_CHANGE,
    CorporateActionKind.MERGER,
    CorporateActionKind.DELISTING,
}
SLOWLY = settings(max_examples=examples(15), deadline=None, suppress_health_check=[HealthCheck.too_slow])


def run(scenario: Scenario, **period: object) -> SessionRecord:
    return trade(
        scenario.bars,
        scenario.signals,
        corporate_actions=scenario.corporate_actions,
        **scenario.settings,
        **period,  # type: ignore[arg-type]  # start, end and opening as the test has them
    )


@SLOWLY
@given(scenarios())
def test_cash_is_deposits_and_payments_less_what_was_traded_and_charged_exactly(scenario: Scenario) -> None:
    record = run(scenario)
    for balance in record.balances:
        day = balance.session_date
        received = sum((row.amount for row in record.cash_transactions if row.session_date <= day), Decimal(0))
        traded = sum(
            (
                row.side.sign * row.quantity * row.price + row.commission + row.fees
                for row in record.executions
                if row.trade_date <= day
            ),
            Decimal(0),
        )
        assert balance.cash == received - traded
        assert balance.cash >= 0


@SLOWLY
@given(scenarios())
def test_equity_is_cash_and_positions_at_their_closes_exactly(scenario: Scenario) -> None:
    record = run(scenario)
    for balance in record.balances:
        held = [row for row in record.positions if row.session_date == balance.session_date]
        assert balance.equity == balance.cash + sum((row.quantity * row.close for row in held), Decimal(0))
        assert all(row.quantity > 0 and row.opened_date <= row.session_date for row in held)


@SLOWLY
@given(scenarios())
def test_positions_are_the_executions_adjusted_for_splits(scenario: Scenario) -> None:
    record = run(scenario)
    effective = domain_actions(scenario.corporate_actions)
    splits = [row for row in effective if row.kind is CorporateActionKind.SPLIT]
    # What is received without an execution, or given up without one, is told elsewhere.
    moved = {name for row in effective if row.kind in ENDING_OR_GIVING for name in (row.symbol, row.new_symbol)}
    for balance in record.balances:
        day = balance.session_date
        shares: dict[str, Fraction] = defaultdict(Fraction)
        for execution in (row for row in record.executions if row.trade_date <= day):
            change = execution.side.sign * Fraction(execution.quantity)
            for split in splits:
                if split.symbol == execution.symbol and execution.trade_date < split.ex_date <= day:
                    change *= split.ratio or 1
            shares[execution.symbol] += change
        held = {row.symbol: row.quantity for row in record.positions if row.session_date == day}
        for symbol, expected in ((name, count) for name, count in shares.items() if name not in moved):
            # Cash in lieu takes a fraction of a share at each split, and what it took is sold no more.
            lost = sum(1 for split in splits if split.symbol == symbol and split.ex_date <= day)
            assert 0 <= expected - Fraction(held.get(symbol, Decimal(0))) <= 2 * lost


@SLOWLY
@given(scenarios())
def test_orders_never_fill_beyond_their_quantity_nor_after_they_are_over(scenario: Scenario) -> None:
    record = run(scenario)
    for order in record.orders:
        fills = sum((row.quantity for row in record.executions if row.order_id == order.order_id), Decimal(0))
        events = [row for row in record.order_events if row.order_id == order.order_id]
        numbers = [row.sequence for row in events]
        # That a cancellation was asked for is noted on the order, whose status stays.
        statuses = [row.status for row in events if not row.reason.startswith(CANCEL_ASKED)]
        assert fills <= order.quantity
        assert (fills == order.quantity) == (statuses[-1] is OrderStatus.FILLED)
        assert numbers == list(range(len(events)))
        assert all(after in NEXT_STATES[before] for before, after in pairwise(statuses))
        assert not TERMINAL.intersection(statuses[:-1])


@SLOWLY
@given(scenarios())
def test_every_row_refers_to_rows_that_are_there_and_came_before(scenario: Scenario) -> None:
    record = run(scenario)
    bars = set(scenario.bars["bar_id"])
    decisions = {row.risk_decision_id: row for row in record.risk_decisions}
    orders = {row.order_id: row for row in record.orders}
    for order in record.orders:
        decision = decisions[order.risk_decision_id]
        assert decision.is_approved
        assert order.parent_order_id is not None or order.quantity == decision.approved_quantity
    for execution in record.executions:
        order = orders[execution.order_id]
        assert execution.bar_id in bars
        assert execution.executed_at >= order.submitted_at
        assert order.parent_order_id is not None or execution.trade_date > order.session_date
    assert all(row.bar_id in bars for row in record.positions)


@SLOWLY
@given(scenarios())
def test_ids_are_unique_and_the_same_every_time(scenario: Scenario) -> None:
    record = run(scenario)
    ids = [
        *(row.risk_decision_id for row in record.risk_decisions),
        *(row.order_id for row in record.orders),
        *(row.execution_id for row in record.executions),
        *(row.cash_transaction_id for row in record.cash_transactions),
        *(row.position_id for row in record.positions),
    ]
    assert len(ids) == len(set(ids))
    assert run(scenario) == record


@SLOWLY
@given(scenario=scenarios(), data=st.data())
def test_a_period_in_parts_gives_the_rows_of_the_whole(scenario: Scenario, data: st.DataObject) -> None:
    whole = run(scenario)
    # A part ends with the last session that has a bar of any symbol.
    cut = data.draw(st.sampled_from(sorted(set(scenario.bars["timestamp"].dt.date))))
    first = run(scenario, end=cut)
    opening = state_after(first, opening=NEW_ACCOUNT)
    # A database gives the orders back in an order of its own.
    opening = replace(opening, working_orders=opening.working_orders[::-1])
    second = run(scenario, start=date.fromordinal(cut.toordinal() + 1), opening=opening)
    assert together(first, second) == whole


def together(first: SessionRecord, second: SessionRecord) -> SessionRecord:
    return SessionRecord(*(getattr(first, field.name) + getattr(second, field.name) for field in fields(first)))


@SLOWLY
@given(scenarios())
def test_nothing_decided_up_to_a_close_depends_on_what_comes_after_it(scenario: Scenario) -> None:
    days = sorted(set(scenario.bars["timestamp"].dt.date))
    cut = days[len(days) // 2]
    tripled = scenario.bars.copy()
    later = tripled["timestamp"].dt.date > cut
    tripled.loc[later, PRICES] = tripled.loc[later, PRICES] * 3
    other = Scenario(tripled, scenario.corporate_actions, scenario.signals, scenario.settings)
    assert _until(run(other), cut) == _until(run(scenario), cut)


def _until(record: SessionRecord, day: date) -> list[object]:
    dated = (record.risk_decisions, record.orders, record.order_events, record.positions, record.balances)
    rows: list[object] = [[row for row in rows if row.session_date <= day] for rows in dated]
    return [*rows, [row for row in record.executions if row.trade_date <= day]]


def test_without_a_bar_in_the_period_nothing_is_recorded() -> None:
    bars = market("2012-01-03", {"A": ["10 10"]})
    record = trade(bars, [], start=date(2012, 1, 4))
    assert all(not getattr(record, field.name) for field in fields(record))
    assert state_after(record, opening=NEW_ACCOUNT) == NEW_ACCOUNT
