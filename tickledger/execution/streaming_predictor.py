"""The Predictors of a live session: what signals rest on is recorded before anybody acts on them.

A corporate action that takes effect between two bars of a history changes its terms before the later bar is learned:
in the warm-up, where the action is of today or of a day before, and at the opening.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Protocol

from tickledger.bars.rescaling import history_factors
from tickledger.domain.bar import Bar
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind, in_order
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

    The signals of the other strategies are recorded beside them, to be judged on their own. Nothing is said of bars of
    other symbols than `symbols`, where these are given: they value what is held of them. `corporate_actions` are
    those that took effect since the first bar that it will be warmed with; what an opening brings may be among them.
    """

    def __init__(
        self,
        streaming: StreamingSignals,
        record: LineageRecord,
        *,
        interval: str,
        strategy: str,
        symbols: Collection[str] | None = None,
        corporate_actions: Iterable[CorporateAction] = (),
    ) -> None:
        self._streaming = streaming
        self._record = record
        self._interval = interval
        self._strategy = strategy
        self._symbols = symbols
        self._ahead = in_order(corporate_actions)
        self._taken: list[CorporateAction] = []
        self._closes: dict[str, Decimal] = {}

    def warm(self, events: Iterable[BarsClosed]) -> None:
        """Learn bars of before, in order; nothing is said of them."""
        for event in events:
            if event.interval == self._interval:
                self._begin(event.session_date)
                self._streaming.warm(event.bars)
                self._note(event.bars)

    def signals(self, event: MarketEvent) -> Sequence[Signal]:
        """What the strategies say of bars that have closed; nothing of any other event."""
        if isinstance(event, SessionOpening):
            news = (action for action in event.corporate_actions if action not in self._taken)
            self._ahead = in_order([*self._ahead, *news])
            self._begin(event.session_date)
        if not isinstance(event, BarsClosed):
            return []
        self._record.record_bars(event.bars, event.interval)
        if event.interval != self._interval:
            return []
        bars = [bar for bar in event.bars if self._symbols is None or bar.symbol in self._symbols]
        rows, signals = self._streaming.take(bars)
        self._note(bars)
        self._record.record_features(rows)
        self._record.record_signals(signals)
        return [signal for signal in signals if signal.strategy == self._strategy]

    def _begin(self, day: date) -> None:
        """Have what takes effect up to a day change the history."""
        while self._ahead and self._ahead[0].ex_date <= day:
            action = self._ahead.pop(0)
            self._taken.append(action)
            self._rescale(action)

    def _rescale(self, action: CorporateAction) -> None:
        symbol = action.symbol
        close = self._closes.get(symbol)
        factors = None if close is None else history_factors(action, close)
        if close is None or factors is None:
            return
        self._streaming.rescale(symbol, price_factor=factors.price, volume_factor=factors.volume)
        if action.kind is CorporateActionKind.SPLIT and action.ratio is not None:
            self._closes[symbol] = close * action.ratio.denominator / action.ratio.numerator
        else:
            self._closes[symbol] = close * Decimal(str(factors.price))

    def _note(self, bars: Iterable[Bar]) -> None:
        self._closes.update((bar.symbol, bar.close) for bar in bars)


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
