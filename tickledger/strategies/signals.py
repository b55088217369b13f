"""The signals of every strategy for each feature row: of a frame, after the close it describes, or one by one.

A signal's id hashes what it follows from and what it says, so the same features, model and rules give the same
signals on any machine. The composite names the signals it was made of, and the model that one of them asked.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
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
class ModelAnswer:
    """What a model said of a row: the probability of a rise, 0 to 1, and which version was asked."""

    model_version_id: str
    probability_up: float


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """One feature row as its signals refer to it. `answer` is None where no model was asked."""

    feature_row_id: str
    symbol: str
    session_date: date
    signalled_at: datetime
    features: FeatureRow
    answer: ModelAnswer | None


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
    rows = (_row(record, ModelAnswer(model_version_id, float(probability))) for record, probability in records)
    return [signal for row in rows for signal in row_signals(row, rules)]


def _row(record: Mapping[Any, Any], answer: ModelAnswer) -> JudgedRow:
    session_date = record["timestamp"].date()
    return JudgedRow(
        feature_row_id=record["feature_row_id"],
        symbol=record["symbol"],
        session_date=session_date,
        signalled_at=session_close(session_date),
        features=record,
        answer=answer,
    )


def voters(strategies: Collection[str], rules: StrategyRules) -> tuple[str, ...]:
    """The strategies to ask so that all `strategies` can speak: the composite speaks for those that have a weight."""
    weighted = rules.composite.weights if COMPOSITE in strategies else {}
    return tuple(name for name in _OPINIONS if name in strategies or name in weighted)


def row_signals(row: JudgedRow, rules: StrategyRules, strategies: Collection[str] = STRATEGIES) -> list[Signal]:
    """A signal of each of the `voters`, in the order of `STRATEGIES`, and of the composite where it is asked for.

    Without a model's answer the model is silent, and so is a composite in which it has a weight.
    """
    asked = [name for name in voters(strategies, rules) if name != ML or row.answer is not None]
    opinions = {name: _OPINIONS[name](row, rules) for name in asked}
    votes = [_signal(row, name, opinion, asks_model=name == ML) for name, opinion in opinions.items()]
    weights = rules.composite.weights
    if COMPOSITE not in strategies or not opinions.keys() >= weights.keys():
        return votes
    components = tuple(vote.signal_id for vote in votes if vote.strategy in weights)
    verdict = composite(opinions, rules.composite)
    return [*votes, _signal(row, COMPOSITE, verdict, asks_model=ML in weights, components=components)]


def _ml_opinion(row: JudgedRow, rules: StrategyRules) -> Opinion:
    if row.answer is None:
        raise ValueError(f"expected a model's answer for {row.feature_row_id}, found none")
    return ml(row.answer.probability_up, rules.ml)


_OPINIONS: Final[Mapping[str, Callable[[JudgedRow, StrategyRules], Opinion]]] = {
    MOMENTUM: lambda row, rules: momentum(row.features, rules.momentum),
    MEAN_REVERSION: lambda row, rules: mean_reversion(row.features, rules.mean_reversion),
    ML: _ml_opinion,
}


def _signal(
    row: JudgedRow, strategy: str, opinion: Opinion, *, asks_model: bool, components: tuple[str, ...] = ()
) -> Signal:
    signal = Signal(
        signal_id="",
        symbol=row.symbol,
        session_date=row.session_date,
        signalled_at=row.signalled_at,
        signal_type=opinion.signal_type,
        confidence=round(opinion.confidence, _CONFIDENCE_DECIMALS),
        strategy=strategy,
        feature_row_id=row.feature_row_id,
        model_version_id=row.answer.model_version_id if asks_model and row.answer is not None else None,
        component_ids=components,
        metadata=opinion.reasons,
    )
    return identified("sig", signal)
