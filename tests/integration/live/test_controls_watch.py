"""What operators have asked for reaches the session: before its first event where it is in force already."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from resources.session_tally import SessionTally
from resources.session_watch import ControlsWatch
from tests.integration.db.story import ACCOUNT
from tests.unit.execution.test_live_market import DAY, Stand
from tickledger.bars.calendars import session_open
from tickledger.db.accounts import ensure_account
from tickledger.db.engine import create_ledger_engine
from tickledger.db.kill_switch import record_kill_switch_event
from tickledger.db.trading_sessions import request_pause, request_resume
from tickledger.domain.kill_switch import KillSwitchEvent, KillSwitchEventKind
from tickledger.domain.market import ControlsChanged
from tickledger.domain.trading_session import SessionState

AT = datetime(2026, 6, 10, 15, tzinfo=UTC)
ENGAGED = KillSwitchEvent(KillSwitchEventKind.ENGAGED, "ann", "too fast", AT)
RESUMED = KillSwitchEvent(KillSwitchEventKind.RESUMED, "bob", "looked at it", AT)


class Desk:
    """A session's market and tally, and the watch over them; `obeyed` counts how often the switch was carried out."""

    def __init__(self, ledger: Engine) -> None:
        self.stand = Stand(start=session_open(DAY) - timedelta(minutes=1))
        self.tally = SessionTally("sess_1", DAY)
        self.obeyed = 0
        self.told: list[KillSwitchEvent] = []
        self.watch = ControlsWatch(
            ledger,
            ACCOUNT.account_id,
            tally=self.tally,
            market=self.stand.market,
            obey=self.obey,
            tell=self.told.append,
        )

    async def obey(self) -> Sequence[str]:
        self.obeyed += 1
        return []

    def hear(self) -> None:
        asyncio.run(self.watch.hear())
        self.tally.begin_trading()

    def look_once(self) -> None:
        async def once() -> None:
            looking = asyncio.create_task(self.watch.look())
            await asyncio.sleep(0.4)  # Looks come every half second, the first at once.
            looking.cancel()

        asyncio.run(once())

    def controls(self, clock: str) -> list[ControlsChanged]:
        return [event for event in self.stand.look(clock) if isinstance(event, ControlsChanged)]


@pytest.fixture
def account(ledger: Engine) -> Engine:
    ensure_account(ledger, ACCOUNT)
    return ledger


def test_a_session_that_begins_under_the_kill_switch_hears_it_first_and_does_not_carry_it_out(account: Engine) -> None:
    record_kill_switch_event(account, ENGAGED)
    desk = Desk(account)
    desk.hear()
    assert desk.tally.state is SessionState.PAUSED
    assert "too fast" in desk.tally.reason
    first, *_ = desk.stand.look("09:30:00")
    assert isinstance(first, ControlsChanged)
    assert (first.is_paused, first.is_killed) == (True, True)
    assert desk.obeyed == 0


def test_a_pause_in_force_is_heard_and_ends_when_somebody_resumes(account: Engine) -> None:
    request_pause(account, ACCOUNT.account_id, actor="ann", reason="lunch", requested_at=AT)
    desk = Desk(account)
    desk.hear()
    [told] = desk.controls("09:30:00")
    assert (told.is_paused, told.is_killed, told.reason) == (True, False, "ann: lunch")
    request_resume(account, ACCOUNT.account_id, actor="ann", reason="back", requested_at=AT)
    desk.look_once()
    [told] = desk.controls("09:30:01")
    assert not told.is_paused
    assert desk.tally.state is SessionState.RUNNING


def test_nothing_in_force_is_nothing_to_hear(account: Engine) -> None:
    record_kill_switch_event(account, ENGAGED)
    record_kill_switch_event(account, RESUMED)
    desk = Desk(account)
    desk.hear()
    assert desk.tally.state is SessionState.RUNNING
    assert not desk.controls("09:30:00")


def test_the_switch_is_carried_out_by_the_first_look_and_told_where_it_is_new(account: Engine) -> None:
    desk = Desk(account)
    desk.look_once()
    engaged = record_kill_switch_event(account, ENGAGED)
    desk.look_once()
    assert desk.obeyed == 1
    assert desk.told == [engaged]
    [told] = desk.controls("09:30:00")
    assert told.is_killed


def test_a_record_that_does_not_answer_hinders_the_session(account: Engine) -> None:
    url = account.url.update_query_dict({"host": "/nowhere"}).render_as_string(hide_password=False)
    away = create_ledger_engine(url)
    desk = Desk(away)
    desk.hear()
    away.dispose()
    assert desk.tally.state is SessionState.DEGRADED
    assert "does not answer" in desk.tally.reason
