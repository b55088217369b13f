"""The kill switch over HTTP: recorded and audited as the commands do it, and only when it is confirmed."""

from collections.abc import Iterator
from http import HTTPStatus

import pytest
from sqlalchemy import Engine, select

from tests.integration.api.serving import Served, served
from tests.integration.db.story import tell
from tickledger.db.audit import verify
from tickledger.db.breaks import read_breaks
from tickledger.db.kill_switch import read_kill_switch_events, read_kill_switch_state
from tickledger.db.tables import audit_log
from tickledger.domain.kill_switch import KillSwitchEventKind
from tickledger.reconciliation.breaks import BreakState


@pytest.fixture
def app(ledger: Engine) -> Iterator[Served]:
    with served(ledger) as one:
        yield one


def send(app: Served, act: str, confirmation: str, **more: str) -> str:
    form = {"key": app.access.form_key, "confirmation": confirmation, "reason": "a test", **more}
    answer = app.ask("POST", f"/control/{act}", form, **app.own)
    assert answer.status == HTTPStatus.SEE_OTHER
    return answer.headers["location"]


def test_killing_and_resuming_is_recorded_with_the_reason_and_in_the_audit_log(app: Served) -> None:
    assert send(app, "kill", "STOP") == "/risk?told=stopped"
    state = read_kill_switch_state(app.engine)
    assert state.is_engaged
    assert state.event is not None
    assert (state.event.reason, state.event.flattens) == ("a test", False)
    assert state.event.actor.endswith("(dashboard)")
    assert send(app, "resume", "RESUME") == "/risk?told=resumed"
    assert not read_kill_switch_state(app.engine).is_engaged
    with app.engine.connect() as connection:
        actions = list(connection.execute(select(audit_log.c.action).order_by(audit_log.c.sequence)).scalars())
    assert actions[-2:] == ["kill switch engaged", "kill switch resumed"]
    assert list(verify(app.engine)) == []


def test_flattening_asks_for_every_position_to_be_closed(app: Served) -> None:
    assert send(app, "flatten", "CLOSE EVERYTHING", account="DU1") == "/risk?told=closing&account=DU1"
    (event,) = read_kill_switch_events(app.engine)
    assert event.flattens
    assert event.kind is KillSwitchEventKind.ENGAGED


@pytest.mark.parametrize(
    ("act", "confirmation"), [("kill", ""), ("kill", "stop"), ("flatten", "STOP"), ("resume", "STOP")]
)
def test_without_the_word_nothing_is_done(app: Served, act: str, confirmation: str) -> None:
    assert send(app, act, confirmation) == "/risk?told=unconfirmed"
    assert read_kill_switch_events(app.engine) == []


def test_resuming_what_was_not_stopped_records_nothing(app: Served) -> None:
    assert send(app, "resume", "RESUME") == "/risk?told=not-engaged"
    assert read_kill_switch_events(app.engine) == []


@pytest.mark.parametrize("key", ["", "0" * 64])
def test_a_form_that_is_not_ours_does_nothing(app: Served, key: str) -> None:
    for path in ("/control/kill", "/control/flatten", "/control/resume", "/breaks/step"):
        form = {"key": key, "confirmation": "STOP", "reason": ""}
        assert app.ask("POST", path, form, **app.own).status == HTTPStatus.FORBIDDEN
    assert read_kill_switch_events(app.engine) == []


def test_an_account_in_a_form_cannot_lead_elsewhere(app: Served) -> None:
    assert send(app, "kill", "no", account="DU1&told=stopped#//evil") == "/risk?told=unconfirmed"


def test_a_break_is_explained_with_a_note_and_by_the_rules_of_its_state(app: Served) -> None:
    tell(app.engine)
    tracked = next(one for one in read_breaks(app.engine) if one.state is BreakState.OPEN)
    form = {"key": app.access.form_key, "break": tracked.found.break_id, "state": "explained"}
    refused = app.ask("POST", "/breaks/step", form | {"note": " "}, **app.own)
    assert "told=refused" in refused.headers["location"]
    done = app.ask("POST", "/breaks/step", form | {"note": "the broker told it late"}, **app.own)
    assert "told=done" in done.headers["location"]
    now = next(one for one in read_breaks(app.engine) if one.found.break_id == tracked.found.break_id)
    assert (now.state, now.events[-1].note) == (BreakState.EXPLAINED, "the broker told it late")
    for state in ("resolved", "nonsense"):
        again = app.ask("POST", "/breaks/step", form | {"state": state, "note": "no"}, **app.own)
        assert "told=refused" in again.headers["location"]
