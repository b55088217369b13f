"""`tickledger explain` of breaks and statements, on a ledger that was compared with real files."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from sqlalchemy import Engine

from resources.reconciliations import reconcile_statements
from tests.integration.reconciliation.conftest import ACCOUNT, AGAIN, BOUGHT, SOLD, dearer, flex
from tickledger.db.breaks import read_breaks, step_break
from tickledger.db.corrections import apply_correction
from tickledger.db.lineage import LineageNode, explain
from tickledger.db.lineage_changes import changes_since
from tickledger.db.statements import record_statement_file
from tickledger.domain.errors import InputError
from tickledger.execution.clock import WallClock
from tickledger.reconciliation.breaks import BreakCause, BreakState, ReconciliationBreak
from tickledger.reconciliation.statements.reading import read_statement

EVENING = datetime(2024, 8, 1, 22, tzinfo=UTC)
JULY = flex([BOUGHT, dearer(SOLD)]).encode()
AUGUST = flex([]).replace('fromDate="20240701" toDate="20240731"', 'fromDate="20240801" toDate="20240830"').encode()


def take_in(ledger: Engine, content: bytes, name: str) -> str:
    file = read_statement([content], name=name)
    return record_statement_file(ledger, file, content).statement_ids[0]


def found(ledger: Engine, cause: BreakCause) -> ReconciliationBreak:
    return next(one.found for one in read_breaks(ledger) if one.found.cause is cause)


def parents(node: LineageNode) -> dict[str, str]:
    return {parent.id: parent.kind for parent in node.parents}


@pytest.fixture
def july(traded: Engine) -> str:
    """The statement of July, in which one sale is dearer and the last purchase missing; August tells nothing of it."""
    take_in(traded, AUGUST, "august.xml")
    statement_id = take_in(traded, JULY, "july.xml")
    reconcile_statements(traded, compared_at=EVENING)
    return statement_id


def test_a_break_names_its_statement_the_file_and_the_fill_of_ours(traded: Engine, july: str) -> None:
    wrong = found(traded, BreakCause.PRICE)
    node = explain(traded, wrong.break_id)
    assert (node.kind, node.facts["where"]) == ("break", "july.xml:2")
    assert node.summary == (
        "price of AAPL execution on 2024-07-02: the ledger has sold 100 AAPL @ 190 on 2024-07-02, "
        "the statement has sold 100 AAPL @ 191 on 2024-07-02"
    )
    assert node.facts["money_at_stake"] == "100.00"
    assert node.facts["proposed"].startswith("correct execution (")
    assert parents(node) == {july: "statement", SOLD.execution_id: "execution"}
    (file,) = node.parents[0].parents
    assert file.summary == "statements brought from july.xml"
    assert file.facts["sha256"] == sha256(JULY).hexdigest()


def test_a_break_without_a_row_in_the_file_is_of_the_statement_of_its_day(traded: Engine, july: str) -> None:
    node = explain(traded, found(traded, BreakCause.EXTRA).break_id)
    assert node.summary.endswith("the statement has nothing")
    assert parents(node) == {july: "statement", AGAIN.execution_id: "execution"}


def test_a_break_tells_its_steps_and_what_was_recorded_because_of_it(traded: Engine, july: str) -> None:
    wrong = found(traded, BreakCause.PRICE)
    asked, booked, after = (EVENING + timedelta(days=days) for days in (1, 2, 3))
    step_break(traded, wrong.break_id, BreakState.EXPLAINED, actor="ann", note="asked the broker", occurred_at=asked)
    record_id = apply_correction(traded, wrong, actor="ann", note="it is right", applied_at=booked)
    reconcile_statements(traded, compared_at=after)
    facts = explain(traded, wrong.break_id).facts
    history = [f"{name} {words}" for name, words in facts.items() if "T22:00:00Z" in name]
    assert history == [
        "open 2024-08-01T22:00:00Z by reconciliation",
        "explained 2024-08-02T22:00:00Z by ann (asked the broker)",
        f"corrected 2024-08-03T22:00:00Z by ann (it is right) [correct execution {record_id}]",
        "resolved 2024-08-04T22:00:00Z by reconciliation",
    ]
    sale = explain(traded, SOLD.execution_id)
    assert sale.summary == "SELL 100 AAPL at 190.00 on 2024-07-02"
    assert sale.facts["corrected_price"] == "191"
    assert explain(traded, july).facts[wrong.break_id].startswith("resolved: price of AAPL execution, 100.00 USD")


def test_a_statement_tells_what_was_read_and_what_differed(traded: Engine, july: str) -> None:
    node = explain(traded, july)
    assert node.summary == f"of {ACCOUNT.account_id} at Interactive Brokers, 2024-07-01 to 2024-07-31"
    assert node.facts["read"] == "2 executions"
    assert node.facts["not used"] == "FlexStatement@period (told by other attributes)"
    assert node.facts["breaks"] == "2"
    extra = found(traded, BreakCause.EXTRA)
    assert node.facts[extra.break_id] == "open: extra of AAPL execution, 9,251.00 USD at stake"
    assert list(parents(node).values()) == ["ingestion"]


@pytest.mark.usefixtures("july")
def test_what_became_of_a_break_since_an_instant_is_its_steps(traded: Engine) -> None:
    wrong = found(traded, BreakCause.PRICE)
    before = WallClock().now()
    assert not changes_since(traded, wrong.break_id, before).is_changed
    step_break(traded, wrong.break_id, BreakState.ACCEPTED, actor="ann", note="let it be", occurred_at=EVENING)
    change = changes_since(traded, wrong.break_id, before)
    assert [(one.what, one.summary) for one in change.inputs] == [("accepted", "by ann: let it be")]


@pytest.mark.parametrize("identity", ["brk_0000", "stmt_0000"])
def test_an_unknown_break_or_statement_is_refused(ledger: Engine, identity: str) -> None:
    with pytest.raises(InputError, match=r"expected the id of a (break|statement) in the ledger"):
        explain(ledger, identity)
