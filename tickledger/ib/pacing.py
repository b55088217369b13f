"""Messages to the gateway in three lanes, below the broker's limit of 50 a second.

IB counts messages of a client in any second; above 50 it answers with error 100, and after the third it closes the
connection. The client library's own throttle is one queue: a cancel behind 200 orders waits four seconds there. Here
what is urgent (cancels, and questions whose answers decide) goes before orders, and orders before requests for data;
each lane has a part of the budget that those after it cannot use up. The global cancel goes at once whatever the
budget says: it is one message, and it stops what was to come.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

Send = Callable[[], None]
_WINDOW: Final = 1.0
#: How long after the last complaint the full limit is used again.
_PROBATION: Final = 60.0


class Lane(IntEnum):
    """Who goes before whom."""

    URGENT = 0
    ORDERS = 1
    DATA = 2


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that waits to be sent; `key` is the order it belongs to, if it belongs to one."""

    send: Send
    key: str = ""


class Pacer:
    """At most `limit` messages in any second; each lane leaves `reserved` more of them to those before it.

    A message is sent from within `submit` where nothing of its lane waits and the budget allows, else from the loop,
    in the order of its lane.
    """

    def __init__(self, *, limit: int, reserved: int) -> None:
        if reserved < 0 or limit <= reserved * Lane.DATA:
            raise ValueError(f"pacing: expected a limit of more than {reserved * Lane.DATA}, found {limit}")
        self._limit = self._full_limit = limit
        self._reserved = self._full_reserved = reserved
        self._slowed_at: float | None = None
        self._sent: deque[float] = deque()
        self._lanes: tuple[deque[Waiting], ...] = tuple(deque() for _ in Lane)
        self._timer: asyncio.TimerHandle | None = None
        self._is_pumping = False

    def __len__(self) -> int:
        return sum(map(len, self._lanes))

    def submit(self, send: Send, *, lane: Lane, key: str = "") -> None:
        """Send now or as soon as the budget of the lane allows."""
        self._lanes[lane].append(Waiting(send, key))
        self._pump()

    def send_at_once(self, send: Send) -> None:
        """Send before everything that waits, whatever the budget says; it counts."""
        self._sent.append(_now())
        send()

    def keys(self) -> frozenset[str]:
        """The keys under which something waits."""
        return frozenset(waiting.key for lane in self._lanes for waiting in lane if waiting.key)

    def withdraw(self, keys: Iterable[str] | None = None) -> list[str]:
        """Forget what waits under these keys (None: under any), urgent messages excepted; the keys of what is gone."""
        wanted = None if keys is None else set(keys)
        gone: list[str] = []
        for lane in self._lanes[Lane.ORDERS :]:
            waiting = list(lane)
            lane.clear()
            for message in waiting:
                if message.key and (wanted is None or message.key in wanted):
                    gone.append(message.key)
                else:
                    lane.append(message)
        return gone

    def clear(self) -> list[str]:
        """Forget everything that waits: the connection is gone. The keys of what was forgotten."""
        keys = [waiting.key for lane in self._lanes for waiting in lane if waiting.key]
        for lane in self._lanes:
            lane.clear()
        self._rest()
        return keys

    def slow_down(self) -> bool:
        """Send a third as much for a minute: the broker has said that it was too much; whether that is news.

        It says so for every message in excess: what it says within a second counts once.
        """
        now = _now()
        if self._slowed_at is not None and now - self._slowed_at < _WINDOW:
            return False
        self._slowed_at = now
        self._limit = max(self._limit // 3, 3)
        self._reserved = min(self._reserved, (self._limit - 1) // Lane.DATA)
        return True

    def _pump(self) -> None:
        # Sending may lead to another message: that one takes its turn in the loop that runs already.
        if self._is_pumping:
            return
        self._is_pumping = True
        try:
            while (lane := self._sendable()) is not None:
                self._sent.append(_now())
                lane.popleft().send()
        finally:
            self._is_pumping = False
            self._wait()

    def _sendable(self) -> deque[Waiting] | None:
        """The first lane in which something waits, if its budget allows a message now."""
        now = _now()
        if self._slowed_at is not None and now - self._slowed_at >= _PROBATION:
            self._limit, self._reserved, self._slowed_at = self._full_limit, self._full_reserved, None
        while self._sent and now - self._sent[0] >= _WINDOW:
            self._sent.popleft()
        for number, lane in enumerate(self._lanes):
            if lane:
                return lane if len(self._sent) < self._share(number) else None
        return None

    def _share(self, lane_number: int) -> int:
        return self._limit - lane_number * self._reserved

    def _wait(self) -> None:
        self._rest()
        waiting = [number for number, lane in enumerate(self._lanes) if lane]
        if waiting and self._sent:
            # The next message of the lane goes when the oldest in excess of its share has left the window.
            oldest = self._sent[max(0, len(self._sent) - self._share(waiting[0]))]
            delay = max(0.0, oldest + _WINDOW - _now())
            self._timer = asyncio.get_running_loop().call_later(delay, self._on_timer)

    def _rest(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_timer(self) -> None:
        self._timer = None
        self._pump()


def _now() -> float:
    return asyncio.get_running_loop().time()
