"""What a comparison does not look at and says so, and what it proposes: bad input, absent parts, corrections."""

import random
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.golden.reconciliation.world import ledger, snapshot, statement, world
from tickledger.reconciliation.accounting import Accounted, Fate
from tickledger.reconciliation.breaks import BreakCause, Comparison, SourceName, Subject
from tickledger.reconciliation.comparison import compare_all, compare_with_broker, compare_with_statement
from tickledger.reconciliation.corrections import applied
from tickledger.reconciliation.statement import Statement
from tickledger.reconciliation.three_way import Agreement, three_way, to_mend

SEED = 3


def of(comparison: Comparison, subject: Subject) -> list[BreakCause]:
    """The causes of the breaks of a subject."""
    return [found.cause for found in comparison.breaks if found.subject is subject]


def test_the_statement_of_another_account_is_named_and_not_compared() -> None:
    told = replace(statement(world(SEED)), account_id="U999")
    comparison = compare_with_statement(ledger(world(SEED)), told)
    assert comparison.breaks == ()
    assert comparison.scope.subjects == frozenset()
    assert "U999" in str(comparison.problems[0])


def test_another_base_currency_is_named_and_not_compared() -> None:
    told = replace(statement(world(SEED)), base_currency="EUR")
    comparison = compare_with_statement(ledger(world(SEED)), told)
    assert comparison.breaks == ()
    assert "EUR" in str(comparison.problems[0])


def test_the_snapshot_of_another_account_is_named_and_not_compared() -> None:
    told = replace(snapshot(world(SEED)), account_id="U999")
    comparison = compare_with_broker(ledger(world(SEED)), told)
    assert comparison.breaks == ()
    assert comparison.problems


def test_what_an_incomplete_file_does_not_have_proves_nothing() -> None:
    told = statement(world(SEED))
    cut = replace(
        told,
        executions=told.executions[:3],
        positions=(),
        cash_transactions=(),
        closed_lots=told.closed_lots[:1],
        open_lots=told.open_lots[:1],
        wash_sales=(),
        accounting=(),
        is_complete=False,
    )
    comparison = compare_with_statement(ledger(world(SEED)), cut)
    assert BreakCause.EXTRA not in {found.cause for found in comparison.breaks}


def test_a_section_that_the_file_does_not_have_proves_nothing() -> None:
    told = statement(world(SEED))
    bare = Statement(
        account_id=told.account_id,
        base_currency="USD",
        start_date=told.start_date,
        end_date=told.end_date,
        executions=told.executions,
    )
    comparison = compare_with_statement(ledger(world(SEED)), bare)
    assert comparison.breaks == ()
    assert comparison.scope.subjects == {Subject.EXECUTION, Subject.COMMISSION}


def test_an_empty_frame_of_a_section_says_that_there_was_nothing() -> None:
    told = statement(world(SEED))
    empty = replace(told, executions=(), accounting=(Accounted("Trades", Fate.READ, 1),))
    comparison = compare_with_statement(ledger(world(SEED)), empty)
    assert set(of(comparison, Subject.EXECUTION)) == {BreakCause.EXTRA}


def test_trades_in_another_currency_and_conversions_are_named_and_not_compared() -> None:
    told = statement(world(SEED))
    foreign = replace(told.executions[0], ib_exec_id="", currency="EUR")
    converted = replace(told.executions[0], ib_exec_id="", asset_class="CASH", symbol="EUR.USD")
    comparison = compare_with_statement(
        ledger(world(SEED)), replace(told, executions=(*told.executions, foreign, converted))
    )
    assert of(comparison, Subject.EXECUTION) == []
    assert len(comparison.problems) == 2


def test_an_execution_told_twice_counts_once_and_is_named() -> None:
    told = statement(world(SEED))
    comparison = compare_with_statement(
        ledger(world(SEED)), replace(told, executions=(*told.executions, told.executions[0]))
    )
    assert of(comparison, Subject.EXECUTION) == []
    assert [problem.severity for problem in comparison.problems] == ["warning"]


def test_times_of_another_zone_are_one_problem_and_no_breaks() -> None:
    told = statement(world(SEED))
    rows = tuple(
        replace(row, executed_at=row.executed_at + timedelta(hours=1)) for row in told.executions if row.executed_at
    )
    comparison = compare_with_statement(ledger(world(SEED)), replace(told, executions=rows))
    assert of(comparison, Subject.EXECUTION) == []
    assert "+1 hours" in str(comparison.problems[0])


def test_what_happened_after_the_file_was_made_is_not_in_it() -> None:
    known = world(SEED)
    told = statement(known)
    last = max(row.executed_at for row in known.executions)
    early = replace(
        told,
        generated_at=last - timedelta(seconds=1),
        executions=tuple(row for row in told.executions if row.executed_at != last),
    )
    comparison = compare_with_statement(ledger(known), early)
    assert of(comparison, Subject.EXECUTION) == []


@settings(max_examples=examples(20), deadline=None)
@given(seed=st.integers(0, 2**32 - 1), missing=st.integers(0, 20), price=st.integers(0, 20), extra=st.integers(0, 20))
def test_the_proposed_corrections_make_the_sides_agree(seed: int, missing: int, price: int, extra: int) -> None:
    known = world(seed)
    places = [place % len(known.executions) for place in (missing, price, extra)]
    assume(len(set(places)) == len(places))
    told = statement(known)
    told = replace(told, open_lots=(), closed_lots=(), wash_sales=())
    view = replace(ledger(known, closes=[known.start - timedelta(days=1)]), history=None)
    rows = list(view.executions)
    rows[places[1]] = replace(rows[places[1]], price=rows[places[1]].price + Decimal("0.37"), commission=Decimal(9))
    rows.append(replace(rows[places[2]], execution_id="0000e0d5.eeeeeeee.01.01", order_id="other"))
    del rows[places[0]]
    ours = replace(view, executions=rows, cash_transactions=view.cash_transactions[1:])
    comparison = compare_with_statement(ours, told)
    proposed = [found.correction for found in comparison.breaks if found.correction is not None]
    assert len(proposed) >= 4
    again = compare_with_statement(applied(ours, proposed), told)
    assert not [found for found in again.breaks if found.cause is not BreakCause.TIMING]


def test_three_sides_say_whose_record_is_to_mend() -> None:
    known = world(SEED)
    day = max(row.trade_date for row in known.executions)
    row = next(each for each in known.executions if each.trade_date == day)
    other = replace(
        known,
        executions=tuple(replace(each, price=each.price + 1) if each is row else each for each in known.executions),
    )
    told = statement(known, end=day)
    wrong_here = three_way(
        compare_with_broker(ledger(other), snapshot(known)), compare_with_statement(ledger(other), told)
    )
    prices = [one for one in wrong_here if one.field == "price"]
    assert [one.agreement for one in prices] == [Agreement.BROKER_AND_STATEMENT]
    assert prices[0] in to_mend(wrong_here)
    wrong_there = three_way(
        compare_with_broker(ledger(known), snapshot(known)),
        compare_with_statement(ledger(known), statement(other, end=day)),
    )
    assert [one.agreement for one in wrong_there if one.field == "price"] == [Agreement.LEDGER_AND_BROKER]
    wrong_api = three_way(
        compare_with_broker(ledger(known), snapshot(other)), compare_with_statement(ledger(known), told)
    )
    assert [one.agreement for one in wrong_api if one.field == "price"] == [Agreement.LEDGER_AND_STATEMENT]
    alone = three_way(None, compare_with_statement(ledger(other), told))
    assert [one.agreement for one in alone if one.field == "price"] == [Agreement.BROKER_NOT_TOLD]


def test_each_side_that_is_there_is_compared() -> None:
    known = world(SEED)
    found = compare_all(ledger(known), statements=[statement(known)], snapshot=snapshot(known))
    assert [one.scope.against for one in found] == [SourceName.STATEMENT, SourceName.BROKER]
    assert compare_all(ledger(known)) == ()


@settings(max_examples=examples(15), deadline=None)
@given(seed=st.integers(0, 2**32 - 1), shuffle=st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(seed: int, shuffle: random.Random) -> None:
    known = world(seed)
    told = statement(replace(known, executions=known.executions[1:]))
    told = replace(told, closed_lots=(), open_lots=(), wash_sales=())
    rows, mine = list(told.executions), list(known.executions)
    shuffle.shuffle(rows)
    shuffle.shuffle(mine)
    first = compare_with_statement(ledger(known), told)
    again = compare_with_statement(replace(ledger(known), executions=mine), replace(told, executions=tuple(rows)))
    assert {found.break_id for found in first.breaks} == {found.break_id for found in again.breaks}
