"""Order ids that are used once: a gateway that was restarted may offer ids again that it has given away.

After a rollback of `nextValidId` the messages of two orders come under one id, and each is booked on the other. So
the highest id ever used is kept here, for each client id, and the gateway's word only ever raises it.
"""

import os
from pathlib import Path
from typing import Final, Protocol

from tickledger.domain.errors import ConfigurationError, OrderError

#: The largest id of an order. The protocol carries 2³¹ − 1, but ids of requests come from above this one: an error
#: message names an id without saying of which kind.
LARGEST_ID: Final = 1_499_999_999


class OrderIds(Protocol):
    """The high-water mark of the order ids of each client id. `raise_to` is durable when it returns."""

    def highest(self, client_id: int) -> int: ...

    def raise_to(self, client_id: int, order_id: int) -> None: ...


class InMemoryOrderIds:
    """Marks that end with the process: for tests, and where the gateway is ours and is never restored."""

    def __init__(self) -> None:
        self._highest: dict[int, int] = {}

    def highest(self, client_id: int) -> int:
        """The highest id used so far, 0 where none was."""
        return self._highest.get(client_id, 0)

    def raise_to(self, client_id: int, order_id: int) -> None:
        """Count all ids up to `order_id` as used."""
        self._highest[client_id] = max(self.highest(client_id), order_id)


class FileOrderIds:
    """Marks in a folder, a small file for each client id, replaced whole and synced.

    Ids are taken in blocks, so that the disk is touched once for many orders; what a crash leaves of a block is
    never used. Raises ConfigurationError where a file cannot be used: to guess a mark would be to reuse ids.
    """

    def __init__(self, folder: Path, *, block: int = 100) -> None:
        self._folder = folder
        self._block = block
        self._used: dict[int, int] = {}
        self._durable: dict[int, int] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def highest(self, client_id: int) -> int:
        """The highest id used so far; after a restart, the end of the last block."""
        if client_id not in self._used:
            self._used[client_id] = self._durable[client_id] = self._read(client_id)
        return self._used[client_id]

    def raise_to(self, client_id: int, order_id: int) -> None:
        """Count all ids up to `order_id` as used, durably."""
        if order_id <= self.highest(client_id):
            return
        if order_id > self._durable[client_id]:
            mark = min(order_id + self._block, LARGEST_ID)
            self._write(client_id, mark)
            self._durable[client_id] = mark
        self._used[client_id] = order_id

    def _path(self, client_id: int) -> Path:
        return self._folder / f"client_{client_id}.txt"

    def _read(self, client_id: int) -> int:
        path = self._path(client_id)
        try:
            text = path.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return 0
        except (OSError, UnicodeError) as error:
            raise ConfigurationError(f"{path}: expected the highest order id used, found {error}") from error
        if not text.isdigit():
            raise ConfigurationError(f"{path}: expected the highest order id used, found {text[:50]!r}")
        return int(text)

    def _write(self, client_id: int, mark: int) -> None:
        path = self._path(client_id)
        draft = path.with_suffix(".new")
        with draft.open("w", encoding="ascii") as file:
            file.write(f"{mark}\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def next_order_id(order_ids: OrderIds, *, client_id: int, next_valid_id: int) -> int:
    """The next id to use: above every id used before and not below the gateway's; counted as used from now on.

    Raises OrderError where there are no more of them: the sequence can be reset in the gateway's API settings.
    """
    order_id = max(order_ids.highest(client_id) + 1, next_valid_id, 1)
    if order_id > LARGEST_ID:
        raise OrderError(f"client id {client_id}: expected an order id of at most {LARGEST_ID}, found {order_id}")
    order_ids.raise_to(client_id, order_id)
    return order_id
