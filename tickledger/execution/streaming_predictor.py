"""The Predictors of a live session: what signals rest on is recorded before anybody acts on them."""

from collections.abc import Sequence
from typing import Protocol

from tickledger.domain.bar import Bar
from tickledger.domain.market import BarsClosed, MarketEvent, SessionOpening
from tickledger.domain.signal import Signal
from tickledger.features.snapshot import FeatureSnapshot
from tickledger.strategies.streaming import StreamingSignals


class LineageRecord(Protocol):
    """Where what signals rest on is kept; see `tickledger.domain.ports.Journal` for when it is durable."""

    def record_bars(self, bars: Sequence[Bar], interval: str) -> None: ...

    def record_features(self, rows: Sequence[FeatureSnapshot]) -> None: ...

    def record_signals(self, signals: Sequence[Signal]) -> None: ...


class StreamingPredictor:
    """The signals of `strategy`, which alone are traded, at each close of bars of `interval`.

    The signals of the other strategies are recorded beside them, to be judged on their own.
    """

    def __init__(self, streaming: StreamingSignals, record: LineageRecord, *, interval: str, strategy: str) -> None:
        self._streaming = streaming
        self._record = record
        self._interval = interval
        self._strategy = strategy

    def signals(self, event: MarketEvent) -> Sequence[Signal]:
        """What the strategies say of bars that have closed; nothing of any other event."""
        if not isinstance(event, BarsClosed):
            return []
        self._record.record_bars(event.bars, event.interval)
        if event.interval != self._interval:
            return []
        rows, signals = self._streaming.take(event.bars)
        self._record.record_features(rows)
        self._record.record_signals(signals)
        return [signal for signal in signals if signal.strategy == self._strategy]


class OpeningPredictor:
    """The Predictor of a session that trades, at its open, the signals made after the close before."""

    def __init__(self, signals: Sequence[Signal], record: LineageRecord) -> None:
        self._signals = signals
        self._record = record

    def signals(self, event: MarketEvent) -> Sequence[Signal]:
        """The signals at the opening; bars are recorded, because positions are marked by them."""
        if isinstance(event, BarsClosed):
            self._record.record_bars(event.bars, event.interval)
        return self._signals if isinstance(event, SessionOpening) else []
