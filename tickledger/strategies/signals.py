"""The signals of every strategy for each row of a feature frame, after the close that the row describes.

A signal's id hashes what it follows from and what it says, so the same features, model and rules give the same
signals on any machine. The composite names the signals it was made of, and the model that one of them asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from tickledger.bars.calendars import session_close
from tickledger.domain.ids import identified
from tickledger.domain.signal import Signal
from tickledger.strategies.composite import CompositeRule, composite
from tickledger.strategies.mean_reversion import MeanReversionRule, mean_reversion
from tickledger.strategies.ml import MlRule, ml
from tickledger.strategies.momentum import MomentumRule, momentum
from tickledger.strategies.opinion import FeatureRow, Opinion

MOMENTUM: Final = "momentum"
MEAN_REVERSION: Final = "mean_reversion"
ML: Final = "ml"
COMPOSITE: Final = "composite"
STRATEGIES: Final = (MOMENTUM, MEAN_REVERSION, ML, COMPOSITE)
#: The strategy whose signals become orders; the others are its voters and are kept to be judged on their own.
TRADED_STRATEGY: Final = COMPOSITE
_CONFIDENCE_DECIMALS: Final = 6


@dataclass(frozen=True, slots=True)
class StrategyRules:
    """The parameters of all strategies. The defaults are round numbers from the literature, fitted to nothing."""

    momentum: MomentumRule = field(default_factory=MomentumRule)
    mean_reversion: MeanReversionRule = field(default_factory=MeanReversionRule)
    ml: MlRule = field(default_factory=MlRule)
    composite: CompositeRule = field(default_factory=CompositeRule)


@dataclass(frozen=True, slots=True)
class _Row:
    """One feature row as its signals refer to it."""

    feature_row_id: str
    symbol: str
    session_date: date
    features: FeatureRow
    probability_up: float
    model_version_id: str


def daily_signals(
    features: pd.DataFrame,
    *,
    probabilities: Sequence[float] | npt.NDArray[np.float64],
    model_version_id: str,
    rules: StrategyRules = StrategyRules(),
) -> list[Signal]:
    """Four signals for each row, in the order of the rows: momentum, mean reversion, model, composite.

    `features` has `feature_row_id, symbol, timestamp` and the features that the strategies name; `probabilities`
    has the model's probability of a rise for each of its rows, `model_version_id` says whose. Raises ValueError
    where their lengths differ or a timestamp is not a session of the exchange.
    """
    records = zip(features.to_dict("records"), probabilities, strict=True)
    rows = (_row(record, float(probability), model_version_id) for record, probability in records)
    return [signal for row in rows for signal in _row_signals(row, rules)]


def _row(record: Mapping[Any, Any], probability_up: float, model_version_id: str) -> _Row:
    return _Row(
        feature_row_id=record["feature_row_id"],
        symbol=record["symbol"],
        session_date=record["timestamp"].date(),
        features=record,
        probability_up=probability_up,
        model_version_id=model_version_id,
    )


def _row_signals(row: _Row, rules: StrategyRules) -> list[Signal]:
    opinions = {
        MOMENTUM: momentum(row.features, rules.momentum),
        MEAN_REVERSION: mean_reversion(row.features, rules.mean_reversion),
        ML: ml(row.probability_up, rules.ml),
    }
    votes = [
        _signal(row, strategy, opinion, model_version_id=row.model_version_id if strategy == ML else None)
        for strategy, opinion in opinions.items()
    ]
    verdict = composite(opinions, rules.composite)
    components = tuple(vote.signal_id for vote in votes)
    return [*votes, _signal(row, COMPOSITE, verdict, model_version_id=row.model_version_id, components=components)]


def _signal(
    row: _Row, strategy: str, opinion: Opinion, *, model_version_id: str | None, components: tuple[str, ...] = ()
) -> Signal:
    signal = Signal(
        signal_id="",
        symbol=row.symbol,
        session_date=row.session_date,
        signalled_at=session_close(row.session_date),
        signal_type=opinion.signal_type,
        confidence=round(opinion.confidence, _CONFIDENCE_DECIMALS),
        strategy=strategy,
        feature_row_id=row.feature_row_id,
        model_version_id=model_version_id,
        component_ids=components,
        metadata=opinion.reasons,
    )
    return identified("sig", signal)
