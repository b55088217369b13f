"""Synthetic research frames: adjusted bars and features whose relation to the future is known."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

FEATURE_NAMES = ("informative", "noise", "more_noise")


@dataclass(frozen=True, slots=True)
class Market:
    """`adjusted` has symbol, timestamp, close; `features` has a row for each of them."""

    features: pd.DataFrame
    adjusted: pd.DataFrame


def market(*, start: str = "2009-01-01", end: str = "2012-12-31", strength: float = 0.0, seed: int = 0) -> Market:
    """Three symbols of random walks; `informative` foretells the coming 5 sessions as far as `strength` goes."""
    rng = np.random.default_rng(seed)
    sessions = pd.bdate_range(start, end, tz="UTC").as_unit("us")
    parts = [_symbol(symbol, sessions, strength=strength, rng=rng) for symbol in ("AAA", "BBB", "CCC")]
    features, adjusted = zip(*parts, strict=True)
    return Market(features=pd.concat(features, ignore_index=True), adjusted=pd.concat(adjusted, ignore_index=True))


def _symbol(
    symbol: str, sessions: pd.DatetimeIndex, *, strength: float, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    returns = rng.normal(0, 0.01, len(sessions) + 5)
    level = np.cumsum(returns)
    coming = level[5 : 5 + len(sessions)] - level[: len(sessions)]
    informative = strength * coming / coming.std() + (1 - strength) * rng.normal(size=len(sessions))
    identity = {"symbol": symbol, "timestamp": sessions}
    features = pd.DataFrame(
        {
            "feature_row_id": [f"feat_{symbol}_{session:%Y%m%d}" for session in sessions],
            **identity,
            "informative": informative,
            "noise": rng.normal(size=len(sessions)),
            "more_noise": rng.normal(size=len(sessions)),
        }
    )
    adjusted = pd.DataFrame({**identity, "close": 100 * np.exp(level[: len(sessions)])})
    return features, adjusted
