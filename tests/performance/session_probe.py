"""What a session takes from the inside: probes at its parts while it runs as it always does.

Times are milliseconds of the monotonic clock. A bar's time begins with the packet that completes it, the last piece of
the last symbol, and ends when its signals are returned; a quote's begins with the first packet since quotes were last
told. A decision's time begins when risk is asked; it ends when the broker's answer to its order arrives, and again
when that is booked.
"""

import importlib
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

from tickledger.domain.bar import Quote, TimeBar
from tickledger.domain.market import BarsClosed, MarketEvent, QuotesChanged
from tickledger.domain.order import OrderStatus
from tickledger.execution.live_market import LiveMarket
from tickledger.execution.session import TradingSession, TurnNews
from tickledger.execution.streaming_predictor import StreamingPredictor
from tickledger.gateway.flood import STAMP_BASE
from tickledger.ib import library
from tickledger.ib.market_data import MarketDataFeed
from tickledger.ib.order_tracking import OrderTracker, TrackedOrder
from tickledger.ib.pacing import Lane, Pacer
from tickledger.risk.pre_trade import PreTradeRisk

_OPEN_ENDED: Final = frozenset({OrderStatus.PENDING, OrderStatus.UNKNOWN})


@dataclass
class Probe:
    """What was seen of one session so far; as an onlooker it sees what became of orders."""

    received: int = 0
    bars_to_signals: list[float] = field(default_factory=list)
    quotes_to_signals: list[float] = field(default_factory=list)
    decisions_to_answers: list[float] = field(default_factory=list)
    held_back: list[float] = field(default_factory=list)
    decisions_to_booked: list[float] = field(default_factory=list)
    turns: list[float] = field(default_factory=list)
    _arrived: float = 0.0
    _completed: float = 0.0
    _quoted: float | None = None
    _decided: dict[str, float] = field(default_factory=dict)
    _unanswered: dict[str, float] = field(default_factory=dict)
    _paced: set[str] = field(default_factory=set)

    def __call__(self, news: TurnNews) -> None:
        """Note the orders of which the broker has said something."""
        now = time.monotonic()
        for state in news.orders:
            decided = self._decided.get(state.order.risk_decision_id)
            if decided is not None and state.status not in _OPEN_ENDED:
                del self._decided[state.order.risk_decision_id]
                self.decisions_to_booked.append((now - decided) * 1e3)

    def forget(self) -> None:
        """Begin anew, but for the orders under way."""
        self.received = 0
        decisions = (self.decisions_to_answers, self.decisions_to_booked, self.held_back)
        for times in (self.bars_to_signals, self.quotes_to_signals, *decisions, self.turns):
            times.clear()

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch the sessions of this process that begin within."""
        connection = importlib.import_module(f"{library.NAME}.connection").Connection
        probes: list[tuple[type[Any], str, Callable[[Any], Any]]] = [
            (connection, "data_received", self._on_packet),
            (MarketDataFeed, "_price", self._on_tick),
            (LiveMarket, "on_bar", self._on_bar),
            (LiveMarket, "on_quote", self._on_quote),
            (StreamingPredictor, "signals", self._on_signals),
            (PreTradeRisk, "check", self._on_check),
            (OrderTracker, "tell", self._on_told),
            (Pacer, "submit", self._on_submitted),
            (TradingSession, "step", self._on_step),
        ]
        with ExitStack() as stack:
            for owner, name, probe in probes:
                stack.enter_context(patch.object(owner, name, probe(getattr(owner, name))))
            yield

    def _on_packet(self, original: Any) -> Any:
        def data_received(connection: Any, data: bytes) -> None:
            self._arrived = time.monotonic()
            original(connection, data)

        return data_received

    def _on_tick(self, original: Any) -> Any:
        def price(feed: MarketDataFeed, number: int, kind: int, price: float, size: float) -> None:
            if size >= STAMP_BASE:
                self.received += 1
            original(feed, number, kind, price, size)

        return price

    def _on_bar(self, original: Any) -> Any:
        def on_bar(market: LiveMarket, bar: TimeBar) -> None:
            self._completed = self._arrived
            original(market, bar)

        return on_bar

    def _on_quote(self, original: Any) -> Any:
        def on_quote(market: LiveMarket, quote: Quote, arrived_at: datetime) -> None:
            if self._quoted is None:
                self._quoted = self._arrived
            original(market, quote, arrived_at)

        return on_quote

    def _on_signals(self, original: Any) -> Any:
        def signals(predictor: StreamingPredictor, event: MarketEvent) -> Any:
            found = original(predictor, event)
            now = time.monotonic()
            if isinstance(event, BarsClosed):
                self.bars_to_signals.append((now - self._completed) * 1e3)
            elif isinstance(event, QuotesChanged) and self._quoted is not None:
                self.quotes_to_signals.append((now - self._quoted) * 1e3)
                self._quoted = None
            return found

        return signals

    def _on_check(self, original: Any) -> Any:
        def check(*arguments: Any, **options: Any) -> Any:
            began = time.monotonic()
            decision = original(*arguments, **options)
            if decision.is_approved:
                self._decided[decision.risk_decision_id] = self._unanswered[decision.risk_decision_id] = began
            return decision

        return check

    def _on_told(self, original: Any) -> Any:
        def tell(tracker: OrderTracker, tracked: TrackedOrder, status: OrderStatus, *details: Any, **more: Any) -> None:
            if tracked.order is not None and status not in _OPEN_ENDED:
                decided = self._unanswered.pop(tracked.order.risk_decision_id, None)
                if decided is not None:
                    is_held = tracked.order_id in self._paced
                    answers = self.held_back if is_held else self.decisions_to_answers
                    answers.append((time.monotonic() - decided) * 1e3)
            original(tracker, tracked, status, *details, **more)

        return tell

    def _on_submitted(self, original: Any) -> Any:
        def submit(pacer: Pacer, send: Callable[[], None], *, lane: Lane, key: str = "") -> None:
            original(pacer, send, lane=lane, key=key)
            if key in pacer.keys():  # noqa: SIM118  no dict
                self._paced.add(key)

        return submit

    def _on_step(self, original: Any) -> Any:
        async def step(session: TradingSession, event: MarketEvent) -> None:
            began = time.process_time()
            await original(session, event)
            self.turns.append((time.process_time() - began) * 1e3)

        return step


@dataclass(frozen=True)
class Footprint:
    """What this process holds: megabytes of memory, and files and sockets that are open."""

    megabytes: float
    files: int


def footprint() -> Footprint:
    """As Linux has it at this moment."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return Footprint(pages * 4096 / 1e6, len(list(Path("/proc/self/fd").iterdir())))
