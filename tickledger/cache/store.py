"""Where cached values lie, as publisher and reader see it: a server, or the memory of this process.

Two protocols, because the two sides work differently: the publisher writes whole batches from a thread of its own, the
reader belongs to an event loop.
"""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol


class CacheDownError(Exception):
    """The server cannot be reached, or does not answer in time; it may come back.

    It is raised between the modules of this package alone; a reader's caller sees `CacheUnavailableError`.
    """


@dataclass(frozen=True, slots=True)
class Entry:
    """A value to be written, and the seconds it lives from now on."""

    key: str
    text: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Message:
    """What is told on a channel."""

    channel: str
    text: str


@dataclass(frozen=True, slots=True)
class Resubscribed:
    """The connection was lost and is there again: what was told meanwhile was missed, what holds now can be read."""


class Sink(Protocol):
    """The publisher's side. `write` and `open` may block for as long as the server takes, a second or two at most."""

    @property
    def shown(self) -> str:
        """The address as it may be printed."""
        ...

    def open(self) -> None:
        """Connect anew; raises CacheDownError where that fails."""
        ...

    def write(self, entries: Sequence[Entry], messages: Sequence[Message]) -> Sequence[str | None]:
        """Write and tell; why each entry was refused, None where it was not. Raises CacheDownError."""
        ...

    def close(self) -> None: ...


class Source(Protocol):
    """The reader's side; every method raises CacheDownError, but `listen`, which connects again by itself."""

    @property
    def shown(self) -> str:
        """The address as it may be printed."""
        ...

    async def read(self, keys: Sequence[str]) -> Sequence[str | None]:
        """The text at each key, None where there is none (any more)."""
        ...

    async def keys(self, prefix: str) -> Sequence[str]:
        """The keys that begin with `prefix`, in order."""
        ...

    def listen(self, channels: Sequence[str]) -> AsyncGenerator[Message | Resubscribed]:
        """What is told on `channels` from now on; the first item is `Resubscribed`, when it has begun to listen."""
        ...

    async def close(self) -> None: ...
