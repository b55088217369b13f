"""An event loop whose time passes only while there is nothing to do: real sockets, and minutes in milliseconds.

What is ready is done at once. Where nothing is, the loop's time jumps to the next timer instead of waiting for it, so
that the real timeouts of the code under test can be used, and a busy machine does not make one of them run out.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, Final

#: How long nothing at all may happen before a test counts as stuck, in seconds of the wall.
_STUCK: Final = 10.0
#: What a turn of the loop takes, seconds: time never stands, or a timer that is due at once would be due for ever.
_TURN: Final = 1e-6


class _Warp(selectors.DefaultSelector):
    """A selector that never waits for a timer: it says how far the time has to jump instead."""

    skipped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.skipped += _TURN
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None:
            ready = super().select(_STUCK)
            if not ready:
                raise RuntimeError("nothing is going to happen any more: no timer is set and no socket has news")
            return ready
        self.skipped += timeout
        return ready


class WarpLoop(asyncio.SelectorEventLoop):
    """A loop that begins at 0 and skips every wait."""

    def __init__(self) -> None:
        self._warp = _Warp()
        super().__init__(self._warp)

    def time(self) -> float:
        """Seconds skipped so far."""
        return self._warp.skipped


class LoopClock:
    """The Clock port on the running loop's time, which began at `began_at`."""

    def __init__(self, began_at: datetime) -> None:
        self._began_at = began_at

    def now(self) -> datetime:
        return self._began_at + timedelta(seconds=asyncio.get_running_loop().time())


def run(
    main: Coroutine[Any, Any, Any], *, on_error: Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]
) -> Any:
    """Run a coroutine in warped time; `on_error` is told what a callback raised."""
    with asyncio.Runner(loop_factory=WarpLoop) as runner:
        loop = runner.get_loop()
        loop.set_exception_handler(on_error)
        # The client library asks for the current loop outside of coroutines, too.
        asyncio.set_event_loop(loop)
        try:
            return runner.run(main)
        finally:
            asyncio.set_event_loop(None)
