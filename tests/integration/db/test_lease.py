"""The lease of an account: one process trades it, whatever is done to the processes that did before."""

import os
import signal
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import IntegrityError

from tests.integration.db.lease_process import DURATION, MARGIN, Trader, order
from tests.integration.db.story import ACCOUNT
from tests.integration.test_embedded_postgres import postmaster_of
from tickledger.db.accounts import ensure_account
from tickledger.db.embedded import ensure_databases, serve
from tickledger.db.engine import create_ledger_engine
from tickledger.db.lease import LeaseKeeper, read_lease
from tickledger.db.migrate import upgrade
from tickledger.db.order_journal import LedgerJournal
from tickledger.db.tables import leases, orders
from tickledger.domain.errors import ConfigurationError, FencedError, LedgerError
from tickledger.domain.order import OrderEvent, OrderStatus
from tickledger.domain.trading_session import Lease
from tickledger.execution.order_journal import NewOrder
from tickledger.local_servers import locks

ROOT = Path(__file__).resolve().parents[3]
EPOCH = select(leases.c.epoch).where(leases.c.account_id == ACCOUNT.account_id)


class Broker(socketserver.ThreadingTCPServer):
    """Takes lines from any number of connections and keeps them in the order in which they came."""

    allow_reuse_address = daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Lines)
        self.received: list[str] = []
        self.port: int = self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def of(self, name: str) -> list[str]:
        return [line for line in self.received if line.startswith(name)]


class _Lines(socketserver.StreamRequestHandler):
    server: Broker

    def handle(self) -> None:
        for line in self.rfile:
            self.server.received.append(line.decode().strip())


@pytest.fixture
def broker() -> Iterator[Broker]:
    with Broker() as running:
        yield running
        running.shutdown()


@contextmanager
def trading_process(ledger: Engine, broker: Broker, name: str, freeze: str = "") -> Iterator["subprocess.Popen[str]"]:
    url = ledger.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.integration.db.lease_process", url, str(broker.port), name, freeze]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.kill()
            process.send_signal(signal.SIGCONT)


def line(process: "subprocess.Popen[str]") -> str:
    """The next line that a process prints; the test's time limit ends the wait."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def acquired(keeper: LeaseKeeper) -> Lease:
    """The lease, once it is to be had."""
    found: list[Lease] = []

    def ask() -> bool:
        lease = keeper.acquire()
        found.extend([lease] if lease is not None else [])
        return bool(found)

    assert locks.poll(ask, seconds=30)
    return found[0]


def keeper_of(
    ledger: Engine, name: str = "tester", *, duration: timedelta = DURATION, margin: timedelta = MARGIN
) -> LeaseKeeper:
    return LeaseKeeper(ledger, ACCOUNT.account_id, holder=name, duration=duration, margin=margin)


def database_now(ledger: Engine) -> datetime:
    with ledger.connect() as connection:
        found: datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
    return found


def recorded_orders(ledger: Engine, name: str) -> list[datetime]:
    mine = select(orders.c.recorded_at).where(orders.c.order_id.startswith(name)).order_by(orders.c.recorded_at)
    with ledger.connect() as connection:
        return list(connection.execute(mine).scalars())


@pytest.mark.slow
@pytest.mark.usefixtures("story")
@pytest.mark.parametrize(
    "freeze", ["guarded", *(pytest.param(point, marks=pytest.mark.long) for point in ("committed", "idle"))]
)
def test_a_frozen_process_sends_and_writes_nothing_after_its_successors_first_order(
    ledger: Engine, broker: Broker, freeze: str
) -> None:
    with trading_process(ledger, broker, "first", freeze) as first:
        assert line(first).startswith("acquired")
        assert line(first) == "freezing"
        before = read_lease(ledger, ACCOUNT.account_id)
        assert before is not None
        second = Trader(ledger.url.render_as_string(hide_password=False), broker.port, "second")
        after = acquired(second.keeper)
        assert after.epoch == before.epoch + 1
        assert after.acquired_at >= before.expires_at + MARGIN
        second.place()
        os.kill(first.pid, signal.SIGCONT)
        assert line(first) == "thawed"
        told = [line(first) for _ in range(2 if freeze == "guarded" else 1)]
        assert told[-1].startswith("fenced: the lease of account SIM0001")
        if freeze == "guarded":
            assert told[0].startswith("failed: the database could not write orders")
        assert first.wait(timeout=30) == 0
        assert locks.poll(lambda: _renewed(second.keeper), seconds=30)
        second.place()
    assert locks.poll(lambda: len(broker.of("second")) == 2, seconds=30)
    assert broker.received[-2:] == ["second_1", "second_2"]
    assert recorded_orders(ledger, "first")[-1] < after.acquired_at
    # One that was committed and not sent, where that is what was in the middle.
    unsent = len(recorded_orders(ledger, "first")) - len(broker.of("first"))
    assert unsent == (1 if freeze == "committed" else 0)


@pytest.mark.long
@pytest.mark.usefixtures("story")
def test_processes_frozen_anywhere_hand_over_without_overlap(ledger: Engine, broker: Broker) -> None:
    """A relay: each process is stopped at some moment, the next takes over, all are woken at the end."""
    with (
        trading_process(ledger, broker, "a") as a,
        trading_process(ledger, broker, "b") as b,
        trading_process(ledger, broker, "c") as c,
    ):
        running = {"a": a, "b": b, "c": c}
        order_of_turns: list[str] = []
        for _ in range(3):
            before = len(broker.received)
            assert locks.poll(lambda before=before: len(broker.received) > before + 10, seconds=60)  # type: ignore[misc]
            name = broker.received[-1].partition("_")[0]
            os.kill(running.pop(name).pid, signal.SIGSTOP)
            order_of_turns.append(name)
        sent = len(broker.received)
        for process in (a, b, c):
            os.kill(process.pid, signal.SIGCONT)
        fenced = [
            list(process.stdout or ())[-1]
            for name, process in zip("abc", (a, b, c), strict=True)
            if name != order_of_turns[-1]
        ]
        assert all(words.startswith("fenced") for words in fenced)
    turns = [received.partition("_")[0] for received in broker.received]
    changes = [name for name, previous in zip(turns, ["", *turns], strict=False) if name != previous]
    assert changes == order_of_turns
    assert {received.partition("_")[0] for received in broker.received[sent:]} <= {order_of_turns[-1]}


@pytest.mark.usefixtures("story")
def test_a_killed_process_is_followed_after_its_lease_and_a_margin(ledger: Engine, broker: Broker) -> None:
    with trading_process(ledger, broker, "first") as first:
        assert line(first).startswith("acquired")
        assert locks.poll(lambda: len(broker.received) > 5, seconds=30)
        first.kill()
        first.wait()
        before = read_lease(ledger, ACCOUNT.account_id)
        assert before is not None
        keeper = keeper_of(ledger)
        assert keeper.acquire() is None
        after = acquired(keeper)
    assert after.epoch == before.epoch + 1
    assert after.acquired_at >= before.expires_at + MARGIN
    assert after.acquired_at < before.expires_at + MARGIN + timedelta(seconds=1)


@pytest.mark.usefixtures("story")
def test_a_released_lease_is_free_at_once(ledger: Engine) -> None:
    first, second = keeper_of(ledger, duration=timedelta(hours=1)), keeper_of(ledger)
    before = acquired(first)
    assert second.acquire() is None
    first.release()
    assert first.objection() == "the lease was released"
    after = second.acquire()
    assert after is not None
    assert after.epoch == before.epoch + 1
    with pytest.raises(FencedError, match="released"):
        first.renew()
    with ledger.begin() as connection, pytest.raises(FencedError, match="released"):
        first.guard(connection, ACCOUNT.account_id)
    first.release()
    assert second.holds


@pytest.mark.usefixtures("story")
def test_of_many_that_ask_at_once_one_has_it(ledger: Engine) -> None:
    keepers = [keeper_of(ledger, f"holder {number}") for number in range(8)]
    for _ in range(5):
        start = threading.Barrier(8)

        def ask(keeper: LeaseKeeper, start: threading.Barrier = start) -> Lease | None:
            start.wait()
            return keeper.acquire()

        with ThreadPoolExecutor(8) as pool:
            leased = list(pool.map(ask, keepers))
        assert sum(lease is not None for lease in leased) == 1
        holding = [keeper for keeper in keepers if keeper.holds]
        assert len(holding) == 1
        holding[0].release()
    for keeper in keepers:
        keeper.close()


@pytest.mark.usefixtures("story")
def test_a_lease_of_ours_that_ran_out_and_that_nobody_took_can_be_renewed(ledger: Engine) -> None:
    keeper = keeper_of(ledger, duration=timedelta(milliseconds=200), margin=timedelta(milliseconds=100))
    lease = acquired(keeper)
    assert locks.poll(lambda: not keeper.holds, seconds=30)
    assert locks.poll(lambda: database_now(ledger) > lease.expires_at, seconds=30)
    with ledger.begin() as connection, pytest.raises(FencedError, match=r"not renewed in time|ran out"):
        keeper.guard(connection, ACCOUNT.account_id)
    keeper.renew()
    assert keeper.lease is not None
    assert keeper.lease.epoch == lease.epoch


@pytest.mark.usefixtures("story")
def test_the_guard_asks_the_database_and_not_only_our_clock(ledger: Engine) -> None:
    """Our clock stands still: a machine that was suspended in a way that no clock of it tells."""
    frozen = LeaseKeeper(
        ledger,
        ACCOUNT.account_id,
        holder="frozen",
        duration=timedelta(milliseconds=200),
        margin=timedelta(milliseconds=100),
        elapsed=lambda: 0.0,
    )
    lease = acquired(frozen)
    assert locks.poll(lambda: database_now(ledger) > lease.expires_at, seconds=30)
    assert frozen.objection() is None
    with ledger.begin() as connection, pytest.raises(FencedError, match="ran out at"):
        frozen.guard(connection, ACCOUNT.account_id)
    other = keeper_of(ledger, "other")
    acquired(other)
    with ledger.begin() as connection, pytest.raises(FencedError, match="epoch 3 is other's"):
        frozen.guard(connection, ACCOUNT.account_id)
    assert "epoch 3 is other's" in (frozen.objection() or "")


@pytest.mark.usefixtures("story")
def test_a_guarded_transaction_keeps_the_next_holder_waiting(ledger: Engine) -> None:
    """After an acquisition nothing of the one before is committed: it waits, and ends what does not end."""
    first, second = keeper_of(ledger), keeper_of(ledger, "second")
    acquired(first)
    with ledger.connect() as connection:
        first.guard(connection, ACCOUNT.account_id)
        # A renewal of the same process is not in its way for longer than its own transaction takes.
        with pytest.raises(ConfigurationError):
            first.renew()
        connection.rollback()
    first.renew()
    with ledger.connect() as connection:
        first.guard(connection, ACCOUNT.account_id)
        assert acquired(second).epoch == 3
        with pytest.raises(Exception, match="terminat"):
            connection.execute(select(1))
        connection.invalidate()


@pytest.mark.usefixtures("story")
def test_a_guard_is_for_one_account(ledger: Engine) -> None:
    keeper = keeper_of(ledger)
    acquired(keeper)
    with ledger.begin() as connection, pytest.raises(FencedError, match="not of OTHER"):
        keeper.guard(connection, "OTHER")


def test_an_account_that_is_not_recorded_has_no_lease(ledger: Engine) -> None:
    with pytest.raises(LedgerError, match="NOBODY is not recorded"):
        LeaseKeeper(ledger, "NOBODY", holder="tester").acquire()
    assert read_lease(ledger, "NOBODY") is None


def test_a_margin_has_to_fit_into_its_lease(ledger: Engine) -> None:
    for margin in (timedelta(0), timedelta(seconds=1)):
        with pytest.raises(ValueError, match="expected a margin"):
            keeper_of(ledger, duration=timedelta(seconds=1), margin=margin)


@pytest.mark.usefixtures("story")
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM leases",
        "TRUNCATE leases",
        "UPDATE leases SET epoch = epoch - 1",
        "UPDATE leases SET account_id = 'OTHER'",
    ],
)
def test_an_epoch_never_comes_again(ledger: Engine, statement: str) -> None:
    keeper = keeper_of(ledger)
    acquired(keeper)
    with ledger.connect() as connection, pytest.raises(IntegrityError):
        connection.execute(text(statement))


@pytest.mark.long
def test_a_lease_outlives_its_server(run_folder: Path) -> None:
    """The server is killed and comes back: who held goes on with the same epoch, or objects by itself in time."""
    home = run_folder / "lease-server"
    with serve(home) as server:
        ensure_databases(server, ["leased"])
        ledger = create_ledger_engine(server.url("leased"))
        upgrade(ledger)
        ensure_account(ledger, ACCOUNT)
        keeper = keeper_of(ledger, duration=timedelta(seconds=5), margin=timedelta(seconds=1))
        lease = acquired(keeper)
        os.kill(postmaster_of(home), signal.SIGKILL)
        # The server's processes end one after the other; those that are left may still answer for a moment.
        assert locks.poll(lambda: not _renewed(keeper), seconds=30)
        with serve(home):
            assert locks.poll(lambda: _renewed(keeper), seconds=30)
            assert keeper.lease is not None
            assert keeper.lease.epoch == lease.epoch
            assert keeper.lease.expires_at > lease.expires_at
            other = keeper_of(ledger, "other")
            assert other.acquire() is None
            keeper.release()
            assert acquired(other).epoch == lease.epoch + 1
            for engine in (keeper, other):
                engine.close()
            ledger.dispose()


def _renewed(keeper: LeaseKeeper) -> bool:
    try:
        keeper.renew()
    except ConfigurationError:
        return False
    return True


@pytest.mark.slow
def test_a_database_that_hangs_holds_nobody_up_and_the_lease_runs_out(run_folder: Path) -> None:
    home = run_folder / "hung-server"
    with serve(home) as server:
        ensure_databases(server, ["leased"])
        ledger = create_ledger_engine(server.url("leased"))
        upgrade(ledger)
        ensure_account(ledger, ACCOUNT)
        keeper = keeper_of(ledger, duration=timedelta(seconds=2), margin=timedelta(seconds=0.5))
        acquired(keeper)
        with ledger.connect() as connection:
            backends = connection.execute(text("SELECT pid FROM pg_stat_activity WHERE pid <> 0")).scalars().all()
        frozen = [*backends, postmaster_of(home)]
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        try:
            started = time.perf_counter()
            for _ in range(3):
                with pytest.raises(ConfigurationError, match="has not renewed the lease of SIM0001"):
                    keeper.renew()
            assert time.perf_counter() - started < 1
            assert locks.poll(lambda: not keeper.holds, seconds=30)
            assert "was not renewed in time" in (keeper.objection() or "")
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)
        assert locks.poll(lambda: _renewed(keeper) and keeper.holds, seconds=30)
        keeper.close()
        ledger.dispose()


@pytest.mark.usefixtures("story")
def test_how_long_each_statement_takes(ledger: Engine) -> None:
    keeper = keeper_of(ledger, duration=timedelta(minutes=5))
    acquired(keeper)
    at, times = database_now(ledger), dict[str, list[float]]()
    journals = {"order": LedgerJournal(ledger), "order, guarded": LedgerJournal(ledger, guard=keeper.guard)}

    def take(name: str, call: Callable[[], object]) -> None:
        started = time.perf_counter()
        call()
        times.setdefault(name, []).append(time.perf_counter() - started)

    for number in range(300):
        for name, journal in journals.items():
            placed = order(name, number)
            event = OrderEvent(placed.order_id, 0, OrderStatus.PENDING, at, placed.session_date)
            take(name, partial(journal.record_orders, placed.account_id, [NewOrder(placed, event)]))
        take("renew", keeper.renew)
        take("objection", keeper.objection)
    for _ in range(50):
        keeper.release()
        take("acquire", keeper.acquire)
    for name, took in times.items():
        took.sort()
        print(f"\n{name}: p50 {took[len(took) // 2] * 1e3:.3f} ms, p99 {took[len(took) * 99 // 100] * 1e3:.3f} ms")
    assert keeper.holds
