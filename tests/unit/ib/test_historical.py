import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickledger.bars.schemas import RawBars
from tickledger.domain.errors import BrokerUnavailableError
from tickledger.ib.historical import Chunk, HistoricalData, HistoryPacer, Shown, chunks
from tickledger.ib.requests import RequestRefusedError
from tickledger.ib.wire import Wire

END = datetime(2026, 3, 14, tzinfo=UTC)


class Time:
    """Seconds that pass only when somebody sleeps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class Gateway:
    """Answers requests for history as it is told, and remembers when each came."""

    def __init__(self, time: Time, answers: list[Any]) -> None:
        self.time = time
        self.answers = answers
        self.asked_at: list[float] = []

    def new_id(self) -> int:
        return 1

    def row(self, *_: object) -> None: ...

    def end(self, *_: object) -> None: ...

    def tell(self, *_: object) -> None: ...

    async def rows_of(self, *_: object, **__: object) -> list[Any]:
        self.asked_at.append(self.time.seconds)
        answer = self.answers.pop(0) if self.answers else []
        if isinstance(answer, Exception):
            raise answer
        return list(answer)


def _history(*answers: Any) -> tuple[HistoricalData, Gateway]:
    time = Time()
    gateway = Gateway(time, list(answers))
    requests: Any = gateway
    history = HistoricalData(wire=Wire(), requests=requests, monotonic=time.monotonic, sleep=time.sleep)
    return history, gateway


def _bar(date: str) -> SimpleNamespace:
    return SimpleNamespace(date=date, open=10.0, high=11.0, low=9.0, close=10.0, volume=100.0)


def test_chunks_cover_the_time_without_gaps_and_are_the_same_again() -> None:
    wanted = chunks("AAPL", "1min", start=END - timedelta(days=10), end=END)
    assert wanted == chunks("AAPL", "1min", start=END - timedelta(days=10), end=END)
    for later, earlier in pairwise(wanted):
        assert later.starts_at == earlier.ends_at
    assert wanted[-1].starts_at <= END - timedelta(days=10)
    assert wanted[0].ends_at >= END


def test_days_end_at_new_yorks_midnight_in_summer_and_in_winter() -> None:
    wanted = chunks("AAPL", "1min", start=END - timedelta(days=10), end=END)
    # Summer time began on 2026-03-08.
    assert {chunk.ends_at.hour for chunk in wanted if chunk.ends_at > datetime(2026, 3, 9, tzinfo=UTC)} == {4}
    assert {chunk.ends_at.hour for chunk in wanted if chunk.ends_at < datetime(2026, 3, 8, tzinfo=UTC)} == {5}


def test_instants_without_a_zone_or_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="expected aware instants, the start first"):
        chunks("AAPL", "1day", start=END, end=END)


SHOWN: list[Shown] = ["TRADES", "BID_ASK"]


@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from(SHOWN), st.sampled_from("AB")), min_size=1, max_size=200))
def test_no_rule_of_ib_is_ever_broken(wanted: list[tuple[int, Shown, str]]) -> None:
    time = Time()
    pacer = HistoryPacer(time.monotonic)
    made: list[tuple[float, Chunk]] = []
    for number, shown, symbol in wanted:
        chunk = Chunk(symbol, "1min", END - timedelta(days=number), shown)
        time.seconds += pacer.wait(chunk)
        assert pacer.wait(chunk) <= 1e-9
        pacer.made(chunk)
        made.append((time.seconds, chunk))
    for place, (at, chunk) in enumerate(made):
        before = [(then, other) for then, other in made[:place] if at - then < 600 - 1e-6]
        weight = sum(2 if other.shown == "BID_ASK" else 1 for _, other in [*before, (at, chunk)])
        assert weight <= 60
        assert not [then for then, other in before if other == chunk and at - then < 15 - 1e-6]
        alike = [t for t, o in before if (o.symbol, o.shown) == (chunk.symbol, chunk.shown) and at - t < 2 - 1e-6]
        assert len(alike) < 5


def test_a_pacing_violation_is_waited_out_and_asked_again() -> None:
    refused = RequestRefusedError("history", 162, "Historical data request pacing violation")
    history, gateway = _history(refused, [_bar("20260312")])
    chunk = Chunk("AAPL", "1day", END)
    frame = asyncio.run(_chunk(history, chunk))
    assert len(frame) == 1
    assert gateway.asked_at == [0.0, 15.0]


async def _chunk(history: HistoricalData, chunk: Chunk) -> pd.DataFrame:
    return await history.chunk(chunk)


def test_no_data_are_an_empty_frame_and_a_refusal_is_an_error() -> None:
    none = RequestRefusedError("history", 162, "HMDS query returned no data: AAPL@SMART Trades")
    refused = RequestRefusedError("history", 200, "No security definition")
    history, _ = _history(none, refused)
    frame = asyncio.run(_chunk(history, Chunk("AAPL", "1day", END)))
    assert RawBars.validate(frame).empty
    with pytest.raises(BrokerUnavailableError, match="error 200"):
        asyncio.run(_chunk(history, Chunk("AAPL", "1day", END - timedelta(days=1))))


def test_an_interrupted_download_goes_on_with_what_is_not_done() -> None:
    wanted = chunks("AAPL", "1min", start=END - timedelta(days=4), end=END)
    history, gateway = _history([], BrokerUnavailableError("the connection is gone"))

    async def download(done: list[Chunk]) -> None:
        async for chunk, _ in history.download(wanted, done=tuple(done)):
            done.append(chunk)

    done: list[Chunk] = []
    with pytest.raises(BrokerUnavailableError, match="the connection is gone"):
        asyncio.run(download(done))
    assert done == list(wanted[:1])
    asyncio.run(download(done))
    assert done == list(wanted)
    assert len(gateway.asked_at) == len(wanted) + 1


def test_bars_are_those_of_the_asked_time_once_each_in_order() -> None:
    days = [_bar("20260311"), _bar("20260313"), _bar("20260312")]
    history, _ = _history(days)

    async def bars() -> pd.DataFrame:
        return await history.bars("AAPL", "1day", start=END - timedelta(days=2), end=END)

    frame = RawBars.validate(asyncio.run(bars()))
    assert list(frame["timestamp"].dt.day) == [12, 13]
