"""What a session does when what it writes to is away or full, or its settings and its record are not what it needs."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from sqlalchemy import Engine

from pipelines.definitions import build_definitions
from resources.exports import Exports
from resources.ledger import Ledger
from resources.session_run import SessionRequest
from resources.trading_session import LiveTrading
from tests.integration.database_clock import settable_clock
from tests.integration.live.dagster_desk import DagsterDesk
from tests.integration.live.floor import TODAY, Running, trading_floor
from tests.integration.test_embedded_postgres import postmaster_of
from tests.unit.execution.test_session_journal import files_of_at_most
from tickledger.db.embedded import ensure_databases, is_running, serve
from tickledger.db.engine import create_ledger_engine
from tickledger.db.migrate import upgrade
from tickledger.domain.alert import AlertKind
from tickledger.domain.order import OrderType
from tickledger.domain.trading_session import SessionState

pytestmark = [pytest.mark.long, pytest.mark.slow, pytest.mark.xdist_group("live")]


class OwnServer:
    """A PostgreSQL of this test alone, which may be stopped and started again."""

    def __init__(self, home: Path, stack: ExitStack) -> None:
        self.home = home
        self._stack = stack
        server = stack.enter_context(serve(home))
        ensure_databases(server, ["ledger"])
        self.engine = create_ledger_engine(server.url("ledger"))
        upgrade(self.engine)

    def stop(self) -> None:
        """Stop it as an administrator does, clients or not."""
        os.kill(postmaster_of(self.home), signal.SIGINT)
        while is_running(self.home):
            time.sleep(0.02)

    def start(self) -> None:
        """Start it again, at the same address."""
        self._stack.enter_context(serve(self.home))


@pytest.fixture
def own_server(home: Path) -> Iterator[OwnServer]:
    with ExitStack() as stack:
        server = OwnServer(home, stack)
        yield server
        server.engine.dispose()


def test_a_database_that_is_restarted_within_seconds_is_ridden_through(own_server: OwnServer) -> None:
    with trading_floor(own_server.engine, own_server.home) as floor, floor.session() as running:
        running.until_traded(1)
        for _ in range(3):
            own_server.stop()
            time.sleep(1)
            own_server.start()
            running.until_traded(1)
        running.until(lambda: running.summary.cash == floor.cash())
        assert running.recorded_state() is SessionState.RUNNING


def test_without_a_database_what_would_open_positions_is_cancelled_and_the_session_ends(own_server: OwnServer) -> None:
    with trading_floor(own_server.engine, own_server.home) as floor:
        with floor.session(symbols="MSFT") as running:
            running.until(lambda: floor.held("MSFT") and floor.working("MSFT"))
            floor.fault("order_by_hand", symbol="AAPL", action="BUY", quantity=50, order_type="LMT", price=60)
            own_server.stop()
            began = time.monotonic()
            running.end(seconds=30)
            assert time.monotonic() - began < 15
            assert running.summary.state is SessionState.FAILED
            assert running.alerts.of_kind(AlertKind.DATABASE_DOWN)
            left = floor.working()
            assert Decimal(60) in [order.limit_price for order in left]
            assert [order.symbol for order in left if order.stop_price is not None] == ["MSFT"]
        time.sleep(15)
        own_server.start()
        with floor.session() as again:
            again.until_traded(2)
            again.until(lambda: again.summary.cash == floor.cash())


def test_half_a_minute_without_a_database_and_the_sensor_begins_again(own_server: OwnServer, tmp_path: Path) -> None:
    engine, url = own_server.engine, own_server.engine.url.render_as_string(hide_password=False)
    with trading_floor(engine, own_server.home) as floor, dg.DagsterInstance.ephemeral() as instance:
        settings = floor.settings(symbols="MSFT")
        resources: dict[str, Any] = {"ledger": Ledger(url=url), "exports": Exports(folder=str(tmp_path))}
        definitions = build_definitions(settings, resource_overrides=resources)
        asked_of = {"ledger": resources["ledger"], "live": LiveTrading(settings)}
        desk = DagsterDesk(settings, definitions, instance, engine, asked_of)
        run_id = desk.report(dg.DagsterRunStatus.STARTED, str(TODAY))
        first = Running(settings, engine, SessionRequest(dagster_run_id=run_id))
        first.until_traded(1)
        assert "is running" in desk.tick("trading_session").skipped
        first.until(lambda: not floor.held("MSFT"))
        first.until(lambda: [order for order in floor.working("MSFT") if order.stop_price is not None])
        own_server.stop()
        stopped_at = time.monotonic()
        first.end(seconds=30)
        assert first.summary.state is SessionState.FAILED
        tick = desk.tick("trading_session")
        assert tick.requests == []
        assert "database" in tick.skipped
        assert [order.symbol for order in floor.working() if order.stop_price is not None] == ["MSFT"]
        time.sleep(max(stopped_at + 30 - time.monotonic(), 0))
        own_server.start()
        # The run of a process that could not say that it is over is told by its silence.
        while not (tick := desk.tick("trading_session")).requests:
            assert time.monotonic() - stopped_at < 60, tick.skipped
            time.sleep(0.5)
        assert desk.statuses()[run_id] is dg.DagsterRunStatus.FAILURE
        assert [request.partition_key for request in tick.requests] == [str(TODAY)]
        with floor.session(symbols="MSFT") as again:
            again.until_traded(2)
            again.until(lambda: again.summary.cash == floor.cash())
            assert time.monotonic() - stopped_at < 120


@pytest.mark.parametrize("minutes", [1, -1, 90], ids=["forward", "back", "far forward"])
def test_the_databases_clock_is_set_in_the_middle_of_a_session(ledger: Engine, home: Path, minutes: int) -> None:
    set_clock = settable_clock(ledger)
    with trading_floor(ledger, home) as floor, floor.session() as running:
        running.until_traded(1)
        set_clock(timedelta(minutes=minutes))
        # An order between the step and the next renewal of the lease ends the session, as another may trade by then.
        running.until(lambda: not running.is_alive or len(running.heard.fills) >= 4, may_end=True)
        if not running.is_alive:
            assert minutes > 0
            assert running.summary.state is SessionState.SUPERSEDED
            assert "ran out at" in running.summary.reason
        else:
            running.interrupt()
        with floor.session() as again:
            again.until_traded(2, seconds=90)
            again.until(lambda: again.summary.cash == floor.cash())
            assert not again.problems("position of"), again.told()


def test_redis_that_is_not_there_is_noticed_by_nobody(ledger: Engine, home: Path) -> None:
    with trading_floor(ledger, home) as floor, floor.session(redis_url="redis://127.0.0.1:1/0") as running:
        running.until_traded(3)
        assert running.recorded_state() is SessionState.RUNNING


def test_a_disk_that_is_full_ends_the_journal_of_inputs_and_not_the_session(ledger: Engine, home: Path) -> None:
    with trading_floor(ledger, home) as floor, floor.session() as running:
        running.until_traded(1)
        with files_of_at_most(4096):
            running.until(lambda: running.problems("a disk that takes the session's inputs"))
            running.until_traded(2)
        told = [alert for alert in running.alerts.of_kind(AlertKind.SESSION) if "journal" in alert.title]
        assert len(told) == 1
        assert running.recorded_state() is SessionState.RUNNING
        stops = [state for state in running.heard.orders.values() if state.order.order_type is OrderType.STOP]
        assert stops


def test_a_holiday_has_no_session(ledger: Engine, home: Path) -> None:
    with trading_floor(ledger, home) as floor:
        running = Running(floor.settings(), ledger, SessionRequest(session_date=date(2013, 3, 29)))
        running.thread.join(30)
        assert "expected a session of the NYSE, found Friday 2013-03-29, when the exchange was closed" in str(
            running.error
        )


def test_a_symbol_that_nobody_knows_keeps_no_other_from_being_traded(ledger: Engine, home: Path) -> None:
    with trading_floor(ledger, home) as floor, floor.session(symbols="AAA,MSFT") as running:
        running.until_traded(2)
        assert running.problems("market data of AAA: expected market data, found error 200")
        assert {fill.symbol for fill in running.heard.fills} == {"MSFT"}
