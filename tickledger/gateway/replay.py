"""Replaying a journal: what a client said is said again to a gateway, and what comes is compared with what came then.

A gateway over the same market, seed and settings, whose time stands, answers word by word as it did. Only one
connection is replayed at a time; what its client had to wait for then is waited for now.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from tickledger.gateway.connection import PREFIX
from tickledger.gateway.fields import FrameBuffer, framed, message, split
from tickledger.gateway.journal import Entry

_LARGEST_READ: Final = 65_536


@dataclass(frozen=True, slots=True)
class Difference:
    """Where a replay went another way: the message's place among those that came, then and now (None: none came)."""

    place: int
    recorded: Sequence[str]
    replayed: Sequence[str] | None


def connections(entries: Iterable[Entry]) -> list[int]:
    """The connections of a journal, in the order in which they were made."""
    return list(dict.fromkeys(entry.connection for entry in entries))


async def replay(
    entries: Iterable[Entry], host: str, port: int, *, connection: int, patience: float = 2.0
) -> list[Difference]:
    """Say what the client of `connection` said, and list where the answers differ.

    A message that does not come within `patience` seconds is a difference, and ends the replay.
    """
    reader, writer = await asyncio.open_connection(host, port)
    answers = _Answers(reader, patience)
    differences: list[Difference] = []
    try:
        for place, entry in enumerate(one for one in entries if one.connection == connection):
            if entry.direction == "in":
                writer.write(_said(entry))
            elif entry.direction == "out":
                replayed = await answers.next()
                if replayed != entry.fields:
                    differences.append(Difference(place, entry.fields, replayed))
                if replayed is None:
                    break
    finally:
        writer.close()
    return differences


def _said(entry: Entry) -> bytes:
    is_handshake = entry.client is None and len(entry.fields) == 1
    return PREFIX + framed(entry.fields[0].encode()) if is_handshake else message(*entry.fields)


class _Answers:
    """The messages that come, one after the other."""

    def __init__(self, reader: asyncio.StreamReader, patience: float) -> None:
        self._reader = reader
        self._patience = patience
        self._buffer = FrameBuffer()

    async def next(self) -> list[str] | None:
        """The next message; None where none comes in time."""
        while (payload := self._buffer.next()) is None:
            try:
                data = await asyncio.wait_for(self._reader.read(_LARGEST_READ), self._patience)
            except (TimeoutError, ConnectionError):
                return None
            if not data:
                return None
            self._buffer.feed(data)
        return split(payload)
