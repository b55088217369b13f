"""Splits in time whose training part knows nothing of the validation part.

A label is not a point but a window: it uses every session from t to t + horizon. A training row whose
window touches the window of a validation row shares information with it and is purged; so is one that
starts within `embargo` sessions after a validation window, because features and returns are serially
correlated. (M. López de Prado, *Advances in Financial Machine Learning*, Wiley 2018, ch. 7.4, snippets
7.1-7.2.)
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tickledger.domain.errors import InputError, Problem


@dataclass(frozen=True, slots=True)
class LabelWindows:
    """For each row the first and the last session that its label uses, as session numbers, both included."""

    starts: NDArray[np.intp]
    ends: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Split:
    """Row numbers, ascending. Rows that were purged or embargoed are in neither part."""

    train: NDArray[np.intp]
    validation: NDArray[np.intp]


def purged_split(windows: LabelWindows, *, first: int, last: int, embargo: int) -> Split:
    """Validate on the rows that start in sessions `first` to `last`; train on all others that share nothing with them.

    With a validation window [v, w], a row's window [s, e] is dropped where v ≤ e and s ≤ w + embargo.
    """
    is_validation = (windows.starts >= first) & (windows.starts <= last)
    reach = np.sort(windows.ends[is_validation] + embargo)
    begin = np.sort(windows.starts[is_validation])
    # Windows that begin by e, less those that are over before s: what is left touches [s, e].
    touching = np.searchsorted(begin, windows.ends, side="right") - np.searchsorted(reach, windows.starts, side="left")
    return Split(train=np.flatnonzero(~is_validation & (touching <= 0)), validation=np.flatnonzero(is_validation))


def last_part(windows: LabelWindows, *, fraction: float, embargo: int) -> Split:
    """Validate on the last `fraction` of the sessions in which rows start; train on what came before.

    Raises InputError where one of the two parts would be empty.
    """
    sessions = np.unique(windows.starts)
    first = sessions[int(len(sessions) * (1 - fraction)) :][:1]
    split = purged_split(windows, first=int(first[0]), last=int(sessions[-1]), embargo=embargo) if len(first) else None
    if split is None or not len(split.train) or not len(split.validation):
        expected = f"enough sessions to validate on the last {fraction:.0%} of them"
        raise InputError([Problem(where="training set", expected=expected, found=f"{len(sessions)} sessions")])
    return split
