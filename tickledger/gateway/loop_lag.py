"""How long the event loop was kept from its turn: what came in meanwhile came over that time, not at once."""

import asyncio
from collections import deque
from typing import Final

_STEP_SECONDS: Final = 0.05
#: A shorter delay is nothing that lets messages pile up.
_LEAST_SECONDS: Final = 0.1
#: Delays older than that are of no interest to a limit that is counted by the second.
_KEPT_SECONDS: Final = 2.0


class LoopLag:
    """A timer that notes how late it comes."""

    def __init__(self) -> None:
        self._late: deque[tuple[float, float]] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0

    def start(self) -> None:
        """Begin to watch the running loop."""
        self._loop = asyncio.get_running_loop()
        self._wait(self._loop)

    def stop(self) -> None:
        """Watch no longer."""
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self, loop: asyncio.AbstractEventLoop) -> None:
        self._due = loop.time() + _STEP_SECONDS
        self._timer = loop.call_at(self._due, self._beat, loop)

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        if now - self._due > _LEAST_SECONDS:
            self._late.append((now, now - self._due))
        self._wait(loop)

    def seconds(self) -> float:
        """How long, in the last two seconds, everything had to wait; what still waits included."""
        if self._loop is None:
            return 0.0
        now = self._loop.time()
        while self._late and now - self._late[0][0] > _KEPT_SECONDS:
            self._late.popleft()
        waiting = now - self._due
        return sum(late for _, late in self._late) + (waiting if waiting > _LEAST_SECONDS else 0.0)
