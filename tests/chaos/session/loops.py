"""Many processes in one: each has an event loop of its own, and all share one time that passes while nothing is ready.

A process that is frozen is a loop that is not turned: its timers become due and its sockets fill up meanwhile, as
under SIGSTOP. One that is frozen in the middle of its own code (`World.freeze_here`) is a call that returns later:
the others are turned inside it. One that is killed is never turned again, and its sockets close as they are.
"""

import asyncio
import contextlib
import selectors
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from math import inf
from typing import Any, Final, Self

from tests.chaos.process import KilledError

#: What a turn of all loops takes, seconds: time never stands, or a timer that is due at once would be due for ever.
_TURN: Final = 1e-6
#: How long nothing at all may happen before a test counts as stuck, in seconds of the wall.
_STUCK: Final = 10.0

#: Told what a callback of a loop raised.
OnError = Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]


@dataclass
class SharedTime:
    """Seconds that have passed for everybody."""

    now: float = 0.0


class _Poll(selectors.DefaultSelector):
    """A selector that never waits, and says whether a socket had news."""

    saw = False

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        del timeout
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        self.saw = bool(ready)
        return ready


class ProcessLoop(asyncio.SelectorEventLoop):
    """The loop of one process."""

    def __init__(self, time: SharedTime) -> None:
        self._shared = time
        self._poll = _Poll()
        self.transports: list[Any] = []
        super().__init__(self._poll)

    def time(self) -> float:
        """The time that all share."""
        return self._shared.now

    @property
    def next_due(self) -> float:
        """When the next timer is due; never, where there is none."""
        timers: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]
        return timers[0].when() if timers else inf

    def turn(self) -> bool:
        """Do what is ready; whether anything was."""
        was_ready = bool(self._ready) or self.next_due <= self._shared.now  # type: ignore[attr-defined]
        asyncio.set_event_loop(self)  # the client library asks for the current loop outside of coroutines, too
        self._stopping = True
        self.run_forever()
        return was_ready or self._poll.saw

    def _make_socket_transport(self, *arguments: Any, **named: Any) -> Any:
        transport = super()._make_socket_transport(*arguments, **named)  # type: ignore[misc]
        self.transports.append(transport)
        return transport

    def bury(self) -> None:
        """What the system does when a process dies: its sockets close, and what was written to them is on its way."""
        for transport in self.transports:
            if transport._sock is not None:
                self._remove_reader(transport._sock_fd)  # type: ignore[attr-defined]
                self._remove_writer(transport._sock_fd)  # type: ignore[attr-defined]
                transport._sock.close()
                transport._sock = None
                transport._closing = transport._eof = True
        self.transports.clear()
        # What was still to be done in this turn is not done any more, and what is lost by that is no news.
        self.set_exception_handler(lambda *_: None)
        for handle in list(self._ready):  # type: ignore[attr-defined]
            handle.cancel()

    def dispose(self) -> None:
        """Forget everything that was still to be done: what is cleaned up on the way out reaches nobody any more."""
        self.bury()
        for task in asyncio.all_tasks(self):
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            # What is cleaned up may fail in any way, because nothing around it is there any more.
            with contextlib.suppress(BaseException):
                task.get_coro().close()
        self.close()


@dataclass(eq=False)
class Actor:
    """One process of a world."""

    loop: ProcessLoop
    is_dead: bool = False
    is_in_a_call: bool = False
    frozen_until: float = 0.0


@dataclass(eq=False)
class World:
    """All loops. The first is that of the scenario itself, which is never frozen."""

    time: SharedTime = field(default_factory=SharedTime)
    actors: list[Actor] = field(default_factory=list)
    _deadlines: list[float] = field(default_factory=list)
    _main: "asyncio.Task[Any] | None" = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.set_event_loop(None)
        for actor in self.actors:
            actor.loop.dispose()

    def actor(self, on_error: OnError) -> Actor:
        """A process that has just begun."""
        actor = Actor(ProcessLoop(self.time))
        actor.loop.set_exception_handler(on_error)
        self.actors.append(actor)
        return actor

    def run(self, main: Coroutine[Any, Any, Any], *, on_error: OnError) -> Any:
        """Run the scenario to its end, and everybody beside it."""
        scenario = self.actor(on_error)
        self._main = scenario.loop.create_task(main)
        while not self._main.done():
            self._turn()
        return self._main.result()

    def kill(self, actor: Actor) -> None:
        """End a process as it stands."""
        actor.is_dead = True
        actor.loop.bury()

    def freeze(self, actor: Actor, seconds: float) -> None:
        """Stop a process between two of its turns."""
        actor.frozen_until = self.time.now + seconds

    def freeze_here(self, actor: Actor, seconds: float) -> None:
        """Stop the process whose code calls this, right here; raises KilledError where it is killed meanwhile."""
        until = self.time.now + seconds
        actor.is_in_a_call = True
        self._deadlines.append(until)
        asyncio._set_running_loop(None)
        try:
            while self.time.now < until and not actor.is_dead and not self._is_over:
                self._turn()
        finally:
            self._deadlines.remove(until)
            actor.is_in_a_call = False
            asyncio.set_event_loop(actor.loop)
            asyncio._set_running_loop(actor.loop)
        if actor.is_dead or self._is_over:
            raise KilledError("killed while it was frozen")

    @property
    def _is_over(self) -> bool:
        return self._main is not None and self._main.done()

    def _awake(self) -> list[Actor]:
        now = self.time.now
        return [one for one in self.actors if not one.is_dead and not one.is_in_a_call and one.frozen_until <= now]

    def _turn(self) -> None:
        awake = self._awake()
        turned = [one.loop.turn() for one in awake if not one.is_dead]
        if any(turned):
            self.time.now += _TURN
            return
        thaws = [one.frozen_until for one in self.actors if not one.is_dead and one.frozen_until > self.time.now]
        # A call whose time has come returns once those inside it have: until then it has nothing to wait for.
        ends = [end for end in self._deadlines if end > self.time.now]
        due = min((*(one.loop.next_due for one in self._awake()), *thaws, *ends), default=inf)
        if due == inf:
            raise RuntimeError("nothing is going to happen any more: no timer is set and no socket has news")
        self.time.now = max(due, self.time.now + _TURN)
