"""Tables as files hold them: `.csv`, `.csv.gz` and `.parquet` read into columns of cells, defects and all.

A reader here judges the form (is it text, has it the columns, has each line as many cells as the header), never
the content. It either yields a `Table` or raises InputError for a file that cannot be used at all.
"""

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pv
import pyarrow.parquet as pq

from tickledger.bars.reject import Reject
from tickledger.bars.text_cells import is_blank, text_at, whole
from tickledger.domain.errors import InputError, Problem

#: Names that pandas gives the index it writes; nobody means them as data.
_INDEX_NAMES: Final = frozenset({"", "unnamed: 0", "__index_level_0__"})
_HEADER_LINE: Final = 1
_FIRST_LINE: Final = 2
_LONGEST_QUOTE: Final = 200
_LARGEST_BLOCK: Final = 2**31 - 1
_CELL: Final = rb'(?:"(?:[^"]|"")*+"|[^",]*+)'
_WELL_QUOTED: Final = re.compile(_CELL + rb"(?:," + _CELL + rb")*+")


@dataclass(frozen=True, slots=True)
class Table:
    """The columns of a file, by lower-case name, with the line that each row came from.

    `rejects` are the lines that do not fit the header; `warnings` name the columns that nothing uses.
    """

    where: str
    columns: Mapping[str, pa.Array]
    rows: npt.NDArray[np.int64]
    rejects: tuple[Reject, ...] = ()
    warnings: tuple[Problem, ...] = ()

    def record(self, position: int) -> dict[str, str]:
        """The cells of the row at `position` as text, extra columns included."""
        return {name: text_at(cells, position) for name, cells in self.columns.items()}


def read_table(path: Path, *, required: Sequence[str], optional: Sequence[str] = ()) -> Table:
    """The table in the file at `path`.

    Column names are compared without regard to case or surrounding blanks. Raises InputError where the file is
    absent, unreadable, of another kind than its name says, or lacks a required column.
    """
    reader = next((reader for suffix, reader in _READERS.items() if path.name.lower().endswith(suffix)), None)
    if reader is None:
        raise _unusable(path, expected=f"a file named {_list(_READERS, last='or')}", found=f"the name {path.name}")
    try:
        raw = reader(path)
    except (OSError, EOFError, zlib.error, pa.ArrowException) as error:
        raise _unusable(path, expected="a readable file", found=_reason(path, error)) from error
    names = [name.strip().lower() for name in raw.header]
    _check_header(path, names, required=required, known=[*required, *optional])
    return _table(path, raw, names, known=[*required, *optional])


@dataclass(frozen=True, slots=True)
class _Misfit:
    """A line that does not fit the header."""

    line: int
    text: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class _Raw:
    """What a format yields: the header, its columns, the line of each row, and the lines that did not fit."""

    header: Sequence[str]
    cells: Sequence[pa.Array]
    rows: npt.NDArray[np.int64]
    misfits: Sequence[_Misfit] = ()


def _read_csv(path: Path) -> _Raw:
    return _parse_csv(path, path.read_bytes())


def _read_gzipped_csv(path: Path) -> _Raw:
    return _parse_csv(path, gzip.decompress(path.read_bytes()))


def _read_parquet(path: Path) -> _Raw:
    with pq.ParquetFile(path) as file:
        table = file.read()
    return _Raw(
        header=table.column_names,
        cells=[whole(column) for column in table.columns],
        rows=np.arange(table.num_rows) + _FIRST_LINE,
    )


_READERS: Final[Mapping[str, Callable[[Path], _Raw]]] = {
    ".csv": _read_csv,
    ".csv.gz": _read_gzipped_csv,
    ".parquet": _read_parquet,
}


def _parse_csv(path: Path, data: bytes) -> _Raw:
    header_line, _, body = _utf8(path, data).partition(b"\n")
    header = next(csv.reader([header_line.decode()]), [""])
    body, misquoted = _without_stray_quotes(body)
    if not body:
        nothing = pa.array([], pa.string())
        return _Raw(header=header, cells=[nothing] * len(header), rows=np.arange(0), misfits=misquoted)
    table, ragged = _parse_body(body, width=len(header))
    # A misquoted line was blanked and is still counted as a row; only the ragged ones leave a gap.
    lines = np.arange(table.num_rows + len(ragged)) + _FIRST_LINE
    return _Raw(
        header=header,
        cells=[whole(column) for column in table.columns],
        rows=np.setdiff1d(lines, [misfit.line for misfit in ragged], assume_unique=True),
        misfits=[*misquoted, *(misfit for misfit in ragged if misfit.text.strip())],
    )


def _utf8(path: Path, data: bytes) -> bytes:
    """The file's text with plain line ends; bytes that are not UTF-8 stay visible as backslash escapes."""
    if not data.strip():
        raise _unusable(path, expected="a header row and rows below it", found="an empty file")
    if b"\0" in data.partition(b"\n")[0]:
        raise _unusable(path, expected="comma-separated text in UTF-8", found="binary data")
    text = data.removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        text.decode()
    except UnicodeDecodeError:
        return text.decode(errors="backslashreplace").encode()
    return text


def _without_stray_quotes(body: bytes) -> tuple[bytes, list[_Misfit]]:
    """The lines with those blanked whose quotes don't enclose whole cells: one would swallow all that follow."""
    if b'"' not in body:
        return body, []
    lines = body.split(b"\n")
    strays = [i for i, line in enumerate(lines) if b'"' in line and not _WELL_QUOTED.fullmatch(line)]
    misfits = [
        _Misfit(
            line=i + _FIRST_LINE,
            text=lines[i].decode(),
            expected="quotes that enclose whole cells on one line",
            found=f"the line {lines[i].decode()}",
        )
        for i in strays
    ]
    for i in strays:
        lines[i] = b""
    return b"\n".join(lines), misfits


def _parse_body(body: bytes, *, width: int) -> tuple[pa.Table, list[_Misfit]]:
    """The lines below the header as columns of text, and the lines that have fewer or more cells than `width`."""
    ragged: list[_Misfit] = []

    def set_aside(row: pv.InvalidRow) -> str:
        cells = f"{width} cells, as many as the header"
        line = row.number + _FIRST_LINE - 1
        ragged.append(_Misfit(line=line, text=row.text, expected=cells, found=str(row.actual_columns)))
        return "skip"

    names = [str(i) for i in range(width)]
    table = pv.read_csv(
        io.BytesIO(body),
        # One thread, because only then does the parser know the number of each line; one block, so that no line
        # is longer than it.
        read_options=pv.ReadOptions(
            use_threads=False, block_size=min(len(body) + 1, _LARGEST_BLOCK), column_names=names
        ),
        parse_options=pv.ParseOptions(ignore_empty_lines=False, invalid_row_handler=set_aside),
        convert_options=pv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
    )
    return table, ragged


def _check_header(path: Path, names: Sequence[str], *, required: Sequence[str], known: Sequence[str]) -> None:
    found = _shortened(", ".join(names)) or "none"
    problems = [
        _header_problem(path, column, expected=f"a column named {column}", found=f"the columns {found}")
        for column in required
        if column not in names
    ]
    problems += [
        _header_problem(path, column, expected="one column of that name", found=str(names.count(column)))
        for column in known
        if names.count(column) > 1
    ]
    if problems:
        raise InputError(problems)


def _table(path: Path, raw: _Raw, names: Sequence[str], *, known: Sequence[str]) -> Table:
    columns = dict(zip(names, raw.cells, strict=True))
    filled = ~_blank_rows(raw)
    unused = [name for name in columns if name not in known and name not in _INDEX_NAMES]
    return Table(
        where=path.name,
        columns={name: cells.filter(pa.array(filled)) for name, cells in columns.items()},
        rows=raw.rows[filled],
        rejects=tuple(_reject(path, misfit) for misfit in raw.misfits),
        warnings=tuple(
            replace(
                _header_problem(path, name, expected=f"only {_list(known)}", found="a column that is not read"),
                severity="warning",
            )
            for name in unused
        ),
    )


def _blank_rows(raw: _Raw) -> npt.NDArray[np.bool_]:
    """Which rows hold nothing at all, as spreadsheets like to append; they are no defect."""
    blank = np.ones(len(raw.rows), dtype=bool)
    for cells in raw.cells:
        if not blank.any():
            break
        blank &= is_blank(cells)
    return blank


def _reject(path: Path, misfit: _Misfit) -> Reject:
    problem = Problem(where=path.name, row=misfit.line, expected=misfit.expected, found=_shortened(misfit.found))
    return Reject(problem=problem, record={"line": misfit.text})


def _header_problem(path: Path, column: str, *, expected: str, found: str) -> Problem:
    return Problem(where=path.name, row=_HEADER_LINE, column=column, expected=expected, found=found)


def _unusable(path: Path, *, expected: str, found: str) -> InputError:
    return InputError([Problem(where=path.name, expected=expected, found=found)])


def _reason(path: Path, error: Exception) -> str:
    """Why the file could not be read, as a person would say it."""
    match error:
        case FileNotFoundError():
            return f"no such file ({path})"
        case IsADirectoryError():
            return f"a folder ({path})"
        case PermissionError():
            return f"a file that this user may not read ({path})"
        case EOFError():
            return "gzip data that breaks off before its end"
        case gzip.BadGzipFile() | zlib.error():
            return f"damaged gzip data or none ({error})"
        case _:
            return _shortened(f"data that cannot be read: {error}")


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST_QUOTE else f"{line[:_LONGEST_QUOTE]}…"


def _list(words: Iterable[str], *, last: str = "and") -> str:
    *most, final = words
    return f"{', '.join(most)} {last} {final}"
