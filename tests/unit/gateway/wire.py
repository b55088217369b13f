"""A client that speaks the protocol's bytes itself, so that tests say exactly what is sent and see what comes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from tickledger.gateway.fields import FrameBuffer, framed, message, split

_SECONDS: Final = 5.0
AAPL: Final = ("0", "AAPL", "STK", "", "0.0", "", "", "SMART", "", "USD", "", "")


class Wire:
    """A connection. `seen` are all messages that came, as lists of fields, the handshake's answer first."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.seen: list[list[str]] = []
        self.is_closed = False
        self._news = asyncio.Event()
        self._task = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        buffer = FrameBuffer()
        with suppress(ConnectionError):
            while data := await self._reader.read(65_536):
                buffer.feed(data)
                while (payload := buffer.next()) is not None:
                    self.seen.append(split(payload))
                self._news.set()
        self.is_closed = True
        self._news.set()

    def send(self, *fields: Any) -> None:
        """Send a message."""
        self._writer.write(message(*fields))

    def send_bytes(self, data: bytes) -> None:
        """Send whatever."""
        self._writer.write(data)

    async def until(self, holds: Callable[[], object], what: str = "what was expected") -> None:
        """Wait for `holds`, looking again whenever something came; fails with all that came."""
        end = asyncio.get_running_loop().time() + _SECONDS
        while not holds():
            left = end - asyncio.get_running_loop().time()
            assert left > 0, f"{what} did not come: {self.seen[-20:]}"
            self._news.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), min(left, 0.05))

    def of(self, number: int) -> list[list[str]]:
        """The messages with that number, without the handshake's answer."""
        return [fields for fields in self.seen[1:] if fields[0] == str(number)]

    def errors(self) -> list[tuple[int, int]]:
        """Request and code of each error."""
        return [(int(fields[2]), int(fields[3])) for fields in self.of(4)]

    async def of_kind(self, number: int, count: int = 1) -> list[list[str]]:
        """The messages with that number, once there are so many."""
        await self.until(lambda: len(self.of(number)) >= count, f"{count} messages {number}")
        return self.of(number)

    async def error(self, code: int) -> int:
        """The request that got the error, once it came."""
        await self.until(lambda: code in {found for _, found in self.errors()}, f"error {code}")
        return next(request for request, found in self.errors() if found == code)

    async def answered(self) -> None:
        """Everything that was sent before has been answered: the time comes after it."""
        count = len(self.of(49))
        self.send(49, 1)
        await self.of_kind(49, count + 1)

    async def closed(self) -> None:
        """The other side has closed the connection."""
        await self.until(lambda: self.is_closed, "the end of the connection")

    async def close(self) -> None:
        """Close."""
        self._writer.close()
        self._task.cancel()
        with suppress(asyncio.CancelledError, ConnectionError):
            await self._task
        with suppress(ConnectionError):
            await self._writer.wait_closed()


@asynccontextmanager
async def wire(port: int, client_id: int | None = 1, *, versions: str = "v157..176") -> AsyncIterator[Wire]:
    """A connection that has shaken hands, and has started the API where there is a client id."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    client = Wire(reader, writer)
    try:
        client.send_bytes(b"API\0" + framed(versions.encode()))
        if client_id is not None:
            await client.until(lambda: client.seen, "the server's version")
            client.send(71, 2, client_id, "")
        yield client
    finally:
        await client.close()


async def ready(client: Wire) -> None:
    """The client has been told its accounts, its first id and the farms."""
    await client.until(lambda: {2104, 2106, 2158} <= {code for _, code in client.errors()}, "the farms")


def order_fields(order_id: int, *, version: int = 176, symbol: str = "AAPL", **terms: Any) -> list[Any]:
    """PlaceOrder as ib_insync sends it for a stock, with every field that such an order has."""
    told: dict[str, Any] = {
        "action": "BUY",
        "totalQuantity": 100,
        "orderType": "LMT",
        "lmtPrice": 400,
        "tif": "GTC",
        "transmit": True,
    } | terms
    contract = [value if place != 1 else symbol for place, value in enumerate(AAPL)]
    head = ("action", "totalQuantity", "orderType", "lmtPrice", "auxPrice", "tif", "ocaGroup", "account")
    fields: list[Any] = [3, order_id, *contract, "", "", *(told.get(name, "") for name in head)]
    fields += ["O", 0, told.get("orderRef", ""), told["transmit"], told.get("parentId", 0), 0, 0, 0, 0]
    fields += [told.get("outsideRth", False), 0]
    fields += ["", "0.0", told.get("goodAfterTime", ""), told.get("goodTillDate", ""), "", "", "", "", "", 0, "", -1]
    fields += [told.get("ocaType", 0), "", "", 0, "", "", 0, 0, "", 0, "", "", "", "", "", 0, "", "", "", ""]
    fields += [0, "", told.get("trailStopPrice", ""), told.get("trailingPercent", ""), "", "", "", "", "", "", ""]
    fields += [0, "", "", 0, 0, "", "", told.get("whatIf", False), "", 0, 0, 0, 0]
    fields += ["", "", told.get("lmtPriceOffset", ""), "", "", "", 0, "", "", "", "", "", "", "", "", 0, 0, 0, 0]
    since = ((158, ""), (160, ""), (162, 0), (166, ""), (169, ""))
    return fields + [value for first, value in since if version >= first]
