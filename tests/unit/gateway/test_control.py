"""The control socket: faults and orders as JSON lines, answered by what happened or by what is wrong."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from tests.contract.market import gateway
from tests.unit.gateway.wire import order_fields, ready, wire
from tickledger.gateway.server import Gateway

Ask = Callable[[object], Awaitable[dict[str, Any]]]


def controlled(scenario: Callable[[Gateway, Ask], Awaitable[None]]) -> None:
    async def main() -> None:
        async with gateway(control_port=0) as server:
            assert server.control_port is not None
            reader, writer = await asyncio.open_connection("127.0.0.1", server.control_port)

            async def ask(order: object) -> dict[str, Any]:
                writer.write((order if isinstance(order, bytes) else json.dumps(order).encode()) + b"\n")
                answer: dict[str, Any] = json.loads(await asyncio.wait_for(reader.readline(), 2))
                return answer

            await scenario(server, ask)
            writer.close()

    asyncio.run(main())


def test_time_is_moved_and_the_state_told() -> None:
    async def scenario(server: Gateway, ask: Ask) -> None:
        assert await ask({"do": "advance", "seconds": 60}) == {"ok": True, "now": "2013-03-14T15:31:00+00:00"}
        assert (await ask({"do": "advance", "to": "2013-03-14T15:40:00+00:00"}))["ok"]
        async with wire(server.port, 3) as client:
            await ready(client)
            client.send(*order_fields(1))
            await client.of_kind(5)
            told = await ask({"do": "status"})
            assert told["now"] == "2013-03-14T15:40:00+00:00"
            assert told["clients"] == [3]
            assert told["open_orders"] == [server.floor.books.open_orders()[0].permanent_id]

    controlled(scenario)


def test_faults_are_thrown_and_counted() -> None:
    async def scenario(server: Gateway, ask: Ask) -> None:
        assert await ask({"do": "drop_order", "times": 2}) == {"ok": True}
        async with wire(server.port, 3) as client:
            await ready(client)
            for number in (1, 2, 3):
                client.send(*order_fields(number))
            await client.of_kind(5)
            assert (await ask({"do": "status"}))["faults"] == {"drop_order": 2}

    controlled(scenario)


def test_what_is_wrong_is_answered_and_the_conversation_goes_on() -> None:
    async def scenario(_: Gateway, ask: Ask) -> None:
        for order, told in (
            (b"{", "Expecting"),
            ({"do": "explode"}, "expected one of"),
            ([1], "an object"),
            ({"do": "advance", "to": "yesterday"}, "isoformat"),
            ({"do": "advance", "to": "2013-03-15T15:40:00"}, "zone"),
            ({"do": "advance", "seconds": -60}, "not before"),
            ({"do": "advance", "seconds": 1e18}, "large"),
            ({"do": "halt", "symbol": "NOSUCH"}, "NOSUCH"),
            ({"do": "order_by_hand", "symbol": "NOSUCH"}, "200"),
        ):
            answer = await ask(order)
            assert not answer["ok"]
            assert told in answer["error"], (order, answer)
        assert (await ask({"do": "status"}))["ok"]

    controlled(scenario)
