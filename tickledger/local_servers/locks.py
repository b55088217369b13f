"""Locks between processes (flock): the kernel lets go of them with the process that holds them, however it ends."""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final
from weakref import WeakSet

_POLL_SECONDS: Final = 0.02
_open: WeakSet[IO[str]] = WeakSet()


def _let_go() -> None:
    """Close a forked child's copies of its parent's locks, so that it cannot hold them longer than its parent does."""
    for lock in tuple(_open):
        lock.close()


os.register_at_fork(after_in_child=_let_go)


@contextmanager
def hold(path: Path, *, shared: bool = False) -> Iterator[IO[str]]:
    """Wait for the lock at `path` and hold it, alone or with others, while the context lasts."""
    with path.open("a") as lock:
        _open.add(lock)
        fcntl.flock(lock, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield lock


def is_free(path: Path, *, shared: bool = False) -> bool:
    """Whether the lock at `path` could be had at this moment, alone or with others."""
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True


def poll(condition: Callable[[], bool], *, seconds: float, every: float = _POLL_SECONDS) -> bool:
    """Wait until `condition` holds, at most for `seconds`; whether it did."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True
