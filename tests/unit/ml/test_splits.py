"""Purging and embargo, against a reading of the definition row by row."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.splits import LabelWindows, Split, last_part, purged_split
from tickledger.domain.errors import InputError


@st.composite
def label_windows(draw: st.DrawFn) -> LabelWindows:
    """Windows in any order, with gaps and of different lengths."""
    windows = draw(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)), min_size=1, max_size=60))
    starts = np.array([start for start, _ in windows])
    return LabelWindows(starts=starts, ends=starts + np.array([length for _, length in windows]))


def shares_information(windows: LabelWindows, row: int, validated: int, *, embargo: int) -> bool:
    used = set(range(int(windows.starts[row]), int(windows.ends[row]) + 1))
    reserved = range(int(windows.starts[validated]), int(windows.ends[validated]) + 1)
    embargoed = range(reserved.stop, reserved.stop + embargo)
    return not used.isdisjoint(reserved) or int(windows.starts[row]) in embargoed


def split_is_as_defined(windows: LabelWindows, split: Split, *, first: int, last: int, embargo: int) -> bool:
    rows = range(len(windows.starts))
    validation = [row for row in rows if first <= windows.starts[row] <= last]
    train = [
        row
        for row in rows
        if row not in validation
        and not any(shares_information(windows, row, other, embargo=embargo) for other in validation)
    ]
    return bool(split.validation.tolist() == validation and split.train.tolist() == train)


@given(label_windows(), st.integers(0, 60), st.integers(0, 60), st.integers(0, 10))
def test_rows_are_dropped_exactly_where_they_share_information_with_the_validation_part(
    windows: LabelWindows, first: int, length: int, embargo: int
) -> None:
    split = purged_split(windows, first=first, last=first + length, embargo=embargo)
    assert split_is_as_defined(windows, split, first=first, last=first + length, embargo=embargo)


def test_five_session_labels_lose_five_sessions_before_the_validation_part_and_the_embargo_after_it() -> None:
    starts = np.arange(100)
    split = purged_split(LabelWindows(starts=starts, ends=starts + 5), first=40, last=59, embargo=3)
    assert split.validation.tolist() == list(range(40, 60))
    # 35 to 39 reach into session 40; the last label ends at 64, the embargo at 67.
    assert split.train.tolist() == [*range(35), *range(68, 100)]


def test_the_last_part_is_the_last_fifth_of_the_sessions() -> None:
    starts = np.repeat(np.arange(100), 3)
    split = last_part(LabelWindows(starts=starts, ends=starts + 5), fraction=0.2, embargo=5)
    assert sorted(set(starts[split.validation])) == list(range(80, 100))
    assert sorted(set(starts[split.train])) == list(range(75))


@pytest.mark.parametrize("sessions", [1, 2])
def test_too_few_sessions_to_split_are_told_as_a_problem_of_the_data(sessions: int) -> None:
    starts = np.arange(sessions)
    with pytest.raises(InputError, match="enough sessions to validate on the last 20% of them"):
        last_part(LabelWindows(starts=starts, ends=starts + 5), fraction=0.2, embargo=5)
