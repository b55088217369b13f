"""How a conversation begins and ends: versions, client ids, pacing, and what cannot be read."""

import asyncio
import time
from typing import Any

import pytest

from tests.contract.market import ACCOUNT, gateway
from tests.unit.gateway.floors import on_floor
from tests.unit.gateway.wire import AAPL, Wire, order_fields, ready, wire
from tickledger.domain.errors import ConfigurationError
from tickledger.gateway.connection import read_versions
from tickledger.gateway.fields import MalformedMessageError, framed
from tickledger.gateway.server import Gateway


@pytest.mark.parametrize(
    ("versions", "answered"),
    [("v157..176", "176"), ("v100..157", "157"), ("v100..225", "176"), ("v157..178 +PACEAPI", "176")],
)
def test_the_newest_version_that_both_speak_is_answered(versions: str, answered: str) -> None:
    async def main() -> None:
        async with gateway() as server, wire(server.port, None, versions=versions) as client:
            await client.until(lambda: client.seen)
            assert client.seen[0] == [answered, "20130314 11:30:00 EST"]

    asyncio.run(main())


@pytest.mark.parametrize("versions", ["v100..150", "v201..225"])
def test_a_client_of_another_age_is_told_so_and_closed(versions: str) -> None:
    async def main() -> None:
        async with gateway() as server, wire(server.port, None, versions=versions) as client:
            await client.closed()
            assert client.seen[0][3] == "503"

    asyncio.run(main())


@pytest.mark.parametrize("text", ["157..176", "v", "v1..x", "", "v²..³", f"v1..{'9' * 5_000}"])
def test_versions_of_another_form_are_malformed(text: str) -> None:
    with pytest.raises(MalformedMessageError, match="expected the client's versions"):
        read_versions(text.encode())


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\n\r\n", b"API\0\xff\xff\xff\xff", b"API\0" + framed(b"hello")])
def test_what_is_no_client_is_closed_and_harms_nobody(data: bytes) -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(data)
        assert await asyncio.wait_for(reader.read(), 2) == b""
        writer.close()
        await client.answered()

    on_floor(scenario)


def test_accounts_and_the_next_id_come_before_the_farms() -> None:
    async def scenario(_: Gateway, client: Wire) -> None:
        assert [fields[:4] for fields in client.seen[1:3]] == [["15", "1", ACCOUNT], ["9", "1", "1"]]

    on_floor(scenario)


def test_a_client_id_in_use_is_error_326_and_the_connection_is_closed() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        async with wire(server.port, 1) as second:
            await second.closed()
            assert second.errors() == [(-1, 326)]
        await client.answered()

    on_floor(scenario)


def test_a_client_id_is_free_again_when_its_client_has_gone() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        server.apply({"do": "disconnect"})
        await client.closed()
        async with wire(server.port, 1) as second:
            await ready(second)

    on_floor(scenario)


def test_a_request_before_start_api_is_error_320() -> None:
    async def main() -> None:
        async with gateway() as server, wire(server.port, None) as client:
            await client.until(lambda: client.seen)
            client.send(49, 1)
            await client.error(320)

    asyncio.run(main())


def test_a_request_that_cannot_be_read_is_error_320_under_its_id_and_the_next_one_is_served() -> None:
    async def scenario(_: Gateway, client: Wire) -> None:
        client.send(9, 8, 77, "conId?", "AAPL")
        assert await client.error(320) == 77
        client.send(*order_fields(5)[:40])
        await client.until(lambda: (5, 320) in client.errors())
        client.send("", "x")
        await client.until(lambda: (-1, 320) in client.errors())
        await client.answered()

    on_floor(scenario)


def test_surplus_fields_are_refused_where_reading_is_strict_alone() -> None:
    async def strict(_: Gateway, client: Wire) -> None:
        client.send(5, 1, "surplus")
        await client.error(320)
        assert client.of(53) == []

    async def lenient(_: Gateway, client: Wire) -> None:
        client.send(5, 1, "surplus")
        await client.of_kind(53)

    on_floor(strict)
    on_floor(lenient, is_strict=False)


def test_a_request_that_is_not_served_is_error_321_and_not_silence() -> None:
    async def scenario(_: Gateway, client: Wire) -> None:
        client.send(24, 1)
        await client.error(321)

    on_floor(scenario)


def test_a_request_that_is_not_served_is_refused_under_its_id() -> None:
    async def scenario(_: Gateway, client: Wire) -> None:
        client.send(96, 7, *AAPL, 0, "20130314 10:00:00", "", 10, "TRADES", 1, 0, "")  # reqHistoricalTicks
        client.send(52, 2, 8, *AAPL[:2])  # reqFundamentalData
        client.send(24, 1)  # reqScannerParameters
        await client.answered()
        assert client.errors()[-3:] == [(7, 321), (8, 321), (-1, 321)]

    on_floor(scenario)


def test_a_session_starts_once() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        client.send(71, 2, 9, "")
        await client.error(321)
        assert [session.client_id for session in server.floor.sessions] == [1]

    on_floor(scenario)


@pytest.mark.parametrize("field", ["²", "9" * 5_000])
def test_a_number_of_a_message_that_is_none_is_error_320(field: str) -> None:
    async def scenario(_: Gateway, client: Wire) -> None:
        client.send(field, field)
        await client.error(320)
        await client.answered()

    on_floor(scenario)


def test_more_than_fifty_messages_a_second_are_error_100() -> None:
    async def scenario(_: Gateway, client: Wire) -> None:
        for _number in range(75):  # a few more than 51, in case this machine itself is kept waiting
            client.send(49, 1)
        await client.error(100)
        assert len(await client.of_kind(49, 75)) == 75

    on_floor(scenario)


def test_messages_that_waited_for_a_busy_gateway_are_not_too_fast() -> None:
    async def scenario(_: Gateway, client: Wire) -> None:
        for round_ in range(4):
            for _number in range(20):
                client.send(49, 1)
            await asyncio.sleep(0)
            if round_ < 3:
                time.sleep(0.25)  # noqa: ASYNC251  the loop is busy with something else
        await client.of_kind(49, 80)
        assert client.errors() == [(-1, 2104), (-1, 2106), (-1, 2158)]
        for _number in range(200):
            client.send(49, 1)
        await client.error(100)

    on_floor(scenario, messages_per_second=50)


def test_as_many_as_may_be_sent_at_once_and_again_a_second_later_are_not_too_fast_however_long_they_take(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        switches = type(server.floor.faults)
        real = switches.on_request

        def slow(*terms: Any) -> bool:
            time.sleep(0.002)
            return real(*terms)

        monkeypatch.setattr(switches, "on_request", slow)
        for burst in range(2):
            if burst:
                await asyncio.sleep(1)
                monkeypatch.setattr(switches, "on_request", real)
            for _number in range(45):
                client.send(49, 1)
        await client.of_kind(49, 90)
        assert 100 not in {code for _, code in client.errors()}

    on_floor(scenario)


def test_the_connection_is_closed_on_pacing_where_that_is_set() -> None:
    async def scenario(_: Gateway, client: Wire) -> None:
        for _number in range(60):
            client.send(49, 1)
        await client.closed()
        assert (-1, 100) in client.errors()

    on_floor(scenario, closes_on_pacing=True)


def test_a_port_in_use_is_told_with_its_number() -> None:
    async def scenario(server: Gateway, _: Wire) -> None:
        with pytest.raises(ConfigurationError, match=f"port {server.port} of 127.0.0.1 is in use"):
            await gateway(port=server.port).start()

    on_floor(scenario)


def test_a_gateway_whose_clock_fails_goes_down_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        async with gateway(speed=1, step_seconds=0.01) as server, wire(server.port) as client:
            monkeypatch.setattr(server.venue, "advance", lambda _: 1 / 0)
            await client.closed()

    with pytest.raises(ZeroDivisionError):
        asyncio.run(main())


def test_ids_are_kept_for_each_client() -> None:
    async def scenario(server: Gateway, client: Wire) -> None:
        client.send(*order_fields(41))
        await client.of_kind(5)
        client.send(8, 1, 1)
        assert (await client.of_kind(9, 2))[-1] == ["9", "1", "42"]
        async with wire(server.port, 2) as second:
            await ready(second)
            assert second.of(9) == [["9", "1", "1"]]

    on_floor(scenario)
