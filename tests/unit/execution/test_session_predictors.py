"""When the strategies of a session are asked, and what is recorded before anybody acts on the answer."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

import pytest

from tests.trading import signal
from tickledger.bars.calendars import session_open
from tickledger.domain.bar import Bar, BarKey, Quote
from tickledger.domain.market import BarsClosed, Beat, QuotesChanged, SessionOpening
from tickledger.domain.signal import Signal
from tickledger.execution.streaming_predictor import OpeningPredictor, StreamingPredictor
from tickledger.features.snapshot import FeatureSnapshot
from tickledger.strategies.streaming import StreamingSignals

DAY: Final = date(2012, 1, 4)
OPENS_AT: Final = session_open(DAY)
A_MINUTE: Final = timedelta(minutes=1)


class Kept:
    """The record of what signals rest on, in the order in which it was given."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self.bar_ids: set[str] = set()
        self.row_ids: set[str] = set()

    def record_bars(self, bars: Sequence[Bar], interval: str) -> None:
        self.kept += [f"bar {interval}" for _ in bars]
        self.bar_ids |= {bar.bar_id for bar in bars}

    def record_features(self, rows: Sequence[FeatureSnapshot]) -> None:
        assert {row.bar_id for row in rows} <= self.bar_ids
        self.kept += ["row" for _ in rows]
        self.row_ids |= {row.feature_row_id for row in rows}

    def record_signals(self, signals: Sequence[Signal]) -> None:
        assert {one.feature_row_id for one in signals} <= self.row_ids
        self.kept += ["signal" for _ in signals]


def closed(at: datetime, interval: str, width: timedelta, close: float) -> BarsClosed:
    price = Decimal(str(round(close, 2)))
    bar = Bar(str(BarKey("A", interval, at)), "A", DAY, price, price + 1, price - 1, price, 1000)
    return BarsClosed(DAY, at + width, interval, (bar,))


@pytest.mark.parametrize(("interval", "width"), [("1sec", timedelta(seconds=1)), ("1min", A_MINUTE)])
def test_from_the_64th_bar_on_every_bar_is_judged_and_what_it_rests_on_is_kept_first(
    interval: str, width: timedelta
) -> None:
    kept = Kept()
    predictor = StreamingPredictor(StreamingSignals(interval=interval), kept, interval=interval, strategy="momentum")
    told = []
    for number in range(70):
        event = closed(OPENS_AT + number * width, interval, width, 100 + (number % 7) / 10)
        signals = predictor.signals(event)
        assert {one.strategy for one in signals} <= {"momentum"}
        assert {one.signalled_at for one in signals} <= {event.occurred_at}
        told.append(len(signals))
    assert sum(told[:63]) == 0
    assert all(told[63:])
    assert kept.kept[63:66] == [f"bar {interval}", "row", "signal"]


def test_bars_of_another_interval_are_kept_and_not_judged() -> None:
    kept = Kept()
    predictor = StreamingPredictor(StreamingSignals(interval="5min"), kept, interval="5min", strategy="momentum")
    for number in range(70):
        assert predictor.signals(closed(OPENS_AT + number * A_MINUTE, "1min", A_MINUTE, 100)) == []
    assert kept.kept == ["bar 1min"] * 70


def evening(quote_limit: timedelta | None) -> OpeningPredictor:
    return OpeningPredictor([signal("BUY A 2012-01-03"), signal("SELL B 2012-01-03")], Kept(), quote_limit=quote_limit)


def quotes(at: datetime, **bids: str) -> QuotesChanged:
    """Quotes as ``A="10 0"``: the bid, and its age in seconds; a bid of 0 is none."""
    told = []
    for symbol, text in bids.items():
        bid, age = map(Decimal, text.split())
        told.append(Quote(symbol, at - timedelta(seconds=float(age)), bid, Decimal(11), 100, 100))
    return QuotesChanged(DAY, at, tuple(told))


def symbols(signals: Sequence[Signal]) -> list[str]:
    return [one.symbol for one in signals]


def test_an_evenings_signals_are_told_at_the_open_where_no_quote_is_asked_for() -> None:
    predictor = evening(None)
    assert symbols(predictor.signals(SessionOpening(DAY, OPENS_AT))) == ["A", "B"]
    assert symbols(predictor.signals(SessionOpening(DAY, OPENS_AT))) == []


def test_where_quotes_are_asked_for_each_signal_waits_for_a_fresh_one_of_both_sides() -> None:
    predictor = evening(A_MINUTE)
    assert symbols(predictor.signals(quotes(OPENS_AT - A_MINUTE, A="10 0"))) == []
    assert symbols(predictor.signals(SessionOpening(DAY, OPENS_AT))) == []
    assert symbols(predictor.signals(quotes(OPENS_AT, A="10 61", B="0 0"))) == []
    assert symbols(predictor.signals(Beat(DAY, OPENS_AT))) == []
    assert symbols(predictor.signals(quotes(OPENS_AT, A="10 60"))) == ["A"]
    assert symbols(predictor.signals(quotes(OPENS_AT, A="10 0", B="10 0"))) == ["B"]
    assert symbols(predictor.signals(quotes(OPENS_AT, A="10 0", B="10 0"))) == []
