"""Every kind of break, planted into clean histories one at a time and in pairs, and clean histories without any."""

import random
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.examples import examples
from tests.golden.reconciliation.planted import PLANTS, Expected, Planted, UnsuitableError
from tests.golden.reconciliation.world import (
    ZERO,
    World,
    by_day_sums,
    by_days,
    by_orders,
    form,
    ledger,
    snapshot,
    statement,
    world,
)
from tickledger.reconciliation.breaks import BreakCause, Comparison, ReconciliationBreak, Subject
from tickledger.reconciliation.comparison import compare_with_broker, compare_with_statement
from tickledger.reconciliation.form_1099b_matching import compare_with_1099b

SEEDS = st.integers(0, 2**32 - 1)


def is_unpaid(found: ReconciliationBreak) -> bool:
    """A dividend that its ex-date has been booked for and nobody has paid yet: how every evening looks."""
    unpaid = found.subject in {Subject.DIVIDEND, Subject.CASH} and found.cause is BreakCause.TIMING
    return unpaid and not found.money_at_stake


def roots(comparison: Comparison) -> list[ReconciliationBreak]:
    """The breaks that no other explains."""
    return [found for found in comparison.breaks if not found.because_of and not is_unpaid(found)]


def is_as(expected: Expected, found: ReconciliationBreak) -> bool:
    """Whether a break is the expected one."""
    return (
        (found.subject, found.cause) == (expected.subject, expected.cause)
        and expected.symbol in {None, found.symbol}
        and expected.stake in {None, found.money_at_stake}
        and expected.field in {None, found.field}
    )


def planted(name: str, seed: int) -> Planted:
    """The break `name` in the history of a seed."""
    try:
        return PLANTS[name](random.Random(seed), world(seed))  # noqa: S311  reproducible on purpose
    except UnsuitableError:
        assume(False)
        raise


@pytest.mark.parametrize("name", list(PLANTS))
@settings(max_examples=examples(6), deadline=None)
@given(seed=SEEDS)
def test_a_planted_break_is_the_one_root_that_is_found(name: str, seed: int) -> None:
    result = planted(name, seed)
    left = roots(result.comparison)
    for expected in result.expected:
        match = next((found for found in left if is_as(expected, found)), None)
        assert match is not None, (expected, left)
        left.remove(match)
    assert not left
    assert not [found for found in result.comparison.breaks if found.because_of and found.money_at_stake]
    known = {found.break_id for found in result.comparison.breaks}
    assert all(set(found.because_of) <= known for found in result.comparison.breaks)
    assert len(known) == len(result.comparison.breaks)


def test_there_are_more_than_thirty_kinds() -> None:
    assert len(PLANTS) >= 30


def comparisons(of: World) -> list[Comparison]:
    """Every way in which the other side may tell the whole of a history."""
    view, told = ledger(of), statement(of)
    return [
        *(compare_with_statement(view, each) for each in (told, by_orders(told), by_days(told), by_day_sums(told))),
        compare_with_broker(view, snapshot(of)),
        compare_with_1099b(view, form(of)),
        compare_with_1099b(view, form(of, is_various=True)),
    ]


@settings(max_examples=examples(25), deadline=None)
@given(seed=SEEDS)
def test_a_clean_history_has_no_breaks_however_it_is_told(seed: int) -> None:
    for comparison in comparisons(world(seed)):
        assert not roots(comparison)
        assert not comparison.problems


@settings(max_examples=examples(15), deadline=None)
@given(seed=SEEDS, first=st.integers(0, 200), days=st.integers(0, 120))
def test_a_clean_part_of_a_history_has_no_breaks(seed: int, first: int, days: int) -> None:
    of = world(seed)
    start = of.start + timedelta(days=first)
    told = statement(of, start=start, end=min(start + timedelta(days=days), of.end))
    comparison = compare_with_statement(ledger(of), told)
    assert not roots(comparison)


@settings(max_examples=examples(25), deadline=None)
@given(seed=SEEDS)
def test_statements_of_parts_joined_are_as_good_as_the_whole(seed: int) -> None:
    of = world(seed)
    middle = of.start + timedelta(days=150)
    parts = [statement(of, end=middle), statement(of, start=middle - timedelta(days=20)), statement(of, end=middle)]
    assert not roots(compare_with_statement(ledger(of), parts))


@settings(max_examples=examples(20), deadline=None)
@given(seed=SEEDS)
def test_two_breaks_at_once_are_both_found(seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311  reproducible on purpose
    of = world(seed)
    first, second = rng.sample(of.executions, 2)
    assume(first.symbol != second.symbol)
    ours = replace(of, executions=tuple(row for row in of.executions if row is not first))
    told = statement(of)
    rows = tuple(
        replace(row, commission=(row.commission or ZERO) + 3) if row.ib_exec_id == second.execution_id else row
        for row in told.executions
    )
    balance = told.cash_balances[0]
    told = replace(
        told, executions=rows, cash_balances=(replace(balance, ending=(balance.ending or ZERO) - 3),), open_lots=(),
        closed_lots=(), wash_sales=(),
    )  # fmt: skip
    found = roots(compare_with_statement(ledger(ours), told))
    assert {(one.subject, one.cause, one.symbol) for one in found} == {
        (Subject.EXECUTION, BreakCause.MISSING, first.symbol),
        (Subject.COMMISSION, BreakCause.FEE, second.symbol),
    }


def test_the_page_names_every_kind() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "reconciliation.md").read_text()
    assert [name for name in PLANTS if f"`{name}`" not in page] == []
