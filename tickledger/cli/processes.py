"""Child processes of a command: each with a log of its own, all stopped in reverse order, none left behind."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from tickledger.db.locks import poll
from tickledger.db.server_user import die_with_parent
from tickledger.domain.errors import TickledgerError
from tickledger.settings import environment_with

_STOP_SECONDS: Final = 10
_ASK_SECONDS: Final = 0.2
_LOG_LINES_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Service:
    """A program that runs until it is stopped; `answers` tells whether it is ready.

    `environment` comes on top of ours: an address with a password never stands on a command line.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    answers: Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Running:
    """A service and its process, which leads a process group of its own."""

    service: Service
    process: subprocess.Popen[bytes]

    def check(self) -> None:
        """Raise TickledgerError, with the end of its log, where the service has ended by itself."""
        status = self.process.poll()
        if status is not None:
            raise TickledgerError(
                f"{self.service.name} ended by itself with status {status}. "
                f"The last lines of {self.service.log}:\n{tail(self.service.log)}"
            )


@contextmanager
def running(service: Service) -> Iterator[Running]:
    """Start `service` and stop it with the context; the kernel stops it should this process be killed."""
    service.log.parent.mkdir(parents=True, exist_ok=True)
    with (
        service.log.open("wb") as log,
        subprocess.Popen(  # noqa: S603  our own command, no shell
            service.command,
            env=environment_with(service.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us; we stop the services in order
            preexec_fn=partial(die_with_parent, signal.SIGTERM, parent=os.getpid()),  # noqa: PLW1509  no threads here
        ) as process,
    ):
        try:
            yield Running(service, process)
        finally:
            _stop(process)


def await_answers(services: Sequence[Running], *, seconds: float) -> None:
    """Return when every service answers; raises TickledgerError where one ends, or takes longer than `seconds`."""
    waiting = list(services)

    def all_answer() -> bool:
        for one in services:
            one.check()
        waiting[:] = [one for one in waiting if not one.service.answers()]
        return not waiting

    if not poll(all_answer, seconds=seconds, every=_ASK_SECONDS):
        late = waiting[0].service
        raise TickledgerError(
            f"{late.name} does not answer after {seconds:.0f} s. The last lines of {late.log}:\n{tail(late.log)}"
        )


def tail(log: Path) -> str:
    """The last lines of `log`."""
    return "\n".join(log.read_text("utf-8", errors="replace").splitlines()[-_LOG_LINES_SHOWN:])


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End the whole group of `process`: asked first, then killed."""
    group = process.pid
    _signal_group(group, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    poll(lambda: not _signal_group(group, 0), seconds=_STOP_SECONDS)
    _signal_group(group, signal.SIGKILL)
    process.wait()


def _signal_group(group: int, number: int) -> bool:
    """Whether the group has a process left to signal."""
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return False
    return True
