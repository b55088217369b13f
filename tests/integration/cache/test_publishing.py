"""Publisher, Redis and reader together, and what they do when Redis dies, hangs, fills up or forgets."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from tests.cached import NOON, PAPER, a_print, beat, limits, minute_bar, position, quote
from tests.cached import signal as opinion
from tests.integration.cache.servers import birth, cache_at, client, frozen, process_id
from tickledger.cache.embedded import EmbeddedRedis
from tickledger.cache.keys import LIFETIMES, Kind, Scope
from tickledger.cache.publisher import CachePublisher
from tickledger.cache.reader import CacheReader, Update
from tickledger.cache.store import Resubscribed
from tickledger.domain.account import Mode
from tickledger.domain.bar import Quote
from tickledger.domain.errors import CacheUnavailableError, InputError
from tickledger.domain.live_view import ExposureSummary, MarketSnapshot, PortfolioSummary
from tickledger.local_servers.locks import poll

OTHER = Scope(Mode.LIVE, "U777", is_simulated_market=False)


@contextmanager
def publishing(server: EmbeddedRedis, scope: Scope = PAPER) -> Iterator[CachePublisher]:
    with CachePublisher(cache_at(server).make_sink(), scope, interval=0.02) as publisher:
        yield publisher


def read(server: EmbeddedRedis, question: Callable[[CacheReader], Awaitable[Any]], scope: Scope = PAPER) -> Any:
    async def asked() -> Any:
        reader = CacheReader(cache_at(server).make_source(), scope)
        try:
            return await question(reader)
        finally:
            await reader.close()

    return asyncio.run(asked())


def is_read(server: EmbeddedRedis, expected: Quote) -> bool:
    try:
        return bool(read(server, lambda reader: reader.quote(expected.symbol)) == expected)
    except CacheUnavailableError:
        return False


def becomes_fresh(server: EmbeddedRedis, publisher: CachePublisher, symbol: str) -> bool:
    """Whether quotes that go on being published are read in the end; each is another one."""
    steps = iter(range(1, 1_000_000))

    def is_fresh() -> bool:
        published = quote(symbol, "1.00", f"{next(steps)}.00")
        publisher.publish_quote(published)
        return poll(lambda: is_read(server, published), seconds=0.2)

    return poll(is_fresh, seconds=60)


def test_another_reader_gets_the_domains_own_values(redis_server: EmbeddedRedis) -> None:
    summary = PortfolioSummary(Decimal("100000.10"), Decimal("40000.05"), Decimal("60000.05"), Decimal("-12.34"), NOON)
    exposure = ExposureSummary(Decimal(5), Decimal(-5), {"technology": Decimal("5.00")}, NOON)
    with publishing(redis_server) as told:
        told.publish_quote(quote("AAPL", "150.00", "150.02"))
        told.publish_print(a_print("AAPL", "150.01", 30))
        told.publish_bar(minute_bar("AAPL", 0), interval="1min")
        told.publish_bar(minute_bar("AAPL", 1), interval="1min")
        told.publish_position(position("AAPL", "5"))
        told.publish_position(position("MSFT", "-7"))
        told.publish_portfolio(summary)
        told.publish_signal(opinion("momentum", "AAPL"))
        told.publish_limits(limits(max_daily_loss="5000"))
        told.publish_exposure(exposure)
        told.publish_state(beat())
        assert poll(lambda: told.health().written == 9, seconds=30)

    async def everything(reader: CacheReader) -> list[object]:
        return [
            await reader.quote("AAPL"),
            await reader.snapshots(["AAPL", "UNKNOWN"]),
            await reader.bars("AAPL", "1min"),
            await reader.position("MSFT"),
            await reader.positions(),
            await reader.portfolio(),
            await reader.signal("momentum", "AAPL"),
            await reader.signals(),
            await reader.limits(),
            await reader.exposure(),
            await reader.session(),
        ]

    snapshot = MarketSnapshot("AAPL", quote("AAPL", "150.00", "150.02"), a_print("AAPL", "150.01", 30), 30)
    assert read(redis_server, everything) == [
        quote("AAPL", "150.00", "150.02"),
        {"AAPL": snapshot},
        (minute_bar("AAPL", 0), minute_bar("AAPL", 1)),
        position("MSFT", "-7"),
        (position("AAPL", "5"), position("MSFT", "-7")),
        summary,
        opinion("momentum", "AAPL"),
        (opinion("momentum", "AAPL"),),
        limits(max_daily_loss="5000"),
        exposure,
        beat(),
    ]


def test_what_was_never_told_is_none(redis_server: EmbeddedRedis) -> None:
    async def everything(reader: CacheReader) -> list[object]:
        return [
            await reader.quote("AAPL"),
            await reader.position("AAPL"),
            await reader.portfolio(),
            await reader.signal("momentum", "AAPL"),
            await reader.limits(),
            await reader.exposure(),
            await reader.session(),
            await reader.bars("AAPL", "1min"),
            await reader.positions(),
        ]

    assert read(redis_server, everything) == [*([None] * 7), (), ()]


def test_the_server_ends_each_value_after_its_time(redis_server: EmbeddedRedis) -> None:
    with publishing(redis_server) as told:
        told.warm(
            quotes=[quote("AAPL", "1", "2")], positions=[position("AAPL", "1")], limits=limits(max_daily_loss="1")
        )
        told.publish_signal(opinion("momentum", "AAPL"))
        told.publish_state(beat())
    names = {
        Kind.QUOTE: ["AAPL"],
        Kind.POSITION: ["AAPL"],
        Kind.LIMITS: [],
        Kind.SIGNAL: ["momentum", "AAPL"],
        Kind.SESSION: [],
    }
    with client(redis_server) as connection:
        for kind, parts in names.items():
            left = connection.pttl(PAPER.key(kind, *parts)) / 1000
            assert LIFETIMES[kind].seconds - 30 < left <= LIFETIMES[kind].seconds
        connection.pexpire(PAPER.key(Kind.QUOTE, "AAPL"), 1)
    assert poll(lambda: read(redis_server, lambda reader: reader.quote("AAPL")) is None, seconds=30)


def test_two_accounts_on_one_server_keep_apart(redis_server: EmbeddedRedis) -> None:
    with publishing(redis_server) as paper, publishing(redis_server, OTHER) as live:
        paper.publish_position(position("AAPL", "5"))
        live.publish_position(position("AAPL", "-9"))
        paper.publish_limits(limits(max_daily_loss="1"))
        live.publish_limits(limits(max_daily_loss="2"))
    found = [
        (read(redis_server, CacheReader.positions, scope), read(redis_server, CacheReader.limits, scope))
        for scope in (PAPER, OTHER)
    ]
    assert found == [
        ((position("AAPL", "5"),), limits(max_daily_loss="1")),
        ((position("AAPL", "-9"),), limits(max_daily_loss="2")),
    ]


def test_an_invented_price_is_never_where_a_real_one_is_looked_for(redis_server: EmbeddedRedis) -> None:
    simulated = replace(OTHER, is_simulated_market=True)
    with publishing(redis_server, simulated) as told:
        told.publish_quote(quote("AAPL", "1", "2"))
    assert read(redis_server, lambda reader: reader.quote("AAPL"), OTHER) is None
    assert read(redis_server, lambda reader: reader.quote("AAPL"), simulated) == quote("AAPL", "1", "2")


def test_a_killed_redis_is_written_full_again_and_readers_see_fresh_values(redis_server: EmbeddedRedis) -> None:
    with publishing(redis_server) as told:
        told.warm(
            quotes=[quote("MSFT", "3", "4")],
            limits=limits(max_daily_loss="5000"),
            bars={"1min": [minute_bar("MSFT", minute) for minute in range(5)]},
        )
        assert becomes_fresh(redis_server, told, "AAPL")
        before = birth(redis_server)
        os.kill(process_id(redis_server), signal.SIGKILL)
        assert becomes_fresh(redis_server, told, "AAPL")
        assert birth(redis_server) != before
        assert poll(lambda: told.health().waiting == 0, seconds=30)
        assert is_read(redis_server, quote("MSFT", "3", "4"))
        assert read(redis_server, CacheReader.limits) == limits(max_daily_loss="5000")
        assert len(read(redis_server, lambda reader: reader.bars("MSFT", "1min"))) == 5
        health = told.health()
        assert (health.is_connected, health.connections, health.problem) == (True, 2, "")


def test_a_hung_redis_holds_up_nobody_and_is_used_again_when_it_answers(redis_server: EmbeddedRedis) -> None:
    with publishing(redis_server) as told:
        assert becomes_fresh(redis_server, told, "AAPL")
        with frozen(redis_server):
            numbers = iter(range(10**9))

            def is_noticed() -> bool:
                for _ in range(1_000):
                    told.publish_quote(quote("AAPL", "1", f"{next(numbers) + 2}"))
                return not told.health().is_connected

            assert poll(is_noticed, seconds=30)
            assert told.health().waiting <= 1
            with pytest.raises(CacheUnavailableError, match="to answer"):
                read(redis_server, lambda reader: reader.quote("AAPL"))
        assert becomes_fresh(redis_server, told, "AAPL")


def test_a_publisher_of_a_hung_redis_ends_all_the_same(redis_server: EmbeddedRedis) -> None:
    with publishing(redis_server) as told:
        assert becomes_fresh(redis_server, told, "AAPL")
        number = process_id(redis_server)
        os.kill(number, signal.SIGSTOP)
        told.publish_quote(quote("AAPL", "5", "6"))
    os.kill(number, signal.SIGCONT)


def test_a_redis_without_room_is_told_and_written_when_it_has_some(redis_server: EmbeddedRedis) -> None:
    with publishing(redis_server) as told, client(redis_server) as connection:
        assert becomes_fresh(redis_server, told, "AAPL")
        connection.config_set("maxmemory-policy", "noeviction")
        connection.config_set("maxmemory", "1")
        told.publish_quote(quote("AAPL", "7", "8"))
        assert poll(lambda: "maxmemory" in told.health().problem, seconds=30)
        assert told.health().refused > 0
        connection.config_set("maxmemory", "0")
        assert poll(lambda: is_read(redis_server, quote("AAPL", "7", "8")), seconds=30)
        assert poll(lambda: told.health().problem == "", seconds=30)


def test_a_subscriber_hears_what_changes_and_where_it_missed_something(redis_server: EmbeddedRedis) -> None:
    async def listen(told: CachePublisher) -> tuple[list[object], bool]:
        reader = CacheReader(cache_at(redis_server).make_source(), PAPER)
        updates = reader.subscribe([Kind.QUOTE, Kind.SIGNAL])
        heard: list[object] = [await anext(updates)]
        told.publish_quote(quote("AAPL", "1", "2"))
        heard.append(await anext(updates))
        told.publish_signal(opinion("momentum", "AAPL"))
        heard.append(await anext(updates))
        os.kill(process_id(redis_server), signal.SIGKILL)
        while not isinstance(await anext(updates), Resubscribed):
            pass
        told.publish_quote(quote("MSFT", "3", "4"))
        fresh = MarketSnapshot("MSFT", quote("MSFT", "3", "4"))
        while not (isinstance(one := await anext(updates), Update) and fresh in one.values):
            pass
        await updates.aclose()
        await reader.close()
        return heard, True

    with publishing(redis_server) as told:
        heard, is_fresh = asyncio.run(listen(told))
    assert heard == [
        Resubscribed(),
        Update(Kind.QUOTE, (MarketSnapshot("AAPL", quote("AAPL", "1", "2")),)),
        Update(Kind.SIGNAL, (opinion("momentum", "AAPL"),)),
    ]
    assert is_fresh


def test_a_subscriber_of_a_hung_redis_hears_again_when_it_answers(
    redis_server: EmbeddedRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tickledger.cache.redis_store._SILENCE_SECONDS", 0.2)

    async def listen(told: CachePublisher) -> Update | Resubscribed:
        reader = CacheReader(cache_at(redis_server).make_source(), PAPER)
        updates = reader.subscribe([Kind.QUOTE])
        await anext(updates)
        with frozen(redis_server):
            again = asyncio.ensure_future(anext(updates))
            await asyncio.sleep(1)
            assert not again.done()
        assert await again == Resubscribed()
        told.publish_quote(quote("AAPL", "1", "2"))
        while not isinstance(one := await anext(updates), Update):
            pass
        await updates.aclose()
        await reader.close()
        return one

    with publishing(redis_server) as told:
        heard = asyncio.run(listen(told))
    assert heard == Update(Kind.QUOTE, (MarketSnapshot("AAPL", quote("AAPL", "1", "2")),))


def test_text_that_is_none_of_ours_is_an_error_to_who_reads_it_and_passed_over_by_who_listens(
    redis_server: EmbeddedRedis,
) -> None:
    with client(redis_server) as connection:
        connection.set(PAPER.key(Kind.QUOTE, "AAPL"), "hello")
        connection.set(PAPER.key(Kind.BARS, "AAPL", "1min"), '{"a": 1}')
        with pytest.raises(InputError, match="market:quote:AAPL"):
            read(redis_server, lambda reader: reader.quote("AAPL"))
        with pytest.raises(InputError, match="market:ohlcv:AAPL:1min"):
            read(redis_server, lambda reader: reader.bars("AAPL", "1min"))

        async def listen() -> object:
            reader = CacheReader(cache_at(redis_server).make_source(), PAPER)
            updates = reader.subscribe([Kind.SESSION])
            await anext(updates)
            for text in ("nonsense", '[{"session_id": 1}]', "{}", "[]"):
                connection.publish(PAPER.channel(Kind.SESSION), text)
            heard = await anext(updates)
            await updates.aclose()
            await reader.close()
            return heard

        assert asyncio.run(listen()) == Update(Kind.SESSION, ())
