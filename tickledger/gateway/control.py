"""The control socket: one JSON object a line, answered by one, for tests and benchmarks in other processes.

A line with a field `do` is a fault as `faults` describes it, or one of the orders of this module:
`{"do": "advance", "seconds": 60}` (or `"to": "2013-03-28T15:00:00Z"`) moves the venue's time,
`{"do": "status"}` tells time and its speed, clients, open orders, executions and how often faults have happened. The
answer is `{"ok": true, …}`, or `{"ok": false, "error": "…"}`.
"""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tickledger.domain.errors import TickledgerError
from tickledger.gateway.faults import parse_fault, read_zoned_instant

if TYPE_CHECKING:
    from tickledger.gateway.server import Gateway


class ControlServer:
    """Takes orders for one gateway."""

    def __init__(self, gateway: "Gateway") -> None:
        self._gateway = gateway
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def start(self, host: str, port: int) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, host, port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the socket and all conversations."""
        if self._server is not None:
            self._server.close()
        for writer in list(self._writers):
            writer.close()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while line := await reader.readline():
                writer.write(json.dumps(self._answer(line)).encode() + b"\n")
                await writer.drain()
        except ValueError:
            writer.write(json.dumps({"ok": False, "error": "expected a line of at most 65536 bytes"}).encode() + b"\n")
        except ConnectionError:
            pass
        finally:
            self._writers.discard(writer)
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def _answer(self, line: bytes) -> Mapping[str, Any]:
        try:
            return {"ok": True} | control(self._gateway, json.loads(line))
        except (TickledgerError, ValueError, KeyError, OverflowError) as error:
            return {"ok": False, "error": str(error) or repr(error)}


def control(gateway: "Gateway", order: object) -> dict[str, Any]:
    """Carry out one order; raises InputError, ValueError or KeyError where it is none."""
    match order:
        case {"do": "advance", "seconds": int() | float() as seconds}:
            gateway.advance(gateway.venue.now + timedelta(seconds=seconds))
            return {"now": gateway.venue.now.isoformat()}
        case {"do": "advance", "to": str() as to}:
            gateway.advance(read_zoned_instant(to))
            return {"now": gateway.venue.now.isoformat()}
        case {"do": "status"}:
            return status(gateway)
        case _:
            gateway.apply(parse_fault(order))
            return {}


def status(gateway: "Gateway") -> dict[str, Any]:
    """What a test in another process wants to know."""
    floor = gateway.floor
    return {
        "now": gateway.venue.now.isoformat(),
        "speed": gateway.settings.speed,
        "clients": sorted(session.client_id for session in floor.sessions),
        "open_orders": [record.permanent_id for record in floor.books.open_orders()],
        "executions": [execution.told.execution_id for execution in floor.books.executions],
        "flooded": gateway.flooded,
        "faults": dict(floor.faults.counted),
    }
