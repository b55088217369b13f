"""Child processes of a command: each with a log of its own, all stopped in reverse order, none left behind."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tickledger.cli.guard import GROUP_SECONDS, LEADER_SECONDS
from tickledger.domain.errors import TickledgerError
from tickledger.local_servers.locks import poll
from tickledger.settings import environment_with

_GRACE_SECONDS: Final = 5
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
    """A service and its guard, which ends with the service's own status."""

    service: Service
    guard: subprocess.Popen[bytes]

    def has_ended(self) -> bool:
        """Whether the service has ended, however it did."""
        return self.guard.poll() is not None

    def has_ended_well(self) -> bool:
        """Whether the service has come to its own end."""
        return self.guard.poll() == 0

    def check(self) -> None:
        """Raise TickledgerError, with the end of its log, where the service has ended by itself."""
        status = self.guard.poll()
        if status is not None:
            raise TickledgerError(
                f"{self.service.name} ended by itself with status {status}. "
                f"The last lines of {self.service.log}:\n{tail(self.service.log)}"
            )


@contextmanager
def running(service: Service) -> Iterator[Running]:
    """Start `service` and end it, with every process that it started, when the context or this process ends."""
    service.log.parent.mkdir(parents=True, exist_ok=True)
    with (
        service.log.open("wb") as log,
        subprocess.Popen(  # noqa: S603  our own command, no shell
            [sys.executable, "-P", "-m", "tickledger.cli.guard", *service.command],
            env=environment_with(service.environment),
            stdin=subprocess.PIPE,  # the guard ends the service when this closes
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for us; we stop the services in order
        ) as guard,
    ):
        try:
            yield Running(service, guard)
        finally:
            _close(guard)


def _close(guard: subprocess.Popen[bytes]) -> None:
    if guard.stdin is not None:
        guard.stdin.close()
    try:
        guard.wait(LEADER_SECONDS + GROUP_SECONDS + _GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        guard.kill()


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
