"""Keeping services running: one that dies by itself is started again, unless it dies again and again.

A session that trades must not end because a page did. What cannot be started again without losing what it holds, such
as a simulated market, is only watched.
"""

import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Final

from tickledger.cli.console import err
from tickledger.cli.processes import Running, Service, running, tail

#: As many deaths of one service within so many seconds are too many.
MOST: Final = 3
WITHIN: Final = 600.0


@dataclass(slots=True)
class Kept:
    """Services in the order of their start, kept until `stack` closes. `monotonic` counts seconds."""

    stack: ExitStack
    monotonic: Callable[[], float] = time.monotonic
    _running: dict[str, Running] = field(default_factory=dict)
    _deaths: dict[str, deque[float]] = field(default_factory=dict)

    def start(self, service: Service) -> Running:
        """Start a service, and keep it."""
        self._running[service.name] = self.stack.enter_context(running(service))
        return self._running[service.name]

    def check(self) -> None:
        """Start again what has ended; raises TickledgerError, with the end of its log, where that is too often."""
        for name, one in list(self._running.items()):
            if one.has_ended():
                self._note_death(name, one)
                err.print(
                    f"{name} ended by itself and is started again. The last lines of {one.service.log}:", style="red"
                )
                err.print(tail(one.service.log), markup=False)
                self.start(one.service)

    def _note_death(self, name: str, one: Running) -> None:
        deaths = self._deaths.setdefault(name, deque())
        now = self.monotonic()
        deaths.append(now)
        while deaths[0] < now - WITHIN:
            deaths.popleft()
        if len(deaths) >= MOST:
            one.check()
