"""Signals as bars complete: bars → features → opinions, by the same rules as after the close of a day.

One object stands for one interval. A signal refers to the feature row it follows from, and that to its bar; the same
bars from the same beginning give the same rows and signals, with the same ids, wherever they are played.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tickledger.bars.calendars import session_close
from tickledger.bars.trading_hours import seconds_of
from tickledger.domain.bar import Bar, BarKey
from tickledger.domain.errors import ConfigurationError, Problem
from tickledger.domain.signal import Signal
from tickledger.features.feature_sets import feature_set_of
from tickledger.features.snapshot import FeatureSnapshot, UnnamedRow, feature_snapshots
from tickledger.features.streaming import StreamingFeatures
from tickledger.features.streaming_parts import StreamBar
from tickledger.strategies.signals import (
    MEAN_REVERSION,
    ML,
    MOMENTUM,
    STRATEGIES,
    JudgedRow,
    ModelAnswer,
    StrategyRules,
    row_signals,
    voters,
)

#: The strategies that need no model.
RULE_BASED: Final = (MOMENTUM, MEAN_REVERSION)


@dataclass(frozen=True, slots=True)
class AskedModel:
    """A model version and how to ask it: features by name in, the probability of a rise (0 to 1) out."""

    model_version_id: str
    probability_up: Callable[[Mapping[str, float]], float]


class StreamingSignals:
    """The features and signals of all symbols, from their complete bars of `interval` (such as ``1min``).

    `tell` hears of what could not be used: a bar out of order, an answer of the model that is no probability.
    Raises ConfigurationError for a strategy that does not exist, or that asks a model where there is none.
    """

    def __init__(
        self,
        *,
        interval: str,
        strategies: Sequence[str] = RULE_BASED,
        rules: StrategyRules | None = None,
        model: AskedModel | None = None,
        tell: Callable[[Problem], None] = lambda _: None,
    ) -> None:
        self._rules = rules or StrategyRules()
        _check(strategies, self._rules, model)
        self._interval = interval
        self._width = timedelta(seconds=seconds_of(interval))
        self._strategies = frozenset(strategies)
        self._model = model if ML in voters(strategies, self._rules) else None
        self._tell = tell
        self._feature_set = feature_set_of(interval)
        self._features = StreamingFeatures()
        self._last: dict[str, datetime] = {}

    def warm(self, bars: Iterable[Bar]) -> None:
        """Learn the history, in order of time; nothing is said of it."""
        for bar in bars:
            if self._next_start(bar) is not None:
                self._features.learn(bar.symbol, _stream_bar(bar))

    def take(self, bars: Sequence[Bar]) -> tuple[list[FeatureSnapshot], list[Signal]]:
        """Bars that are complete: a feature row for each whose symbol is warm, in their order, and its signals.

        A row is signalled at the end of its bar. Raises ValueError for a bar of another interval.
        """
        rows, days = list[UnnamedRow](), []
        for bar in bars:
            row = self._row(bar)
            if row is not None:
                rows.append(row)
                days.append(bar.session_date)
        snapshots = feature_snapshots(self._feature_set, rows)
        judged = (
            JudgedRow(
                feature_row_id=snapshot.feature_row_id,
                symbol=snapshot.symbol,
                session_date=day,
                signalled_at=snapshot.ended_at,
                features=snapshot.values,
                answer=self._answer(snapshot),
            )
            for snapshot, day in zip(snapshots, days, strict=True)
        )
        return snapshots, [signal for row in judged for signal in row_signals(row, self._rules, self._strategies)]

    def rescale(self, symbol: str, *, price_factor: float, volume_factor: float) -> None:
        """Tell the history of `symbol` in the terms of a corporate action; see `FeatureStream.rescale`."""
        self._features.rescale(symbol, price_factor=price_factor, volume_factor=volume_factor)

    def count(self, symbol: str) -> int:
        """How many bars of `symbol` were learned; from the 64th on there are features."""
        return self._features.count(symbol)

    def _row(self, bar: Bar) -> UnnamedRow | None:
        starts_at = self._next_start(bar)
        if starts_at is None or (features := self._features.update(bar.symbol, _stream_bar(bar))) is None:
            return None
        return UnnamedRow(bar.bar_id, bar.symbol, self._end(bar, starts_at), features)

    def _next_start(self, bar: Bar) -> datetime | None:
        """When a bar starts; None for one that is not after the last one of its symbol."""
        key = BarKey.parse(bar.bar_id)
        if key.interval != self._interval:
            raise ValueError(f"expected a bar of {self._interval}, found {bar.bar_id}")
        last = self._last.get(bar.symbol)
        if last is not None and key.bar_at <= last:
            self._tell(Problem(f"bar {bar.bar_id}", f"one after {last.isoformat()}", "an earlier one: it is left out"))
            return None
        self._last[bar.symbol] = key.bar_at
        return key.bar_at

    def _end(self, bar: Bar, starts_at: datetime) -> datetime:
        """When the bar was over: the session's close cuts the last one short where it lies inside it."""
        closes_at, ends_at = session_close(bar.session_date), starts_at + self._width
        return closes_at if starts_at < closes_at < ends_at else ends_at

    def _answer(self, snapshot: FeatureSnapshot) -> ModelAnswer | None:
        if self._model is None:
            return None
        probability = float(self._model.probability_up(snapshot.values))
        if not 0 <= probability <= 1:
            where = f"model version {self._model.model_version_id} on {snapshot.bar_id}"
            self._tell(Problem(where, "a probability from 0 to 1", str(probability)))
            return None
        return ModelAnswer(self._model.model_version_id, probability)


def _stream_bar(bar: Bar) -> StreamBar:
    prices = (float(bar.open), float(bar.high), float(bar.low), float(bar.close))
    return StreamBar(*prices, float(bar.volume), float(bar.session_date.weekday()))


def _check(strategies: Sequence[str], rules: StrategyRules, model: AskedModel | None) -> None:
    unknown = [name for name in (*strategies, *rules.composite.weights) if name not in STRATEGIES]
    if unknown:
        raise ConfigurationError(f"strategies: expected some of {', '.join(STRATEGIES)}; found {', '.join(unknown)}")
    if ML in voters(strategies, rules) and model is None:
        raise ConfigurationError(f"strategies {', '.join(strategies)}: expected a model to ask, found none")
