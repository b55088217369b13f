"""A time limit for a whole conversation over a socket.

A socket's own timeout starts anew with every byte that arrives, so a server that sends one now and then would hold a
thread for hours.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Deadline:
    """Shuts the sockets that it watches once `seconds` are over; `has_passed` says that it did."""

    def __init__(self, seconds: float) -> None:
        self._lines: list[socket.socket] = []
        self._lock = threading.Lock()
        self.has_passed = False
        self._timer = threading.Timer(seconds, self._pass)
        self._timer.daemon = True
        self._timer.start()

    def watch(self, connection: socket.socket) -> None:
        """Watch a connected socket; it may be wrapped in TLS afterwards."""
        # A duplicate reaches the same connection when the original object has been taken over by TLS, or closed.
        line = connection.dup()
        with self._lock:
            self._lines.append(line)
            if self.has_passed:
                _shut(line)

    def end(self) -> None:
        """Stop watching."""
        self._timer.cancel()
        with self._lock:
            for line in self._lines:
                line.close()
            self._lines.clear()

    def _pass(self) -> None:
        with self._lock:
            self.has_passed = True
            for line in self._lines:
                _shut(line)


def _shut(line: socket.socket) -> None:
    try:
        line.shutdown(socket.SHUT_RDWR)
    except OSError:  # the other side was first
        return


@contextmanager
def deadline(seconds: float) -> Iterator[Deadline]:
    """A `Deadline` that ends with the block."""
    limit = Deadline(seconds)
    try:
        yield limit
    finally:
        limit.end()
