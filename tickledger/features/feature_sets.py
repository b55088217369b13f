"""What a feature set is called, and the id of a feature row: one rule for rows made by the day and by the minute."""

import hashlib
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from tickledger.domain.ids import deterministic_id
from tickledger.features.series import Floats

DAILY: Final = "daily-v1"
#: Two rows are the same content where they agree to this many decimals: rounding noise must not make a new row.
_DECIMALS: Final = 6
#: Where between two steps the border lies: at no plain fraction, because many an oscillator is one exactly, and
#: noise would carry it to and fro.
_BORDER: Final = 0.6180339887


def feature_set_of(interval: str) -> str:
    """The name of the set that bars of `interval` have: ``daily-v1``, ``intraday-1min-v1``, ``intraday-5min-v1``.

    The formulas are those of the daily set, functions of bars: 63 bars are 63 minutes then, and what is annualized
    by 252 sessions still is.
    """
    return DAILY if interval == "1day" else f"intraday-{interval}-v1"


def feature_row_ids(feature_set: str, bar_ids: Sequence[str], values: Floats) -> list[str]:
    """The id of each row of `values` (rows × features in the order of the set).

    It is a hash of the set, the bar and the content, the same on every machine.
    """
    return [
        deterministic_id("feat", feature_set, bar_id, hashlib.sha256(content.tobytes()).hexdigest())
        for bar_id, content in zip(bar_ids, _canonical(values), strict=True)
    ]


def _canonical(values: Floats) -> npt.NDArray[np.int64]:
    # Whole numbers, little-endian: no machine has another minus zero or byte order to offer.
    return np.floor(values * 10.0**_DECIMALS + _BORDER).astype("<i8")
