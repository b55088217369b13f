"""The audit log shows when an entry was touched."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text

from tests.integration.db.story import ACCOUNT, END, START, Story, record
from tickledger.db import audit, trading


def fill(ledger: Engine, entries: int = 4) -> None:
    for number in range(entries):
        audit.append(ledger, actor="Ä", action="count", subject=str(number), details={"n": number, "word": "\"'\\"})


def tamper(ledger: Engine, *statements: str) -> None:
    """Change the log as only its owner can: the guards off, then on again."""
    with ledger.begin() as connection:
        connection.execute(text("ALTER TABLE audit_log DISABLE TRIGGER ALL"))
        for statement in statements:
            connection.execute(text(statement))
        connection.execute(text("ALTER TABLE audit_log ENABLE TRIGGER ALL"))


def test_an_untouched_log_holds(ledger: Engine) -> None:
    assert audit.verify(ledger) == []
    fill(ledger)
    assert audit.verify(ledger) == []


@pytest.mark.parametrize(
    ("statements", "row"),
    [
        (["UPDATE audit_log SET details = '{\"n\": 9}' WHERE sequence = 2"], 2),
        (["UPDATE audit_log SET actor = 'nobody' WHERE sequence = 1"], 1),
        (["UPDATE audit_log SET recorded_at = recorded_at + interval '1 microsecond' WHERE sequence = 4"], 4),
        (["UPDATE audit_log SET hash = repeat('a', 64) WHERE sequence = 3"], 3),
        (["DELETE FROM audit_log WHERE sequence = 1"], 2),
        (["DELETE FROM audit_log WHERE sequence = 2"], 3),
        (["DELETE FROM audit_log WHERE sequence = 4"], 3),
        (["DELETE FROM audit_log"], 0),
        (
            [
                "UPDATE audit_log SET sequence = sequence + 10 WHERE sequence > 2",
                "INSERT INTO audit_log SELECT 3, recorded_at, 'x', 'y', '', details, hash, hash FROM audit_log LIMIT 1",
            ],
            3,
        ),
        (
            [
                "UPDATE audit_log SET sequence = 12 WHERE sequence = 2",
                "UPDATE audit_log SET sequence = 2 WHERE sequence = 3",
                "UPDATE audit_log SET sequence = 3 WHERE sequence = 12",
            ],
            2,
        ),
        (["UPDATE audit_head SET hash = repeat('c', 64)"], 4),
        (["DELETE FROM audit_head"], 4),
    ],
)
def test_a_touched_log_is_found_out(told: Engine, statements: list[str], row: int) -> None:
    tamper(told, "DELETE FROM audit_log", "DELETE FROM audit_head")
    fill(told)
    assert audit.verify(told) == []
    tamper(told, *statements)
    problems = audit.verify(told)
    assert problems
    assert problems[0].row == row
    assert problems[0].where == "audit_log"


def test_appends_at_once_make_one_chain(ledger: Engine) -> None:
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda _: fill(ledger, 5), range(5)))
    assert audit.verify(ledger) == []
    with ledger.connect() as connection:
        assert connection.execute(text("SELECT max(sequence) FROM audit_log")).scalar() == 25


def test_an_append_that_is_rolled_back_leaves_no_gap(ledger: Engine) -> None:
    fill(ledger, 1)
    with ledger.connect() as connection:
        audit.append(connection, actor="a", action="b", subject="c", details={})
        connection.rollback()
    fill(ledger, 1)
    assert audit.verify(ledger) == []


def test_what_changes_the_record_is_in_the_log_and_what_does_not_is_not(ledger: Engine, story: Story) -> None:
    def entries() -> list[tuple[str, str]]:
        with ledger.connect() as connection:
            rows = connection.execute(text("SELECT action, subject FROM audit_log ORDER BY sequence")).all()
        return [(row.action, row.subject) for row in rows]

    told = entries()
    assert ("replace orders", "account SIM0001 2012-01-03..2012-01-09") in told
    assert [action for action, _ in told][:1] == ["ingest"]
    trading.replace_session(ledger, ACCOUNT, record(), start=START, end=END)
    assert entries() == told
    assert story.record == record()
    assert audit.verify(ledger) == []
