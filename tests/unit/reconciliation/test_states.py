"""What is a state at the end of a day is settled by the next comparison of it, what happened on a day by that day's."""

from datetime import date

from tickledger.reconciliation.breaks import BreakCause, ComparedScope, ReconciliationBreak, SourceName, Subject


def found(subject: Subject) -> ReconciliationBreak:
    """A break of Monday."""
    return ReconciliationBreak(
        break_id="brk_1",
        account_id="U1",
        subject=subject,
        key="XYZ",
        cause=BreakCause.QUANTITY,
        session_date=date(2025, 3, 3),
        against=SourceName.STATEMENT,
    )


def scope(subject: Subject, day: date) -> ComparedScope:
    """A comparison of one day."""
    return ComparedScope("U1", SourceName.STATEMENT, frozenset({subject}), day, day)


def test_the_next_day_s_positions_settle_a_position_of_the_day_before() -> None:
    tuesday = date(2025, 3, 4)
    assert scope(Subject.POSITION, tuesday).covers(found(Subject.POSITION))
    assert not scope(Subject.EXECUTION, tuesday).covers(found(Subject.EXECUTION))


def test_an_earlier_day_settles_nothing_of_a_later_one() -> None:
    sunday = date(2025, 3, 2)
    assert not scope(Subject.POSITION, sunday).covers(found(Subject.POSITION))
