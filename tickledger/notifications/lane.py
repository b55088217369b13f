"""A thread that sends what its outbox gives it, and the door through which any other thread hands it alerts.

`offer` must never wait: it is called by the trading loop, and it may be called by a signal handler that interrupts
this very module. So alerts go into a deque first (appending is atomic), and are filed by whoever holds the lock at that
moment or gets it without waiting. `SimpleQueue` wakes the thread, because its `put` is documented as reentrant.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Final

from tickledger.domain.alert import Alert
from tickledger.notifications.channel import Channel, Delivery, Outcome
from tickledger.notifications.message import composed
from tickledger.notifications.outbox import Outbox, Parcel

_AWAKE: Final = float("-inf")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LaneHealth:
    """How a lane does; sent, failed, dropped and waiting count alerts, `messages` what was sent of them."""

    sent: int
    failed: int
    dropped: int
    waiting: int
    messages: int
    is_open: bool
    last_error: str


class Lane:
    """One lane of a channel: outbox, lock, thread. `seconds` is a clock that only moves forward."""

    def __init__(self, channel: Channel, outbox: Outbox, *, name: str, seconds: Callable[[], float]) -> None:
        self._channel = channel
        self._outbox = outbox
        self._seconds = seconds
        self._arrived: deque[Alert] = deque()
        self._lock = threading.Lock()
        self._wake: SimpleQueue[None] = SimpleQueue()
        # Until when the thread sleeps; while it is awake there is nothing earlier than that. Only under the lock.
        self._asleep_until = _AWAKE
        self._is_closing = False
        self._last_error = ""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def offer(self, alert: Alert) -> None:
        """Take `alert` over; neither waits nor fails."""
        self._arrived.append(alert)
        self._file_arrived()

    def close(self) -> None:
        """Send all that waits, then end; `join` waits for it."""
        self._is_closing = True
        with self._lock:
            self._outbox.drain()
        self._file_arrived()
        self._wake.put(None)

    def join(self, seconds: float) -> None:
        """Wait for the thread to end, at most so long; one that hangs is left to itself, it ends with the process."""
        self._thread.join(seconds)

    def health(self) -> LaneHealth:
        """How the lane does now."""
        with self._lock:
            counts = self._outbox.counts
            health = LaneHealth(
                sent=counts.sent,
                failed=counts.failed,
                dropped=counts.dropped,
                waiting=self._outbox.waiting + len(self._arrived),
                messages=counts.messages,
                is_open=self._outbox.is_open,
                last_error=self._last_error,
            )
        self._file_arrived()
        return health

    def _file_arrived(self) -> None:
        # Whoever holds the lock looks again after letting it go, so nothing that arrived meanwhile is left lying.
        while self._arrived and self._lock.acquire(blocking=False):
            try:
                now = self._seconds()
                while self._arrived:
                    alert = self._arrived.popleft()
                    if self._outbox.add(alert, now) < self._asleep_until:
                        self._rouse_for(alert, now)
            finally:
                self._lock.release()

    def _rouse_for(self, alert: Alert, now: float) -> None:
        # Waking a thread costs more than all the rest, so it is left asleep while there is nothing that it could do.
        if self._outbox.may_send_at(alert, now) < self._asleep_until:
            self._asleep_until = _AWAKE
            self._wake.put(None)

    def _run(self) -> None:
        while True:
            with self._lock:
                self._asleep_until = _AWAKE
                parcel = self._outbox.next_parcel(self._seconds())
            self._file_arrived()
            if parcel is not None:
                self._settle(parcel, self._attempt(parcel))
            elif not self._wait():
                return

    def _wait(self) -> bool:
        """Wait for something to do; False where there will be nothing any more."""
        with self._lock:
            now = self._seconds()
            ready_at = self._outbox.ready_at(now)
            if self._is_closing and self._outbox.is_empty and not self._arrived:
                return False
            self._asleep_until = float("inf") if ready_at is None else ready_at
        self._file_arrived()
        with suppress(Empty):
            self._wake.get(timeout=None if ready_at is None else max(0.0, ready_at - now))
        return True

    def _attempt(self, parcel: Parcel) -> Delivery:
        try:
            return self._channel.send(composed(parcel.items, parcel.losses))
        except Exception as error:  # noqa: BLE001  whatever one message does to a channel, the thread goes on
            # Its text may quote what it choked on, the address with its key included.
            return Delivery(Outcome.REFUSED, f"{type(error).__name__} in this program")

    def _settle(self, parcel: Parcel, delivery: Delivery) -> None:
        with self._lock:
            was_open = self._outbox.is_open
            self._outbox.settle(parcel, delivery, self._seconds())
            is_open = self._outbox.is_open
        self._file_arrived()
        if delivery.outcome is Outcome.SENT:
            self._last_error = delivery.detail or self._last_error
        else:
            self._last_error = delivery.detail
        self._report(delivery, opened=is_open and not was_open)

    def _report(self, delivery: Delivery, *, opened: bool) -> None:
        """Log a message that is refused and a channel that goes down; not each attempt."""
        if opened:
            _log.warning("alerts by %s fail: %s; tried again more and more rarely", self._channel.name, delivery.detail)
        elif delivery.outcome is Outcome.REFUSED:
            _log.warning("an alert was refused by %s: %s", self._channel.name, delivery.detail)
