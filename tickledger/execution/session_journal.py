"""The journal of a session's inputs: everything that its decisions rest on, so that it can be played again.

A file of JSON lines, each with its number and a checksum; it is only appended to. The record of what was decided and
done is the ledger's; this is what was heard before it:

    began      the account, the day, the terms, what was held, the bars of the days before
    record     the orders that the record has already: what an earlier session of the day has left
    started    the clock when the broker was asked for the first time
    event      an event of the market, and the clock when the session turned to it
    reports    what the broker told at the n-th time it was asked, where it told anything
    snapshot   all that the broker had (what is otherwise than in the one before), or why it did not say
    facts      what risk was told of the moment of an order
    decided    what risk decided, to compare with

A process that dies leaves a last line that may be torn: what is before it stands. A line that is wrong with good ones
behind it is no torn tail, and the journal is refused. A disk that takes no more ends a journal, not its session.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedWriter
from pathlib import Path
from typing import Any, Final
from zlib import crc32

from tickledger.domain.errors import InputError, Problem
from tickledger.execution.plain_values import plain, restored

BEGAN: Final = "began"
RECORD: Final = "record"
STARTED: Final = "started"
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

    Raises OSError where the disk does not take them; see `SparedJournal`.
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
            with self._file:
                self.sync()


class SparedJournal:
    """The journal of a session that trades on without it where the disk does not take it.

    `tell` hears why, once. Nothing is written after that, so that what stands can be played again up to there.
    """

    def __init__(self, path: Path, tell: Callable[[OSError], None]) -> None:
        self._tell = tell
        self._writer: SessionJournalWriter | None = None
        try:
            self._writer = SessionJournalWriter(path)
        except OSError as error:
            tell(error)

    @property
    def is_written(self) -> bool:
        """Whether the disk has taken everything so far."""
        return self._writer is not None

    def write(self, kind: str, value: object) -> None:
        """Append one line, if the disk takes it."""
        if self._writer is None:
            return
        try:
            self._writer.write(kind, value)
        except OSError as error:
            self.close()
            self._tell(error)

    def close(self) -> None:
        """Close what there is; the end that the disk does not take is left torn."""
        writer, self._writer = self._writer, None
        if writer is not None:
            with suppress(OSError):
                writer.close()


def read_session_journal(path: Path) -> tuple[list[JournalLine], list[Problem]]:
    """The lines of a journal, and what was left out of a torn end; raises InputError where a line inside is wrong.

    A line is inside where one with a good checksum is behind it; a number that is not the next is never a torn end.
    """
    lines: list[JournalLine] = []
    torn: Problem | None = None
    with path.open("rb") as file:
        for place, raw in enumerate(file):
            where = f"{path.name} line {place + 1}"
            text = _checked(raw)
            if text is None:
                expected = f"line {len(lines)} with its checksum"
                torn = torn or Problem(where=where, expected=expected, found=_shortened(raw))
            elif torn is not None:
                raise InputError([torn])
            else:
                lines.append(_line(text, number=len(lines), where=where))
    return lines, [] if torn is None else [torn]


def _checked(raw: bytes) -> bytes | None:
    """The text of a line whose checksum is right."""
    checksum, _, text = raw.rstrip(b"\n").partition(b" ")
    return text if raw.endswith(b"\n") and checksum == b"%08x" % crc32(text) else None


def _shortened(raw: bytes) -> str:
    return f"{raw[:40]!r}…" if len(raw) > 40 else repr(raw)  # noqa: PLR2004  enough to recognize it by


def _line(text: bytes, *, number: int, where: str) -> JournalLine:
    try:
        told, kind, value = json.loads(text)
        line = JournalLine(told, kind, restored(value))
    except (ValueError, KeyError, TypeError) as error:
        found = f"{_shortened(text)}: {error!r}"
        raise InputError([Problem(where, expected="values as this version writes them", found=found)]) from error
    if line.number != number:
        raise InputError([Problem(where, expected=f"line {number} with its checksum", found=f"line {line.number}")])
    return line


def of_kind(lines: Iterable[JournalLine], kind: str) -> Iterator[Any]:
    """The values of one kind, in order."""
    return (line.value for line in lines if line.kind == kind)
