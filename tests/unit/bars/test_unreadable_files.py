"""A file that cannot be used at all: the message names it, what was expected and what is there instead."""

import gzip
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest

from tests.unit.bars.files import ACTIONS_HEADER, BARS_HEADER, GOOD_BAR, csv_file
from tickledger.bars.sources import read_bars_file, read_corporate_actions_file
from tickledger.domain.errors import InputError

NOBODY = 65534


def complaint(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_bars_file(path)
    return str(caught.value)


def test_a_missing_column_is_named_with_those_that_are_there(tmp_path: Path) -> None:
    path = csv_file(tmp_path, header="symbol,timestamp,open,high,low,volume")
    assert complaint(path) == (
        "error: bars.csv, row 1, column close: expected a column named close, "
        "found the columns symbol, timestamp, open, high, low, volume"
    )


def test_every_missing_column_is_named(tmp_path: Path) -> None:
    path = csv_file(tmp_path, header="symbol;timestamp;open;high;low;close;volume")
    lines = complaint(path).splitlines()
    assert len(lines) == 7
    assert lines[0].endswith("found the columns symbol;timestamp;open;high;low;close;volume")


def test_a_column_may_stand_only_once(tmp_path: Path) -> None:
    path = csv_file(tmp_path, header=f"{BARS_HEADER},Close")
    assert complaint(path) == "error: bars.csv, row 1, column close: expected one column of that name, found 2"


def test_a_corporate_actions_file_has_its_own_columns(tmp_path: Path) -> None:
    path = csv_file(tmp_path, GOOD_BAR)
    with pytest.raises(InputError, match="column ex_date: expected a column named ex_date"):
        read_corporate_actions_file(path)
    assert read_corporate_actions_file(csv_file(tmp_path, header=ACTIONS_HEADER))[0].empty


@pytest.mark.parametrize("name", ["bars.csv", "bars.csv.gz", "bars.parquet"])
def test_an_absent_file_is_named(tmp_path: Path, name: str) -> None:
    assert complaint(tmp_path / name) == (
        f"error: {name}: expected a readable file, found no such file ({tmp_path / name})"
    )


@pytest.mark.parametrize("name", ["bars.csv", "bars.csv.gz", "bars.parquet"])
def test_a_folder_is_no_file(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    assert complaint(tmp_path / name).startswith(f"error: {name}: expected a readable file, found ")


@contextmanager
def as_a_plain_user() -> Iterator[None]:
    """Root may read every file, so for a moment it is somebody else."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize("name", ["bars.csv", "bars.csv.gz", "bars.parquet"])
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, name: str) -> None:
    path = csv_file(tmp_path, GOOD_BAR, name=name)
    path.chmod(0)
    with as_a_plain_user():
        told = complaint(path)
    assert told == f"error: {name}: expected a readable file, found a file that this user may not read ({path})"


def test_a_name_with_another_suffix_is_refused(tmp_path: Path) -> None:
    assert complaint(tmp_path / "bars.xlsx") == (
        "error: bars.xlsx: expected a file named .csv, .csv.gz or .parquet, found the name bars.xlsx"
    )


@pytest.mark.parametrize("content", [b"", b"\n\n", b"  "])
def test_an_empty_file_is_no_empty_set(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bars.csv"
    path.write_bytes(content)
    assert complaint(path) == "error: bars.csv: expected a header row and rows below it, found an empty file"


@pytest.mark.parametrize("content", [gzip.compress(BARS_HEADER.encode(), mtime=0), BARS_HEADER.encode("utf-16")])
def test_binary_data_is_no_text(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bars.csv"
    path.write_bytes(content)
    assert complaint(path) == "error: bars.csv: expected comma-separated text in UTF-8, found binary data"


def test_bytes_that_are_no_text_are_shown_as_they_are(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv"
    path.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")
    assert complaint(path).splitlines()[0].endswith(r"found the columns \x89png")


def test_plain_text_under_a_gzip_name_is_told_apart_from_damaged_gzip(tmp_path: Path) -> None:
    path = tmp_path / "bars.csv.gz"
    path.write_text(BARS_HEADER)
    assert complaint(path) == (
        "error: bars.csv.gz: expected a readable file, found damaged gzip data or none (Not a gzipped file (b'sy'))"
    )
    whole = gzip.compress(f"{BARS_HEADER}\n{GOOD_BAR}\n".encode() * 50)
    path.write_bytes(whole[: len(whole) // 2])
    assert complaint(path) == (
        "error: bars.csv.gz: expected a readable file, found gzip data that breaks off before its end"
    )
    flipped = bytearray(whole)
    flipped[-6] ^= 0xFF
    path.write_bytes(bytes(flipped))
    assert "found damaged gzip data or none (CRC check failed" in complaint(path)


def test_damaged_parquet_is_told(tmp_path: Path) -> None:
    path = tmp_path / "bars.parquet"
    path.write_bytes(b"not parquet")
    assert complaint(path).startswith("error: bars.parquet: expected a readable file, found data that cannot be read:")
    pd.DataFrame({"symbol": ["AAPL"] * 1000}).to_parquet(path)
    path.write_bytes(path.read_bytes()[:-20])
    assert complaint(path).startswith("error: bars.parquet: expected a readable file, found data that cannot be read:")
