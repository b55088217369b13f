"""Corporate actions between two sessions: the history is told in today's terms once, whenever a session begins."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from tickledger.bars.calendars import session_close, session_open
from tickledger.domain.bar import Bar, BarKey
from tickledger.domain.corporate_action import CorporateAction, CorporateActionKind
from tickledger.domain.market import BarsClosed, SessionOpening
from tickledger.domain.signal import Signal
from tickledger.execution.streaming_predictor import StreamingPredictor
from tickledger.features.snapshot import FeatureSnapshot
from tickledger.strategies.streaming import StreamingSignals

YESTERDAY, TODAY = date(2013, 3, 27), date(2013, 3, 28)
SPLIT = CorporateAction("AAPL", TODAY, CorporateActionKind.SPLIT, ratio=Fraction(2))
DIVIDEND = CorporateAction("AAPL", TODAY, CorporateActionKind.DIVIDEND, amount=Decimal("1.50"))


class Rows:
    """A record that keeps the feature rows."""

    def __init__(self) -> None:
        self.features: list[FeatureSnapshot] = []

    def record_bars(self, bars: Sequence[Bar], interval: str) -> None: ...

    def record_features(self, rows: Sequence[FeatureSnapshot]) -> None:
        self.features += rows

    def record_signals(self, signals: Sequence[Signal]) -> None: ...


def walk(day: date, *, at: float, count: int) -> list[Bar]:
    """The last `count` minutes of a session, from a random walk at about a price, USD."""
    rng = np.random.default_rng(day.toordinal())
    bars, close = [], round(at * 100)
    for minute in range(count):
        starts_at = session_close(day) - timedelta(minutes=count - minute)
        before, close = close, close + 2 * int(rng.integers(-8, 9))
        open_, high, low, last = (
            Decimal(cents).scaleb(-2) for cents in (before, max(before, close) + 2, min(before, close) - 2, close)
        )
        bar_id = str(BarKey("AAPL", "1min", starts_at))
        bars.append(Bar(bar_id, "AAPL", day, open_, high, low, last, int(rng.integers(1, 900))))
    return bars


def halved(bar: Bar) -> Bar:
    prices = {name: getattr(bar, name) / 2 for name in ("open", "high", "low", "close")}
    return replace(bar, volume=bar.volume * 2, **prices)


def closed(bars: Iterable[Bar]) -> list[BarsClosed]:
    return [BarsClosed(bar.session_date, BarKey.parse(bar.bar_id).bar_at, "1min", (bar,)) for bar in bars]


def opening(*actions: CorporateAction) -> SessionOpening:
    return SessionOpening(TODAY, session_open(TODAY), actions)


def predictor(rows: Rows, *actions: CorporateAction) -> StreamingPredictor:
    streaming = StreamingSignals(interval="1min")
    return StreamingPredictor(streaming, rows, interval="1min", strategy="mean_reversion", corporate_actions=actions)


def told(rows: Rows, one: StreamingPredictor, bars: Iterable[Bar]) -> list[dict[str, float]]:
    """The features that a predictor finds of bars."""
    for event in closed(bars):
        one.signals(event)
    return [dict(row.values) for row in rows.features]


def reference() -> list[dict[str, float]]:
    """As if all had been traded in today's shares from the beginning."""
    rows = Rows()
    one = predictor(rows)
    one.warm(closed(map(halved, walk(YESTERDAY, at=100, count=200))))
    one.signals(opening())
    return told(rows, one, walk(TODAY, at=50, count=60))


def same(found: Sequence[dict[str, float]], expected: Sequence[dict[str, float]]) -> None:
    assert len(found) == len(expected) > 0
    for row, other in zip(found, expected, strict=True):
        assert row == pytest.approx(other, rel=1e-6, abs=1e-6)


def test_a_split_at_the_opening_changes_the_terms_of_the_history() -> None:
    rows = Rows()
    one = predictor(rows)
    one.warm(closed(walk(YESTERDAY, at=100, count=200)))
    one.signals(opening(SPLIT))
    same(told(rows, one, walk(TODAY, at=50, count=60)), reference())


def test_a_session_that_begins_after_the_split_finds_the_same_and_takes_it_once() -> None:
    rows = Rows()
    one = predictor(rows, SPLIT)
    today = walk(TODAY, at=50, count=60)
    one.warm(closed([*walk(YESTERDAY, at=100, count=200), *today[:30]]))
    one.signals(opening(SPLIT))
    same(told(rows, one, today[30:]), reference()[30:])


def test_without_it_a_split_looks_like_a_fall_by_half() -> None:
    rows = Rows()
    one = predictor(rows)
    one.warm(closed(walk(YESTERDAY, at=100, count=200)))
    one.signals(opening())
    assert told(rows, one, walk(TODAY, at=50, count=60))[0]["log_return_1"] < -0.6


def test_a_dividend_takes_what_it_hands_out_from_the_history() -> None:
    rows = Rows()
    one = predictor(rows)
    yesterday = walk(YESTERDAY, at=100, count=200)
    one.warm(closed(yesterday))
    one.signals(opening(DIVIDEND))
    last, first = yesterday[-1].close, walk(TODAY, at=98.5, count=60)
    found = told(rows, one, first)[0]["log_return_1"]
    assert found == pytest.approx(float(np.log(float(first[0].close / (last - Decimal("1.50"))))), abs=1e-6)


def test_a_dividend_beside_a_split_is_one_of_the_new_shares() -> None:
    rows = Rows()
    one = predictor(rows)
    yesterday = walk(YESTERDAY, at=100, count=200)
    one.warm(closed(yesterday))
    one.signals(opening(DIVIDEND, SPLIT))
    last, first = yesterday[-1].close / 2, walk(TODAY, at=48.5, count=60)
    found = told(rows, one, first)[0]["log_return_1"]
    assert found == pytest.approx(float(np.log(float(first[0].close / (last - Decimal("1.50"))))), abs=1e-6)


def test_an_action_of_a_symbol_without_a_history_changes_nothing() -> None:
    rows = Rows()
    one = predictor(rows)
    one.signals(opening(SPLIT, replace(SPLIT, symbol="NEW")))
    assert told(rows, one, walk(TODAY, at=50, count=70))[0]["log_return_1"] == pytest.approx(0, abs=0.01)
