"""The benchmarks of the trading path run, at a tiny size, and their counts are right; no time is judged here."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from tests.performance import algos, cache, market_data, orders, real_time, session_day
from tests.performance.live_session import Flood, through_a_session
from tests.performance.session_scene import AN_HOUR_LATER
from tests.performance.session_turns import turn_costs
from tickledger.cache.connect import open_cache
from tickledger.db.embedded import EmbeddedServer
from tickledger.db.tables import order_events, risk_decisions
from tickledger.db.tables import orders as orders_table
from tickledger.domain.order import OrderStatus
from tickledger.execution.algos.parent import Algorithm
from tickledger.settings import Settings

pytestmark = pytest.mark.long
#: Each worker of a run has a ledger of its own.
NAME = f"tiny_bench_{uuid.uuid4().hex}"


@pytest.fixture(scope="module")
def bench(server: EmbeddedServer) -> Iterator[Engine]:
    with orders.ledger(server, signals=60, name=NAME) as engine:
        yield engine


def count(engine: Engine, table: object) -> int:
    with engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[arg-type]


def test_every_tick_of_a_flood_reaches_the_library_and_the_adapter() -> None:
    for reception in market_data.through_the_client(rate=2_000, seconds=0.5):
        assert (reception.sent, reception.received, reception.lost) == (1_000, 1_000, 0)
        assert 0 < len(reception.from_arrival) == len(reception.from_sending) <= reception.received
        assert all(0 <= arrival <= sending for arrival, sending in zip(reception.from_arrival, reception.from_sending))  # noqa: B905


def test_a_raw_reader_counts_what_the_gateway_sent() -> None:
    output = market_data.gateway_alone(ticks=5_000)
    assert (output.sent, output.counted) == (5_000, 5_000)
    assert output.rate > 0


def test_each_order_is_decided_journaled_and_submitted(server: EmbeddedServer, bench: Engine) -> None:
    before = count(bench, orders_table), count(bench, risk_decisions), count(bench, order_events)
    flow = orders.decision_to_submitted(bench, rate=20, seconds=1)
    assert flow.placed == len(flow.times) == 20
    assert all(time > 0 for time in flow.times)
    after = count(bench, orders_table), count(bench, risk_decisions), count(bench, order_events)
    assert [late - early for early, late in zip(before, after, strict=True)] == [20, 20, 40]
    written = orders.journal_rows(bench, first=20, orders=5)
    assert (written.rows, written.transactions) == (25, 15)
    with bench.connect() as connection:
        filled = select(func.count()).where(order_events.c.status == OrderStatus.FILLED, order_events.c.reason == "")
        assert connection.execute(filled).scalar_one() >= 5
    assert orders.plain_inserts(server, transactions=5, name=NAME).milliseconds > 0


def test_the_library_alone_submits_as_many() -> None:
    flow = orders.library_to_submitted(rate=20, seconds=1)
    assert flow.placed == len(flow.times) == 20


def test_after_the_kill_switch_no_order_reaches_the_gateway(tmp_path: Path) -> None:
    kill = orders.kill_switch(tmp_path, queued=60)
    assert kill.milliseconds > 0
    assert kill.orders_before < 60
    assert kill.orders_after == 0


def test_the_librarys_cancel_waits_behind_its_orders(tmp_path: Path) -> None:
    kill = orders.library_kill(tmp_path, queued=60)
    assert (kill.orders_before, kill.orders_after) == (60, 0)


@pytest.mark.parametrize("algorithm", algos.ALGORITHMS, ids=lambda algorithm: algorithm.name)
def test_each_algorithm_is_asked_as_often_as_told(algorithm: Algorithm) -> None:
    times = algos.microseconds(algorithm, calls=50)
    assert len(times) == 50
    assert min(times) > 0


def test_every_quote_of_a_flood_is_published_and_the_last_ones_are_read_back(home: Path) -> None:
    with open_cache(Settings(home=home)) as opened:
        ours = cache.published(opened, rate=2_000, seconds=0.5)
        plain = cache.awaited(opened.shown, rate=200, seconds=0.5)
    assert ours.quotes == 1_000
    assert 0 < plain.quotes <= 100
    assert 0 < ours.thread < ours.wall


def test_every_tick_of_the_real_time_path_is_taken_and_booked() -> None:
    told = real_time.prints(30_000)
    cost, intake = real_time.cost_of_prints(told)
    assert (cost.count, intake.check.accepted, intake.bars.counts.booked) == (30_000, 30_000, 30_000)
    assert intake.check.refused.total() == intake.bars.counts.late == 0
    quotes, quoted = real_time.cost_of_quotes(told)
    assert (quotes.count, quoted.check.accepted) == (30_000, 30_000)
    assert real_time.cost_of_least(told).microseconds > 0


def test_features_and_signals_are_measured_on_warm_symbols() -> None:
    histories = [real_time.minutes(symbol, 200) for symbol in real_time.SYMBOLS[:3]]
    assert real_time.cost_of_features(histories[0]).count == 200
    assert real_time.cost_of_batch(histories[0], length=80, times=1).microseconds > 0
    minute, signals = real_time.cost_of_signals(list(zip(*histories, strict=True)))
    assert (minute.count, signals) == (100, 100 * 3 * 2)


def test_a_session_and_the_library_beside_it_get_every_tick_of_a_flood(server: EmbeddedServer, home: Path) -> None:
    flood = Flood(2_000, 0.5, speed=60, symbols=("AAA", "BBB"), has_anchor=True)
    stretch = through_a_session(server, home, flood, name=f"{NAME}_flood")
    assert (stretch.sent, stretch.lost) == (1_000, 0)
    assert stretch.bare is not None
    assert stretch.bare.received == 1_000
    assert stretch.cpu > 0
    assert stretch.probe.turns
    assert stretch.footprints[0].megabytes > 0


def test_a_session_lives_through_a_stretch_of_a_day(server: EmbeddedServer, home: Path) -> None:
    ends_at = AN_HOUR_LATER + timedelta(minutes=20)
    day = session_day.whole_day(
        server, home, symbols=("AAA", "BBB"), starts_at=AN_HOUR_LATER, ends_at=ends_at, name=f"{NAME}_day"
    )
    assert day.samples[-1].at >= ends_at
    assert all(sample.connections > 0 and sample.held.files > 0 for sample in day.samples)
    assert day.summary.bars > 0


def test_turns_after_finished_orders_are_measured(server: EmbeddedServer) -> None:
    costs = turn_costs(server, (0, 5), turns=3, name=f"{NAME}_turns")
    assert [cost.orders for cost in costs] == [0, 5]
    assert all(cost.turn > 0 and cost.reconciliation > 0 for cost in costs)
