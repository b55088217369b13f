"""Breaks in the record: the same difference is the same break, with an age and a history that only grows."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import Engine, func, select

from tests.integration.db.broken import CONTENT, comparison, evening, missing_fill, statement_file
from tests.integration.db.story import ACCOUNT
from tickledger.db.accounts import ensure_account
from tickledger.db.breaks import read_break, read_breaks, record_break_correction, record_comparison, step_break
from tickledger.db.statements import read_statement_content, read_statements, record_statement_file
from tickledger.db.tables import break_corrections, reconciliation_breaks, reconciliations, statement_files
from tickledger.domain.errors import InputError
from tickledger.reconciliation.breaks import BreakCause, BreakState, SourceName, Subject

FILL = missing_fill(ACCOUNT)


@pytest.fixture
def ledger(ledger: Engine) -> Engine:
    ensure_account(ledger, ACCOUNT)
    return ledger


def test_a_break_is_opened_found_again_resolved_and_opened_again(ledger: Engine) -> None:
    first = record_comparison(ledger, ACCOUNT, comparison(ACCOUNT, FILL), compared_at=evening(5))
    assert (first.opened, first.known, first.resolved) == ((FILL,), (), ())
    again = record_comparison(ledger, ACCOUNT, comparison(ACCOUNT, FILL), compared_at=evening(6))
    assert (again.opened, again.known, again.resolved) == ((), (FILL,), ())
    (tracked,) = read_breaks(ledger)
    assert (tracked.found, tracked.state) == (FILL, BreakState.OPEN)
    assert tracked.age(date(2012, 1, 9)) == 4
    assert tracked.blocks_forms
    gone = record_comparison(ledger, ACCOUNT, comparison(ACCOUNT), compared_at=evening(9))
    assert gone.resolved == (FILL,)
    assert read_breaks(ledger, states=[BreakState.OPEN]) == []
    back = record_comparison(ledger, ACCOUNT, comparison(ACCOUNT, FILL), compared_at=evening(10))
    assert back.opened == (FILL,)
    (tracked,) = read_breaks(ledger)
    assert [event.state for event in tracked.events] == [BreakState.OPEN, BreakState.RESOLVED, BreakState.OPEN]


def test_what_a_comparison_did_not_look_at_stays_open(ledger: Engine) -> None:
    record_comparison(ledger, ACCOUNT, comparison(ACCOUNT, FILL), compared_at=evening(5))
    elsewhere = (
        comparison(ACCOUNT, against=SourceName.BROKER),
        comparison(ACCOUNT, subjects=frozenset({Subject.CASH})),
        comparison(ACCOUNT, start_date=date(2012, 1, 6)),
        comparison(ACCOUNT, end_date=date(2012, 1, 4)),
    )
    for number, other in enumerate(elsewhere):
        assert not record_comparison(ledger, ACCOUNT, other, compared_at=evening(10 + number)).resolved
    assert [one.state for one in read_breaks(ledger)] == [BreakState.OPEN]


def test_a_person_accepts_it_and_the_next_evening_leaves_it_accepted(ledger: Engine) -> None:
    record_comparison(ledger, ACCOUNT, comparison(ACCOUNT, FILL), compared_at=evening(5))
    step_break(ledger, FILL.break_id, BreakState.EXPLAINED, actor="ann", note="late report", occurred_at=evening(6))
    accepted = step_break(
        ledger, FILL.break_id[:8], BreakState.ACCEPTED, actor="ann", note="booked by hand", occurred_at=evening(6)
    )
    assert not accepted.blocks_forms
    record_comparison(ledger, ACCOUNT, comparison(ACCOUNT, FILL), compared_at=evening(9))
    assert read_break(ledger, FILL.break_id) == accepted
    assert [event.note for event in accepted.events] == ["", "late report", "booked by hand"]


@pytest.mark.parametrize(
    ("state", "note", "why"),
    [
        (BreakState.RESOLVED, "gone", "expected accepted, explained, found resolved"),
        (BreakState.ACCEPTED, " ", "expected a note that says why, found none"),
    ],
)
def test_a_step_that_is_none_of_a_persons_is_refused(ledger: Engine, state: BreakState, note: str, why: str) -> None:
    record_comparison(ledger, ACCOUNT, comparison(ACCOUNT, FILL), compared_at=evening(5))
    with pytest.raises(InputError, match=why):
        step_break(ledger, FILL.break_id, state, actor="ann", note=note, occurred_at=evening(6))
    assert len(read_break(ledger, FILL.break_id).events) == 1


def test_an_id_that_names_none_or_several_is_refused(ledger: Engine) -> None:
    other = missing_fill(ACCOUNT, key="another")
    record_comparison(ledger, ACCOUNT, comparison(ACCOUNT, FILL, other), compared_at=evening(5))
    for name in ("brk_", "", "%", "brk_ffffffffffffffffffff0"):
        with pytest.raises(InputError, match="expected the id of one break"):
            read_break(ledger, name)


def test_what_is_said_of_a_break_may_change_and_the_break_is_the_same(ledger: Engine) -> None:
    record_comparison(ledger, ACCOUNT, comparison(ACCOUNT, FILL), compared_at=evening(5))
    dearer = replace(FILL, money_at_stake=Decimal("610.00"), because_of=("brk_other",), correction=None)
    assert dearer.break_id == FILL.break_id
    record_comparison(ledger, ACCOUNT, comparison(ACCOUNT, dearer), compared_at=evening(6))
    (tracked,) = read_breaks(ledger)
    assert tracked.found == dearer
    assert len(tracked.events) == 1
    with ledger.connect() as connection:
        assert connection.execute(select(func.count()).select_from(reconciliation_breaks)).scalar() == 2
        assert connection.execute(select(func.count()).select_from(reconciliations)).scalar() == 2


def test_the_most_money_comes_first(ledger: Engine) -> None:
    small = missing_fill(ACCOUNT, key="small", money_at_stake=Decimal(1))
    rounding = missing_fill(ACCOUNT, key="cent", cause=BreakCause.ROUNDING, money_at_stake=Decimal("0.01"))
    record_comparison(ledger, ACCOUNT, comparison(ACCOUNT, small, rounding, FILL), compared_at=evening(5))
    found = read_breaks(ledger, account_id=ACCOUNT.account_id)
    assert [one.found for one in found] == [FILL, small, rounding]
    assert [one.blocks_forms for one in found] == [True, True, False]
    assert read_breaks(ledger, account_id="another") == []


def test_a_correction_says_which_row_settles_the_break(ledger: Engine) -> None:
    record_comparison(ledger, ACCOUNT, comparison(ACCOUNT, FILL), compared_at=evening(5))
    record_break_correction(ledger, FILL, record_id="exec_1", actor="ann", note="from TWS", applied_at=evening(6))
    with ledger.connect() as connection:
        row = connection.execute(select(break_corrections)).mappings().one()
    assert (row["break_id"], row["record_id"], row["record_values"]) == (FILL.break_id, "exec_1", {"quantity": "10"})
    none = replace(FILL, correction=None)
    with pytest.raises(InputError, match="expected a break with a proposed correction"):
        record_break_correction(ledger, none, record_id=None, actor="ann", note="?", applied_at=evening(6))


def test_a_file_is_kept_whole_and_once_whatever_its_name(ledger: Engine) -> None:
    first = record_statement_file(ledger, statement_file(), CONTENT)
    again = record_statement_file(ledger, statement_file("copy.xml"), CONTENT)
    assert (first.is_new, again.is_new) == (True, False)
    assert again.statement_ids == first.statement_ids
    with ledger.connect() as connection:
        assert connection.execute(select(func.count()).select_from(statement_files)).scalar() == 1
    (stored,) = read_statements(ledger, broker_account="U1", start=date(2012, 1, 6), end=date(2012, 2, 1))
    assert stored.source == statement_file().source
    assert read_statement_content(ledger, stored.source.sha256) == CONTENT
    assert read_statement_content(ledger, "0" * 64) is None
    assert read_statements(ledger, start=date(2012, 1, 7)) == read_statements(ledger, broker_account="U2") == []
