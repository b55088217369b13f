"""A client in a process of its own, as the contract tests see it: commands go in, facts come out."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.contract.environments import ClientLibrary

DRIVERS = Path(__file__).parent / "drivers"
_SECONDS = 15.0
_STEP = 0.02
LONGEST_LINE = 16 * 1024 * 1024


class Driven:
    """One client. `do` carries out a command of the driver and returns what it found."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def do(self, command: str, *arguments: object) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": command, "arguments": arguments}).encode() + b"\n")
        line = await asyncio.wait_for(self._process.stdout.readline(), _SECONDS)
        assert line, "the driver has ended"
        answer = json.loads(line)
        assert "error" not in answer, f"{command}: {answer['error']}"
        return answer["result"]

    async def until(self, holds: Callable[[dict[str, Any]], object], what: str) -> dict[str, Any]:
        """The client's facts as soon as `holds` of them; fails by saying what was waited for."""
        end = asyncio.get_running_loop().time() + _SECONDS / 3
        while True:
            state: dict[str, Any] = await self.do("state")
            if holds(state):
                return state
            assert asyncio.get_running_loop().time() < end, f"{what} did not come: {json.dumps(state)[:3000]}"
            await asyncio.sleep(_STEP)

    async def place(self, symbol: str, **terms: object) -> int:
        """Place an order, or change the one with the `order_id`; returns its id."""
        return int(await self.do("place", symbol, terms))

    async def status(self, order_id: int, *expected: str) -> dict[str, Any]:
        """The order as soon as its status is one of those."""
        state = await self.until(
            lambda found: found["orders"].get(str(order_id), {}).get("status") in expected,
            f"order {order_id} as {expected}",
        )
        order: dict[str, Any] = state["orders"][str(order_id)]
        return order

    async def error(self, code: int, request_id: int | None = None) -> dict[str, Any]:
        """The facts as soon as the error has come."""
        return await self.until(
            lambda found: any(one[1] == code and request_id in {None, one[0]} for one in found["errors"]),
            f"error {code}",
        )


@asynccontextmanager
async def driven(library: ClientLibrary, python: Path) -> AsyncIterator[Driven]:
    """A client of the library; it must have understood everything by the end."""
    process = await asyncio.create_subprocess_exec(
        python,
        DRIVERS / library.driver,
        library.module,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LONGEST_LINE,
    )
    client = Driven(process)
    try:
        yield client
        state = await client.do("state")
        assert state["strange"] == []
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
