"""The journal of a session's inputs: torn ends, damage inside, and disks that take no more."""

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tickledger.domain.errors import InputError
from tickledger.domain.market import Beat
from tickledger.execution.session_journal import EVENT, SessionJournalWriter, SparedJournal, read_session_journal

BEAT = Beat(date(2013, 3, 27), datetime(2013, 3, 27, 14, 0, tzinfo=UTC))


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The system takes no more bytes in any file of this process, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    assert signal.getsignal(signal.SIGXFSZ) is signal.SIG_IGN  # as Python has it
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def written(path: Path, lines: int) -> Path:
    writer = SessionJournalWriter(path)
    for _ in range(lines):
        writer.write(EVENT, BEAT)
    writer.close()
    return path


def test_a_torn_last_line_is_left_out_and_told(tmp_path: Path) -> None:
    path = written(tmp_path / "journal.jsonl", 3)
    path.write_bytes(path.read_bytes()[:-10])
    lines, problems = read_session_journal(path)
    assert [line.value for line in lines] == [BEAT, BEAT]
    assert "journal.jsonl line 3: expected line 2 with its checksum" in str(problems[0])


def test_every_cut_of_the_end_leaves_the_lines_before_it(tmp_path: Path) -> None:
    whole = written(tmp_path / "journal.jsonl", 2).read_bytes()
    first = whole.index(b"\n") + 1
    for length in range(first, len(whole)):
        cut = tmp_path / "cut.jsonl"
        cut.write_bytes(whole[:length])
        lines, problems = read_session_journal(cut)
        assert (len(lines), len(problems)) == (1, int(length > first))


def test_a_line_that_is_wrong_with_good_ones_behind_it_is_no_torn_end(tmp_path: Path) -> None:
    path = written(tmp_path / "journal.jsonl", 3)
    content = bytearray(path.read_bytes())
    content[20] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(InputError, match=r"journal\.jsonl line 1"):
        read_session_journal(path)


def test_a_line_that_is_missing_is_no_torn_end_either(tmp_path: Path) -> None:
    path = written(tmp_path / "journal.jsonl", 4)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], *lines[2:]]))
    with pytest.raises(InputError, match="expected line 1 with its checksum, found line 2"):
        read_session_journal(path)


def test_zeros_that_a_power_cut_left_at_the_end_are_a_torn_end(tmp_path: Path) -> None:
    path = written(tmp_path / "journal.jsonl", 2)
    path.write_bytes(path.read_bytes() + bytes(4096))
    lines, problems = read_session_journal(path)
    assert (len(lines), len(problems)) == (2, 1)


def test_a_disk_that_takes_no_more_ends_the_journal_and_is_told_once(tmp_path: Path) -> None:
    told: list[OSError] = []
    path = tmp_path / "journal.jsonl"
    journal = SparedJournal(path, told.append)
    with files_of_at_most(1000):
        for _ in range(100):
            journal.write(EVENT, BEAT)
    for _ in range(10):
        journal.write(EVENT, BEAT)
    journal.close()
    assert len(told) == 1
    assert not journal.is_written
    lines, _ = read_session_journal(path)
    assert 0 < len(lines) < 100
    assert [line.number for line in lines] == list(range(len(lines)))


def test_a_journal_that_cannot_be_begun_is_told_and_asked_for_nothing(tmp_path: Path) -> None:
    told: list[OSError] = []
    (tmp_path / "sessions").write_text("a file where a folder should be")
    journal = SparedJournal(tmp_path / "sessions" / "2013-03-27" / "journal.jsonl", told.append)
    journal.write(EVENT, BEAT)
    journal.close()
    assert len(told) == 1
