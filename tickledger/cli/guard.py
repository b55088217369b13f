"""The process between a command and a service: it ends the service's whole group, however the command ends.

Services start processes of their own (Dagster's code server one for each run), which outlive a killed parent. The
guard is the parent of the service, watches a pipe that the kernel closes with the command, and ends every process
of the group: asked first, then killed. Run as ``python -m tickledger.cli.guard PROGRAM [ARGUMENT …]``.
"""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import Final

from tickledger.local_servers.locks import poll
from tickledger.local_servers.server_user import die_with_parent

LEADER_SECONDS: Final = 10
GROUP_SECONDS: Final = 5


class _EndOfWatch(Exception):  # noqa: N818  it is no error: the service ended, or we are asked to
    """The wait for the end of the command is over before it ended."""


def main() -> None:
    """Run the service of the arguments until it ends or the pipe on our standard input does; exit with its status."""
    with (
        subprocess.Popen(  # noqa: S603  the command's own service, no shell
            sys.argv[1:],
            stdin=subprocess.DEVNULL,
            process_group=0,
            preexec_fn=partial(die_with_parent, signal.SIGTERM, parent=os.getpid()),  # noqa: PLW1509  a single thread
        ) as service
    ):
        _watch(service)
        _end_group(service)
    status = service.returncode
    sys.exit(status if status >= 0 else 128 - status)


def _watch(service: subprocess.Popen[bytes]) -> None:
    def end(number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGCHLD or service.poll() is not None:
            raise _EndOfWatch

    ends = (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD)
    with suppress(_EndOfWatch):
        for number in ends:
            signal.signal(number, end)
        if service.poll() is None:
            sys.stdin.buffer.read()
    for number in ends:
        signal.signal(number, signal.SIG_DFL if number == signal.SIGCHLD else signal.SIG_IGN)


def _end_group(service: subprocess.Popen[bytes]) -> None:
    group = service.pid
    _signal_group(group, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        service.wait(LEADER_SECONDS)
    poll(lambda: not _signal_group(group, 0), seconds=GROUP_SECONDS)
    _signal_group(group, signal.SIGKILL)


def _signal_group(group: int, number: int) -> bool:
    """Whether the group had a process left to signal."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True


if __name__ == "__main__":
    main()
