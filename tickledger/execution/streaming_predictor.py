"""The Predictors of a live session: what signals rest on is recorded before anybody acts on them."""

from collections.abc import Collection, Sequence
from datetime import timedelta
from typing import Protocol

from tickledger.domain.bar import Bar
from tickledger.domain.market import BarsClosed, MarketEvent, QuotesChanged, SessionOpening
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
    """The Predictor of a session that trades, from its open on, the signals made after the close before.

    With a `quote_limit`, each is told once its symbol has a quote of both sides that is not older, as nothing could be
    opened before; without, all of them at the opening.
    """

    def __init__(
        self, signals: Sequence[Signal], record: LineageRecord, *, quote_limit: timedelta | None = None
    ) -> None:
        self._ahead = list(signals)
        self._record = record
        self._quote_limit = quote_limit
        self._is_open = False

    def signals(self, event: MarketEvent) -> Sequence[Signal]:
        """The signals whose moment has come, each once; bars are recorded, because positions are marked by them."""
        match event:
            case BarsClosed():
                self._record.record_bars(event.bars, event.interval)
            case SessionOpening():
                self._is_open = True
                if self._quote_limit is None:
                    return self._told({signal.symbol for signal in self._ahead})
            case QuotesChanged() if self._is_open and self._quote_limit is not None:
                oldest = event.occurred_at - self._quote_limit
                fresh = (quote for quote in event.quotes if quote.bid and quote.ask and quote.quoted_at >= oldest)
                return self._told({quote.symbol for quote in fresh})
        return []

    def _told(self, symbols: Collection[str]) -> list[Signal]:
        told = [signal for signal in self._ahead if signal.symbol in symbols]
        self._ahead = [signal for signal in self._ahead if signal.symbol not in symbols]
        return told
