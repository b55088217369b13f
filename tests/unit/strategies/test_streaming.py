"""Signals as bars complete: the daily ones where the bars are daily, tied to feature rows and bars, deterministic."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tickledger.bars.calendars import session_open, sessions
from tickledger.domain.bar import Bar, BarKey
from tickledger.domain.errors import ConfigurationError, Problem
from tickledger.domain.signal import Signal
from tickledger.features.daily import FEATURE_NAMES, bar_features
from tickledger.strategies.composite import CompositeRule
from tickledger.strategies.signals import (
    COMPOSITE,
    MEAN_REVERSION,
    ML,
    MOMENTUM,
    STRATEGIES,
    JudgedRow,
    ModelAnswer,
    StrategyRules,
    row_signals,
)
from tickledger.strategies.streaming import AskedModel, StreamingSignals

SYMBOLS = ("AAPL", "IBM")
DAYS = sessions(datetime(2012, 3, 1, tzinfo=UTC).date(), datetime(2012, 3, 2, tzinfo=UTC).date())
BY_RULE = StrategyRules(composite=CompositeRule(weights={MOMENTUM: 0.5, MEAN_REVERSION: 0.5}))


def minutes(symbol: str, *, count: int, seed: int = 1) -> list[Bar]:
    """The last `count` minutes of two sessions, a random walk in cents."""
    rng = np.random.default_rng([seed, len(symbol), *map(ord, symbol)])
    starts = [session_open(day) + timedelta(minutes=minute) for day in DAYS for minute in range(390)][-count:]
    bars, close = [], 5_000
    for start in starts:
        before, close = close, close + int(rng.integers(-8, 9))
        high, low = max(before, close) + int(rng.integers(0, 4)), min(before, close) - int(rng.integers(0, 4))
        bar_id, volume = str(BarKey(symbol, "1min", start)), int(rng.integers(0, 900))
        open_, top, bottom, last = (Decimal(cents).scaleb(-2) for cents in (before, high, low, close))
        bars.append(Bar(bar_id, symbol, start.date(), open_, top, bottom, last, volume))
    return bars


def by_minute(*, count: int = 400) -> list[tuple[Bar, ...]]:
    return list(zip(*(minutes(symbol, count=count) for symbol in SYMBOLS), strict=True))


def frame(bars: Sequence[Bar]) -> pd.DataFrame:
    rows = [
        (
            bar.bar_id,
            bar.symbol,
            pd.Timestamp(BarKey.parse(bar.bar_id).bar_at),
            *(float(price) for price in (bar.open, bar.high, bar.low, bar.close)),
            float(bar.volume),
        )
        for bar in bars
    ]
    return pd.DataFrame(rows, columns=["bar_id", "symbol", "timestamp", "open", "high", "low", "close", "volume"])


def rising(features: Mapping[str, float]) -> float:
    return 0.5 + float(np.tanh(100 * features["log_return_5"])) / 3


MODEL = AskedModel("model_1", rising)


def test_rows_and_signals_are_those_of_the_batch_form() -> None:
    """Every minute of two symbols, against the features of the whole frame and the rules applied to its rows."""
    streaming = StreamingSignals(interval="1min", strategies=STRATEGIES, model=MODEL)
    told = by_minute()
    rows, signals = [], list[Signal]()
    for bars in told:
        new_rows, new_signals = streaming.take(bars)
        rows += new_rows
        signals += new_signals
    whole = bar_features(frame([bar for bars in told for bar in bars]), feature_set="intraday-1min-v1")
    expected = whole.sort_values(["timestamp", "symbol"], ignore_index=True)
    assert len(rows) == len(expected) == 2 * (400 - 63)
    assert [row.feature_row_id for row in rows] == expected["feature_row_id"].tolist()
    assert [row.bar_id for row in rows] == expected["bar_id"].tolist()
    ends = (expected["timestamp"] + pd.Timedelta(minutes=1)).tolist()
    assert [row.ended_at for row in rows] == ends
    assert all(tuple(row.values) == FEATURE_NAMES for row in rows)
    found = pd.DataFrame([row.values for row in rows])  # noqa: PD011  no frame's values
    np.testing.assert_allclose(found, expected[list(FEATURE_NAMES)], rtol=1e-9, atol=1e-9)
    records: list[dict[str, Any]] = [
        {str(name): cell for name, cell in record.items()} for record in expected.to_dict("records")
    ]
    judged = [
        JudgedRow(
            feature_row_id=record["feature_row_id"],
            symbol=record["symbol"],
            session_date=record["timestamp"].date(),
            signalled_at=end.to_pydatetime(),
            features=record,
            answer=ModelAnswer("model_1", rising(record)),
        )
        for record, end in zip(records, ends, strict=True)
    ]
    by_batch = [signal for row in judged for signal in row_signals(row, StrategyRules())]
    assert signals == by_batch
    assert {signal.strategy for signal in signals} == set(STRATEGIES)
    assert len({signal.signal_id for signal in signals}) == len(signals)
    assert len({(signal.strategy, signal.signal_type) for signal in signals}) >= 8


def test_the_same_bars_give_the_same_rows_and_signals_after_a_restart() -> None:
    told = by_minute()
    first, second = (StreamingSignals(interval="1min") for _ in range(2))
    whole = [first.take(bars) for bars in told]
    second.warm(bar for bars in told[:300] for bar in bars)
    assert (second.count("AAPL"), second.count("X")) == (300, 0)
    assert [second.take(bars) for bars in told[300:]] == whole[300:]


def test_only_what_is_asked_for_is_signalled_and_what_a_composite_is_made_of() -> None:
    told = by_minute(count=64)

    def said(*strategies: str, rules: StrategyRules | None = None, model: AskedModel | None = None) -> list[Signal]:
        streaming = StreamingSignals(interval="1min", strategies=strategies, rules=rules, model=model)
        return [signal for bars in told for signal in streaming.take(bars)[1] if signal.symbol == "AAPL"]

    assert [signal.strategy for signal in said(MEAN_REVERSION)] == [MEAN_REVERSION]
    assert [signal.strategy for signal in said(ML, model=MODEL)] == [ML]
    assert [signal.strategy for signal in said(COMPOSITE, model=MODEL)] == [*STRATEGIES]
    *votes, verdict = said(COMPOSITE, rules=BY_RULE)
    assert [vote.strategy for vote in votes] == [MOMENTUM, MEAN_REVERSION]
    assert (verdict.strategy, verdict.model_version_id) == (COMPOSITE, None)
    assert verdict.component_ids == tuple(vote.signal_id for vote in votes)


def test_a_strategy_without_its_model_is_refused_before_anything_is_traded() -> None:
    with pytest.raises(ConfigurationError, match="expected a model to ask"):
        StreamingSignals(interval="1min", strategies=[ML])
    with pytest.raises(ConfigurationError, match="expected a model to ask"):
        StreamingSignals(interval="1min", strategies=[COMPOSITE])
    with pytest.raises(ConfigurationError, match="found astrology"):
        StreamingSignals(interval="1min", strategies=["astrology"])


@pytest.mark.parametrize("answer", [float("nan"), float("inf"), -0.1, 1.1])
def test_an_answer_that_is_no_probability_silences_the_model_and_is_told(answer: float) -> None:
    problems: list[Problem] = []
    model = AskedModel("model_1", lambda _: answer)
    streaming = StreamingSignals(interval="1min", strategies=STRATEGIES, model=model, tell=problems.append)
    *_, (rows, signals) = [streaming.take(bars) for bars in by_minute(count=64)]
    assert len(rows) == 2
    assert [signal.strategy for signal in signals] == [MOMENTUM, MEAN_REVERSION] * 2
    assert [problem.expected for problem in problems] == ["a probability from 0 to 1"] * 2
    assert problems[0].where == f"model version model_1 on {rows[0].bar_id}"


def test_a_bar_that_was_taken_is_not_taken_again_nor_one_before_it() -> None:
    problems: list[Problem] = []
    told = minutes("AAPL", count=70)
    streaming = StreamingSignals(interval="1min", tell=problems.append)
    streaming.warm(told[:66])
    assert streaming.take([told[65], told[10]]) == ([], [])
    assert [problem.where for problem in problems] == [f"bar {told[65].bar_id}", f"bar {told[10].bar_id}"]
    other = StreamingSignals(interval="1min")
    other.warm(told[:66])
    assert streaming.take(told[66:67]) == other.take(told[66:67])


def test_a_bar_of_another_interval_is_refused() -> None:
    bar = minutes("AAPL", count=1)[0]
    with pytest.raises(ValueError, match="expected a bar of 5min, found bar_AAPL_1min"):
        StreamingSignals(interval="5min").take([bar])


def test_a_bar_that_the_close_cuts_short_ends_at_the_close() -> None:
    streaming = StreamingSignals(interval="1hour")
    days = sessions(datetime(2012, 2, 15, tzinfo=UTC).date(), DAYS[-1])
    starts = [(day, session_open(day) + timedelta(hours=hour)) for day in days for hour in range(7)]
    hours = [
        replace(bar, bar_id=str(BarKey("AAPL", "1hour", start)), session_date=day)
        for bar, (day, start) in zip(minutes("AAPL", count=len(starts)), starts, strict=True)
    ]
    rows = [row for bar in hours for row in streaming.take([bar])[0]]
    assert rows[-1].ended_at == datetime(2012, 3, 2, 21, 0, tzinfo=UTC)
    assert rows[-2].ended_at == datetime(2012, 3, 2, 20, 30, tzinfo=UTC)


def test_a_split_overnight_changes_no_signal() -> None:
    told = minutes("AAPL", count=500)
    turn = 110  # the first minute of the second day
    plain, split = (StreamingSignals(interval="1min") for _ in range(2))
    plain.warm(told[:turn])
    split.warm(told[:turn])
    split.rescale("AAPL", price_factor=0.5, volume_factor=2.0)
    for bar in told[turn:]:
        half = {name: getattr(bar, name) / 2 for name in ("open", "high", "low", "close")}
        after = split.take([replace(bar, **half, volume=bar.volume * 2)])
        before = plain.take([bar])
        assert [row.feature_row_id for row in after[0]] == [row.feature_row_id for row in before[0]]
        assert after[1] == before[1]
