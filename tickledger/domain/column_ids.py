"""Identifiers of rows by the hundred thousand: what `ids.deterministic_id` is to a row, of whole columns at once.

Each row is hashed in two lanes of 64 bits, column by column, with the finalizer of MurmurHash3 (Appleby); 80 bits of
them make the id. Equal rows have equal ids on every machine, and a row that differs in anything has another one, but
for one chance in 10²⁴ for each pair of rows.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from tickledger.domain.ids import ID_DIGITS

Lane = npt.NDArray[np.uint64]
#: Both lanes of the hash of each row.
Lanes = tuple[Lane, Lane]

_SEEDS: Final = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F))
_FIRST: Final = np.uint64(0xFF51AFD7ED558CCD)
_SECOND: Final = np.uint64(0xC4CEB9FE1A85EC53)
_SHIFT: Final = np.uint64(33)
_BLOCK: Final = 1 << 14
_MASK: Final = (1 << 64) - 1
#: Two digits of each byte.
_HEX_OF_BYTE: Final = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), dtype=np.uint16)
_DIGITS_OF_LANE: Final = ID_DIGITS // 2


def hashed(columns: Iterable[object], rows: int) -> Lanes:
    """The lanes of rows whose content is `columns`: whole numbers of any size, or the lanes of other rows."""
    first, second = (np.full(rows, seed, dtype=np.uint64) for seed in _SEEDS)
    pairs = [column if isinstance(column, tuple) else (words(column),) * 2 for column in columns]
    # Block by block, so that what is mixed stays near the processor.
    for start in range(0, rows, _BLOCK):
        block = slice(start, start + _BLOCK)
        for of_first, of_second in pairs:
            _mix(first[block], of_first[block] if of_first.ndim else of_first)
            _mix(second[block], of_second[block] if of_second.ndim else of_second)
    return first, second


def _mix(lane: Lane, words_of_column: Lane) -> None:
    """Let a column change a lane, in place."""
    lane ^= words_of_column
    lane ^= lane >> _SHIFT
    lane *= _FIRST
    lane ^= lane >> _SHIFT
    lane *= _SECOND
    lane ^= lane >> _SHIFT
    # The lane goes on changing where a column is constant.
    lane += _SEEDS[0]


def _mixed(lane: Lane, words_of_column: Lane) -> Lane:
    mixed = lane.copy()
    _mix(mixed, words_of_column)
    return mixed


def words(column: Any) -> Lane:  # noqa: ANN401  a number or an array of them
    """Whole numbers as 64-bit words; larger ones are folded."""
    numbers = np.asarray(column)
    if numbers.dtype != object:
        return numbers.astype(np.int64, copy=False).view(np.uint64)
    folded = [int(n) & _MASK if -(1 << 63) <= n < 1 << 63 else (int(n) ^ (int(n) >> 63)) & _MASK for n in numbers.flat]
    return np.array(folded, dtype=np.uint64)


def hashed_texts(texts: Sequence[str]) -> Lanes:
    """The lanes of texts, the same whatever other texts stand beside them."""
    if not texts:
        return np.zeros(0, dtype=np.uint64), np.zeros(0, dtype=np.uint64)
    table = np.array(texts, dtype=np.str_)
    width = table.dtype.itemsize // 4
    padded = table.astype(f"U{width + width % 2}")
    of_text = padded.view(np.uint32).reshape(len(table), -1).view(np.uint64)
    first, second = (np.full(len(table), seed, dtype=np.uint64) for seed in _SEEDS)
    for place in range(of_text.shape[1]):
        column = np.ascontiguousarray(of_text[:, place])
        is_there = column != 0
        first = np.where(is_there, _mixed(first, column), first)
        second = np.where(is_there, _mixed(second, column), second)
    return first, second


def ids_of(prefix: str, lanes: Lanes) -> npt.NDArray[np.bytes_]:
    """The ids that the lanes make, e.g. ``gain_5f0c…``, as ASCII."""
    head = f"{prefix}_".encode()
    table = np.empty((len(lanes[0]), len(head) + ID_DIGITS), dtype=np.uint8)
    table[:, : len(head)] = np.frombuffer(head, dtype=np.uint8)
    for number, lane in enumerate(lanes):
        start = len(head) + number * _DIGITS_OF_LANE
        first_bytes = lane.astype(">u8").view(np.uint8).reshape(-1, 8)[:, : _DIGITS_OF_LANE // 2]
        table[:, start : start + _DIGITS_OF_LANE] = _HEX_OF_BYTE[first_bytes].view(np.uint8)
    return table.view(f"S{table.shape[1]}").reshape(len(table))
