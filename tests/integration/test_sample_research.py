"""From the bundled bars to signals, as the demo does it: no look ahead, and enough trades to fill a tax form."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pytest

from ml.models import gradient_boosting, random_forest
from ml.models.random_forest import RandomForestParameters
from ml.training import Candidate, champion, plan_direction, train, train_direction
from tickledger.bars.adjustment import adjust
from tickledger.bars.sample import SAMPLE_BARS, SAMPLE_CORPORATE_ACTIONS
from tickledger.bars.sources import read_bars_file, read_corporate_actions_file
from tickledger.domain.signal import Signal, SignalType
from tickledger.features.daily import FEATURE_NAMES, daily_features
from tickledger.strategies.signals import TRADED_STRATEGY, daily_signals

YEARS = (2011, 2012)
FEWER_TREES = (random_forest(RandomForestParameters(n_estimators=40)), gradient_boosting())


@dataclass(frozen=True, slots=True)
class Sample:
    """Raw bars and corporate actions, and what is made of them."""

    bars: pd.DataFrame
    actions: pd.DataFrame

    @property
    def adjusted(self) -> pd.DataFrame:
        return adjust(self.bars, self.actions)


@dataclass(frozen=True, slots=True)
class RoundTrip:
    """A long position of the composite, opened and closed at the open after the signal."""

    symbol: str
    bought: date
    sold: date
    is_loss: bool


@pytest.fixture(scope="module")
def sample() -> Sample:
    bars, _ = read_bars_file(SAMPLE_BARS)
    actions, _ = read_corporate_actions_file(SAMPLE_CORPORATE_ACTIONS)
    return Sample(bars=bars, actions=actions)


def probabilities(candidate: Candidate, features: pd.DataFrame) -> list[float]:
    up = candidate.estimator.predict_proba(features[list(FEATURE_NAMES)].astype(np.float32))[:, 1]
    return [float(probability) for probability in up]


@pytest.fixture(scope="module")
def traded_signals(sample: Sample) -> list[Signal]:
    """The composite's signals of both years, each year's by its own champion."""
    adjusted = sample.adjusted
    features = daily_features(adjusted)
    signals: list[Signal] = []
    for year in YEARS:
        rows = features[features["timestamp"].dt.year == year]
        best = champion(train_direction(features, adjusted, year=year))
        signals += daily_signals(rows, probabilities=probabilities(best, rows), model_version_id=f"model_{year}")
    return [signal for signal in signals if signal.strategy == TRADED_STRATEGY]


def round_trips(signals: Sequence[Signal], bars: pd.DataFrame) -> list[RoundTrip]:
    trips: list[RoundTrip] = []
    for symbol, own in bars.groupby("symbol"):
        opens = [(stamp.date(), price) for stamp, price in zip(own["timestamp"], own["open"], strict=True)]
        next_open = dict(zip([day for day, _ in opens], opens[1:], strict=False))
        bought: tuple[date, float] | None = None
        for signal in sorted((s for s in signals if s.symbol == symbol), key=lambda s: s.session_date):
            fill = next_open[signal.session_date]
            if signal.signal_type is SignalType.BUY and bought is None:
                bought = fill
            elif signal.signal_type is SignalType.CLOSE_LONG and bought is not None:
                trips.append(RoundTrip(str(symbol), bought[0], fill[0], is_loss=fill[1] < bought[1]))
                bought = None
    return trips


def test_the_composite_makes_at_least_ten_round_trips_a_year_and_does_not_churn(
    sample: Sample, traded_signals: list[Signal]
) -> None:
    trips = round_trips(traded_signals, sample.bars)
    for year in YEARS:
        of_the_year = [trip for trip in trips if trip.sold.year == year]
        assert 10 <= len(of_the_year) <= 60
    held = sorted((trip.sold - trip.bought).days for trip in trips)
    assert held[len(held) // 2] >= 7


def test_some_losses_are_followed_by_a_purchase_within_thirty_days(
    sample: Sample, traded_signals: list[Signal]
) -> None:
    trips = round_trips(traded_signals, sample.bars)
    washed = [
        (loss.symbol, loss.sold)
        for loss in trips
        if loss.is_loss and loss.sold.year == YEARS[-1]
        for other in trips
        if other.symbol == loss.symbol and 0 < (other.bought - loss.sold).days <= 30
    ]
    assert washed


def test_the_models_of_the_sample_train_on_sessions_before_their_year(sample: Sample) -> None:
    adjusted = sample.adjusted
    features = daily_features(adjusted)
    for year in YEARS:
        data = plan_direction(features, adjusted, year=year).data
        assert data.label_sessions.max() == pd.Timestamp(year - 1, 12, 30 if year == 2012 else 31, tz="UTC")
        assert data.last_date < data.label_sessions.max().date()


def with_the_future_corrupted(sample: Sample, year: int) -> Sample:
    """Garbage for every raw bar from the year on, a 3-for-1 split and a dividend in it that never were."""
    rng = np.random.default_rng(5)
    bars = sample.bars.copy()
    unknown = bars["timestamp"].dt.year >= year
    for column in ("open", "high", "low", "close"):
        bars[column] = bars[column].where(~unknown, rng.uniform(1, 1000, len(bars)))
    events = pd.DataFrame(
        {
            "symbol": ["AAPL", "IBM"],
            "ex_date": pd.to_datetime([f"{year}-03-01", f"{year}-05-01"]).as_unit("us"),
            "kind": ["split", "dividend"],
            "ratio": [3.0, np.nan],
            "amount": [np.nan, 7.0],
        }
    )
    return Sample(bars=bars, actions=pd.concat([sample.actions, events], ignore_index=True))


@pytest.mark.long
def test_no_bar_split_or_dividend_of_a_year_changes_the_model_for_it(sample: Sample) -> None:
    predicted = []
    features_then = daily_features(sample.adjusted)
    for known in (sample, with_the_future_corrupted(sample, 2012)):
        adjusted = known.adjusted
        features = daily_features(adjusted)
        candidates = train(plan_direction(features, adjusted, year=2012, algorithms=FEWER_TREES))
        predicted.append([probabilities(candidate, features_then) for candidate in candidates])
    assert predicted[0] == predicted[1]
