"""The kill switch in the record: seen by every process, only ever added to, and engaged where it cannot be read."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import IntegrityError

from tests.integration.db.story import ACCOUNT
from tickledger.db import audit, migrate
from tickledger.db.accounts import ensure_account, read_risk_limits, replace_risk_limits
from tickledger.db.engine import create_ledger_engine
from tickledger.db.kill_switch import (
    RecordedKillSwitch,
    last_signal_ids,
    read_kill_switch_events,
    read_kill_switch_state,
    record_kill_switch_event,
)
from tickledger.db.tables import audit_log, orders
from tickledger.domain.errors import ConfigurationError, LedgerError
from tickledger.domain.kill_switch import KillSwitchEvent, KillSwitchEventKind
from tickledger.domain.order import CONTROL_LIMIT_UNITS, RISK_LIMIT_UNITS, RiskLimit

AT = datetime(2026, 6, 10, 15, tzinfo=UTC)
ENGAGED = KillSwitchEvent(KillSwitchEventKind.ENGAGED, "ann", "too fast", AT, flattens=True)
RESUMED = KillSwitchEvent(KillSwitchEventKind.RESUMED, "bob", "looked at it", AT)


def step(request: KillSwitchEvent, kind: KillSwitchEventKind, symbol: str | None = None) -> KillSwitchEvent:
    return KillSwitchEvent(
        kind, "tickledger", "", AT, answers=request.sequence, obeying_account="NOT RECORDED", symbol=symbol
    )


def test_what_is_written_is_what_is_read_by_another_connection(ledger: Engine) -> None:
    assert not read_kill_switch_state(ledger).is_engaged
    engaged = record_kill_switch_event(ledger, ENGAGED)
    assert engaged == replace(ENGAGED, sequence=1)
    other = create_ledger_engine(ledger.url.render_as_string(hide_password=False))
    try:
        assert read_kill_switch_state(other).event == engaged
        assert read_kill_switch_state(other).is_engaged
    finally:
        other.dispose()
    sent = record_kill_switch_event(ledger, step(engaged, KillSwitchEventKind.FLATTEN_SENT, "AAPL"))
    assert sent.symbol == "AAPL"
    assert read_kill_switch_events(ledger) == [engaged, sent]
    assert read_kill_switch_state(ledger).event == engaged


def test_since_the_last_resumption_only_what_came_after_it_counts(ledger: Engine) -> None:
    switch = RecordedKillSwitch(ledger)
    first = switch.record(ENGAGED)
    resumed = switch.record(RESUMED)
    assert not switch.state().is_engaged
    assert switch.events() == [resumed]
    second = switch.record(ENGAGED)
    assert switch.events() == [resumed, second]
    assert read_kill_switch_events(ledger, after=first.sequence) == [resumed, second]


def test_requests_are_in_the_audit_log_and_its_chain_holds(ledger: Engine) -> None:
    engaged = record_kill_switch_event(ledger, ENGAGED)
    record_kill_switch_event(ledger, step(engaged, KillSwitchEventKind.CARRIED_OUT))
    record_kill_switch_event(ledger, RESUMED)
    with ledger.connect() as connection:
        entries = connection.execute(select(audit_log.c.actor, audit_log.c.action)).all()
    assert [tuple(entry) for entry in entries] == [("ann", "kill switch engaged"), ("bob", "kill switch resumed")]
    assert audit.verify(ledger) == []


def test_many_who_engage_at_once_are_all_recorded(ledger: Engine) -> None:
    with ThreadPoolExecutor(8) as pool:
        sequences = [
            event.sequence for event in pool.map(lambda _: record_kill_switch_event(ledger, ENGAGED), range(16))
        ]
    assert sorted(sequences) == list(range(1, 17))


@pytest.mark.parametrize("statement", ["DELETE FROM kill_switch_events", "UPDATE kill_switch_events SET reason = ''"])
def test_no_event_is_changed_or_deleted(ledger: Engine, statement: str) -> None:
    record_kill_switch_event(ledger, ENGAGED)
    with ledger.connect() as connection, pytest.raises(IntegrityError, match="append-only"):
        connection.execute(text(statement))


def test_a_step_that_answers_nothing_is_refused(ledger: Engine) -> None:
    with pytest.raises(LedgerError):
        record_kill_switch_event(ledger, step(ENGAGED, KillSwitchEventKind.CANCEL_SENT))


def test_a_database_that_is_down_reads_as_engaged_and_cannot_be_written() -> None:
    nowhere = create_ledger_engine("postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=1")
    state = read_kill_switch_state(nowhere)
    assert state.is_engaged
    assert "connection" in state.reason
    with pytest.raises(ConfigurationError, match="could not write kill switch"):
        record_kill_switch_event(nowhere, ENGAGED)


@pytest.mark.usefixtures("story")
def test_a_position_goes_back_to_the_signal_of_its_latest_order(ledger: Engine) -> None:
    with ledger.connect() as connection:
        latest = connection.execute(select(orders.c.signal_id).order_by(orders.c.submitted_at.desc()).limit(1)).scalar()
    assert last_signal_ids(ledger, ACCOUNT.account_id) == {"AAPL": latest}
    assert last_signal_ids(ledger, "ANOTHER") == {}


def test_every_limit_can_be_recorded_and_those_of_before_survive_the_way_down(ledger: Engine) -> None:
    ensure_account(ledger, ACCOUNT)
    names = [*RISK_LIMIT_UNITS, *CONTROL_LIMIT_UNITS]
    limits = [RiskLimit(ACCOUNT.account_id, name, Decimal(1), date(2026, 1, 1)) for name in names]
    replace_risk_limits(ledger, ACCOUNT.account_id, limits)
    assert {limit.name for limit in read_risk_limits(ledger, ACCOUNT.account_id)} == set(names)
    migrate.downgrade(ledger, "0003")
    assert len(read_risk_limits(ledger, ACCOUNT.account_id)) == len(names)
    migrate.upgrade(ledger)
    assert migrate.schema_differences(ledger) == []
