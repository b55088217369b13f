"""Messages cut out of what a socket gives, one after the other, in the place of the library's own loop.

For each message the library copies all that has come behind it: after a stall, when thousands of ticks come at once,
that is most of the work. Here each byte is copied once. The handshake is left to the library, and what a message means
is decoded by it as before, but for the one that comes by the ten thousand: the price of a tick with its size is read
here, as `ib_insync.decoder.Decoder.priceSizeTick` reads it.
"""

import struct
from typing import Final

from tickledger.ib.library import LibraryObject

_LENGTH: Final = struct.Struct(">I")
_PREFIX: Final = _LENGTH.size
#: Message 1, tick price: number, version, request, kind of tick, price, size, attributes.
_TICK_PRICE: Final = b"1\0"


class Frames:
    """The reader of one connection's messages; `client` is the library's, not connected yet."""

    def __init__(self, client: LibraryObject) -> None:
        self._client = client
        self._read_handshake = client._onSocketHasData  # noqa: SLF001  the loop that this one stands for
        self._rest = b""
        client.conn.hasData -= self._read_handshake
        client.conn.hasData.connect(self.take, keep_ref=True)

    def take(self, data: bytes) -> None:
        """Have every message that is complete decoded; the rest waits for what comes next."""
        client = self._client
        if not client._apiReady:  # noqa: SLF001  the library tells it to itself alone
            self._read_handshake(data)
            # What the library has not got the whole of goes on here.
            if client._apiReady:  # noqa: SLF001  the same
                self._rest, client._data = client._data, b""  # noqa: SLF001  the same
            return
        wrapper, interpret = client.wrapper, client.decoder.interpret
        wrapper.tcpDataArrived()
        data = self._rest + data
        size, place = len(data), 0
        while size - place > _PREFIX:
            begins = place + _PREFIX
            ends = begins + _LENGTH.unpack_from(data, place)[0]
            if ends > size:
                break
            place = ends
            message = data[begins:ends]
            if message.startswith(_TICK_PRICE) and _has_told(message, wrapper):
                continue
            fields = message.decode(errors="backslashreplace").split("\0")
            # Every field ends with a NUL, the last one too.
            fields.pop()
            interpret(fields)
        self._rest = data[place:]
        wrapper.tcpDataProcessed()


def _has_told(message: bytes, wrapper: LibraryObject) -> bool:
    """Whether the wrapper was told of a tick price, or there was none to tell."""
    try:
        _, _, number, kind, price, size, _, _ = message.split(b"\0")
        if price:
            wrapper.priceSizeTick(int(number), int(kind), float(price), float(size or 0))
    except Exception:  # noqa: BLE001  the library tries again, and has in its log what failed
        return False
    return True
