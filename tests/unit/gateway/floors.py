"""Running a scenario on a gateway with clients that speak bytes."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.contract.market import gateway
from tests.unit.gateway.wire import Wire, ready, wire
from tickledger.gateway.server import Gateway

Scenario = Callable[[Gateway, Wire], Awaitable[None]]


def on_floor(scenario: Scenario, *, client_id: int = 1, **settings: Any) -> None:
    """Run `scenario` with a gateway and one client that is ready."""

    async def main() -> None:
        async with gateway(**settings) as server, wire(server.port, client_id) as client:
            await ready(client)
            await scenario(server, client)

    asyncio.run(main())


def statuses(client: Wire, order_id: int) -> list[str]:
    """The statuses of an order, in the order in which they came."""
    return [fields[2] for fields in client.of(3) if fields[1] == str(order_id)]


def executions(client: Wire) -> list[str]:
    """The ids of the executions that came live."""
    return [fields[14] for fields in client.of(11) if fields[1] == "-1"]
