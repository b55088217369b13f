"""What a keeper does for the server whose parent it is: wait for its last user, then stop it.

Only stdlib modules are imported: keepers run without site-packages, so that they start in milliseconds.
"""

import fcntl
import signal
import subprocess
from collections.abc import Sequence
from types import FrameType
from typing import TextIO


class _EndOfWatch(Exception):  # noqa: N818  it is no error: the server ended, or the system asks us to
    """The wait for the last user is over before there was one."""


def wait_for_last_user(users: TextIO, server: subprocess.Popen[bytes]) -> bool:
    """Hold the lock `users` alone, or see the server end or SIGTERM come; whether the server ended by itself."""

    def end(number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGCHLD or server.poll() is not None:
            raise _EndOfWatch

    try:
        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGCHLD, end)
        if server.poll() is None:
            fcntl.flock(users, fcntl.LOCK_EX)
    except _EndOfWatch:
        pass
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    return server.poll() is not None


def stop(server: subprocess.Popen[bytes], signals: Sequence[signal.Signals], *, seconds: float) -> None:
    """Send each of `signals` until the server has ended, and give it `seconds` after each."""
    for number in signals:
        if server.poll() is None:
            server.send_signal(number)
        try:
            server.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return
