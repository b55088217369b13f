"""The journal of a session's inputs: everything that its decisions rest on, so that it can be played again.

A file of JSON lines, each with its number and a checksum; it is only appended to. The record of what was decided and
done is the ledger's; this is what was heard before it:

    began      the account, the day, the terms, what was held, the bars of the days before
    event      an event of the market, and the clock when the session turned to it
    reports    what the broker told at the n-th time it was asked, where it told anything
    snapshot   all that the broker had, or why it did not say
    facts      what risk was told of the moment of an order
    decided    what risk decided, to compare with

A process that dies leaves a last line that may be torn: what is before it stands. A line that is wrong with good ones
behind it is no torn tail, and the journal is refused.
"""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BufferedWriter
from pathlib import Path
from typing import Any, Final
from zlib import crc32

from tickledger.domain.errors import InputError, Problem
from tickledger.execution.plain_values import plain, restored

BEGAN: Final = "began"
EVENT: Final = "event"
REPORTS: Final = "reports"
SNAPSHOT: Final = "snapshot"
FACTS: Final = "facts"
DECIDED: Final = "decided"


@dataclass(frozen=True, slots=True)
class JournalLine:
    """One line: its number from 0 on, what it is, and the value."""

    number: int
    kind: str
    value: Any


class SessionJournalWriter:
    """Appends lines to a new file. They are with the system at once, and on the disk after `sync`.

    Raises ConfigurationError's cause, OSError, where the disk does not take them: a session goes on without.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file: BufferedWriter = path.open("xb")
        self._number = 0

    def write(self, kind: str, value: object) -> None:
        """Append one line."""
        text = json.dumps([self._number, kind, plain(value)], separators=(",", ":"), ensure_ascii=False).encode()
        self._file.write(b"%08x %b\n" % (crc32(text), text))
        self._file.flush()
        self._number += 1

    def sync(self) -> None:
        """Have the disk keep what was written."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Sync and close."""
        if not self._file.closed:
            self.sync()
            self._file.close()


def read_session_journal(path: Path) -> tuple[list[JournalLine], list[Problem]]:
    """The lines of a journal, and what was left out of a torn end; raises InputError where a line inside is wrong."""
    lines: list[JournalLine] = []
    wrong: Problem | None = None
    with path.open("rb") as file:
        for place, raw in enumerate(file):
            found = _line(raw, number=len(lines))
            if isinstance(found, str):
                where = f"{path.name} line {place + 1}"
                wrong = wrong or Problem(where=where, expected=f"line {len(lines)} with its checksum", found=found)
            elif wrong is not None:
                raise InputError([wrong])
            else:
                lines.append(found)
    return lines, [] if wrong is None else [wrong]


def _line(raw: bytes, *, number: int) -> JournalLine | str:
    """A line, or what is found instead of the one of that number."""
    checksum, _, text = raw.rstrip(b"\n").partition(b" ")
    if not raw.endswith(b"\n") or checksum != b"%08x" % crc32(text):
        return f"{raw[:40]!r}…" if len(raw) > 40 else repr(raw)  # noqa: PLR2004  enough to recognize it by
    told, kind, value = json.loads(text)
    return JournalLine(told, kind, restored(value)) if told == number else f"line {told}"


def of_kind(lines: Iterable[JournalLine], kind: str) -> Iterator[Any]:
    """The values of one kind, in order."""
    return (line.value for line in lines if line.kind == kind)
