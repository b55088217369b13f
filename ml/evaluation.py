"""How good a forecast of direction was.

All metrics take outcomes y (1 up, 0 not) and forecast probabilities p of 1:

    log loss  = −Σ (y ln p + (1 − y) ln(1 − p)) / n     Good, J. R. Stat. Soc. B 14 (1952) 107
    Brier     = Σ (p − y)² / n                           Brier, Mon. Weather Rev. 78 (1950) 1
    ROC AUC   = P(p of an up row > p of a down row), ties counting half: the Mann-Whitney U statistic over
                its maximum                              Hanley & McNeil, Radiology 143 (1982) 29
    accuracy  = share of rows where (p > ½) is y
    base rate = Σ y / n

What a forecast has to beat is the one who always says how often it was up before: `prior`.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Outcomes = NDArray[np.int8]
Probabilities = NDArray[np.float64]

_EPSILON: Final = float(np.finfo(np.float64).eps)


def log_loss(outcomes: Outcomes, probabilities: Probabilities) -> float:
    """Mean negative log likelihood in nats; a certain forecast that fails costs −ln(2⁻⁵²), not infinity."""
    safe = np.clip(probabilities, _EPSILON, 1 - _EPSILON)
    return float(-np.mean(np.where(outcomes == 1, np.log(safe), np.log1p(-safe))))


def brier_score(outcomes: Outcomes, probabilities: Probabilities) -> float:
    """Mean squared error of the probabilities, 0 to 1."""
    return float(np.mean((probabilities - outcomes) ** 2))


def roc_auc(outcomes: Outcomes, probabilities: Probabilities) -> float | None:
    """The chance that an up row is ranked above a down row; None where one of the two kinds is missing."""
    up = int(np.sum(outcomes == 1))
    down = len(outcomes) - up
    if up == 0 or down == 0:
        return None
    ranks = pd.Series(probabilities).rank().to_numpy()[outcomes == 1].sum()
    return float((ranks - up * (up + 1) / 2) / (up * down))


def accuracy(outcomes: Outcomes, probabilities: Probabilities) -> float:
    """The share of rows whose direction was called right at a threshold of one half."""
    return float(np.mean((probabilities > 0.5) == (outcomes == 1)))  # noqa: PLR2004  one half is the definition


def evaluate(outcomes: Outcomes, probabilities: Probabilities, *, prior: float) -> Mapping[str, float]:
    """Every metric that is defined for these rows, by name; `prior` is the share of ups known beforehand."""
    metrics = {
        "log_loss": log_loss(outcomes, probabilities),
        "brier_score": brier_score(outcomes, probabilities),
        "roc_auc": roc_auc(outcomes, probabilities),
        "accuracy": accuracy(outcomes, probabilities),
        "base_rate": float(np.mean(outcomes)),
        "prior_log_loss": log_loss(outcomes, np.full(len(outcomes), prior)),
    }
    return {name: value for name, value in metrics.items() if value is not None}
