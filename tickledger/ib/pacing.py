"""Messages to the gateway in two lanes, below the broker's limit of 50 a second.

IB counts messages of a client in any second; above 50 it answers with error 100, and after the third it closes the
connection. The client library's own throttle is one queue: a cancel behind 200 orders waits four seconds there. Here
what is urgent (cancels) goes before everything that waits, from a part of the budget that orders cannot use up; and
the global cancel goes at once whatever the budget says, for it is one message, and what it stops was to come.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

Send = Callable[[], None]
_WINDOW: Final = 1.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that waits to be sent, and what is told when it will not be. `key` names it among its kind."""

    send: Send
    key: str = ""


class Pacer:
    """At most `limit` messages in any second, of which all but `reserved` may be ordinary; FIFO in each lane.

    `send` is called from the loop, as soon as the budget allows: within `submit` itself where nothing waits.
    """

    def __init__(self, *, limit: int, reserved: int) -> None:
        if not 0 <= reserved < limit:
            raise ValueError(f"pacing: expected fewer reserved messages than the limit {limit}, found {reserved}")
        self._limit = limit
        self._reserved = reserved
        self._sent: deque[float] = deque()
        self._urgent: deque[Waiting] = deque()
        self._ordinary: deque[Waiting] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._urgent) + len(self._ordinary)

    def submit(self, send: Send, *, key: str = "", urgent: bool = False) -> None:
        """Send now or as soon as the budget of the message's lane allows."""
        lane = self._urgent if urgent else self._ordinary
        lane.append(Waiting(send, key))
        self._pump()

    def send_at_once(self, send: Send) -> None:
        """Send before everything that waits, whatever the budget says; it counts."""
        self._sent.append(_now())
        send()

    def withdraw(self, keys: Iterable[str] | None = None) -> list[str]:
        """Forget the ordinary messages with these keys (None: all that have one); the keys of those forgotten."""
        wanted = None if keys is None else set(keys)
        gone = [w.key for w in self._ordinary if w.key and (wanted is None or w.key in wanted)]
        self._ordinary = deque(w for w in self._ordinary if not (w.key and (wanted is None or w.key in wanted)))
        return gone

    def clear(self) -> list[str]:
        """Forget everything that waits: the connection is gone. The keys of what was forgotten."""
        keys = [waiting.key for waiting in (*self._urgent, *self._ordinary) if waiting.key]
        self._urgent.clear()
        self._ordinary.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return keys

    def slow_down(self) -> None:
        """Send a third as much from now on: the broker has said that it was too much."""
        self._limit = max(self._limit // 3, 2)
        self._reserved = min(self._reserved, self._limit // 2)

    def _pump(self) -> None:
        now = _now()
        while self._sent and now - self._sent[0] >= _WINDOW:
            self._sent.popleft()
        while self._urgent and len(self._sent) < self._limit:
            self._send_first(self._urgent, now)
        while self._ordinary and not self._urgent and len(self._sent) < self._limit - self._reserved:
            self._send_first(self._ordinary, now)
        self._wait(now)

    def _send_first(self, lane: deque[Waiting], now: float) -> None:
        waiting = lane.popleft()
        self._sent.append(now)
        waiting.send()

    def _wait(self, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not len(self):
            return
        # The next message of a lane goes when the oldest in excess of its share has left the window.
        share = self._limit if self._urgent else self._limit - self._reserved
        oldest = self._sent[max(0, len(self._sent) - share)]
        self._timer = asyncio.get_running_loop().call_later(max(0.0, oldest + _WINDOW - now), self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._pump()


def _now() -> float:
    return asyncio.get_running_loop().time()
