"""What makes a bar good: rules over whole frames that turn bad rows into rejects and keep every other one.

Nothing here reads a file or asks a clock. A frame whose index is named ``row`` came from a file, and the index
holds its line numbers (the header is line 1); the rejects repeat them.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from tickledger.bars.reject import Record, Reject
from tickledger.domain.errors import Problem
from tickledger.domain.money import PRICE_INCREMENT

Mask = npt.NDArray[np.bool_]
#: Says why the exchange was closed on a day, or None where it was open: `tickledger.bars.calendars.why_closed`.
Calendar = Callable[[date], str | None]

ROW: Final = "row"
PRICES: Final = ("open", "high", "low", "close")
#: Anything below the finest increment of money would round to nothing.
LOWEST_PRICE: Final = float(PRICE_INCREMENT)
#: Beyond it a number is a slip of the decimal point or of the column.
HIGHEST_PRICE: Final = 1e9
#: The largest range of whole numbers that float64 and int64 both hold exactly.
LARGEST_VOLUME: Final = 2.0**53
_SYMBOL: Final = re.compile(r"[A-Za-z0-9^][A-Za-z0-9.\-/^=:&+ ]{0,31}")
_BAR_KEY: Final = ["symbol", "timestamp"]
EXCHANGE_ZONE: Final = "America/New_York"


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that must hold in each row.

    `is_broken` marks the rows where it does not. `expected` may quote the row's other cells, as in ``{low}``.
    `found` tells, for each marked row, what stands there instead; without it that is the cell as it was written.
    """

    column: str
    expected: str
    is_broken: Callable[[pd.DataFrame], Mask]
    found: Callable[[pd.DataFrame, Mask], Sequence[str]] | None = None


def check_bars(
    frame: pd.DataFrame,
    *,
    where: str,
    interval: str | None = None,
    calendar: Calendar | None = None,
    record_of: Callable[[int], Record] | None = None,
) -> tuple[pd.DataFrame, list[Reject]]:
    """The good rows of a frame of raw bars, in their order, and a reject for each of the others.

    With `interval` ``1day`` a timestamp must be a session date at 00:00Z, with ``1min`` a whole minute. With a
    `calendar` its date (for other intervals than ``1day`` its date in New York) must be a session. Of several bars
    for one symbol and timestamp the first that is good stays. `record_of` gives the source's own cells of the row at
    a position.
    """
    rules = list(_BAR_RULES)
    if interval in _STAMPS:
        rules.append(_STAMPS[interval])
    if calendar is not None:
        if interval is None:
            raise ValueError("which date a timestamp means depends on the interval: give it with the calendar")
        rules.append(_on_a_session(calendar, interval=interval))
    rules.append(_ONE_PER_TIMESTAMP)
    return keep_good(frame, rules, where=where, record_of=record_of)


def keep_good(
    frame: pd.DataFrame,
    rules: Iterable[Rule],
    *,
    where: str,
    record_of: Callable[[int], Record] | None = None,
) -> tuple[pd.DataFrame, list[Reject]]:
    """The rows that break none of the `rules`, and for each other row a reject by the first rule it breaks."""
    record = record_of or _values_as_text(frame)
    good, positions = frame, np.arange(len(frame))
    rejects: dict[int, Reject] = {}
    for rule in rules:
        broken = rule.is_broken(good)
        if not broken.any():
            continue
        found = rule.found(good, broken) if rule.found else None
        for i, position in enumerate(positions[broken].tolist()):
            rejects[position] = _reject(
                rule,
                where=where,
                row=_line(frame, position),
                record=record(position),
                found=None if found is None else found[i],
            )
        good, positions = good[~broken], positions[~broken]
    return good, [rejects[position] for position in sorted(rejects)]


def told(text: str) -> str:
    """A cell as a message quotes it: a number bare, an empty cell as ``nothing``, anything else in quotes."""
    if not text:
        return "nothing"
    try:
        float(text)
    except ValueError:
        return repr(text)
    return text


def as_mask(flags: pd.Series) -> Mask:
    """A series of truth values as a plain array."""
    return np.asarray(flags, dtype=bool)


def is_bad_symbol(symbols: pd.Series) -> Mask:
    """Which cells are no symbol: blank, longer than 32 characters, or with characters that no symbol has."""
    bad = [symbol for symbol in symbols.unique() if not _is_symbol(symbol)]
    return as_mask(symbols.isin(bad))


def _is_symbol(symbol: object) -> bool:
    return isinstance(symbol, str) and _SYMBOL.fullmatch(symbol) is not None


def _reject(rule: Rule, *, where: str, row: int | None, record: Record, found: str | None) -> Reject:
    problem = Problem(
        where=where,
        row=row,
        column=rule.column,
        expected=rule.expected.format_map(record),
        found=told(record[rule.column]) if found is None else found,
    )
    return Reject(problem=problem, record=record)


def _line(frame: pd.DataFrame, position: int) -> int | None:
    return int(frame.index[position]) if frame.index.name == ROW else None


def _values_as_text(frame: pd.DataFrame) -> Callable[[int], Record]:
    def record(position: int) -> Record:
        return {str(column): _as_text(value) for column, value in frame.iloc[position].items()}

    return record


def _as_text(value: object) -> str:
    if value is None or value is pd.NaT:
        return ""
    return value.isoformat() if isinstance(value, pd.Timestamp) else str(value)


def _not_a_price(column: str) -> Callable[[pd.DataFrame], Mask]:
    # Written as "not within" so that NaN, for which every comparison is false, counts as broken.
    return lambda bars: ~as_mask(bars[column].between(LOWEST_PRICE, HIGHEST_PRICE))


def _not_a_volume(bars: pd.DataFrame) -> Mask:
    volume = bars["volume"].to_numpy(dtype=float, na_value=np.nan)
    is_volume: Mask = (volume >= 0) & (volume <= LARGEST_VOLUME) & (np.floor(volume) == volume)
    return ~is_volume


def _outside_range(column: str) -> Callable[[pd.DataFrame], Mask]:
    return lambda bars: ~as_mask(bars[column].between(bars["low"], bars["high"]))


_BAR_RULES: Final = (
    Rule("symbol", "a symbol such as AAPL or BRK.B", lambda bars: is_bad_symbol(bars["symbol"])),
    Rule(
        "timestamp",
        "a date or an instant in ISO 8601, such as 2012-01-03 or 2012-01-03T14:30:00Z",
        lambda bars: as_mask(bars["timestamp"].isna()),
    ),
    *(Rule(price, "a price above 0, from 0.0001 to 1,000,000,000 USD", _not_a_price(price)) for price in PRICES),
    Rule("volume", "a whole number of shares, 0 or more", _not_a_volume),
    Rule("high", "a high of at least the low, {low}", lambda bars: as_mask(bars["high"] < bars["low"])),
    Rule("open", "an open between the low, {low}, and the high, {high}", _outside_range("open")),
    Rule("close", "a close between the low, {low}, and the high, {high}", _outside_range("close")),
)

#: What the stamp of a bar must be where its interval is known.
_STAMPS: Final = {
    "1day": Rule(
        "timestamp",
        "the session date at 00:00Z, as daily bars are labelled",
        lambda bars: as_mask(bars["timestamp"] != bars["timestamp"].dt.normalize()),
    ),
    "1min": Rule(
        "timestamp",
        "a whole minute, the start of the bar",
        lambda bars: as_mask(bars["timestamp"] != bars["timestamp"].dt.floor("min")),
    ),
}


def _on_a_session(calendar: Calendar, *, interval: str | None) -> Rule:
    def dates(bars: pd.DataFrame) -> pd.Series:
        stamps = bars["timestamp"]
        # A daily stamp is a label for its date; any other is an instant, and the exchange lives in New York.
        local: pd.Series = stamps if interval == "1day" else stamps.dt.tz_convert(EXCHANGE_ZONE)
        days: pd.Series = local.dt.date
        return days

    def is_broken(bars: pd.DataFrame) -> Mask:
        days = dates(bars)
        closed = [day for day in days.unique() if calendar(day) is not None]
        return as_mask(days.isin(closed))

    def found(bars: pd.DataFrame, broken: Mask) -> list[str]:
        return [str(calendar(day)) for day in dates(bars)[broken]]

    return Rule("timestamp", "a session of the New York Stock Exchange", is_broken, found)


def _repeated_rows(bars: pd.DataFrame, broken: Mask) -> list[str]:
    """For each repeated bar, which earlier row it repeats, and whether it says the same."""
    first = bars[~broken].reset_index(names=ROW).set_index(_BAR_KEY)
    repeats = bars[broken]
    earlier = first.loc[pd.MultiIndex.from_frame(repeats[_BAR_KEY])]
    values = [*PRICES, "volume"]
    same = (earlier[values].to_numpy() == repeats[values].to_numpy()).all(axis=1)
    return [
        f"a repeat of row {row}" if is_same else f"another bar than row {row} has for the same time"
        for row, is_same in zip(earlier[ROW], same, strict=True)
    ]


_ONE_PER_TIMESTAMP: Final = Rule(
    "timestamp",
    "one bar per symbol and timestamp",
    lambda bars: as_mask(bars.duplicated(_BAR_KEY)),
    _repeated_rows,
)
