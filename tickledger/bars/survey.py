"""What a history of bars shows that no single bar can: dates that are no session, gaps, jumps, bars without trades.

The bars are those in force, each of which is good by itself (`tickledger.bars.quality`). Only a date that is no
session is an error; the rest is unusual, not impossible, and told as a warning.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from tickledger.bars.calendars import FIRST_DAY, sessions, why_closed
from tickledger.bars.quality import EXCHANGE_ZONE
from tickledger.domain.errors import Problem

Kind = Literal["off_calendar", "before_calendar", "missing_sessions", "jump", "zero_volume"]
Floats = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]

#: A close more than so many times the one before it, or less than that part of it, splits set aside, is looked at
#: by a person: so does a slipped decimal point, and hardly ever a share.
JUMP_FACTOR: Final = 2.5
#: How many dates a message lists before it only counts.
_LISTED: Final = 5
_INTERVALS: Final = {"1day": "daily", "1min": "minute"}


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many bars of one symbol and interval there are, and the dates of the first and the last."""

    symbol: str
    interval: str
    bars: int
    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about the bars of a symbol, with the dates that it is about."""

    kind: Kind
    symbol: str
    interval: str
    dates: tuple[date, ...]
    problem: Problem


@dataclass(frozen=True, slots=True)
class Survey:
    """What there is, by symbol, and what was found in it."""

    coverage: tuple[Coverage, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class _History:
    """The bars of one symbol in the order of time, `sessions` being their dates in New York."""

    symbol: str
    interval: str
    stamps: npt.NDArray[np.datetime64]
    sessions: Days
    close: Floats
    volume: npt.NDArray[np.int64]
    splits: Sequence[tuple[Any, float]]


def survey(bars: pd.DataFrame, actions: pd.DataFrame, *, interval: str) -> Survey:
    """Judge the history of each symbol in `bars`, all of one `interval`, in the light of the splits in `actions`.

    `bars` has symbol, timestamp (datetime64[us, UTC]), close (USD, raw) and volume, in any order; `actions` symbol,
    ex_date, kind and ratio.
    """
    histories = list(_histories(bars, _splits(actions), interval=interval))
    calendar = _calendar(histories)
    return Survey(
        coverage=tuple(_coverage(history) for history in histories),
        findings=tuple(finding for history in histories for check in _CHECKS for finding in check(history, calendar)),
    )


def interval_in_words(interval: str) -> str:
    """How one speaks of bars of `interval`: ``1day`` is daily."""
    return _INTERVALS.get(interval, interval)


def _histories(
    bars: pd.DataFrame, splits: Mapping[str, Sequence[tuple[Any, float]]], *, interval: str
) -> Iterator[_History]:
    codes, symbols = pd.factorize(bars["symbol"], sort=True)
    stamps = bars["timestamp"].to_numpy(dtype="datetime64[us]")
    order = np.lexsort((stamps, codes))
    dates = _session_dates(bars["timestamp"], interval=interval)
    close, volume = bars["close"].to_numpy(dtype=float), bars["volume"].to_numpy()
    bounds = np.searchsorted(codes[order], np.arange(len(symbols) + 1)).tolist()
    for symbol, (start, stop) in zip(symbols, pairwise(bounds), strict=True):
        own = order[start:stop]
        yield _History(
            symbol=str(symbol),
            interval=interval,
            stamps=stamps[own],
            sessions=dates[own],
            close=close[own],
            volume=volume[own],
            splits=splits.get(str(symbol), ()),
        )


def _session_dates(timestamps: pd.Series, *, interval: str) -> Days:
    # A daily stamp is a label for its date; any other is an instant, and the exchange lives in New York.
    local = timestamps if interval == "1day" else timestamps.dt.tz_convert(EXCHANGE_ZONE)
    dates: Days = local.dt.tz_localize(None).to_numpy().astype("datetime64[D]")
    return dates


def _splits(actions: pd.DataFrame) -> dict[str, list[tuple[Any, float]]]:
    """Ex-date and ratio of each symbol's splits."""
    splits = actions[(actions["kind"] == "split").to_numpy(dtype=bool)]
    days = splits["ex_date"].to_numpy().astype("datetime64[D]")
    by_symbol: dict[str, list[tuple[Any, float]]] = {}
    for symbol, day, ratio in zip(splits["symbol"], days, splits["ratio"], strict=True):
        by_symbol.setdefault(symbol, []).append((day, ratio))
    return by_symbol


def _calendar(histories: Sequence[_History]) -> Days:
    """The sessions from the first bar of all to the last."""
    if not histories:
        return np.array([], "datetime64[D]")
    first = min(history.sessions[0] for history in histories)
    last = max(history.sessions[-1] for history in histories)
    return np.array(sessions(first.item(), last.item()), "datetime64[D]")


def _coverage(history: _History) -> Coverage:
    first, last = history.sessions[[0, -1]].tolist()
    return Coverage(history.symbol, history.interval, bars=len(history.sessions), first=first, last=last)


def _off_calendar(history: _History, calendar: Days) -> Iterator[Finding]:
    days, counts = np.unique(history.sessions, return_counts=True)
    is_off = ~np.isin(days, calendar) & (days >= np.datetime64(FIRST_DAY))
    for day, count in zip(days[is_off].tolist(), counts[is_off].tolist(), strict=True):
        yield _finding(
            history,
            "off_calendar",
            [day],
            which=f"{'bar' if count == 1 else 'bars'} of {day}",
            column="timestamp",
            expected="a session of the New York Stock Exchange",
            found=str(why_closed(day)),
        )


def _before_calendar(history: _History, _: Days) -> Iterator[Finding]:
    early = history.sessions[history.sessions < np.datetime64(FIRST_DAY)]
    if len(early):
        yield _finding(
            history,
            "before_calendar",
            np.unique(early).tolist(),
            column="timestamp",
            expected=f"dates from {FIRST_DAY} on, where the calendar begins",
            found=f"{_counted(len(early), 'bar')} before it, from {early[0]} to {early[-1]}, which nobody judged",
        )


def _missing_sessions(history: _History, calendar: Days) -> Iterator[Finding]:
    first, last = history.sessions[[0, -1]]
    own = calendar[(calendar >= first) & (calendar <= last)]
    is_missing = ~np.isin(own, history.sessions)
    if is_missing.any():
        yield _finding(
            history,
            "missing_sessions",
            own[is_missing].tolist(),
            expected=f"a bar in each of the {_counted(len(own), 'session')} from {own[0]} to {own[-1]}",
            found=f"none in {int(is_missing.sum()):,} of them: {_listed(_spans(own, is_missing))}",
        )


def _jumps(history: _History, _: Days) -> Iterator[Finding]:
    ratios = _split_ratios(history)
    close = history.close
    change = close[1:] * ratios[1:] / close[:-1]
    jumped = (change > JUMP_FACTOR) | (change < 1 / JUMP_FACTOR)
    for i in (np.flatnonzero(jumped) + 1).tolist():
        before = f"the {close[i - 1]:.10g} of {_time(history, i - 1)}"
        low, high = close[i - 1] / ratios[i] / JUMP_FACTOR, close[i - 1] / ratios[i] * JUMP_FACTOR
        split = "no split recorded between the two" if ratios[i] == 1 else f"a split of {ratios[i]:g} for 1 between"
        yield _finding(
            history,
            "jump",
            [history.sessions[i].item()],
            which=f"bar of {_time(history, i)}",
            column="close",
            expected=f"a close from {low:.6g} to {high:.6g}, within a factor of {JUMP_FACTOR:g} of {before}",
            found=f"{close[i]:.10g}, and {split}",
        )


def _split_ratios(history: _History) -> Floats:
    """For each bar the product of the ratios of the splits that take effect at it, the first on or after the ex-date.

    A split before the first bar takes effect at no close that can be compared.
    """
    ratios = np.ones(len(history.sessions))
    for ex_date, ratio in history.splits:
        position = np.searchsorted(history.sessions, ex_date)
        if position < len(ratios):
            ratios[position] *= ratio
    return ratios


def _zero_volume(history: _History, _: Days) -> Iterator[Finding]:
    idle = history.sessions[history.volume == 0]
    if len(idle):
        days = np.unique(idle).tolist()
        yield _finding(
            history,
            "zero_volume",
            days,
            column="volume",
            expected="shares traded in every bar",
            found=f"none in {len(idle):,} of {_counted(len(history.volume), 'bar')}: {_listed([str(d) for d in days])}",
        )


def _finding(
    history: _History,
    kind: Kind,
    dates: Sequence[date],
    *,
    expected: str,
    found: str,
    which: str = "bars",
    column: str | None = None,
) -> Finding:
    problem = Problem(
        where=f"{history.symbol}, {interval_in_words(history.interval)} {which}",
        column=column,
        expected=expected,
        found=found,
        severity="error" if kind == "off_calendar" else "warning",
    )
    return Finding(kind, history.symbol, history.interval, tuple(dates), problem)


def _time(history: _History, position: int) -> str:
    """The date of a daily bar, the instant of any other."""
    if history.interval == "1day":
        return str(history.sessions[position])
    return f"{np.datetime_as_string(history.stamps[position], unit='m')}Z"


def _spans(days: Days, marked: npt.NDArray[np.bool_]) -> list[str]:
    """The marked days in words, those in a row as one span."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], marked, [False]]).astype(np.int8)))
    spans = zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
    return [str(days[start]) if stop - start == 1 else f"{days[start]} to {days[stop - 1]}" for start, stop in spans]


def _listed(words: Sequence[str]) -> str:
    rest = len(words) - _LISTED
    return ", ".join(words) if rest <= 0 else f"{', '.join(words[:_LISTED])} and {rest:,} more"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


#: What is asked of each symbol's history, in the order in which it is told.
_CHECKS: Final[Sequence[Callable[[_History, Days], Iterator[Finding]]]] = (
    _off_calendar,
    _before_calendar,
    _missing_sessions,
    _jumps,
    _zero_volume,
)
