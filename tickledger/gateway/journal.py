"""The journal of a gateway: every message of both directions, one JSON object a line, in the order of the wire.

A line holds `at` (wall time, UTC), `client` (null before the client said who it is), `connection` (a number that is
never used twice), `direction` ("in", "out", or "note" for what happened to the connection), `name` and `fields`.
Lines are made and written by a thread of their own: the loop that serves clients only puts bytes into a queue.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, Final, Literal, TextIO

from tickledger.domain.errors import InputError, Problem
from tickledger.domain.ports import Clock
from tickledger.gateway.fields import FrameBuffer, split, whole_number
from tickledger.gateway.message_names import ANSWERS, REQUESTS

Direction = Literal["in", "out", "note"]
_HANDSHAKE: Final = "handshake"
_START_API: Final = 71


@dataclass(frozen=True, slots=True)
class Entry:
    """One message, or one note, of one connection."""

    at: datetime
    connection: int
    client: int | None
    direction: Direction
    name: str
    fields: list[str]


@dataclass(frozen=True, slots=True)
class _Bytes:
    """What went over the wire: a payload that came in, or frames that went out together."""

    at: datetime
    connection: int
    client: int | None
    direction: Direction
    data: bytes


class Journal:
    """Writes what it is given to a file; `close` waits until all of it is there."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._clock = clock
        self._queue: SimpleQueue[_Bytes | None] = SimpleQueue()
        self._file = path.open("a", encoding="utf-8")
        self._writer = Thread(target=self._write, name="gateway journal", daemon=True)
        self._writer.start()

    def record(self, direction: Direction, data: bytes, *, connection: int, client: int | None) -> None:
        """Take note of a payload ("in"), of frames ("out") or of a sentence ("note")."""
        self._queue.put(_Bytes(self._clock.now(), connection, client, direction, data))

    def close(self) -> None:
        """Write what is left and close the file; nothing may be recorded afterwards."""
        self._queue.put(None)
        self._writer.join()
        self._file.close()

    def _write(self) -> None:
        while (one := self._queue.get()) is not None:
            for entry in _entries(one):
                _write_line(self._file, entry)
            if self._queue.empty():
                self._file.flush()


def _entries(one: _Bytes) -> Iterator[Entry]:
    match one.direction:
        case "note":
            yield Entry(one.at, one.connection, one.client, "note", one.data.decode(), [])
        case "in":
            yield _entry(one, one.data)
        case "out":
            frames = FrameBuffer()
            frames.feed(one.data)
            while (payload := frames.next()) is not None:
                yield _entry(one, payload)


def _entry(one: _Bytes, payload: bytes) -> Entry:
    fields = split(payload)
    names = REQUESTS if one.direction == "in" else ANSWERS
    said = whole_number(fields[0]) if fields else None
    number = -1 if said is None else said
    is_handshake = one.client is None and number != _START_API
    name = _HANDSHAKE if is_handshake else names.get(number, f"message {number}")
    return Entry(one.at, one.connection, one.client, one.direction, name, fields)


def _write_line(file: TextIO, entry: Entry) -> None:
    line: dict[str, Any] = {
        "at": entry.at.isoformat(),
        "connection": entry.connection,
        "client": entry.client,
        "direction": entry.direction,
        "name": entry.name,
        "fields": entry.fields,
    }
    file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")


def read_journal(path: Path) -> Iterator[Entry]:
    """The entries of a journal, in order; raises InputError for a line that is none.

    A last line without its end is what a killed gateway leaves behind; it is passed over.
    """
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith("\n"):
                return
            yield _read_line(path, number, line)


def _read_line(path: Path, number: int, line: str) -> Entry:
    try:
        said = json.loads(line)
        return Entry(
            datetime.fromisoformat(said["at"]),
            int(said["connection"]),
            said["client"],
            said["direction"],
            said["name"],
            list(said["fields"]),
        )
    except (ValueError, KeyError, TypeError) as error:
        problem = Problem(str(path), expected="an entry of a gateway's journal", found=repr(error), row=number)
        raise InputError([problem]) from error
