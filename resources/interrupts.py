"""Interrupts that end an asyncio program in good order, wherever they arrive.

An exception that a signal handler raises lands in whatever runs at that moment; inside an event loop that may be a
callback, which swallows it. Here an interrupt cancels the loop's main task instead, as Ctrl-C does in `asyncio.run`.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def cancelling_interrupts() -> Iterator[None]:
    """SIGINT and SIGTERM cancel what `asyncio.run` runs in this block, which then raises KeyboardInterrupt.

    Outside the main thread, which alone can have handlers, it does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        signal.raise_signal(signal.SIGINT)

    # asyncio puts its own handler in the place of this one, and of no other.
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
        signal.SIGTERM: signal.signal(signal.SIGTERM, interrupt),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
