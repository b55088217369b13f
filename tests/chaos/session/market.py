"""The market of these scenarios: thinly traded symbols whose prices swing every few minutes, each in its own time."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

import numpy as np
import pandas as pd

from tickledger.bars.calendars import session_close, session_open

_DAYS: Final = (date(2013, 3, 26), date(2013, 3, 27))


def swinging_minutes(symbols: Sequence[str], *, number: int, since: datetime | None = None) -> pd.DataFrame:
    """Minutes of two sessions, from `since` on where it is told; another market for each number.

    Some minutes up, some down, again and again: what has fallen for minutes is bought, what has risen is sold.
    """
    random = np.random.default_rng(number)
    minutes = pd.DatetimeIndex(
        [
            minute
            for day in _DAYS
            for minute in pd.date_range(session_open(day), session_close(day), freq="min", inclusive="left")
            if since is None or minute >= since
        ]
    )
    frames = []
    for place, symbol in enumerate(symbols):
        swings = [step for _ in minutes for step in _swing(random)][: len(minutes)]
        closes = 100 + 10 * place + np.cumsum(swings) + np.cumsum(random.normal(0, 0.03, len(minutes)))
        opens = np.concatenate([closes[:1], closes[:-1]])
        edges = {"high": np.maximum(opens, closes) + 0.05, "low": np.minimum(opens, closes) - 0.05}
        prices = {"open": opens, **edges, "close": closes}
        rounded = {name: values.round(2) for name, values in prices.items()}
        frames.append(pd.DataFrame({"symbol": symbol, "timestamp": minutes, **rounded, "volume": 1_000}))
    return pd.concat(frames, ignore_index=True)


def _swing(random: np.random.Generator) -> Sequence[float]:
    down, up = random.integers(4, 6), random.integers(2, 5)
    size = random.uniform(0.4, 1.0)
    return [-size / down] * int(down) + [size / up] * int(up)
