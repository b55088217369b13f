"""Executions of two sides are matched one to one, by ids before figures, the same whatever order they come in."""

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tickledger.domain.order import OrderSide
from tickledger.reconciliation.ledger_view import LedgerView, Names
from tickledger.reconciliation.matching import MatchedBy, matched
from tickledger.reconciliation.statement import Correction, StatementExecution
from tickledger.reconciliation.trade_rows import TradeRow, statement_rows

NAMES = Names.of(LedgerView(account_id="U1"))
DAY = date(2025, 3, 3)
AT = datetime(2025, 3, 3, 15, 0, tzinfo=UTC)


def told(identity: str = "", **figures: object) -> StatementExecution:
    """A purchase of 10 XYZ at 100 as a statement has it, but for the figures given."""
    row = StatementExecution(
        symbol="XYZ",
        side=OrderSide.BUY,
        quantity=Decimal(10),
        price=Decimal(100),
        currency="USD",
        executed_on=DAY,
        trade_date=DAY,
        executed_at=AT,
        ib_exec_id=identity,
    )
    return replace(row, **figures)  # type: ignore[arg-type]  # names of its fields


def rows(*executions: StatementExecution) -> list[TradeRow]:
    """What is in force of them."""
    return list(statement_rows(executions, NAMES).rows)


def test_a_later_revision_is_the_same_execution() -> None:
    found = matched(rows(told("a.b.01.01")), rows(told("a.b.01.02", price=Decimal(101))))
    assert [match.by for match in found.matches] == [MatchedBy.ID]


def test_the_last_revision_in_a_file_is_in_force() -> None:
    found = rows(told("a.b.01.02", price=Decimal(101)), told("a.b.01.01"))
    assert [row.price for row in found] == [Decimal(101)]


def test_a_cancellation_takes_its_original_back_and_a_rebooked_trade_stands() -> None:
    original = told("a.b.01.01", trade_id="1")
    undone = told("a.c.01.01", trade_id="2", original_trade_id="1", correction=Correction.CANCELS)
    again = told("a.d.01.01", trade_id="3", price=Decimal(99))
    assert [row.identity for row in rows(original, undone, again)] == ["a.d.01.01"]


def test_a_cancellation_of_what_the_file_does_not_have_is_told_apart() -> None:
    found = statement_rows([told("", correction=Correction.CANCELS)], NAMES)
    assert (len(found.rows), len(found.taken_back)) == (0, 1)


def test_rows_that_both_have_ids_of_the_broker_are_never_one_by_their_figures() -> None:
    found = matched(rows(told("a.b.01.01")), rows(told("a.c.01.01")))
    assert (len(found.matches), len(found.extra), len(found.missing)) == (0, 1, 1)


def test_without_ids_figures_decide_and_twins_are_two() -> None:
    found = matched(rows(told("a.b.01.01"), told("a.c.01.01")), rows(told(), told(), told()))
    assert (len(found.matches), len(found.extra), len(found.missing)) == (2, 0, 1)


def test_an_order_is_matched_with_the_sum_of_its_fills() -> None:
    ours = rows(
        told("a.b.01.01", order_ref="o", quantity=Decimal(4), price=Decimal(100)),
        told(
            "a.c.01.01", order_ref="o", quantity=Decimal(6), price=Decimal(101), executed_at=AT + timedelta(seconds=3)
        ),
    )
    found = matched(ours, rows(told(price=Decimal("100.6"))))
    assert [(len(match.ours), len(match.theirs), match.by) for match in found.matches] == [(2, 1, MatchedBy.ORDER)]


def test_sums_of_a_day_have_to_agree_to_half_a_cent_a_row() -> None:
    ours = rows(told("a.b.01.01", order_ref="o"), told("a.c.01.01", order_ref="p", price=Decimal(101)))
    good = told(quantity=Decimal(20), price=Decimal("100.5"), executed_at=None)
    bad = replace(good, price=Decimal("100.6"))
    assert [match.by for match in matched(ours, rows(good)).matches] == [MatchedBy.DAY_SUM]
    assert [match.by for match in matched(ours, rows(bad)).matches if match.by is MatchedBy.DAY_SUM] == []


FIGURES = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from(["XYZ", "ABC"]),
        "side": st.sampled_from([OrderSide.BUY, OrderSide.SELL]),
        "quantity": st.integers(1, 4).map(Decimal),
        "price": st.integers(99, 102).map(Decimal),
        "order_ref": st.sampled_from(["", "o", "p"]),
        "executed_at": st.one_of(st.none(), st.integers(0, 3).map(lambda hours: AT + timedelta(hours=hours))),
    }
)
SIDE = st.lists(st.tuples(st.sampled_from(["", "id"]), FIGURES), max_size=12)


def side(drawn: list[tuple[str, dict[str, object]]]) -> list[StatementExecution]:
    """Rows of one side; those with ids have one of their own each."""
    return [told(f"x.{number}.01.01" if name else "", **figures) for number, (name, figures) in enumerate(drawn)]


@given(ours=SIDE, theirs=SIDE, shuffle=st.randoms(use_true_random=False))
def test_each_row_is_in_one_place_and_the_order_does_not_matter(
    ours: list[tuple[str, dict[str, object]]],
    theirs: list[tuple[str, dict[str, object]]],
    shuffle: random.Random,
) -> None:
    one, other = rows(*side(ours)), rows(*side(theirs))
    found = matched(one, other)
    assert Counter(map(id, [*found.extra, *(row for match in found.matches for row in match.ours)])) == Counter(
        map(id, one)
    )
    assert Counter(map(id, [*found.missing, *(row for match in found.matches for row in match.theirs)])) == Counter(
        map(id, other)
    )
    mixed, mixed_too = side(ours), side(theirs)
    shuffle.shuffle(mixed)
    shuffle.shuffle(mixed_too)
    again = matched(rows(*mixed), rows(*mixed_too))
    assert Counter(row.place for row in again.extra) == Counter(row.place for row in found.extra)
    assert Counter(row.place for row in again.missing) == Counter(row.place for row in found.missing)
