"""Comparing what a program found with what a case expects.

Rows may be finer or coarser than the expected ones: sums are compared, of gains by sale, lot, holding period
and term, of open lots by symbol, lot and holding period.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Final

from tests.golden.tax.conformance.suite import History, Row

#: USD. One source splits in whole cents, so that a sum of its pieces may be off by some.
TOLERANCE: Final = Decimal("0.03")

_GAIN_KEY: Final = ("close_execution_id", "open_execution_id", "holding_start", "term")
_GAIN_AMOUNTS: Final = ("quantity", "proceeds", "basis", "disallowed_loss", "gain_loss", "permanently_disallowed")
_LOT_KEY: Final = ("symbol", "open_execution_id", "holding_start")
_LOT_AMOUNTS: Final = ("quantity", "adjusted_basis")

Sums = Mapping[tuple[str, ...], Mapping[str, Decimal]]


def differences(history: History, *, gains: Iterable[Row], open_lots: Iterable[Row]) -> list[str]:
    """Each amount that is not the expected one, as a line of text; `gains` and `open_lots` are what was found."""
    of_gains = _compared(_sums(history.gains, _GAIN_KEY, _GAIN_AMOUNTS), _sums(gains, _GAIN_KEY, _GAIN_AMOUNTS))
    of_lots = _compared(_sums(history.open_lots, _LOT_KEY, _LOT_AMOUNTS), _sums(open_lots, _LOT_KEY, _LOT_AMOUNTS))
    return [*(f"gain {line}" for line in of_gains), *(f"open lot {line}" for line in of_lots)]


def _sums(rows: Iterable[Row], key: tuple[str, ...], amounts: tuple[str, ...]) -> Sums:
    sums: dict[tuple[str, ...], dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in rows:
        of = sums[tuple(row[column] for column in key)]
        for column in amounts:
            of[column] += Decimal(row.get(column) or 0)
    return sums


def _compared(expected: Sums, found: Sums) -> Iterator[str]:
    nothing: Mapping[str, Decimal] = defaultdict(Decimal)
    for key in sorted({*expected, *found}):
        wanted, got = expected.get(key, nothing), found.get(key, nothing)
        for name in {**wanted, **got}:
            if abs(wanted[name] - got[name]) > TOLERANCE:
                yield f"{' '.join(key)}: {name} expected {wanted[name]}, found {got[name]}"
