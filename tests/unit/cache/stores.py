"""A store that does as it is told: it goes away, refuses, and counts what it gets."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Event

from tickledger.cache.in_process import MemorySink, ProcessMemory
from tickledger.cache.store import CacheDownError, Entry, Message
from tickledger.local_servers.locks import poll


@dataclass
class MoodySink:
    """A store in memory that can be down, hang, and refuse keys."""

    memory: ProcessMemory = field(default_factory=ProcessMemory)
    shown: str = "a moody store"
    is_down: bool = False
    refused: Callable[[str], bool] = lambda _: False
    may_answer: Event = field(default_factory=Event)
    batches: list[Sequence[Entry]] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    opened: int = 0

    def __post_init__(self) -> None:
        self.may_answer.set()

    def open(self) -> None:
        if self.is_down:
            raise CacheDownError("it is down")
        self.opened += 1

    def write(self, entries: Sequence[Entry], messages: Sequence[Message]) -> Sequence[str | None]:
        self.may_answer.wait()
        if self.is_down:
            raise CacheDownError("it went down")
        kept = [entry for entry in entries if not self.refused(entry.key)]
        MemorySink(self.memory).write(kept, messages)
        self.batches.append(entries)
        self.messages.extend(messages)
        return ["OOM" if self.refused(entry.key) else None for entry in entries]

    def close(self) -> None:
        """Nothing is held."""

    def forget(self) -> None:
        """As a server that was started again."""
        self.memory = ProcessMemory()

    def text(self, key: str) -> str | None:
        return self.memory.read([key])[0]


def eventually(condition: Callable[[], bool]) -> bool:
    """Wait for the thread that writes."""
    return poll(condition, seconds=30)
