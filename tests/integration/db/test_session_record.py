"""A live session's record beside its orders: added at once, durable when flushed, each row once whatever happens."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, Table, func, select
from sqlalchemy.pool import PoolProxiedConnection

from tests.examples import examples
from tests.integration.db.intraday import (
    OPEN,
    SYMBOLS,
    TODAY,
    Minute,
    Snapshot,
    balance,
    bar,
    interest,
    minutes,
    opinions,
    position,
    snapshot,
)
from tests.integration.db.story import ACCOUNT
from tests.integration.db.story import opinions as daily_opinions
from tests.integration.test_embedded_postgres import postmaster_of
from tickledger.db import market_data, signals, trading
from tickledger.db.accounts import ensure_account
from tickledger.db.embedded import ensure_databases, serve
from tickledger.db.engine import create_ledger_engine
from tickledger.db.lease import LeaseKeeper
from tickledger.db.lineage import explain
from tickledger.db.migrate import upgrade
from tickledger.db.opening import opening_state
from tickledger.db.session_record import SessionRecorder
from tickledger.db.tables import (
    balances,
    cash_transactions,
    feature_snapshots,
    ingestions,
    positions,
    risk_decisions,
    signal_components,
)
from tickledger.db.tables import market_data as bars_table
from tickledger.db.tables import signals as signals_table
from tickledger.domain.bar import Bar
from tickledger.domain.errors import ConfigurationError, FencedError, LedgerError
from tickledger.domain.signal import Signal
from tickledger.local_servers import locks

ROOT = Path(__file__).resolve().parents[3]
LINEAGE = (bars_table, feature_snapshots, signals_table, signal_components, risk_decisions)
A_DAY = timedelta(days=1)


@pytest.fixture
def desk(ledger: Engine) -> Engine:
    ensure_account(ledger, ACCOUNT)
    return ledger


def recorder_of(ledger: Engine, session_id: str = "first", **options: object) -> SessionRecorder:
    return SessionRecorder(ledger, ACCOUNT.account_id, session_id=session_id, session_date=TODAY, **options)  # type: ignore[arg-type]


def counts(ledger: Engine, *tables: Table) -> list[int]:
    with ledger.connect() as connection:
        return [connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables]


def said(one: Bar) -> Signal:
    return opinions(snapshot(one), OPEN)[0]


def expected_counts(told: list[Minute]) -> list[int]:
    parts = ("bars", "features", "signals", "signals", "decisions")
    bars, rows, said_so, components, decisions = (sum(len(getattr(one, part)) for one in told) for part in parts)
    return [bars, rows, said_so, components // 2, decisions]


def test_what_is_flushed_is_read_back_and_explains_itself(desk: Engine) -> None:
    told = list(minutes(20))
    with recorder_of(desk) as recorder:
        for minute in told:
            minute.add_to(recorder)
        recorder.record_cash_transaction(interest())
        recorder.flush()
        bars = market_data.read_session_bars(desk, TODAY, interval="1min")
        assert bars == [one for minute in told for one in minute.bars]
        said = signals.read_signals(desk, start=TODAY, end=TODAY, interval="1min")
        assert {signal.signal_id: signal for signal in said} == {s.signal_id: s for m in told for s in m.signals}
        decisions = trading.read_risk_decisions(desk, account_id=ACCOUNT.account_id)
        assert {d.risk_decision_id: d for d in decisions} == {d.risk_decision_id: d for m in told for d in m.decisions}
        assert trading.read_cash_transactions(desk) == [interest()]
        assert recorder.written_rows == sum(minute.rows for minute in told) + 1
        assert recorder.waiting_rows == 0
    first = explain(desk, told[0].decisions[0].risk_decision_id)
    kinds = [first.kind]
    while first.parents:
        first = first.parents[0]
        kinds.append(first.kind)
    assert kinds[-3:] == ["feature row", "bar", "ingestion"]
    assert "session first" in str(first)


def test_a_feature_that_is_not_known_yet_is_null(desk: Engine) -> None:
    with recorder_of(desk) as recorder:
        (minute,) = minutes(1)
        minute.add_to(recorder)
    with desk.connect() as connection:
        found = connection.execute(select(feature_snapshots.c.features).limit(1)).scalar_one()
    assert found == {"return_1": 0.0, "rsi_14": None}


def test_a_restarted_session_may_add_everything_again(desk: Engine) -> None:
    told = list(minutes(5))
    for session_id, new in (("first", sum(minute.rows for minute in told)), ("second", 0), ("third", 0)):
        with recorder_of(desk, session_id) as recorder:
            for minute in told:
                minute.add_to(recorder)
                minute.add_to(recorder)
            recorder.flush()
            assert recorder.written_rows == new
    assert counts(desk, *LINEAGE) == expected_counts(told)


def test_the_daily_signals_and_those_of_the_session_leave_each_other_alone(desk: Engine, story: object) -> None:
    assert story is not None
    (minute,) = minutes(1)
    with recorder_of(desk) as recorder:
        minute.add_to(recorder)
    day = minute.signals[0].session_date
    signals.replace_signals(desk, daily_opinions(), start=day.replace(day=1), end=day)
    assert len(signals.read_signals(desk, start=day, end=day, interval="1min")) == len(minute.signals)
    assert signals.read_signals(desk, start=day, end=day) == []
    assert len(signals.read_signals(desk, start=day.replace(day=1), end=day)) == len(daily_opinions())


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (lambda recorder, one: recorder.record_bars([replace(one, volume=7)], "1min"), "volume 1000, found 7"),
        (lambda recorder, one: recorder.record_bars([one], "5min"), "expected a bar of AAPL and 5min"),
        (lambda recorder, one: recorder.record_bars([replace(one, symbol="MSFT")], "1min"), "expected a bar of MSFT"),
        (lambda recorder, one: recorder.record_bars([replace(one, high=Decimal(1))], "1min"), "range_holds_prices"),
        (lambda recorder, one: recorder.record_features([replace(snapshot(one), values={"x": 1.0})]), "stands for one"),
        (
            lambda recorder, one: recorder.record_features([Snapshot("f", one.bar_id, "AAPL", {"x": float("inf")})]),
            "JSON",
        ),
        (
            lambda recorder, one: recorder.record_signals([replace(opinions(snapshot(one), OPEN)[0], confidence=2.0)]),
            "sig",
        ),
        (lambda recorder, _: recorder.record_cash_transaction(replace(interest(), account_id="OTHER")), "OTHER"),
        (lambda recorder, _: recorder.record_features([Snapshot("f", "bar_X_1min_20120110T1430Z_1", "X", {})]), "fk_"),
        (lambda recorder, _: recorder.record_signals([object()]), "AttributeError"),
    ],
)
def test_what_is_refused_is_told_and_the_rest_is_written(
    desk: Engine, wrong: Callable[[SessionRecorder, object], None], why: str
) -> None:
    first, second = minutes(2)
    recorder = recorder_of(desk, delay=A_DAY)
    first.add_to(recorder)
    recorder.flush()
    second.add_to(recorder)
    wrong(recorder, first.bars[0])
    recorder.record_cash_transaction(interest())
    with pytest.raises(LedgerError, match=why):
        recorder.flush()
    assert locks.poll(lambda: recorder.waiting_rows == 0, seconds=30)
    assert isinstance(recorder.problem, LedgerError)
    assert counts(desk, *LINEAGE, cash_transactions) == [*expected_counts([first, second]), 1]
    with pytest.raises(LedgerError, match=why):
        recorder.record_cash_transaction(interest("5.00"))
    with pytest.raises(LedgerError, match=why):
        asyncio.run(recorder.flushed())
    with pytest.raises(LedgerError, match=why):
        recorder.close()


def test_a_session_waits_for_what_it_added_and_not_for_the_delay(desk: Engine) -> None:
    (minute,) = minutes(1)

    async def session(recorder: SessionRecorder) -> list[int]:
        await recorder.flushed()
        minute.add_to(recorder)
        await asyncio.gather(recorder.flushed(), recorder.flushed())
        return counts(desk, *LINEAGE)

    with recorder_of(desk, delay=A_DAY) as recorder:
        assert asyncio.run(session(recorder)) == expected_counts([minute])


def test_rows_that_nobody_waits_for_are_written_after_the_delay(desk: Engine) -> None:
    with recorder_of(desk) as recorder:
        recorder.record_cash_transaction(interest())
        assert locks.poll(lambda: counts(desk, cash_transactions) == [1], seconds=30)


def test_a_close_takes_the_place_of_the_one_before(desk: Engine) -> None:
    with recorder_of(desk) as recorder:
        recorder.record_bars([bar(symbol, OPEN) for symbol in SYMBOLS], "1min")
        for held in (position("AAPL", "10"), position("MSFT", "5")):
            recorder.record_position(held)
        recorder.record_balance(balance("1.00"))
        recorder.flush()
        recorder.record_position(position("AAPL", "20"))
        recorder.record_balance(balance("2.00"))
        recorder.record_position(position("AAPL", "20"))
        recorder.record_balance(balance("2.00"))
    state = opening_state(desk, ACCOUNT.account_id, TODAY + A_DAY)
    assert state is not None
    assert {symbol: held.quantity for symbol, held in state.holdings.items()} == {"AAPL": Decimal(20)}
    assert state.cash == Decimal("2.00")
    assert counts(desk, positions, balances) == [3, 2]


def test_who_lost_the_lease_writes_nothing(desk: Engine) -> None:
    keeper, new = (
        LeaseKeeper(
            desk,
            ACCOUNT.account_id,
            holder=name,
            duration=timedelta(milliseconds=200),
            margin=timedelta(milliseconds=50),
        )
        for name in ("old", "new")
    )
    assert keeper.acquire()
    recorder = recorder_of(desk, guard=keeper.guard, delay=A_DAY)
    recorder.record_cash_transaction(interest("1.00"))
    keeper.renew()
    recorder.flush()
    assert locks.poll(lambda: new.acquire() is not None, seconds=30)
    recorder.record_cash_transaction(interest("2.00"))
    with pytest.raises(FencedError):
        recorder.flush()
    with pytest.raises(FencedError):
        asyncio.run(recorder.flushed())
    with pytest.raises(FencedError):
        recorder.close()
    assert counts(desk, cash_transactions) == [1]


def test_memory_is_bounded_and_a_hung_database_is_told(desk: Engine) -> None:
    recorder = recorder_of(desk, capacity=10, patience=timedelta(milliseconds=200))
    with desk.begin() as other:
        other.execute(
            select(func.pg_advisory_xact_lock(func.hashtextextended(f"tickledger lineage of {ACCOUNT.account_id}", 0)))
        )
        for number in range(10):
            recorder.record_cash_transaction(interest(f"{number}.00"))
        with pytest.raises(ConfigurationError, match=r"has not written 10 rows within"):
            recorder.flush()
        with pytest.raises(ConfigurationError, match="10 rows wait for the database, as many as may"):
            recorder.record_cash_transaction(interest("11.00"))
        with pytest.raises(ConfigurationError, match="has not written"):
            asyncio.run(recorder.flushed())
    recorder.close(timedelta(seconds=30))
    assert counts(desk, cash_transactions) == [10]


def test_a_commit_that_was_not_confirmed_is_made_again_without_harm(
    desk: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection breaks after the server has committed and before we hear of it, every second time."""
    commit, calls = desk.dialect.do_commit, iter(range(1_000_000))

    def breaking(connection: PoolProxiedConnection) -> None:
        commit(connection)
        if threading.current_thread().name == "session record" and next(calls) % 2 == 0:
            driver = connection.driver_connection
            assert isinstance(driver, psycopg.Connection)
            driver.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")

    monkeypatch.setattr(desk.dialect, "do_commit", breaking)
    told = list(minutes(9))
    with recorder_of(desk) as recorder:
        for minute in told:
            minute.add_to(recorder)
            recorder.flush(timedelta(seconds=30))
    monkeypatch.undo()
    assert next(calls) > len(told)
    assert counts(desk, *LINEAGE) == expected_counts(told)


@pytest.mark.slow
def test_a_killed_session_has_all_that_it_was_told_is_durable(desk: Engine) -> None:
    url = desk.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.integration.db.record_process", url, "600"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        last = [process.stdout.readline() for _ in range(10)][-1]
        process.kill()
        last = (process.stdout.readlines() or [last])[-1]
    durable = int(last)
    told = list(minutes(600))
    after = counts(desk, *LINEAGE)
    assert all(found >= wanted for found, wanted in zip(after, expected_counts(told[: durable + 1]), strict=True))
    with recorder_of(desk, "again") as recorder:
        for minute in told:
            minute.add_to(recorder)
        recorder.flush(timedelta(seconds=60))
    assert counts(desk, *LINEAGE) == expected_counts(told)
    assert counts(desk, ingestions) == [2]


@pytest.mark.slow
def test_a_server_that_is_killed_and_comes_back_loses_nothing(run_folder: Path) -> None:
    home = run_folder / "record-server"
    told = list(minutes(40))
    with serve(home) as server:
        ensure_databases(server, ["recorded"])
        ledger = create_ledger_engine(server.url("recorded"))
        upgrade(ledger)
        ensure_account(ledger, ACCOUNT)
        recorder = recorder_of(ledger, patience=timedelta(milliseconds=300))
        for minute in told[:10]:
            minute.add_to(recorder)
        recorder.flush(timedelta(seconds=30))
        os.kill(postmaster_of(home), signal.SIGKILL)
        for minute in told[10:]:
            minute.add_to(recorder)
        with pytest.raises(ConfigurationError):
            asyncio.run(recorder.flushed())
        assert locks.poll(lambda: recorder.is_failing, seconds=30)
        with serve(home):
            recorder.flush(timedelta(seconds=60))
            assert not recorder.is_failing
            recorder.close()
            assert counts(ledger, *LINEAGE) == expected_counts(told)
            ledger.dispose()


@pytest.mark.slow
def test_any_order_of_flushes_and_restarts_leaves_the_same_rows(desk: Engine) -> None:
    """Groups may end anywhere and sessions begin anywhere before the end of the one before."""
    numbers = iter(range(1_000_000))

    @settings(max_examples=examples(25), deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["add", "flush", "restart"])), max_size=12), st.data())
    def run(steps: list[tuple[int, str]], data: st.DataObject) -> None:
        symbol = f"S{next(numbers)}"
        told = list(minutes(6, symbols=(symbol,)))
        added: set[int] = set()
        recorder = recorder_of(desk, symbol)
        for number, step in steps:
            if step == "flush":
                recorder.flush()
            elif step == "restart":
                with suppress(ConfigurationError):
                    recorder.close()
                recorder = recorder_of(desk, f"{symbol}_{data.draw(st.integers(0, 3))}")
            else:
                told[number].add_to(recorder)
                added.add(number)
        recorder.close()
        bars = market_data.read_bars(desk, interval="1min", start=TODAY, end=TODAY, symbols=[symbol])
        assert len(bars) == len(added)
        said = signals.read_signals(desk, start=TODAY, end=TODAY, interval="1min")
        mine = {signal.signal_id: signal for signal in said if signal.symbol == symbol}
        assert mine == {signal.signal_id: signal for number in added for signal in told[number].signals}

    run()


def test_how_many_rows_a_second_are_written(desk: Engine) -> None:
    told = list(minutes(300))
    rows = sum(minute.rows for minute in told)
    with recorder_of(desk) as recorder:
        started = time.perf_counter()
        for minute in told:
            minute.add_to(recorder)
        added = time.perf_counter() - started
        recorder.flush(timedelta(seconds=60))
        took = time.perf_counter() - started
    assert counts(desk, *LINEAGE) == expected_counts(told)
    each = added / len(told) * 1e6
    print(f"\n{rows:,} rows: {rows / took:,.0f} rows/s; a minute of 3 symbols is added in {each:.0f} µs")
