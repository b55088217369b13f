"""The store of a machine without Redis: the memory of this process, behind the same two protocols.

Publisher and reader of one process see each other as they would through a server; other processes see nothing.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Final

from tickledger.cache.store import Entry, Message, Resubscribed

_LARGEST: Final = 100_000
_LONGEST_QUEUE: Final = 10_000


class ProcessMemory:
    """Texts with the instant at which each ends, and those who listen. Any thread may use it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._texts: dict[str, tuple[str, float]] = {}
        self._listeners: set[_Listener] = set()

    def write(self, entries: Sequence[Entry], messages: Sequence[Message]) -> None:
        now = time.monotonic()
        with self._lock:
            for entry in entries:
                self._texts.pop(entry.key, None)  # the newest stand last
                self._texts[entry.key] = entry.text, now + entry.seconds
            self._forget(now)
            listeners = tuple(self._listeners)
        for listener in listeners:
            listener.tell(messages)

    def read(self, keys: Sequence[str]) -> Sequence[str | None]:
        now = time.monotonic()
        with self._lock:
            found = (self._texts.get(key) for key in keys)
            return [one[0] if one and one[1] > now else None for one in found]

    def keys(self, prefix: str) -> Sequence[str]:
        now = time.monotonic()
        with self._lock:
            return sorted(key for key, (_, end) in self._texts.items() if key.startswith(prefix) and end > now)

    def add(self, listener: "_Listener") -> None:
        with self._lock:
            self._listeners.add(listener)

    def remove(self, listener: "_Listener") -> None:
        with self._lock:
            self._listeners.discard(listener)

    def _forget(self, now: float) -> None:
        """Keep to the bound: what has ended goes first, then what was written the longest ago."""
        if len(self._texts) <= _LARGEST:
            return
        self._texts = {key: one for key, one in self._texts.items() if one[1] > now}
        for key in list(self._texts)[: max(len(self._texts) - _LARGEST, 0)]:
            del self._texts[key]


class _Listener:
    """One subscription, in the event loop that made it; where it does not keep up, the oldest messages go."""

    def __init__(self, channels: Sequence[str]) -> None:
        self._channels = frozenset(channels)
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[Message] = asyncio.Queue(_LONGEST_QUEUE)

    def tell(self, messages: Sequence[Message]) -> None:
        """From any thread; a loop that is closed listens no more."""
        wanted = [message for message in messages if message.channel in self._channels]
        if wanted:
            with suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._put, wanted)

    async def next(self) -> Message:
        return await self._queue.get()

    def _put(self, messages: Sequence[Message]) -> None:
        for message in messages:
            if self._queue.full():
                self._queue.get_nowait()
            self._queue.put_nowait(message)


class MemorySink:
    """The publisher's side."""

    def __init__(self, memory: ProcessMemory) -> None:
        self._memory = memory

    @property
    def shown(self) -> str:
        return "the memory of this process"

    def open(self) -> None:
        """Nothing has to be opened."""

    def write(self, entries: Sequence[Entry], messages: Sequence[Message]) -> Sequence[str | None]:
        self._memory.write(entries, messages)
        return [None] * len(entries)

    def close(self) -> None:
        """Nothing has to be closed."""


class MemorySource:
    """The reader's side."""

    def __init__(self, memory: ProcessMemory) -> None:
        self._memory = memory

    @property
    def shown(self) -> str:
        return "the memory of this process"

    async def read(self, keys: Sequence[str]) -> Sequence[str | None]:
        return self._memory.read(keys)

    async def keys(self, prefix: str) -> Sequence[str]:
        return self._memory.keys(prefix)

    async def listen(self, channels: Sequence[str]) -> AsyncGenerator[Message | Resubscribed]:
        listener = _Listener(channels)
        self._memory.add(listener)
        try:
            yield Resubscribed()
            while True:
                yield await listener.next()
        finally:
            self._memory.remove(listener)

    async def close(self) -> None:
        """Nothing has to be closed."""


@cache
def memory_of(_home: Path) -> ProcessMemory:
    """The one memory that this process has for a home."""
    return ProcessMemory()
