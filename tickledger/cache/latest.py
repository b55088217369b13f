"""The latest value under each name and which of them are still to be written; the hand-over between two threads.

One thread puts, another takes. Neither waits for the other: each step is one operation of a dict, which is atomic, and
`put` stores the value before the mark, so a mark that is taken never misses the value it stands for.
"""

from collections.abc import Hashable, Iterator, Mapping
from time import monotonic
from typing import Generic, TypeVar

Name = TypeVar("Name", bound=Hashable)
Value = TypeVar("Value")


class LatestValues(Generic[Name, Value]):
    """At most `most` names; values of further ones are counted in `dropped` and forgotten."""

    __slots__ = ("_current", "_marked", "_most", "dropped")

    def __init__(self, most: int) -> None:
        self._current: dict[Name, tuple[Value, float]] = {}
        self._marked: dict[Name, None] = {}
        self._most = most
        self.dropped = 0

    def __len__(self) -> int:
        """How many are still to be written."""
        return len(self._marked)

    def put(self, name: Name, value: Value) -> None:
        """Take the place of the value under `name`, written or not."""
        if name not in self._current and len(self._current) >= self._most:
            self.dropped += 1
            return
        self._current[name] = value, monotonic()
        self._marked[name] = None

    def get(self, name: Name) -> tuple[Value, float] | None:
        """The latest value under `name` and its age in seconds."""
        found = self._current.get(name)
        return (found[0], monotonic() - found[1]) if found else None

    def take(self) -> Iterator[Name]:
        """The names of what is to be written, the longest waiting first; each is unmarked as it is given."""
        for name in _names(self._marked):
            self._marked.pop(name, None)
            yield name

    def mark(self, name: Name) -> None:
        """Have the value under `name` written again."""
        self._marked[name] = None

    def mark_all(self) -> None:
        """Have everything written again."""
        for name in _names(self._current):
            self._marked[name] = None


def _names(names: Mapping[Name, object]) -> list[Name]:
    while True:
        try:
            return list(names)
        except RuntimeError:  # a name was added meanwhile
            continue
