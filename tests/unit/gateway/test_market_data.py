"""Market data: streams, snapshots, limits, entitlements and halves of messages that clients depend on."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from tests.contract.market import NOON
from tests.unit.gateway.floors import on_floor
from tests.unit.gateway.wire import AAPL, Wire, ready, wire
from tickledger.gateway.server import Gateway


def stream(request_id: int, *, generic: str = "", is_snapshot: bool = False, symbol: str = "AAPL") -> list[Any]:
    contract = [symbol if field == "AAPL" else field for field in AAPL]
    return [1, 11, request_id, *contract, 0, generic, is_snapshot, 0, ""]


def ticks(client: Wire, request_id: int) -> dict[int, str]:
    """The last value of each kind of tick."""
    found = [fields for number in (1, 2, 45, 46) for fields in client.of(number) if fields[2] == str(request_id)]
    return {int(fields[3]): fields[4] for fields in found}


def test_a_stream_begins_with_its_terms_and_the_market_as_it_stands() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        client.send(*stream(50, generic="233,236"))
        await client.until(lambda: 89 in ticks(client, 50))
        kinds = [fields[0] for fields in client.seen if fields[0] in {"81", "58", "1"}]
        assert kinds[:3] == ["81", "58", "1"]
        quote, last = server.venue.quote("AAPL"), server.venue.last("AAPL")
        assert quote is not None
        assert last is not None
        found = ticks(client, 50)
        assert (found[1], found[2]) == (f"{quote.bid}", f"{quote.ask}")
        assert (found[0], found[3], found[4]) == (f"{quote.bid_size}", f"{quote.ask_size}", f"{last.price}")
        assert Decimal(found[9]) == Decimal(433)
        assert Decimal(found[7]) <= Decimal(found[14]) <= Decimal(found[6])
        assert found[48].split(";")[0] == f"{last.price}"
        assert found[46] == "3.0"

    on_floor(scenario)


def test_only_what_changed_of_a_quote_is_told() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        client.send(*stream(50))
        await client.of_kind(1, 2)
        server.advance(NOON + timedelta(minutes=3))
        await client.answered()
        bids = [fields[4] for fields in client.of(1) if fields[3] == "1"]
        assert len(bids) > 3
        assert all(one != other for one, other in pairwise(bids))

    on_floor(scenario)


def test_a_snapshot_ends_and_streams_nothing() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        client.send(*stream(50, is_snapshot=True))
        assert await client.of_kind(57) == [["57", "1", "50"]]
        told = len(client.of(1))
        server.advance(NOON + timedelta(minutes=1))
        await client.answered()
        assert len(client.of(1)) == told

    on_floor(scenario)


def test_lines_are_limited_for_each_client_and_free_again_when_cancelled() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        client.send(*stream(50))
        client.send(*stream(51))
        assert await client.error(101) == 51
        async with wire(server.port, 2) as other:
            await ready(other)
            other.send(*stream(52))
            await other.of_kind(1)
        client.send(2, 2, 50)
        client.send(*stream(53))
        await client.until(lambda: ticks(client, 53))

    on_floor(scenario, market_lines=1)


def test_ids_of_streams_that_are_wrong_are_told() -> None:
    async def scenario(_: Gateway, client: Wire) -> None:
        client.send(*stream(50))
        client.send(*stream(50))
        assert await client.error(322) == 50
        client.send(2, 2, 99)
        assert await client.error(300) == 99
        client.send(*stream(60, symbol="NOSUCH"))
        assert await client.error(200) == 60

    on_floor(scenario)


def test_data_that_is_not_subscribed_is_354_and_delayed_where_that_was_asked_for() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        server.apply({"do": "unsubscribe", "symbols": ["AAPL"]})
        client.send(*stream(50))
        assert await client.error(354) == 50
        assert ticks(client, 50) == {}
        client.send(59, 1, 3)
        client.send(*stream(51))
        assert await client.error(10167) == 51
        await client.until(lambda: {66, 67, 68} <= set(ticks(client, 51)))
        assert ["58", "1", "51", "3"] in client.seen
        client.send(*stream(52, symbol="IBM"))
        await client.until(lambda: {1, 2, 4} <= set(ticks(client, 52)))
        client.send(59, 1, 9)
        await client.error(321)

    on_floor(scenario)


@pytest.mark.parametrize("kind", ["Last", "AllLast", "BidAsk", "MidPoint"])
def test_tick_by_tick_streams_and_ends(kind: str) -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        client.send(97, 50, *AAPL, kind, 0, 0)
        await client.answered()
        server.advance(NOON + timedelta(minutes=10))
        await client.of_kind(99, 3)
        client.send(98, 50)
        await client.answered()
        told = len(client.of(99))
        server.advance(NOON + timedelta(minutes=20))
        await client.answered()
        assert len(client.of(99)) == told

    on_floor(scenario)


def test_tick_by_tick_slots_are_few_and_kinds_are_checked() -> None:
    async def scenario(_: Gateway, client: Wire) -> None:
        for number in (50, 51):
            client.send(97, number, *AAPL, "Last", 0, 0)
        assert await client.error(10190) == 51
        client.send(97, 52, *AAPL, "Everything", 0, 0)
        assert await client.error(10189) == 52

    on_floor(scenario, tick_lines=1)


def test_bars_of_five_seconds_have_no_gap_even_where_nobody_trades() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        client.send(50, 3, 60, *AAPL, 5, "TRADES", 0, "")
        client.send(50, 3, 61, *AAPL, 5, "MIDPOINT", 0, "")
        await client.answered()
        server.advance(NOON + timedelta(minutes=3))
        await client.answered()
        for request_id in ("60", "61"):
            starts = [int(fields[3]) for fields in client.of(50) if fields[2] == request_id]
            assert len(starts) > 20
            assert starts == list(range(starts[0], starts[0] + 5 * len(starts), 5))
            assert starts[0] % 5 == 0
        client.send(51, 1, 60)
        client.send(50, 3, 62, *AAPL, 10, "TRADES", 0, "")
        assert await client.error(321) == 62

    on_floor(scenario)


def test_the_day_begins_anew_at_the_next_open() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        client.send(*stream(50))
        await client.until(lambda: 8 in ticks(client, 50))
        before = int(ticks(client, 50)[8])
        server.advance(NOON + timedelta(hours=22, minutes=5))
        await client.answered()
        assert int(ticks(client, 50)[8]) < before

    on_floor(scenario)


def traded(server: Gateway, since: datetime, until: datetime) -> int:
    minutes = server.floor.tape.minutes_of("AAPL", since.date())
    return sum(
        tick.trade.size
        for minute in minutes
        for tick in server.floor.tape.ticks_of("AAPL", minute)
        if tick.trade is not None and since <= tick.at <= until
    )


@pytest.mark.parametrize("minutes", [1.5, 4, 7.3])
def test_the_open_is_told_when_it_comes_and_the_day_s_volume_is_what_traded(minutes: float) -> None:
    opens_at = datetime(2013, 3, 15, 13, 30, tzinfo=UTC)

    async def scenario(server: Gateway, client: Wire) -> None:
        server.advance(opens_at - timedelta(minutes=30))
        client.send(*stream(50))
        await client.answered()
        assert 14 not in ticks(client, 50)
        now = opens_at + timedelta(minutes=minutes)
        server.advance(now)
        client.send(*stream(51))  # in the middle of a minute
        await client.answered()
        first = next(
            tick.trade.price
            for tick in server.floor.tape.ticks_of("AAPL", server.floor.tape.minutes_of("AAPL", opens_at.date())[0])
            if tick.trade is not None
        )
        for request_id in (50, 51):
            found = ticks(client, request_id)
            assert Decimal(found[14]) == first
            assert (
                Decimal(found[9]) == server.floor.tape.daily_bars("AAPL", since=date(2013, 3, 14), until=now)[0].close
            )
            assert int(found[8]) == traded(server, opens_at, now)
        assert (ticks(client, 50)[6], ticks(client, 50)[7]) == (ticks(client, 51)[6], ticks(client, 51)[7])

    on_floor(scenario)
