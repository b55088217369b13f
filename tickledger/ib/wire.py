"""The messages of a connection as they come, told to whoever listens, past the library's own picture of orders.

The library's handlers of these messages keep a state of their own (`Trade`), drop what does not fit it, and end in a
log line where something fails. So each message that matters is taken here, before them, by name; the rest goes where
it always went. What could not be decoded, or made a listener fail, is told: a lost message means asking for all.
"""

import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final

from tickledger.ib.frames import Frames
from tickledger.ib.library import LibraryObject

Listener = Callable[..., None]
#: Numbers of the messages whose loss would change what we believe of orders and the account.
_GUARDED: Final = {3: "orderStatus", 4: "error", 5: "openOrder", 11: "execDetails", 59: "commissionReport"}
_EXECUTION: Final = 11
_EXECUTION_TIME: Final = 15
_UTC_WITH_A_DASH: Final = re.compile(r"\d{8}-\d\d:\d\d:\d\d$")


class Wire:
    """Listeners to messages by the name of the callback (`orderStatus`, `execDetails`, …), of one `IB` after another.

    Several may listen to one message, in the order in which they came. `on_failure` is told what was lost and why.
    """

    def __init__(self) -> None:
        self._listeners: dict[str, list[Listener]] = defaultdict(list)
        self._direct: dict[str, Listener] = {}
        self._failure_listeners: list[Callable[[str], None]] = []

    def listen(self, name: str, listener: Listener) -> None:
        """Tell `listener` of each message `name`, with the arguments that the library decodes."""
        self._listeners[name].append(listener)

    def listen_alone(self, name: str, listener: Listener) -> None:
        """Tell `listener` alone of each message `name`, without a net: for ticks, which come by the ten thousand."""
        self._direct[name] = listener

    def on_failure(self, listener: Callable[[str], None]) -> None:
        """Tell `listener` in words of a message that was lost."""
        self._failure_listeners.append(listener)

    def attach(self, ib: LibraryObject) -> None:
        """Take the messages of `ib`, which is not connected yet."""
        for name, listeners in self._listeners.items():
            setattr(ib.wrapper, name, self._dispatcher(name, tuple(listeners)))
        for name, listener in self._direct.items():
            setattr(ib.wrapper, name, listener)
        Frames(ib.client)
        handlers = ib.client.decoder.handlers
        for number, name in _GUARDED.items():
            handlers[number] = self._guarded(handlers[number], name)
        handlers[_EXECUTION] = _with_utc(handlers[_EXECUTION])

    def detach(self, ib: LibraryObject) -> None:
        """Hear nothing more from `ib`: it has been given up."""
        for name in (*self._listeners, *self._direct):
            setattr(ib.wrapper, name, _ignore)

    def _dispatcher(self, name: str, listeners: tuple[Listener, ...]) -> Listener:
        def dispatch(*arguments: Any) -> None:  # noqa: ANN401  whatever the message holds
            for listener in listeners:
                try:
                    listener(*arguments)
                except Exception as error:  # noqa: BLE001  the library would only log it, and the message be lost
                    self._failed(f"{name}: {type(error).__name__}: {error}")

        return dispatch

    def _guarded(self, handler: Listener, name: str) -> Listener:
        def decode(fields: list[str]) -> None:
            try:
                handler(fields)
            except Exception as error:
                # Whatever the library's decoder stumbles over: it would log it, and nobody here would know.
                self._failed(f"{name} could not be read: {error}")
                raise

        return decode

    def _failed(self, what: str) -> None:
        for listener in self._failure_listeners:
            listener(what)


def _with_utc(handler: Listener) -> Listener:
    """Executions whose time is written `yyyymmdd-hh:mm:ss` are in UTC, which the library does not know."""

    def decode(fields: list[str]) -> None:
        if len(fields) > _EXECUTION_TIME and _UTC_WITH_A_DASH.match(fields[_EXECUTION_TIME]):
            fields[_EXECUTION_TIME] = fields[_EXECUTION_TIME].replace("-", " ") + " UTC"
        handler(fields)

    return decode


def _ignore(*_arguments: object) -> None:
    """Nothing: of a connection that was given up."""
