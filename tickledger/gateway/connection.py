"""One client's socket: the handshake, frames in and out, and what a bad line does to them.

What belongs here: bytes. What the messages mean is for the `Receiver` that the gateway gives each connection.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from tickledger.gateway.fields import FrameBuffer, MalformedMessageError, split, whole_number
from tickledger.gateway.journal import Direction, Journal

PREFIX: Final = b"API\0"
#: A client that leaves so many bytes unread is cut off; TWS does the same.
_LARGEST_BACKLOG: Final = 64 * 1024 * 1024
#: A second less what two deliveries may differ by: clients send up to their limit at once, then again a second later.
_PACING_SECONDS: Final = 0.95


@dataclass(frozen=True, slots=True)
class ClientVersions:
    """The server versions a client can speak, and the options it sent with them."""

    lowest: int
    highest: int
    options: str = ""


class Receiver(Protocol):
    """Who is told what a client said."""

    def on_versions(self, versions: ClientVersions) -> None:
        """The client opened the conversation."""

    def on_message(self, fields: list[str]) -> None:
        """A whole message came."""

    def on_too_fast(self, rate: int) -> None:
        """A message came beyond the permitted number in a second."""

    def on_malformed(self, text: str) -> None:
        """Something came that is no message; the connection is closed after this."""

    def on_closed(self) -> None:
        """The connection is gone."""


def read_versions(payload: bytes) -> ClientVersions:
    """``v157..176 options``; raises MalformedMessageError for anything else."""
    text = payload.decode("utf-8", "backslashreplace").rstrip("\0")
    span, _, options = text.partition(" ")
    lowest, dots, highest = span.removeprefix("v").partition("..")
    highest = highest if dots else lowest
    first, last = whole_number(lowest), whole_number(highest)
    if not span.startswith("v") or first is None or last is None:
        raise MalformedMessageError(f"expected the client's versions such as v157..176, found {text[:80]!r}")
    return ClientVersions(first, last, options)


class Connection(asyncio.Protocol):
    """Frames in, frames out. Frames of one turn of the loop are written together.

    `is_dripping` sends byte by byte; `is_half_open` leaves the socket open, and neither reads nor writes. `rate` is how
    many messages may come in a second; where the loop `waited` lately, what was sent over a longer time comes at once.
    """

    def __init__(
        self,
        receiver: Receiver,
        number: int,
        *,
        journal: Journal | None,
        rate: int | None,
        waited: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.number = number
        self.client_id: int | None = None
        self.is_dripping = False
        self.on_end: Callable[[], None] = lambda: None
        self._receiver = receiver
        self._journal = journal
        self._rate = rate
        self._waited = waited
        self._arrivals: deque[float] = deque()
        self._received_at = 0.0
        self._buffer = FrameBuffer()
        self._is_open = False
        self._is_greeted = False
        self._has_versions = False
        self._is_half_open = False
        self._out: list[bytes] = []
        self._drip: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()

    @property
    def is_open(self) -> bool:
        """Whether the socket is connected."""
        return self._is_open

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to listen."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  a stream's transport always is
        self._transport = transport
        self._is_open = True
        self._note("connected")

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the receiver, once."""
        self._is_open = False
        self._note(f"connection lost: {exc}" if exc else "disconnected")
        if self._drip is not None:
            self._drip.cancel()
        self._receiver.on_closed()
        self.on_end()

    def data_received(self, data: bytes) -> None:
        """Make messages of what came and hand them on."""
        self._received_at = self._loop.time()
        if self._is_half_open or not self._is_open:
            return
        self._buffer.feed(data)
        try:
            self._read()
        except MalformedMessageError as error:
            self._receiver.on_malformed(str(error))
            self.close()

    def _read(self) -> None:
        if not self._is_greeted:
            self._is_greeted = self._buffer.take(PREFIX)
        while self._is_greeted and self._is_open and (payload := self._buffer.next()) is not None:
            self._record("in", payload)
            if not self._has_versions:
                versions = read_versions(payload)
                self._has_versions = True
                self._receiver.on_versions(versions)
            else:
                self._watch_pace()
                self._receiver.on_message(split(payload))
            if self._is_half_open:
                return

    def _watch_pace(self) -> None:
        if self._rate is None:
            return
        now = self._received_at  # not the time it is read: answering those before it takes time as well
        self._arrivals.append(now)
        while now - self._arrivals[0] >= _PACING_SECONDS:
            self._arrivals.popleft()
        if len(self._arrivals) > self._rate * (1 + self._waited()):
            self._receiver.on_too_fast(len(self._arrivals))

    def send(self, frame: bytes) -> None:
        """Send a frame, together with what else is sent in this turn of the loop."""
        if not self._out:
            self._loop.call_soon(self._flush)
        self._out.append(frame)

    def _flush(self) -> None:
        data = b"".join(self._out)
        self._out.clear()
        transport = self._transport
        if not data or not self._is_open or transport is None or self._is_half_open:
            return
        self._record("out", data)
        if self.is_dripping or self._drip is not None:
            previous, self._drip = self._drip, None
            self._drip = self._loop.create_task(self._send_drops(data, previous))
            return
        transport.write(data)
        if transport.get_write_buffer_size() > _LARGEST_BACKLOG:
            self._note("the client reads too slowly")
            transport.abort()

    async def _send_drops(self, data: bytes, previous: asyncio.Task[None] | None) -> None:
        if previous is not None:
            await previous
        for place in range(len(data)):
            if self._transport is None or not self._is_open:
                return
            self._transport.write(data[place : place + 1])
            await asyncio.sleep(0)

    def become_half_open(self) -> None:
        """Neither read nor write from now on; the other side sees a connection that stands."""
        self._flush()
        self._is_half_open = True
        self._note("half open")
        if self._transport is not None:
            self._transport.pause_reading()

    def mute(self) -> None:
        """Write nothing more; the connection is about to be cut."""
        self._out.clear()
        self._is_half_open = True

    def close(self) -> None:
        """Send what is waiting, then close."""
        self._flush()
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once, as a killed process does: what is waiting is lost."""
        self._out.clear()
        self._is_open = False
        if self._transport is not None:
            self._transport.abort()

    def _record(self, direction: Direction, data: bytes) -> None:
        if self._journal is not None:
            self._journal.record(direction, data, connection=self.number, client=self.client_id)

    def _note(self, text: str) -> None:
        self._record("note", text.encode())
