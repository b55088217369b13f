"""Messages with wrong fields, hundreds of them: each is answered or ignored, and no line is ever cut for one."""

import asyncio
import random
from datetime import timedelta
from typing import Any, Final

import pytest

from tests.contract.market import gateway
from tests.unit.gateway.wire import AAPL, order_fields, ready, wire

_VALUES: Final = (
    *("", "0", "-1", "1", "2", "3", "100", "400", "1.5", "nan", "inf", "-Infinity", "1e400", "1e18", "0E+1000000"),
    *("²", "é", "9" * 5_000, "2147483648", "x" * 3_000, "IBM", "BAG", "1 min", "1 D", "40 Y", "3650 D", "MIDPOINT"),
    *("BUY", "SELL", "MKT", "TRAIL", "TRAIL LIMIT", "STP LMT", "MOC", "GTD", "OPG", "FOK", "Adaptive", "Twap", "Vwap"),
    *("00010101", "99991231", "20130314 15:59:00 America", "99991231 23:59:59 America/Los_Angeles"),
)
_REQUESTS: Final[tuple[list[Any], ...]] = (
    [9, 8, 1, *AAPL, 0, "", "", ""],
    [1, 11, 1, *AAPL, 0, "233", 0, 0, ""],
    [20, 1, *AAPL, 0, "", "1 day", "1 M", 1, "TRADES", 1, 0, ""],
    [87, 1, *AAPL, 0, 1, "TRADES", 1],
    [97, 1, *AAPL, "Last", 0, 0],
    [50, 3, 1, *AAPL, 5, "TRADES", 1, ""],
    [7, 3, 1, 0, "", "", "", "", "", ""],
    [62, 1, 1, "All", "NetLiquidation"],
    [76, 1, 1, "", "", 0],
    [94, 1, "", "", 1],
    [4, 1, 1, ""],
    [91, 26],
    [99, 0],
)


def _message(draw: random.Random, order_id: int) -> list[Any]:
    if draw.random() < 0.5:
        fields = list(draw.choice(_REQUESTS))
    else:
        kind, tif = draw.choice(["MKT", "LMT", "STP", "TRAIL", "LOC"]), draw.choice(["DAY", "GTC", "IOC", "OPG"])
        fields = order_fields(order_id, action=draw.choice(["BUY", "SELL"]), orderType=kind, tif=tif, auxPrice=400)
    for _ in range(draw.choice([0, 1, 1, 2, 4])):
        fields[draw.randrange(1, len(fields))] = draw.choice(_VALUES)
    return fields


@pytest.mark.parametrize("seed", range(3))
def test_no_message_cuts_the_line_or_stops_the_market(seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311  it has to be the same every time
    failures: list[dict[str, Any]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
        async with gateway() as server, wire(server.port, 1) as client:
            await ready(client)
            for number in range(1, 400):
                client.send(*_message(draw, number))
                if number % 40 == 0:
                    await client.answered()
                    server.advance(server.venue.now + timedelta(seconds=7))
            await client.answered()

    asyncio.run(main())
    assert failures == []
