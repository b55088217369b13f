"""What every store does: the same tests against a real Redis and the memory of this process."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cache.servers import cache_at
from tickledger.cache.connect import Cache, in_process
from tickledger.cache.embedded import serve
from tickledger.cache.store import Entry, Message, Resubscribed, Source


@pytest.fixture(params=["redis", "in process"])
def store(request: pytest.FixtureRequest, home: Path) -> Iterator[Cache]:
    if request.param == "in process":
        yield in_process(home, problem="")
        return
    with serve(home) as server:
        yield cache_at(server)


def ask(store: Cache, question: Callable[[Source], Any]) -> Any:
    async def asked() -> Any:
        source = store.make_source()
        try:
            return await question(source)
        finally:
            await source.close()

    return asyncio.run(asked())


def write(store: Cache, *entries: Entry, messages: tuple[Message, ...] = ()) -> None:
    sink = store.make_sink()
    sink.open()
    assert list(sink.write(entries, messages)) == [None] * len(entries)
    sink.close()


def test_what_is_written_is_read_and_what_is_not_is_none(store: Cache) -> None:
    write(store, Entry("a", "é", 60), Entry("b", "2", 60), Entry("a", "latest", 60))
    assert ask(store, lambda source: source.read(["b", "absent", "a"])) == ["2", None, "latest"]
    assert ask(store, lambda source: source.read([])) == []


def test_a_value_ends_when_its_time_is_over(store: Cache) -> None:
    write(store, Entry("short", "1", 0.05), Entry("long", "2", 60))

    async def until_ended(source: Source) -> list[str | None]:
        while (found := list(await source.read(["short", "long"])))[0] is not None:  # noqa: ASYNC110  nobody tells
            await asyncio.sleep(0.01)
        return [*found, *await source.keys("")]

    assert ask(store, until_ended) == [None, "2", "long"]


def test_keys_are_found_by_what_they_begin_with(store: Cache) -> None:
    write(store, *(Entry(key, "1", 60) for key in ("position:b", "position:a", "positions", "other")))
    assert ask(store, lambda source: source.keys("position:")) == ["position:a", "position:b"]


def test_who_listens_gets_what_is_told_from_then_on_in_order(store: Cache) -> None:
    write(store, messages=(Message("one", "too early"),))

    async def heard(source: Source) -> list[object]:
        found: list[object] = []
        told = source.listen(["one", "two"])
        async for item in told:
            found.append(item)
            if isinstance(item, Resubscribed):
                messages = (Message("one", "1"), Message("other", "x"), Message("two", "2"), Message("one", "3"))
                await asyncio.to_thread(write, store, messages=messages)
            if len(found) == 4:
                break
        await told.aclose()
        return found

    assert ask(store, heard) == [Resubscribed(), Message("one", "1"), Message("two", "2"), Message("one", "3")]


def test_two_who_listen_both_hear(store: Cache) -> None:
    async def first_heard(source: Source) -> object:
        async for item in source.listen(["one"]):
            if isinstance(item, Message):
                return item.text
        return None

    async def both(source: Source) -> list[object]:
        listeners = [asyncio.create_task(first_heard(source)) for _ in range(2)]
        while not all(listener.done() for listener in listeners):
            await asyncio.to_thread(write, store, messages=(Message("one", "1"),))
        return [listener.result() for listener in listeners]

    assert ask(store, both) == ["1", "1"]


def test_a_listener_that_sleeps_through_everything_costs_a_bounded_amount(store: Cache) -> None:
    async def late(source: Source) -> object:
        told = source.listen(["one"])
        await anext(told)
        for _ in range(15):
            await asyncio.to_thread(write, store, messages=tuple(Message("one", str(n)) for n in range(1_000)))
        heard = await anext(told)
        await told.aclose()
        return heard

    assert isinstance(ask(store, late), Message)


def test_the_memory_of_a_process_is_one_for_a_home_and_bounded(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tickledger.cache.in_process._LARGEST", 10)
    store = in_process(home, problem="")
    write(store, *(Entry(f"key:{number:02}", "1", 60) for number in range(30)))
    assert ask(in_process(home, problem=""), lambda source: source.keys("key:")) == [f"key:{n}" for n in range(20, 30)]
    assert ask(in_process(home / "other", problem=""), lambda source: source.keys("key:")) == []
