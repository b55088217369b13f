"""The line between our process and the gateway: real sockets with a relay in between that is slow, stalls and is cut.

What one side has sent arrives at the other later, in order, even where the sender is gone by then: an order may
reach the gateway after the process that sent it has died. A cut loses what is on its way, in the middle of a message.
"""

import asyncio
from collections import deque
from random import Random
from typing import Final

_SHORTEST: Final = 0.0005


class Line:
    """A relay that listens on a port of its own and connects to `gateway_port` for each client."""

    def __init__(self, gateway_port: int, random: Random, *, latency: float) -> None:
        self.gateway_port = gateway_port
        self.latency = latency
        self.random = random
        self.port = 0
        self.connections: list[_Pair] = []
        #: Our ports of the connections to the gateway, which it sees as its clients'.
        self.gateway_ends: set[int] = set()
        self._server: asyncio.Server | None = None
        self._stalled_until = {"up": 0.0, "down": 0.0}

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Pair(self).near, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for pair in list(self.connections):
            pair.cut(0)
        await asyncio.sleep(0)

    def stall(self, direction: str, seconds: float) -> None:
        """Hold back everything that is sent up (to the gateway) or down for so long; nothing of it is lost."""
        self._stalled_until[direction] = asyncio.get_running_loop().time() + seconds

    def cut(self) -> None:
        """Break every connection: of what is on its way a part arrives, the rest is lost."""
        for pair in list(self.connections):
            pair.cut(self.random.random())

    def due(self, direction: str) -> float:
        now = asyncio.get_running_loop().time()
        return max(now, self._stalled_until[direction]) + self.random.uniform(_SHORTEST, self.latency)


class _End(asyncio.Protocol):
    """One socket of a pair; what it receives is for the other."""

    def __init__(self, pair: "_Pair", direction: str) -> None:
        self.pair = pair
        self.direction = direction
        self.transport: asyncio.Transport | None = None
        self.waiting: deque[bytes | None] = deque()
        self._last_due = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.pair.made(self)

    def data_received(self, data: bytes) -> None:
        self._pass_on(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  the protocol's
        self.transport = None
        self._pass_on(None)

    def _pass_on(self, data: bytes | None) -> None:
        self._last_due = max(self._last_due, self.pair.line.due(self.direction))
        self.waiting.append(data)
        asyncio.get_running_loop().call_at(self._last_due, self.pair.deliver, self)

    def write(self, data: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        if self.transport is not None:
            self.transport.abort()


class _Pair:
    """A client's connection and the one to the gateway that belongs to it."""

    def __init__(self, line: Line) -> None:
        self.line = line
        self.near = _End(self, "up")
        self.far = _End(self, "down")
        self.is_joined = False
        self.is_cut = False
        self._held: list[bytes | None] = []
        self._joining: asyncio.Task[None] | None = None

    def made(self, end: _End) -> None:
        if end is self.near:
            self.line.connections.append(self)
            self._joining = asyncio.get_running_loop().create_task(self._join())

    async def _join(self) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: self.far, "127.0.0.1", self.line.gateway_port)
        except OSError:
            self.cut(0)
            return
        self.is_joined = True
        if self.far.transport is not None:
            self.line.gateway_ends.add(self.far.transport.get_extra_info("sockname")[1])
        if self.is_cut:
            self.far.close()
        early, self._held = self._held, []
        for data in early:
            self._give(self.far, data)

    def deliver(self, end: _End) -> None:
        if self.is_cut or not end.waiting:
            return
        data = end.waiting.popleft()
        other = self.far if end is self.near else self.near
        if other is self.far and not self.is_joined:
            self._held.append(data)
        else:
            self._give(other, data)

    def _give(self, end: _End, data: bytes | None) -> None:
        if data is not None:
            end.write(data)
            return
        end.close()
        if self in self.line.connections:
            self.line.connections.remove(self)

    def cut(self, part: float) -> None:
        """Break both sockets; `part` of the first thing on its way each way still arrives."""
        if self.is_cut:
            return
        for end, other in ((self.near, self.far), (self.far, self.near)):
            first = end.waiting[0] if end.waiting else None
            if first:
                other.write(first[: int(len(first) * part)])
        self.is_cut = True
        self.near.close()
        self.far.close()
        if self in self.line.connections:
            self.line.connections.remove(self)
